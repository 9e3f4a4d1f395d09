"""Run a study from end to end: the stage notebooks, then the report pages.

Not here: what the stages and pages do.
"""

from __future__ import annotations

from collections.abc import Sequence

from survey_tools.params import Workspace
from survey_tools.run.batch.check import check_batch, check_cluster
from survey_tools.run.batch.pool import LocalPool
from survey_tools.run.batch.reports import Choices, Outcome, make_pages
from survey_tools.run.erasing.journal import refuse_unfinished
from survey_tools.run.occupied import at_work, holding
from survey_tools.run.pipeline import STAGES, run_stages


def run_study(
    ws: Workspace,
    run: str = "main",
    *,
    communes: Sequence[str | int] | None = None,
    langs: Sequence[str] | None = None,
    first: str = STAGES[0],
    preset: str = "default",
    choices: Choices = Choices(),  # noqa: B008 - frozen
) -> Outcome:
    """Run the stages from `first` on, then make the pages that changed.

    Parameters
    ----------
    ws : Workspace
    run : str
        Name of the run, a folder under `reports/`.
    communes, langs, choices
        See `run_reports`.
    first : str
        Stage to start from; the earlier ones are taken as they are.
    preset : str
        Size of the synthetic district, where the study uses the sandbox.

    Raises
    ------
    RunError
        When a stage fails, or `first` is no stage.
    AreaError, ParamsError
        When a commune or language is not one of the study; nothing was run.
    """
    refuse_unfinished(ws)
    check_cluster(choices.scheduler, choices.share)
    check_batch(ws, run, communes, langs, extra=choices.extra, first=first)
    stages = STAGES[STAGES.index(first) :]
    with (
        at_work(ws),
        holding(ws, run),
        LocalPool(choices.at_once) as pool,
    ):
        run_stages(ws, run, stages=stages, preset=preset, pool=pool)
        check_batch(ws, run, communes, langs, extra=choices.extra)  # hours may have passed
        return make_pages(ws, run, communes, langs, choices, pool)
