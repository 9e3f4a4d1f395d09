"""The functions that form expressions may call, with ODK's meaning.

Not here: parsing, or the functions that need the place in the submission lazily (`if`, `once`,
`indexed-repeat`, which `expression` handles). Reference: the ODK XForms specification, section
"XPath functions"; where collectors differ, ODK Collect (JavaRosa) is followed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from survey_tools.kobo.form.values import Value, read_date, to_bool, to_number, to_text

Function = Callable[..., Value]


def _selected(answer: Value, name: Value) -> bool:
    return to_text(name).strip() in to_text(answer).split()


def _selected_at(answer: Value, index: Value) -> str:
    words, place = to_text(answer).split(), to_number(index)
    return words[int(place)] if 0 <= place < len(words) else ""


def _substr(text: Value, start: Value, end: Value | None = None) -> str:
    whole = to_text(text)
    return whole[_place(start, whole) : len(whole) if end is None else _place(end, whole)]


def _place(index: Value, text: str) -> int:
    number = to_number(index)
    if math.isnan(number):
        return 0
    place = int(number)
    return max(place + len(text), 0) if place < 0 else min(place, len(text))


def _regex(text: Value, pattern: Value) -> bool:
    return re.fullmatch(to_text(pattern), to_text(text)) is not None


def _int(value: Value) -> float:
    number = to_number(value)
    return float(math.trunc(number)) if math.isfinite(number) else number


def _round(value: Value, places: Value | None = None) -> float:
    number = to_number(value)
    if not math.isfinite(number):
        return number
    if places is None:
        return float(math.floor(number + 0.5))
    step = Decimal(1).scaleb(-int(to_number(places)))
    return float(Decimal(repr(number)).quantize(step, ROUND_HALF_UP))


def _texts(values: Iterable[Value]) -> Iterable[str]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from (node.text for node in value)
        else:
            yield to_text(value)


def _numbers(values: Iterable[Value]) -> list[float]:
    return [to_number(text) for text in _texts(values)]


def _sum(*values: Value) -> float:
    # An unanswered instance adds nothing; anything else that is no number makes the sum NaN.
    return math.fsum(to_number(text) for text in _texts(values) if text != "")


def _extreme(pick: Callable[[list[float]], float]) -> Function:
    def extreme(*values: Value) -> float:
        numbers = _numbers(values)
        if not numbers or any(math.isnan(number) for number in numbers):
            return math.nan
        return pick(numbers)

    return extreme


def _count(nodes: Value) -> float:
    return float(len(nodes)) if isinstance(nodes, list | tuple) else 1.0


def _date(value: Value) -> Value:
    if isinstance(value, date):
        return value
    return read_date(to_text(value)) or ""


def _position(nodes: Value) -> float:
    if not isinstance(nodes, list | tuple) or not nodes:
        return math.nan
    return float(nodes[0].place)


# name: (function, fewest arguments, most arguments or None)
FUNCTIONS: dict[str, tuple[Function, int, int | None]] = {
    "selected": (_selected, 2, 2),
    "selected-at": (_selected_at, 2, 2),
    "count-selected": (lambda answer: float(len(to_text(answer).split())), 1, 1),
    "not": (lambda value: not to_bool(value), 1, 1),
    "boolean": (to_bool, 1, 1),
    "true": (lambda: True, 0, 0),
    "false": (lambda: False, 0, 0),
    "regex": (_regex, 2, 2),
    "starts-with": (lambda text, head: to_text(text).startswith(to_text(head)), 2, 2),
    "ends-with": (lambda text, tail: to_text(text).endswith(to_text(tail)), 2, 2),
    "contains": (lambda text, part: to_text(part) in to_text(text), 2, 2),
    "substr": (_substr, 2, 3),
    "string-length": (lambda text: float(len(to_text(text))), 1, 1),
    "string": (to_text, 1, 1),
    "concat": (lambda *values: "".join(_texts(values)), 0, None),
    "coalesce": (lambda one, other: to_text(one) or to_text(other), 2, 2),
    "number": (to_number, 1, 1),
    "int": (_int, 1, 1),
    "round": (_round, 1, 2),
    "sum": (_sum, 1, None),
    "count": (_count, 1, 1),
    "min": (_extreme(min), 1, None),
    "max": (_extreme(max), 1, None),
    "position": (_position, 1, 1),
    "date": (_date, 1, 1),
}
