"""Answers held against the register: flagged, missing from then on, and never a row less."""

import dataclasses

import pandas as pd
import pytest
from clean_frames import TEAMS, main_frame, roster_frame, submission

from survey_tools import contracts
from survey_tools.clean import clean_household
from survey_tools.clean.answers.held import hold_answers, validate_held
from survey_tools.clean.corrections.read import Correction
from survey_tools.errors import ContractError
from survey_tools.register import Register


def okay(row_id, variable, old):
    return Correction("params/corrections.csv", 2, "household", row_id, "w1", variable, old, "okay",
                      "", "2026-02-01")  # fmt: skip


def frame(**columns):
    table = pd.DataFrame(columns)
    return table.assign(_id=range(1, len(table) + 1))


def cells(problems):
    return problems[["check", "row_id", "variable"]].to_numpy().tolist()


def clean(register, *rows, **options):
    people = roster_frame({row["_id"]: ("male", 50) for row in rows})
    return clean_household(
        main_frame(*rows), options.pop("roster", people), register=register, teams=TEAMS, **options
    )


def test_hold_answers__an_unknown_code_is_missing_and_flagged(register):
    answers = frame(elec_method=pd.Series(["bankapp", "bitcoin", None], dtype="str"))
    held = hold_answers(answers, register)
    assert held.frame["elec_method"].isna().tolist() == [False, True, True]
    assert cells(held.problems) == [["choice_unknown", 2, "elec_method"]]
    assert not held.problems["message"].str.contains("bitcoin").any()
    assert answers["elec_method"].tolist()[1] == "bitcoin"
    contracts.validate(held.problems, "problems")


def test_hold_answers__of_several_choices_only_the_unknown_one_leaves(register):
    ticks = {
        "channels__tv": pd.array([True, False, None], dtype="boolean"),
        "channels__pigeon": pd.array([True, True, None], dtype="boolean"),
    }
    held = hold_answers(frame(**ticks), register)
    assert held.frame.columns.tolist() == ["channels__tv", "_id"]
    assert held.frame["channels__tv"].tolist() == [True, False, pd.NA]
    assert cells(held.problems) == [
        ["choice_unknown", 1, "channels"],
        ["choice_unknown", 2, "channels"],
    ]


@pytest.mark.parametrize(
    ("column", "values", "check"),
    [
        ("hh_size", pd.array([0, 1, 20, 21, None], dtype="Int64"), "answer_outside_limits"),
        ("enumerator_id", pd.array(["E7", "E07", "E99", "Bà Hạnh", None], dtype="str"),
         "answer_malformed"),
    ],
)  # fmt: skip
def test_hold_answers__limits_are_held_at_both_ends_and_patterns_whole(
    register, column, values, check
):
    held = hold_answers(frame(**{column: values}), register)
    assert held.frame[column].isna().tolist() == [True, False, False, True, True]
    assert cells(held.problems) == [[check, 1, column], [check, 4, column]]
    assert not held.problems["message"].str.contains("Hạnh").any()


def test_hold_answers__a_member_is_named_with_its_line(register):
    people = frame(m_age=pd.array([130, 5], dtype="Int64"), roster_no=[1, 2])
    held = hold_answers(people, register, keys=("roster_no",))
    assert cells(held.problems) == [["answer_outside_limits", 1, "m_age[1]"]]
    assert held.frame["m_age"].tolist() == [pd.NA, 5]


def test_hold_answers__what_a_correction_confirms_stays(register):
    main = frame(hh_size=pd.array([25, 26], dtype="Int64"))
    held = hold_answers(main, register, corrections=(okay(1, "hh_size", "25"),))
    assert held.frame["hh_size"].tolist() == [25, pd.NA]
    assert cells(held.problems) == [["answer_outside_limits", 2, "hh_size"]]
    assert validate_held(held, held.frame, "household", register) is held.frame
    people = frame(m_age=pd.array([118, 119], dtype="Int64"), roster_no=[1, 2]).assign(_id=7)
    held = hold_answers(
        people, register, keys=("roster_no",), corrections=(okay(7, "m_age[2]", "119"),)
    )
    assert held.frame["m_age"].tolist() == [pd.NA, 119]


def test_hold_answers__nobody_can_confirm_a_choice_that_does_not_exist(register):
    main = frame(elec_method=pd.Series(["bitcoin"], dtype="str"))
    held = hold_answers(main, register, corrections=(okay(1, "elec_method", "bitcoin"),))
    assert held.frame["elec_method"].isna().all()
    assert cells(held.problems) == [["choice_unknown", 1, "elec_method"]]


