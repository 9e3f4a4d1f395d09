"""Read the paging parameters of a request for rows and make the links to its neighbours.

Not here: the rows. ``page``, ``page_size`` and ``offset`` move the links and not the rows, as on
the real server; a reader that follows ``next`` with them loses rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode


class BadParameterError(Exception):
    """A parameter that the server refuses with status 400."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.body = {name: message}


@dataclass(frozen=True)
class Page:
    """Where the rows begin and how many; and the same for the links, which can differ."""

    start: int
    limit: int
    link_start: int
    link_limit: int
    query: Any
    sort: Any
    fields: Any

    @property
    def whole_rows(self) -> bool:
        """Say whether rows are wanted with all their fields."""
        return not self.fields


def read_page(params: Mapping[str, str], default_page: int, max_page: int) -> Page:
    """Read the parameters of ``/data/``.

    Raises
    ------
    BadParameterError
        For what the server refuses: ``limit`` under 1, a negative ``start``, broken JSON, ``count``.
    """
    if "count" in params:
        message = "This param is not implemented. Use `count` property of the response instead."
        raise BadParameterError("count", message)
    limit = _integer(params, "limit", 1, default_page, "A positive integer is required")
    start = _integer(params, "start", 0, 0, "A positive integer is required.")
    limit = min(limit, max_page)
    link_start, link_limit = start, limit
    if "page" in params:
        size = min(_lenient(params, "page_size", default_page), max_page)
        link_limit = limit if "limit" in params else size
        if "start" not in params:
            link_start = (max(_lenient(params, "page", 1), 1) - 1) * size
    elif "offset" in params and "start" not in params:
        link_start = _lenient(params, "offset", 0)
    return Page(
        start,
        limit,
        link_start,
        link_limit,
        _json(params, "query", {}),
        _json(params, "sort", {}),
        _json(params, "fields", []),
    )


def links(page: Page, count: int, url: str, params: Mapping[str, str]) -> tuple[str | None, ...]:
    """Give the addresses of the next and the previous page, or None."""
    start, limit = page.link_start, page.link_limit
    following = _link(url, params, start + limit, limit) if start + limit < count else None
    before = _link(url, params, start - limit, limit) if start > 0 else None
    return following, before


def _link(url: str, params: Mapping[str, str], start: int, limit: int) -> str:
    values = {**params, "limit": str(limit)}
    values.pop("start", None)
    if start > 0:
        values["start"] = str(start)
    return f"{url}?{urlencode(sorted(values.items()))}"


def _integer(params: Mapping[str, str], name: str, low: int, default: int, message: str) -> int:
    if name not in params:
        return default
    try:
        value = int(params[name])
    except ValueError:
        value = low - 1
    if value < low:
        raise BadParameterError(name, message)
    return value


def _lenient(params: Mapping[str, str], name: str, default: int) -> int:
    try:
        value = int(params.get(name, default))
    except ValueError:
        return default
    return value if value > 0 else default


def _json(params: Mapping[str, str], name: str, default: Any) -> Any:
    if not params.get(name):
        return default
    try:
        return json.loads(params[name])
    except ValueError as error:
        raise BadParameterError(name, "Value must be valid JSON.") from error
