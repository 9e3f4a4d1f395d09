"""Run the stage notebooks in order, from the server's rows to the results.

Not here: report pages (survey_tools.run.batch.reports), or what a stage computes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from survey_tools.errors import RunError
from survey_tools.params import Workspace
from survey_tools.run.erasing.journal import refuse_unfinished
from survey_tools.run.files import check_space, write_text
from survey_tools.run.gate import blotted, open_gate
from survey_tools.run.kernels.execute import CELL_TIMEOUT, Execution, Failure, count_cells, execute
from survey_tools.run.kernels.hold import Kernels, kernel_environment, stoppable
from survey_tools.run.kernels.warm import WarmServer
from survey_tools.run.occupied import at_work
from survey_tools.run.progress import bar
from survey_tools.run.server import PRESET_VARIABLE

STAGES = ("10_pull", "20_clean", "30_check", "40_construct", "50_estimate")


def run_stages(
    ws: Workspace,
    run: str,
    *,
    stages: Sequence[str] = STAGES,
    preset: str = "default",
    timeout: int = CELL_TIMEOUT,
    warm: WarmServer | None = None,
) -> list[Execution]:
    """Execute the stage notebooks into `reports/<run>/notebooks/`; the first failure stops.

    Parameters
    ----------
    ws : Workspace
    run : str
        Name of the run, a folder under `reports/`.
    stages : sequence of str
        Names of notebooks without ending, in order.
    preset : str
        Size of the synthetic district, where the study uses the sandbox.
    timeout : int
        Seconds that one cell may take.
    warm : WarmServer, optional
        Forks the kernels of all stages but the pull, during which it does its imports.

    Raises
    ------
    RunError
        Names the notebook, the cell, the error, where the executed notebook is, and how to run it again.
    """
    refuse_unfinished(ws)
    check_space(ws.root)
    if ws.study.server.is_sandbox and "10_pull" in stages:
        from survey_tools.run.district import make_sandbox

        with bar("synthetic district", unit="step") as step:
            make_sandbox(ws, preset=preset, progress=step)
    chosen = os.environ.get(PRESET_VARIABLE) or preset
    with at_work(ws), kernel_environment(ws.root, **{PRESET_VARIABLE: chosen}):
        return [_run_stage(ws, run, name, timeout, warm) for name in stages]


def study_parameter(ws: Workspace) -> str:
    """Return the study file as the notebooks' parameter `study` wants it."""
    return ws.study_path.relative_to(ws.root).as_posix()


def write_log(path: Path, failure: Failure) -> Path:
    """Write what stopped a notebook to a log file, mode 0600, and return its path."""
    write_text(path, f"{failure.cell}\n{failure.last_line}\n\n{failure.details}\n")
    return path


def _run_stage(
    ws: Workspace, run: str, name: str, timeout: int, warm: WarmServer | None
) -> Execution:
    notebook = ws.notebooks / f"{name}.ipynb"
    output = ws.reports(run) / "notebooks" / f"{name}.ipynb"
    parameters = {"run": run, "study": study_parameter(ws)}
    if not notebook.is_file():
        raise RunError(
            "A stage notebook is missing.",
            expected=f"notebooks/{name}.ipynb",
            where=str(ws.root),
            next_step="restore it, or go to the workspace that has it",
        )
    pulls = name == STAGES[0]
    kernels, cells = Kernels(keep_token=pulls, warm=None if pulls else warm), count_cells(notebook)
    with bar(name, total=cells) as step, stoppable(kernels, jobs=1) as pool:
        execution: Execution = pool.submit(
            execute,
            notebook,
            output,
            parameters,
            timeout=timeout,
            kernels=kernels,
            on_cell=lambda index: step(index + 1),
        ).result()
        step(cells)
    if execution.failure is not None:
        raise _stage_error(ws, run, name, execution)
    return execution


def _stage_error(ws: Workspace, run: str, name: str, execution: Execution) -> RunError:
    failure = execution.failure
    assert failure is not None  # noqa: S101
    failure = blotted(failure, open_gate(ws, ws.reports(run)))
    write_log(ws.reports(run) / "logs" / f"{name}.log", failure)
    return RunError(
        f"The notebook {name} stopped: {failure.kind}.\n{failure.message}",
        where=f"cell {failure.cell}, in {execution.output.relative_to(ws.root)}",
        next_step=f"mend it, then: survey-tools run --run {run} --from {name}",
    )
