"""Submissions as the server gives them, laid out by the form and cleaned as a stage does."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from clean_frames import TEAMS, code

from survey_tools.clean import CleanHousehold, check_all_rows, clean_household
from survey_tools.kobo import Form, Tables, flatten
from survey_tools.kobo.form.xlsform import read_xlsform
from survey_tools.register import Register, read_register

PARAMS = Path(__file__).parents[2] / "params"
REPEAT = "main/c_roster/roster"
META = ("_id", "_uuid", "_submission_time", "__version__")
Row = dict[str, Any]


@cache
def form(name: str = "household") -> Form:
    return Form.from_content(read_xlsform(PARAMS / "forms" / f"{name}.xlsx"), "v1")


@cache
def register_of(name: str = "household") -> Register:
    return read_register(PARAMS / "register" / f"{name}.csv")


def raw(row_id: int, number: int = 1, *, members: list[Row] | None = None, **answers: Any) -> Row:
    """Answer an interview; `answers` by the name of the question, None to leave one out."""
    team = answers.get("team_id", "10291-T01")
    said = {
        "start": f"2026-01-15T08:{row_id % 60:02d}:00.000+07:00",
        "end": f"2026-01-15T09:{row_id % 60:02d}:00.000+07:00",
        "today": "2026-01-15", "wave": "w1", "visit_type": "main", "enumerator_id": "E01",
        "commune_code": "10291", "team_id": team, "hhid": code(number, team), "visit_no": "1",
        "visit_result": "contact", "consent": "yes", "consent_gps": "yes", "hh_size": "2",
        "elec_method": "bankapp", "buy_amount": "250", **answers,
    }  # fmt: skip
    people = [{"m_rel": "head", "m_sex": "male", "m_age": "50"}] if members is None else members
    return {
        "_id": row_id, "_uuid": f"u{row_id}", "_submission_time": "2026-01-15T05:00:00",
        "__version__": "v1", **placed("household", said),
        REPEAT: [{f"{REPEAT}/{name}": value for name, value in one.items()} for one in people],
    }  # fmt: skip


def placed(name: str, answers: Row) -> Row:
    """Answers under the paths of their questions; what is no question keeps its key."""
    known = register_of(name)
    return {
        known[key].path if key in known else key: value
        for key, value in answers.items()
        if value is not None
    }


def tables_of(*rows: Row, name: str = "household") -> Tables:
    return flatten(rows, {"v1": form(name)})


def clean_rows(*rows: Row, register: Register | None = None, **options: Any) -> CleanHousehold:
    """Clean submissions; each of them is in a table or left with a reason."""
    tables = tables_of(*rows)
    result = clean_household(
        tables.frames["main"], tables.frames["roster"], register=register or register_of(),
        teams=options.pop("teams", TEAMS), misfits=tables.misfits, **options,
    )  # fmt: skip
    check_all_rows(pd.Series([row["_id"] for row in rows]), result.household["_id"], result.dropped)
    return result


def flagged(result: Any) -> list[list[Any]]:
    """Check, row and question of each problem."""
    return result.problems[["check", "row_id", "variable"]].to_numpy().tolist()
