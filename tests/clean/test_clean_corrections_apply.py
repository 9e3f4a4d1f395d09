"""Corrections change what they name and nothing else, and what does not fit is refused by its line."""

import pandas as pd
import pytest
from clean_frames import TEAMS, code, main_frame, roster_frame, submission
from corrections_frames import clean, lines, refused

from survey_tools.clean import clean_household
from survey_tools.clean.corrections.read import PRIVATE_FILE
from survey_tools.clean.corrections.values import stands


def test_apply_corrections__replaces_text_number_boolean_and_member(register):
    table = lines(
        ("household", "1", "elec_method", "bankapp", "replace", "ewallet"),
        ("household", "1", "hh_size", "2", "replace", "3"),
        ("household", "1", "channels__tv", "true", "replace", "false"),
        ("household", "1", "m_age[2]", "12", "replace", "13"),
    )
    result = clean(register, table)
    first = result.household.set_index("_id").loc[1]
    assert (first["elec_method"], first["hh_size"], first["channels__tv"]) == ("ewallet", 3, False)
    assert result.roster.loc[result.roster["_id"] == 1, "m_age"].tolist() == [50, 13]


def test_apply_corrections__leaves_the_pulled_frames_alone(register):
    rows = main_frame(submission(1))
    roster = roster_frame({1: ("male", 50)})
    before = rows.copy(), roster.copy()
    table = lines(
        ("household", "1", "hh_size", "2", "replace", "3"),
        ("household", "1", "m_age[2]", "12", "replace", "13"),
    )
    clean_household(rows, roster, register=register, teams=TEAMS, corrections=table)
    pd.testing.assert_frame_equal(rows, before[0])
    pd.testing.assert_frame_equal(roster, before[1])


def test_apply_corrections__a_household_code_stands_in_the_private_file_only(register):
    row = ("household", "2", "hhid", code(2), "replace", code(9))
    result = clean(register, lines(row, file=PRIVATE_FILE))
    assert result.household["hhid"].tolist() == [code(1), code(9)]
    log = result.corrections
    assert log[["old_value", "new_value"]].isna().all(axis=None)
    message = refused(register, row)
    assert PRIVATE_FILE in message
    assert code(9) not in message


def test_apply_corrections__blank_stands_for_missing(register):
    table = lines(
        ("household", "1", "refuse_reason", "", "okay", ""),
        ("household", "1", "elec_method", "bankapp", "replace", ""),
        ("household", "1", "hh_size", "2", "replace", ""),
    )
    household = clean(register, table).household
    assert household[["elec_method", "hh_size"]].isna().to_numpy().tolist() == [
        [True] * 2,
        [False] * 2,
    ]


def test_apply_corrections__drop_is_counted_in_the_flow(register):
    result = clean(register, lines(("household", "2", "", "", "drop", "")))
    assert result.household["_id"].tolist() == [1]
    step = result.flow.loc[result.flow["reason"] == "dropped by a documented correction"]
    assert step[["dropped", "remaining"]].to_numpy().tolist() == [[1, 1]]


def test_apply_corrections__a_second_line_builds_on_the_first(register):
    table = lines(
        ("household", "1", "hh_size", "2", "replace", "3"),
        ("household", "1", "hh_size", "3", "replace", "4"),
    )
    assert clean(register, table).household["hh_size"].tolist() == [4, 2]


def test_apply_corrections__without_its_line_the_answer_is_another(register):
    table = lines(("household", "1", "hh_size", "2", "replace", "3"))
    assert clean(register, table).household["hh_size"].tolist() == [3, 2]
    assert clean(register, table.iloc[:0]).household["hh_size"].tolist() == [2, 2]


def test_apply_corrections__a_wave_that_was_left_blank_can_be_given(register):
    rows = (submission(1), submission(2, 2, wave=None))
    table = lines(("household", "2", "wave", "", "replace", "w1"), wave="")
    assert clean(register, table, *rows).household["_id"].tolist() == [1, 2]


