"""Take the tables of a page apart for programs: a number a cell, an interval's ends in columns of their own.

A number is the value that the page's `<data>` holds, no finer, in the unit in which the page shows it. A
column whose cells say more than numbers, marks and the words of an interval, or which has percentages beside
other numbers, is kept as shown beside them. Not here: what a number of a cell is (`roles`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from itertools import count

from survey_tools.report.downloads.blocks import Cell, Number, Table
from survey_tools.report.downloads.roles import NAMED, Place, Placed, in_order, is_named, placed
from survey_tools.report.numbers import MISSING
from survey_tools.report.wording import Wording

MARKS = "*†‡§"
"""Signs behind a number that a note below the table explains."""

_HUNDRED = Decimal(100)
_DECIMALS = 4
_ROUNDED = Decimal("0.00005")
"""How far the value of a `<data>` may be from what was estimated."""

_SILENT = re.compile(r"[\s,.;:()\[\]–/\u2060-]+")
_ORDINALS = ("second", "third")


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

    @property
    def mixed(self) -> bool:
        """Whether some are percentages and others are not."""
        return self.percent and not all(figure.percent for figure in self.figures)


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
    given = [placed(cell, words) if any(n.value for n in cell.numbers) else () for cell in cells]
    otherwise: list[str | None] = [
        None if numbers else _without_numbers(cell)
        for cell, numbers in zip(cells, given, strict=True)
    ]
    places = in_order(given) or (Place("", 0, 0),)
    names = _names_of(name, places, given, words)
    for place, named in names.items():
        at = [next((one.number for one in cell if one.place == place), None) for cell in given]
        yield Column(named, _figures(at, otherwise, words))
        otherwise = [None] * len(cells)
    if any(_mark(cell) for cell in cells):
        marks = tuple(_mark(cell) or None for cell in cells)
        yield Column(words("downloads_mark", column=name), marks)
    told = {word for named in names.values() for word in named.removeprefix(name).split()}
    if any(_says_more(cell, told, words) for cell in cells) or _mixes_units(given):
        shown = tuple(_one_line(cell) for cell in cells)
        yield Column(words("downloads_as_shown", column=name), shown)


def _without_numbers(cell: Cell) -> str:
    """Write a cell that has no number: where all in it is hidden, the sign for that once."""
    text = _one_line(cell)
    return MISSING if set(text.split()) == {MISSING} else text


def _names_of(
    name: str, places: tuple[Place, ...], given: list[tuple[Placed, ...]], words: Wording
) -> dict[Place, str]:
    """Name the column of each place; no two are called the same."""
    names: dict[Place, str] = {}
    plain: list[Place] = []
    for place in places:
        if place.role:
            named = _with_role(name, place.role, words)
            names[place] = _nth(named, place.nth + 1, words)
            continue
        plain.append(place)
        said = _said_by_all(place, plain[:-1], given, words)
        if said and f"{name} – {said}" not in names.values():
            names[place] = f"{name} – {said}"
        elif len(plain) == 2 and _are_shares(place, given) and not _are_shares(plain[0], given):
            names[place] = words("downloads_share", column=name)
        else:
            names[place] = _nth(name, len(plain), words)
    return names


def _with_role(name: str, role: str, words: Wording) -> str:
    return f"{name} – {role}" if is_named(role) else words(f"downloads_{role}", column=name)


def _nth(name: str, number: int, words: Wording) -> str:
    """Call the second number of a kind the second, and so on."""
    if number == 1:
        return name
    if number <= len(_ORDINALS) + 1:
        return words(f"downloads_{_ORDINALS[number - 2]}", column=name)
    return words("downloads_nth", column=name, number=number)


def _said_by_all(
    place: Place, before: list[Place], given: list[tuple[Placed, ...]], words: Wording
) -> str:
    """Return the words behind every number of a place, unless they stand behind others before it, too."""
    said = {one.after for cell in given for one in cell if one.place == place}
    others = {one.after for cell in given for one in cell if one.place in before}
    (only,) = said if len(said) == 1 else ("",)
    known = words("downloads_interval").split()
    return "" if not before or only in others or only.split(" ")[0] in known else only


def _are_shares(place: Place, given: list[tuple[Placed, ...]]) -> bool:
    return all("%" in one.number.text for cell in given for one in cell if one.place == place)


def _mixes_units(given: list[tuple[Placed, ...]]) -> bool:
    """Whether numbers of one place are percentages in some rows and in others not."""
    units: dict[Place, set[bool]] = {}
    for one in (one for cell in given for one in cell if one.number.value):
        units.setdefault(one.place, set()).add("%" in one.number.text)
    return any(len(kinds) > 1 for kinds in units.values())


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


def _says_more(cell: Cell, told: set[str], words: Wording) -> bool:
    """Whether a cell with numbers has words that no other column keeps, nor the columns' names tell."""
    if not cell.numbers:
        return False
    known = {*words("downloads_interval").split(), "%", MISSING, *told}
    said = " ".join(NAMED.sub(" ", line.words) for line in cell.lines)
    for sign in MARKS:
        said = said.replace(sign, " ")
    return any(word not in known for word in _SILENT.split(said) if word)
