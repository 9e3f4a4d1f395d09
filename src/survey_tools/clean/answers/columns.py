"""Give each column its type and drop what the device adds; changes no answer and drops no row."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import NoReturn

import pandas as pd

from survey_tools.clean.answers.spelling import TOO_LARGE, read_days, read_numbers, read_times
from survey_tools.errors import ContractError
from survey_tools.register import DEVICE_TYPES, SERVER_COLUMNS, Question, Register
from survey_tools.register.question import NUMBERS

DEVICE_COLUMNS = ("deviceid", "username", "phonenumber", "subscriberid", "simserial", "audit")
"""Columns that say which device or account sent a row, where the register has no line for them."""

TIMES = ("start", "end", "dateTime", "datetime")
DAYS = ("date", "today")
TYPED = (*TIMES, *DAYS, *NUMBERS)

UNREADABLE = "answer_unreadable"
READ_NUMBER = (
    "A number was typed with separators or as text; it was read as Vietnamese habit has it."
)
NO_NUMBER = "What was typed is no number, or may be read in two ways; it counts as missing."
NO_DAY = "What was typed is no day of the form year-month-day; it counts as missing."
NO_TIME = "A time is unreadable or does not say its distance from UTC; it counts as missing."
FLAG_COLUMNS = ["check", "wave", "team_id", "enumerator_id", "row_id", "variable", "message"]


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
    frame = frame.rename(columns=_composed(frame.columns))
    kept = [c for c in frame.columns if _stays(c, register, keys)]
    _refuse_unknown(frame, {*kept, *keys, *DEVICE_COLUMNS}, register)
    columns, flags = {}, []
    for column in kept:
        read = _clean_column(frame[column], column, register)
        columns[column] = read.values
        flags += [
            flag_rows(frame, column, rows, message, keys=keys)
            for message, rows in read.flags.items()
        ]
    return Typed(pd.DataFrame(columns, index=frame.index), join_flags(flags))


@dataclass(frozen=True)
class Read:
    """A typed column, and the rows of each message."""

    values: pd.Series
    flags: dict[str, pd.Series] = field(default_factory=dict)


def read_text(values: pd.Series, kind: str) -> Read:
    """Read a column of text as the type of its question: a number, a day, a time, else text in NFC."""
    if kind in NUMBERS:
        numbers, marked, unread = read_numbers(values, whole=kind == "integer")
        whole = numbers.astype("Int64") if kind == "integer" else numbers
        return Read(whole, {READ_NUMBER: marked, NO_NUMBER: unread})
    if kind in DAYS:
        days, unread = read_days(values)
        return Read(days, {NO_DAY: unread})
    if kind in TIMES:
        times, unread = read_times(values)
        return Read(times, {NO_TIME: unread})
    return Read(_in_nfc(values))


def flag_rows(
    frame: pd.DataFrame,
    variable: str,
    rows: pd.Series,
    message: str,
    *,
    check: str = UNREADABLE,
    keys: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Lay out one flag a row; by its `keys` the variable of a member names its line, `m_age[2]`."""
    found = frame.loc[rows.to_numpy(dtype=bool)]
    where = {name: found[name] for name in ("wave", "team_id", "enumerator_id") if name in found}
    number: pd.Series | str = ""
    for place, key in enumerate(keys):
        number = number + ("/" if place else "[") + found[key].astype("str")
    number = number + "]" if keys else ""
    return pd.DataFrame(
        {"check": check, **where, "row_id": found["_id"], "variable": variable + number,
         "message": message},
        columns=FLAG_COLUMNS,
    )  # fmt: skip


def join_flags(flags: list[pd.DataFrame]) -> pd.DataFrame:
    """Join flags into one frame with the types of the contract `flags`, possibly without rows."""
    joined = pd.concat([pd.DataFrame(columns=FLAG_COLUMNS), *flags], ignore_index=True)
    text = dict.fromkeys([c for c in FLAG_COLUMNS if c != "row_id"], "str")
    return joined[FLAG_COLUMNS].astype({**text, "row_id": "Int64"})


def duration_minutes(frame: pd.DataFrame) -> pd.Series:
    """Return minutes between `start` and `end`; missing where either is, or where end is earlier."""
    minutes = (frame["end"] - frame["start"]).dt.total_seconds() / 60
    return minutes.where(minutes >= 0).astype("float64").rename("duration_min")


