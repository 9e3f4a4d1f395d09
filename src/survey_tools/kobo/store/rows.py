"""Keep every row that a survey's server ever gave, with all its versions, in one SQLite file.

Not here: asking the server (`sync`), typed columns (`tables`).
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey_tools.errors import StoreError
from survey_tools.kobo.form.model import Form
from survey_tools.kobo.http.address import server_name
from survey_tools.kobo.report import PullReport
from survey_tools.kobo.signature import proof_of
from survey_tools.kobo.store import file, upkeep, write
from survey_tools.kobo.store.layout import transaction

if TYPE_CHECKING:
    from survey_tools.kobo.tables import Tables

Row = Mapping[str, Any]


class Store:
    """The rows of one form of one server; made by `Store.open` or `Store.read`.

    Attributes
    ----------
    path : Path
        The file; ``-wal``, ``-shm`` and ``.lock`` may lie beside it. All hold personal data or
        point at it, and have mode 0600.
    server, asset : str
        Whose rows it holds.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        self.server: str = meta.get("server", "")
        self.asset: str = meta.get("asset", "")

    @classmethod
    def open(cls, path: str | Path, *, server: str, asset: str, create: bool = True) -> Store:
        """Open a store to sync into it.

        Parameters
        ----------
        path : str or Path
            The file; made with mode 0600 if it is not there.
        server : str
            The server's address, or a name for a server whose address changes.
        asset : str
            The form's uid.
        create : bool
            Whether to make the file.

        Returns
        -------
        Store
            To be closed, or used in ``with``.

        Raises
        ------
        StoreError
            If the store is of another server or form, damaged, or written by a newer release.
        """
        path = Path(path)
        connection = file.open_for_writing(path, create=create)
        try:
            with file.sqlite_errors(path):
                pairs = [("server", server_name(server)), ("asset", asset)]
                connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", pairs)
                upkeep.finish_erasing(connection)
                store = cls(path, connection)
            store._check_owner(server_name(server), asset)
        except BaseException:
            connection.close()
            raise
        return store

    @classmethod
    def read(cls, path: str | Path) -> Store:
        """Open a store to read it; nothing can be changed.

        Raises
        ------
        StoreError
            If there is none, or it is damaged, or written by a newer release.
        """
        path = Path(path)
        connection = file.open_for_reading(path)
        with file.sqlite_errors(path):
            return cls(path, connection)

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r}, server={self.server!r}, asset={self.asset!r})"

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # ------------------------------------------------------------------ reading

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the live rows as the server gave them, by ``_id``."""
        with file.sqlite_errors(self.path):
            query = "SELECT doc FROM rows WHERE status = 'live' ORDER BY _id"
            for (doc,) in self._db.cursor().execute(query):
                yield json.loads(doc)

    def find(self, key: str, value: str) -> list[int]:
        """Return the ``_id`` of the rows in which a key has a value, now or in an older version.

        Parameters
        ----------
        key : str
            Outside repeats, such as ``a_id/hhid``.
        value : str
            The answer, exactly.
        """
        # Looked for as text first: what SQLite takes for JSON is less than what a row may hold.
        texts = json.dumps(value, ensure_ascii=False), json.dumps(value)
        query = "SELECT _id, doc FROM rows WHERE instr(doc, ?) OR instr(doc, ?) ORDER BY _id"
        found = (i for i, doc in self._fetch(query, texts) if json.loads(doc).get(key) == value)
        return list(dict.fromkeys(found))

    def documents(self) -> Iterator[tuple[int, bool, str]]:
        """Yield every version of every row: ``_id``, whether it is the newest one, and its JSON text."""
        with file.sqlite_errors(self.path):
            query = "SELECT _id, status <> 'superseded', doc FROM rows ORDER BY _id, rowid"
            for row_id, newest, doc in self._db.cursor().execute(query):
                yield row_id, bool(newest), doc

    def count(self) -> int:
        """Count the live rows."""
        return int(self._fetch("SELECT count(*) FROM rows WHERE status = 'live'")[0][0])

    def signatures(self) -> dict[int, str]:
        """Return the live rows' signatures by ``_id``, in its order."""
        query = "SELECT _id, signature FROM rows WHERE status = 'live' ORDER BY _id"
        return dict(self._fetch(query))

    def proof(self) -> str:
        """Return the proof of the live rows; see `PullReport`."""
        return proof_of(self.signatures().items())

    def contents(self) -> dict[str, dict[str, Any]]:
        """Return the deployed versions' content as the API gave it, oldest first."""
        query = "SELECT uid, content FROM versions ORDER BY date_deployed, uid"
        return {uid: json.loads(content) for uid, content in self._fetch(query)}

    def version_uids(self) -> set[str]:
        """Return the uids of the versions held."""
        return {uid for (uid,) in self._fetch("SELECT uid FROM versions")}

    def deployed(self) -> dict[str, str]:
        """Return when each version was deployed (ISO 8601, as the server says), oldest first."""
        return dict(
            self._fetch("SELECT uid, date_deployed FROM versions ORDER BY date_deployed, uid")
        )

    def form_versions(self) -> dict[str, Form]:
        """Return the deployed versions of the form by uid, oldest first."""
        return {uid: Form.from_content(body, uid) for uid, body in self.contents().items()}

    def pulls(self) -> list[PullReport]:
        """Return all pulls, oldest first; one that broke off has ``complete`` false."""
        found = self._fetch("SELECT report FROM pulls ORDER BY pull")
        return [PullReport(**json.loads(report)) for (report,) in found]

    def last_pull(self) -> PullReport | None:
        """Return the last complete pull, if there was one."""
        found = self._fetch("SELECT report FROM pulls WHERE complete ORDER BY pull DESC LIMIT 1")
        return PullReport(**json.loads(found[0][0])) if found else None

    def history(self, row_id: int) -> list[dict[str, Any]]:
        """Return what happened to a row, oldest first.

        Returns
        -------
        list of dict
            ``kind`` (new, edited, deleted, restored), ``at`` (UTC), ``pull`` (number), ``uuid``,
            ``signature``, and ``doc``: the row as it was from then on (for a deletion, the last
            known).
        """
        found = self._fetch(
            "SELECT e.kind, e.at, e.pull, e.uuid, e.signature, r.doc FROM events e "
            "JOIN rows r USING (_id, uuid, signature) WHERE e._id = ? ORDER BY e.rowid",
            (row_id,),
        )
        names = ("kind", "at", "pull", "uuid", "signature")
        return [{**dict(zip(names, row, strict=False)), "doc": json.loads(row[5])} for row in found]

    def tables(
        self,
        renames: Mapping[str, str] | None = None,
        *,
        numbers: Sequence[str] = (),
        lang: str | None = None,
    ) -> Tables:
        """Return the live rows as typed tables, with codes or with the labels of `lang`; see `flatten`."""
        from survey_tools.kobo.tables import flatten

        forms = self.form_versions()

        return flatten(self.rows(), forms, renames=renames, numbers=numbers, lang=lang)

    def erased(self) -> set[int]:
        """Return the ``_id`` of the rows that were erased."""
        there = "SELECT count(*) FROM sqlite_schema WHERE name = 'erased'"
        if not self._fetch(there)[0][0]:
            return set()  # an older layout
        return {row_id for (row_id,) in self._fetch("SELECT _id FROM erased")}

    # ------------------------------------------------------------------ upkeep

    def check(self) -> list[str]:
        """Look for damage, also in what SQLite itself cannot see; empty if all is well.

        Every page of the file, the text of every row against its digest, every row against its
        signature, and the live rows against the proof of the last pull are looked at.
        """
        with file.sqlite_errors(self.path):
            return upkeep.find_damage(self._db, self.last_pull(), self.proof())

    def export(self, path: str | Path, *, every_version: bool = False) -> int:
        """Write the rows as JSON Lines (mode 0600), as the server gave them, by ``_id``.

        Parameters
        ----------
        path : str or Path
            Replaced whole when all is written.
        every_version : bool
            Also superseded and deleted versions; each line is then an object with ``status``,
            ``first_seen``, ``last_seen`` and ``row``.

        Returns
        -------
        int
            Lines written.
        """
        with file.sqlite_errors(self.path):
            return upkeep.write_lines(self._db, Path(path), every_version=every_version)

    def erase(self, row_ids: Iterable[int], *, text: str = "") -> int:
        """Erase rows with all their versions, so that no byte of them is left in the file.

        The store remembers the ids: a later sync does not fetch the rows again, and says how many of
        them are still on the server. Files that were downloaded are not touched here.

        Parameters
        ----------
        row_ids : iterable of int
        text : str
            Also taken out of the rows that stay, in whatever case: older versions that hold it go, in
            the newest ones ``[erased]`` takes its place. A sync brings it back when such a row is edited
            on the server and still holds it.

        Returns
        -------
        int
            Rows that were there.

        Raises
        ------
        StoreError
            If a sync is running, or another process holds the file open for reading.
        """
        with self.exclusive(), file.sqlite_errors(self.path):
            return upkeep.erase_rows(self._db, sorted(set(row_ids)), utc_now(), text)

    def refuse_readers(self) -> None:
        """Raise a `StoreError` if a sync is running or somebody reads the file: nothing can be erased."""
        with self.exclusive(), file.sqlite_errors(self.path):
            upkeep.refuse_readers(self._db)

    # ------------------------------------------------------------------ writing (used by sync)

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the right to sync; a second sync is refused meanwhile."""
        return file.exclusive(self.path)

    def begin_pull(self, report: PullReport) -> int:
        """Note that a pull has begun and return its number."""
        with self._writing():
            cursor = self._db.execute("INSERT INTO pulls (report) VALUES (?)", (_json(report),))
        return int(cursor.lastrowid or 0)

    def finish_pull(self, pull: int, report: PullReport) -> None:
        """Mark a pull as complete and note its report."""
        with self._writing():
            self._db.execute(
                "UPDATE pulls SET complete = 1, report = ? WHERE pull = ?", (_json(report), pull)
            )

    def add_version(self, uid: str, date_deployed: str, content: Row) -> None:
        """Keep a deployed version of the form."""
        with self._writing():
            values = uid, date_deployed, write.dump(content)
            self._db.execute("INSERT OR REPLACE INTO versions VALUES (?, ?, ?)", values)

    def add_rows(self, pull: int, rows: Sequence[tuple[str, Row]]) -> dict[int, str]:
        """Keep rows in one transaction.

        Parameters
        ----------
        pull : int
            The pull's number.
        rows : sequence of (str, dict)
            Signature and row.

        Returns
        -------
        dict
            ``_id`` to ``new``, ``edited`` or ``restored``; unchanged rows are absent.
        """
        kinds: dict[int, str] = {}
        with self._writing():
            at = utc_now()
            for signature, row in rows:
                kind = write.add_row(self._db, pull, at, signature, row)
                if kind:
                    kinds[row["_id"]] = kind
        return kinds

    def bury_rows(self, pull: int, row_ids: Sequence[int]) -> None:
        """Mark rows as deleted on the server; their documents are kept."""
        with self._writing():
            at = utc_now()
            for row_id in row_ids:
                write.bury_row(self._db, pull, at, row_id)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with file.sqlite_errors(self.path), transaction(self._db):
            yield

    def _fetch(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with file.sqlite_errors(self.path):
            return self._db.execute(query, values).fetchall()

    def _check_owner(self, server: str, asset: str) -> None:
        if (self.server, self.asset) != (server, asset):
            raise StoreError(
                "The store holds the rows of another form or server.",
                expected=f"form {asset} of {server}",
                found=f"form {self.asset} of {self.server}",
                where=str(self.path),
                next_step="Use another file, or open this one with its own form and server.",
            )


def utc_now() -> str:
    """Return the moment as UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(report: PullReport) -> str:
    return json.dumps(dataclasses.asdict(report))
