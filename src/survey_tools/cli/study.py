"""Commands that run the study: demo, run, pull, report, sandbox, status, version.

Not here: any of the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from survey_tools import __version__
from survey_tools.cli.base import (
    CommunesOption,
    DebugOption,
    ExplainOption,
    FirstOption,
    ForceOption,
    JobsOption,
    LangOption,
    MemoryOption,
    OnlyOption,
    ParamOption,
    PortOption,
    PresetOption,
    RunOption,
    SchedulerOption,
    ShareOption,
    StudyOption,
    TimeoutOption,
    app,
    guarded,
    open_study,
    split,
)
from survey_tools.errors import RunError
from survey_tools.run.batch.task import Limits

if TYPE_CHECKING:
    from survey_tools.run import Choices, Outcome

TOKEN_VARIABLE = "KOBO_TOKEN"  # noqa: S105 - the name of the variable, not a token


@app.command()
@guarded
def demo(
    study: StudyOption = "params/study.yml",
    preset: PresetOption = "default",
    jobs: JobsOption = None,
    debug: DebugOption = False,
) -> int:
    """Run everything on a synthetic district; needs no server."""
    _begin()
    from survey_tools.run import Choices, run_study

    ws = open_study(study)
    if not ws.study.server.is_sandbox:
        raise RunError(
            "The demo would mix synthetic answers with those of your survey.",
            expected="server.url: sandbox",
            found="a configured server",
            where=ws.study_path.name,
            next_step="use «survey-tools run», or take a copy of the project for the demo",
        )
    return _finish(run_study(ws, "demo", preset=preset, choices=Choices(jobs=jobs)))


@app.command()
@guarded
def run(
    study: StudyOption = "params/study.yml",
    run: RunOption = "main",
    communes: CommunesOption = None,
    lang: LangOption = None,
    first: FirstOption = "10_pull",
    only_reports: OnlyOption = False,
    preset: PresetOption = "default",
    jobs: JobsOption = None,
    force: ForceOption = False,
    explain: ExplainOption = False,
    param: ParamOption = None,
    timeout: TimeoutOption = Limits.seconds,
    memory: MemoryOption = Limits.memory_mb,
    scheduler: SchedulerOption = None,
    share: ShareOption = None,
    debug: DebugOption = False,
) -> int:
    """Run the study: all stages, then the pages that changed."""
    wanted: dict[str, Any] = {
        "communes": split("--communes", communes),
        "langs": split("--lang", lang),
    }
    _begin(scheduler if only_reports else None)
    from survey_tools.run import run_reports, run_study

    ws = open_study(study)
    choices = _choices(locals())
    if only_reports:
        return _finish(run_reports(ws, run, **wanted, choices=choices))
    return _finish(run_study(ws, run, first=first, preset=preset, **wanted, choices=choices))


@app.command()
@guarded
def pull(
    study: StudyOption = "params/study.yml",
    preset: PresetOption = "default",
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Go on although the server lost many rows.")
    ] = False,
    files: Annotated[
        bool, typer.Option("--files", help="Also fetch photos, audit logs and other files.")
    ] = False,
    debug: DebugOption = False,
) -> None:
    """Bring the local stores of raw rows up to date."""
    from survey_tools.run import kobo_server, pull_all, pull_files, pull_summary

    ws = open_study(study)
    with kobo_server(ws, preset=preset) as server:
        typer.echo(pull_summary(pull_all(ws, server, accept_loss=accept_loss, bars=True)))
        if files:
            typer.echo(pull_files(ws, server, bars=True).to_string(index=False))


@app.command()
@guarded
def report(
    study: StudyOption = "params/study.yml",
    run: RunOption = "main",
    communes: CommunesOption = None,
    lang: LangOption = None,
    jobs: JobsOption = None,
    force: ForceOption = False,
    explain: ExplainOption = False,
    param: ParamOption = None,
    timeout: TimeoutOption = Limits.seconds,
    memory: MemoryOption = Limits.memory_mb,
    scheduler: SchedulerOption = None,
    share: ShareOption = None,
    debug: DebugOption = False,
) -> int:
    """Make the pages that are missing or out of date."""
    wanted = split("--communes", communes), split("--lang", lang)
    _begin(scheduler)
    from survey_tools.run import run_reports

    ws = open_study(study)
    choices = _choices(locals())
    return _finish(run_reports(ws, run, *wanted, choices))


@app.command()
@guarded
def sandbox(
    study: StudyOption = "params/study.yml",
    port: PortOption = 8765,
    preset: PresetOption = "default",
    debug: DebugOption = False,
) -> None:
    """Serve the synthetic district as KoboToolbox would; asks for KOBO_TOKEN, or makes a token."""
    import os
    import secrets

    from survey_tools.run import serve_sandbox
    from survey_tools.run.district import make_sandbox

    folder = make_sandbox(open_study(study), preset=preset)
    given = os.environ.get(TOKEN_VARIABLE, "").strip()
    token = given or secrets.token_hex(20)

    def ready(url: str) -> None:
        typer.echo(f"The sandbox answers at {url} (Ctrl-C stops it).")
        if given:
            typer.echo(f"It asks for the token in {TOKEN_VARIABLE}.")
        else:
            typer.echo(f"In another terminal: export {TOKEN_VARIABLE}={token}")

    serve_sandbox(folder, token=token, port=port, ready=ready)


@app.command()
@guarded
def status(study: StudyOption = "params/study.yml", debug: DebugOption = False) -> None:
    """Tell what is there, from when, and what to run next."""
    from survey_tools.run import status as stages_of

    for stage in stages_of(open_study(study)):
        there = f"{stage.rows} rows, {stage.from_when}" if stage.there else "not there"
        typer.echo(f"{stage.name:<16}{there:<36}{'→ ' + stage.next if stage.next else 'ok'}")


@app.command()
@guarded
def version() -> None:
    """Show the version."""
    typer.echo(f"survey-tools {__version__}")


def _begin(scheduler: str | None = None) -> None:
    """Let the processes that will make pages import their libraries while this one imports its own.

    Where a cluster does all of the work, nothing here would take them.
    """
    from survey_tools.run.kernels.forks import start_ahead

    if scheduler is None:
        start_ahead()


def _choices(options: Mapping[str, Any]) -> Choices:
    """Gather how a batch is run from a command's options."""
    from survey_tools.run import Choices, given_parameters

    return Choices(
        force=options["force"],
        explain=options["explain"],
        jobs=options["jobs"],
        limits=Limits(seconds=options["timeout"], memory_mb=options["memory"]),
        scheduler=options["scheduler"],
        share=options["share"],
        extra=given_parameters(options["ws"], options["param"] or ()),
    )


def _finish(outcome: Outcome) -> int:
    counts = f"{outcome.made} made, {outcome.unchanged} unchanged, {outcome.failed} failed"
    left_out = f", {outcome.skipped} left out (no interviews)" if outcome.skipped else ""
    typer.echo(f"Pages: {counts}{left_out}.", err=True)
    if outcome.failed:
        triage, logs = outcome.index.parent / "triage.html", outcome.index.parent / "logs"
        typer.echo(f"What failed and why: {triage if triage.is_file() else logs}", err=True)
    if outcome.disturbed:
        names = ", ".join(outcome.disturbed[:5])
        more = ", …" if len(outcome.disturbed) > 5 else ""
        typer.echo(f"Changed while pages were made: {names}{more}. Run again.", err=True)
    typer.echo(str(outcome.index))
    return outcome.exit_code
