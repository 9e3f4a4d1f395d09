"""The command that makes and checks packs of de-identified micro-data.

Not here: any of the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from survey_tools.cli.base import DebugOption, StudyOption, app, guarded, open_study

if TYPE_CHECKING:
    from survey_tools.run.release.check import Check

MARKS = {True: "ok", False: "FAILED", None: "–"}


@app.command()
@guarded
def release(
    out: Annotated[Path, typer.Argument(help="A new folder, or a new file ending in .zip.")],
    check: Annotated[
        bool, typer.Option("--check", help="Make nothing; check the pack that is there.")
    ] = False,
    study: StudyOption = "params/study.yml",
    debug: DebugOption = False,
) -> int:
    """Make a checked pack of de-identified micro-data for other researchers."""
    from survey_tools.run.release.make import check_release, make_release

    ws = open_study(study)
    if check:
        found = check_release(ws, out)
        _show(found)
        return 1 if found.failed else 0
    made = make_release(ws, out)
    _show(made.check)
    typer.echo(f"{made.households} households and {made.interviews} interviews in {made.path}")
    for name, count in made.suppressed.items():
        typer.echo(f"  {name}: {count} of {made.households} cells suppressed")
    return 0


def _show(check: Check) -> None:
    for finding in check.findings:
        typer.echo(f"{MARKS[finding.ok]:<8}{finding}")
    if len(check.means):
        typer.echo("Headline means at the endline, in the pack and in the full data:")
        typer.echo(check.means.round(4).to_string(index=False))