def _composed(columns: pd.Index) -> dict[str, str]:
    """Names in Unicode NFC, where that makes no two columns one."""
    names = {c: unicodedata.normalize("NFC", c) for c in columns}
    taken = list(names.values())
    return {old: new for old, new in names.items() if old != new and taken.count(new) == 1}


def _stays(column: str, register: Register, keys: tuple[str, ...]) -> bool:
    if column in SERVER_COLUMNS or column in keys:
        return True
    question = register.of_column(column)
    return question is not None and question.base_type not in DEVICE_TYPES


def _refuse_unknown(frame: pd.DataFrame, known: set[str], register: Register) -> None:
    others = [c for c in frame.columns if c not in known and not c.startswith(("_", "meta/"))]
    unknown = sorted(c for c in others if register.of_column(c) is None)
    if unknown:
        raise ContractError(
            "The form has questions that the register does not know.",
            expected="a line of the register for every question, with its class of personal data",
            found=", ".join(unknown[:8]) + (" …" if len(unknown) > 8 else ""),
            where="params/register/",
            next_step="add a line a question to the register of this form; if they are another form's, "
            "its rows came in among these",
        )


def _clean_column(values: pd.Series, column: str, register: Register) -> Read:
    question = register.questions.get(column)
    if question is not None and question.base_type == "calculate" and question.limits:
        return Read(_calculated(values, column, question))
    kind = _kind(column, question)
    if isinstance(values.dtype, pd.CategoricalDtype) and kind not in TYPED:
        return Read(_in_nfc(values))
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype("str")
    if kind in TIMES and pd.api.types.is_datetime64_any_dtype(values.dtype):
        return Read(values) if getattr(values.dtype, "tz", None) else _refuse_naive(column)
    if not (pd.api.types.is_string_dtype(values.dtype) or values.dtype == object):
        return Read(values)
    return read_text(values, kind)


def _kind(column: str, question: Question | None) -> str:
    """Type of a column; a tick of a select-multiple or a part of a position has no type of its own."""
    if column == "_submission_time":
        return "start"
    return question.base_type if question else ""


def _in_nfc(values: pd.Series) -> pd.Series:
    """Text in Unicode NFC; each distinct text is looked at once."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, seen = values.cat.codes.to_numpy(), values.cat.categories.astype("str")
    else:
        codes, seen = pd.factorize(values.astype("str"), use_na_sentinel=True)
    texts = pd.array([*pd.Series(seen, dtype="str").str.normalize("NFC"), None], dtype="str")
    return pd.Series(texts.take(codes), index=values.index, name=values.name)


def _refuse_naive(column: str) -> NoReturn:
    raise ContractError(
        "Times without their distance from UTC cannot be compared.",
        expected=f"«{column}» in UTC, as a pull gives it",
        where=f"column «{column}»",
        next_step="read the rows with Store.tables(), or say in which time zone they were written",
    )


def _calculated(values: pd.Series, column: str, question: Question) -> pd.Series:
    """Read what a calculation gave as the number that the register says it is; each text once."""
    codes, seen = pd.factorize(values.astype("str"), use_na_sentinel=True)
    said = pd.Series(seen, dtype="str")
    said = said.mask(said.isin(["", "NaN"]))
    numbers = pd.to_numeric(said, errors="coerce").astype("Float64")
    wrong = numbers.isna() & said.notna()
    if question.whole:
        uneven = (numbers % 1).ne(0) | (numbers.abs() >= TOO_LARGE)
        wrong |= uneven.fillna(False).astype(bool)
    if wrong.any():
        rows = int(pd.Series(codes).isin(wrong.index[wrong]).sum())
        raise ContractError(
            "A calculated field that must hold numbers does not.",
            expected=f"{'whole ' if question.whole else ''}numbers in «{column}»",
            found=f"{rows} row(s) with something else",
            where=f"column «{column}»",
            next_step="look at the calculation of that field in the form version of those rows, and at its "
            "limits in the register: without them it is text, 0.0..1.0 holds decimals",
        )
    whole = numbers.astype("Int64") if question.whole else numbers
    return pd.Series(whole.array.take(codes, allow_fill=True), index=values.index)