def test_hold_answers__leaves_what_a_later_step_judges(register):
    codes = frame(team_id=pd.Series(["10291-T99"], dtype="str"))
    assert hold_answers(codes, register, judged=("team_id",)).problems.empty
    assert cells(hold_answers(codes, register).problems) == [["choice_unknown", 1, "team_id"]]


def test_hold_answers__a_phone_number_is_flagged_and_stays_for_the_private_folder(register):
    phones = frame(phone_recontact=pd.Series(["+84300000001", "0300000001"], dtype="str"))
    held = hold_answers(phones, register)
    assert held.frame["phone_recontact"].tolist() == phones["phone_recontact"].tolist()
    assert cells(held.problems) == [["answer_malformed", 1, "phone_recontact"]]


@pytest.mark.parametrize(
    ("column", "values", "part"),
    [
        ("hh_size", pd.array(["2"], dtype="str"), "hh_size: whole numbers"),
        ("hh_size", pd.array([2.5], dtype="Float64"), "hh_size: whole numbers"),
        ("elec_method", pd.array([3], dtype="Int64"), "elec_method: text"),
        ("channels__tv", pd.array(["yes"], dtype="str"), "channels__tv: true or false"),
        ("today", pd.array(["2026-01-02"], dtype="str"), "today: dates"),
        ("visit", pd.array(["x"], dtype="str"), "visit: column_in_schema"),
    ],
)
def test_validate_held__another_type_or_column_stops(register, column, values, part):
    held = hold_answers(frame(**{column: values}), register)
    with pytest.raises(ContractError, match=part) as error:
        validate_held(held, held.frame, "household", register)
    assert "params/register/" in str(error.value)


def test_clean_household__a_choice_never_seen_before_stops_nothing(register):
    rows = [submission(1, elec_method="bitcoin", channels__pigeon=True), submission(2, 2)]
    result = clean(register, *rows)
    assert result.household["_id"].tolist() == [1, 2]
    assert result.household["elec_method"].isna().tolist() == [True, False]
    assert "channels__pigeon" not in result.household
    assert result.problems[["check", "wave", "enumerator_id", "row_id", "variable"]].to_numpy().tolist() == [
        ["choice_unknown", "w1", "E01", 1, "channels"],
        ["choice_unknown", "w1", "E01", 1, "elec_method"],
    ]  # fmt: skip
    contracts.validate(result.problems, "problems")


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"wave": "w9"}, "no wave given"),
        ({"visit_type": "rehearsal"}, "training or pilot form, or no form type given"),
        ({"visit_result": "maybe"}, "household not met at this visit"),
        ({"consent": "perhaps"}, "no consent"),
    ],
)
def test_clean_household__an_unknown_code_of_a_step_drops_the_row_and_says_so(
    register, answers, reason
):
    result = clean(register, submission(1), submission(2, 2, **answers))
    assert result.household["_id"].tolist() == [1]
    assert result.dropped[["_id", "reason"]].to_numpy().tolist() == [[2, reason]]
    assert cells(result.problems) == [["choice_unknown", 2, next(iter(answers))]]


def test_clean_household__members_are_located_by_their_submission(register):
    people = roster_frame({1: ("male", 130)})
    problems = clean(register, submission(1), roster=people).problems
    assert problems[["check", "wave", "team_id", "row_id", "variable"]].to_numpy().tolist() == [
        ["answer_outside_limits", "w1", "10291-T01", 1, "m_age[1]"]
    ]


def test_clean_household__a_team_that_the_register_lacks_stops_and_is_no_fault_of_the_row(register):
    known = register["team_id"]
    fewer = "|".join(code for code in known.codes if code != "10291-T01")
    less = Register({**register.questions, "team_id": dataclasses.replace(known, values=fewer)})
    with pytest.raises(ContractError, match="team_id: a code of the register"):
        clean(less, submission(1))


def test_clean_household__members_lose_their_personal_data_too(register):
    names = dataclasses.replace(register["m_rel"], name="m_name", path="x/m_name", type="text",
                                values="", personal_data="direct_identifier")  # fmt: skip
    seen = dataclasses.replace(names, name="m_seen", path="x/m_seen", personal_data="free_text")
    wider = Register({**register.questions, "m_name": names, "m_seen": seen})
    people = roster_frame({1: ("male", 50)}).assign(m_name="Bà Hạnh", m_seen="ốm")
    result = clean(wider, submission(1), roster=people)
    assert {"m_name", "m_seen"}.isdisjoint(result.roster.columns)
    assert result.free_text["text"].tolist() == ["ốm", "ốm"]
    assert result.contacts.empty
