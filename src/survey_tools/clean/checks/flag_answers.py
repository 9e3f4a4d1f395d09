"""Read what people answered to flags; decides nothing and changes no row.

An answer is a line of `data/private/flag_answers.csv`, which names the flag by its key, or a documented
correction of the same row and question.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date
from pathlib import Path

import pandas as pd

from survey_tools.clean.corrections.read import STAFF_CODE, refuse
from survey_tools.clean.csv_by_hand import AS_TEXT, is_day, read_sheet
from survey_tools.errors import ContractError

ANSWERS = "flag_answers.csv"
"""File in `data/private/`: what people write may name somebody."""

FILE = f"data/private/{ANSWERS}"
COLUMNS = ("key", "answer", "reason", "decided_by", "decided_on")
ANSWERS_KNOWN = ("okay", "follow_up")
"""The answer is right as it stands; somebody is looking into it."""


def read_flag_answers(path: Path, *, today: date | None = None) -> pd.DataFrame:
    """Read the file of answers, if there is one; a line without an answer is passed over.

    Columns are `key` (of the flag, as the supervisor's sheet has it), `answer` (okay: it is right as it
    stands; follow_up: somebody is looking into it), `reason`, `decided_by` (a staff code), `decided_on`.
    What turns out to be wrong is no line here but one in the file of corrections.

    Parameters
    ----------
    path : Path
    today : date, optional
        A later day is refused; the computer's day if none is given.

    Returns
    -------
    DataFrame
        `key, decided_on, line`; `line` counts the header as line 1. The reason stays in the file.

    Raises
    ------
    ContractError
        Names the line with an unknown answer, no reason, nobody who decided, or a wrong day.
    """
    columns = ["key", "decided_on", "line"]
    if not path.is_file():
        return pd.DataFrame(columns=columns).astype({"key": "str", "decided_on": "str"})
    table = _file(path)
    latest = (today or date.today()).isoformat()
    for row in table.to_dict("records"):
        _check(row, latest)
    return table[columns].reset_index(drop=True)


def corrected_flags(flags: pd.DataFrame, log: pd.DataFrame | None) -> frozenset[str]:
    """Return the keys of the flags whose row and question a documented correction is about.

    Parameters
    ----------
    flags : DataFrame
        With their keys.
    log : DataFrame or None
        Contract `corrections_log`. A line about a member (`m_age[2]`) or a tick (`channels__tv`) also
        answers a flag on the whole question.
    """
    if log is None or log.empty:
        return frozenset()
    asked = set()
    for form, row_id, said in log[["form", "row_id", "variable"]].itertuples(index=False):
        name = "" if pd.isna(said) else str(said)
        plain = name.split("[", 1)[0]
        asked |= {(form, int(row_id), one) for one in (name, plain, plain.split("__", 1)[0]) if one}
    about = flags.loc[flags["row_id"].notna() & flags["variable"].notna()]
    named = zip(about["key"], about["form"], about["row_id"], about["variable"], strict=True)
    return frozenset(key for key, form, row, name in named if (form, int(row), name) in asked)


def _file(path: Path) -> pd.DataFrame:
    rows = read_sheet(path, FILE)
    missing = [name for name in COLUMNS if name not in rows]
    if missing:
        raise ContractError(
            "The file of answers to flags lacks columns.",
            expected=", ".join(missing),
            where=f"{FILE}, line 1",
            next_step="add the columns",
        )
    return rows.loc[rows["answer"] != "", [*COLUMNS, "line"]]


def _check(row: dict[Hashable, object], latest: str) -> None:
    cells = {str(name): str(value) for name, value in row.items()}
    where = f"{FILE}, line {cells['line']}"
    if cells["answer"] not in ANSWERS_KNOWN:
        refuse(where, "The answer to a flag is unknown.", " or ".join(ANSWERS_KNOWN), None)
    if not cells["key"]:
        refuse(where, "An answer names no flag.", "key: as the supervisor's sheet has it", None)
    if not cells["reason"]:
        refuse(where, "An answer to a flag gives no reason.", "a reason", None)
    if not STAFF_CODE.fullmatch(cells["decided_by"]):
        refuse(where, "An answer to a flag does not say who decided.",
               "decided_by: a staff code or initials such as TL or S04, no name", None)  # fmt: skip
    if not is_day(cells["decided_on"]):
        refuse(where, "An answer to a flag has no day.", f"decided_on: 2026-02-01; {AS_TEXT}", None)
    if cells["decided_on"] > latest:
        refuse(where, "An answer to a flag was decided in the future.", f"{latest} or before",
               cells["decided_on"])  # fmt: skip
