"""Apply documented corrections to typed rows and log each line; decides none itself.

A line is `okay` (the value was confirmed), `replace` (by `new_value`) or `drop` (the submission).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NoReturn

import pandas as pd

from survey_tools import contracts
from survey_tools.clean.corrections.read import (
    FILE,
    PRIVATE_FILE,
    Correction,
    read_corrections,
    refuse,
    shown,
)
from survey_tools.clean.corrections.values import UnfitError, read_value, stands
from survey_tools.errors import ContractError
from survey_tools.register import SPLIT_OFF, Question, Register

LOG_COLUMNS = ["file", "line", "form", "row_id", "wave", "variable", "action", "old_value",
               "new_value", "decided_on", "status"]  # fmt: skip
STATUS = {"okay": "confirmed", "replace": "replaced", "drop": "row dropped"}
ROW_GONE = "; another line drops the row"
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
    cells = _Cells(main), None if roster is None else _Cells(roster, "roster_no")
    places = _places(corrections, *cells)
    dropped: set[int] = set()
    for item, (row, submission) in zip(corrections, places, strict=True):
        _check_wave(item, cells[0], submission)
        if item.action == "drop":
            dropped.add(item.row_id)
            if not item.variable:
                continue
        table = cells[0] if item.member is None else cells[1]
        assert table is not None  # noqa: S101 - its row was found
        question = _question(item, table, register)
        _check_old_value(item, table.value(row, item.column), question)
        if item.action == "replace":
            _check_other(item, table.value(row, item.column))
            table.put(row, item.column, _new_value(item, table.dtype(item.column), question))
    log = pd.DataFrame(
        [_logged(item, register, dropped) for item in corrections], columns=LOG_COLUMNS
    )
    return Corrected(
        main=cells[0].frame(),
        roster=None if cells[1] is None else cells[1].frame(),
        dropped=frozenset(dropped),
        log=_typed_log(log),
    )


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
        _logged(line, None, set()) | {"status": NOT_CLEANED}
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


class _Cells:
    """A frame whose cells are read and replaced one by one, and written column by column at the end.

    Parameters
    ----------
    frame : DataFrame
        Never changed.
    number : str, optional
        Column that tells the rows of one submission apart.
    """

    def __init__(self, frame: pd.DataFrame, number: str | None = None) -> None:
        self._frame = frame.reset_index(drop=True)
        keys = ["_id"] if number is None else ["_id", number]
        self._rows = pd.MultiIndex.from_frame(self._frame[keys]) if number else None
        self._index = pd.Index(self._frame["_id"])
        self._new: dict[str, dict[int, Any]] = {}

    def rows(self, keys: list[Any]) -> list[int]:
        """Return the places of rows, -1 for those that are not there."""
        if not keys:
            return []
        found = self._index if self._rows is None else self._rows
        return [int(place) for place in found.get_indexer(pd.Index(keys))]

    def __contains__(self, column: str) -> bool:
        return column in self._frame

    def dtype(self, column: str) -> Any:
        return self._frame[column].dtype

    def value(self, row: int, column: str) -> Any:
        """Return what stands in a cell as the corrections so far have left it."""
        new = self._new.get(column, {})
        return new[row] if row in new else self._frame.at[row, column]

    def put(self, row: int, column: str, value: Any) -> None:
        self._new.setdefault(column, {})[row] = value

    def frame(self) -> pd.DataFrame:
        """Return the frame with all that was put."""
        columns = {}
        for column, new in self._new.items():
            columns[column] = self._frame[column].copy()
            dtype = columns[column].dtype
            columns[column].iloc[list(new)] = pd.Series(list(new.values()), dtype=dtype).array
        return self._frame.assign(**columns)


def _places(
    corrections: tuple[Correction, ...], main: _Cells, members: _Cells | None
) -> list[tuple[int, int]]:
    """Return for each line the place of its row, and of its submission.

    Raises
    ------
    ContractError
        Names the first line whose row is not there.
    """
    submissions = main.rows([item.row_id for item in corrections])
    wanted = [(item.row_id, item.member) for item in corrections if item.member is not None]
    found = iter(members.rows(wanted) if members is not None else [-1] * len(wanted))
    places = []
    for item, submission in zip(corrections, submissions, strict=True):
        row = submission if item.member is None else next(found)
        if row < 0 or submission < 0:
            _no_row(item)
        places.append((row, submission))
    return places


def _no_row(item: Correction) -> NoReturn:
    refuse(item.where, "A correction names a row that is not there.", None, f"row {item.row_id}")


def _check_wave(item: Correction, main: _Cells, row: int) -> None:
    """Compare with the wave as the corrections so far have left it."""
    wave = main.value(row, "wave") if "wave" in main else None
    stands_there = "" if pd.isna(wave) else str(wave)
    if stands_there != item.wave:
        expected = f"wave {stands_there}" if stands_there else "a blank wave"
        found = shown(item.wave) if item.wave else "blank"
        refuse(item.where, "A correction names another wave than its row.", expected, found)


def _question(item: Correction, table: _Cells, register: Register) -> Question:
    """Return the question of a line, one that may be corrected in its file."""
    question = register.of_column(item.column) if item.column in table else None
    if question is None:
        refuse(item.where, "A correction names a variable that is not there.", None,
               shown(item.variable))  # fmt: skip
    if question.personal_data in SPLIT_OFF:
        refuse(item.where, "Personal data cannot be corrected in this file.",
               "a correction made on the server, or action drop", item.variable)  # fmt: skip
    if question.personal_data == "pseudonym" and item.file != PRIVATE_FILE:
        refuse(item.where, "A household code is personal data and cannot be corrected in this file.",
               f"the same line in {PRIVATE_FILE}", item.variable)  # fmt: skip
    return question


def _check_old_value(item: Correction, value: Any, question: Question) -> None:
    if not stands(value, item.old_value):
        old = item.old_value or "missing"
        expected = f"{item.variable} = {old}" if question.personal_data == "none" else item.variable
        refuse(item.where, "The old value of a correction is not what stands there.", expected,
               f"another value in row {item.row_id}")  # fmt: skip


def _check_other(item: Correction, value: Any) -> None:
    if stands(value, item.new_value):
        refuse(item.where, "A correction replaces a value by itself.",
               "another new value, or okay", None)  # fmt: skip


def _new_value(item: Correction, dtype: Any, question: Question) -> Any:
    try:
        return read_value(item.new_value, dtype, question)
    except UnfitError as unfit:
        refuse(item.where, "The new value of a correction is none that its question can have.",
               f"{item.variable}: {unfit}", None)  # fmt: skip


def _logged(
    item: Correction, register: Register | None, dropped: Collection[int]
) -> dict[str, object]:
    question = register.of_column(item.column) if register is not None else None
    harmless = question is not None and question.personal_data == "none"
    gone = item.action != "drop" and item.row_id in dropped
    return {
        "file": item.file,
        "line": item.line,
        "form": item.form,
        "row_id": item.row_id,
        "wave": item.wave or None,
        "variable": item.variable or None,
        "action": item.action,
        "old_value": (item.old_value or None) if harmless else None,
        "new_value": (item.new_value or None) if harmless else None,
        "decided_on": item.decided_on,
        "status": STATUS[item.action] + (ROW_GONE if gone else ""),
    }


def _typed_log(log: pd.DataFrame) -> pd.DataFrame:
    text = dict.fromkeys([c for c in LOG_COLUMNS if c not in ("line", "row_id")], "str")
    return log.astype({**text, "line": "int64", "row_id": "int64"})
