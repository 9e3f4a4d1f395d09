"""Open and guard the SQLite file of a store.

Not here: what the rows in it mean.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from survey_tools.errors import StoreError

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (
    _id INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    signature TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('live', 'superseded', 'deleted')),
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (_id, uuid, signature)
);
CREATE UNIQUE INDEX rows_current ON rows (_id) WHERE status <> 'superseded';
CREATE TABLE events (
    pull INTEGER NOT NULL REFERENCES pulls (pull),
    at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('new', 'edited', 'deleted', 'restored')),
    _id INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    signature TEXT NOT NULL
);
CREATE INDEX events_of_row ON events (_id);
CREATE TABLE versions (
    uid TEXT PRIMARY KEY,
    date_deployed TEXT NOT NULL,
    content TEXT NOT NULL
);
CREATE TABLE pulls (
    pull INTEGER PRIMARY KEY AUTOINCREMENT,
    complete INTEGER NOT NULL DEFAULT 0,
    report TEXT NOT NULL
);
"""


def open_for_writing(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a store's file, made with mode 0600 if it is not there.

    Raises
    ------
    StoreError
        If it is missing and not to be made, is no store, is damaged, or is of a newer release.
    """
    if not path.exists():
        if not create:
            raise _missing(path)
        path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite_errors(path):
        # SQLite gives -wal and -shm the mode of the main file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
        connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a store's file without the right to change it.

    Raises
    ------
    StoreError
        If it is missing, no store, damaged, or of a newer release.
    """
    if not path.exists():
        raise _missing(path)
    with sqlite_errors(path):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
        try:
            if _version(connection, path) == 0:
                raise _no_store(path)
            _check(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite or the disk reports into a `StoreError`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _explained(error, path) from error
    except OSError as error:
        raise StoreError(
            "The store's file cannot be opened or written.",
            found=error.strerror or type(error).__name__,
            where=str(path),
        ) from error


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the right to sync a store; the operating system takes it back if the process dies.

    Raises
    ------
    StoreError
        If another sync holds it.
    """
    lock = path.with_name(path.name + ".lock")
    with sqlite_errors(lock):
        os.close(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(lock, timeout=0, isolation_level=None)
    try:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise StoreError(
                "Another sync is writing this store.",
                where=str(path),
                next_step="Wait until it has finished, then start again.",
            ) from error
        yield
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if _version(connection, path) == 0:
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise _no_store(path)
        # One transaction: a process that dies here leaves an empty file, not half a store.
        connection.executescript(
            f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )
    else:
        _check(connection, path)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise StoreError(
            "The store was written by a newer release of this package.",
            expected=f"layout {SCHEMA_VERSION} or older",
            found=f"layout {version}",
            where=str(path),
            next_step="Update the package.",
        )
    return version


def _check(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise _damaged(path, str(found))


def _explained(error: sqlite3.DatabaseError, path: Path) -> StoreError:
    text = str(error)
    if "disk is full" in text or "disk I/O" in text:
        return StoreError(
            "The store cannot be written: the disk is full or failing.",
            found=text,
            where=str(path),
            next_step="Free some space and sync again; the store itself is unharmed.",
        )
    if "locked" in text or "busy" in text:
        return StoreError("Another program is writing the store.", found=text, where=str(path))
    if isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError):
        return StoreError("The store cannot be used.", found=text, where=str(path))
    return _damaged(path, text)


def _damaged(path: Path, found: str) -> StoreError:
    return StoreError(
        "The store is damaged, or the file is no store.",
        found=found,
        where=str(path),
        next_step="Move the file away (keep it) and sync into a new one, or bring back a backup.",
    )


def _missing(path: Path) -> StoreError:
    return StoreError(
        "There is no store at this place.",
        where=str(path),
        next_step="Pull the survey first.",
    )


def _no_store(path: Path) -> StoreError:
    return StoreError("The file is a database, but no store of survey rows.", where=str(path))
