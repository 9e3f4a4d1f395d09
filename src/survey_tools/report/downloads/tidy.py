"""Take the tables of a page apart for programs: a number a cell, an interval's ends in columns of their own.

A number is the value that the page's `<data>` holds, no finer, in the unit in which the page shows it. A
column whose cells say more than numbers, marks and the words of an interval is kept as shown beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from itertools import count, pairwise

from survey_tools.report.downloads.blocks import Cell, Line, Number, Table
from survey_tools.report.numbers import MISSING
from survey_tools.report.wording import Wording

MARKS = "*†‡§"
"""Signs behind a number that a note below the table explains."""

_HUNDRED = Decimal(100)
_DECIMALS = 4
_ROUNDED = Decimal("0.00005")
"""How far the value of a `<data>` may be from what was estimated."""

_SILENT = re.compile(r"[\s,.;:()\[\]–/\u2060-]+")
_NAMED = re.compile(r"(\w+)\s*=\s*(?=$|\s)")


@dataclass(frozen=True)
class Figure:
    """A number for a cell: its value, how the page writes it, and where it came from."""

    value: Decimal
    digits: int
    percent: bool
    sign: bool
    source: str


Entry = str | Figure | None
"""A text, a number, or nothing."""


@dataclass(frozen=True)
class Column:
    """A column for programs: its name, and an entry a row."""

    name: str
    entries: tuple[Entry, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Its numbers."""
        return tuple(entry for entry in self.entries if isinstance(entry, Figure))

    @property
    def percent(self) -> bool:
        """Whether some of its numbers are percentages, of which 1 is 100%."""
        return any(figure.percent for figure in self.figures)


def tidy(table: Table, words: Wording) -> tuple[Column, ...]:
    """Take a table apart.

    Parameters
    ----------
    table : Table
    words : Wording
        In the language of the page.

    Returns
    -------
    tuple of Column
        Each with an entry a row; no two of the same name. The first holds the rows' headings as text.
    """
    columns: list[Column] = []
    for place, name in enumerate(_names(table.heads)):
        cells = [row[place] for row in table.rows]
        if place and any(cell.numbers for cell in cells):
            columns += _numbers(name, cells, words)
        else:
            columns.append(Column(name, tuple(_one_line(cell) for cell in cells)))
    return tuple(_apart(columns))


def _names(heads: tuple[str, ...]) -> list[str]:
    """Call a column whose heading is that of others by the heading before it, too."""
    names, group = [], ""
    for place, name in enumerate(heads):
        if heads.count(name) == 1:
            group = name if place else ""
        names.append(f"{group} – {name}" if group and heads.count(name) > 1 else name)
    return names


def _apart(columns: list[Column]) -> Iterator[Column]:
    """Give columns of the same name a number behind it."""
    taken: set[str] = set()
    for column in columns:
        names = (f"{column.name} ({number})" if number > 1 else column.name for number in count(1))
        name = next(name for name in names if name not in taken)
        taken.add(name)
        yield replace(column, name=name)


def _one_line(cell: Cell) -> str:
    return " ".join(line.text for line in cell.lines)


def _numbers(name: str, cells: list[Cell], words: Wording) -> Iterator[Column]:
    """Yield the columns that a column with numbers becomes; a cell without any is told in the first."""
    otherwise: list[str | None] = [None if cell.numbers else _one_line(cell) for cell in cells]
    for level in range(max(len(cell.lines) for cell in cells)):
        lines = [cell.lines[level] if level < len(cell.lines) else None for cell in cells]
        for place in range(max((len(line.numbers) for line in lines if line), default=0)):
            numbers = [_at(line, place) for line in lines]
            roles = (_role(line, place, words) for line in lines if line)
            named = _named(name, next(filter(None, roles), ""), words)
            yield Column(named, _figures(numbers, otherwise, words))
            otherwise = [None] * len(cells)
    if any(_mark(cell) for cell in cells):
        marks = tuple(_mark(cell) or None for cell in cells)
        yield Column(words("downloads_mark", column=name), marks)
    if any(_says_more(cell, words) for cell in cells):
        shown = tuple(_one_line(cell) for cell in cells)
        yield Column(words("downloads_as_shown", column=name), shown)


