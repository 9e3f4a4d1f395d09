"""Tiny field work for the tests of the checks: a few interviews in which nothing is to be found."""

from __future__ import annotations

from typing import Any

import pandas as pd
from clean_frames import TEAMS, code

from survey_tools.clean import Fieldwork, run_checks
from survey_tools.clean.checks import usual_rules

DAYS = {"w1": "2026-01-15", "w2": "2026-05-15", "w3": "2026-09-20"}
SKILLS = {
    f"sk_{name}": ["alone", "no"][i % 2]
    for i, name in enumerate(("app", "pay", "qr", "order", "safe"))
}
TEAM = "10291-T01"


def household(*rows: dict[str, Any]) -> pd.DataFrame:
    """Interviews; each row may give `_id`, `number` (of the household), `wave`, and any answer."""
    return pd.DataFrame([_interview(**row) for row in rows]).astype({"__version__": "str"})


def _interview(
    _id: int, number: int | None = None, wave: str = "w1", team: str = TEAM, **answers: Any
) -> dict[str, Any]:
    start = pd.Timestamp(f"{DAYS[wave]}T02:00:00Z") + pd.Timedelta(hours=_id % 8, minutes=_id)
    minutes = answers.pop("minutes", 40.0)
    row = {
        "_id": _id,
        "__version__": "v1",
        "hhid": code(_id if number is None else number, team),
        "wave": wave,
        "team_id": team,
        "commune_code": team[:5],
        "enumerator_id": f"E{_id % 90:02d}",
        "visit_no": 1,
        "start": start,
        "end": start + pd.Timedelta(minutes=0 if pd.isna(minutes) else minutes),
        "duration_min": minutes,
        "trust_pay": "3", "gap_view": "2", "life_view": "4", **SKILLS,
    }  # fmt: skip
    return row | answers


def roster(frame: pd.DataFrame, *, sex: str = "male", age: int = 51, **ages: Any) -> pd.DataFrame:
    """One head an interview; `ages` gives others by `_id` as `i7=30`, or a pair of sex and age."""
    rows = []
    for _id in frame["_id"]:
        given = ages.get(f"i{_id}", (sex, age))
        head_sex, head_age = given if isinstance(given, tuple) else (sex, given)
        rows.append(
            {"_id": _id, "roster_no": 1, "m_rel": "head", "m_sex": head_sex, "m_age": head_age}
        )
    columns = ["_id", "roster_no", "m_rel", "m_sex", "m_age"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"m_age": "Int64", "m_sex": "str"})


def visits(frame: pd.DataFrame) -> pd.DataFrame:
    """The visits behind interviews: all met, all agreed."""
    columns = ["_id", "hhid", "wave", "team_id", "enumerator_id", "visit_no", "start"]
    return frame[columns].assign(visit_result="contact", consent="yes")


def fieldwork(frame: pd.DataFrame, **given: Any) -> Fieldwork:
    """Lay out field work with the usual rules; `rules` changes those of a check: `{"outlier": {...}}`."""
    changes = given.pop("rules", {})
    tables = {
        "visits": visits(frame),
        "roster": roster(frame),
        "teams": TEAMS.iloc[:1],
        "households_per_team": 1,
    }
    return Fieldwork(household=frame, rules=usual_rules(**changes), **(tables | given))


def found(work: Fieldwork, check: str) -> pd.DataFrame:
    """Flags of one check."""
    flags = run_checks(work).flags
    return flags.loc[flags["check"] == check].reset_index(drop=True)


def rows_of(work: Fieldwork, check: str) -> list[int]:
    """Numbers of the rows that one check flags."""
    return found(work, check)["row_id"].tolist()
