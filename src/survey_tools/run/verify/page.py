"""Verify one page in this process: execute its notebook again, compare, render the page again, compare.

The files beside the page (PDF, Word, Excel) are made again with it, and compared byte for byte as it is.
Everything is written to a folder of its own; the run's stays as it is. Not here: which pages
(`survey_tools.run.verify.verify`), or what counts as the same (`survey_tools.run.verify.compare`).
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from survey_tools.errors import RunError
from survey_tools.params import Workspace, open_workspace
from survey_tools.report.downloads.names import beside
from survey_tools.run.batch.make import Tell, executed, failure_of, gate_of, rendering_of
from survey_tools.run.batch.task import FAILED, Result, Task
from survey_tools.run.gate import Gate, blotted
from survey_tools.run.verify.compare import (
    Difference,
    compare_notebooks,
    read_patterns,
    where_they_part,
)

PAGE = "page"
"""Stands in place of a cell where the page itself differs; the name of a file where one beside it does."""

UNREADABLE = "unreadable"
"""Where a page failed whose notebook is missing, or none."""


def verify_page(task: Task, *, output_mb: float | None = None, tell: Tell) -> Result:
    """Execute the notebook of a page again and hold the delivered notebook and page to it.

    Parameters
    ----------
    task : Task
        With the folder `into`, where the second execution goes.
    output_mb, tell
        As for `survey_tools.run.batch.make.make`.

    Returns
    -------
    Result
        `differences` tells what is not the same, blotted; a failure, that it could not be found out.
    """
    started = time.monotonic()
    try:
        ws = open_workspace(Path(task.root) / task.study)
        result = _verified(ws, task, output_mb, tell)
    except Exception as error:  # one page costs no other, whatever its error
        result = Result(task.name, FAILED, failure_of("outside the cells", error))
    if result.failure is not None:
        ws = open_workspace(Path(task.root) / task.study)
        gate = gate_of(ws, ws.reports(task.run))
        result = replace(result, failure=blotted(result.failure, gate))
    total = round(time.monotonic() - started, 3)
    return replace(result, seconds={**result.seconds, "total": total})


def _verified(ws: Workspace, task: Task, output_mb: float | None, tell: Tell) -> Result:
    folder, gate = ws.reports(task.run), gate_of(ws, ws.reports(task.run))
    try:
        delivered = _read(folder / "notebooks" / f"{task.name}.ipynb")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        return Result(task.name, FAILED, failure_of(UNREADABLE, error))
    execution, result = executed(ws, task, Path(task.into), output_mb, tell)
    result = replace(result, warnings=())  # said of the delivered notebook before
    if execution.failure:
        return result
    found = compare_notebooks(delivered, _read(execution.output), read_patterns(ws.notebooks))
    found += _page(ws, task, delivered, folder)
    return replace(result, differences=tuple(_told(one, gate) for one in found))


def _page(ws: Workspace, task: Task, delivered: Any, folder: Path) -> tuple[Difference, ...]:
    """Say whether page and files beside it are what rendering the delivered notebook gives, byte for byte."""
    from survey_tools.report.render import render_notebook

    try:
        again = render_notebook(
            delivered,
            Path(task.into) / f"{task.name}.html",
            name=f"{task.name}.ipynb",
            **rendering_of(ws, task),
        )
    except RunError as error:
        return (Difference(PAGE, f"the delivered notebook makes no page: {error.what}"),)
    made = (again, *beside(again))
    return tuple(one for path in made if (one := _file(folder / path.name, path)) is not None)


def _file(said: Path, again: Path) -> Difference | None:
    """Say how a delivered file differs from the one made again; None where it does not."""
    cell = PAGE if said.suffix == ".html" else said.name
    try:
        delivered, ours = said.read_bytes(), again.read_bytes()
    except FileNotFoundError:
        return Difference(cell, "is not there")
    if delivered == ours:
        return None
    if said.suffix == ".html":
        texts = (delivered.decode("utf-8", "replace"), ours.decode("utf-8", "replace"))
        return Difference(cell, where_they_part(*texts))
    sizes = f"{len(delivered)} bytes delivered, {len(ours)} when made again"
    return Difference(cell, f"is not what the page gives ({sizes})")


def _read(path: Path) -> Any:
    import nbformat

    notebook = nbformat.reads(path.read_text("utf-8"), as_version=4)
    for cell in notebook.cells:
        _ = cell.cell_type, cell.source, cell.metadata, cell.get("outputs")
    return notebook


def _told(one: Difference, gate: Gate) -> dict[str, str]:
    return {name: gate.blot(text) for name, text in asdict(one).items()}
