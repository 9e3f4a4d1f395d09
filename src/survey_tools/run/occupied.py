"""Let runs and an erasure keep out of each other's way, across processes.

Not here: what they do, and kernels that somebody started by hand: those hold nothing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from survey_tools.errors import RunError
from survey_tools.params import Workspace

LOCK = ".lock"


@contextmanager
def at_work(ws: Workspace) -> Iterator[None]:
    """Keep an erasure from beginning while derived files are being written; many may be at work.

    Raises
    ------
    RunError
        When an erasure is at work.
    """
    with _held(ws, "BEGIN", "Somebody is being erased from this workspace."):
        yield


@contextmanager
def alone(ws: Workspace) -> Iterator[None]:
    """Keep everybody else out; the operating system takes the right back if the process dies.

    Raises
    ------
    RunError
        When a run or an erasure is at work.
    """
    with _held(ws, "BEGIN EXCLUSIVE", "A run or another erasure is at work in this workspace."):
        yield


@contextmanager
def _held(ws: Workspace, begin: str, refusal: str) -> Iterator[None]:
    """Hold a lock of SQLite on an empty file: shared by readers, exclusive by a writer."""
    with closing(_connect(ws.root / "data" / LOCK)) as connection:
        try:
            connection.execute(begin)
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError as error:
            raise RunError(
                refusal,
                where=f"data/{LOCK}",
                next_step="wait until it has finished, then start again",
            ) from error
        yield


def _connect(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A file that is there is not opened: closing it would drop SQLite's locks of this process.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        return sqlite3.connect(path, timeout=1, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise RunError(
            "The workspace cannot be written.",
            found=getattr(error, "strerror", None) or str(error),
            where=f"data/{LOCK}",
            next_step="make the folder data/ writable, then start again",
        ) from error
