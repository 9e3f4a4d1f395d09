"""The command that executes the notebooks of a run again and holds its pages to them.

Not here: any of the work.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from survey_tools.cli.base import (
    DebugOption,
    JobsOption,
    LangOption,
    StudyOption,
    app,
    guarded_whole,
    open_study,
    split,
)

if TYPE_CHECKING:
    from survey_tools.run.verify.verify import Verification

RunArgument = Annotated[str, typer.Argument(help="Name of the run: a folder in reports/.")]
CommuneOption = Annotated[
    str | None,
    typer.Option(
        "--commune",
        "--communes",
        help="Codes or names with commas between, or district; all pages of the run if left out.",
    ),
]


@app.command()
@guarded_whole
def verify(
    run: RunArgument,
    study: StudyOption = "params/study.yml",
    commune: CommuneOption = None,
    lang: LangOption = None,
    jobs: JobsOption = None,
    debug: DebugOption = False,
) -> int:
    """Execute the notebooks of a run again and hold notebooks, pages, PDF, Word and Excel to what comes out.

    Exit code 1: a cell, a page or a file beside it is not what its notebook gives, or one lies there that the
    run did not make. 2: it could not be found out, because the
    run is not there, a notebook cannot be read, or what the pages were made from has changed since.
    """
    from survey_tools.run.kernels.forks import start_ahead

    start_ahead()
    from survey_tools.run.verify.verify import verify_run

    wanted = split("--commune", commune), split("--lang", lang)
    done = verify_run(open_study(study), run, *wanted, jobs=jobs)
    for line in _lines(done):
        typer.echo(line)
    return done.exit_code


def _lines(done: Verification) -> list[str]:
    """Tell every difference, and each reason that pages could not be verified once."""
    lines = [
        f"data/processed/results/.shown/{table}.parquet is not what the rules make of the results"
        for table in done.tables
    ]
    lines += [f"{name}: the run made no such file" for name in done.strange]
    for page in done.pages:
        for one in page.differences:
            lines.append(f"{page.name}: {_place(one.cell)}{one.what}")
    reasons = Counter(page.reason for page in done.pages if page.reason)
    for reason, count in reasons.items():
        first = next(page.name for page in done.pages if page.reason == reason)
        names = first if count == 1 else f"{count} pages ({first}, …)"
        lines.append(f"{names}: not verified, {reason}")
    same, differs, cannot = (done.count(name) for name in ("same", "differs", "cannot"))
    lines.append(f"Pages: {same} the same, {differs} differ, {cannot} not verified.")
    return lines


def _place(cell: str) -> str:
    """Say where a difference is: identifiers of cells have no point, names of files have."""
    if cell == "page" or "." in cell:
        return f"the {'page' if cell == 'page' else 'file ' + cell}: "
    return f"cell «{cell}»: " if cell else ""
