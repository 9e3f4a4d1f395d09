"""A table whose rows become cards on a narrow screen: each cell carries the heading of its column.

Looks are in `template/page.css` under `.claims`. Not here: what stands in the cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import ClassVar

from survey_tools.report.markup import Cell, Table, cell_html


@dataclass(frozen=True, repr=False)
class CardTable(Table):
    """A table that is read on a phone without moving it sideways."""

    css: ClassVar[str] = "table claims"

    def _row(self, row: Sequence[Cell]) -> str:
        first = f'<th scope="row">{cell_html(row[0])}</th>'
        cells = zip(range(1, len(row)), self.columns[1:], row[1:], strict=True)
        return f"<tr>{first}{''.join(self._cell(*cell) for cell in cells)}</tr>"

    def _cell(self, place: int, name: str, cell: Cell) -> str:
        text = ' class="text"' if place < self.text_columns else ""
        return f'<td{text} data-label="{escape(name)}"><span>{cell_html(cell)}</span></td>'
