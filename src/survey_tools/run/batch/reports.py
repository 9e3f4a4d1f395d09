"""Make the report pages: plan which have to be redone, run their notebooks, render, write the index.

Not here: what a page says (the notebooks and survey_tools.report).
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import as_completed
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey_tools.errors import DisclosureError
from survey_tools.params import Workspace
from survey_tools.report.codebook.pages import FILES as CODEBOOK
from survey_tools.report.codebook.pages import TABLE as CODEBOOK_TABLE
from survey_tools.report.site import write_index
from survey_tools.run.batch.fingerprint import DISTRICT
from survey_tools.run.batch.plan import NO_DATA, Page, plan_reports
from survey_tools.run.batch.record import Record
from survey_tools.run.codebook import make_codebook
from survey_tools.run.erasing.journal import refuse_unfinished
from survey_tools.run.files import check_space
from survey_tools.run.gate import Gate, blotted, open_gate
from survey_tools.run.kernels.execute import (
    CELL_TIMEOUT,
    Execution,
    Failure,
    execute,
    without_token,
)
from survey_tools.run.kernels.hold import Kernels, kernel_environment, stoppable, warm_server
from survey_tools.run.kernels.warm import WarmServer
from survey_tools.run.occupied import at_work
from survey_tools.run.pipeline import study_parameter, write_log
from survey_tools.run.progress import bar, say

_render_lock = threading.Lock()


@dataclass(frozen=True)
class Outcome:
    """How a batch of pages went, by number of pages; `skipped` are communes without interviews."""

    made: int
    unchanged: int
    failed: int
    skipped: int
    index: Path

    @property
    def exit_code(self) -> int:
        """0: all there; 1: some failed; 2: nothing could be made."""
        if not self.failed:
            return 0
        return 1 if self.made or self.unchanged else 2


def run_reports(
    ws: Workspace,
    run: str,
    communes: Sequence[str | int] | None = None,
    langs: Sequence[str] | None = None,
    *,
    jobs: int | None = None,
    force: bool = False,
    explain: bool = False,
    timeout: int = CELL_TIMEOUT,
    warm: WarmServer | None = None,
) -> Outcome:
    """Make the pages that are not there or out of date, the codebook, the index; a failure costs no page.

    Every page is scanned for personal data before it is released (`run.scan`); one that holds any has
    failed, and its executed notebook is deleted. Logs and messages are blotted.

    Stopping it (Ctrl-C) leaves no kernel and nothing half-written; the next run goes on from there.

    Parameters
    ----------
    ws, run, communes, langs, force
        See `plan_reports`.
    jobs : int, optional
        Notebooks at a time; as many as the machine has processors by default.
    explain : bool
        Say of each page why it is redone.
    timeout : int
        Seconds that one cell may take.
    warm : WarmServer, optional
        Forks the kernels; without it one is started, where there is something to make.

    Returns
    -------
    Outcome

    Raises
    ------
    DisclosureError
        When the index itself holds personal data; the pages are made.
    """
    refuse_unfinished(ws)
    check_space(ws.root)
    pages = plan_reports(ws, run, communes, langs, force=force)
    todo = [page for page in pages if page.reason and page.has_data]
    if explain:
        for page in pages:
            say(f"{page.stem}: {page.explanation}")
    record, gate = Record(ws, run), open_gate(ws, ws.reports(run))
    for page in pages:
        if not page.has_data:
            record.set_page(_entry(page, NO_DATA, file=None))
        elif not page.reason:
            record.set_page({**(record.page(page.code, page.lang) or {}), "status": "skipped"})
    try:
        with at_work(ws):
            done = _run_all(ws, run, todo, record, jobs or os.cpu_count() or 1, timeout, warm, gate)
            no_codebook = _codebook(ws, run, gate)
    finally:
        write_index(ws, run, record.finish(), gate)
    failed = sum(status == "failed" for status in done)
    skipped = sum(not page.has_data for page in pages)
    return Outcome(
        made=len(done) - failed,
        unchanged=len(pages) - len(todo) - skipped,
        failed=failed + no_codebook,
        skipped=skipped,
        index=ws.reports(run) / "index.html",
    )


def _codebook(ws: Workspace, run: str, gate: Gate) -> int:
    """Make the codebook; return 1 where it failed, and leave none from before in its place."""
    folder = ws.reports(run)
    log = folder / "logs" / "codebook.log"
    try:
        make_codebook(ws, folder, gate)
    except Exception as error:  # it costs no page, whatever its error
        for name in (*CODEBOOK.values(), CODEBOOK_TABLE):
            (folder / name).unlink(missing_ok=True)
        failure = blotted(_failure("the codebook", error), gate)
        write_log(log, failure)
        say(f"The codebook failed: {failure.last_line}")
        return 1
    log.unlink(missing_ok=True)
    return 0


def _failure(where: str, error: Exception) -> Failure:
    text = without_token("".join(traceback.format_exception(error)))
    return Failure(where, type(error).__name__, without_token(str(error)), text)


def _run_all(
    ws: Workspace,
    run: str,
    pages: list[Page],
    record: Record,
    jobs: int,
    timeout: int,
    warm: WarmServer | None,
    gate: Gate,
) -> list[str]:
    done: list[str] = []
    if not pages:
        return done
    with (
        kernel_environment(ws.root),
        nullcontext(warm) if warm else warm_server() as server,
        bar("report pages", total=len(pages), unit="page") as step,
        stoppable(kernels := Kernels(warm=server), jobs=jobs) as pool,
    ):
        futures = [pool.submit(_run_page, ws, run, page, timeout, kernels, gate) for page in pages]
        for future in as_completed(futures):
            entry = future.result()
            record.set_page(entry)
            done.append(entry["status"])
            step()
            if entry["status"] == "failed":
                say(f"{entry['code']}.{entry['lang']} failed: {entry['error']}")
    return done


def _run_page(
    ws: Workspace, run: str, page: Page, timeout: int, kernels: Kernels, gate: Gate
) -> dict[str, Any]:
    """Run and render one page; whatever goes wrong with it is told in its entry."""
    folder = ws.reports(run)
    started = time.monotonic()
    try:
        execution = _execute_page(ws, run, page, timeout, kernels)
        failure = execution.failure
        if failure is None:
            with _render_lock:
                _release(ws, page, execution, folder, gate)
    except DisclosureError as error:
        failure = Failure("at the gate", type(error).__name__, str(error), str(error))
        (folder / "notebooks" / f"{page.stem}.ipynb").unlink(missing_ok=True)
    except Exception as error:  # one page costs no other, whatever its error
        failure = _failure("outside the cells", error)
    seconds = round(time.monotonic() - started, 2)
    log = folder / "logs" / f"{page.stem}.log"
    if failure is None:
        log.unlink(missing_ok=True)
        return _entry(page, "ok", seconds=seconds)
    if kernels.stopped:
        return _entry(page, "stopped", error="the run was stopped")
    failure = blotted(failure, gate)
    write_log(log, failure)
    (folder / page.file).unlink(missing_ok=True)
    return _entry(
        page,
        "failed",
        error=failure.last_line,
        seconds=seconds,
        cell=failure.cell,
        log=str(log.relative_to(folder)),
    )


def _execute_page(ws: Workspace, run: str, page: Page, timeout: int, kernels: Kernels) -> Execution:
    parameters = {"lang": page.lang, "run": run, "study": study_parameter(ws)}
    if page.code != DISTRICT:
        parameters["commune"] = page.code
    output = ws.reports(run) / "notebooks" / f"{page.stem}.ipynb"
    return execute(page.notebook, output, parameters, timeout=timeout, kernels=kernels)


def _release(ws: Workspace, page: Page, execution: Execution, folder: Path, gate: Gate) -> None:
    """Render a page and let it and its notebook through the gate."""
    from survey_tools.report.render import render_html  # seconds to load; a status needs none of it

    gate(f"notebooks/{execution.output.name}", execution.output.read_bytes())
    render_html(
        execution.output,
        folder / page.file,
        lang=page.lang,  # type: ignore[arg-type]
        synthetic=ws.study.study.synthetic,
        languages=ws.study.report.languages,
        gate=gate,
    )


def _entry(page: Page, status: str, **more: Any) -> dict[str, Any]:
    return {
        "code": page.code,
        "lang": page.lang,
        "notebook": f"notebooks/{page.notebook.name}",
        "status": status,
        "file": page.file,
        "error": None,
        "seconds": 0.0,
        "reason": page.reason,
        "hashes": page.hashes,
        **more,
    }
