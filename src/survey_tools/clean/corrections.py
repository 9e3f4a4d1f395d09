"""Apply the documented corrections of `params/corrections.csv`; decides none itself.

A line is `okay` (the value was confirmed), `replace` (by `new_value`) or `drop` (the submission).
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, NoReturn

import pandas as pd

from survey_tools.errors import ContractError
from survey_tools.register import SPLIT_OFF, Register

ACTIONS = ("okay", "replace", "drop")
FILE = "params/corrections.csv"
MEMBER = re.compile(r"^(?P<variable>\w+)\[(?P<number>[1-9][0-9]*)\]$")
"""A correction of a household member names the line of the roster: `m_age[2]`."""


@dataclass(frozen=True)
class Correction:
    """One line of the file; `line` counts the header as line 1."""

    line: int
    row_id: int
    variable: str
    old_value: str
    action: str
    new_value: str

    @property
    def column(self) -> str:
        """Column that the correction is about."""
        found = MEMBER.match(self.variable)
        return found["variable"] if found else self.variable

    @property
    def member(self) -> int | None:
        """Line of the roster, or None for a question of the main form."""
        found = MEMBER.match(self.variable)
        return int(found["number"]) if found else None


@dataclass(frozen=True)
class Corrected:
    """Corrected frames, the `_id`s to drop, and how many lines were applied."""

    main: pd.DataFrame
    roster: pd.DataFrame | None
    dropped: frozenset[int]
    replaced: int


def read_corrections(table: pd.DataFrame | None, form: str) -> tuple[Correction, ...]:
    """Read the lines of one form.

    Parameters
    ----------
    table : DataFrame or None
        `params/corrections.csv` as text, in the order of the file.
    form : str
        `household`, `team_log` or `site`.

    Raises
    ------
    ContractError
        Names the line with an unknown action, no row id, no reason, or nothing to replace.
    """
    if table is None or table.empty:
        return ()
    rows = table.astype("str").fillna("").reset_index(drop=True)
    return tuple(_read(row, line) for line, row in enumerate(rows.to_dict("records"), start=2)
                 if row["form"].strip() == form)  # fmt: skip


def apply_corrections(
    main: pd.DataFrame,
    corrections: tuple[Correction, ...],
    register: Register,
    roster: pd.DataFrame | None = None,
) -> Corrected:
    """Apply corrections in the order of the file.

    Parameters
    ----------
    main, roster : DataFrame
        Typed rows; neither is changed. Members are found by `_id` and `roster_no`.
    corrections : tuple of Correction
    register : Register

    Raises
    ------
    ContractError
        Names the line whose submission or variable does not exist, whose old value is not what stands
        there (a blank means "missing"), whose new value does not fit the column, or that would put
        personal data into the file.
    """
    main = main.copy()
    roster = None if roster is None else roster.copy()
    dropped: set[int] = set()
    replaced = 0
    for item in corrections:
        frame = main if item.member is None else roster
        row = _find(item, frame)
        if item.action == "drop":
            dropped.add(item.row_id)
        if frame is None or (item.action == "drop" and not item.variable):
            continue
        _check_old_value(item, frame, row, register)
        if item.action == "replace":
            frame.loc[row, item.column] = _parse(item, frame[item.column].dtype)
            replaced += 1
    return Corrected(main=main, roster=roster, dropped=frozenset(dropped), replaced=replaced)


def _read(cells: dict[Hashable, str], line: int) -> Correction:
    row = {str(name): value.strip() for name, value in cells.items()}
    if row["action"] not in ACTIONS:
        _refuse(line, "The action of a correction is unknown.", " or ".join(ACTIONS), row["action"])
    if not row["row_id"].isdigit():
        _refuse(line, "A correction names no submission.", "row_id: the _id of a submission", None)
    if not row["variable"] and row["action"] != "drop":
        _refuse(line, "A correction names no variable.", "a column of the form", None)
    if not row["reason"]:
        _refuse(line, "A correction gives no reason.", "a reason", None)
    return Correction(
        line=line,
        row_id=int(row["row_id"]),
        variable=row["variable"],
        old_value=row["old_value"],
        action=row["action"],
        new_value=row["new_value"],
    )


def _find(item: Correction, frame: pd.DataFrame | None) -> int:
    if frame is not None:
        match = frame["_id"].eq(item.row_id)
        if item.member is not None:
            match &= frame["roster_no"].eq(item.member)
        if match.any():
            return int(frame.index[match][0])
    _refuse(item.line, "A correction names a row that is not there.", None, f"row {item.row_id}")


def _check_old_value(item: Correction, frame: pd.DataFrame, row: int, register: Register) -> None:
    if item.column not in frame:
        _refuse(item.line, "A correction names a variable that is not there.", None, item.variable)
    if item.column in register and register[item.column].personal_data in SPLIT_OFF:
        _refuse(item.line, "Personal data cannot be corrected in this file.",
                "a correction made on the server, or action drop", item.variable)  # fmt: skip
    if not _same(frame.at[row, item.column], item.old_value):
        _refuse(item.line, "The old value of a correction is not what stands there.",
                f"{item.variable} = {item.old_value or 'missing'}",
                f"another value in row {item.row_id}")  # fmt: skip


def _same(value: object, text: str) -> bool:
    if pd.isna(value):  # type: ignore[call-overload]
        return text == ""
    if isinstance(value, pd.Timestamp):
        day = pd.to_datetime(text, errors="coerce", utc=value.tzinfo is not None)
        return bool(day == value)
    if isinstance(value, bool) or str(value) in ("True", "False"):
        return str(value).lower() == text.lower()
    try:
        return str(value) == text or float(str(value)) == float(text)
    except ValueError:
        return False


def _parse(item: Correction, dtype: Any) -> Any:
    text = item.new_value
    if text == "":
        return pd.NA if pd.api.types.is_extension_array_dtype(dtype) else None
    try:
        if pd.api.types.is_bool_dtype(dtype):
            return {"true": True, "false": False}[text.lower()]
        if pd.api.types.is_integer_dtype(dtype):
            return int(text)
        if pd.api.types.is_float_dtype(dtype):
            return float(text)
        if pd.api.types.is_datetime64_any_dtype(dtype):
            return pd.to_datetime(text, utc=isinstance(dtype, pd.DatetimeTZDtype))
    except (KeyError, ValueError):
        _refuse(item.line, "The new value of a correction does not fit its column.",
                f"{item.variable}: {dtype}", None)  # fmt: skip
    return text


def _refuse(line: int, what: str, expected: str | None, found: str | None) -> NoReturn:
    raise ContractError(
        what,
        expected=expected,
        found=found,
        where=f"{FILE}, line {line}",
        next_step="correct that line, or take it out",
    )