def test_apply_corrections__old_value_must_stand_there(register):
    good = ("household", "1", "hh_size", "2", "okay", "")
    message = refused(register, good, ("household", "1", "hh_size", "9", "replace", "3"))
    assert "line 3" in message
    assert "old value" in message


@pytest.mark.parametrize(
    ("row", "part"),
    [
        (("household", "77", "hh_size", "2", "okay", ""), "not there"),
        (("household", "1", "no_such", "2", "okay", ""), "not there"),
        (("household", "1", "_uuid", "u1", "replace", "u2"), "not there"),
        (("household", "1", "m_age[9]", "2", "okay", ""), "not there"),
        (("household", "1", "hh_size", "2", "amend", "3"), "action"),
        (("household", "1", "hh_size", "2", "replace", "2"), "by itself"),
        (("household", "1", "hh_size", "2", "replace", "2.0"), "by itself"),
        (("household", "1", "hh_size", "2", "okay", "3"), "new value"),
        (("household", "one", "hh_size", "2", "okay", ""), "no submission"),
        (("household", "1", "", "", "okay", ""), "no variable"),
        (("household", "1", "hh_size", "2", "replace", "three"), "new value"),
        (("household", "1", "comment", "", "replace", "x"), "Personal data"),
        (("household", "1", "phone_recontact", "", "okay", ""), "Personal data"),
        (("houshold", "1", "hh_size", "2", "okay", ""), "no known form"),
    ],
)
def test_apply_corrections__a_wrong_line_is_named(register, row, part):
    message = refused(register, row)
    assert part in message
    assert "corrections.csv, line 2" in message


def test_apply_corrections__a_chain_ends_where_it_leads_and_out_of_order_is_refused(register):
    chain = [
        ("household", "1", "elec_method", "bankapp", "replace", "agent"),
        ("household", "1", "elec_method", "agent", "replace", "ewallet"),
        ("household", "1", "elec_method", "ewallet", "okay", ""),
    ]
    assert clean(register, lines(*chain)).household["elec_method"].tolist() == [
        "ewallet",
        "bankapp",
    ]
    assert "old value" in refused(register, chain[1], chain[0])


def test_apply_corrections__a_cell_corrected_twice_from_the_same_value_is_refused(register):
    one = ("household", "1", "hh_size", "2", "replace", "3")
    assert "line 3" in refused(register, one, ("household", "1", "hh_size", "2", "replace", "4"))


@pytest.mark.parametrize("first", ["drop", "replace"])
def test_apply_corrections__drop_and_replace_of_one_row_are_both_logged(register, first):
    both = {
        "drop": ("household", "2", "", "", "drop", ""),
        "replace": ("household", "2", "hh_size", "2", "replace", "3"),
    }
    order = [both.pop(first), *both.values()]
    result = clean(register, lines(*order))
    assert result.household["_id"].tolist() == [1]
    said = dict(zip(result.corrections["action"], result.corrections["status"], strict=True))
    assert said == {"drop": "row dropped", "replace": "replaced; another line drops the row"}


@pytest.mark.parametrize(
    ("variable", "old", "new", "value"),
    [
        ("channels__tv", "TRUE", "FALSE", False),
        ("channels__none", "false", "true", True),
        ("today", "2026-01-15", "2026-01-14", pd.Timestamp("2026-01-14")),
        ("start", "2026-01-15T08:01:00Z", "2026-01-15T15:30:00+07:00",
         pd.Timestamp("2026-01-15T08:30:00Z")),
        ("start", "2026-01-15T15:01:00+07:00", "2026-01-15 08:30:00+00:00",
         pd.Timestamp("2026-01-15T08:30:00Z")),
        ("hh_size", "2", "1 0", None),
        ("hh_size", "2.0", "10.0", 10),
        ("n_adults", "2", "3", 3),
        ("wave", "w1", "w2", "w2"),
    ],
)  # fmt: skip
def test_apply_corrections__values_are_read_as_their_column_is_typed(
    register, variable, old, new, value
):
    row = ("household", "1", variable, old, "replace", new)
    if value is None:
        assert "none that its question can have" in refused(register, row)
    else:
        assert clean(register, lines(row)).household.loc[0, variable] == value


