"""A table whose rows become cards on a narrow screen: each cell carries the heading of its column.

Looks are in `template/page.css` under `.claims`. Not here: what stands in the cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from survey_tools.report.markup import Cell, Table, column_heads
from survey_tools.report.traced import html, plain


@dataclass(frozen=True, repr=False)
class CardTable(Table):
    """A table that is read on a phone without moving it sideways."""

    def __repr__(self) -> str:
        return f"{plain(self.caption)}\n{self.frame.to_string()}"

    def _repr_html_(self) -> str:
        name = escape(plain(self.caption))
        body = "\n".join(self._card(row) for row in self.rows)
        notes = "".join(f'<p class="note">{html(note)}</p>' for note in self.notes)
        return (
            f'<div class="table claims" role="group" tabindex="0" aria-label="{name}">'
            f"<table>\n<caption>{html(self.caption)}</caption>\n"
            f"<thead><tr>{column_heads(self.columns, self.text_columns)}</tr></thead>\n"
            f"<tbody>\n{body}\n</tbody></table></div>{notes}"
        )

    def _card(self, row: tuple[Cell, ...]) -> str:
        first = f'<th scope="row">{_written(row[0])}</th>'
        cells = zip(range(1, len(row)), self.columns[1:], row[1:], strict=True)
        return f"<tr>{first}{''.join(self._cell(*cell) for cell in cells)}</tr>"

    def _cell(self, place: int, name: str, cell: Cell) -> str:
        text = ' class="text"' if place < self.text_columns else ""
        return f'<td{text} data-label="{escape(name)}"><span>{_written(cell)}</span></td>'


def _written(cell: Cell) -> str:
    if isinstance(cell, str):
        return html(cell)
    return f"{html(cell[0])}<br><small>{html(cell[1])}</small>" if cell[1] else html(cell[0])
