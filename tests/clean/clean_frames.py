"""Small pulled frames, typed as a pull gives them."""

from __future__ import annotations

import pandas as pd

CODES = ["wave", "visit_type", "commune_code", "team_id", "visit_result", "consent", "refuse_reason",
         "consent_recontact", "consent_gps", "elec_method"]  # fmt: skip
TEAMS = pd.DataFrame(
    {
        "team_id": ["10291-T01", "10291-T02"],
        "commune_code": ["10291", "10291"],
        "households": [300, 200],
        "intensive": [1, 0],
    }
)


def code(number: int, team: str = "10291-T01") -> str:
    return f"{team}-H{number:03d}-{number % 7}"


def submission(_id: int, number: int = 1, wave: str = "w1", **answers: object) -> dict[str, object]:
    team = str(answers.get("team_id", "10291-T01"))
    day = {"w1": "2026-01-15", "w2": "2026-05-15", "w3": "2026-09-20"}.get(str(wave), "2026-01-15")
    start = pd.Timestamp(f"{day}T08:00:00Z") + pd.Timedelta(minutes=_id)
    return {
        "_id": _id,
        "_uuid": f"u{_id}",
        "_submission_time": start + pd.Timedelta(hours=2),
        "_submitted_by": "surveyor",
        "deviceid": f"dev{_id}",
        "start": start,
        "end": start + pd.Timedelta(minutes=40),
        "today": pd.Timestamp(day),
        "wave": wave,
        "visit_type": "main",
        "enumerator_id": "E01",
        "commune_code": "10291",
        "team_id": team,
        "hhid": code(number, team),
        "visit_no": 1,
        "visit_result": "contact",
        "consent": "yes",
        "refuse_reason": None,
        "consent_recontact": "yes",
        "consent_gps": "yes",
        "hh_size": 2,
        "n_adults": "2",
        "elec_method": "bankapp",
        "channels__tv": True,
        "channels__none": False,
        "comment": None,
        "phone_recontact": None,
        "gps_lat": None,
        "gps_lon": None,
        **answers,
    }


def main_frame(*rows: dict[str, object]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows))
    types = {"visit_no": "Int64", "hh_size": "Int64", "gps_lat": "Float64", "gps_lon": "Float64"}
    types |= {c: "boolean" for c in frame.columns if c.startswith("channels__")}
    types |= dict.fromkeys(("hhid", "comment", "phone_recontact", "n_adults", "deviceid"), "string")
    types |= dict.fromkeys(CODES, "category")
    return frame.astype(types)


def roster_frame(heads: dict[int, tuple[str, int]]) -> pd.DataFrame:
    rows = []
    for _id, (sex, age) in heads.items():
        rows.append({"_id": _id, "roster_no": 1, "m_rel": "head", "m_sex": sex, "m_age": age})
        rows.append({"_id": _id, "roster_no": 2, "m_rel": "child", "m_sex": "male", "m_age": 12})
    frame = pd.DataFrame(rows).astype({"m_age": "Int64"})
    return frame.astype(dict.fromkeys(["m_rel", "m_sex"], "category"))
