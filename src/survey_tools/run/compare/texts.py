"""Tell whether two numbers differ as they are written, and by how much, in the unit that is written.

Not here: how a number is written (survey_tools.report.numbers).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection

_NUMBER = re.compile(r"[<>≤≥]?\s*[−-]?\d[\d.,]*\d|[<>≤≥]?\s*[−-]?\d")
_SIGNS = ("+", "−", "-")


def as_written(text: str) -> str:
    """Return the first number of a text as it is written, without unit and plus sign; else the text.

    >>> as_written("+8,2 điểm phần trăm"), as_written("p < 0.001")
    ('8,2', '<0.001')
    """
    found = _NUMBER.search(text)
    return re.sub(r"\s", "", found[0]).replace("-", "−") if found else text


def read_number(text: str, lang: str) -> float | None:
    """Read the number in a text of a language; None where there is none or only a bound.

    >>> read_number("−1.234,5 triệu đồng", "vi"), read_number("p < 0.001", "en")
    (-1234.5, None)
    """
    written = as_written(text)
    plain = written.replace("−", "-")
    plain = plain.replace(".", "").replace(",", ".") if lang == "vi" else plain.replace(",", "")
    try:
        return float(plain)
    except ValueError:
        return None


def digits_of(text: str, lang: str) -> int:
    """Count the decimals that are written."""
    return len(as_written(text).partition("," if lang == "vi" else ".")[2])


def differ_as_written(old: Collection[str], new: Collection[str]) -> bool:
    """Whether each of two sets of texts writes a number that the other does not.

    One number may be written in several ways: with more decimals in a table than in a sentence.
    """
    before, after = {as_written(text) for text in old}, {as_written(text) for text in new}
    return bool(before - after and after - before)


def pick(texts: Collection[str], others: Collection[str] = ()) -> str:
    """Choose the text to show: one that the other run does not have, with a sign, the shortest."""
    known = {as_written(text) for text in others}
    own = [text for text in texts if as_written(text) not in known] or list(texts)
    return min(own, key=lambda text: (not text.startswith(_SIGNS), len(text), text), default="")


def turned(old: str, new: str) -> bool:
    """Whether two values have opposite signs."""
    before, after = _float(old), _float(new)
    return before * after < 0


def gap(old: str, new: str, lang: str) -> tuple[float | None, float | None, int]:
    """Return the difference of two texts, the same relative to the old one, and the decimals written."""
    before, after = read_number(old, lang), read_number(new, lang)
    digits = max(digits_of(old, lang), digits_of(new, lang))
    if before is None or after is None:
        return None, None, digits
    difference = round(after - before, digits)
    return difference, (difference / abs(before) if before else None), digits


def _float(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        return 0.0
    return 0.0 if math.isnan(number) else number
