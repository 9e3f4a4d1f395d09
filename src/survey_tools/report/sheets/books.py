"""Make the supervisor's workbooks: one a team or an enumerator, and one of all; chooses no words of a flag.

Every cell is a text, a whole number or a day: nothing can be taken as a formula. The columns `key`,
`answer`, `reason`, `decided_by` and `decided_on` bear the names that the file of answers has, so that the
worksheet of flags, saved as CSV, can be that file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from survey_tools.report.sheets.data import FieldData, Progress, count_states
from survey_tools.report.sheets.flags import STATES, Flag
from survey_tools.report.sheets.words import ENUMERATOR, TEAM, SheetWords

FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
ANSWER_COLUMNS = ("answer", "reason", "decided_by", "decided_on")
"""Columns left empty for who answers, named as in the file of answers, as `key` is."""
ANSWERS = '"okay,follow_up"'
DAY_FORMAT = {"vi": "dd/mm/yyyy", "en": "yyyy-mm-dd"}
ANSWERED_FORMAT = "yyyy-mm-dd"
"""How the file of answers wants its days."""
FIRST_DAY = "36526"
"""1 January 2000, as spreadsheets count."""

FLAG_COLUMNS: dict[str, float] = {
    "state": 13, "sure": 10, "check": 26, "about": 16, "found": 34, "question": 34, "do": 46,
    "wave": 11, "team": 12, "enumerator": 13, "first_seen": 12, "last_seen": 12, "key": 20,
    "answer": 11, "reason": 36, "decided_by": 12, "decided_on": 13,
}  # fmt: skip
"""Columns of flags with their widths, in characters."""

HEAD = Font(bold=True)
HEAD_FILL = PatternFill("solid", fgColor="E4E9ED")
ANSWER_FILL = PatternFill("solid", fgColor="FFF8DC")
TOP = Alignment(vertical="top", wrap_text=True)
LINE = Border(*[Side(style="thin", color="B6BDC4")] * 4)

Value = str | int | date | None


@dataclass(frozen=True)
class Column:
    """A column: what stands above it, how wide it is, and the number format where it is to be filled in."""

    name: str
    width: float
    fill_in: str = ""


class SheetBooks:
    """All workbooks in one language."""

    def __init__(self, data: FieldData, words: SheetWords) -> None:
        self.data, self.words = data, words

    def sheet(
        self, path: Path, kind: str, flags: Iterable[Flag], progress: Sequence[Progress]
    ) -> None:
        """Write the workbook of a team or an enumerator."""
        book = self._book()
        self._flags(book, flags)
        rows = self.words.progress_rows(self.data, tuple(progress))
        counts = ("drawn", "share") if kind == TEAM else ("teams",)
        columns = [Column(self.words(f"col_{n}"), 18) for n in ("wave", "interviews", *counts)]
        self._worksheet(book, "book_progress", columns, rows)
        self._guide(book)
        book.save(path)

    def summary(self, path: Path, flags: Iterable[Flag], by: dict[str, dict[str, Any]]) -> None:
        """Write the workbook of all sheets: a list of them, and all flags that have not gone.

        Parameters
        ----------
        path : Path
        flags : iterable of Flag
        by : dict of str to dict of str to DataFrame
            Flags by `team` and `enumerator`, by code.
        """
        book = self._book()
        self._list(book, by)
        self._flags(book, flags)
        self._guide(book)
        book.save(path)

    def _book(self) -> Workbook:
        book = Workbook(write_only=True)
        made = datetime.combine(self.data.day, datetime.min.time())
        book.properties.created = book.properties.modified = made
        book.properties.creator = "survey_tools"
        book.properties.language = self.words.lang
        return book

    def _flags(self, book: Workbook, flags: Iterable[Flag]) -> None:
        columns = [self._flag_column(name, width) for name, width in FLAG_COLUMNS.items()]
        rows = [self._flag(flag) for flag in flags]
        page = self._worksheet(book, "book_flags", columns, rows)
        if rows:
            page.data_validations.dataValidation.extend(_answer_rules(len(rows)))

    def _flag_column(self, name: str, width: float) -> Column:
        if name == "key":
            return Column(name, width)
        if name in ANSWER_COLUMNS:
            return Column(name, width, ANSWERED_FORMAT if name == "decided_on" else "@")
        return Column(self.words(f"col_{name}"), width)

    def _flag(self, flag: Flag) -> list[Value]:
        words = self.words
        return [
            words(f"state_{flag.state}"),
            words("sure" if flag.certain else "unsure"),
            flag.title,
            flag.row if flag.row and words.about(flag) == str(flag.row) else words.about(flag),
            flag.found,
            flag.question,
            flag.do,
            words.wave(self.data.study.waves, flag.wave),
            flag.team,
            flag.enumerator,
            date.fromisoformat(flag.first_seen),
            date.fromisoformat(flag.last_seen),
            flag.key,
            *(None for _ in ANSWER_COLUMNS),
        ]

    def _list(self, book: Workbook, by: dict[str, dict[str, Any]]) -> None:
        words, data, waves = self.words, self.data, self.data.study.waves
        columns = [Column(words("col_about"), 14), Column(words("col_code"), 13),
                   Column(words("col_name"), 34), Column(words("col_commune"), 24)]  # fmt: skip
        columns += [Column(words(f"state_{state}"), 13) for state in STATES]
        columns += [Column(words.wave(waves, wave), 12) for wave in waves.all]
        columns.append(Column(words("col_file"), 30))
        rows = []
        for kind, codes, progress in (
            (ENUMERATOR, data.enumerator_codes, data.enumerator_progress),
            (TEAM, data.team_codes, data.team_progress),
        ):
            for code in codes:
                mine = by[kind].get(code)
                rows.append([
                    words(f"col_{kind}"),
                    code,
                    words.title(data, kind, code),
                    words.commune(data, code) if kind == TEAM else None,
                    *((0,) * len(STATES) if mine is None else count_states(mine)),
                    *(words.interviews(one) for one in progress[code]),
                    f"{kind}/{code}.{words.lang}.xlsx",
                ])  # fmt: skip
        self._worksheet(book, "book_list", columns, rows)

    def _guide(self, book: Workbook) -> None:
        words = self.words
        said = [words("made_on", day=words.day(self.data.day)), words("for_whom")]
        if self.data.study.study.synthetic:
            said.insert(0, words("synthetic"))
        said += words.reading()
        columns = [Column(words("heading_answer"), 100)]
        self._worksheet(book, "book_guide", columns, [[text] for text in said])

    def _worksheet(
        self, book: Workbook, name: str, columns: Sequence[Column], rows: Sequence[Sequence[Value]]
    ) -> Any:
        page = book.create_sheet(self.words(name))
        page.freeze_panes = "A2"
        page.page_setup.orientation = "landscape"
        page.page_setup.paperSize = Worksheet.PAPERSIZE_A4
        page.page_setup.fitToHeight = 0
        page.sheet_properties.pageSetUpPr.fitToPage = True
        page.print_title_rows = "1:1"
        for place, column in enumerate(columns, start=1):
            page.column_dimensions[get_column_letter(place)].width = column.width
        if len(columns) > 1:
            page.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{len(rows) + 1}"
        page.append([_head(page, column) for column in columns])
        styles = [(self._style(page, one, False), self._style(page, one, True)) for one in columns]
        for row in rows:
            page.append(
                [
                    _cell(page, value, style[isinstance(value, date)])
                    for value, style in zip(row, styles, strict=True)
                ]
            )
        return page

    def _style(self, page: Any, column: Column, day: bool) -> Any:
        """Make the style of a column's cells, once a worksheet: openpyxl takes long to look styles up."""
        cell = WriteOnlyCell(page)
        cell.alignment = TOP
        if day:
            cell.number_format = DAY_FORMAT[self.words.lang]
        if column.fill_in:
            cell.fill, cell.border, cell.number_format = ANSWER_FILL, LINE, column.fill_in
        return cell._style


