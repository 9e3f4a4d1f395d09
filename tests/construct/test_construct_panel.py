import numpy as np
import pandas as pd
import pytest
from construct_frames import STUDY, TEAMS, code, household_frame, interview, roster_frame

from survey_tools import contracts
from survey_tools.construct import (
    BROAD,
    FAMILIES,
    OUTCOMES,
    build_answers,
    build_flow,
    build_households,
    build_panel,
    build_sites,
    submissions,
    team_exposure,
    write_analysis,
)
from survey_tools.construct.anderson import INDICES
from survey_tools.errors import ContractError


def household():
    return household_frame(
        interview(1, 1, "w1", poor_cert="near", qr30="yes"),
        interview(2, 1, "w3", poor_cert="ref", team_visit="yes", team_n=3, resp_line=2),
        interview(3, 2, "w3", team="10291-T02", sells__none=False, sells__rice=True),
        interview(4, 3, "w1", team="10291-T02"),
    )


def panel_of(frame, teams=TEAMS):
    return build_panel(frame, roster_frame(frame), teams, STUDY)


def row(panel, number, wave, team="10291-T01"):
    return panel.set_index(["hhid", "wave"]).loc[(code(number, team), wave)]


def test_build_panel__respondent_is_found_on_the_line_of_the_roster():
    panel = panel_of(household())
    first, later = row(panel, 1, "w1"), row(panel, 1, "w3")
    assert (first["resp_age"], first["resp_female"], first["resp_edu"]) == (64, 1, "primary")
    assert (later["resp_age"], later["resp_female"]) == (30, 0)
    assert pd.isna(later["resp_edu"])
    assert (first["women"], first["age60"], later["age60"]) == (1, 1, 0)


def test_build_panel__poor_counts_near_poor_and_refusing_is_missing():
    panel = panel_of(household())
    assert row(panel, 1, "w1")["poor"] == 1
    assert np.isnan(row(panel, 1, "w3")["poor"])
    assert row(panel, 2, "w3", "10291-T02")["poor"] == 0
    assert row(panel, 2, "w3", "10291-T02")["sellers"] == 1


def test_build_panel__has_arm_outcomes_and_exposure_as_numbers():
    panel = panel_of(household())
    assert panel["intensive"].tolist() == [1, 1, 0, 0]
    numbers = [*OUTCOMES, *FAMILIES, "reached", "contacts", "resp_age", "has_smartphone"]
    numbers += [*BROAD, *INDICES]
    assert set(panel[numbers].dtypes.astype(str)) == {"float64"}
    assert row(panel, 1, "w3")["contacts"] == 3
    assert panel["has_smartphone"].tolist() == [1, 1, 1, 1]


def test_build_panel__order_of_rows_does_not_matter():
    frame = household()
    pd.testing.assert_frame_equal(panel_of(frame), panel_of(frame.iloc[::-1]))


def test_build_panel__team_outside_the_list_is_refused():
    with pytest.raises(ContractError, match="not in the list") as error:
        panel_of(household(), TEAMS.iloc[:1])
    assert "10291-T02" in str(error.value)
    assert "-H" not in str(error.value)


def test_build_panel__team_in_another_commune_is_refused():
    with pytest.raises(ContractError, match="another commune"):
        panel_of(household(), TEAMS.assign(commune_code="10270"))


def test_build_panel__team_listed_twice_is_refused():
    with pytest.raises(ContractError, match="stands twice"):
        panel_of(household(), pd.concat([TEAMS, TEAMS]))


def test_build_panel__no_interview_is_refused():
    frame = household()
    with pytest.raises(ContractError, match="no interview"):
        build_panel(frame.iloc[:0], roster_frame(frame).iloc[:0], TEAMS, STUDY)


def test_build_panel__household_without_roster_keeps_its_row():
    frame = household()
    panel = build_panel(frame, roster_frame(frame).iloc[:0], TEAMS, STUDY)
    assert len(panel) == 4
    assert panel["resp_age"].isna().all()
    assert panel["has_smartphone"].isna().all()


