"""Commands that look after the stores of raw rows.

Not here: filling them (`pull` stands in `study`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from survey_tools.cli.base import DebugOption, StudyOption, app, guarded, open_study

store_app = typer.Typer(no_args_is_help=True, help="Look after the stores of raw rows.")
app.add_typer(store_app, name="store")


@store_app.command("check")
@guarded
def store_check(study: StudyOption = "params/study.yml", debug: DebugOption = False) -> int:
    """Look for damage in the stores of raw rows."""
    from survey_tools.run import check_stores

    found = check_stores(open_study(study))
    for form, complaints in found.items():
        typer.echo(f"{form}: {'; '.join(complaints) or 'sound'}")
    return 1 if any(found.values()) else 0


@store_app.command("export")
@guarded
def store_export(
    form: Annotated[str, typer.Argument(help="The form, as the study file names it.")],
    file: Annotated[Path, typer.Argument(help="The file to write; personal data, mode 0600.")],
    study: StudyOption = "params/study.yml",
    every_version: Annotated[
        bool, typer.Option("--every-version", help="Also older and deleted versions of rows.")
    ] = False,
    debug: DebugOption = False,
) -> None:
    """Write the raw rows of a form as JSON Lines."""
    from survey_tools.run import export_rows

    lines = export_rows(open_study(study), form, file, every_version=every_version)
    typer.echo(f"{lines} rows in {file}")
