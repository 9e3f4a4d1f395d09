"""Bring a store to the server's state, miss no row, and fail where that cannot be shown.

Not here: HTTP, SQLite, the order of requests (`walk`). The server keeps no modification times and its
pages shift while rows come and go; so a pull goes by ``_id`` over an index of all rows, compares
signatures, fetches what differs, asks again for what is gone, and counts at the end. What it promises:
every row that was on the server from its beginning to its end is held, in a state that it had meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from survey_tools.errors import KoboError, StoreError
from survey_tools.kobo.report import PullReport
from survey_tools.kobo.signature import INDEX_FIELDS, signature_of
from survey_tools.kobo.store import Store, utc_now
from survey_tools.kobo.walk import Walk

if TYPE_CHECKING:
    from survey_tools.kobo.asset import Asset, FormVersion
    from survey_tools.kobo.client import KoboClient

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
    refuse_archived: bool = False,
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
    refuse_archived : bool
        Stop if the form is archived; by default its rows are read as any others.
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
    client.check_readable(asset, refuse_archived=refuse_archived)
    with store.exclusive():
        pull = _Pull(client, asset, store, accept_loss, progress or _silent, before)
        return pull.run()


@dataclass
class _Pull:
    """One pull: what it works on, and what it has done so far."""

    client: KoboClient
    asset: Asset
    store: Store
    accept_loss: bool
    progress: Progress
    before: tuple[int, int]
    number: int = 0
    walks: int = 0
    arrived: int = 0
    stale: int = 0
    named: set[str] = field(default_factory=set)
    kinds: dict[int, str] = field(default_factory=dict)
    buried: set[int] = field(default_factory=set)
    erased: frozenset[int] = frozenset()
    withheld: set[int] = field(default_factory=set)

    def run(self) -> PullReport:
        begun = PullReport(form=self.asset.uid, server=self.store.server, started=utc_now())
        self.number = self.store.begin_pull(begun)
        self.erased = frozenset(self.store.erased())
        listed = self.asset.versions
        self._keep_versions(self.client.versions(self.asset.uid) if listed is None else listed)
        server_count = self._walk_until_equal()
        self._keep_late_versions()
        report = self._report(begun, server_count)
        self.store.finish_pull(self.number, report)
        return report

    def _report(self, begun: PullReport, server_count: int) -> PullReport:
        counts = Counter(self.kinds.values())
        live = self.store.signatures()
        session = self.client.session
        return replace(
            begun,
            finished=utc_now(),
            new=counts["new"],
            edited=counts["edited"],
            restored=counts["restored"],
            deleted=len(self.buried),
            unchanged=len(live) - sum(1 for row_id in self.kinds if row_id in live),
            rows=len(live),
            server_count=server_count,
            erased=len(self.withheld),
            arrived=self.arrived,
            walks=self.walks,
            requests=session.requests - self.before[0],
            bytes=session.bytes - self.before[1],
            clock_offset=session.clock_offset,
            complete=True,
            proof=self.store.proof(),
        )

    def _keep_versions(self, versions: Iterable[FormVersion]) -> None:
        held = self.store.version_uids()
        for version in versions:
            if version.uid not in held:
                content = self.client.form_version(self.asset.uid, version.uid)
                self.store.add_version(version.uid, version.date_deployed, content)

    def _keep_late_versions(self) -> None:
        """Look again if rows name a version that was not listed: it was deployed meanwhile."""
        if self.named - self.store.version_uids():
            self._keep_versions(self.client.versions(self.asset.uid))

    def _walk_until_equal(self) -> int:
        """Walk until the store holds what the server counts; return that count."""
        seen = []
        for self.walks in range(1, WALKS + 1):
            walk = Walk(self.client, self.asset.uid)
            quiet = self._walk(walk)
            held = self.store.count() + len(self.withheld)
            if quiet and walk.steady and held == walk.total:
                return held
            count = self.client.count(self.asset.uid)
            sound = walk.gapless and not self.stale
            if sound and count == held:
                return count
            told = f"{held} here and {count} on the server"
            told += "" if walk.gapless else ", a page left out rows that the server counts"
            seen.append(
                told + (f", {self.stale} rows came in an older state" if self.stale else "")
            )
        if sound and self.client.count(self.asset.uid, {"_id": {"$lte": walk.last}}) == held:
            self.arrived = count - held
            return count
        raise KoboError(
            f"After {WALKS} walks the store does not hold as many rows as the server counts, or not all "
            "of them as the server's index says they are.",
            found="; ".join(seen),
            where=f"form {self.asset.uid} of {self.client.server}",
            next_step="If rows are being deleted right now, sync again later; if it stays, the server "
            "hides rows from this token or answers queries wrongly: do not use the data.",
        )

    def _walk(self, walk: Walk) -> bool:
        """Take over all differences; return whether there were none."""
        self.withheld.clear()
        self.stale = 0
        held = self.store.signatures()
        if not held:
            self._fetch_all(walk)
            return False
        index = self._index(walk)
        gone = self._gone(walk, held, index)
        self._check_loss(len(gone), len(held))
        changed = [row_id for row_id, sign in index.items() if held.get(row_id) != sign]
        if 2 * len(changed) > len(index):
            self._fetch_all(walk)
        else:
            self._fetch_some(walk, changed)
        self.stale = self._still_old(changed, held, index)
        if gone:
            self.store.bury_rows(self.number, gone)
            self.buried |= set(gone)
        return not changed and not gone

    def _still_old(
        self, changed: Sequence[int], old: Mapping[int, str], index: Mapping[int, str]
    ) -> int:
        """Count rows that the index says have changed and that came as they were, or not at all.

        A row that has neither its old state nor that of the index was changed once more meanwhile.
        """
        if not changed:
            return 0
        now = self.store.signatures()
        return sum(now.get(i) != index[i] and now.get(i) == old.get(i) for i in changed)

    def _index(self, walk: Walk) -> dict[int, str]:
        index: dict[int, str] = {}
        for page in walk.pages(INDEX_FIELDS):
            index.update((row["_id"], signature_of(row)) for row in self._allowed(page.rows))
        return index

    def _gone(self, walk: Walk, held: Mapping[int, str], index: dict[int, str]) -> list[int]:
        """Ask once more for the rows held here and not in the index; add those that are there."""
        missing = [row_id for row_id in held if row_id not in index]
        for rows in walk.by_id(missing, INDEX_FIELDS):
            index.update((row["_id"], signature_of(row)) for row in rows)
        return [row_id for row_id in missing if row_id not in index]

    def _check_loss(self, gone: int, held: int) -> None:
        if self.accept_loss or gone <= LOSS_ROWS or gone <= LOSS_SHARE * held:
            return
        raise KoboError(
            "Many rows held here are gone from the server; none was marked as deleted.",
            expected=f"at most {LOSS_ROWS} rows or {LOSS_SHARE:.0%} gone since the last sync",
            found=f"{gone} of {held} rows gone",
            where=f"form {self.asset.uid} of {self.client.server}",
            next_step="Ask whether the token's permissions changed, the server was restored, or "
            "the uid is wrong. If the rows were deleted on purpose, accept the loss "
            "(--accept-loss, or accept_loss=True): they stay in the store's history.",
        )

    def _fetch_all(self, walk: Walk) -> None:
        done = 0
        for page in walk.pages(None):
            self._keep(self._allowed(page.rows))
            done += len(page.rows)
            # `count` is what lies ahead of this page and in it.
            self.progress(done, done + page.count - len(page.rows))

    def _fetch_some(self, walk: Walk, row_ids: Sequence[int]) -> None:
        done = 0
        for rows in walk.by_id(row_ids, None):
            self._keep(rows)
            done += len(rows)
            self.progress(done, len(row_ids))

    def _allowed(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Leave out the rows that were erased here on purpose, and remember that they are there."""
        there = self.erased.intersection(row["_id"] for row in rows)
        self.withheld |= there
        return [row for row in rows if row["_id"] not in there] if there else rows

    def _keep(self, rows: Sequence[Row]) -> None:
        self.named |= {row["__version__"] for row in rows if row.get("__version__")}
        found = self.store.add_rows(self.number, [(signature_of(row), row) for row in rows])
        for row_id, kind in found.items():
            # A row that is new and edited within one pull is new.
            self.kinds.setdefault(row_id, kind)
            self.buried.discard(row_id)


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
