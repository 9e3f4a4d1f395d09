"""Command that writes the codebook of the cleaned and analysis tables.

Not here: any of the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from survey_tools.cli.base import DebugOption, RunOption, StudyOption, app, guarded, open_study


@app.command()
@guarded
def codebook(
    study: StudyOption = "params/study.yml",
    run: RunOption = "main",
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; reports/<run> if left out.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Write the codebook: every variable with its meaning and its answers by wave, HTML and CSV."""
    from survey_tools.run import make_codebook

    ws = open_study(study)
    page, table = make_codebook(ws, out or ws.reports(run))
    typer.echo(f"{page}\n{table}")
