"""Commands about registers: hold one against its form, start one from a form.

Not here: any of the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from survey_tools.cli.base import DebugOption, StudyOption, app, guarded, open_study

register_app = typer.Typer(
    no_args_is_help=True, help="Hold registers against the forms, or start one."
)
app.add_typer(register_app, name="register")


@register_app.command("check")
@guarded
def register_check(
    form: Annotated[
        str | None, typer.Argument(help="A form of the study; all of them if left out.")
    ] = None,
    study: StudyOption = "params/study.yml",
    debug: DebugOption = False,
) -> int:
    """Say where registers and deployed forms differ, and what to do; before a pull, the XLSForms."""
    from survey_tools.run import check_register, findings_text, has_errors

    findings = check_register(open_study(study), form)
    typer.echo(findings_text(findings))
    return 1 if has_errors(findings) else 0


@register_app.command("draft")
@guarded
def register_draft(
    source: Annotated[str, typer.Argument(help="A workbook (.xlsx), or a form of the study.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="A new file; shown on the screen if left out.")
    ] = None,
    study: StudyOption = "params/study.yml",
    debug: DebugOption = False,
) -> None:
    """Start the register of a form; class and role are guesses that a person must look at."""
    from survey_tools.run import draft_summary, start_register, write_new

    text = start_register(source, study)
    if out is None:
        typer.echo(text, nl=False)
    else:
        typer.echo(f"{write_new(text, out)}: {draft_summary(text)}", err=True)
