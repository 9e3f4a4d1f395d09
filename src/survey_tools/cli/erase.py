"""The command that erases a household from the workspace.

Not here: any of the work.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from survey_tools.cli.base import DebugOption, JobsOption, StudyOption, app, guarded, open_study
from survey_tools.errors import RunError

if TYPE_CHECKING:
    from survey_tools.run.erasing.erase import Erasure
    from survey_tools.run.erasing.journal import Journal

FROM_STDIN = "-"


@app.command()
@guarded
def erase(
    code: Annotated[
        str | None,
        typer.Argument(
            help="The household code; - reads it from standard input, which keeps it out of the shell's "
            "history. Left out: goes on with an erasure that was stopped."
        ),
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Staff code of who passed the request on.")] = "",
    basis: Annotated[
        str, typer.Option("--basis", help="withdrawn, requested, mistake or expired.")
    ] = "withdrawn",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before erasing.")] = False,
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild/--no-rebuild", help="Run stages and pages again afterwards."),
    ] = True,
    study: StudyOption = "params/study.yml",
    jobs: JobsOption = None,
    debug: DebugOption = False,
) -> int:
    """Erase a household from every store, table, list, page and notebook, and write a receipt."""
    from survey_tools.run.erasing.erase import erase as carry_out
    from survey_tools.run.erasing.erase import finish_erasure, plan_erasure
    from survey_tools.run.erasing.journal import read_journal

    ws = open_study(study)
    begun = read_journal(ws)
    if code == FROM_STDIN:
        code = sys.stdin.readline().strip()
    if begun is not None and (code is None or code.upper() == begun.code):
        done = finish_erasure(ws, rebuild=rebuild, jobs=jobs)
        return _tell(done) if done else 0
    if code is None:
        raise RunError(
            "There is no erasure to go on with.",
            next_step="survey-tools erase CODE begins one",
        )
    plan = plan_erasure(ws, code, by=by, basis=basis)
    _show(plan)
    if not yes:
        _ask()
    return _tell(carry_out(ws, plan, rebuild=rebuild, jobs=jobs))


def _show(plan: Journal) -> None:
    """Say what will go, in numbers alone."""
    typer.echo("What will go:")
    for line in plan.lines:
        typer.echo(f"  {line['place']}: {line['gone']} of {line['before']} {line['what']}")
    if plan.stages:
        typer.echo(f"Made anew afterwards: {', '.join(plan.stages)} and the pages.")
    typer.echo(
        "Close JupyterLab first: a notebook that is open there would be saved with its outputs."
    )


def _ask() -> None:
    if not sys.stdin.isatty():
        raise RunError(
            "Nothing was erased: nobody confirmed it.",
            expected="--yes, where no one can be asked",
        )
    if not typer.confirm("Erase? It cannot be undone"):
        raise RunError("Nothing was erased.")


def _tell(done: Erasure) -> int:
    """Print the receipt; 1 where something is left to do in this workspace."""
    content = done.content
    typer.echo(f"Erased. Receipt {content['receipt']}: {done.receipt}")
    for line in content["removed"]:
        after = "—" if line["after"] is None else line["after"]
        typer.echo(f"  {line['place']}: {line['what']} {line['before']} → {after}")
    for task in content["on_the_server"]:
        typer.echo(f"To do on {task['server']}, form {task['form']}:")
        for verb, ids in (("delete", task["delete"]), ("take the code out of", task["edit"])):
            if ids:
                typer.echo(f"  {verb} submissions {', '.join(map(str, ids))}")
    for remark in content["remarks"]:
        typer.echo(f"Note: {remark}.")
    for name in done.missing:
        typer.echo(f"Not made anew: {name}")
    if done.rebuilt:
        return 0
    typer.echo(f"What is derived was deleted and not made anew: {done.problem}", err=True)
    typer.echo("When that is mended: survey-tools run --from 20_clean", err=True)
    return 1 if done.problem != "not asked for" else 0
