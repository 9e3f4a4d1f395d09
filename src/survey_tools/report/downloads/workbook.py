"""Write the tables of a page as XLSX: what it is of, a worksheet a table, and the source of each number.

Numbers are numbers, no finer than on the page; texts can never be taken as formulas.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from survey_tools.report.downloads.blocks import Bullets, Content, Heading, Paragraph, Table
from survey_tools.report.downloads.facts import about
from survey_tools.report.downloads.packed import packed
from survey_tools.report.downloads.tidy import Column, Entry, Figure, tidy
from survey_tools.report.sheets.books import HEAD, HEAD_FILL, TOP, text_cell
from survey_tools.report.wording import Wording

EXPLAINED = ("how_shown", "provenance")
"""Addresses of the sections of a page that the first worksheet repeats."""

NARROWEST, WIDEST = 10, 46
LANGUAGES = {"vi": "vi-VN", "en": "en-GB"}

Source = tuple[str, str, Figure]
"""Worksheet, address of the cell, and the number that stands there."""


def workbook_of(content: Content, words: Wording) -> bytes:
    """Write the tables of a page.

    Parameters
    ----------
    content : Content
    words : Wording
        In the language of the page.
    """
    book = Workbook(write_only=True)
    taken = [tidy(table, words) for table in content.tables]
    names = [words("downloads_sheet_table", number=place) for place in range(1, len(taken) + 1)]
    _about(book, content, names, words)
    sources: list[Source] = []
    for name, columns in zip(names, taken, strict=True):
        _table(book, name, columns)
        sources += _sources_of(name, columns)
    if sources:
        _sources(book, sources, words)
    told = BytesIO()
    book.save(told)
    return packed(told.getvalue(), title=content.title, lang=LANGUAGES[content.lang])


def _about(book: Workbook, content: Content, names: Sequence[str], words: Wording) -> None:
    """Say which page it is, list the tables, and repeat how figures are shown and where they come from."""
    sheet = _sheet(book, words("downloads_sheet_about"), (16, 90), frozen=False)
    banners = [b.text for b in content.blocks if isinstance(b, Paragraph) and b.kind == "banner"]
    title = text_cell(sheet, content.title)
    title.font = Font(bold=True, size=14)
    sheet.append([title])
    for text in (*banners, *about(content, words)):
        sheet.append([text_cell(sheet, text)])
    sheet.append([])
    sheet.append([_head(sheet, words("downloads_list"))])
    for name, table in zip(names, content.tables, strict=True):
        sheet.append([text_cell(sheet, name), text_cell(sheet, table.caption)])
    for text, is_heading in _explained(content):
        if is_heading:
            sheet.append([])
        sheet.append([_head(sheet, text) if is_heading else text_cell(sheet, text)])
    notes = list(dict.fromkeys(_notes(content)))
    if notes:
        sheet.append([])
    for text in notes:
        sheet.append([text_cell(sheet, text)])


def _explained(content: Content) -> Iterator[tuple[str, bool]]:
    """Yield the texts of the sections that explain a page, and whether each is a heading."""
    inside = False
    for block in content.blocks:
        if isinstance(block, Heading):
            inside = block.key in EXPLAINED or (inside and block.level > 2)
            if inside:
                yield block.text, True
        elif inside and isinstance(block, Paragraph):
            yield block.text, False
        elif inside and isinstance(block, Bullets):
            yield from ((item, False) for item in block.items)


def _notes(content: Content) -> Iterator[str]:
    """Yield the notes below tables: what marks mean."""
    below = False
    for block in content.blocks:
        is_note = isinstance(block, Paragraph) and block.kind == "note"
        if below and is_note:
            yield block.text  # type: ignore[union-attr]
        below = isinstance(block, Table) or (below and is_note)


def _table(book: Workbook, name: str, columns: Sequence[Column]) -> None:
    sheet = _sheet(book, name, [_width(column) for column in columns])
    last = len(columns[0].entries) + 1 if columns else 1
    sheet.auto_filter.ref = f"A1:{get_column_letter(max(1, len(columns)))}{last}"
    sheet.append([_head(sheet, column.name) for column in columns])
    style = _top(sheet)
    for row in zip(*(column.entries for column in columns), strict=True):
        sheet.append([_entry(sheet, entry, style) for entry in row])


def _sources_of(name: str, columns: Sequence[Column]) -> Iterator[Source]:
    rows = len(columns[0].entries) if columns else 0
    for row in range(rows):
        for place, column in enumerate(columns, start=1):
            entry = column.entries[row]
            if isinstance(entry, Figure) and entry.source:
                yield name, f"{get_column_letter(place)}{row + 2}", entry


def _sources(book: Workbook, sources: Sequence[Source], words: Wording) -> None:
    sheet = _sheet(book, words("downloads_sheet_sources"), (12, 8, 12, 90))
    sheet.append(
        [_head(sheet, words(f"downloads_col_{n}")) for n in ("sheet", "cell", "value", "source")]
    )
    style = _top(sheet)
    for name, cell, figure in sources:
        texts = (text_cell(sheet, name, style), text_cell(sheet, cell, style))
        source = text_cell(sheet, figure.source, style)
        sheet.append([*texts, _entry(sheet, figure, style), source])


def _sheet(book: Workbook, name: str, widths: Sequence[float], *, frozen: bool = True) -> Any:
    sheet = book.create_sheet(name)
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = Worksheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    if frozen:
        sheet.freeze_panes = "A2"
        sheet.print_title_rows = "1:1"
    for place, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    return sheet


def _head(sheet: Any, text: str) -> WriteOnlyCell:
    cell = text_cell(sheet, text)
    cell.font, cell.fill, cell.alignment = HEAD, HEAD_FILL, TOP
    return cell


def _top(sheet: Any) -> Any:
    cell = WriteOnlyCell(sheet)
    cell.alignment = TOP
    return cell._style


def _entry(sheet: Any, entry: Entry, style: Any) -> WriteOnlyCell | None:
    if entry is None:
        return None
    if isinstance(entry, str):
        return text_cell(sheet, entry, style)
    cell = WriteOnlyCell(sheet, entry.value)
    cell._style = copy(style)
    cell.number_format = number_format(entry)
    return cell


def number_format(figure: Figure) -> str:
    """Return the format in which a spreadsheet shows a number as the page does.

    >>> from decimal import Decimal
    >>> number_format(Figure(Decimal("0.081"), 1, percent=True, sign=False, source=""))
    '#,##0.0%'
    """
    one = "#,##0" + ("." + "0" * figure.digits if figure.digits else "") + "%" * figure.percent
    return f"+{one};−{one};{one}" if figure.sign else one


def _width(column: Column) -> float:
    texts = [entry for entry in column.entries if isinstance(entry, str)]
    return min(
        WIDEST, max([NARROWEST, len(column.name) // 2 + 2, *(len(text) + 2 for text in texts)])
    )
