"""Execute one notebook with papermill in a kernel of its own, and say how it went.

Not here: which notebooks to run, or what to do when one fails.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey_tools.run.kernels.hold import Kernels
from survey_tools.run.kernels.parameters import cell_text, check_parameters

CELL_TIMEOUT = 900
"""Seconds that one cell may take."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Failure:
    """What stopped a notebook: the cell, the kind of error and its text."""

    cell: str
    kind: str
    message: str
    details: str

    @property
    def last_line(self) -> str:
        """The error in one line."""
        lines = [line.strip() for line in self.message.splitlines() if line.strip()]
        first = lines[0] if lines else ""
        return f"{self.kind}: {first}" if first else self.kind


@dataclass(frozen=True)
class Execution:
    """How one notebook went: `status` is ok, failed or stopped, `seconds` its wall-clock time."""

    status: str
    seconds: float
    output: Path
    failure: Failure | None


def execute(
    notebook: Path,
    output: Path,
    parameters: Mapping[str, Any],
    *,
    timeout: int = CELL_TIMEOUT,
    kernels: Kernels | None = None,
    on_cell: Callable[[int], None] | None = None,
) -> Execution:
    """Run `notebook` with `parameters` and keep the executed notebook.

    A run that works is found at `output`; one that fails at `<output stem>.failed.ipynb`, so that a
    half-run notebook is never taken for a whole one. Both have mode 0600.

    Parameters
    ----------
    notebook, output : Path
    parameters : mapping
        Checked against the parameters cell before the kernel starts.
    timeout : int
        Seconds that one cell may take.
    kernels : Kernels, optional
        Keeps hold of the kernel, so that another thread can stop it.
    on_cell : callable, optional
        Called with the number of a cell when it has run.

    Returns
    -------
    Execution

    Raises
    ------
    ParamsError, RunError
        When the parameters do not fit, or the file is no notebook; no kernel was started.
    """
    values = check_parameters(notebook, parameters)
    kernels = kernels or Kernels()
    output.parent.mkdir(parents=True, exist_ok=True)
    failed = output.with_name(f"{output.stem}.failed.ipynb")
    running = output.with_name(f".{output.stem}.running.ipynb")
    os.close(os.open(running, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    started = time.monotonic()
    try:
        error = _papermill(notebook, running, values, timeout, kernels, on_cell)
        seconds = round(time.monotonic() - started, 2)
        failure = None if error is None else _failure(error, running)
        if failure and kernels.stopped:
            return Execution("stopped", seconds, output, failure)
        target, stale = (failed, output) if failure else (output, failed)
        running.replace(target)
        stale.unlink(missing_ok=True)
    finally:
        running.unlink(missing_ok=True)
    return Execution("failed" if failure else "ok", seconds, target, failure)


def count_cells(notebook: Path) -> int:
    """Count the cells, for a progress bar."""
    return len(json.loads(notebook.read_text(encoding="utf-8"))["cells"])


def _papermill(
    notebook: Path,
    output: Path,
    parameters: Mapping[str, Any],
    timeout: int,
    kernels: Kernels,
    on_cell: Callable[[int], None] | None,
) -> Exception | None:
    import papermill

    def executed(*, cell_index: int, **_: object) -> None:
        if on_cell is not None:
            on_cell(cell_index)

    try:
        papermill.execute_notebook(
            str(notebook),
            str(output),
            parameters=dict(parameters),
            progress_bar=False,
            execution_timeout=timeout,
            shutdown_kernel="immediate",
            kernel_manager_class=kernels.manager_class,
            on_cell_executed=executed,
        )
    except Exception as error:  # whatever stops a notebook is reported, not raised
        return error
    return None


def _failure(error: Exception, output: Path) -> Failure:
    kind = getattr(error, "ename", None) or type(error).__name__
    message = getattr(error, "evalue", None) or _MESSAGES.get(kind) or str(error)
    traceback = getattr(error, "traceback", None) or [str(error)]
    return Failure(
        cell=_failed_cell(output),
        kind=kind,
        message=without_token(_COLOUR.sub("", message)),
        details=without_token(_COLOUR.sub("", "\n".join(traceback))),
    )


_MESSAGES = {
    "DeadKernelError": "the kernel died; often the machine ran out of memory",
    "CellTimeoutError": "the cell took longer than allowed",
}


def without_token(text: str) -> str:
    """Blot out the server's token, wherever a text may have picked it up."""
    for token in server_tokens():
        text = text.replace(token, "[token]")
    return text


def server_tokens() -> list[str]:
    """Return the server's token as the environment has it; not to be shown, stored or logged."""
    found = [os.environ.get("KOBO_TOKEN", "")]
    if path := os.environ.get("KOBO_TOKEN_FILE"):
        with suppress(OSError):
            found.append(Path(path).read_text(encoding="utf-8"))
    return [token.strip() for token in found if token.strip()]


def _failed_cell(output: Path) -> str:
    """Name the cell that was last at work: its id and its first line."""
    try:
        cells = json.loads(output.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return "before the first cell"
    ran = [cell for cell in cells if _was_started(cell)]
    broken = [cell for cell in ran if cell["metadata"]["papermill"].get("exception")]
    for cell in broken or ran[-1:]:
        first = cell_text(cell).strip().splitlines()
        return f"{cell.get('id', '?')}: {first[0] if first else ''}"
    return "before the first cell"


def _was_started(cell: Mapping[str, Any]) -> bool:
    return cell["cell_type"] == "code" and bool(
        cell["metadata"].get("papermill", {}).get("start_time")
    )
