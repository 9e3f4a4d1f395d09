"""Apply documented corrections to typed rows and log each line; decides none itself.

A line is `okay` (the value was confirmed), `replace` (by `new_value`) or `drop` (the submission).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import pandas as pd

from survey_tools import contracts
from survey_tools.clean.columns import question_of
from survey_tools.clean.corrections import FILE, PRIVATE_FILE, Correction, read_corrections, refuse
from survey_tools.errors import ContractError
from survey_tools.register import SPLIT_OFF, Register

LOG_COLUMNS = ["file", "line", "form", "row_id", "wave", "variable", "action", "old_value",
               "new_value", "decided_on", "status"]  # fmt: skip
STATUS = {"okay": "confirmed", "replace": "replaced", "drop": "row dropped"}
NOT_CLEANED = "not used: its form was not cleaned"


@dataclass(frozen=True)
class Corrected:
    """Corrected frames, the `_id`s to drop, and the log: one row a line (contract `corrections_log`)."""

    main: pd.DataFrame
    roster: pd.DataFrame | None
    dropped: frozenset[int]
    log: pd.DataFrame

    @property
    def replaced(self) -> int:
        """How many values were replaced."""
        return int(self.log["action"].eq("replace").sum())


def apply_corrections(
    main: pd.DataFrame,
    corrections: tuple[Correction, ...],
    register: Register,
    roster: pd.DataFrame | None = None,
) -> Corrected:
    """Apply corrections in the order given.

    Parameters
    ----------
    main, roster : DataFrame
        Typed rows; neither is changed. Members are found by `_id` and `roster_no`.
    corrections : tuple of Correction
    register : Register

    Raises
    ------
    ContractError
        Names the line whose submission or variable does not exist, whose wave is not the row's, whose
        old value is not what stands there (a blank means "missing"), whose new value does not fit the
        column, or that would put personal data into the file.
    """
    main = main.reset_index(drop=True)
    roster = None if roster is None else roster.reset_index(drop=True)
    rows = _Rows(main, roster) if corrections else None
    dropped: set[int] = set()
    for item in corrections:
        assert rows is not None  # noqa: S101 - there are corrections
        row = rows.find(item)
        _check_wave(item, main, rows.of_submission(item))
        if item.action == "drop":
            dropped.add(item.row_id)
        frame = main if item.member is None else roster
        if frame is None or (item.action == "drop" and not item.variable):
            continue
        _check_variable(item, frame, register)
        _check_old_value(item, frame, row)
        if item.action == "replace":
            frame.loc[row, item.column] = _parse(item, frame[item.column].dtype)
    log = pd.DataFrame([_logged(item, register) for item in corrections], columns=LOG_COLUMNS)
    return Corrected(main=main, roster=roster, dropped=frozenset(dropped), log=_typed_log(log))


def corrections_log(corrections: pd.DataFrame | None, *logs: pd.DataFrame) -> pd.DataFrame:
    """Join the logs of all forms into one, in the order of the files, and account for every line.

    Parameters
    ----------
    corrections : DataFrame or None
        All lines, as `gather_corrections` returns them.
    *logs : DataFrame
        `corrections` of the cleaned forms. A line that none of them holds is listed as not used.

    Returns
    -------
    DataFrame
        Contract `corrections_log`; values stand in it only where the question is no personal data.
    """
    lines = tuple(
        line for form in ("household", "team_log", "site")
        for line in read_corrections(corrections, form)
    )  # fmt: skip
    log = pd.concat([_typed_log(pd.DataFrame(columns=LOG_COLUMNS)), *logs], ignore_index=True)
    used = set(zip(log["file"], log["line"], strict=True))
    unused = [
        _logged(line, None) | {"status": NOT_CLEANED}
        for line in lines
        if (line.file, line.line) not in used
    ]
    log = pd.concat([log, _typed_log(pd.DataFrame(unused, columns=LOG_COLUMNS))])
    log = log.sort_values(["file", "line"], ascending=[False, True], ignore_index=True)
    if len(log) != len(lines):
        raise ContractError(
            "The log of corrections does not hold every line once.",
            expected=f"{len(lines)} line(s)",
            found=f"{len(log)}",
            where=f"{FILE}, {PRIVATE_FILE}",
            next_step="give the log of each form once, made from the same files",
        )
    return contracts.validate(log, "corrections_log")


class _Rows:
    """Where a submission or a member stands in the frames."""

    def __init__(self, main: pd.DataFrame, roster: pd.DataFrame | None) -> None:
        self._main = pd.Index(main["_id"])
        self._members = (
            None if roster is None else pd.MultiIndex.from_frame(roster[["_id", "roster_no"]])
        )

    def find(self, item: Correction) -> int:
        if item.member is None:
            return self.of_submission(item)
        found = -1
        if self._members is not None:
            wanted = pd.MultiIndex.from_tuples([(item.row_id, item.member)])
            found = int(self._members.get_indexer(wanted)[0])
        return found if found >= 0 else _no_row(item)

    def of_submission(self, item: Correction) -> int:
        found = int(self._main.get_indexer([item.row_id])[0])
        return found if found >= 0 else _no_row(item)


def _no_row(item: Correction) -> NoReturn:
    refuse(item.where, "A correction names a row that is not there.", None, f"row {item.row_id}")


def _check_wave(item: Correction, main: pd.DataFrame, row: int) -> None:
    """Compare with the wave as the corrections so far have left it."""
    wave: Any = main.at[row, "wave"] if "wave" in main else None
    stands = "" if pd.isna(wave) else str(wave)
    if stands != item.wave:
        refuse(item.where, "A correction names another wave than its row.",
               f"wave {stands}" if stands else "a blank wave", item.wave or "blank")  # fmt: skip


def _check_variable(item: Correction, frame: pd.DataFrame, register: Register) -> None:
    known = item.column in frame and (
        item.column in register or question_of(item.column) in register
    )
    if not known or item.column.startswith("_"):
        refuse(item.where, "A correction names a variable that is not there.", None, item.variable)
    personal = _class_of(item, register)
    if personal in SPLIT_OFF:
        refuse(item.where, "Personal data cannot be corrected in this file.",
               "a correction made on the server, or action drop", item.variable)  # fmt: skip
    if personal == "pseudonym" and item.file != PRIVATE_FILE:
        refuse(item.where, "A household code is personal data and cannot be corrected in this file.",
               f"the same line in {PRIVATE_FILE}", item.variable)  # fmt: skip


def _check_old_value(item: Correction, frame: pd.DataFrame, row: int) -> None:
    if not _same(frame.at[row, item.column], item.old_value):
        refuse(item.where, "The old value of a correction is not what stands there.",
               f"{item.variable} = {item.old_value or 'missing'}",
               f"another value in row {item.row_id}")  # fmt: skip


def _class_of(item: Correction, register: Register) -> str:
    for name in (item.column, question_of(item.column)):
        if name in register:
            return register[name].personal_data
    return "none"


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
        refuse(item.where, "The new value of a correction does not fit its column.",
               f"{item.variable}: {dtype}", None)  # fmt: skip
    return text


def _logged(item: Correction, register: Register | None) -> dict[str, object]:
    shown = register is not None and bool(item.variable) and _class_of(item, register) == "none"
    return {
        "file": item.file,
        "line": item.line,
        "form": item.form,
        "row_id": item.row_id,
        "wave": item.wave or None,
        "variable": item.variable or None,
        "action": item.action,
        "old_value": (item.old_value or None) if shown else None,
        "new_value": (item.new_value or None) if shown else None,
        "decided_on": item.decided_on,
        "status": STATUS[item.action],
    }


def _typed_log(log: pd.DataFrame) -> pd.DataFrame:
    text = dict.fromkeys([c for c in LOG_COLUMNS if c not in ("line", "row_id")], "str")
    return log.astype({**text, "line": "int64", "row_id": "int64"})
