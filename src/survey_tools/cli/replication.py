"""The command that makes a pack by which a stranger reproduces a run.

Not here: any of the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from survey_tools.cli.base import DebugOption, StudyOption, app, guarded, open_study


@app.command()
@guarded
def replication(
    run: Annotated[str, typer.Argument(help="Name of the run: a folder in reports/.")],
    out: Annotated[Path, typer.Argument(help="The pack: a name ending in .zip.")],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="Release pack of a real study; goes along if it passes its check."
        ),
    ] = None,
    contact: Annotated[
        str, typer.Option("--contact", help="Whom to ask for the data of a real study.")
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Pack a run with failed or outdated pages, and say so.")
    ] = False,
    study: StudyOption = "params/study.yml",
    debug: DebugOption = False,
) -> int:
    """Make a pack by which a stranger reproduces a run: code, parameters, delivered numbers, README."""
    from survey_tools.run.replication.make import make_replication

    made = make_replication(open_study(study), run, out, data=data, contact=contact, force=force)
    for what, pages in (("failed", made.failed), ("out of date", made.outdated)):
        if pages:
            typer.echo(f"{len(pages)} page(s) {what}: the README says so.", err=True)
    size = f"{made.size / 1e6:.1f} MB"
    typer.echo(f"{made.path}: {size}, {made.files} files, {made.numbers:,} delivered numbers")
    return 0
