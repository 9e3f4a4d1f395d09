"""Open and guard the SQLite file of a store.

Not here: what the rows in it mean.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from survey_tools.errors import StoreError
from survey_tools.kobo.store.layout import (
    LAYOUT,
    OLDEST_READABLE,
    create_layout,
    layout_of,
    migrate,
)


def open_for_writing(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a store's file, made with mode 0600 if it is not there.

    Raises
    ------
    StoreError
        If it is missing and not to be made, is no store, is damaged, or is of a newer release.
    """
    with sqlite_errors(path):
        if not path.exists():
            if not create:
                raise _missing(path)
            path.parent.mkdir(parents=True, exist_ok=True)
        _make_private(path)
        _look_before_touching(path)
        # SQLite gives -wal and -shm the mode of the main file.
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

    In a folder that cannot be written SQLite finds no place for the files it wants beside a store;
    there the store is read as a file that nobody changes meanwhile, which holds if no other process
    has it open.

    Raises
    ------
    StoreError
        If it is missing, no store, damaged, or of a newer release.
    """
    with sqlite_errors(path):
        if not path.exists():
            raise _missing(path)
        wal = path.with_name(path.name + "-wal")
        frozen = not os.access(path.parent, os.W_OK) and not wal.exists()
        uri = f"{path.resolve().as_uri()}?mode=ro" + ("&immutable=1" if frozen else "")
        connection = sqlite3.connect(uri, uri=True, timeout=30)
        try:
            if _layout(connection, path) < OLDEST_READABLE:
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
    home = path.resolve()  # one lock, whatever name leads to the store
    lock = home.with_name(home.name + ".lock")
    with sqlite_errors(lock):
        _make_private(lock)
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


def _make_private(path: Path) -> None:
    """Make an empty file of mode 0600 if there is none.

    A file that is there is not opened: closing it again would drop every lock that SQLite holds on
    it in this process (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _look_before_touching(path: Path) -> None:
    """Refuse what is no store, or a newer release's, before anything in it is changed."""
    if path.stat().st_size == 0:
        return
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
    try:
        if _layout(connection, path) == 0 and _tables(connection):
            raise _no_store(path)
    finally:
        connection.close()


def _tables(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    layout = _layout(connection, path)
    if layout:
        _check(connection, path)
        if layout < LAYOUT:
            migrate(connection)
    elif _tables(connection):
        raise _no_store(path)
    else:
        create_layout(connection)


def _layout(connection: sqlite3.Connection, path: Path) -> int:
    layout = layout_of(connection)
    if layout > LAYOUT:
        raise StoreError(
            "The store was written by a newer release of this package.",
            expected=f"layout {LAYOUT} or older",
            found=f"layout {layout}",
            where=str(path),
            next_step="Update the package.",
        )
    return layout


def _check(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise _damaged(path, str(found))


def _explained(error: sqlite3.DatabaseError, path: Path) -> StoreError:
    text = str(error)
    if isinstance(error, sqlite3.ProgrammingError):
        return StoreError(
            "The store is closed, or was opened in another thread.",
            found=text,
            where=str(path),
            next_step="Open it again where it is used.",
        )
    if "disk is full" in text or "disk I/O" in text:
        return StoreError(
            "The store cannot be written: the disk is full or failing.",
            found=text,
            where=str(path),
            next_step="Free some space and sync again; the store itself is unharmed.",
        )
    if "readonly" in text:
        return StoreError(
            "The store's file cannot be opened or written.", found=text, where=str(path)
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
