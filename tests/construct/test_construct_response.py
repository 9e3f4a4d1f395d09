"""Who was interviewed when, why not, and who was lost."""

import pandas as pd
import pytest
from construct_frames import STUDY, TEAMS, code

from survey_tools.construct import build_response, patterns
from survey_tools.errors import ContractError

HOUSEHOLDS = [code(k) for k in range(1, 6)]
SAMPLE = pd.DataFrame({"hhid": HOUSEHOLDS, "team_id": "10291-T01"})


def interviews(**waves):
    rows = [(code(k), wave) for wave, numbers in waves.items() for k in numbers]
    return pd.DataFrame(rows, columns=["hhid", "wave"]).astype("str")


def visits(*rows):
    columns = ["hhid", "wave", "visit_result"]
    return pd.DataFrame(rows, columns=columns).astype("str")


PANEL = interviews(w1=[1, 2, 3], w3=[1, 4])
VISITS = visits(
    *[(code(k), "w1", "contact") for k in (1, 2, 3, 4)], (code(5), "w1", "absent"),
    (code(5), "w1", "absent"), (code(1), "w3", "absent"), (code(1), "w3", "contact"),
    (code(4), "w3", "contact"), (code(2), "w3", "absent"), (code(2), "w3", "contact"),
)  # fmt: skip


def respond(panel=PANEL, seen=VISITS, sample=SAMPLE):
    return build_response(panel, seen, sample, TEAMS, STUDY).set_index("hhid")


def test_build_response__every_drawn_household_has_a_row_and_a_reason():
    found = respond()
    assert found.index.tolist() == HOUSEHOLDS
    assert found["reason__w1"].tolist() == [
        *["interviewed"] * 3, "met but no consent", "visited but never met",
    ]  # fmt: skip
    assert found["reason__w3"].tolist() == [
        "interviewed", "met but no consent", "no accepted visit", "interviewed", "no accepted visit",
    ]  # fmt: skip
    assert found["reason__w2"].eq("no interview in this wave").all()


def test_build_response__pattern_and_flags_say_the_same():
    found = respond()
    assert found["pattern"].tolist() == ["101", "100", "100", "001", "000"]
    for place, wave in enumerate(STUDY.waves.all):
        assert found[f"interviewed__{wave}"].tolist() == [int(p[place]) for p in found["pattern"]]


def test_build_response__attrited_are_those_of_the_baseline_without_endline():
    found = respond()["attrited"]
    assert found.iloc[:3].tolist() == [0, 1, 1]
    assert found.iloc[3:].isna().all()


def test_build_response__nobody_is_lost_before_the_endline_was_collected():
    assert respond(panel=interviews(w1=[1, 2, 3]))["attrited"].isna().all()


def test_build_response__order_of_rows_does_not_matter():
    pd.testing.assert_frame_equal(
        respond(), respond(PANEL.iloc[::-1], VISITS.iloc[::-1], SAMPLE.iloc[::-1])
    )


def test_build_response__a_team_outside_the_list_is_refused_without_naming_a_household():
    with pytest.raises(ContractError) as error:
        respond(sample=SAMPLE.assign(team_id="10351-T01"))
    assert "-H0" not in str(error.value)


def test_patterns__count_each_arm():
    sample = pd.DataFrame(
        {"hhid": [*HOUSEHOLDS, code(1, "10291-T02")], "team_id": ["10291-T01"] * 5 + ["10291-T02"]}
    )
    found = patterns(respond(sample=sample).reset_index(), STUDY).set_index("pattern")
    assert found["all"].sum() == 6
    assert found.loc["100", ["regular", "intensive", "all"]].tolist() == [0, 2, 2]
    assert found.loc["000", ["regular", "intensive", "all"]].tolist() == [1, 1, 2]
    assert found["all"].is_monotonic_decreasing
