import pandas as pd
import pytest
from clean_frames import TEAMS, code, main_frame, roster_frame, submission

from survey_tools.clean import clean_household
from survey_tools.errors import ContractError

COLUMNS = ["form", "row_id", "variable", "old_value", "action", "new_value", "reason", "decided_by",
           "decided_on"]  # fmt: skip


def lines(*rows):
    full = [(*row, "checked on the card", "TL", "2026-02-01") for row in rows]
    return pd.DataFrame(full, columns=COLUMNS, dtype="str")


def clean(register, corrections, *rows):
    rows = rows or (submission(1), submission(2, 2))
    roster = roster_frame({row["_id"]: ("male", 50) for row in rows})
    return clean_household(
        main_frame(*rows), roster, register=register, teams=TEAMS, corrections=corrections
    )


def refused(register, *rows):
    with pytest.raises(ContractError) as error:
        clean(register, lines(*rows))
    return str(error.value)


def test_apply_corrections__replaces_text_number_boolean_and_member(register):
    table = lines(
        ("household", "1", "elec_method", "bankapp", "replace", "ewallet"),
        ("household", "1", "hh_size", "2", "replace", "3"),
        ("household", "1", "channels__tv", "true", "replace", "false"),
        ("household", "1", "m_age[2]", "12", "replace", "13"),
        ("household", "2", "hhid", code(2), "replace", code(9)),
    )
    result = clean(register, table)
    first = result.household.set_index("_id").loc[1]
    assert (first["elec_method"], first["hh_size"], first["channels__tv"]) == ("ewallet", 3, False)
    assert result.roster.loc[result.roster["_id"] == 1, "m_age"].tolist() == [50, 13]
    assert result.household["hhid"].tolist() == [code(1), code(9)]


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


def test_apply_corrections__other_forms_lines_are_not_applied(register):
    table = lines(("team_log", "1", "hh_size", "2", "replace", "3"))
    assert clean(register, table).household["hh_size"].tolist() == [2, 2]


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
        (("household", "1", "m_age[9]", "2", "okay", ""), "not there"),
        (("household", "1", "hh_size", "2", "amend", "3"), "action"),
        (("household", "one", "hh_size", "2", "okay", ""), "no submission"),
        (("household", "1", "", "", "okay", ""), "no variable"),
        (("household", "1", "hh_size", "2", "replace", "three"), "new value"),
        (("household", "1", "comment", "", "replace", "x"), "Personal data"),
        (("household", "1", "phone_recontact", "", "okay", ""), "Personal data"),
    ],
)
def test_apply_corrections__a_wrong_line_is_named(register, row, part):
    message = refused(register, row)
    assert part in message
    assert "corrections.csv, line 2" in message
