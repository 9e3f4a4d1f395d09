"""The example of the document runs as it stands."""

import re
from pathlib import Path

import pytest
from kobo_fakes import UID, recorded

from survey_tools.kobo.sandbox import Sandbox

DOCUMENT = Path(__file__).parents[2] / "docs" / "kobo.md"
LOG = b"event,node,start,end\nquestion,/data/hh/hh_size,1761962400000,1761962405000\n"


@pytest.fixture
def sandbox():
    versions = recorded("pilot/15_versions_v2.json")["results"]
    asset = {
        "uid": UID,
        "name": "Household survey",
        "owner": "surveyor",
        "versions": [
            {
                "uid": version["uid"],
                "date_deployed": version["date_deployed"],
                "content": recorded(f"pilot/16_version_{version['uid']}.json")["content"],
            }
            for version in versions
        ],
        "submissions": [
            {**row, "_attachments": []}
            for row in recorded("pilot/18_data_mixed_versions.json")["results"]
        ],
    }
    with Sandbox([asset]) as running:
        running.attach(UID, 4, "audit.csv", LOG, question="audit")
        yield running


def test_docs__example_runs(sandbox, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KOBO_TOKEN", sandbox.token)
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    example = example.replace("https://kf.kobotoolbox.org", sandbox.url)
    example = example.replace('"roster"', '"member"')
    names = {}
    exec(example, names)
    assert len(names["tables"].frames["main"]) == 55
    assert "village" in names["tables"].frames["main"]
    assert "hamlet" not in names["tables"].frames["main"]
    assert names["seconds_of_rows"]("household.files").questions["seconds"].tolist() == [5.0]


def test_docs__every_call_of_the_store_exists():
    from survey_tools.kobo import Store

    calls = set(re.findall(r"store\.(\w+)\(", DOCUMENT.read_text(encoding="utf-8")))
    assert {"check", "export", "find", "erase", "tables"} <= calls
    assert all(hasattr(Store, call) for call in calls)