def _at(line: Line | None, place: int) -> Number | None:
    return line.numbers[place] if line and place < len(line.numbers) else None


def _role(line: Line, place: int, words: Wording) -> str:
    """Say what a number is by the words around it: an end of an interval, or what stands before `=`."""
    if place >= len(line.numbers):
        return ""
    at = [spot for spot, piece in enumerate(line.pieces) if isinstance(piece, Number)]
    joining = {*words("downloads_interval").split()[1:], "–", "-"}
    between = [_between(line, a, b) in joining for a, b in pairwise(at)]
    if place < len(between) and between[place]:
        return "low"
    if place and between[place - 1]:
        return "high"
    before = line.pieces[at[place] - 1] if at[place] else ""
    found = _NAMED.search(before) if isinstance(before, str) else None
    return f"= {found[1]}" if found else ""


def _between(line: Line, first: int, second: int) -> str:
    pieces = line.pieces[first + 1 : second]
    return "".join(piece for piece in pieces if isinstance(piece, str)).strip(" \u2060")


def _named(name: str, role: str, words: Wording) -> str:
    if role in ("low", "high"):
        return words(f"downloads_{role}", column=name)
    return f"{name} – {role.removeprefix('= ')}" if role else name


def _figures(
    numbers: list[Number | None], otherwise: list[str | None], words: Wording
) -> tuple[Entry, ...]:
    """Make the entries of a column of numbers, all that can be in points in points."""
    read = [_read(number, words) if number else None for number in numbers]
    in_points = any(_unit(figure, shown) == "points" for figure, shown in filter(None, read))
    in_ones = any(_unit(figure, shown) == "ones" for figure, shown in filter(None, read))
    entries: list[Entry] = []
    for number, found, instead in zip(numbers, read, otherwise, strict=True):
        if found is None:
            entries.append(number.text if number and number.text else instead)
            continue
        figure, shown = found
        unit = _unit(figure, shown)
        if unit == "points" or (unit == "either" and in_points and not in_ones):
            figure = replace(figure, value=figure.value * _HUNDRED)
        elif unit == "other":
            figure = replace(figure, digits=_DECIMALS)
        entries.append(figure)
    return tuple(entries)


def _read(number: Number, words: Wording) -> tuple[Figure, Decimal | None] | None:
    """Return the value of a number and what the page writes in its place; None where there is no value."""
    try:
        value = Decimal(number.value)
    except InvalidOperation:
        return None
    if not value.is_finite():
        return None
    plain = number.text.replace("−", "-")
    comma = words.numbers.number(0.5, 1)[1]
    plain = plain.replace("." if comma == "," else ",", "").replace(comma, ".")
    match = re.search(r"-?\d+(?:\.(\d+))?", plain)
    shown = Decimal(match[0]) if match else None
    digits = len(match[1] or "") if match else 0
    percent, sign = "%" in number.text, number.text.startswith("+")
    return Figure(value, digits, percent, sign or "-" in plain, number.source), shown


def _unit(figure: Figure, shown: Decimal | None) -> str:
    """Say in what the page shows a value.

    `ones`: as it is; `points`: its hundredfold without a sign for it; `either`, as far as one can tell;
    `other`: not the value, but that it is below a bound, for example.
    """
    if figure.percent:
        return "ones"
    if shown is None:
        return "other"
    half = Decimal(5).scaleb(-figure.digits - 1)
    ones = abs(figure.value - shown) <= half + _ROUNDED
    points = abs(figure.value * _HUNDRED - shown) <= half + _ROUNDED * _HUNDRED
    return "either" if ones and points else "points" if points else "ones" if ones else "other"


def _mark(cell: Cell) -> str:
    return "".join(sign for line in cell.lines for sign in line.words if sign in MARKS)


def _says_more(cell: Cell, words: Wording) -> bool:
    """Whether a cell with numbers has words that no other column keeps."""
    if not cell.numbers:
        return False
    known = {*words("downloads_interval").split(), "%", MISSING}
    said = " ".join(_NAMED.sub(" ", line.words) for line in cell.lines)
    for sign in MARKS:
        said = said.replace(sign, " ")
    return any(word not in known for word in _SILENT.split(said) if word)
