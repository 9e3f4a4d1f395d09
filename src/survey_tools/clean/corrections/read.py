"""Read the documented corrections and hold each line against what a correction may say.

Applies none (`apply`) and decides none. Lines stand in `params/corrections.csv`; those that
need a household code stand in `data/private/corrections.csv`, which never enters git.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from typing import NoReturn
from unicodedata import normalize

import pandas as pd

from survey_tools.clean.csv_by_hand import AS_TEXT, is_day, read_sheet
from survey_tools.clean.personal_data.text import KINDS, kinds_in
from survey_tools.errors import ContractError
from survey_tools.params import Workspace

ACTIONS = ("okay", "replace", "drop")
FORMS = ("household", "team_log", "site")
FILE = "params/corrections.csv"
PRIVATE_FILE = "data/private/corrections.csv"
COLUMNS = ("form", "row_id", "wave", "variable", "old_value", "action", "new_value", "reason",
           "decided_by", "decided_on")  # fmt: skip
MEMBER = re.compile(r"^(?P<variable>\w+)\[(?P<number>[1-9][0-9]*)\]$")
"""A correction of a household member names the line of the roster: `m_age[2]`."""

STAFF_CODE = re.compile(r"[A-Z]{1,4}[0-9]{0,4}")
ROW = re.compile(r"[0-9]{1,18}")
WORD = re.compile(r"[a-z_]\w{0,60}(\[\d+\])?")
"""What may be shown of a cell: where columns were shifted, anything may stand in it."""


@dataclass(frozen=True)
class Correction:
    """One line; `line` counts the header of its file as line 1, `wave` is blank where the row has none."""

    file: str
    line: int
    form: str
    row_id: int
    wave: str
    variable: str
    old_value: str
    action: str
    new_value: str
    decided_on: str

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

    @property
    def where(self) -> str:
        """Place of the line, for errors."""
        return f"{self.file}, line {self.line}"


def gather_corrections(ws: Workspace) -> pd.DataFrame:
    """Read both files of corrections, those of `data/private/` if there are any.

    Returns
    -------
    DataFrame
        All columns as text, and `file` and `line`, by which an error names a line.
    """
    public, private = ws.file("corrections"), ws.root / PRIVATE_FILE
    if not public.is_file():
        ws.table("corrections")  # says what is missing
    there = {FILE: public} | ({PRIVATE_FILE: private} if private.is_file() else {})
    tables = [read_sheet(path, file).assign(file=file) for file, path in there.items()]
    for table, file in zip(tables, there, strict=True):
        _require_columns(table, file)
    return pd.concat(tables, ignore_index=True).astype({"file": "str"})


def read_corrections(
    table: pd.DataFrame | None, form: str, *, today: date | None = None
) -> tuple[Correction, ...]:
    """Read the lines of one form; lines of the other forms are checked too.

    Parameters
    ----------
    table : DataFrame or None
        From `gather_corrections`, or one file as text in the order of the file.
    form : str
        `household`, `team_log` or `site`.
    today : date, optional
        A decision later than this day is refused; the computer's day if none is given.

    Raises
    ------
    ContractError
        Names the line with an unknown form or action, no row id, no reason, nobody who decided, a date
        that is no date or still to come, nothing to replace, or words that may identify a person.
    """
    if table is None or table.empty:
        return ()
    _require_columns(table, FILE)
    rows = _placed(table, FILE).fillna("").to_dict("records")
    lines = tuple(_read(row, today or date.today()) for row in rows)
    _refuse_twice(lines)
    return tuple(line for line in lines if line.form == form)


def refuse(
    where: str,
    what: str,
    expected: str | None,
    found: str | None,
    next_step: str = "correct that line, or take it out",
) -> NoReturn:
    """Raise the error of one line."""
    raise ContractError(
        what,
        expected=expected,
        found=found,
        where=where,
        next_step=next_step,
    )


def shown(text: str) -> str | None:
    """Return a cell that an error may show: one word, as names of forms and questions are."""
    return text if WORD.fullmatch(text) else None


def _require_columns(table: pd.DataFrame, file: str) -> None:
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise ContractError(
            "The file of corrections lacks columns.",
            expected=", ".join(missing),
            where=f"{file}, line 1",
            next_step="add the columns; leave them blank where they say nothing",
        )


def _refuse_twice(lines: tuple[Correction, ...]) -> None:
    """Refuse a line that says what an earlier one has said."""
    seen: dict[tuple[object, ...], Correction] = {}
    for line in lines:
        says = (line.form, line.row_id, line.variable, line.old_value, line.action, line.new_value)
        if says in seen:
            refuse(line.where, "A correction stands twice.", "one line for it", seen[says].where)
        seen[says] = line


def _placed(table: pd.DataFrame, file: str) -> pd.DataFrame:
    rows = table.reset_index(drop=True)
    if "line" in rows:
        return rows
    return rows.assign(
        file=pd.Series(file, index=rows.index, dtype="str"), line=rows.index.to_numpy() + 2
    )


def _read(cells: dict[Hashable, object], today: date) -> Correction:
    row = {str(name): normalize("NFC", str(value)).strip() for name, value in cells.items()}
    where = f"{row['file']}, line {row['line']}"
    if row["form"] not in FORMS:
        refuse(where, "A correction is of no known form.", " or ".join(FORMS), shown(row["form"]))
    if row["action"] not in ACTIONS:
        refuse(where, "The action of a correction is unknown.", " or ".join(ACTIONS),
               shown(row["action"]))  # fmt: skip
    if not ROW.fullmatch(row["row_id"]):
        refuse(where, "A correction names no submission.", "row_id: the _id of a submission", None)
    if not row["variable"] and row["action"] != "drop":
        refuse(where, "A correction names no variable.", "a column of the form", None)
    if row["action"] != "replace" and row["new_value"]:
        refuse(where, "Only a replacement has a new value.", "action replace", row["action"])
    _check_decision(row, where, today)
    _check_personal(row, where)
    return Correction(
        file=row["file"],
        line=int(row["line"]),
        form=row["form"],
        row_id=int(row["row_id"]),
        wave=row["wave"],
        variable=row["variable"],
        old_value=row["old_value"],
        action=row["action"],
        new_value=row["new_value"],
        decided_on=row["decided_on"],
    )


def _check_decision(row: dict[str, str], where: str, today: date) -> None:
    if not row["reason"]:
        refuse(where, "A correction gives no reason.", "a reason", None)
    if not STAFF_CODE.fullmatch(row["decided_by"]):
        refuse(where, "A correction does not say who decided.",
               "decided_by: a staff code or initials such as TL or S04, no name", None)  # fmt: skip
    if not is_day(row["decided_on"]):
        refuse(where, "A correction has no date.", "decided_on: a day such as 2026-02-01",
               None, AS_TEXT)  # fmt: skip
    if date.fromisoformat(row["decided_on"]) > today:
        refuse(where, "A correction was decided in the future.", f"{today} or before",
               row["decided_on"])  # fmt: skip


def _check_personal(row: dict[str, str], where: str) -> None:
    for name in ("old_value", "new_value", "reason"):
        for kind in kinds_in(row[name]):
            is_code = kind == "household_code"
            if is_code and row["file"] == PRIVATE_FILE:
                continue
            refuse(where, "Personal data may not stand in the file of corrections.",
                   "a correction made on the server, or action drop"
                   + (f"; codes stand in {PRIVATE_FILE}" if is_code else ""),
                   f"{name}: what looks like a {KINDS[kind]}")  # fmt: skip
