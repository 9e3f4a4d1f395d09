"""Write numbers as a reader of Vietnamese or English expects them.

Computes nothing: a share of 0.084 becomes «8,4%», a missing one «—».
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

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
    },
    "en": {
        "interval": "from {low} to {high}",
        "points": "{} percentage points",
        "amount": "{} million VND",
        "index": "{} standard deviations",
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
        if _missing(value):
            return MISSING
        text = f"{abs(round(float(value), digits)):,.{digits}f}"  # type: ignore[arg-type]
        if self.lang == "vi":
            text = text.translate(str.maketrans(",.", ".,"))
        if not any(c in "123456789" for c in text):
            return text
        return (MINUS if float(value) < 0 else "+" if sign else "") + text  # type: ignore[arg-type]

    def count(self, value: float | None) -> str:
        """Write a number of households, teams or rows."""
        return self.number(value)

    def percent(self, share: float | None, digits: int = 0) -> str:
        """Write a share of one as a percentage."""
        return MISSING if _missing(share) else f"{self.number(100 * float(share), digits)}%"  # type: ignore[arg-type]

    def bare_value(self, value: float | None, scale: str) -> str:
        """Write a level of an outcome for a table cell, whose heading names the unit."""
        if scale in SHARES:
            return self.percent(value)
        return self.number(value, 2 if scale == "index" else 1)

    def value(self, value: float | None, scale: str) -> str:
        """Write a level of an outcome with its unit."""
        text = self.bare_value(value, scale)
        if scale in SHARES or text == MISSING:
            return text
        return _WORDS[self.lang][scale].format(text)

    def bare_difference(self, value: float | None, scale: str) -> str:
        """Write an effect or a change with its sign, without its unit."""
        if _missing(value):
            return MISSING
        if scale in SHARES:
            return self.number(100 * float(value), 1, sign=True)  # type: ignore[arg-type]
        return self.number(value, 2, sign=True)

    def difference(self, value: float | None, scale: str) -> str:
        """Write an effect or a change with sign and unit; shares differ by percentage points."""
        text = self.bare_difference(value, scale)
        return text if text == MISSING else self.unit(scale).format(text)

    def unit(self, scale: str) -> str:
        """Return the pattern `{} unit` of a difference on `scale`."""
        return _WORDS[self.lang]["points" if scale in SHARES else scale]

    def interval(self, low: float | None, high: float | None, scale: str) -> str:
        """Write the interval of a level: «từ 12% đến 30%»."""
        return self._between(self.bare_value(low, scale), self.bare_value(high, scale))

    def difference_interval(self, low: float | None, high: float | None, scale: str) -> str:
        """Write the interval of an effect, without its unit; an end that is open is infinite."""
        return self._between(self._end(low, scale), self._end(high, scale))

    def p_value(self, value: float | None) -> str:
        """Write a p-value; below one in a thousand only that is said."""
        if _missing(value):
            return f"p = {MISSING}"
        if float(value) < 0.001:  # type: ignore[arg-type]
            return f"p < {self.number(0.001, 3)}"
        return f"p = {self.number(value, 3)}"

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

    def _end(self, value: float | None, scale: str) -> str:
        if value in (math.inf, -math.inf):
            return f"{'+' if value > 0 else MINUS}∞"
        return self.bare_difference(value, scale)

    def _between(self, low: str, high: str) -> str:
        if MISSING in (low, high):
            return MISSING
        return _WORDS[self.lang]["interval"].format(low=low, high=high)


def _missing(value: float | None) -> bool:
    try:
        return value is None or not math.isfinite(float(value))
    except TypeError:  # pandas.NA has no truth value and is no float
        return True
