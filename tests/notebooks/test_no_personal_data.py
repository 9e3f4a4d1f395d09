"""After a whole run: no planted phone, position or name beyond `data/raw` and `data/private`.

Searched with none of the project's finders: the values are those that the synthetic district has sent.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from survey_tools.kobo import Store
from survey_tools.params import open_workspace
from survey_tools.synthetic.planting import INVENTED_TEXTS
from tests_support import survey_tools

pytestmark = [pytest.mark.slow]

NAMES = ("Nguyễn Thị Hạnh", "Trần Văn Bình", "Phạm Thu Trang", "Lê Đức Mạnh", "Vũ Thị Lan",
         "Hoàng Văn Sơn")  # fmt: skip
PHONES = ("0301234567", "0302345678", "0303456789", "0304567890")
"""What stands in the texts that are planted."""

REMARKS = ("comment", "enum_note", "problem")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{200,}={0,2}")


@pytest.fixture(scope="module")
def planted(workspace):
    """Phones, positions, names and remarks of every row, in several spellings."""
    ws = open_workspace(workspace / "params" / "study.yml")
    answers = []
    for form in ("household", "team_log"):
        with Store.read(ws.store(form)) as store:
            answers += [
                (key.rsplit("/", 1)[-1], str(row[key])) for row in store.rows() for key in row
            ]
    said = {name: {text for key, text in answers if key == name} for name, _ in answers}
    phones = said["phone_recontact"] | set(PHONES)
    positions = [point.split()[:2] for point in said["gps"]]
    texts = {text for name in REMARKS for text in said[name] if text in INVENTED_TEXTS}
    assert len(phones) > 50
    assert len(positions) > 100
    assert len(texts) >= 3
    return {
        "phone": {one for phone in phones for one in spellings(phone)},
        "position": {n for pair in positions for c in pair for n in (c, c.replace(".", ","))},
        "name": {*NAMES, *(name.upper() for name in NAMES)},
        "remark": texts,
    }


def spellings(phone):
    yield phone
    yield f"+84{phone[1:]}"
    for mark in " .-":
        yield mark.join((phone[:4], phone[4:7], phone[7:]))
        yield mark.join((phone[:3], phone[3:6], phone[6:]))


def read(path: Path) -> str:
    """Bytes of a file, and what is packed in it."""
    raw = path.read_bytes()
    text = raw.decode("utf-8", "ignore")
    if path.suffix == ".parquet":
        text += pd.read_parquet(path).to_csv(index=False)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            text += "".join(
                archive.read(name).decode("utf-8", "ignore") for name in archive.namelist()
            )
    return _BASE64.sub("", text)


def hits(folders, planted):
    found = set()
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        text = read(path)
        found |= {(path.name, kind) for kind, values in planted.items()
                  if any(value in text for value in values)}  # fmt: skip
    return found


def published(root):
    """Folders in which none may stand: analysis, results, and reports with notebooks and logs."""
    return [root / "data/processed/analysis", root / "data/processed/results", root / "reports"]


def test_run__no_planted_phone_position_or_name_stands_outside(workspace, planted):
    files = [path for folder in published(workspace) for path in folder.rglob("*")]
    assert {".parquet", ".html", ".ipynb", ".json"} <= {path.suffix for path in files}
    assert hits(published(workspace), planted) == set()


def test_run__the_clean_tables_have_none_either(workspace, planted):
    assert hits([workspace / "data/processed/clean"], planted) == set()


def test_search__would_have_found_them(workspace, planted, tmp_path):
    """The private tables have every kind, so a search that finds nothing there is blind."""
    found = hits([workspace / "data/private"], planted)
    assert {kind for _, kind in found} == {"phone", "position", "name", "remark"}
    frame = pd.DataFrame({"x": ["a", PHONES[0]]})
    frame.to_parquet(tmp_path / "a.parquet")
    assert hits([tmp_path], planted) == {("a.parquet", "phone")}


def test_scan__the_reports_may_be_published_and_private_data_may_not(workspace, planted, tmp_path):
    root = shutil.copytree(workspace, tmp_path / "copy")
    done = survey_tools(
        "scan", "reports", "data/processed/results", "notebooks", "params", cwd=root
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"held against [1-9]\d\d+ known values: 0 place", done.stderr)
    private = survey_tools("scan", "data/private", cwd=root)
    assert private.returncode == 1
    for table, kind in (
        ("contacts", "phone number"),
        ("locations", "position"),
        ("free_text", "name"),
    ):
        assert re.search(rf"{table}\.parquet: .*: a known {kind}", private.stdout)
    assert not any(phone in private.stdout for phone in planted["phone"])
