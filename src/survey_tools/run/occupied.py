"""Let runs and an erasure keep out of each other's way, across processes.

Not here: what they do, and kernels that somebody started by hand: those hold nothing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

from survey_tools.errors import RunError
from survey_tools.params import Workspace

LOCK = ".lock"
_WAIT = "wait until it has finished, then start again"


def at_work(ws: Workspace) -> AbstractContextManager[None]:
    """Keep an erasure from beginning while derived files are being written; many may be at work.

    Raises
    ------
    RunError
        When an erasure is at work.
    """
    refusal = RunError(
        "Somebody is being erased from this workspace.", where=f"data/{LOCK}", next_step=_WAIT
    )
    return _held(ws, "data", "BEGIN", refusal)


def alone(ws: Workspace) -> AbstractContextManager[None]:
    """Keep everybody else out; the operating system takes the right back if the process dies.

    Raises
    ------
    RunError
        When a run or an erasure is at work.
    """
    refusal = RunError(
        "A run or another erasure is at work in this workspace.",
        where=f"data/{LOCK}",
        next_step=_WAIT,
    )
    return _held(ws, "data", "BEGIN EXCLUSIVE", refusal)


def holding(ws: Workspace, run: str) -> AbstractContextManager[None]:
    """Be the only batch that writes into a run; other runs go on beside it.

    The operating system takes the right back if the process dies. The file stays: to delete it would
    let two batches hold two files of one name.

    Raises
    ------
    RunError
        When another batch is writing into the run, or its folder cannot be written.
    ParamsError
        When the name of the run cannot be used.
    """
    folder = ws.reports(run).relative_to(ws.root).as_posix()
    refusal = RunError(
        "Another batch is writing into this run.",
        where=f"{folder}/{LOCK}",
        next_step="wait until it has finished, or give this one another name with --run",
    )
    return _held(ws, folder, "BEGIN EXCLUSIVE", refusal)


def processing(ws: Workspace) -> AbstractContextManager[None]:
    """Be the only one that makes the tables of `data/processed/`, whatever the name of the run.

    Raises
    ------
    RunError
        When another run is making them.
    """
    refusal = RunError(
        "Another run is making the tables of this workspace.",
        where=f"data/processed/{LOCK}",
        next_step=_WAIT,
    )
    return _held(ws, "data/processed", "BEGIN EXCLUSIVE", refusal)


@contextmanager
def _held(ws: Workspace, folder: str, begin: str, refusal: RunError) -> Iterator[None]:
    """Hold a lock of SQLite on an empty file: shared by readers, exclusive by a writer."""
    with closing(_connect(ws.root / folder, folder)) as connection:
        try:
            # nothing is written: no file beside it
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute(begin)
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.Error as error:
            raise (refusal if _taken(error) else _not_locked(error, folder)) from error
        yield


def _taken(error: sqlite3.Error) -> bool:
    """Whether somebody else holds the lock; the lower byte of a code says so, the upper one why."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _not_locked(error: sqlite3.Error, folder: str) -> RunError:
    return RunError(
        "The workspace could not be locked, so that nobody else can be kept out of it.",
        expected="an empty file, on a disk whose files can be locked",
        found=f"{getattr(error, 'sqlite_errorname', None) or type(error).__name__}: {error}",
        where=f"{folder}/{LOCK}",
        next_step="put the workspace on a local disk, or mount the network disk with locks",
    )


def _connect(folder: Path, name: str) -> sqlite3.Connection:
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A file that is there is not opened: closing it would drop SQLite's locks of this process.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        return sqlite3.connect(path, timeout=1, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise RunError(
            "The workspace cannot be written.",
            found=getattr(error, "strerror", None) or str(error),
            where=f"{name}/{LOCK}",
            next_step=f"make the folder {name}/ writable, then start again",
        ) from error
