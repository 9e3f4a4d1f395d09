"""Run a study from end to end: the stage notebooks, then the report pages.

Not here: what the stages and pages do.
"""

from __future__ import annotations

from collections.abc import Sequence

from survey_tools.errors import RunError
from survey_tools.params import Workspace
from survey_tools.run.batch.plan import check_wanted
from survey_tools.run.batch.reports import Outcome, run_reports
from survey_tools.run.kernels.execute import CELL_TIMEOUT
from survey_tools.run.kernels.hold import kernel_environment, warm_server
from survey_tools.run.pipeline import STAGES, run_stages


def run_study(
    ws: Workspace,
    run: str = "main",
    *,
    communes: Sequence[str | int] | None = None,
    langs: Sequence[str] | None = None,
    first: str = STAGES[0],
    preset: str = "default",
    jobs: int | None = None,
    force: bool = False,
    explain: bool = False,
    timeout: int = CELL_TIMEOUT,
) -> Outcome:
    """Run the stages from `first` on, then make the pages that changed.

    Parameters
    ----------
    ws : Workspace
    run : str
        Name of the run, a folder under `reports/`.
    communes, langs, jobs, force, explain
        See `run_reports`.
    first : str
        Stage to start from; the earlier ones are taken as they are.
    preset : str
        Size of the synthetic district, where the study uses the sandbox.
    timeout : int
        Seconds that one cell may take.

    Raises
    ------
    RunError
        When a stage fails, or `first` is no stage.
    AreaError, ParamsError
        When a commune or language is not one of the study; nothing was run.
    """
    if first not in STAGES:
        raise RunError("There is no such stage.", expected=" or ".join(STAGES), found=repr(first))
    check_wanted(ws, communes, langs)
    stages = STAGES[STAGES.index(first) :]
    with kernel_environment(ws.root), warm_server() as warm:
        run_stages(ws, run, stages=stages, preset=preset, timeout=timeout, warm=warm)
        return run_reports(
            ws, run, communes, langs,
            jobs=jobs, force=force, explain=explain, timeout=timeout, warm=warm,
        )  # fmt: skip
