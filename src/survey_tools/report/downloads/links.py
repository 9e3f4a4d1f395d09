"""Put a CSV of each table into the page, behind a link by the table: nothing more lies on the disk.

Not here: how a table is taken apart (`tidy`), or what the link looks like (`template/page.css`).
"""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterator
from html import escape

from survey_tools.report.downloads.blocks import Table
from survey_tools.report.downloads.content import read_tables
from survey_tools.report.downloads.tidy import Column, Entry, Figure, tidy
from survey_tools.report.sheets.books import FORMULA_BEGINS
from survey_tools.report.wording import Wording

BOM = "\ufeff"
"""Without it Excel takes the text for one of Windows' own encodings."""

_END = re.compile(r"</table>\s*(?:</div>)?")


def with_csv_links(piece: str, words: Wording, stem: str, numbers: Iterator[int]) -> str:
    """Put a link to its CSV behind each table, if it has columns, of a piece of a page.

    Parameters
    ----------
    piece : str
        HTML that a notebook's cell shows.
    words : Wording
    stem : str
        How the names of the files begin: `10291.vi`.
    numbers : iterator of int
        Numbers of the page's tables; one a table is taken.
    """
    tables = iter(read_tables(piece) if "<table" in piece else ())

    def with_link(end: re.Match[str]) -> str:
        table = next(tables)
        return end[0] + (_link(table, words, stem, next(numbers)) if table.heads else "")

    return _END.sub(with_link, piece)


def csv_of(table: Table, words: Wording) -> str:
    r"""Write a table as CSV: commas, points in numbers, lines ended by CR LF.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    columns = tidy(table, words)
    told = io.StringIO(newline="")
    writer = csv.writer(told)
    writer.writerow([_guarded(_head(column, words)) for column in columns])
    entries = [column.entries for column in columns]
    writer.writerows([_written(entry) for entry in row] for row in zip(*entries, strict=True))
    return told.getvalue()


def _link(table: Table, words: Wording, stem: str, number: int) -> str:
    content = base64.b64encode((BOM + csv_of(table, words)).encode("utf-8")).decode("ascii")
    text = words("downloads_csv", caption=table.caption)
    return (
        f'<p class="downloads"><a download="{escape(stem)}.{number}.csv" '
        f'href="data:text/csv;charset=utf-8;base64,{content}">{escape(text)}</a></p>'
    )


def _head(column: Column, words: Wording) -> str:
    if column.mixed:
        return words("downloads_percent_some", column=column.name)
    return words("downloads_percent", column=column.name) if column.percent else column.name


def _written(entry: Entry) -> str:
    if isinstance(entry, Figure):
        return plain(entry)
    return _guarded(entry or "")


def plain(figure: Figure) -> str:
    """Write a number for programs: no exponent, no zeros at the end."""
    text = f"{figure.value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_BEGINS) else text