def wide():
    panel = panel_of(household())
    return build_households(panel, team_exposure(None, TEAMS, None), STUDY)


def test_build_households__one_row_each_and_columns_of_a_wave_not_collected():
    table = wide()
    assert table["hhid"].tolist() == sorted({*household()["hhid"]})
    assert table["qr_shop_30d__w2"].isna().all()
    assert table["interviewed__w2"].tolist() == [0, 0, 0]
    assert table["interviewed__w2"].dtype == "int64"
    one = table.set_index("hhid").loc[code(1)]
    assert (one["qr_shop_30d__w1"], one["qr_shop_30d__w3"]) == (1, 0)
    assert (one["reached__w1"], one["reached__w3"], one["contacts__w3"]) == (0, 1, 3)
    made = (*OUTCOMES, *FAMILIES, *BROAD, *INDICES)
    assert {f"{o}__{w}" for o in made for w in STUDY.waves.all} <= {*table}


def test_build_households__covariates_are_of_the_first_wave_seen():
    table = wide().set_index("hhid")
    assert table["covariates_wave"].tolist() == ["w1", "w3", "w1"]
    assert table["hh_size"].isna().tolist() == [False, True, False]
    assert table["resp_age"].notna().all()
    assert table.loc[code(1), "poor"] == 1


def test_build_answers__only_answered_questions():
    frame = household_frame(
        interview(1, 1, wish__sell=True, wish__none=False),
        interview(2, 2, wish__sell=None, wish__none=None),
    )
    answers = build_answers(frame, ["wish", "why_cash"])
    assert answers[["hhid", "variable", "choice", "chosen"]].to_numpy().tolist() == [
        [code(1), "wish", "sell", 1],
        [code(1), "wish", "none", 0],
    ]


def test_build_answers__no_such_questions_gives_an_empty_table():
    assert build_answers(household(), ["wish"]).empty


def test_build_sites__share_is_missing_where_it_cannot_be():
    site = pd.DataFrame(
        {"site_type": "school", "pupils": [200, 0, 100, None], "pupils_cashless": [50, 0, 120, 1]}
    )
    np.testing.assert_array_equal(build_sites(site)["share_pupils_cashless"], [0.25] + [np.nan] * 3)


SAMPLE = pd.DataFrame({"hhid": [code(1), code(2, "10291-T02"), code(3, "10291-T02"), code(9)]})


def clean_flow(w1=2, w3=2):
    rows = [
        (0, "clean", "w1", "received", 0, w1 + 1),
        (1, "clean", "w1", "training", 1, w1),
        (0, "clean", "w3", "received", 0, w3),
        (0, "clean_team_log", "all", "received", 0, 7),
    ]
    return pd.DataFrame(rows, columns=["step", "stage", "wave", "reason", "dropped", "remaining"])


def test_build_flow__from_the_draw_to_the_analysis():
    visits = pd.DataFrame(
        {"hhid": [code(1), code(3, "10291-T02"), code(9), code(2, "10291-T02")], "wave": "w1",
         "visit_result": ["contact", "contact", "absent", "contact"]}
    )  # fmt: skip
    flow = build_flow(clean_flow(), SAMPLE, panel_of(household()), STUDY, visits)
    first = flow.loc[flow["wave"] == "w1"]
    assert first["stage"].tolist() == ["draw", "clean", "clean"] + ["construct"] * 5
    assert first["step"].tolist() == list(range(8))
    chain = first.loc[first["stage"] == "construct"].set_index("reason")
    assert chain["dropped"].to_dict() == {
        "households drawn": 0, "no accepted visit": 0, "visited but never met": 1,
        "met but no consent": 1, "interviewed and analysed": 0,
    }  # fmt: skip
    assert chain["remaining"].iloc[-1] == 2


