"""Take the text out of HTML, SVG and XML: what is shown, and what stands in attributes, scripts and notes.

Keeps every line where it was; renders nothing.
"""

from __future__ import annotations

import base64
import re
from binascii import Error
from collections.abc import Iterator
from html import unescape

APART = "\x1e"
"""Stands between texts that do not belong together."""

_INLINE = (
    "a abbr b bdi bdo big cite code del dfn em font i ins kbd mark q s samp small span strike strong sub "
    "sup t tspan tt u var wbr r w:t w:r"
)
INLINE = frozenset(_INLINE.split())
"""Tags that part no word: `0301<b>234567</b>` is one number."""

_DATA_URI = re.compile(
    r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?P<options>(?:;[\w=.+-]+)*?)(?P<base64>;base64)?,"
    r"(?P<content>[A-Za-z0-9+/=%_.!~*'()-]*)",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"<!--(?P<note>.*?)(?:-->|\Z)"
    r"|<!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)"
    r"|<(?P<raw>script|style)\b(?P<rawtag>[^>]*)>(?P<code>.*?)(?:</(?P=raw)\s*>|\Z)"
    r"|<[/?!]?(?P<tag>[A-Za-z][\w:.-]*)(?P<attributes>(?:\"[^\"]*\"|'[^']*'|[^>\"'])*)>"
    r"|(?P<text>[^<]+|<)",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")


def text_of(source: str) -> str:
    """Return the text of a page, lines as in the source; `APART` stands where tags part texts.

    >>> text_of('<p title="hai">Gọi <b class="x">0301</b>234567</p>').replace(APART, "|")
    '|hai|Gọi 0301234567|x|'
    """
    return "".join(_texts(source))


def without_embedded(source: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Take the embedded files (`data:` addresses) out; return the rest, and each file's type and content."""
    found: list[tuple[str, bytes]] = []

    def take(match: re.Match[str]) -> str:
        kind = (match["type"] or "text/plain").lower()
        if match["base64"]:
            try:
                found.append((kind, base64.b64decode(match["content"] + "==")))
            except (Error, ValueError):
                return match[0]
            return "data:"
        return match[0]

    return _DATA_URI.sub(take, source), found


def _texts(source: str) -> Iterator[str]:
    waiting: list[str] = []  # values of tags that part no word: told where the next one does
    for match in _TOKEN.finditer(source):
        if match["text"] is not None:
            yield unescape(match["text"])
        elif match["tag"] and match["tag"].lower() in INLINE:
            waiting += _values(match["attributes"])
            yield "\n" * match[0].count("\n")
        else:
            yield _block(match, waiting)
            waiting = []
    yield "".join(f"{APART}{value}" for value in waiting)


def _block(match: re.Match[str], waiting: list[str]) -> str:
    """Write a tag that parts texts, a note or a script, with as many line ends as it had."""
    inside = match["note"] or match["cdata"] or match["code"] or ""
    values = waiting + _values(match["attributes"] or match["rawtag"] or "")
    lines = match[0].count("\n") - inside.count("\n")
    told = "".join(f"{APART}{value}" for value in values)
    return f"{told}{APART}" + "\n" * lines + (f"{inside}{APART}" if inside else "")


def _values(attributes: str) -> list[str]:
    found = _ATTRIBUTE.findall(attributes)
    values = (unescape(next(filter(None, value), "")) for value in found)
    return [" ".join(value.splitlines()) for value in values if value]
