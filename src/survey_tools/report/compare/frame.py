"""What the parts of a comparison's page share: names, headings, tables that end after some rows.

Not here: which parts there are (survey_tools.report.compare.page).
"""

from __future__ import annotations

from collections.abc import Sequence

from survey_tools.params import Workspace
from survey_tools.report import markup
from survey_tools.report.compare.difference import Comparison
from survey_tools.report.compare.names import Names
from survey_tools.report.markup import Cell
from survey_tools.report.numbers import MISSING, Lang
from survey_tools.report.wording import Wording

LISTED = 100
"""Rows that one table of the page has at most; the list has them all."""

NAMED = 2
"""Pages that one row names, where it does not stand on all."""


class Frame:
    """What all parts of the page in one language use."""

    def __init__(
        self, ws: Workspace | None, comparison: Comparison, lang: Lang, langs: Sequence[Lang]
    ) -> None:
        self.ws, self.found, self.lang, self.langs = ws, comparison, lang, langs
        self.words = Wording(lang)
        self.numbers = self.words.numbers
        self.names = Names(ws, self.words)
        self.a = self.words("compare_a", name=comparison.label_a)
        self.b = self.words("compare_b", name=comparison.label_b)

    def on(self, codes: Sequence[str]) -> str:
        """Name the pages that something stands on."""
        if len(codes) == self.found.pages and len(codes) > 1:
            return self.words("compare_pages_all")
        if len(codes) <= NAMED + 1:
            return ", ".join(self.names.page(code) for code in codes) or MISSING
        first = ", ".join(self.names.page(code) for code in codes[:NAMED])
        return self.words("compare_pages_more", first=first, count=len(codes) - NAMED)

    def table(
        self, caption: str, columns: Sequence[str], rows: Sequence[tuple[Cell, ...]], texts: int
    ) -> str:
        """Make a table of rows whose first `texts` columns are text; caption and columns by their keys."""
        heads = tuple(self.words(f"compare_{name}") for name in columns)
        table = markup.Table(self.words(caption), heads, tuple(rows[:LISTED]), text_columns=texts)
        return self.capped(table, len(rows))

    def capped(self, table: markup.Table, count: int) -> str:
        """Say below a table how many of `count` rows it leaves out."""
        if count <= LISTED:
            return table._repr_html_()
        more = self.words("compare_more", count=count - LISTED)
        return f"{table._repr_html_()}\n{self.say(more)}"

    def heading(self, key: str) -> str:
        """Begin a section."""
        return markup.heading(key, self.words(f"compare_{key}")).source

    def say(self, *texts: str) -> str:
        """Make paragraphs."""
        return markup.paragraphs(texts).source
