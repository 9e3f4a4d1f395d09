"""Give each column its type and drop what the device adds; changes no answer and drops no row."""

from __future__ import annotations

import pandas as pd

from survey_tools.errors import ContractError
from survey_tools.register import Register

DEVICE_COLUMNS = ("deviceid", "username", "phonenumber", "subscriberid", "simserial", "audit")
"""Columns that say which device or account sent a row."""

SERVER_COLUMNS = ("_id", "_uuid", "_submission_time", "__version__", "_validation_status")
"""Columns of the server that stay."""

WHOLE_CALCULATES = ("n_adults", "n_smart", "kish_k", "resp_age", "m_no", "m_adult", "m_smart")
DECIMAL_CALCULATES = ("kish_rand",)
"""Calculated fields arrive as text; these hold numbers."""

GEOPOINT_PARTS = ("_lat", "_lon", "_alt", "_acc")


def question_of(column: str) -> str:
    """Name the question that a column comes from.

    >>> question_of("channels__tv"), question_of("gps_lat"), question_of("resp_age")
    ('channels', 'gps', 'resp_age')
    """
    name = column.rsplit("/", 1)[-1]
    if "__" in name.strip("_"):
        name = name.split("__", 1)[0]
    for part in GEOPOINT_PARTS:
        if name.endswith(part):
            return name.removesuffix(part)
    return name


def typed(frame: pd.DataFrame, register: Register, *, keys: tuple[str, ...] = ()) -> pd.DataFrame:
    """Build a frame of the columns that the register knows, each with its type.

    Codes and text become `str` in Unicode NFC; calculated counts become numbers; numbers, nullable
    booleans, dates and times stay as they are. Columns of the device and the sender are left out.

    Parameters
    ----------
    frame : DataFrame
        One row a submission or a member.
    register : Register
        Register of the form.
    keys : tuple of str
        Columns that are no questions but stay, such as `roster_no`.

    Raises
    ------
    ContractError
        When a column belongs to no question of the register: its class of personal data is unknown,
        so it cannot be let through. Also when a calculated count is not a number.
    """
    kept = [c for c in frame.columns if _stays(c, register, keys)]
    _refuse_unknown(frame, kept, keys)
    return pd.DataFrame({column: _clean_column(frame[column], column) for column in kept})


def duration_minutes(frame: pd.DataFrame) -> pd.Series:
    """Return minutes between `start` and `end`; missing where either is, or where end is earlier."""
    minutes = (frame["end"] - frame["start"]).dt.total_seconds() / 60
    return minutes.where(minutes >= 0).astype("float64").rename("duration_min")


def _stays(column: str, register: Register, keys: tuple[str, ...]) -> bool:
    if column in SERVER_COLUMNS or column in keys:
        return True
    if column.startswith("_") or column in DEVICE_COLUMNS or column.startswith("meta/"):
        return False
    return column in register or question_of(column) in register


def _refuse_unknown(frame: pd.DataFrame, kept: list[str], keys: tuple[str, ...]) -> None:
    known = {*kept, *keys, *DEVICE_COLUMNS}
    unknown = sorted(
        {c for c in frame.columns if c not in known and not c.startswith(("_", "meta/"))}
    )
    if unknown:
        raise ContractError(
            "The form has questions that the register does not know.",
            expected="a line of the register for every question, with its class of personal data",
            found=", ".join(unknown[:8]) + (" …" if len(unknown) > 8 else ""),
            where="params/register/",
            next_step="add a line a question to the register of this form",
        )


def _clean_column(values: pd.Series, column: str) -> pd.Series:
    name = column.rsplit("/", 1)[-1]
    if name in WHOLE_CALCULATES:
        return _numbers(values, column).astype("Int64")
    if name in DECIMAL_CALCULATES:
        return _numbers(values, column).astype("Float64")
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.astype("str")
    if pd.api.types.is_string_dtype(values.dtype) or values.dtype == object:
        return values.astype("str").str.normalize("NFC")
    return values


def _numbers(values: pd.Series, column: str) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values
    text = values.astype("str")
    text = text.mask(text.isin(["", "NaN"]))
    numbers = pd.to_numeric(text, errors="coerce")
    wrong = int((numbers.isna() & text.notna()).sum())
    if wrong:
        raise ContractError(
            "A calculated field that must hold numbers does not.",
            expected=f"numbers in «{column}»",
            found=f"{wrong} row(s) with text",
            where=f"column «{column}»",
            next_step="look at the calculation of that field in the form version of those rows",
        )
    return numbers
