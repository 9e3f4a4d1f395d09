"""Execute one notebook with papermill in a kernel of its own, and say how it went.

Not here: which notebooks to run, limits of time and memory, or what to do when one fails.
"""

from __future__ import annotations

import errno
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from survey_tools.files import replacing
from survey_tools.params import ROOT_VARIABLE
from survey_tools.run.kernels import guard
from survey_tools.run.kernels.failure import (
    Failure,
    NotebookLeftError,
    failure_in,
    without_token,
)
from survey_tools.run.kernels.forks import ADDRESS, TOKEN_VARIABLES, environment_without
from survey_tools.run.kernels.parameters import check_parameters
from survey_tools.run.kernels.provisioner import CHOICE

START_SECONDS = 60

WARNINGS = 50
"""Warnings that are kept of a notebook."""


@dataclass(frozen=True)
class Execution:
    """How one notebook went: `status` is ok or failed.

    `seconds` has `start` (until the kernel answered), `cells` and `total`; the executed notebook is found
    at `output`; `warnings` are what it wrote to its error stream, by cell.
    """

    status: str
    seconds: dict[str, float]
    output: Path
    failure: Failure | None
    peak_mb: float | None = None
    warnings: tuple[str, ...] = ()
    passes: bool = False
    """Whether the cause of a failure may pass by itself."""


@dataclass(frozen=True)
class Options:
    """How a kernel is kept, beyond what the notebook asks for."""

    root: Path | None = None
    """Folder of the workspace, which kernels find by an environment variable."""
    environment: Mapping[str, str] = field(default_factory=dict)
    keep_token: bool = False
    """Whether the kernel may see the server's token. A notebook that does not have it cannot show it."""
    output_mb: float | None = None
    """Megabytes that the cells may put out."""
    untouched: Sequence[str] = ()
    """Folders that the notebook may not write to."""
    on_kernel: Callable[[int], None] | None = None
    """Called with the number of the kernel's process."""
    on_cell: Callable[[int], None] | None = None
    """Called with the number of a cell when it has run."""


def execute(
    notebook: Path,
    output: Path,
    parameters: Mapping[str, Any],
    options: Options = Options(),
) -> Execution:
    """Run `notebook` with `parameters` and keep the executed notebook.

    A run that works is found at `output`; one that fails at `<output stem>.failed.ipynb`, so that a
    half-run notebook is never taken for a whole one. Both have mode 0600.

    Parameters
    ----------
    notebook, output : Path
    parameters : mapping
        Checked against the parameters cell before the kernel starts.
    options : Options

    Returns
    -------
    Execution

    Raises
    ------
    ParamsError, RunError
        When the parameters do not fit, the file is no notebook (no kernel was started), or the executed
        notebook cannot be written.
    """
    values = check_parameters(notebook, parameters)
    output.parent.mkdir(parents=True, exist_ok=True)
    failed = output.with_name(f"{output.stem}.failed.ipynb")
    started = time.monotonic()
    with tempfile.TemporaryFile() as words:  # what the kernel itself says
        watch = _watch(options, words)
        error = _papermill(notebook, values, watch)
        seconds = _phases(started, watch)
        failure = failure_in(error, watch)
    target, stale = (failed, output) if failure else (output, failed)
    if watch.notebook is not None:
        _keep(watch.notebook, target)
    stale.unlink(missing_ok=True)
    return Execution(
        "failed" if failure else "ok",
        seconds,
        target,
        failure,
        getattr(watch.kernel, "peak_mb", None),
        _warnings(watch.notebook),
        _passes(error),
    )


def _watch(options: Options, words: Any) -> Any:
    from survey_tools.run.kernels.engine import Watch

    hidden = {ADDRESS, CHOICE, *(() if options.keep_token else TOKEN_VARIABLES)}
    env = environment_without(hidden) | dict(options.environment)
    if options.root is not None:
        env[ROOT_VARIABLE] = str(options.root)
    before = guard.code(options.untouched) if options.untouched else ""
    return Watch(env, words, options.output_mb, before, options.on_kernel, options.on_cell)


def _papermill(notebook: Path, parameters: Mapping[str, Any], watch: Any) -> BaseException | None:
    import papermill

    from survey_tools.run.kernels.engine import ENGINE

    try:
        papermill.execute_notebook(
            str(notebook),
            None,
            parameters=dict(parameters),
            engine_name=ENGINE,
            request_save_on_cell_execute=False,
            progress_bar=False,
            start_timeout=START_SECONDS,
            watch=watch,
        )
    except Exception as error:  # whatever stops a notebook is reported, not raised
        return error
    return _left(watch.notebook)


def _left(notebook: Any) -> Exception | None:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return NotebookLeftError("it left by sys.exit before its last cell had run")
    return None


def _keep(notebook: Any, path: Path) -> None:
    import nbformat

    with replacing(path, "The executed notebook could not be written") as temporary:
        temporary.write_text(without_token(nbformat.writes(notebook)), encoding="utf-8")


def _phases(started: float, watch: Any) -> dict[str, float]:
    ended = time.monotonic()
    ready = watch.ready or ended
    return {
        "start": round(ready - started, 3),
        "cells": round(ended - ready, 3),
        "total": round(ended - started, 3),
    }


def _passes(error: BaseException | None) -> bool:
    """Whether another attempt may go better: the kernel died or did not start, the disk was full."""
    if getattr(error, "ename", None) == "OSError":
        return str(getattr(error, "evalue", "")).startswith(f"[Errno {errno.ENOSPC}]")
    names = {"DeadKernelError", "RuntimeError", "TimeoutError"}
    return error is not None and type(error).__name__ in names


def _warnings(notebook: Any) -> tuple[str, ...]:
    """First line of what each cell wrote to its error stream."""
    found = []
    for cell in notebook.cells if notebook is not None else ():
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                first = (output.text.strip().splitlines() or [""])[0]
                found.append(f"{cell.get('id', '?')}: {without_token(first)[:200]}")
    return tuple(found[:WARNINGS])
