"""Read a CSV file in which people write, as Excel and its relatives save it; understands no column.

Byte order mark, Windows line ends, semicolons or tabs between cells and rows without a word are all read; a
file that is not UTF-8 is refused, since Vietnamese letters would come out as others.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from datetime import date
from pathlib import Path

import pandas as pd

from survey_tools.errors import ContractError

MARKS = (",", ";", "\t")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
AS_TEXT = (
    "in a spreadsheet write '2026-02-01 with the apostrophe, else it saves the day in another order"
)
"""What to do where a spreadsheet has turned a day round."""


def read_sheet(path: Path, where: str) -> pd.DataFrame:
    """Read a file as text, without surrounding white space and in Unicode NFC.

    Parameters
    ----------
    path : Path
    where : str
        What an error calls the file.

    Returns
    -------
    DataFrame
        The columns of the file, and `line`: where the row stands in it, the header being line 1; where a
        cell holds several lines, its last. Rows that are wholly blank are left out.

    Raises
    ------
    ContractError
        When the file is not UTF-8, or a row has more cells than the header.
    """
    text = _text(path, where)
    head = text.split("\n", 1)[0]
    mark = max(MARKS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    header = [_plain(cell) for cell in next(reader, [])]
    while header and not header[-1]:
        header.pop()
    rows: list[list[object]] = []
    for cells in reader:
        said = [_plain(cell) for cell in cells]
        if any(said[len(header) :]):
            _refuse(where, reader.line_num)
        if any(said):
            rows.append([*(said + [""] * len(header))[: len(header)], reader.line_num])
    table = pd.DataFrame(rows, columns=[*header, "line"])
    return table.astype({**dict.fromkeys(header, "str"), "line": "int64"})


def is_day(text: str) -> bool:
    """Say whether a cell is a day of the calendar, written year-month-day.

    >>> is_day("2026-02-01"), is_day("2026-02-30"), is_day("01/02/2026")
    (True, False, False)
    """
    try:
        return _DAY.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _plain(cell: str) -> str:
    return unicodedata.normalize("NFC", cell).replace("\u00a0", " ").strip()


def _text(path: Path, where: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContractError(
            "A file is not saved as UTF-8; its letters cannot be trusted.",
            expected="CSV UTF-8",
            where=where,
            next_step="in Excel: File, Save As, «CSV UTF-8 (Comma delimited)»",
        ) from error


def _refuse(where: str, line: int) -> None:
    raise ContractError(
        "A row has more cells than the header.",
        expected="a text that holds the mark between cells to stand in quotation marks",
        where=f"{where}, line {line}",
        next_step="correct that line; a spreadsheet sets the quotation marks itself",
    )
