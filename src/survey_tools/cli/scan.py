"""The command that looks for personal data in what is about to be published.

Not here: any of the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from survey_tools.cli.base import DebugOption, StudyOption, app, guarded, open_study
from survey_tools.errors import ParamsError

if TYPE_CHECKING:
    from survey_tools.params import Workspace
    from survey_tools.run.scan import Scan

FOUND, NOT_READ = 1, 2


@app.command()
@guarded
def scan(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders, hidden ones too.")],
    study: StudyOption = "params/study.yml",
    allow_unread: Annotated[
        bool, typer.Option("--allow-unread", help="Exit code 0 although some files are not read.")
    ] = False,
    debug: DebugOption = False,
) -> int:
    """Look for personal data in what is about to be published; says where, never what.

    Exit code 1: something was found. 2: something could not be read. In a workspace the phones, positions,
    codes and names of data/private are looked for, too.
    """
    from survey_tools.run.scan import Scanner, open_scanner, scan_paths

    ws = _workspace(study)
    scanner = Scanner() if ws is None else open_scanner(ws)
    done = scan_paths(paths, scanner, None if ws is None else ws.root)
    for line in (*done.findings, *done.unread):
        typer.echo(str(line))
    typer.echo(_summary(done, len(scanner.known)), err=True)
    if done.findings:
        return FOUND
    return NOT_READ if done.unread and not allow_unread else 0


def _workspace(study: str) -> Workspace | None:
    """Open the study; None where there is none and none was asked for."""
    try:
        return open_study(study)
    except ParamsError:
        if study != "params/study.yml":
            raise
        typer.echo("No workspace here: only what looks personal is found.", err=True)
        return None


def _summary(done: Scan, known: int) -> str:
    places = f"{len(done.findings)} place(s) in {len({f.file for f in done.findings})} file(s)"
    told = f"{done.files} file(s) held against {known} known values: {places}"
    return told + (f", {len(done.unread)} not read." if done.unread else ".")
