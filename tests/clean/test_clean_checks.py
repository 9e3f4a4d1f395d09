import numpy as np
import pandas as pd
import pytest
from clean_frames import TEAMS, code

from survey_tools.clean import CheckRules, field_checks
from survey_tools.clean.enumerators import unusual_shares

DAYS = {"w1": "2026-01-15", "w2": "2026-05-15"}


def household(rows):
    frame = pd.DataFrame(
        rows, columns=["_id", "hhid", "wave", "team_id", "enumerator_id", "duration_min"]
    )
    start = pd.to_datetime(frame["wave"].map(DAYS), utc=True)
    skills = {f"sk_{s}": ["alone", "no"][i % 2]
              for i, s in enumerate(("app", "pay", "qr", "order", "safe"))}  # fmt: skip
    return frame.assign(start=start, trust_pay="3", gap_view="2", life_view="4", **skills)


def visits(frame):
    return frame.assign(visit_result="contact", consent="yes")


def roster(heads):
    rows = [(i, 1, "head", sex, age) for i, (sex, age) in heads.items()]
    frame = pd.DataFrame(rows, columns=["_id", "roster_no", "m_rel", "m_sex", "m_age"])
    return frame.astype({"m_age": "Int64"})


def one(_id, number=1, wave="w1", minutes=40.0, enumerator="E01", team="10291-T01"):
    return (_id, code(number, team), wave, team, enumerator, minutes)


def checks(frame, members=None, **options):
    members = roster(dict.fromkeys(frame["_id"], ("male", 51))) if members is None else members
    given = {"teams": TEAMS, "households_per_team": 1} | options
    return field_checks(frame, visits(frame), members, given.pop("team_log", None), **given)


def of(flags, check):
    return flags.loc[flags["check"] == check]


def test_field_checks__clean_data_give_no_flags():
    frame = household([one(1), one(2, team="10291-T02")])
    assert checks(frame).empty


def test_short_interview__also_flags_a_missing_duration():
    frame = household([one(1, 1, minutes=9.0), one(2, 2, minutes=np.nan), one(3, 3)])
    assert of(checks(frame), "short_interview")["row_id"].tolist() == [1, 2]
    assert of(checks(frame, rules=CheckRules(short_minutes=5)), "short_interview")[
        "row_id"
    ].tolist() == [2]


@pytest.mark.parametrize(
    ("before", "now", "flagged"),
    [
        (("male", 50), ("male", 50), False),
        (("male", 50), ("male", 51), False),
        (("male", 50), ("female", 50), True),
        (("male", 50), ("male", 58), True),
        (("male", 50), (None, 50), False),
    ],
)
def test_head_changed__sex_or_age_against_the_wave_before(before, now, flagged):
    frame = household([one(1), one(2, wave="w2")])
    flags = of(checks(frame, roster({1: before, 2: now})), "head_changed")
    assert flags["row_id"].tolist() == ([2] if flagged else [])


def test_household_code__a_code_not_drawn_is_flagged():
    frame = household([one(1, 1), one(2, 2)])
    sample = pd.DataFrame({"hhid": [code(1)], "team_id": ["10291-T01"]})
    assert of(checks(frame, sample=sample), "household_code")["row_id"].tolist() == [2]


def test_dropped__only_codes_and_copies_are_flagged():
    dropped = pd.DataFrame(
        {"_id": [7, 8], "wave": "w1", "team_id": "10291-T01", "enumerator_id": "E01",
         "reason": ["the same form sent twice", "no consent"]}
    )  # fmt: skip
    flags = of(checks(household([one(1)]), dropped=dropped), "dropped")
    assert flags["row_id"].tolist() == [7]


def test_progress__a_team_without_any_interview_is_behind():
    frame = household([one(1)])
    flags = of(checks(frame), "progress")
    assert flags["team_id"].tolist() == ["10291-T02"]
    assert flags["message"].tolist() == ["Interviewed 0 of 1 drawn households."]


def test_missing_months__gap_inside_the_district_window():
    team_log = pd.DataFrame(
        {"team_id": ["10291-T01", "10291-T01", "10291-T02"],
         "month": pd.to_datetime(["2026-02-01", "2026-03-01", "2026-03-01"])}
    )  # fmt: skip
    flags = of(checks(household([one(1)]), team_log=team_log), "missing_month")
    assert flags[["team_id", "message"]].to_numpy().tolist() == [
        ["10291-T02", "No report for 2026-02."]
    ]


def test_straight_lining__the_enumerator_who_answers_for_people():
    frame = household([one(i, i, enumerator=f"E0{i % 4}") for i in range(1, 121)])
    same = frame["enumerator_id"] == "E03"
    frame.loc[same, [c for c in frame if c.startswith("sk_")]] = "alone"
    frame.loc[same, ["trust_pay", "gap_view", "life_view"]] = "3"
    flags = of(checks(frame), "straight_lining")
    assert flags["enumerator_id"].tolist() == ["E03"]
    assert "100 %" in flags["message"].iloc[0]


def test_age_heaping__the_enumerator_who_rounds():
    frame = household([one(i, i, enumerator=f"E0{i % 4}") for i in range(1, 201)])
    ages = {i: ("male", 50 if i % 4 == 2 else 30 + i % 17) for i in frame["_id"]}
    flags = of(checks(frame, roster(ages)), "age_heaping")
    assert flags["enumerator_id"].tolist() == ["E02"]


def test_unusual_shares__true_differences_between_areas_are_not_flagged():
    rng = np.random.default_rng(1)
    shares = np.linspace(0.1, 0.5, 12)
    rows = pd.concat(
        pd.DataFrame({"wave": "w1", "enumerator_id": f"E{i:02d}", "value": rng.random(200) < p})
        for i, p in enumerate(shares)
    ).astype({"value": "float64"})
    assert unusual_shares(rows, least=20, z=4, gap=0.15).empty


def test_unusual_shares__few_rows_are_not_compared():
    rows = pd.DataFrame(
        {"wave": "w1", "enumerator_id": ["E01"] * 19 + ["E02"] * 50,
         "value": [1.0] * 19 + [0.0] * 50}
    )  # fmt: skip
    assert unusual_shares(rows, least=20, z=4, gap=0.15).empty


def test_field_checks__messages_hold_no_household_code():
    frame = household([one(1, minutes=3.0), one(2, wave="w2", minutes=3.0)])
    flags = checks(frame, roster({1: ("male", 20), 2: ("female", 60)}))
    assert not flags["message"].str.contains("-H").any()
    assert len(flags) >= 3
