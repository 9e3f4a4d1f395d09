"""What all commands share: the application, options, errors turned into messages, opening the study.

Not here: commands.
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
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from survey_tools.errors import ParamsError, SurveyToolsError

if TYPE_CHECKING:
    from survey_tools.params import Workspace

UNFORESEEN = 3
"""Exit code of an error that nobody planned for; 1 and 2 are answers of the commands."""

INTERRUPTED = 130
_GOES_ON = "Stopped. Run the same command again to go on from here."
_BEGINS_ANEW = "Stopped; nothing was written. The same command begins anew."

app = typer.Typer(
    name="survey-tools",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From a KoboToolbox survey to commune reports: pull, clean, check, estimate, report. "
    "New here? Try «survey-tools demo»: it needs no server and no data, and takes a few minutes.",
)

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
TimeoutOption = Annotated[
    float | None, typer.Option("--timeout", min=1, help="Seconds that one page may take.")
]
MemoryOption = Annotated[
    float | None, typer.Option("--memory", min=100, help="Megabytes that one page may take.")
]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", help="A Dask cluster that makes the pages: tcp://host:8786."),
]
ShareOption = Annotated[
    str | None,
    typer.Option(
        "--share", help="Where the cluster takes data from and puts pages: an fsspec address."
    ),
]
ParamOption = Annotated[
    list[str] | None,
    typer.Option("-p", "--param", help="Hand NAME=VALUE to the report notebooks that take it."),
]
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


def guarded(command: Callable[..., int | None]) -> Callable[..., None]:
    """Turn errors into a message on stderr and an exit code; never show a trace unless asked."""
    return _guarded(command, _GOES_ON)


def guarded_whole(command: Callable[..., int | None]) -> Callable[..., None]:
    """Guard a command that writes only at its end: stopped before, it has nothing to go on from."""
    return _guarded(command, _BEGINS_ANEW)


def _guarded(command: Callable[..., int | None], stopped: str) -> Callable[..., None]:
    @functools.wraps(command)
    def run_guarded(**options: Any) -> None:
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
            typer.echo(stopped, err=True)
            code = INTERRUPTED
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if debug:
                traceback.print_exc()
            typer.echo(_unexpected(error, options), err=True)
            code = UNFORESEEN
        raise typer.Exit(code)

    return run_guarded


def open_study(study: str) -> Workspace:
    """Open the workspace around a study file."""
    from survey_tools.params import open_workspace

    return open_workspace(study)


def split(option: str, text: str | None) -> list[str] | None:
    """Part a list at its commas; an empty one is more likely a variable that was not set than a wish."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ParamsError(
            "The list is empty.",
            expected="values with commas between; leave the option out for all of the study",
            found=repr(text),
            where=option,
        )
    return parts


def _unexpected(error: Exception, options: dict[str, Any]) -> str:
    """Put the trace of an error that nobody planned for in a file, and say where.

    It goes to the folder of the command's run; where that is not there, none is made for it.
    """
    ws, folder = None, Path(tempfile.gettempdir())
    with suppress(Exception):  # what broke the command may break this as well
        ws = open_study(str(options.get("study", "params/study.yml")))
        reports = ws.reports(str(options["run"]))
        folder = reports if reports.is_dir() else folder
    handle, path = tempfile.mkstemp(dir=folder, prefix="error-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(_blotted_trace(error, ws))
    return f"Error: {type(error).__name__}, which was not foreseen. The trace is in {path}"


def _blotted_trace(error: Exception, ws: Workspace | None) -> str:
    """Write a trace without personal data: an error often names the value that it met.

    Held against the private values of the workspace; if these cannot be read, against what looks
    personal; if that fails, too, no message is written, only where it happened.
    """
    trace = "".join(traceback.format_exception(error))
    for blot in (_blot_known, _blot_likely):
        with suppress(Exception):
            return blot(trace, ws)
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{frames}{type(error).__name__} (its message is left out: it could not be blotted)\n"


def _blot_known(text: str, ws: Workspace | None) -> str:
    from survey_tools.run.gate import open_gate

    return open_gate(ws, ws.root).blot(text) if ws else _blot_likely(text, ws)


def _blot_likely(text: str, ws: Workspace | None) -> str:
    from survey_tools.run.scan import Scanner

    return Scanner().blot(text)
