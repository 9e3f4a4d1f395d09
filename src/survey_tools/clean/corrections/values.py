"""Compare and read the values of a correction as its column is typed; changes no row.

A number is read as it is typed in Viet Nam, a day only as year-month-day, a time only with its distance
from UTC: whatever may mean two things is not read.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from survey_tools.clean.answers.spelling import read_number
from survey_tools.register import Question

_TRUTH = {"true": True, "false": False}
_CLOCK = re.compile(r"[0-2]\d:[0-5]\d(:[0-5]\d)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})", re.ASCII
)
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
MOST_CODES = 12
"""Codes that an error lists."""


class UnfitError(ValueError):
    """A new value that its column cannot hold; says what would fit."""


def stands(value: Any, text: str) -> bool:
    """Tell whether `text` is what stands in a typed column; a blank means missing.

    >>> stands(1500, "1.500"), stands("1500", "1.500"), stands(True, "TRUE"), stands(None, "")
    (True, False, True, True)
    """
    if pd.isna(value):
        return text == ""
    if isinstance(value, str):
        return value == text
    if str(value) in ("True", "False"):
        return _TRUTH.get(text.lower()) == bool(value)
    if isinstance(value, pd.Timestamp):
        return bool(_time(text, aware=value.tzinfo is not None) == value)
    if isinstance(value, pd.Timedelta):
        return bool(_clock(text) == value)
    return float(value) in _numbers(text)


def read_value(text: str, dtype: Any, question: Question) -> Any:
    """Read a new value for a column.

    Parameters
    ----------
    text : str
        A blank makes the answer missing.
    dtype : dtype
        Of the column.
    question : Question
        What it may hold: codes, limits, a pattern.

    Raises
    ------
    UnfitError
        When it is none that the column or the register can hold.
    """
    if text == "":
        return pd.NA if pd.api.types.is_extension_array_dtype(dtype) else None
    value, expected = _typed(text, dtype)
    if value is None or pd.isna(value):
        raise UnfitError(expected)
    if not _allowed(value, dtype, question):
        if len(question.codes) > MOST_CODES:
            raise UnfitError("a code of the register")
        word = "one of" if question.codes else "within" if question.limits else "like"
        raise UnfitError(f"{word} {question.values}")
    return value


def _typed(text: str, dtype: Any) -> tuple[Any, str]:
    types = pd.api.types
    if types.is_bool_dtype(dtype):
        return _TRUTH.get(text.lower()), "true or false"
    if types.is_integer_dtype(dtype):
        number = read_number(text, whole=True)
        return None if number is None else int(number), "a whole number such as 1500 or 1.500"
    if types.is_float_dtype(dtype):
        return read_number(
            text, whole=False
        ), "a number that reads in one way, such as 1500 or 12,5"
    if types.is_datetime64_any_dtype(dtype):
        aware = isinstance(dtype, pd.DatetimeTZDtype)
        with_zone = "a time with its distance from UTC such as 2026-03-04T08:30:00+07:00"
        return _time(text, aware=aware), with_zone if aware else "a day such as 2026-03-04"
    if types.is_timedelta64_dtype(dtype):
        return _clock(text), "a time of day such as 08:30"
    return text, "text"


def _allowed(value: Any, dtype: Any, question: Question) -> bool:
    if question.codes and pd.api.types.is_string_dtype(dtype):
        return value in question.codes
    if question.pattern:
        return re.fullmatch(question.pattern, value) is not None
    if question.limits and pd.api.types.is_numeric_dtype(dtype):
        low, high = question.limits
        return (low is None or value >= low) and (high is None or value <= high)
    return True


def _numbers(text: str) -> set[float]:
    """All that a number may mean: an old value need only be one of them."""
    read = [read_number(text, whole=whole) for whole in (True, False)]
    plain = [float(text)] if _DECIMAL.fullmatch(text) else []
    return {number for number in (*read, *plain) if number is not None}


def _time(text: str, *, aware: bool) -> Any:
    try:
        if (_MOMENT if aware else _DAY).fullmatch(text):
            moment = pd.Timestamp(text)
            return moment.tz_convert("UTC") if aware else moment
    except ValueError:
        pass
    return pd.NaT


def _clock(text: str) -> pd.Timedelta | None:
    if not _CLOCK.fullmatch(text):
        return None
    return pd.Timedelta(text if text.count(":") == 2 else f"{text}:00")
