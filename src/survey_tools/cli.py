"""The command line: read the arguments, call the room that does the work, set the exit code.

Not here: any of the work. Libraries are loaded by the command that needs them, so that help is quick.
"""

from __future__ import annotations

import functools
import logging
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from survey_tools import __version__
from survey_tools.errors import RunError, SurveyToolsError

if TYPE_CHECKING:
    from survey_tools.params import Workspace
    from survey_tools.run import Outcome

INTERRUPTED = 130
TOKEN_VARIABLE = "KOBO_TOKEN"  # noqa: S105 - the name of the variable, not a token

app = typer.Typer(
    name="survey-tools",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From a KoboToolbox survey to commune reports: pull, clean, check, estimate, report. "
    "New here? Try «survey-tools demo»: it needs no server and no data, and takes a few minutes.",
)

store_app = typer.Typer(no_args_is_help=True, help="Look after the stores of raw rows.")
app.add_typer(store_app, name="store")

StudyOption = Annotated[str, typer.Option("--study", help="The study file.")]
RunOption = Annotated[str, typer.Option("--run", help="Name of the run: a folder in reports/.")]
CommunesOption = Annotated[
    str | None,
    typer.Option("--communes", help="Codes or names with commas between; all if left out."),
]
LangOption = Annotated[
    str | None, typer.Option("--lang", help="vi, en or vi,en; all of the study if left out.")
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Pages at a time; one a processor if left out.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Redo pages that have not changed.")]
ExplainOption = Annotated[bool, typer.Option("--explain", help="Say why each page is redone.")]
PresetOption = Annotated[
    str, typer.Option("--preset", help="Size of the synthetic district: default or small.")
]
DebugOption = Annotated[
    bool, typer.Option("--debug", help="Log every step, and the trace of an error.")
]
FirstOption = Annotated[str, typer.Option("--from", help="Stage to start from, e.g. 40_construct.")]
OnlyOption = Annotated[bool, typer.Option("--only-reports", help="Leave the stages as they are.")]
PortOption = Annotated[
    int, typer.Option("--port", help="Port on this machine; 0 takes a free one.")
]


def main() -> None:
    """Run the command line: the entry point `survey-tools`."""
    signal.signal(signal.SIGTERM, _terminate)
    app()


def _terminate(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _guarded(command: Callable[..., int | None]) -> Callable[..., None]:
    """Turn errors into a message on stderr and an exit code; never show a trace unless asked."""

    @functools.wraps(command)
    def guarded(**options: Any) -> None:
        debug = bool(options.get("debug"))
        if debug:
            logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
        try:
            code = command(**options) or 0
        except SurveyToolsError as error:
            if debug:
                traceback.print_exc()
            typer.echo(f"Error: {error}", err=True)
            code = error.exit_code
        except KeyboardInterrupt:
            typer.echo("Stopped. Run the same command again to go on from here.", err=True)
            code = INTERRUPTED
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if debug:
                traceback.print_exc()
            typer.echo(_unexpected(error, options), err=True)
            code = 1
        raise typer.Exit(code)

    return guarded


@app.command()
@_guarded
def demo(
    study: StudyOption = "params/study.yml",
    preset: PresetOption = "default",
    jobs: JobsOption = None,
    debug: DebugOption = False,
) -> int:
    """Run everything on a synthetic district; needs no server."""
    from survey_tools.run import run_study

    ws = _open(study)
    if not ws.study.server.is_sandbox:
        raise RunError(
            "The demo would mix synthetic answers with those of your survey.",
            expected="server.url: sandbox",
            found="a configured server",
            where=ws.study_path.name,
            next_step="use «survey-tools run», or take a copy of the project for the demo",
        )
    return _finish(run_study(ws, "demo", preset=preset, jobs=jobs))


@app.command()
@_guarded
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
    debug: DebugOption = False,
) -> int:
    """Run the study: all stages, then the pages that changed."""
    from survey_tools.run import run_reports, run_study

    ws = _open(study)
    pages: dict[str, Any] = {"jobs": jobs, "force": force, "explain": explain}
    pages |= {"communes": _split(communes), "langs": _split(lang)}
    if only_reports:
        return _finish(run_reports(ws, run, **pages))
    return _finish(run_study(ws, run, first=first, preset=preset, **pages))


@app.command()
@_guarded
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

    ws = _open(study)
    with kobo_server(ws, preset=preset) as server:
        typer.echo(pull_summary(pull_all(ws, server, accept_loss=accept_loss, bars=True)))
        if files:
            typer.echo(pull_files(ws, server, bars=True).to_string(index=False))


@store_app.command("check")
@_guarded
def store_check(study: StudyOption = "params/study.yml", debug: DebugOption = False) -> int:
    """Look for damage in the stores of raw rows."""
    from survey_tools.run import check_stores

    found = check_stores(_open(study))
    for form, complaints in found.items():
        typer.echo(f"{form}: {'; '.join(complaints) or 'sound'}")
    return 1 if any(found.values()) else 0


@store_app.command("export")
@_guarded
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

    lines = export_rows(_open(study), form, file, every_version=every_version)
    typer.echo(f"{lines} rows in {file}")


@app.command()
@_guarded
def report(
    study: StudyOption = "params/study.yml",
    run: RunOption = "main",
    communes: CommunesOption = None,
    lang: LangOption = None,
    jobs: JobsOption = None,
    force: ForceOption = False,
    explain: ExplainOption = False,
    debug: DebugOption = False,
) -> int:
    """Make the pages that are missing or out of date."""
    from survey_tools.run import run_reports

    outcome = run_reports(
        _open(study),
        run,
        _split(communes),
        _split(lang),
        jobs=jobs,
        force=force,
        explain=explain,
    )
    return _finish(outcome)


@app.command()
@_guarded
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

    folder = make_sandbox(_open(study), preset=preset)
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
@_guarded
def status(study: StudyOption = "params/study.yml", debug: DebugOption = False) -> None:
    """Tell what is there, from when, and what to run next."""
    from survey_tools.run import status as stages_of

    for stage in stages_of(_open(study)):
        there = f"{stage.rows} rows, {stage.from_when}" if stage.there else "not there"
        typer.echo(f"{stage.name:<16}{there:<36}{'→ ' + stage.next if stage.next else 'ok'}")


@app.command()
@_guarded
def version() -> None:
    """Show the version."""
    typer.echo(f"survey-tools {__version__}")


def _open(study: str) -> Workspace:
    from survey_tools.params import open_workspace

    return open_workspace(study)


def _split(text: str | None) -> list[str] | None:
    if text is None:
        return None
    return [part.strip() for part in text.split(",") if part.strip()]


def _finish(outcome: Outcome) -> int:
    counts = f"{outcome.made} made, {outcome.unchanged} unchanged, {outcome.failed} failed"
    left_out = f", {outcome.skipped} left out (no interviews)" if outcome.skipped else ""
    typer.echo(f"Pages: {counts}{left_out}.", err=True)
    if outcome.failed:
        typer.echo(f"What failed and why: {outcome.index.parent / 'logs'}", err=True)
    typer.echo(str(outcome.index))
    return outcome.exit_code


def _unexpected(error: Exception, options: dict[str, Any]) -> str:
    """Put the trace of an error that nobody planned for in a file, and say where."""
    folder = Path(tempfile.gettempdir())
    try:
        ws = _open(str(options.get("study", "params/study.yml")))
        folder = ws.reports(str(options.get("run", "demo")))
        folder.mkdir(parents=True, exist_ok=True)
    except (SurveyToolsError, OSError):
        pass
    handle, path = tempfile.mkstemp(dir=folder, prefix="error-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.writelines(traceback.format_exception(error))
    return f"Error: {type(error).__name__}, which was not foreseen. The trace is in {path}"


if __name__ == "__main__":
    sys.exit(main())  # type: ignore[func-returns-value]
