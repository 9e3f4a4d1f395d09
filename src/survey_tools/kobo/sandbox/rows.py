"""Hold the submissions of one asset as serialised bytes and change them as the server does.

Not here: who may read them, HTTP, files. A row is parsed only where a request needs to look inside.
"""

from __future__ import annotations

import json
import re
import uuid
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from survey_tools.kobo.sandbox.mongo import QueryError, fields_of, matcher, sort_rows

Row = dict[str, Any]

# Fields that the server writes itself are kept parsed; a query on answers has to parse the rows.
SYSTEM = ("_", "meta/")
ALWAYS = ("_uuid", "meta/rootUuid", "_validation_status")
STATUS_LABELS = {
    "validation_status_approved": "Approved",
    "validation_status_not_approved": "Not approved",
    "validation_status_on_hold": "On hold",
}
BY_ID = {"_id": 1}
_TIME = re.compile(rb'"_submission_time":\s?"([^"]*)"')
_ID_FIRST = re.compile(rb'\{"_id":\s?(\d+)[,}]')


def encode(value: Any) -> bytes:
    """Serialise as the server does: compact, with letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class Rows:
    """The submissions of one asset, in the order of their ``_id``.

    Parameters
    ----------
    lines : iterable of bytes
        One JSON object each.
    asset_uid : str
        Written into rows that are added.
    """

    def __init__(self, lines: Iterable[bytes], asset_uid: str) -> None:
        self.asset_uid = asset_uid
        self._lines: dict[int, bytes] = {}
        self._heads: dict[int, Row] = {}
        for line in lines:
            self._lines[_id_of(line)] = line
        self._ids = sorted(self._lines)
        self._latest: str | None = None
        self.last_id = self._ids[-1] if self._ids else 0

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, row_id: int) -> bool:
        return row_id in self._lines

    def row(self, row_id: int) -> Row:
        """Parse one row."""
        parsed: Row = json.loads(self._lines[row_id])
        return parsed

    def line(self, row_id: int) -> bytes:
        """Give one row as serialised."""
        return self._lines[row_id]

    def head(self, row_id: int) -> Row:
        """Give the system fields of one row, parsed once."""
        if row_id not in self._heads:
            row = self.row(row_id)
            self._heads[row_id] = {k: v for k, v in row.items() if k.startswith(SYSTEM)}
        return self._heads[row_id]

    def find(self, row_id: str) -> int | None:
        """Resolve an address: a number, or the uuid of the row now or as first sent."""
        if row_id.isdigit():
            return int(row_id) if int(row_id) in self._lines else None
        for number in self._ids:
            head = self.head(number)
            if row_id == head.get("_uuid") or f"uuid:{row_id}" == head.get("meta/rootUuid"):
                return number
        return None

    def select(self, query: Any, sort: Any = None) -> list[int]:
        """List the ids that match a query, sorted.

        Raises
        ------
        QueryError
            Where the server would break.
        """
        match = matcher(query)
        if sort and not isinstance(sort, dict):
            raise QueryError("a sort is an object")
        ids = self._candidates(query)
        if sort in (None, {}, BY_ID) and _is_walk(query):
            return ids
        if query and set(query) != {"_id"}:
            ids = [i for i in ids if match(self._view(i, fields_of(query)))]
        elif query:
            ids = [i for i in ids if match({"_id": i})]
        if not sort:
            return ids
        keys = fields_of(sort)
        views = ({**self._view(i, keys), "_id": i} for i in ids)
        return [row["_id"] for row in sort_rows(views, sort)]

    def project(self, row_id: int, fields: Iterable[str]) -> Row:
        """Give a row with the fields asked for and those that always come."""
        wanted = set(fields) | set(ALWAYS)
        row = {k: v for k, v in self._view(row_id, wanted).items() if k in wanted}
        if row.get("_attachments"):
            row["_attachments"] = [_attachment(part, wanted) for part in row["_attachments"]]
        return row

    def add(self, row: Mapping[str, Any], *, submitted_by: str, version: str | None) -> Row:
        """Add a row, filling in what the server writes itself; the id is never one used before."""
        row_id = int(row.get("_id", self.last_id + 1))
        key = row.get("_uuid") or str(uuid.uuid4())
        system: Row = {
            "__version__": version,
            "meta/instanceID": f"uuid:{key}",
            "_xform_id_string": self.asset_uid,
            "_uuid": key,
            "meta/rootUuid": f"uuid:{key}",
            "_attachments": [],
            "_status": "submitted_via_web",
            "_geolocation": [None, None],
            "_submission_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "_validation_status": {},
            "_submitted_by": submitted_by,
        }
        missing = {k: v for k, v in system.items() if k not in row and v is not None}
        return self._put(row_id, {"_id": row_id, **row, **missing})

    def edit(self, row_id: int, changes: Mapping[str, Any]) -> Row:
        """Change answers: a new ``_uuid``, the old one in ``meta/deprecatedID``, the same ``_id``.

        A value of None takes the answer away.
        """
        row = {**self.row(row_id), **changes}
        key = str(uuid.uuid4())
        row["meta/deprecatedID"] = row["meta/instanceID"]
        row["meta/instanceID"] = f"uuid:{key}"
        row["_uuid"] = key
        return self._put(row_id, {k: v for k, v in row.items() if v is not None})

    def set_status(self, row_id: int, status: str, by_whom: str) -> Row:
        """Set the validation status (an empty one clears it); nothing else of the row changes."""
        value: Row = {}
        if status:
            value = {
                "timestamp": int(datetime.now(UTC).timestamp()),
                "uid": status,
                "by_whom": by_whom,
                "label": STATUS_LABELS[status],
            }
        self._put(row_id, {**self.row(row_id), "_validation_status": value})
        return value

    def add_file(self, row_id: int, attachment: Mapping[str, Any]) -> None:
        """Add a file to ``_attachments``; nothing else of the row changes."""
        row = self.row(row_id)
        files = [*row.get("_attachments", []), dict(attachment)]
        self._put(row_id, {**row, "_attachments": files})

    def mark_deleted(self, row_id: int, uid: str) -> None:
        """Mark a file as deleted; its entry stays."""
        row = self.row(row_id)
        files = [
            {**f, "is_deleted": f["is_deleted"] or f["uid"] == uid} for f in row["_attachments"]
        ]
        self._put(row_id, {**row, "_attachments": files})

    def without_file(self, row_id: int, uid: str) -> bool:
        """Say whether a row has no such file, or none any more."""
        files = self.head(row_id).get("_attachments", [])
        return not any(f.get("uid") == uid and not f.get("is_deleted") for f in files)

    def delete(self, ids: Iterable[int]) -> int:
        """Delete rows and say how many there were."""
        gone = {i for i in ids if self._lines.pop(i, None) is not None}
        for row_id in gone:
            self._heads.pop(row_id, None)
        self._ids = [i for i in self._ids if i not in gone]
        self._latest = None
        return len(gone)

    def latest(self) -> str:
        """Give the latest time that a row bears, read from its text alone; empty without rows."""
        if self._latest is None:
            found = (_TIME.search(line) for line in self._lines.values())
            self._latest = max((m.group(1).decode() for m in found if m), default="")
        return self._latest

    def days(self) -> dict[str, int]:
        """Count rows by the day on which they say that they came."""
        counts: dict[str, int] = {}
        for row_id in self._ids:
            day = str(self.head(row_id).get("_submission_time", ""))[:10]
            counts[day] = counts.get(day, 0) + 1
        return dict(sorted(counts.items()))

    def _put(self, row_id: int, row: Row) -> Row:
        if row_id not in self._lines:
            insort(self._ids, row_id)
        self._lines[row_id] = encode(row)
        self._latest = None
        self._heads.pop(row_id, None)
        self.last_id = max(self.last_id, row_id)
        return row

    def _view(self, row_id: int, fields: set[str]) -> Row:
        in_head = all(name.startswith(SYSTEM) for name in fields)
        return self.head(row_id) if in_head else self.row(row_id)

    def _candidates(self, query: dict[str, Any]) -> list[int]:
        """Narrow to the ids that a range of ``_id`` allows, without looking at a row."""
        condition = query.get("_id")
        if not isinstance(condition, dict):
            return list(self._ids)
        if isinstance(low := condition.get("$gt"), int):
            return self._ids[bisect_left(self._ids, low + 1) :]
        if isinstance(some := condition.get("$in"), list):
            return sorted({i for i in map(_integer, some) if i in self._lines})
        return list(self._ids)


def _is_walk(query: Mapping[str, Any]) -> bool:
    """Say whether the candidates are the answer, as where a database reads its index."""
    condition = query.get("_id")
    return not query or (
        len(query) == 1
        and isinstance(condition, dict)
        and len(condition) == 1
        and isinstance(condition.get("$gt"), int)
    )


def _id_of(line: bytes) -> int:
    if found := _ID_FIRST.match(line):
        return int(found.group(1))
    return int(json.loads(line)["_id"])


def _attachment(attachment: Row, fields: set[str]) -> Row:
    """Leave out which question a file answers, where that question was not asked for."""
    steps = re.sub(r"\[\d+\]", "", attachment.get("question_xpath", "")).split("/")
    known = any("/".join(steps[: i + 1]) in fields for i in range(len(steps)))
    return attachment if known else {**attachment, "question_xpath": ""}


def _integer(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return -1
