"""Pieces of HTML that a notebook cell shows and a page keeps; every text is escaped here, its numbers traced.

Knows no result and no sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape, unescape
from typing import ClassVar

import pandas as pd

from survey_tools.report.traced import html, plain

Cell = str | tuple[str, str]
"""Text of a table cell; a pair is a figure with a smaller line below it."""


@dataclass(frozen=True)
class Html:
    """A piece of a page."""

    source: str

    def _repr_html_(self) -> str:
        return self.source

    def __repr__(self) -> str:
        texts = (unescape(text).strip() for text in re.split(r"<(?!/?data)[^>]+>", self.source))
        return "; ".join(re.sub(r"<[^>]+>", "", text) for text in texts if text)


def title(text: str) -> Html:
    """Make the one main heading of a page."""
    return Html(f"<h1>{html(text)}</h1>")


def banner(text: str) -> Html:
    """Make the notice that stands above a page."""
    return Html(f'<p class="banner" role="note">{html(text)}</p>')


def heading(key: str, text: str) -> Html:
    """Make the heading of a section, with an address that does not depend on the language."""
    return Html(f'<h2 id="{escape(key)}">{html(text)}</h2>')


def paragraphs(texts: Iterable[str]) -> Html:
    """Make one paragraph a text."""
    return Html("\n".join(f"<p>{html(text)}</p>" for text in texts))


def bullets(texts: Iterable[str]) -> Html:
    """Make a list."""
    items = "\n".join(f"<li>{html(text)}</li>" for text in texts)
    return Html(f"<ul>\n{items}\n</ul>")


def key_figure(figure: str, caption: str) -> Html:
    """Make one figure in large type with the sentence that says what it is."""
    return Html(
        f'<figure class="key"><p class="big">{html(figure)}</p>'
        f"<figcaption>{html(caption)}</figcaption></figure>"
    )


@dataclass(frozen=True, repr=False)
class Table:
    """A table with caption, row and column headings, and notes; shows itself in a notebook."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    text_columns: int = 1

    css: ClassVar[str] = "table"
    """Classes of the block that holds the table."""

    @property
    def frame(self) -> pd.DataFrame:
        """Cells as text, to look at or to test."""
        cells = [
            [plain(c if isinstance(c, str) else " ".join(c)) for c in row] for row in self.rows
        ]
        return pd.DataFrame(cells, columns=list(self.columns), dtype=str)

    def __repr__(self) -> str:
        return f"{plain(self.caption)}\n{self.frame.to_string(index=False)}"

    def _repr_html_(self) -> str:
        head = column_heads(self.columns, self.text_columns)
        body = "\n".join(self._row(row) for row in self.rows)
        notes = "".join(f'<p class="note">{html(note)}</p>' for note in self.notes)
        name = escape(plain(self.caption))
        return (
            f'<div class="{self.css}" role="group" tabindex="0" aria-label="{name}">'
            f"<table>\n<caption>{html(self.caption)}</caption>\n"
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>{notes}"
        )

    def _row(self, row: Sequence[Cell]) -> str:
        first = f'<th scope="row">{cell_html(row[0])}</th>'
        texts = "".join(f'<td class="text">{cell_html(c)}</td>' for c in row[1 : self.text_columns])
        rest = "".join(f"<td>{cell_html(cell)}</td>" for cell in row[max(1, self.text_columns) :])
        return f"<tr>{first}{texts}{rest}</tr>"


def column_heads(names: Sequence[str], text_columns: int = 1) -> str:
    """Make the headings of columns; the first ones, which hold text, are aligned as text."""
    text = ' class="text"'
    return "".join(
        f'<th scope="col"{text if place < text_columns else ""}>{html(name)}</th>'
        for place, name in enumerate(names)
    )


def cell_html(cell: Cell) -> str:
    """Write the text of a cell, of a pair the second part small below the first."""
    if isinstance(cell, str):
        return html(cell)
    return f"{html(cell[0])}<br><small>{html(cell[1])}</small>" if cell[1] else html(cell[0])
