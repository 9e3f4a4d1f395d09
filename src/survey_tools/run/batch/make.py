"""Do one task in this process: run the notebook, hold it and its page to the gate, release them.

Not here: watching over time and memory (survey_tools.run.batch.supervise), or which tasks there are.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from survey_tools.errors import DisclosureError
from survey_tools.files import digest_file
from survey_tools.params import Workspace, open_workspace
from survey_tools.report.downloads.names import beside
from survey_tools.run.batch.task import FAILED, OK, Result, Task
from survey_tools.run.codebook import make_codebook
from survey_tools.run.files import read_json, write_text
from survey_tools.run.gate import Gate, blotted, open_gate
from survey_tools.run.kernels.execute import Execution, Options, execute
from survey_tools.run.kernels.failure import Failure, without_token

RENDERING = "at the rendering"
"""Where a page failed whose notebook ran to its end; that is kept."""

Tell = Callable[[dict[str, Any]], None]
"""Called with what happens on the way: `{"kernel": pid}`, None when it has ended, `{"cell": number}`."""


def make(task: Task, *, output_mb: float | None = None, tell: Tell = lambda event: None) -> Result:
    """Run a task's notebook and, for a page, render and release it; whatever goes wrong is in the result.

    A page is scanned for personal data before it is released (`run.scan`); one that holds any has
    failed, and its executed notebook is deleted. Logs and messages are blotted.

    Parameters
    ----------
    task : Task
    output_mb : float, optional
        Megabytes that the notebook may put out.
    tell : callable, optional

    Returns
    -------
    Result
    """
    started = time.monotonic()
    try:
        ws = open_workspace(Path(task.root) / task.study)
        return _timed(_make(ws, task, output_mb, tell), started)
    except Exception as error:  # one page costs no other, whatever its error
        failure = failure_of("outside the cells", error)
        with suppress(Exception):  # what broke the page may break this as well
            failure = blotted(failure, gate_of(ws, ws.reports(task.run)))
        return _timed(Result(task.name, FAILED, failure), started)


def failure_of(where: str, error: BaseException) -> Failure:
    """Describe an error that is none of the notebook's."""
    text = without_token("".join(traceback.format_exception(error)))
    return Failure(where, type(error).__name__, without_token(str(error)), text)


def write_log(path: Path, failure: Failure) -> Path:
    """Write what stopped a notebook to a log file, mode 0600, and return its path."""
    write_text(path, f"{failure.cell}\n{failure.last_line}\n\n{failure.details}\n")
    return path


def _make(ws: Workspace, task: Task, output_mb: float | None, tell: Tell) -> Result:
    folder = ws.reports(task.run)
    if task.kind == "codebook":
        make_codebook(ws, folder, gate_of(ws, folder))
        return Result(task.name, OK)
    execution, result = executed(ws, task, folder / "notebooks", output_mb, tell)
    gate = gate_of(ws, folder) if task.lang or execution.failure or result.warnings else None
    if gate is not None:
        result = replace(result, warnings=tuple(map(gate.blot, result.warnings)))
    if gate is not None and task.lang and execution.failure is None:
        result = _release(ws, task, execution, result, folder, gate)
    if gate is not None and result.failure is not None:
        result = replace(result, failure=blotted(result.failure, gate))
    return result


def _release(
    ws: Workspace, task: Task, execution: Execution, result: Result, folder: Path, gate: Gate
) -> Result:
    """Render a page with the files beside it, and let all and its notebook through the gate."""
    import nbformat

    from survey_tools.report.render import (
        render_notebook,  # seconds to load; a stage needs none of it
    )

    begun = time.monotonic()
    page = folder / f"{task.name}.html"
    try:
        written = execution.output.read_bytes()
        gate(f"notebooks/{execution.output.name}", written)
        render_notebook(
            nbformat.reads(written.decode("utf-8"), as_version=4),
            page,
            name=execution.output.name,
            gate=gate,
            **rendering_of(ws, task),
        )
    except DisclosureError as error:
        execution.output.unlink(missing_ok=True)
        failure = Failure("at the gate", type(error).__name__, str(error), str(error))
        return replace(result, status=FAILED, failure=failure)
    except Exception as error:  # one page costs no other, whatever its error
        return replace(result, status=FAILED, failure=failure_of(RENDERING, error))
    seconds = {**result.seconds, "render": round(time.monotonic() - begun, 3)}
    made = (page, *beside(page), execution.output)
    files = {path.relative_to(folder).as_posix(): digest_file(path) for path in made}
    return replace(result, seconds=seconds, files=files)


def rendering_of(ws: Workspace, task: Task) -> dict[str, Any]:
    """Say how the page of a task is rendered: the same for whoever renders it again."""
    pulls = (read_json(ws.results / "provenance.json") or {}).get("pulls") or []
    facts = {
        "run": task.run,
        "page": task.name.removesuffix(f".{task.lang}"),
        "lang": str(task.lang),
        "study": ws.study.study.id,
        "data": max((str(pull.get("finished") or "") for pull in pulls), default=""),
    }
    study = ws.study
    return {
        "lang": task.lang,
        "synthetic": study.study.synthetic,
        "languages": study.report.languages,
        "facts": facts,
    }


_gates: dict[Path, Gate] = {}


def gate_of(ws: Workspace, folder: Path) -> Gate:
    """Open the gate once a process: what it holds files against does not change while pages are made."""
    if folder not in _gates:
        _gates[folder] = open_gate(ws, folder)
    return _gates[folder]


def executed(
    ws: Workspace, task: Task, folder: Path, output_mb: float | None, tell: Tell
) -> tuple[Execution, Result]:
    """Execute a task's notebook into a folder; a page's may not write into the workspace.

    What it warned of is in the result as it was said: blot it before it is told.
    """
    options = Options(
        root=ws.root,
        environment=task.environment,
        keep_token=task.keep_token,
        output_mb=output_mb,
        untouched=_untouched(ws) if task.lang else (),
        on_kernel=lambda pid: tell({"kernel": pid}),
        on_cell=lambda index: tell({"cell": index}),
    )
    output = folder / f"{task.name}.ipynb"
    execution = execute(ws.root / task.notebook, output, task.parameters, options)
    tell({"kernel": None})
    result = Result(
        task.name,
        FAILED if execution.failure else OK,
        execution.failure,
        execution.seconds,
        execution.peak_mb,
        execution.warnings,
        passes=execution.passes,
    )
    return execution, result


def _untouched(ws: Workspace) -> tuple[str, ...]:
    """Folders that a report's notebook may not write to."""
    import survey_tools

    names = ("params", "notebooks", "data", "reports", "src", "docs", "tests")
    return (*(str(ws.root / name) for name in names), str(Path(survey_tools.__file__).parent))


def _timed(result: Result, started: float) -> Result:
    total = round(time.monotonic() - started, 3)
    return replace(result, seconds={**result.seconds, "total": total})
