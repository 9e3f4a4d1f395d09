"""Say what each number of a table's cell is: an estimate, an interval's end, or what a name before it says.

Numbers of a column that are the same thing get the same place, whichever line of a cell they stand in. Not
here: the columns that they become (`tidy`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from survey_tools.report.downloads.blocks import Cell, Line, Number
from survey_tools.report.wording import Wording

LOW, HIGH = "low", "high"
"""Roles of the ends of an interval."""

NAMED = re.compile(r"(\w+)\s*=\s*(?=$|\s)")
"""A name before a number."""

_NAME_LAST = re.compile(r"(\w+)\s*$")
_BOUNDS = ("<", ">", "≤", "≥")
_END = re.compile(r"[,;:.()\[\]–/\n]")
_SPACES = " \xa0\u2060"
_LONGEST = 3


@dataclass(frozen=True)
class Place:
    """Where a number of a cell goes: by its role, and which of those of that role in the cell it is.

    A number without a role is told apart by its line, too: what stands below an estimate is another thing.
    """

    role: str
    line: int
    nth: int


@dataclass(frozen=True)
class Placed:
    """A number at its place, the few words that follow it, and the name before it if there is one."""

    place: Place
    number: Number
    after: str


def placed(cell: Cell, words: Wording) -> tuple[Placed, ...]:
    """Give each number of a cell its place; no two are at the same."""
    found: list[Placed] = []
    counted: Counter[tuple[str, int]] = Counter()
    for level, line in enumerate(cell.lines):
        for number, role, after in _roles(line, words):
            at = (role, 0 if role else level)
            found.append(Placed(Place(*at, counted[at]), number, after))
            counted[at] += 1
    return tuple(found)


def in_order(cells: Sequence[Sequence[Placed]]) -> tuple[Place, ...]:
    """Return all places, in the order that the fullest cells have them in."""
    fullest = sorted(cells, key=len, reverse=True)
    return tuple(dict.fromkeys(one.place for cell in fullest for one in cell))


def is_named(role: str) -> bool:
    """Whether a role is a name that stands before the number."""
    return role not in ("", LOW, HIGH)


def _roles(line: Line, words: Wording) -> Iterator[tuple[Number, str, str]]:
    """Yield each number of a line with its role and the words behind it."""
    at = [(spot, piece) for spot, piece in enumerate(line.pieces) if isinstance(piece, Number)]
    spots = [spot for spot, _ in at]
    joining = {*words("downloads_interval").split()[1:], "–", "-"}
    joined = [_text(line, a + 1, b).strip(_SPACES) in joining for a, b in pairwise(spots)]
    for place, (spot, number) in enumerate(at):
        before = _text(line, spots[place - 1] + 1 if place else 0, spot)
        end = spots[place + 1] if place + 1 < len(at) else len(line.pieces)
        if place and joined[place - 1]:
            role = HIGH
        elif place < len(joined) and joined[place]:
            role = LOW
        else:
            role = _name(before, number)
        yield number, role, _after(_text(line, spot + 1, end))


def _text(line: Line, first: int, end: int) -> str:
    return "".join(piece for piece in line.pieces[first:end] if isinstance(piece, str))


def _name(before: str, number: Number) -> str:
    """Return the name before a number: «n = 30», «p < 0,001»."""
    found = NAMED.search(before)
    if found is None and number.text.startswith(_BOUNDS):
        found = _NAME_LAST.search(before)
    return found[1] if found else ""


def _after(text: str) -> str:
    """Return the words right behind a number, if they are few: «41 hộ»."""
    said = " ".join(_END.split(text.strip(_SPACES))[0].split())
    few = len(said.split()) <= _LONGEST
    return said if few and said[:1].isalpha() else ""
