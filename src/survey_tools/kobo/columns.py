"""Turn the text answers of one question into typed columns.

Not here: where the answers come from, or what the columns are called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

# A question's answers: the positions of the rows that have one, and the answers as text.
Answers = tuple[np.ndarray, list[str]]
# Columns by suffix (empty for a single column), and positions of answers that do not fit.
Built = tuple[dict[str, pd.Series], np.ndarray]

INT64 = 2**63
_INTEGER = re.compile(r"[+-]?\d{1,19}")
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_ZONE = re.compile(r".*(Z|[+-]\d{2}:?\d{2})", re.DOTALL)
POINT = ("lat", "lon", "alt", "acc")


def build_text(answers: Answers, n: int) -> Built:
    """Build a column of text."""
    return {"": _scatter(answers, n)}, np.array([], dtype=int)


def build_integer(answers: Answers, n: int) -> Built:
    """Build a column of whole numbers (Int64)."""
    return _build_numbers(answers, n, _read_integer, "Int64", np.int64)


def build_decimal(answers: Answers, n: int) -> Built:
    """Build a column of numbers (Float64)."""
    return _build_numbers(answers, n, _read_decimal, "Float64", np.float64)


def build_number(answers: Answers, n: int) -> Built:
    """Build a column of whole numbers where all answers are, else of numbers."""
    whole = all(_read_integer(text) is not None for text in answers[1])
    return build_integer(answers, n) if whole else build_decimal(answers, n)


def build_date(answers: Answers, n: int) -> Built:
    """Build a column of days (datetime64, at midnight, without a zone)."""
    at, texts = answers
    days = pd.to_datetime(pd.Series(texts, dtype="str"), format="%Y-%m-%d", errors="coerce")
    return _build_times(at, days.dt.as_unit("us"), n, "datetime64[us]")


def build_moment(answers: Answers, n: int) -> Built:
    """Build a column of moments (datetime64, UTC); an answer without a zone does not fit."""
    at, texts = answers
    zoned = [text if _ZONE.fullmatch(text) else None for text in texts]
    return _build_moments(at, zoned, n)


def read_utc(texts: Sequence[str | None]) -> pd.Series:
    """Read moments (datetime64, UTC) from the server's times, which bear no zone."""
    return _build_moments(np.arange(len(texts)), texts, len(texts))[0][""]


def build_point(answers: Answers, n: int) -> Built:
    """Build the four columns of a place: degrees, degrees, metres, metres (Float64)."""
    at, texts = answers
    numbers = np.full((len(texts), len(POINT)), np.nan)
    fits = np.zeros(len(texts), dtype=bool)
    for row, text in enumerate(texts):
        parts = [_read_decimal(part) for part in text.split()]
        if 2 <= len(parts) <= len(POINT) and None not in parts:
            numbers[row, : len(parts)] = parts
            fits[row] = True
    columns = {}
    for place, suffix in enumerate(POINT):
        there = fits & ~np.isnan(numbers[:, place])
        columns[f"_{suffix}"] = _masked(at[there], numbers[there, place], n, "Float64", np.float64)
    return columns, at[~fits]


def build_one_choice(answers: Answers, n: int, choices: Sequence[str]) -> Built:
    """Build a categorical column; codes that are no choice come after the choices."""
    at, texts = answers
    known = dict.fromkeys(choices)
    codes = list(dict.fromkeys((*known, *texts)))
    numbers = {code: number for number, code in enumerate(codes)}
    places = np.full(n, -1, dtype=np.int64)
    places[at] = [numbers[text] for text in texts]
    categories = pd.Index(codes, dtype="str")
    column = pd.Series(pd.Categorical.from_codes(places, categories=categories))
    return {"": column}, at[[text not in known for text in texts]] if texts else at


def build_many_choices(answers: Answers, n: int, choices: Sequence[str]) -> Built:
    """Build a true-or-false column a choice (boolean); all missing where nothing was answered."""
    at, texts = answers
    ticked = [text.split() for text in texts]
    known = set(choices)
    names = list(dict.fromkeys((*choices, *(word for words in ticked for word in words))))
    place = {name: number for number, name in enumerate(names)}
    values = np.zeros((len(texts), len(names)), dtype=bool)
    for row, words in enumerate(ticked):
        values[row, [place[word] for word in words]] = True
    columns = {
        f"__{name}": _masked(at, values[:, number], n, "boolean", np.bool_)
        for name, number in place.items()
    }
    unknown = [not known.issuperset(words) for words in ticked]
    return columns, at[unknown] if texts else at


def _build_numbers(
    answers: Answers, n: int, read: Callable[[str], Any], dtype: str, kind: Any
) -> Built:
    at, texts = answers
    numbers = [read(text) for text in texts]
    fits = np.array([number is not None for number in numbers], dtype=bool)
    values = np.array([number for number in numbers if number is not None], dtype=kind)
    return {"": _masked(at[fits], values, n, dtype, kind)}, at[~fits]


def _build_moments(at: np.ndarray, texts: Sequence[str | None], n: int) -> Built:
    moments = pd.to_datetime(
        pd.Series(list(texts), dtype="str"), format="ISO8601", utc=True, errors="coerce"
    )
    return _build_times(at, moments.dt.as_unit("us"), n, "datetime64[us, UTC]")


def _build_times(at: np.ndarray, times: pd.Series, n: int, dtype: str) -> Built:
    column = pd.Series(pd.NaT, index=range(n), dtype=dtype)
    column.iloc[at] = times.to_numpy() if times.dt.tz is None else times.array
    return {"": column}, at[times.isna().to_numpy()]


def _masked(at: np.ndarray, values: np.ndarray, n: int, dtype: Any, kind: Any) -> pd.Series:
    data, missing = np.zeros(n, dtype=kind), np.ones(n, dtype=bool)
    data[at], missing[at] = values, False
    return pd.Series(pd.array(data, dtype=dtype)).mask(missing)


def _scatter(answers: Answers, n: int) -> pd.Series:
    at, texts = answers
    values = np.full(n, None, dtype=object)
    values[at] = texts
    return pd.Series(values, dtype="str")


def _read_integer(text: str) -> int | None:
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -INT64 <= number < INT64 else None


def _read_decimal(text: str) -> float | None:
    return float(text) if _DECIMAL.fullmatch(text) else None
