"""Pages are made once, redone when what they rest on changes, and fail one at a time."""

from __future__ import annotations

import json
import shutil
import stat

import pytest
from run_workspace import COMMUNES, make_workspace

from survey_tools.params import open_workspace
from survey_tools.run import Choices, run_reports


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A workspace after a run in which the page of one commune failed."""
    ws = make_workspace(tmp_path_factory.mktemp("finished") / "ws", "raises_for_one_commune")
    return ws, run_reports(ws, "main", COMMUNES, ["vi"])


def test_run_reports__a_failed_page_costs_no_other(finished):
    ws, outcome = finished
    assert (outcome.made, outcome.failed, outcome.exit_code) == (2, 1, 1)
    folder = ws.reports("main")
    assert sorted(path.name for path in folder.glob("*.html")) == [
        "10291.vi.html",
        "codebook.en.html",
        "codebook.html",
        "district.vi.html",
        "index.en.html",
        "index.html",
        "suppression.en.html",
        "suppression.vi.html",
        "triage.en.html",
        "triage.html",
    ]
    assert sorted(path.name for path in (folder / "notebooks").iterdir()) == [
        "10288.vi.failed.ipynb",
        "10291.vi.ipynb",
        "district.vi.ipynb",
    ]


def test_run_reports__record_says_what_failed_and_where(finished):
    ws, _ = finished
    folder = ws.reports("main")
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    pages = {page["code"]: page for page in record["pages"]}
    assert {code: page["status"] for code, page in pages.items()} == {
        "10288": "failed",
        "10291": "ok",
        "district": "ok",
    }
    failed = pages["10288"]
    assert failed["error"] == "ValueError: no answers"
    assert failed["cell"].startswith("check: ")
    log = folder / failed["log"]
    assert "no answers" in log.read_text(encoding="utf-8")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert record["pulls"][0]["proof"] == "ab"
    assert record["finished"] >= record["started"]
    assert record["synthetic"] is True


def test_run_reports__the_index_tells_of_the_failure(finished):
    _, outcome = finished
    page = outcome.index.read_text(encoding="utf-8")
    assert 'href="10291.vi.html"' in page
    assert 'href="10288.vi.html"' not in page
    assert "no answers" in page


def test_run_reports__a_second_run_does_only_what_failed(finished, tmp_path, capsys):
    shutil.copytree(finished[0].root, tmp_path / "ws")
    ws = open_workspace(tmp_path / "ws" / "params" / "study.yml")
    outcome = run_reports(ws, "main", COMMUNES, ["vi"], Choices(explain=True))
    assert (outcome.made, outcome.unchanged, outcome.failed) == (0, 2, 1)
    told = capsys.readouterr().err
    assert "10288.vi: failed the last time" in told
    assert "10291.vi: unchanged" in told
    assert 'href="10291.vi.html"' in outcome.index.read_text(encoding="utf-8")