def test_build_flow__a_wave_not_collected_is_said_to_be_so():
    flow = build_flow(clean_flow(), SAMPLE, panel_of(household()), STUDY)
    second = flow.loc[flow["wave"] == "w2"]
    assert "no interview in this wave" in second["reason"].tolist()
    assert second["remaining"].iloc[-1] == 0


def test_build_flow__ends_that_differ_are_refused():
    with pytest.raises(ContractError, match="different numbers"):
        build_flow(clean_flow(w1=5), SAMPLE, panel_of(household()), STUDY)


def test_build_flow__a_step_that_does_not_add_up_is_refused():
    broken = clean_flow()
    broken.loc[0, "remaining"] = 9
    with pytest.raises(ContractError, match="add up"):
        build_flow(broken, SAMPLE, panel_of(household()), STUDY)


def test_build_flow__interview_of_a_household_not_drawn_is_refused():
    with pytest.raises(ContractError, match="not drawn") as error:
        build_flow(clean_flow(), SAMPLE.iloc[1:], panel_of(household()), STUDY)
    assert "-H" not in str(error.value)


def test_build_flow__a_drop_without_reason_is_refused():
    broken = clean_flow().replace({"reason": {"training": " "}})
    with pytest.raises(ContractError, match="no reason"):
        build_flow(broken, SAMPLE, panel_of(household()), STUDY)


def test_build_flow__submissions_of_no_wave_of_the_study_have_a_chain_that_ends_at_nothing():
    more = pd.DataFrame(
        [(0, "clean", "?", "received", 0, 3), (1, "clean", "?", "no wave", 3, 0),
         (0, "clean", "w9", "received", 0, 2), (1, "clean", "w9", "training", 1, 1)],
        columns=clean_flow().columns,
    )  # fmt: skip
    flow = build_flow(pd.concat([clean_flow(), more]), SAMPLE, panel_of(household()), STUDY)
    last = flow.sort_values("step").groupby("wave")["remaining"].last()
    assert (last["?"], last["w9"]) == (0, 0)
    assert "wave that the study does not name" in flow.loc[flow["wave"] == "w9", "reason"].tolist()
    assert submissions(flow).loc["w9"].tolist() == [2, 2, 0]


def test_submissions__received_are_dropped_or_analysed_in_every_wave():
    counts = submissions(build_flow(clean_flow(), SAMPLE, panel_of(household()), STUDY))
    assert counts.loc["w1"].tolist() == [3, 1, 2]
    assert counts.loc["w2"].tolist() == [0, 0, 0]
    assert counts.loc["w3"].tolist() == [2, 0, 2]


def test_submissions__a_flow_that_lost_a_row_does_not_add_up():
    flow = build_flow(clean_flow(), SAMPLE, panel_of(household()), STUDY)
    lost = flow.loc[flow["reason"] != "training"]
    counts = submissions(lost)
    assert counts.loc["w1", "received"] != counts.loc["w1", ["dropped", "analysed"]].sum()


def test_write_analysis__a_table_that_is_none_is_refused():
    with pytest.raises(TypeError, match="panle"):
        write_analysis(
            None, panel=None, households=None, teams=None, answers=None, flow=None, panle=1
        )


def test_write_analysis__reads_back(tmp_path):
    class Folders:
        analysis = tmp_path / "analysis"
        study = STUDY

    panel = panel_of(household())
    teams = team_exposure(None, TEAMS, None)
    write_analysis(
        Folders, panel=panel, households=build_households(panel, teams, STUDY), teams=teams,
        answers=build_answers(household(), []), flow=build_flow(clean_flow(), None, panel, STUDY),
    )  # fmt: skip
    back = contracts.read_table(Folders.analysis, "panel")
    pd.testing.assert_frame_equal(back, panel.assign(area_list="2024"))
    assert len(contracts.read_table(Folders.analysis, "households")) == 3
    assert contracts.read_table(Folders.analysis, "answers").empty
