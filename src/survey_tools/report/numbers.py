"""Write numbers as a reader of Vietnamese or English expects them.

Computes nothing: a share of 0.084 becomes «8,4%», a missing one «—». What a number's text is marked with, see
`traced`: decide on numbers, never on texts that were written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from survey_tools.report.traced import marked

Lang = Literal["vi", "en"]
MISSING = "—"
MINUS = "−"
SHARES = ("binary", "share")
"""Scales whose estimates are shares of one and are read as percentages."""


def unit_key(scale: str) -> str:
    """Return the key of the words for the unit of an effect on a scale."""
    return "unit_points" if scale in SHARES else f"unit_{scale}"


_WORDS = {
    "vi": {
        "interval": "từ {low} đến {high}",
        "points": "{} điểm phần trăm",
        "amount": "{} triệu đồng",
        "index": "{} độ lệch chuẩn",
        "about": "khoảng {}",
    },
    "en": {
        "interval": "from {low} to {high}",
        "points": "{} percentage points",
        "amount": "{} million VND",
        "index": "{} standard deviations",
        "about": "about {}",
    },
}


@dataclass(frozen=True)
class Numbers:
    """Number formats of one language.

    >>> Numbers("vi").number(1234.5, 1), Numbers("en").number(1234.5, 1)
    ('1.234,5', '1,234.5')
    >>> Numbers("vi").difference(-0.021, "binary")
    '−2,1 điểm phần trăm'
    """

    lang: Lang

    def number(self, value: float | None, digits: int = 0, *, sign: bool = False) -> str:
        """Write `value` with `digits` decimals; `sign` writes a plus sign too."""
        return marked(value, self._number(value, digits, sign=sign))

    def count(self, value: float | None) -> str:
        """Write a number of households, teams or rows."""
        return self.number(value)

    def base(self, n: float | None, about: bool = False) -> str:
        """Write how many answered; `about` where that is told as a multiple only."""
        if about and not is_missing(n):
            return _WORDS[self.lang]["about"].format(self.count(n))
        return self.count(n)

    def percent(self, share: float | None, digits: int = 0) -> str:
        """Write a share of one as a percentage."""
        return marked(share, self._percent(share, digits))

    def bare_value(self, value: float | None, scale: str) -> str:
        """Write a level of an outcome for a table cell, whose heading names the unit."""
        if scale in SHARES:
            return self.percent(value)
        return self.number(value, 2 if scale == "index" else 1)

    def value(self, value: float | None, scale: str) -> str:
        """Write a level of an outcome with its unit."""
        text = self.bare_value(value, scale)
        if scale in SHARES or is_missing(value):
            return text
        return _WORDS[self.lang][scale].format(text)

    def bare_difference(self, value: float | None, scale: str, *, sign: bool = True) -> str:
        """Write an effect or a change without its unit; with its sign, unless it is a mere size."""
        if is_missing(value):
            return marked(value, MISSING)
        if scale in SHARES:
            return marked(value, self._number(100 * float(value), 1, sign=sign))  # type: ignore[arg-type]
        return self.number(value, 2, sign=sign)

    def difference(self, value: float | None, scale: str, *, sign: bool = True) -> str:
        """Write an effect or a change with its unit; shares differ by percentage points."""
        text = self.bare_difference(value, scale, sign=sign)
        return text if is_missing(value) else self.unit(scale).format(text)

    def unit(self, scale: str) -> str:
        """Return the pattern `{} unit` of a difference on `scale`."""
        return _WORDS[self.lang]["points" if scale in SHARES else scale]

    def interval(self, low: float | None, high: float | None, scale: str) -> str:
        """Write the interval of a level: «từ 12% đến 30%»."""
        if is_missing(low) or is_missing(high):
            return MISSING
        return self._between(self.bare_value(low, scale), self.bare_value(high, scale))

    def difference_interval(self, low: float | None, high: float | None, scale: str) -> str:
        """Write the interval of an effect, without its unit; an end that is open is infinite."""
        if any(is_missing(end) and not _is_open(end) for end in (low, high)):
            return MISSING
        return self._between(self._end(low, scale), self._end(high, scale))

    def p_value(self, value: float | None) -> str:
        """Write a p-value; below one in a thousand only that is said."""
        return f"p {self.bare_p_value(value, equals='= ')}"

    def bare_p_value(self, value: float | None, equals: str = "") -> str:
        """Write a p-value for a table cell, whose heading says what it is."""
        if not is_missing(value) and float(value) < 0.001:  # type: ignore[arg-type]
            return marked(value, f"< {self._number(0.001, 3)}")
        return equals + self.number(value, 3)

    def day(self, value: date) -> str:
        """Write a day."""
        return f"{value:%d/%m/%Y}" if self.lang == "vi" else f"{value.day} {value:%B %Y}"

    def moment(self, value: object) -> str:
        """Write a point in time in UTC, to the minute; a text that is none stays as it is."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            return str(value) if value else MISSING
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
        pattern = "%H:%M ngày %d/%m/%Y" if self.lang == "vi" else "%d %B %Y, %H:%M"
        return moment.strftime(pattern) + (" UTC" if moment.tzinfo else "")

    def _number(self, value: float | None, digits: int, *, sign: bool = False) -> str:
        if is_missing(value):
            return MISSING
        text = f"{abs(round(float(value), digits)):,.{digits}f}"  # type: ignore[arg-type]
        if self.lang == "vi":
            text = text.translate(str.maketrans(",.", ".,"))
        if not any(c in "123456789" for c in text):
            return text
        return (MINUS if float(value) < 0 else "+" if sign else "") + text  # type: ignore[arg-type]

    def _percent(self, share: float | None, digits: int) -> str:
        return MISSING if is_missing(share) else f"{self._number(100 * float(share), digits)}%"  # type: ignore[arg-type]

    def _end(self, value: float | None, scale: str) -> str:
        if _is_open(value):
            return marked(value, f"{'+' if float(value) > 0 else MINUS}∞")  # type: ignore[arg-type]
        return self.bare_difference(value, scale)

    def _between(self, low: str, high: str) -> str:
        return _WORDS[self.lang]["interval"].format(low=low, high=high)


def is_missing(value: float | None) -> bool:
    """Whether there is no number to write."""
    try:
        return value is None or not math.isfinite(float(value))
    except TypeError:  # pandas.NA has no truth value and is no float
        return True


def _is_open(value: float | None) -> bool:
    try:
        return value is not None and math.isinf(float(value))
    except TypeError:
        return False
