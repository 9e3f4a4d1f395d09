"""Give the address and token of the survey server: the configured one, or the built-in sandbox.

Not here: pulling rows, or making the synthetic district (survey_tools.run.district).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from survey_tools.kobo import read_token
from survey_tools.kobo.sandbox import Sandbox, serve_forever
from survey_tools.params import Workspace
from survey_tools.run.progress import Step

PRESET_VARIABLE = "SURVEY_TOOLS_SANDBOX_PRESET"
"""Overrides the size of the synthetic district: `default` or `small` (three communes, for tests)."""


@dataclass(frozen=True)
class Server:
    """Where the forms are, and the token that opens them (never shown)."""

    url: str
    token: str = field(repr=False)


@contextmanager
def kobo_server(
    ws: Workspace, *, preset: str = "default", progress: Step | None = None
) -> Iterator[Server]:
    """Open the survey server of the study for as long as the block runs.

    With `server.url: sandbox` the synthetic district is made (or taken from the last time) and served
    on a free port of this machine alone. Otherwise the configured address and the token of the
    environment are given.

    Parameters
    ----------
    ws : Workspace
    preset : str
        `default` or `small`; the environment variable `SURVEY_TOOLS_SANDBOX_PRESET` goes first.
    progress : callable, optional
        Called with (done, total) while the district is made.

    Raises
    ------
    ParamsError
        When the preset is unknown.
    KoboError
        When the configured server needs a token and none is set.
    """
    if not ws.study.server.is_sandbox:
        yield Server(ws.study.server.url, read_token())
        return
    from survey_tools.run.district import make_sandbox

    folder = make_sandbox(ws, preset=preset, progress=progress)
    with Sandbox(folder) as sandbox:
        yield Server(sandbox.url, sandbox.token)


def serve_sandbox(
    folder: Path, *, token: str, port: int = 0, ready: Callable[[str], None] | None = None
) -> None:
    """Serve a sandbox folder until the process is told to stop (Ctrl-C or SIGTERM).

    Parameters
    ----------
    folder : Path
        Made by `make_sandbox`.
    token : str
        What a client has to show.
    port : int
        On this machine alone; 0 takes a free one.
    ready : callable, optional
        Called with the address as soon as it answers.
    """
    serve_forever(
        folder, token=token, port=port, on_ready=lambda sandbox: ready and ready(sandbox.url)
    )
