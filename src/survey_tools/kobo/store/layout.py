"""Lay out the SQLite file of a store, and bring a file of an older layout up to date.

Not here: opening and guarding the file (`file`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from survey_tools.kobo.signature import digest_of, proof_of, signature_of

LAYOUT = 2
OLDEST_READABLE = 1
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
    digest TEXT NOT NULL DEFAULT '',
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
CREATE TABLE erased (_id INTEGER PRIMARY KEY, at TEXT NOT NULL);
"""


def layout_of(connection: sqlite3.Connection) -> int:
    """Return the layout of a file; 0 if it is no store (yet)."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def create_layout(connection: sqlite3.Connection) -> None:
    """Lay out an empty file, whole or not at all."""
    with transaction(connection):
        if layout_of(connection) == 0:  # another process may have been quicker
            for statement in filter(str.strip, SCHEMA.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {LAYOUT}")


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a file of an older layout up to date, whole or not at all."""
    with transaction(connection):
        for layout in range(layout_of(connection), LAYOUT):
            _STEPS[layout](connection)
        connection.execute(f"PRAGMA user_version = {LAYOUT}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write everything in the block or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _from_1_to_2(connection: sqlite3.Connection) -> None:
    """Sign attachments too, keep a digest of each document, remember what was erased."""
    proof = proof_of(_live(connection))
    connection.execute("CREATE TABLE erased (_id INTEGER PRIMARY KEY, at TEXT NOT NULL)")
    connection.execute("ALTER TABLE rows ADD COLUMN digest TEXT NOT NULL DEFAULT ''")
    last = 0
    while batch := connection.execute(
        "SELECT rowid, _id, uuid, signature, doc FROM rows WHERE rowid > ? ORDER BY rowid LIMIT 500",
        (last,),
    ).fetchall():
        for rowid, row_id, uuid, old, doc in batch:
            new = signature_of(json.loads(doc))
            connection.execute(
                "UPDATE rows SET signature = ?, digest = ? WHERE rowid = ?",
                (new, digest_of(doc), rowid),
            )
            if new != old:
                connection.execute(
                    "UPDATE events SET signature = ? WHERE _id = ? AND uuid = ? AND signature = ?",
                    (new, row_id, uuid, old),
                )
        last = batch[-1][0]
    _sign_pulls_again(connection, proof, proof_of(_live(connection)))


def _sign_pulls_again(connection: sqlite3.Connection, old: str, new: str) -> None:
    """Give the pulls that the store still agrees with the proof in its new form."""
    for pull, text in connection.execute(
        "SELECT pull, report FROM pulls WHERE complete"
    ).fetchall():
        report = json.loads(text)
        if report.get("proof") == old:
            text = json.dumps({**report, "proof": new})
            connection.execute("UPDATE pulls SET report = ? WHERE pull = ?", (text, pull))


def _live(connection: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    query = "SELECT _id, signature FROM rows WHERE status = 'live' ORDER BY _id"
    return iter(connection.execute(query).fetchall())


_STEPS: dict[int, Callable[[sqlite3.Connection], None]] = {1: _from_1_to_2}
