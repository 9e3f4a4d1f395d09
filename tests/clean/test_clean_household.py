import pandas as pd
import pytest
from clean_frames import TEAMS, code, main_frame, roster_frame, submission

from survey_tools.clean import clean_household, household_code_ok
from survey_tools.clean.household import NOT_IN_SAMPLE, SENT_TWICE, TWO_UNDER_ONE_CODE
from survey_tools.errors import ContractError


def clean(register, rows, heads=None, **options):
    main = main_frame(*rows)
    roster = roster_frame(heads or {row["_id"]: ("male", 50) for row in rows})
    return clean_household(main, roster, register=register, teams=TEAMS, **options)


def remaining(result, wave="w1"):
    flow = result.flow.loc[result.flow["wave"] == wave]
    return dict(zip(flow["reason"], flow["remaining"], strict=True))


def test_household_code_ok__pattern_and_check_digit():
    codes = pd.Series([code(17), "10291-T01-H017-4", "10291-T01-H17-3", None, "x" + code(17)])
    assert household_code_ok(codes).tolist() == [True, False, False, False, False]


def test_clean_household__visits_keep_what_the_household_table_leaves(register):
    rows = [
        submission(1, 1, visit_result="absent", consent=None),
        submission(2, 1, visit_no=2),
        submission(3, 2, consent="no", refuse_reason="busy"),
    ]
    result = clean(register, rows)
    assert result.household["_id"].tolist() == [2]
    assert result.visits["_id"].tolist() == [1, 2, 3]
    assert result.roster["_id"].unique().tolist() == [2]
    assert result.household["duration_min"].tolist() == [40.0]
    reasons = dict(zip(result.dropped["_id"], result.dropped["reason"], strict=True))
    assert reasons == {1: "household not met at this visit", 3: "no consent"}


def test_clean_household__flow_adds_up_wave_by_wave(register):
    rows = [
        submission(1, 1),
        submission(2, 2, visit_type="training"),
        submission(3, 1, visit_type="backcheck"),
        submission(4, 1, wave="w2"),
        submission(5, 3, wave="w2", visit_result="moved", consent=None),
    ]
    flow = clean(register, rows).flow
    for _, steps in flow.groupby("wave"):
        left = steps["remaining"].shift() - steps["dropped"]
        assert (steps["remaining"].iloc[1:] == left.iloc[1:]).all()
    last = flow.groupby("wave")["remaining"].last()
    assert last.to_dict() == {"w1": 1, "w2": 1}


def test_clean_household__backchecks_are_apart_and_without_phone(register):
    rows = [submission(1), submission(2, visit_type="backcheck", phone_recontact="0900000001")]
    result = clean(register, rows)
    assert result.backchecks["_id"].tolist() == [2]
    assert "phone_recontact" not in result.backchecks
    assert result.contacts.empty


def test_clean_household__form_sent_twice_keeps_the_first(register):
    first = submission(1)
    again = {
        **first,
        "_id": 2,
        "_uuid": "u2",
        "_submission_time": pd.Timestamp("2026-02-01", tz="UTC"),
    }
    result = clean(register, [again, first])
    assert result.household["_id"].tolist() == [1]
    assert result.dropped["reason"].tolist() == [SENT_TWICE]


def test_clean_household__same_answers_but_other_members_are_no_copy(register):
    first = submission(1)
    again = {**first, "_id": 2, "_uuid": "u2"}
    result = clean(register, [first, again], {1: ("male", 50), 2: ("male", 51)})
    assert SENT_TWICE not in result.dropped["reason"].tolist()
    assert result.dropped["reason"].tolist() == [TWO_UNDER_ONE_CODE]


def test_clean_household__two_under_one_code_keeps_the_head_seen_before(register):
    rows = [submission(1, wave="w1"), submission(2, wave="w2"), submission(3, wave="w2")]
    heads = {1: ("female", 61), 2: ("male", 40), 3: ("female", 61)}
    result = clean(register, rows, heads)
    assert result.household["_id"].tolist() == [1, 3]
    assert result.dropped[["_id", "reason"]].to_numpy().tolist() == [[2, TWO_UNDER_ONE_CODE]]
    assert 2 not in result.visits["_id"].tolist()


def test_clean_household__two_under_one_code_without_other_waves_keeps_the_earliest(register):
    rows = [submission(1), submission(2)]
    rows[1]["start"] = rows[0]["start"] - pd.Timedelta(hours=1)
    assert clean(register, rows).household["_id"].tolist() == [2]


def test_clean_household__codes_that_cannot_be_right_leave(register):
    rows = [
        submission(1, 1),
        submission(2, hhid="10291-T01-H002-5"),
        submission(3, hhid=code(3, "10291-T02")),
        submission(4, 4, team_id="10291-T09"),
        submission(5, 5, commune_code="10270"),
        submission(6, 6),
    ]
    sample = pd.DataFrame({"hhid": [code(1)], "team_id": ["10291-T01"], "commune_code": ["10291"]})
    result = clean(register, rows, sample=sample)
    assert result.household["_id"].tolist() == [1]
    reasons = dict(zip(result.dropped["_id"], result.dropped["reason"], strict=True))
    assert reasons[2] == "malformed household code"
    assert reasons[3] == reasons[4] == reasons[5] == "code, team and commune do not fit together"
    assert reasons[6] == NOT_IN_SAMPLE


def test_clean_household__without_sample_the_flow_says_so(register):
    assert any(
        "not held against the sample" in r for r in remaining(clean(register, [submission(1)]))
    )