@pytest.mark.parametrize(
    ("variable", "old", "new", "expected"),
    [
        ("today", "2026-01-15", "14/01/2026", "a day such as 2026-03-04"),
        ("start", "2026-01-15T08:01:00Z", "2026-01-15T08:30:00", "distance from UTC"),
        ("channels__tv", "true", "yes", "true or false"),
        ("hh_size", "2", "2,5", "a whole number"),
        ("hh_size", "2", "25", "within 1..20"),
        ("hh_size", "2", "1_0", "a whole number"),
        ("hh_size", "2", "²", "a whole number"),
        ("elec_method", "bankapp", "bitcoin", "one of "),
        ("enumerator_id", "E01", "E7", "like ^E"),
    ],
)
def test_apply_corrections__a_new_value_that_does_not_fit_says_what_would(
    register, variable, old, new, expected
):
    message = refused(register, ("household", "1", variable, old, "replace", new))
    assert expected in message
    assert new not in message


@pytest.mark.parametrize(
    ("variable", "old"),
    [("today", "15/01/2026"), ("today", "01/15/2026"), ("start", "2026-01-15T15:01:00"),
     ("hh_size", "3"), ("elec_method", "BANKAPP"), ("channels__tv", "1")],
)  # fmt: skip
def test_apply_corrections__an_old_value_is_matched_exactly_also_where_it_is_confirmed(
    register, variable, old
):
    for action, new in (("okay", ""), ("replace", "")):
        assert "old value" in refused(register, ("household", "1", variable, old, action, new))


def test_apply_corrections__thousands_in_a_number_are_read(register):
    rows = (submission(1, buy_amount=1500), submission(2, 2, buy_amount=1500000))
    table = lines(
        ("household", "1", "buy_amount", "1.500", "replace", "2.500"),
        ("household", "2", "buy_amount", "1.500.000", "replace", "1 500"),
    )
    assert clean(register, table, *rows).household["buy_amount"].tolist() == [2500, 1500]


def test_stands__codes_that_look_like_numbers_are_text():
    assert stands("01", "01")
    assert not stands("01", "1")
    assert not stands("1", "1.0")


def test_apply_corrections__an_old_value_is_shown_only_of_harmless_questions(register):
    assert "elec_method = cash" in refused(
        register, ("household", "1", "elec_method", "cash", "replace", "ewallet")
    )
    hidden = ("household", "1", "hhid", code(7), "replace", code(8))
    assert code(7) not in refused(register, hidden, file=PRIVATE_FILE)


def test_apply_corrections__a_correction_answers_the_flag(register):
    rows = (submission(1, elec_method="bitcoin", hh_size=25), submission(2, 2, hh_size=26))
    table = lines(
        ("household", "1", "elec_method", "bitcoin", "replace", "bankapp"),
        ("household", "1", "hh_size", "25", "okay", ""),
    )
    result = clean(register, table, *rows)
    assert result.household["hh_size"].tolist() == [25, pd.NA]
    assert result.problems[["check", "row_id"]].to_numpy().tolist() == [
        ["answer_outside_limits", 2]
    ]
    misfits = pd.DataFrame(
        {"table": "main", "_id": [1, 2], "positions": "", "variable": "buy_amount", "path": "x/buy_amount",
         "value": "hai", "kind": "type"}
    )  # fmt: skip
    rows = tuple(submission(n, n, buy_amount=None) for n in (1, 2))
    table = lines(("household", "1", "buy_amount", "", "replace", "200"))
    people = roster_frame({1: ("male", 50), 2: ("male", 50)})
    result = clean_household(main_frame(*rows), people, register=register, teams=TEAMS,
                             corrections=table, misfits=misfits)  # fmt: skip
    assert result.problems[["check", "row_id"]].to_numpy().tolist() == [["answer_unreadable", 2]]
