"""Make the contract of a cleaned table from the register of its form; repairs nothing.

Loads pandas: import it by its own name, not from `survey_tools.register`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

import pandas as pd
import pandera.pandas as pa

from survey_tools.register.question import DEVICE_TYPES, MAIN, SERVER_COLUMNS, SPLIT_OFF, Question
from survey_tools.register.read import Register

NO_TABLE_COLUMN = ("column_in_schema", "column_in_dataframe")
"""Checks of a whole column: the failure case is its name."""

IsKind = Callable[[Any], bool]
_KINDS: dict[str, tuple[IsKind, str]] = {
    "integer": (pd.api.types.is_integer_dtype, "whole numbers"),
    "decimal": (pd.api.types.is_numeric_dtype, "numbers"),
    "range": (pd.api.types.is_numeric_dtype, "numbers"),
    "date": (pd.api.types.is_datetime64_any_dtype, "dates"),
    "today": (pd.api.types.is_datetime64_any_dtype, "dates"),
    "start": (pd.api.types.is_datetime64_any_dtype, "moments"),
    "end": (pd.api.types.is_datetime64_any_dtype, "moments"),
    "dateTime": (pd.api.types.is_datetime64_any_dtype, "moments"),
    "datetime": (pd.api.types.is_datetime64_any_dtype, "moments"),
    "time": (pd.api.types.is_timedelta64_dtype, "times of day"),
}
_TEXT: tuple[IsKind, str] = (pd.api.types.is_string_dtype, "text")
_YES_NO: tuple[IsKind, str] = (pd.api.types.is_bool_dtype, "true or false")


def answers_schema(
    register: Register,
    table: str = MAIN,
    *,
    given: Collection[str] | None = (),
    extra: Collection[str] = (),
    complete: bool = True,
) -> pa.DataFrameSchema:
    """Make the contract of the answers of one table.

    Parameters
    ----------
    register : Register
    table : str
        ``main``, or the name of a repeat.
    given : collection of str
        Conditions of the form that hold in every row of the table, such as ``${consent} = 'yes'`` in a
        table of interviews. What the form requires under no other condition may not be missing. With
        None any answer may be missing.
    extra : collection of str
        Columns that are no answers but may stand in the table.
    complete : bool
        Whether every question must have its column or columns; otherwise it may.

    Returns
    -------
    DataFrameSchema
        Types, codes, limits and patterns of the register. Questions that are split off for their class
        of personal data may not be there, nor any column that the register does not know.
    """
    columns = {
        name: _column(question, name, given, complete)
        for question in register.of_table(table)
        if question.personal_data not in SPLIT_OFF and question.base_type not in DEVICE_TYPES
        for name in _names(question)
    }
    known = {name: pa.Column(required=False, nullable=True) for name in (*SERVER_COLUMNS, *extra)}
    return pa.DataFrameSchema({**known, **columns}, strict=True)


def _names(question: Question) -> tuple[str, ...]:
    """Names of its columns; of a question with several choices that are not listed, a pattern of them."""
    if question.base_type == "select_multiple" and not question.codes:
        return (f"^{re.escape(question.name)}__.+$",)
    return question.columns


def _column(
    question: Question, name: str, given: Collection[str] | None, complete: bool
) -> pa.Column:
    asked = given is not None and set(question.conditions) <= set(given)
    pattern = name.startswith("^")
    return pa.Column(
        checks=list(_checks(question, name)),
        nullable=not (question.required and asked),
        required=complete and not pattern,
        regex=pattern,
    )


def _checks(question: Question, name: str) -> Iterator[pa.Check]:
    many = question.base_type == "select_multiple" and name != question.name
    is_kind, words = _kind(question, many=many)
    yield pa.Check(lambda column: is_kind(column.dtype), error=words)
    if many:
        return
    if question.limits is not None:
        low, high = question.limits
        if low is not None:
            yield pa.Check(lambda column: column >= low, error=f"{low:g} or more")
        if high is not None:
            yield pa.Check(lambda column: column <= high, error=f"{high:g} or less")
    if question.codes:
        known = list(question.codes)
        yield pa.Check(lambda column: column.isin(known), error="a code of the register")
    if question.pattern:
        pattern = question.pattern
        yield pa.Check(lambda column: column.str.fullmatch(pattern), error=f"like {pattern}")


def _kind(question: Question, *, many: bool) -> tuple[IsKind, str]:
    if many:
        return _YES_NO
    if question.base_type == "calculate" and question.limits is not None:
        return _KINDS["integer" if question.whole else "decimal"]
    return _KINDS.get(question.base_type, _TEXT)
