"""Walk over the rows of a form in the order of ``_id``, and notice a server that cannot be trusted.

Not here: comparing or keeping rows (`sync`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from survey_tools.errors import KoboError

if TYPE_CHECKING:
    from survey_tools.kobo.asset import Page
    from survey_tools.kobo.client import KoboClient

PAGE = 1000
BATCH = 200


class Walk:
    """One or several walks over a form's rows.

    Attributes
    ----------
    total : int
        Rows that the server counted when the latest walk began.
    last : int
        Highest ``_id`` seen.
    steady : bool
        Whether every page of the latest walk counted just the rows that the page before had left, so
        that no row came or went meanwhile.
    gapless : bool
        Whether no page of the latest walk left out a row that the server counts in its range. It is
        asked where a page counts otherwise than the one before left.
    """

    def __init__(self, client: KoboClient, uid: str) -> None:
        self._client, self._uid = client, uid
        self.total, self.last, self.steady, self.gapless = 0, -1, True, True

    def pages(self, fields: Sequence[str] | None) -> Iterator[Page]:
        """Yield all rows by ``_id``, whatever size of page the server allows.

        The next page is asked for while the caller works on this one.
        """
        last, left = -1, None
        before: tuple[int, int, int] = (-1, -1, 0)
        self.steady = self.gapless = True
        coming = self._ask(last, fields)
        while True:
            page = coming.result()
            if left is None:
                self.total = page.count
            elif page.count != left:
                self.steady = False
                self.gapless &= self._count_within(before) <= before[2]
            if page.count < len(page.rows):
                raise self._untrusted("as many rows as it counts", "more")
            if not page.rows:
                if page.count:
                    raise self._untrusted("rows", f"none of {page.count} rows that match")
                return
            before = (last, page.rows[-1]["_id"], len(page.rows))
            for row in page.rows:
                if row["_id"] <= last:
                    raise self._untrusted("rising ids above the last one", "an id out of order")
                last = row["_id"]
            self.last = max(self.last, last)
            left = page.count - len(page.rows)
            if left:
                coming = self._ask(last, fields)
            yield page
            if not left:
                return

    def by_id(
        self, row_ids: Sequence[int], fields: Sequence[str] | None
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield rows asked for by ``_id``, in batches; those that are gone are left out."""
        for start in range(0, len(row_ids), BATCH):
            wanted = set(row_ids[start : start + BATCH])
            while wanted:
                query = {"_id": {"$in": sorted(wanted)}}
                page = self._client.page(self._uid, query=query, fields=fields, limit=PAGE)
                found = [row["_id"] for row in page.rows]
                if not wanted.issuperset(found) or len(found) != len(set(found)):
                    raise self._untrusted("the rows asked for", "others")
                if page.count and not found:
                    raise self._untrusted("rows", f"none of {page.count} rows that match")
                wanted -= set(found)
                yield page.rows
                if page.count <= len(found):
                    break

    def _count_within(self, page: tuple[int, int, int]) -> int:
        above, upto, _ = page
        return self._client.count(self._uid, {"_id": {"$gt": above, "$lte": upto}})

    def _ask(self, last: int, fields: Sequence[str] | None) -> _Coming:
        query = {"_id": {"$gt": last}}
        return _Coming(lambda: self._client.page(self._uid, query=query, fields=fields, limit=PAGE))

    def _untrusted(self, expected: str, found: str) -> KoboError:
        return KoboError(
            "The server does not answer queries as it should, so rows could be missed.",
            expected=expected,
            found=found,
            where=f"form {self._uid} of {self._client.server}",
            next_step="A proxy may drop the query from the address, or the server's release is not "
            "known to this package. The store stays as it was at the last complete batch.",
        )


class _Coming:
    """A page that is on its way, in a thread that does not keep the program from ending."""

    def __init__(self, ask: Callable[[], Page]) -> None:
        self._ask = ask
        self._page: Page | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def result(self) -> Page:
        """Wait for the page; raise what went wrong on its way."""
        self._thread.join()
        if self._page is None:
            raise self._error or RuntimeError("the page was lost")
        return self._page

    def _run(self) -> None:
        try:
            self._page = self._ask()
        except BaseException as error:  # raised where the page is waited for
            self._error = error
