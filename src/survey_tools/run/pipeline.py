"""Run the stage notebooks in order, from the server's rows to the results.

Not here: report pages (survey_tools.run.batch.reports), or what a stage computes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext

from survey_tools.errors import RunError
from survey_tools.params import Workspace
from survey_tools.run.batch.make import write_log
from survey_tools.run.batch.pool import LocalPool
from survey_tools.run.batch.task import OK, Limits, Result, Task
from survey_tools.run.erasing.journal import refuse_unfinished
from survey_tools.run.files import check_space
from survey_tools.run.kernels.parameters import read_cells
from survey_tools.run.occupied import at_work, processing
from survey_tools.run.progress import bar
from survey_tools.run.server import PRESET_VARIABLE

STAGES = ("10_pull", "20_clean", "30_check", "40_construct", "50_estimate")

STAGE_LIMITS = Limits(seconds=6 * 3600, memory_mb=None, output_mb=200)
"""A pull of a whole province takes hours on a slow line."""


def run_stages(
    ws: Workspace,
    run: str,
    *,
    stages: Sequence[str] = STAGES,
    preset: str = "default",
    pool: LocalPool | None = None,
) -> list[Result]:
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
    pool : LocalPool, optional
        Runs them; without it one is started.

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
    with at_work(ws), processing(ws), nullcontext(pool) if pool else LocalPool(1) as used:
        return [_run_stage(ws, run, name, chosen, used) for name in stages]


def _run_stage(ws: Workspace, run: str, name: str, preset: str, pool: LocalPool) -> Result:
    notebook = ws.notebooks / f"{name}.ipynb"
    if not notebook.is_file():
        raise RunError(
            "A stage notebook is missing.",
            expected=f"notebooks/{name}.ipynb",
            where=str(ws.root),
            next_step="restore it, or go to the workspace that has it",
        )
    task = Task(
        name=name,
        root=str(ws.root),
        study=ws.study_name,
        run=run,
        notebook=f"notebooks/{name}.ipynb",
        parameters={"run": run, "study": ws.study_name},
        keep_token=name == STAGES[0],
        environment={PRESET_VARIABLE: preset},
    )
    cells = len(read_cells(notebook))
    with bar(name, total=cells) as step:
        result = pool.one(task, STAGE_LIMITS, lambda index: step(min(index + 1, cells)))
        step(cells)
    if result.status != OK:
        raise _stage_error(ws, run, name, result)
    return result


def _stage_error(ws: Workspace, run: str, name: str, result: Result) -> RunError:
    failure = result.failure
    assert failure is not None  # noqa: S101
    write_log(ws.reports(run) / "logs" / f"{name}.log", failure)
    return RunError(
        f"The notebook {name} stopped: {failure.kind}.\n{failure.message}",
        where=f"cell {failure.cell}, in reports/{run}/notebooks/{name}.failed.ipynb",
        next_step=f"mend it, then: survey-tools run --run {run} --from {name}",
    )