def text_cell(page: Any, text: str, style: Any = None) -> WriteOnlyCell:
    """Make a cell that a spreadsheet takes as text whatever it begins with, now and when it is edited."""
    cell = WriteOnlyCell(page, ILLEGAL_CHARACTERS_RE.sub("", text))
    cell.data_type = "s"
    if style is not None:
        cell._style = copy(style)
    if text.startswith(FORMULA_BEGINS):
        cell.quotePrefix = True
    return cell


def _cell(page: Any, value: Value, style: Any) -> WriteOnlyCell:
    if isinstance(value, str):
        return text_cell(page, value, style)
    cell = WriteOnlyCell(page, value)
    cell._style = copy(style)
    return cell


def _answer_rules(rows: int) -> Iterator[DataValidation]:
    """Let only known answers and days be typed."""
    for name, rule in (
        ("answer", DataValidation(type="list", formula1=ANSWERS)),
        ("decided_on", DataValidation(type="date", operator="greaterThan", formula1=FIRST_DAY)),
    ):
        letter = get_column_letter(list(FLAG_COLUMNS).index(name) + 1)
        rule.add(f"{letter}2:{letter}{rows + 1}")
        yield rule


def _head(page: Any, column: Column) -> WriteOnlyCell:
    cell = text_cell(page, column.name)
    cell.font, cell.fill, cell.alignment = HEAD, HEAD_FILL, TOP
    return cell
