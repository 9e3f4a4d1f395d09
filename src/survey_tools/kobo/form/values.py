"""Convert and compare the values of form expressions as XPath 1.0 and ODK do.

Not here: parsing, functions, or where the values come from. A value is a node list, text, a number
(float), a truth value or a date. A date counts as days since 1 January 1970, as in ODK.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

EPOCH = date(1970, 1, 1)
SECONDS_A_DAY = 86_400
_NUMBER = re.compile(r"\s*-?(\d+(\.\d*)?|\.\d+)\s*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Node:
    """A place in a submission.

    Attributes
    ----------
    path : str
        As in the form.
    at : tuple of int
        Positions (from 1) in the repeats around it, outermost first; its own too if it is one.
    text : str
        The answer; empty for none.
    place : int
        Position among its siblings of the same name: 1 for all but repeats.
    """

    path: str
    at: tuple[int, ...] = ()
    text: str = ""
    place: int = 1


Nodes = Sequence[Node]
Value = Nodes | str | float | bool | date


def is_nodes(value: Value) -> bool:
    """Say whether a value is a list of nodes."""
    return isinstance(value, list | tuple)


def to_text(value: Value) -> str:
    """Convert as XPath's string(): the first node, whole numbers without a point."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return value[0].text if value else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        return _number_text(float(value))
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return value.isoformat() if isinstance(value, date) else ""


def to_number(value: Value) -> float:
    """Convert as XPath's number(): NaN for what is no number; dates become days."""
    if isinstance(value, bool):
        return 1.0 if value else 0.0
    if isinstance(value, float | int):
        return float(value)
    if isinstance(value, date):
        return days(value)
    text = to_text(value)
    if _NUMBER.fullmatch(text):
        return float(text)
    moment = read_date(text)
    return math.nan if moment is None else days(moment)


def to_bool(value: Value) -> bool:
    """Convert as ODK's boolean(): empty text, 0 and NaN are false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float | int):
        return value != 0 and not math.isnan(value)
    if isinstance(value, date):
        return True
    return to_text(value) != ""


def days(moment: date) -> float:
    """Return the days from 1 January 1970, with the part of a day that has passed (wall time)."""
    whole = (date(moment.year, moment.month, moment.day) - EPOCH).days
    if not isinstance(moment, datetime):
        return float(whole)
    seconds = (moment.hour * 60 + moment.minute) * 60 + moment.second + moment.microsecond / 1e6
    return whole + seconds / SECONDS_A_DAY


def read_date(text: str) -> date | None:
    """Read an ISO date or date-time; None for anything else."""
    if not _DATE.match(text):
        return None
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        return None


def compare(sign: str, left: Value, right: Value) -> bool:
    """Compare as XPath does: true if any pair of nodes fits; no node counts as empty text.

    An empty answer is therefore unlike any text (``'' != 'none'``), and every order comparison
    with it is false.
    """
    test = _TESTS[sign]
    return any(test(one, other) for one in _atoms(left) for other in _atoms(right))


def _atoms(value: Value) -> list[Value]:
    if isinstance(value, list | tuple):
        return [node.text for node in value] or [""]
    return [value]


def _equal(left: Value, right: Value) -> bool:
    kinds = (type(left), type(right))
    if bool in kinds:
        return to_bool(left) == to_bool(right)
    if any(issubclass(kind, float | int | date) for kind in kinds):
        return to_number(left) == to_number(right)
    return to_text(left) == to_text(right)


_TESTS: dict[str, Callable[[Value, Value], bool]] = {
    "=": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": lambda left, right: to_number(left) < to_number(right),
    "<=": lambda left, right: to_number(left) <= to_number(right),
    ">": lambda left, right: to_number(left) > to_number(right),
    ">=": lambda left, right: to_number(left) >= to_number(right),
}


def _number_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if value == int(value) else repr(value)


def _divide(one: float, other: float) -> float:
    if other == 0:
        return math.nan if one == 0 or math.isnan(one) else math.copysign(math.inf, one)
    return one / other


def _remainder(one: float, other: float) -> float:
    # XPath's mod keeps the sign of the dividend.
    return math.nan if other == 0 or not math.isfinite(one) else math.fmod(one, other)


ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "div": _divide,
    "mod": _remainder,
}
