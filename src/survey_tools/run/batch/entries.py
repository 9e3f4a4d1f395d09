"""Turn planned pages into tasks, and how the tasks went into files kept or removed and entries of the record.

Not here: doing tasks (survey_tools.run.batch.make), or which pages there are (survey_tools.run.batch.plan).
"""

from __future__ import annotations

from typing import Any

from survey_tools.params import Workspace
from survey_tools.report.downloads.names import beside
from survey_tools.run.batch.fingerprint import DISTRICT
from survey_tools.run.batch.make import RENDERING, write_log
from survey_tools.run.batch.plan import Page
from survey_tools.run.batch.task import Result, Task
from survey_tools.run.codebook import remove_codebook
from survey_tools.run.progress import say

CODEBOOK = "codebook"
"""Name of the task that makes the codebook."""


def tasks_of(ws: Workspace, run: str, pages: list[Page], *, codebook: bool) -> list[Task]:
    """Return what has to be done, the longest first, so that no processor waits for it at the end."""
    common: dict[str, Any] = {"root": str(ws.root), "study": ws.study_name, "run": run}
    tasks = [
        Task(
            name=page.stem,
            notebook=page.notebook.relative_to(ws.root).as_posix(),
            parameters=dict(page.parameters),
            lang=page.lang,
            **common,
        )
        for page in sorted(pages, key=lambda page: page.code != DISTRICT)
    ]
    first = [Task(name=CODEBOOK, notebook="", parameters={}, kind=CODEBOOK, **common)]
    return first + tasks if codebook else tasks


def settle_page(ws: Workspace, run: str, page: Page, result: Result) -> dict[str, Any]:
    """Keep or remove a page's log and page, by how it went, and return its entry for the record."""
    folder = ws.reports(run)
    log = folder / "logs" / f"{page.stem}.log"
    entry = entry_of(page, result)
    if result.failure is None:
        log.unlink(missing_ok=True)
        return entry
    write_log(log, result.failure)
    for path in (folder / page.file, *beside(folder / page.file)):
        path.unlink(missing_ok=True)
    if result.failure.cell != RENDERING:
        (folder / "notebooks" / f"{page.stem}.ipynb").unlink(missing_ok=True)
    entry["log"] = log.relative_to(folder).as_posix()
    say(f"{page.stem} failed: {entry['error']}")
    return entry


def settle_codebook(ws: Workspace, run: str, result: Result) -> None:
    """Keep the codebook, or leave none from before in the place of one that failed."""
    folder = ws.reports(run)
    log = folder / "logs" / f"{CODEBOOK}.log"
    if result.failure is None:
        log.unlink(missing_ok=True)
        return
    remove_codebook(folder)
    write_log(log, result.failure)
    say(f"The codebook failed: {result.failure.last_line}")


def entry_of(page: Page, result: Result) -> dict[str, Any]:
    """Return what the record keeps of a page."""
    failure = result.failure
    return {
        "code": page.code,
        "lang": page.lang,
        "notebook": f"notebooks/{page.notebook.name}",
        "status": result.status,
        "file": page.file,
        "error": failure.last_line if failure else None,
        "cell": failure.cell if failure else None,
        "log": None,
        "seconds": dict(result.seconds),
        "peak_mb": result.peak_mb,
        "attempts": result.attempts,
        "warnings": list(result.warnings),
        "files": dict(result.files),
        "parameters": dict(page.parameters),
        "reason": page.reason,
        "hashes": page.hashes,
        "host": result.host,
    }
