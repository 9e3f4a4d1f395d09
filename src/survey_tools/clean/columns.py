"""Give each column its type and drop what the device adds; changes no answer and drops no row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

import pandas as pd

from survey_tools.clean.spelling import read_days, read_numbers, read_times
from survey_tools.errors import ContractError
from survey_tools.register import Register

DEVICE_COLUMNS = ("deviceid", "username", "phonenumber", "subscriberid", "simserial", "audit")
"""Columns that say which device or account sent a row."""

SERVER_COLUMNS = ("_id", "_uuid", "_submission_time", "__version__", "_validation_status")
"""Columns of the server that stay."""

WHOLE_CALCULATES = ("n_adults", "n_smart", "kish_k", "resp_age", "m_no", "m_adult", "m_smart")
DECIMAL_CALCULATES = ("kish_rand",)
"""Calculated fields arrive as text; these hold numbers."""

TIMES = ("start", "end", "datetime")
DAYS = ("date", "today")
TYPED = (*TIMES, *DAYS, "integer", "decimal", "range")

UNREADABLE = "answer_unreadable"
READ_NUMBER = (
    "A number was typed with separators or as text; it was read as Vietnamese habit has it."
)
NO_NUMBER = "What was typed is no number, or may be read in two ways; it counts as missing."
NO_DAY = "What was typed is no day of the form year-month-day; it counts as missing."
NO_TIME = "A time is unreadable or does not say its distance from UTC; it counts as missing."
FLAG_COLUMNS = ["check", "wave", "team_id", "enumerator_id", "row_id", "variable", "message"]

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


@dataclass(frozen=True)
class Typed:
    """Typed rows, and one flag an answer that could not be read as it stood (contract `flags`)."""

    frame: pd.DataFrame
    problems: pd.DataFrame


def typed(frame: pd.DataFrame, register: Register, *, keys: tuple[str, ...] = ()) -> Typed:
    """Build a frame of the columns that the register knows, each with its type.

    Codes and text become `str` in Unicode NFC. What the register calls a number, a day or a time and is
    text all the same is read: numbers with Vietnamese separators, days as year-month-day, times with
    their distance from UTC. What cannot be read becomes missing and is flagged; what had to be read is
    flagged too. Columns of the device and the sender are left out.

    Parameters
    ----------
    frame : DataFrame
        One row a submission or a member; needs `_id`.
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
    columns, flags = {}, []
    for column in kept:
        read = _clean_column(frame[column], column, register)
        columns[column] = read.values
        flags += [_flag(frame, column, rows, message) for message, rows in read.flags.items()]
    return Typed(pd.DataFrame(columns, index=frame.index), join_flags(flags))


def join_flags(flags: list[pd.DataFrame]) -> pd.DataFrame:
    """Join flags into one frame with the types of the contract `flags`, possibly without rows."""
    joined = pd.concat([pd.DataFrame(columns=FLAG_COLUMNS), *flags], ignore_index=True)
    text = dict.fromkeys([c for c in FLAG_COLUMNS if c != "row_id"], "str")
    return joined[FLAG_COLUMNS].astype({**text, "row_id": "Int64"})


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
            next_step="add a line a question to the register of this form; if they are another form's, "
            "its rows came in among these",
        )


@dataclass(frozen=True)
class _Read:
    """A typed column, and the rows of each message."""

    values: pd.Series
    flags: dict[str, pd.Series] = field(default_factory=dict)


def _clean_column(values: pd.Series, column: str, register: Register) -> _Read:
    name = column.rsplit("/", 1)[-1]
    if name in WHOLE_CALCULATES:
        return _Read(_calculated(values, column).astype("Int64"))
    if name in DECIMAL_CALCULATES:
        return _Read(_calculated(values, column).astype("Float64"))
    kind = _kind(name, register)
    if isinstance(values.dtype, pd.CategoricalDtype) and kind not in TYPED:
        return _Read(_in_nfc(values))
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype("str")
    if kind in TIMES and pd.api.types.is_datetime64_any_dtype(values.dtype):
        return _Read(values) if getattr(values.dtype, "tz", None) else _refuse_naive(column)
    if not (pd.api.types.is_string_dtype(values.dtype) or values.dtype == object):
        return _Read(values)
    if kind in ("integer", "decimal", "range"):
        numbers, marked, unread = read_numbers(values, whole=kind == "integer")
        whole = numbers.astype("Int64") if kind == "integer" else numbers
        return _Read(whole, {READ_NUMBER: marked, NO_NUMBER: unread})
    if kind in DAYS:
        days, unread = read_days(values)
        return _Read(days, {NO_DAY: unread})
    if kind in TIMES:
        times, unread = read_times(values)
        return _Read(times, {NO_TIME: unread})
    return _Read(_in_nfc(values))


def _kind(name: str, register: Register) -> str:
    """Type of a column; a tick of a select-multiple or a part of a position has no type of its own."""
    if name == "_submission_time":
        return "start"
    return register[name].base_type if name in register else ""


def _in_nfc(values: pd.Series) -> pd.Series:
    """Text in Unicode NFC; each distinct text is looked at once."""
    codes, seen = pd.factorize(values.astype("str"), use_na_sentinel=True)
    texts = pd.array([*pd.Series(seen, dtype="str").str.normalize("NFC"), None], dtype="str")
    return pd.Series(texts.take(codes), index=values.index, name=values.name)


def _flag(frame: pd.DataFrame, column: str, rows: pd.Series, message: str) -> pd.DataFrame:
    found = frame.loc[rows.to_numpy(dtype=bool)]
    where = {name: found[name] for name in ("wave", "team_id", "enumerator_id") if name in found}
    return pd.DataFrame(
        {"check": UNREADABLE, **where, "row_id": found["_id"], "variable": column,
         "message": message},
        columns=FLAG_COLUMNS,
    )  # fmt: skip


def _refuse_naive(column: str) -> NoReturn:
    raise ContractError(
        "Times without their distance from UTC cannot be compared.",
        expected=f"«{column}» in UTC, as a pull gives it",
        where=f"column «{column}»",
        next_step="read the rows with Store.tables(), or say in which time zone they were written",
    )


def _calculated(values: pd.Series, column: str) -> pd.Series:
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
