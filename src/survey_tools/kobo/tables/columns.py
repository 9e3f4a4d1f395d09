"""Turn the text answers of one question into typed columns.

Not here: where the answers come from, or what the columns are called. Each distinct text is read
once, however many rows hold it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

INT64 = 2**63
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ZONE = re.compile(r".*(Z|[+-]\d{2}:?\d{2})", re.DOTALL)
_CLOCK = re.compile(r"(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(?:Z|[+-]\d{2}:?\d{2})?")
POINT = ("lat", "lon", "alt", "acc")
_MASKED: dict[str, tuple[Any, Any]] = {
    "Int64": (pd.arrays.IntegerArray, np.int64),
    "Float64": (pd.arrays.FloatingArray, np.float64),
    "boolean": (pd.arrays.BooleanArray, np.bool_),
}


@dataclass(frozen=True)
class Answers:
    """A question's answers in all rows of its table.

    Attributes
    ----------
    codes : array of int32
        A row's answer as its number in `texts`, from 1; 0 for none.
    texts : list of str
        The distinct answers, in the order in which they came.
    """

    codes: np.ndarray
    texts: list[str]


# Columns by suffix (empty for a single column), and which of the texts do not fit.
Built = tuple[dict[str, pd.Series], np.ndarray]


def build_text(answers: Answers) -> Built:
    """Build a column of text."""
    texts = pd.array(answers.texts or [""], dtype="str")
    column = texts.take(answers.codes - 1, allow_fill=True)
    return {"": pd.Series(column)}, np.zeros(len(answers.texts), dtype=bool)


def build_integer(answers: Answers) -> Built:
    """Build a column of whole numbers (Int64)."""
    return _build_numbers(answers, _read_integer, "Int64")


def build_decimal(answers: Answers) -> Built:
    """Build a column of numbers (Float64)."""
    return _build_numbers(answers, _read_decimal, "Float64")


def build_number(answers: Answers) -> Built:
    """Build a column of whole numbers where all answers are, else of numbers."""
    whole = all(_read_integer(text) is not None for text in answers.texts)
    return build_integer(answers) if whole else build_decimal(answers)


def build_date(answers: Answers) -> Built:
    """Build a column of days (datetime64, at midnight, without a zone)."""
    fitting = [text if _DATE.fullmatch(text) else None for text in answers.texts]
    texts = pd.Series(fitting, dtype="str")
    days = pd.to_datetime(texts, format="%Y-%m-%d", errors="coerce")
    return _build_times(answers, days.dt.as_unit("us").to_numpy(), "M8[us]")


def build_moment(answers: Answers) -> Built:
    """Build a column of moments (datetime64, UTC); an answer without a zone does not fit."""
    zoned = [text if _ZONE.fullmatch(text) else None for text in answers.texts]
    columns, misfits = _build_times(answers, _read_moments(zoned), "M8[us]")
    return {"": columns[""].dt.tz_localize("UTC")}, misfits


def build_time(answers: Answers) -> Built:
    """Build a column of times of day (timedelta64 from midnight, on the device's clock).

    The zone is left out: it is the device's own, which ``start`` and ``end`` bear too.
    """
    times = np.array([_read_clock(text) for text in answers.texts], dtype="m8[us]")
    return _build_times(answers, times, "m8[us]")


def read_utc(texts: Sequence[str | None]) -> pd.Series:
    """Read moments (datetime64, UTC) from the server's times, which bear no zone."""
    return pd.Series(_read_moments(texts)).dt.tz_localize("UTC")


def build_point(answers: Answers) -> Built:
    """Build the four columns of a place: degrees, degrees, metres, metres (Float64)."""
    numbers = np.full((len(answers.texts), len(POINT)), np.nan)
    fits = np.zeros(len(answers.texts), dtype=bool)
    for row, text in enumerate(answers.texts):
        parts = [_read_decimal(part) for part in text.split()]
        if 2 <= len(parts) <= len(POINT) and None not in parts:
            numbers[row, : len(parts)] = parts
            fits[row] = True
    columns = {
        f"_{suffix}": _masked(answers, numbers[:, place], ~np.isnan(numbers[:, place]), "Float64")
        for place, suffix in enumerate(POINT)
    }
    return columns, ~fits


def build_one_choice(answers: Answers, choices: Sequence[str]) -> Built:
    """Build a categorical column; codes that are no choice come after the choices."""
    known = dict.fromkeys(choices)
    names = list(dict.fromkeys((*known, *answers.texts)))
    place = {name: number for number, name in enumerate(names)}
    places = np.array([-1, *(place[text] for text in answers.texts)])
    categories = pd.Index(names, dtype="str")
    column = pd.Categorical.from_codes(places[answers.codes], categories=categories)
    return {"": pd.Series(column)}, np.array([text not in known for text in answers.texts], bool)


def build_many_choices(answers: Answers, choices: Sequence[str]) -> Built:
    """Build a true-or-false column a choice (boolean); all missing where nothing was answered.

    An answer with a code that is no choice, or with one twice, does not fit; its codes are kept.
    """
    ticked = [text.split() for text in answers.texts]
    known = set(choices)
    names = list(dict.fromkeys((*choices, *(word for words in ticked for word in words))))
    place = {name: number for number, name in enumerate(names)}
    values = np.zeros((len(ticked), len(names)), dtype=bool)
    for row, words in enumerate(ticked):
        values[row, [place[word] for word in words]] = True
    there = np.ones(len(ticked), dtype=bool)
    columns = {
        f"__{name}": _masked(answers, values[:, number], there, "boolean")
        for name, number in place.items()
    }
    odd = [not known.issuperset(words) or len(set(words)) < len(words) for words in ticked]
    return columns, np.array(odd, dtype=bool)


def _build_numbers(answers: Answers, read: Callable[[str], Any], dtype: str) -> Built:
    numbers = [read(text) for text in answers.texts]
    fits = np.array([number is not None for number in numbers], dtype=bool)
    filled = np.array([0 if number is None else number for number in numbers], _MASKED[dtype][1])
    return {"": _masked(answers, filled, fits, dtype)}, ~fits


def _build_times(answers: Answers, times: np.ndarray, dtype: str) -> Built:
    misfits = np.isnat(times)
    spread = np.concatenate([np.array(["NaT"], dtype=dtype), times])[answers.codes]
    return {"": pd.Series(spread)}, misfits


def _masked(answers: Answers, values: np.ndarray, there: np.ndarray, dtype: str) -> pd.Series:
    array, kind = _MASKED[dtype]
    data = np.concatenate([np.zeros(1, dtype=kind), np.where(there, values, kind(0))])
    missing = np.concatenate([[True], ~there])
    return pd.Series(array(data[answers.codes], missing[answers.codes]))


def _read_moments(texts: Sequence[str | None]) -> np.ndarray:
    """Read moments as UTC; what is none becomes NaT."""
    moments = pd.to_datetime(
        pd.Series(list(texts), dtype="str"), format="ISO8601", utc=True, errors="coerce"
    )
    return moments.dt.tz_localize(None).dt.as_unit("us").to_numpy()


def _read_clock(text: str) -> np.timedelta64:
    found = _CLOCK.fullmatch(text)
    hours, minutes, seconds = (int(found[part] or 0) for part in (1, 2, 3)) if found else (24, 0, 0)
    if found is None or hours > 23 or minutes > 59 or seconds > 59:
        return np.timedelta64("NaT", "us")
    micro = int((found[4] or "0").ljust(6, "0")[:6])
    return np.timedelta64(((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micro, "us")


def _read_integer(text: str) -> int | None:
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -INT64 <= number < INT64 else None


def _read_decimal(text: str) -> float | None:
    number = float(text) if _DECIMAL.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None
