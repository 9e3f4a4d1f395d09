"""Small cleaned frames, typed as cleaning leaves them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from survey_tools.params import read_study

ROOT = Path(__file__).resolve().parents[2]
STUDY = read_study(ROOT / "params" / "study.yml")
TEAMS = pd.DataFrame(
    {
        "team_id": ["10291-T01", "10291-T02", "10291-T03", "10270-T01"],
        "commune_code": ["10291", "10291", "10291", "10270"],
        "households": [200, 100, 50, 80],
        "intensive": [1, 0, 1, 0],
    }
)
DAYS = {"w1": "2026-01-20", "w2": "2026-05-20", "w3": "2026-09-20"}


def code(number: int, team: str = "10291-T01") -> str:
    return f"{team}-H{number:03d}-{number % 7}"


def interview(
    _id: int, number: int = 1, wave: str = "w1", team: str = "10291-T01", **answers: object
) -> dict[str, object]:
    return {
        "_id": _id,
        "hhid": code(number, team),
        "wave": wave,
        "team_id": team,
        "commune_code": team[:5],
        "today": pd.Timestamp(DAYS[wave]),
        "hh_size": 2,
        "resp_line": 1,
        "n_adults": 2,
        "sells__rice": False,
        "sells__none": True,
        "qr30": "no",
        "cashless10": 2,
        "buy_when": "never",
        "elec_method": "bankapp",
        "poor_cert": "no",
        "team_visit": "no",
        **answers,
    }


def household_frame(*rows: dict[str, object]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows))
    ticks = {c: "boolean" for c in frame.columns if "__" in c}
    counts = [c for c in ("hh_size", "resp_line", "n_adults", "cashless10", "team_n") if c in frame]
    text = [c for c in frame.columns if c not in {*ticks, *counts, "_id", "today"}]
    return frame.astype({**ticks, **dict.fromkeys(counts, "Int64"), **dict.fromkeys(text, "str")})


def roster_frame(household: pd.DataFrame) -> pd.DataFrame:
    one = pd.DataFrame(
        {"_id": household["_id"], "roster_no": 1, "m_rel": "head", "m_sex": "female", "m_age": 64,
         "m_edu": "primary", "m_phone": "basic"}
    )  # fmt: skip
    two = one.assign(
        roster_no=2, m_rel="child", m_sex="male", m_age=30, m_edu="dk", m_phone="smart"
    )
    return pd.concat([one, two], ignore_index=True).astype({"m_age": "Int64"})
