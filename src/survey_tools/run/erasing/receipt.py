"""Count what an erasure takes from where, and write its receipt: never a code, a hash of one, or an answer.

Rows of members and of answers are not counted: how many of them a household has is itself an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet

from survey_tools import __version__
from survey_tools.kobo.files.attachments import read_manifest
from survey_tools.params import Workspace
from survey_tools.run.batch.record import now
from survey_tools.run.erasing.derived import Derived, count_rows, take_stock
from survey_tools.run.erasing.files import Household, count_lines, lists
from survey_tools.run.erasing.find import Found
from survey_tools.run.erasing.journal import Journal
from survey_tools.run.files import read_json, write_json

RECEIPTS = "erasures"
"""Folder of the receipts in `data/private/`."""

COUNTED = ("household", "visits", "panel", "households", "response")
"""Tables of which the receipt says how many rows they have: a household, a visit or a wave each."""

OTHER_TABLES, PAGES = "other tables, made anew", "files, pages made anew"

Line = dict[str, Any]


def lines_of_rows(ws: Workspace, stores: list[Found], sandboxes: list[Found]) -> Iterator[Line]:
    """Count submissions and the files that they carry."""
    for one in (*stores, *sandboxes):
        if one.erase or one.edit:
            yield _line(one.place, f"submissions of «{one.form}»", one.rows, len(one.erase))
        if one.edit:
            what = f"submissions of «{one.form}» from which the code alone is taken"
            yield _line(one.place, what, one.rows, 0, changed=len(one.edit))
    for one in stores:
        folder = (ws.root / one.place).with_suffix(".files")
        files = [entry.row_id for entry in read_manifest(folder)]
        gone = sum(row_id in one.erase for row_id in files)
        if gone:
            yield _line(f"{Path(one.place).with_suffix('.files')}", "files", len(files), gone)


def lines_of_lists(ws: Workspace, household: Household) -> Iterator[Line]:
    """Count the lines of lists that people keep."""
    for path in lists(ws):
        before, gone = count_lines(path, household)
        if gone:
            yield _line(_place(ws, path), "lines", before, gone)


def lines_of_derived(ws: Workspace, derived: Derived, household: Household) -> Iterator[Line]:
    """Count the tables, pages and notebooks that are deleted, of which most are made anew."""
    for path in derived.tables:
        if path.stem in COUNTED:
            before, gone = count_rows(path, household)
            yield _line(_place(ws, path), "rows", before, gone)
    others = [path for path in derived.tables if path.stem not in COUNTED]
    if others:
        yield _line("data/", OTHER_TABLES, len(others), len(others))
    for run in sorted({path.relative_to(ws.root).parts[1] for path in derived.reports}):
        files = sum(path.relative_to(ws.root).parts[1] == run for path in derived.reports)
        yield _line(f"reports/{run}", PAGES, files, files)
    for name in ("notebooks", "checkpoints", "packs"):
        number = len(getattr(derived, name))
        if number:
            yield _line("./", _WORDS[name], number, number)


_WORDS = {
    "notebooks": "notebooks whose outputs are emptied",
    "checkpoints": "folders of notebook checkpoints",
    "packs": "release packs",
}


def to_do(stores: list[Found]) -> list[dict[str, Any]]:
    """Say which submissions the owner of each server has to delete or edit there, by their number."""
    return [
        {
            "server": one.server,
            "form": one.asset,
            "delete": list(one.erase),
            "edit": list(one.edit),
        }
        for one in stores
        if (one.erase or one.edit) and "://" in one.server
    ]


def write_receipt(ws: Workspace, plan: Journal) -> Path:
    """Write the receipt of an erasure that is finished but for what is made anew."""
    path = ws.private / RECEIPTS / f"{plan.number}.json"
    content = {
        "receipt": plan.number,
        "begun": plan.begun,
        "erased": now(),
        "by": plan.by or None,
        "basis": plan.basis,
        "program": f"survey_tools {__version__}",
        "removed": plan.lines,
        "on_the_server": plan.server,
        "remarks": list(_remarks(ws, plan)),
        "made_anew": None,
    }
    write_json(path, content)
    return path


def with_rebuilt(ws: Workspace, receipt: Path, *, done: bool) -> dict[str, Any]:
    """Add to the receipt what is there afterwards, what was made anew included; return the whole receipt."""
    content: dict[str, Any] = read_json(receipt) or {}
    derived = take_stock(ws)
    for line in content["removed"]:
        line["after"] = _after(ws, derived, line)
    content["made_anew"] = now() if done else None
    write_json(receipt, content)
    return content


def _remarks(ws: Workspace, plan: Journal) -> Iterator[str]:
    """Say what is beyond the reach of an erasure."""
    shared = [line["place"] for line in plan.lines if line["place"].startswith("params/")]
    if shared and (ws.root / ".git").exists():
        yield f"lines taken out of {', '.join(shared)} stay in the history of git"
    if any(line["what"] == _WORDS["packs"] for line in plan.lines):
        yield "release packs that were handed on cannot be called back"


def _after(ws: Workspace, derived: Derived, line: Line) -> int | None:
    path = ws.root / line["place"]
    if path.suffix == ".parquet":
        return int(parquet.read_metadata(path).num_rows) if path.is_file() else None
    if line["what"] == OTHER_TABLES:
        return sum(table.stem not in COUNTED for table in derived.tables)
    if line["what"] == PAGES:
        return sum(path in file.parents for file in derived.reports)
    return int(line["before"] - line["gone"])


def _line(place: str, what: str, before: int, gone: int, **more: int) -> Line:
    return {"place": place, "what": what, "before": before, "gone": gone, **more}


def _place(ws: Workspace, path: Path) -> str:
    return path.relative_to(ws.root).as_posix()
