"""Write single rows into the tables of a store.

Not here: transactions, and which rows (`store`, `sync`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from survey_tools.kobo.signature import digest_of


def add_row(
    db: sqlite3.Connection, pull: int, at: str, signature: str, row: Mapping[str, Any]
) -> str:
    """Keep a row as the live one of its ``_id``, and note what that is.

    Returns
    -------
    str
        ``new``, ``edited``, ``restored``, or empty where the live row is the same.
    """
    key = (row["_id"], str(row.get("_uuid", "")), signature)
    current = db.execute(
        "SELECT uuid, signature, status FROM rows WHERE _id = ? AND status <> 'superseded'",
        key[:1],
    ).fetchone()
    if current == (*key[1:], "live"):
        return ""
    kind = "new" if current is None else "edited" if current[2] == "live" else "restored"
    doc = dump(row)
    if current is not None:
        db.execute("UPDATE rows SET status = 'superseded' WHERE _id = ?", key[:1])
    db.execute(
        "INSERT INTO rows VALUES (?, ?, ?, 'live', ?, ?, ?, ?) ON CONFLICT (_id, uuid, signature) "
        "DO UPDATE SET status = 'live', last_seen = excluded.last_seen, doc = excluded.doc, "
        "digest = excluded.digest",
        (*key, at, at, doc, digest_of(doc)),
    )
    db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (pull, at, kind, *key))
    return kind


def bury_row(db: sqlite3.Connection, pull: int, at: str, row_id: int) -> None:
    """Mark a row as deleted on the server and keep its document."""
    db.execute(
        "INSERT INTO events SELECT ?, ?, 'deleted', _id, uuid, signature FROM rows "
        "WHERE _id = ? AND status = 'live'",
        (pull, at, row_id),
    )
    db.execute(
        "UPDATE rows SET status = 'deleted', last_seen = ? WHERE _id = ? AND status = 'live'",
        (at, row_id),
    )


def dump(value: Mapping[str, Any]) -> str:
    """Write as compact JSON, letters as they are; half a letter (a lone surrogate) stays escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text
