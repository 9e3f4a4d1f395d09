"""Bring a store to the server's state, miss no row, and fail where that cannot be shown.

Not here: HTTP, SQLite. The server keeps no modification times and its pages shift while rows come
and go; so the walk goes by ``_id`` over an index of all rows, compares signatures, fetches what
differs, asks again for what is gone, and counts at the end.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from survey_tools.errors import KoboError, StoreError
from survey_tools.kobo.report import PullReport
from survey_tools.kobo.store import Store, utc_now

if TYPE_CHECKING:
    from survey_tools.kobo.asset import Page
    from survey_tools.kobo.client import KoboClient

INDEX_FIELDS = ("_id", "_uuid", "_validation_status", "_date_modified")
PAGE = 1000
BATCH = 200
WALKS = 3
LOSS_ROWS, LOSS_SHARE = 5, 0.10

Progress = Callable[[int, int], None]
Row = Mapping[str, Any]


def sync(
    client: KoboClient,
    uid: str,
    store: Store,
    *,
    accept_loss: bool = False,
    progress: Progress | None = None,
) -> PullReport:
    """Bring a store up to the server's rows.

    Parameters
    ----------
    client : KoboClient
        The server.
    uid : str
        The form's uid.
    store : Store
        Opened for this form and server.
    accept_loss : bool
        Go on although more than a tenth of the rows (and more than five) are gone from the server.
    progress : callable, optional
        Called with the rows fetched and the rows to fetch.

    Returns
    -------
    PullReport
        Also kept in the store. Every batch is kept as it comes: a sync that is cut off leaves a
        sound store, and the next one does the rest.

    Raises
    ------
    KoboError
        If the form cannot be read in full, the server cannot be trusted, many rows are gone, or
        the store does not agree with the server's count after three walks.
    StoreError
        If the store is another form's, another sync is running, or it cannot be written.
    """
    _check_store(client, uid, store)
    before = client.session.requests, client.session.bytes
    asset = client.asset(uid)
    client.check_readable(asset)
    with store.exclusive():
        pull = _Pull(client, uid, store, accept_loss, progress or _silent, before)
        return pull.run()


def signature_of(row: Row) -> str:
    """Return what tells one state of a row from another.

    An edit changes ``_uuid``; a validation changes only ``_validation_status``; ``_date_modified``
    is there on servers that have it.
    """
    parts = [row.get("_uuid"), row.get("_validation_status") or {}, row.get("_date_modified")]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass
class _Pull:
    """One pull: what it works on, and what it has done so far."""

    client: KoboClient
    uid: str
    store: Store
    accept_loss: bool
    progress: Progress
    before: tuple[int, int]
    number: int = 0
    kinds: dict[int, str] = field(default_factory=dict)
    buried: set[int] = field(default_factory=set)

    def run(self) -> PullReport:
        begun = PullReport(form=self.uid, server=self.store.server, started=utc_now())
        self.number = self.store.begin_pull(begun)
        self._keep_versions()
        server_count = self._walk_until_equal()
        counts = Counter(self.kinds.values())
        live = self.store.signatures()
        report = replace(
            begun,
            finished=utc_now(),
            new=counts["new"],
            edited=counts["edited"],
            restored=counts["restored"],
            deleted=len(self.buried),
            unchanged=len(live) - sum(1 for row_id in self.kinds if row_id in live),
            rows=len(live),
            server_count=server_count,
            requests=self.client.session.requests - self.before[0],
            bytes=self.client.session.bytes - self.before[1],
            complete=True,
            proof=self.store.proof(),
        )
        self.store.finish_pull(self.number, report)
        return report

    def _keep_versions(self) -> None:
        held = self.store.version_uids()
        for version in self.client.versions(self.uid):
            if version.uid not in held:
                content = self.client.form_version(self.uid, version.uid)
                self.store.add_version(version.uid, version.date_deployed, content)

    def _walk_until_equal(self) -> int:
        seen = []
        for _ in range(WALKS):
            self._walk()
            count, held = self.client.count(self.uid), self.store.count()
            if count == held:
                return count
            seen.append(f"{held} here and {count} on the server")
        raise KoboError(
            f"After {WALKS} walks the store does not hold as many rows as the server counts.",
            found="; ".join(seen),
            where=f"form {self.uid} of {self.client.server}",
            next_step="If rows are coming in fast, sync again later; if it stays, the server hides "
            "rows from this token or answers queries wrongly: do not use the data.",
        )

    def _walk(self) -> None:
        held = self.store.signatures()
        if not held:
            self._fetch_all()
            return
        index = self._index()
        gone = self._gone(held, index)
        self._check_loss(len(gone), len(held))
        changed = [row_id for row_id, sign in index.items() if held.get(row_id) != sign]
        if 2 * len(changed) > len(index):
            self._fetch_all()
        else:
            self._fetch_some(changed)
        self.store.bury_rows(self.number, gone)
        self.buried |= set(gone)

    def _index(self) -> dict[int, str]:
        index: dict[int, str] = {}
        for page in self._pages(INDEX_FIELDS):
            index.update((row["_id"], signature_of(row)) for row in page.rows)
        return index

    def _gone(self, held: Mapping[int, str], index: dict[int, str]) -> list[int]:
        """Ask once more for the rows held here and not in the index; add those that are there."""
        missing = [row_id for row_id in held if row_id not in index]
        for rows in self._by_id(missing, INDEX_FIELDS):
            index.update((row["_id"], signature_of(row)) for row in rows)
        return [row_id for row_id in missing if row_id not in index]

    def _check_loss(self, gone: int, held: int) -> None:
        if self.accept_loss or gone <= LOSS_ROWS or gone <= LOSS_SHARE * held:
            return
        raise KoboError(
            "Many rows held here are gone from the server; nothing was changed.",
            expected=f"at most {LOSS_ROWS} rows or {LOSS_SHARE:.0%} gone since the last sync",
            found=f"{gone} of {held} rows gone",
            where=f"form {self.uid} of {self.client.server}",
            next_step="Ask whether the token's permissions changed, the server was restored, or "
            "the uid is wrong. If the rows were deleted on purpose, sync with accept_loss=True: "
            "they stay in the store's history.",
        )

    def _fetch_all(self) -> None:
        done = 0
        for page in self._pages(None):
            self._keep(page.rows)
            done += len(page.rows)
            # `count` is what lies ahead of this page and in it.
            self.progress(done, done + page.count - len(page.rows))

    def _fetch_some(self, row_ids: Sequence[int]) -> None:
        done = 0
        for rows in self._by_id(row_ids, None):
            self._keep(rows)
            done += len(rows)
            self.progress(done, len(row_ids))

    def _keep(self, rows: Sequence[Row]) -> None:
        found = self.store.add_rows(self.number, [(signature_of(row), row) for row in rows])
        for row_id, kind in found.items():
            # A row that is new and edited within one pull is new.
            self.kinds.setdefault(row_id, kind)
            self.buried.discard(row_id)

    def _pages(self, fields: Sequence[str] | None) -> Iterator[Page]:
        """Yield all rows in the order of ``_id``, whatever size of page the server allows."""
        last = -1
        while True:
            query = {"_id": {"$gt": last}}
            page = self.client.page(self.uid, query=query, fields=fields, limit=PAGE)
            if not page.rows:
                if page.count:
                    raise self._untrusted("rows", f"none of {page.count} rows that match")
                return
            for row in page.rows:
                if row["_id"] <= last:
                    raise self._untrusted("rising ids above the last one", "an id out of order")
                last = row["_id"]
            yield page
            if page.count <= len(page.rows):
                return

    def _by_id(
        self, row_ids: Sequence[int], fields: Sequence[str] | None
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield rows asked for by ``_id``, in batches; those that are gone are left out."""
        for start in range(0, len(row_ids), BATCH):
            wanted = set(row_ids[start : start + BATCH])
            while wanted:
                query = {"_id": {"$in": sorted(wanted)}}
                page = self.client.page(self.uid, query=query, fields=fields, limit=PAGE)
                found = [row["_id"] for row in page.rows]
                if not wanted.issuperset(found) or len(found) != len(set(found)):
                    raise self._untrusted("the rows asked for", "others")
                if page.count and not found:
                    raise self._untrusted("rows", f"none of {page.count} rows that match")
                wanted -= set(found)
                yield page.rows
                if page.count <= len(found):
                    break

    def _untrusted(self, expected: str, found: str) -> KoboError:
        return KoboError(
            "The server does not answer queries as it should, so rows could be missed.",
            expected=expected,
            found=found,
            where=f"form {self.uid} of {self.client.server}",
            next_step="A proxy may drop the query from the address, or the server's release is not "
            "known to this package. The store stays as it was at the last complete batch.",
        )


def _check_store(client: KoboClient, uid: str, store: Store) -> None:
    # A store whose server has a name and not an address leaves the address open.
    named = "://" not in store.server
    if store.asset == uid and (named or store.server == client.server):
        return
    raise StoreError(
        "The store belongs to another form or server.",
        expected=f"form {store.asset} of {store.server}",
        found=f"form {uid} of {client.server}",
        where=str(store.path),
    )


def _silent(done: int, total: int) -> None:
    """Tell nobody."""