def test_clean_household__personal_data_leave_the_rows(register):
    rows = [
        submission(1, comment="Ý kiến", phone_recontact="0900000001", gps_lat=20.7, gps_lon=105.9),
        submission(2, 2, phone_recontact="0900000002", gps_lat=20.8, consent_recontact="no",
                   consent_gps="no"),
    ]  # fmt: skip
    result = clean(register, rows)
    for column in ("comment", "phone_recontact", "gps_lat", "gps_lon", "deviceid", "_submitted_by"):
        assert column not in result.household
        assert column not in result.visits
    assert result.contacts.to_dict("records") == [
        {"_id": 1, "hhid": code(1), "wave": "w1", "variable": "phone_recontact",
         "value": "0900000001"}
    ]  # fmt: skip
    assert result.locations["_id"].tolist() == [1]
    assert result.free_text.to_numpy().tolist() == [[1, "comment", "Ý kiến"]]


def test_clean_household__text_is_composed_and_codes_are_text(register):
    result = clean(register, [submission(1, comment="Y\u0301 kie\u0302\u0301n")])
    assert result.free_text["text"].tolist() == ["\u00dd ki\u1ebfn"]
    types = result.household.dtypes.astype(str)
    assert set(types[["hhid", "wave", "team_id", "commune_code", "elec_method"]]) == {"str"}
    assert types["n_adults"] == "Int64"
    assert types["channels__tv"] == "boolean"


def test_clean_household__question_outside_the_register_is_refused(register):
    with pytest.raises(ContractError, match="register") as error:
        clean(register, [submission(1, nickname="x")])
    assert "nickname" in str(error.value)


def test_clean_household__empty_survey_is_refused(register):
    with pytest.raises(ContractError, match="no submissions"):
        clean_household(
            main_frame(submission(1)).iloc[:0], roster_frame({1: ("male", 50)}).iloc[:0],
            register=register, teams=TEAMS,
        )  # fmt: skip


def test_clean_household__only_refusals_gives_an_empty_household_table(register):
    result = clean(register, [submission(1, consent="no", refuse_reason="busy")])
    assert result.household.empty
    assert result.roster.empty
    assert len(result.visits) == 1


def test_clean_household__rejected_on_the_server_leaves(register):
    rows = [
        submission(1, _validation_status="validation_status_not_approved"),
        submission(2, 2, _validation_status="validation_status_approved"),
        submission(3, 3, _validation_status=None),
    ]
    assert clean(register, rows).household["_id"].tolist() == [2, 3]


def test_clean_household__does_not_change_what_it_is_given(register):
    main, roster = main_frame(submission(1), submission(2, 2)), roster_frame({1: ("male", 5)})
    before = main.copy(deep=True), roster.copy(deep=True)
    clean_household(main, roster, register=register, teams=TEAMS)
    pd.testing.assert_frame_equal(main, before[0])
    pd.testing.assert_frame_equal(roster, before[1])


def test_clean_household__order_of_rows_does_not_matter(register):
    rows = [submission(1), {**submission(1), "_id": 2}, submission(3), submission(4, 2)]
    heads = {row["_id"]: ("male", 50) for row in rows}
    one = clean(register, rows, heads).household.set_index("_id").sort_index()
    other = clean(register, rows[::-1], heads).household.set_index("_id").sort_index()
    pd.testing.assert_frame_equal(one, other)


def test_clean_household__a_team_listed_twice_is_refused(register):
    main, roster = main_frame(submission(1)), roster_frame({1: ("male", 50)})
    with pytest.raises(ContractError, match="stands twice"):
        clean_household(main, roster, register=register, teams=pd.concat([TEAMS, TEAMS]))


def test_clean_household__two_under_one_code_with_like_heads_asks_the_other_members(register):
    main = main_frame(submission(1, wave="w1"), submission(2, wave="w2"), submission(3, wave="w2"))
    roster = roster_frame({1: ("male", 50), 2: ("male", 50), 3: ("male", 51)})
    roster.loc[(roster["_id"] == 2) & (roster["roster_no"] == 2), "m_age"] = 40
    result = clean_household(main, roster, register=register, teams=TEAMS)
    assert result.household["_id"].tolist() == [1, 3]


def test_clean_household__rows_of_another_form_are_refused_by_their_questions(register):
    rows = [submission(1), submission(2, 2, hh_visited=12, class_people=3)]
    with pytest.raises(ContractError, match="register does not know") as error:
        clean(register, rows)
    assert "class_people, hh_visited" in str(error.value)
    assert "another form" in str(error.value)


def test_clean_household__rows_without_a_wave_leave_with_a_reason(register):
    result = clean(register, [submission(1), submission(2, 2, wave=None)])
    assert result.household["_id"].tolist() == [1]
    assert result.dropped[["_id", "wave", "reason"]].to_numpy().tolist() == [
        [2, "?", "no wave given"]
    ]
    assert remaining(result, "?")["no consent"] == 0


def test_clean_household__misfits_of_the_pull_are_flagged(register):
    misfits = pd.DataFrame(
        {"table": "main", "_id": [1], "positions": "", "variable": "hh_size", "path": "main/c_roster/hh_size",
         "value": "hai", "kind": "type"}
    )  # fmt: skip
    result = clean(register, [submission(1, hh_size=None)], misfits=misfits)
    assert result.problems[["check", "wave", "row_id", "variable"]].to_numpy().tolist() == [
        ["answer_unreadable", "w1", 1, "hh_size"]
    ]
