"""The command that runs the field checks without a notebook.

Not here: any of the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from survey_tools.cli.base import DebugOption, RunOption, StudyOption, app, guarded, open_study

if TYPE_CHECKING:
    from survey_tools.run import Checked


@app.command()
@guarded
def check(
    study: StudyOption = "params/study.yml",
    run: RunOption = "main",
    fail_on_new: Annotated[
        bool, typer.Option("--fail-on-new", help="Exit code 1 where something new was found.")
    ] = False,
    sheets: Annotated[
        bool, typer.Option("--sheets/--no-sheets", help="Write the supervisor's sheets.")
    ] = True,
    debug: DebugOption = False,
) -> int:
    """Run the field checks, follow their flags, and write the supervisor's sheets."""
    from survey_tools.run import count_flags, run_field_checks

    checked, written = run_field_checks(open_study(study), run, sheets=sheets)
    counts = count_flags(checked.flags)
    typer.echo(counts.to_string() if len(counts) else "Nothing was found.")
    for line in _remarks(checked):
        typer.echo(line)
    if written is not None:
        typer.echo(f"Sheets: {written.index}")
    return int(fail_on_new and "new" in set(checked.flags["state"]))


def _remarks(checked: Checked) -> list[str]:
    """Say what did not run, and what the settings and the file of answers name in vain."""
    lines = [
        f"{name}: " + ("switched off" if why == "off" else f"did not run, lacks {why}")
        for name, why in checked.skipped.items()
    ]
    lines += [
        f"{name}: no such question, or of another kind: {names}"
        for name, names in checked.unknown.items()
    ]
    if checked.unused:
        shown = ", ".join(map(str, checked.unused))
        lines.append(f"Answers to no flag in data/private/flag_answers.csv: line {shown}")
    return lines
