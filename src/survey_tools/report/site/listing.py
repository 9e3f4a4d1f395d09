"""List the communes of a run by code: figure, page, what to mind, downloads. No ranking.

Many communes come in tables of `BLOCK` rows each, of which a browser lays out those in sight.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from survey_tools.report.numbers import MISSING
from survey_tools.report.site.flags import Flags
from survey_tools.report.site.links import Beside
from survey_tools.report.site.measures import Measure, caption_of
from survey_tools.report.traced import html
from survey_tools.report.wording import Wording

BLOCK = 100
"""Rows of one table, where there are more than twice as many communes."""


@dataclass(frozen=True)
class Entry:
    """What the list says of a commune's page."""

    code: str
    name: str
    link: str | None
    """File of the page; None where there is none to open."""
    status: str
    """In words."""


@dataclass(frozen=True)
class Listing:
    """The list in one language."""

    words: Wording
    measure: Measure | None
    """Figure in the second and third column; None before there are results."""
    confidence: str
    flags: Flags
    beside: Beside

    def html(self, entries: Sequence[Entry]) -> str:
        """Make the tables of all communes, in the order given."""
        blocks = [entries] if len(entries) <= 2 * BLOCK else list(_blocks(entries))
        return "\n".join(self._table(block, one=len(blocks) == 1) for block in blocks)

    def css(self) -> str:
        """Name each cell on a narrow screen, where cells stand one below the other, in one place for all."""
        rules = [
            f".pages td:nth-child({place})::before {{ content: {_css_text(text)} }}\n"
            for place, text in enumerate(self._columns(), 1)
            if place > 1
        ]
        return f"@media screen and (max-width: 46rem) {{\n{''.join(rules)}}}\n"

    def _table(self, entries: Sequence[Entry], *, one: bool) -> str:
        caption = self._caption(entries, one=one)
        rows = "\n".join(self._row(entry) for entry in entries)
        heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in self._columns())
        return (
            f'<div class="pages"><table>\n<caption>{escape(caption)}</caption>\n'
            f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
        )

    def _caption(self, entries: Sequence[Entry], *, one: bool) -> str:
        about = caption_of(self.words, self.measure) if self.measure else self.words("index_table")
        if one:
            return about
        ends = {"first": entries[0].code, "last": entries[-1].code}
        return f"{about} – {self.words('site_codes', **ends)}"

    def _columns(self) -> list[str]:
        words = self.words
        return [
            words("col_commune"),
            words("site_col_figure", confidence=self.confidence),
            words("col_n"),
            words("col_status"),
            words("site_col_flags"),
            words("site_col_files"),
        ]

    def _row(self, entry: Entry) -> str:
        name = escape(entry.name)
        if entry.link:
            name = f'<a href="{escape(entry.link)}">{name}</a>'
        flags = "".join(f"<li>{html(flag)}</li>" for flag in self.flags.of(entry.code))
        cells = [*self._figure(entry.code), escape(entry.status), flags and f"<ul>{flags}</ul>"]
        cells.append(downloads(self.beside, entry.link))
        return (
            f'<tr><th scope="row">{name} <small>{escape(entry.code)}</small></th>'
            f"{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        )

    def _figure(self, code: str) -> list[str]:
        if self.measure is None:
            return [MISSING, MISSING]
        cell = self.measure.cell(code)
        interval = f" <small>{html(cell.interval)}</small>" if cell.shown else ""
        return [html(cell.text) + interval, html(cell.count)]


def downloads(beside: Beside, link: str | None) -> str:
    """Link to the downloads of a page that are there."""
    found = beside.downloads(link) if link else []
    return ", ".join(f'<a href="{escape(file)}">{kind}</a>' for file, kind in found)


def entries_of(
    communes: pd.DataFrame, pages: Mapping[str, Mapping[str, Any]], lang: str
) -> list[Entry]:
    """Put communes and their pages together, in order of code."""
    names = communes[f"name_{lang}"]
    return [
        Entry(str(code), str(name), pages[code]["link"], pages[code]["status"])
        for code, name in zip(communes["code"], names, strict=True)
    ]


def _blocks(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(entries), BLOCK):
        yield entries[start : start + BLOCK]


def _css_text(text: str) -> str:
    """Write a text as CSS does; what could end the text or the style is written as a code."""
    return '"' + "".join(f"\\{ord(c):x} " if c in '"\\<>\n' else c for c in text) + '"'
