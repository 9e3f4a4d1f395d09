"""Check, export and erase the rows of a store.

Not here: opening the file (`file`), syncing into it (`rows`).
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from survey_tools.errors import StoreError
from survey_tools.kobo.report import PullReport
from survey_tools.kobo.signature import digest_of, signature_of
from survey_tools.kobo.store.layout import LAYOUT, layout_of, transaction

SHOWN_IDS = 10
ERASING = "erasing"
"""Key of `meta` that is there from an erasing's commit until its last trace is gone."""

SHORT_WAIT = 3000
"""Milliseconds to wait for readers, where all that is wanted is to know whether there are any."""

ERASED = "[erased]"
"""Stands in rows that stay for a text that was taken out of them."""


def find_damage(db: sqlite3.Connection, last: PullReport | None, proof: str) -> list[str]:
    """List what is wrong with a store; see `Store.check`."""
    found = [str(line) for (line,) in db.execute("PRAGMA integrity_check(20)") if line != "ok"]
    if found:
        return found
    if layout_of(db) < LAYOUT:
        return [
            "written by an older release: pull once, which brings it up to date, then check again"
        ]
    if db.execute("SELECT 1 FROM meta WHERE key = ?", (ERASING,)).fetchone():
        found.append(
            "traces of erased rows may be left: pull or erase once more, with nobody reading"
        )
    wrong: dict[str, list[int]] = {}
    for row_id, signature, digest, doc in db.execute(
        "SELECT _id, signature, digest, doc FROM rows"
    ):
        for what in _problems(row_id, signature, digest, doc):
            wrong.setdefault(what, []).append(row_id)
    found += [f"{what}: {_some(ids)}" for what, ids in wrong.items()]
    orphans = db.execute(
        "SELECT count(*) FROM events LEFT JOIN rows USING (_id, uuid, signature) WHERE doc IS NULL"
    ).fetchone()[0]
    if orphans:
        found.append(f"{orphans} events of rows that are not there")
    if last is not None and last.proof != proof and _rests_on(db, last):
        found.append(f"the last pull left rows with the proof {last.proof}, here is {proof}")
    return found


def write_lines(db: sqlite3.Connection, path: Path, *, every_version: bool) -> int:
    """Write rows as JSON Lines; see `Store.export`."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    except OSError as error:
        raise StoreError(
            "The rows cannot be written there.",
            found=error.strerror or type(error).__name__,
            where=str(path),
        ) from error
    written = 0
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            for line in _lines(db, every_version):
                file.write(line + "\n")
                written += 1
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return written


def erase_rows(db: sqlite3.Connection, row_ids: Sequence[int], at: str, text: str = "") -> int:
    """Erase rows; see `Store.erase`."""
    erased = 0
    with transaction(db):
        for row_id in row_ids:
            db.execute("DELETE FROM events WHERE _id = ?", (row_id,))
            erased += db.execute("DELETE FROM rows WHERE _id = ?", (row_id,)).rowcount > 0
            db.execute("INSERT OR IGNORE INTO erased VALUES (?, ?)", (row_id, at))
        if text:
            _take_out(db, text)
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, '1')", (ERASING,))
    finish_erasing(db)
    return erased


def finish_erasing(db: sqlite3.Connection) -> None:
    """Take the last traces of erased rows out of the file, if an erasing is not finished.

    Raises
    ------
    StoreError
        If another process holds the store open.
    """
    if not db.execute("SELECT 1 FROM meta WHERE key = ?", (ERASING,)).fetchone():
        return
    what = "The rows are erased, but traces of them may be left in the file's log."
    # The log beside the file holds old pages until it is emptied; VACUUM leaves no free page behind.
    empty_log(db, what)
    db.execute("VACUUM")
    empty_log(db, what)
    db.execute("DELETE FROM meta WHERE key = ?", (ERASING,))


def refuse_readers(db: sqlite3.Connection) -> None:
    """Refuse a store that somebody reads; see `Store.refuse_readers`."""
    (patience,) = db.execute("PRAGMA busy_timeout").fetchone()
    db.execute(f"PRAGMA busy_timeout = {min(patience, SHORT_WAIT)}")
    # Something has to stand in the log for a reader to be in the way of emptying it.
    db.execute("INSERT OR REPLACE INTO meta VALUES ('looked', '')")
    db.execute("DELETE FROM meta WHERE key = 'looked'")
    empty_log(db, "The store is in use, so that nothing can be erased.")
    db.execute(f"PRAGMA busy_timeout = {patience}")


def empty_log(db: sqlite3.Connection, what: str) -> None:
    """Bring the log beside the file into it; refuse with `what` while somebody reads old pages."""
    result = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if result is not None and result[0]:
        raise StoreError(
            what,
            found="another process holds the store open",
            next_step="Close other programs and notebooks that read the store, and erase again.",
        )


def _take_out(db: sqlite3.Connection, text: str) -> None:
    """Take a text out of the rows: older versions with it go, in current ones `ERASED` replaces it."""
    pattern = re.compile(re.escape(text), re.IGNORECASE)
    query = "SELECT rowid, _id, uuid, signature, status, doc FROM rows WHERE instr(lower(doc), lower(?))"
    for rowid, *key, status, doc in db.execute(query, (text,)).fetchall():
        if status == "superseded":
            db.execute("DELETE FROM events WHERE _id = ? AND uuid = ? AND signature = ?", key)
            db.execute("DELETE FROM rows WHERE rowid = ?", (rowid,))
        else:
            new = pattern.sub(ERASED, doc)
            values = new, digest_of(new), rowid
            db.execute("UPDATE rows SET doc = ?, digest = ? WHERE rowid = ?", values)


def _problems(row_id: int, signature: str, digest: str, doc: str) -> Iterator[str]:
    if digest != digest_of(doc):
        yield "rows whose text is not what was stored"
        return
    row = json.loads(doc)
    if row.get("_id") != row_id:
        yield "rows under another row's id"
    if signature_of(row) != signature:
        yield "rows that do not agree with their signature"


def _rests_on(db: sqlite3.Connection, last: PullReport) -> bool:
    """Say whether nothing was pulled or erased since a pull."""
    complete = db.execute("SELECT complete FROM pulls ORDER BY pull DESC LIMIT 1").fetchone()[0]
    query = "SELECT count(*) FROM erased WHERE at >= ?"
    return bool(complete) and not db.execute(query, (last.finished,)).fetchone()[0]


def _lines(db: sqlite3.Connection, every_version: bool) -> Iterator[str]:
    if not every_version:
        query = "SELECT doc FROM rows WHERE status = 'live' ORDER BY _id"
        yield from (doc for (doc,) in db.execute(query))
        return
    query = "SELECT status, first_seen, last_seen, doc FROM rows ORDER BY _id, rowid"
    for status, first_seen, last_seen, doc in db.execute(query):
        head = {"status": status, "first_seen": first_seen, "last_seen": last_seen}
        # The document goes in as it is: what was received is what is written.
        yield f'{json.dumps(head)[:-1]}, "row": {doc}}}'


def _some(ids: Sequence[int]) -> str:
    shown = ", ".join(map(str, ids[:SHOWN_IDS]))
    return shown if len(ids) <= SHOWN_IDS else f"{shown} … ({len(ids)} in all)"
