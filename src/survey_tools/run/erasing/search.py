"""Search the workspace for a household: before an erasure for what it cannot reach, after it for all.

Changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from survey_tools.errors import RunError
from survey_tools.files import is_temporary
from survey_tools.params import Workspace
from survey_tools.run.erasing.derived import Derived
from survey_tools.run.erasing.files import lists
from survey_tools.run.erasing.journal import Journal, journal_path
from survey_tools.run.erasing.traces import find_traces
from survey_tools.run.occupied import LOCK

SHOWN = 10


def refuse_out_of_reach(ws: Workspace, plan: Journal, derived: Derived) -> None:
    """Refuse to begin while files that people made themselves hold the household.

    Raises
    ------
    RunError
        Names them; nothing was changed.
    """
    found = [path for path in _traces(ws, plan) if not _in_reach(ws, plan, derived, path)]
    _refuse(
        ws, found, "nothing was erased yet: take it out of them, or take them out of the workspace"
    )


def refuse_traces(ws: Workspace, plan: Journal) -> None:
    """Refuse to call an erasure finished while any file still holds the household.

    Raises
    ------
    RunError
        Names them.
    """
    step = (
        "take it out of them, or take them out of the workspace; then survey-tools erase, without a "
        "code, goes on"
    )
    _refuse(ws, _traces(ws, plan), step)


def _traces(ws: Workspace, plan: Journal) -> list[Path]:
    own = {journal_path(ws), ws.root / "data" / LOCK}
    return find_traces(ws.root, plan.marks, leave_out=own)


def _in_reach(ws: Workspace, plan: Journal, derived: Derived, path: Path) -> bool:
    """Whether the steps of an erasure deal with a file."""
    if path in derived.notebooks:
        return not _in_cells(path, plan.marks)
    whole = {ws.clean.parent, ws.sandbox, *derived.packs, *derived.checkpoints}
    if whole & {path, *path.parents} or path in (*derived.tables, *derived.reports, *lists(ws)):
        return True
    stores = [ws.root / place for place in plan.stores]
    if any(path.parent == s.parent and path.name.startswith(s.name) for s in stores):
        return True
    for place, row_ids in plan.stores.items():
        folder = (ws.root / place).with_suffix(".files")
        if folder in path.parents:
            return path.parent == folder or path.parent.name in map(str, row_ids)
    written = {ws.private, ws.root / "params"} | {ws.root / "reports"}
    return is_temporary(path) and bool(written & set(path.parents))


def _in_cells(notebook: Path, marks: Collection[str]) -> bool:
    """Whether the cells of a notebook themselves, and not what they put out, hold one of `marks`."""
    cells = json.loads(notebook.read_bytes()).get("cells", ())
    text = json.dumps([{k: v for k, v in cell.items() if k != "outputs"} for cell in cells]).lower()
    return any(mark.lower() in text for mark in marks)


def _refuse(ws: Workspace, found: list[Path], next_step: str) -> None:
    if not found:
        return
    shown = ", ".join(path.relative_to(ws.root).as_posix() for path in found[:SHOWN])
    raise RunError(
        "Files that no run makes hold the household's code, a phone or an identity of its rows.",
        found=f"{len(found)}: {shown}" + (" …" if len(found) > SHOWN else ""),
        next_step=next_step,
    )
