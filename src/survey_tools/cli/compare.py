"""The command that tells what differs between the pages of two runs.

Not here: any of the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from survey_tools.cli.base import DebugOption, StudyOption, app, guarded, open_study
from survey_tools.errors import ParamsError

if TYPE_CHECKING:
    from survey_tools.params import Workspace

DIFFERS = 1


@app.command()
@guarded
def compare(
    run_a: Annotated[
        str, typer.Argument(help="A run; or a folder with its pages, or a list numbers.csv.")
    ],
    run_b: Annotated[str, typer.Argument(help="The run that is looked at, given likewise.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for the answer; if left out that of RUN_B, or this one where it is a path.",
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing; see the exit code.")
    ] = False,
    study: StudyOption = "params/study.yml",
    debug: DebugOption = False,
) -> int:
    """Tell which numbers, tables, figures and hidden cells of two runs differ, by how much, and why.

    Exit code 0: nothing differs. 1: something does, or is wrong within a run. 2: a run is missing or broken.
    """
    from survey_tools.report.compare.summary import summary
    from survey_tools.run import compare_runs

    done = compare_runs(_workspace(study, run_a, run_b), run_a, run_b, out)
    if not quiet:
        for line in summary(done.comparison, "en"):
            typer.echo(line)
        for fault in done.comparison.faults[:5]:
            typer.echo(f"Run {fault.run.upper()}, {fault.kind}: {fault.what}")
        typer.echo(str(done.pages[0]))
    return DIFFERS if done.comparison.differs else 0


def _workspace(study: str, *runs: str) -> Workspace | None:
    """Open the study; None where there is none, none was asked for, and both runs are paths."""
    try:
        return open_study(study)
    except ParamsError:
        if study != "params/study.yml" or not all(Path(run).exists() for run in runs):
            raise
        return None
