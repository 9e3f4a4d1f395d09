"""Read forms and rows of one KoboToolbox server (API v2).

Not here: keeping them (`store`), or which rows to ask for (`sync`). Nothing on the server is ever
changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from survey_tools.errors import KoboError
from survey_tools.kobo.asset import Asset, FormVersion, Page, obstacle, read_asset, read_versions
from survey_tools.kobo.http.session import KoboSession
from survey_tools.kobo.report import PullReport
from survey_tools.kobo.store import Store

API = "/api/v2/assets/"
MOST_PAGES = 10_000


class KoboClient:
    """One server, read with one token; a context manager.

    Parameters
    ----------
    url : str, optional
        The server; by default the environment variable ``KOBO_URL``.
    token : str, optional
        By default read by `read_token`.
    **session_options
        Passed to `KoboSession`: ``timeout``, ``retries``, ``backoff``, ``transport``, ``sleep``.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, **session_options: Any
    ) -> None:
        url = url or os.environ.get("KOBO_URL", "")
        if not url:
            raise KoboError(
                "There is no address of a survey server.",
                expected="a url, or the environment variable KOBO_URL",
            )
        self.session = KoboSession(url, token, **session_options)

    def __repr__(self) -> str:
        return f"KoboClient({self.server!r})"

    def __enter__(self) -> KoboClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def server(self) -> str:
        """The server's address, normalised."""
        return str(self.session.address)

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def asset(self, uid: str) -> Asset:
        """Fetch a form.

        Parameters
        ----------
        uid : str
            The form's uid (in the address of its page).

        Returns
        -------
        Asset
            Without its content, which is a draft.

        Raises
        ------
        KoboError
            If the form does not exist or this token may not see it.
        """
        return read_asset(self._object(f"{API}{_safe(uid)}/"))

    def assets(self) -> tuple[Asset, ...]:
        """List the forms that this token may see; without a valid token there are none."""
        items = self._items(API)
        return tuple(
            read_asset(item) for item in items if item.get("asset_type", "survey") == "survey"
        )

    def find(self, name: str) -> Asset:
        """Fetch the form that bears a name.

        Raises
        ------
        KoboError
            If none or several forms that this token may see have the name.
        """
        found = [asset.uid for asset in self.assets() if asset.name == name]
        if not found:
            raise KoboError(
                "No form that this token may see has the name.",
                found=f"name {name!r}",
                where=self.server,
                next_step="Check the name and the token; without a valid token the list is empty.",
            )
        if len(found) > 1:
            raise KoboError(
                "Several forms have the same name.",
                found=", ".join(found),
                where=self.server,
                next_step="Name the form by its uid.",
            )
        return self.asset(found[0])

    def check_readable(self, asset: Asset, *, refuse_archived: bool = False) -> None:
        """Make sure that this token sees all rows of a form, in clear.

        Raises
        ------
        KoboError
            If the form is not deployed, is encrypted, the token sees no or only some rows, or the
            form is archived and such are to be refused.
        """
        what, next_step = obstacle(asset, refuse_archived=refuse_archived)
        if what:
            raise KoboError(what, where=f"form {asset.uid} of {self.server}", next_step=next_step)

    def versions(self, uid: str) -> tuple[FormVersion, ...]:
        """List the deployed versions of a form, newest first, from all pages."""
        return read_versions(self._items(f"{API}{_safe(uid)}/versions/"))

    def form_version(self, uid: str, version_uid: str) -> dict[str, Any]:
        """Fetch the content of a version of a form."""
        path = f"{API}{_safe(uid)}/versions/{_safe(version_uid)}/"
        content = self._object(path).get("content")
        if not isinstance(content, dict):
            raise self._strange(path, "an object with 'content'")
        return content

    def page(
        self,
        uid: str,
        *,
        query: Mapping[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        limit: int = 1000,
    ) -> Page:
        """Fetch the first rows that match, by ``_id``; the server may give fewer than asked.

        Parameters
        ----------
        uid : str
            The form's uid.
        query : mapping, optional
            In MongoDB's language.
        fields : sequence of str, optional
            Only these; by default all.
        limit : int
            Most rows wanted.

        Returns
        -------
        Page
            Rows and the number that match.
        """
        params: dict[str, Any] = {"limit": limit, "sort": _dump({"_id": 1})}
        if query is not None:
            params["query"] = _dump(query)
        if fields is not None:
            params["fields"] = _dump(list(fields))
        path = f"{API}{_safe(uid)}/data/"
        body = self.session.get(path, params)
        rows = body.get("results") if isinstance(body, dict) else None
        if not isinstance(rows, list) or not isinstance(body.get("count"), int):
            raise self._strange(path, "an object with 'count' and 'results'")
        if not all(isinstance(row, dict) and isinstance(row.get("_id"), int) for row in rows):
            raise self._strange(path, "rows that each have a whole number '_id'")
        return Page(body["count"], rows)

    def count(self, uid: str, query: Mapping[str, Any] | None = None) -> int:
        """Ask how many rows a form has, or how many match a query."""
        return self.page(uid, query=query, fields=["_id"], limit=1).count

    def sync(
        self,
        uid: str,
        store: Store,
        *,
        accept_loss: bool = False,
        refuse_archived: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> PullReport:
        """Bring a store up to the server's rows; see `survey_tools.kobo.sync.sync`."""
        from survey_tools.kobo.sync import sync

        return sync(
            self,
            uid,
            store,
            accept_loss=accept_loss,
            refuse_archived=refuse_archived,
            progress=progress,
        )

    def _object(self, path: str) -> dict[str, Any]:
        body = self.session.get(path)
        if not isinstance(body, dict):
            raise self._strange(path, "an object")
        return body

    def _items(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield what a list holds, over all its pages; only the query of ``next`` is followed."""
        params: dict[str, str] = {}
        seen = 0
        for _ in range(MOST_PAGES):
            body = self.session.get(path, params)
            results = body.get("results") if isinstance(body, dict) else None
            if not isinstance(results, list):
                raise self._strange(path, "an object with 'results'")
            yield from results
            seen += len(results)
            if not body.get("next") or not results:
                break
            params = dict(parse_qsl(urlsplit(str(body["next"])).query))
        if seen < int(body.get("count") or 0):
            raise self._strange(path, f"a list of {body['count']}, of which only {seen} came")

    def _strange(self, path: str, expected: str) -> KoboError:
        return KoboError(
            "The server's answer is not what its API promises.",
            expected=expected,
            where=f"{self.server}{path}",
            next_step="Check that the address is a KoboToolbox server of a current release.",
        )


def _safe(uid: str) -> str:
    if uid.isascii() and uid.isalnum():
        return uid
    raise KoboError(
        "This is no uid of a form.",
        expected="letters and digits, as in the address of the form's page",
        found=repr(uid),
    )


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
