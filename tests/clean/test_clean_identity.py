"""Duplicates are reported, decided and settled; a code stands for one household; who is unmatched."""

import stat

import pandas as pd
import pytest
from clean_frames import TEAMS, code, main_frame, roster_frame, submission

from survey_tools import contracts
from survey_tools.clean import (
    DUPLICATES,
    NOT_IN_SAMPLE,
    check_identity,
    clean_household,
    identity,
    read_duplicates,
    unmatched,
    write_duplicates,
)
from survey_tools.errors import ContractError

DECIDED = {"decided_by": "TL", "decided_on": "2026-02-01", "reason": "checked on the card"}


def rivals():
    """Two interviews (2, 3) under one code in w2; the rule keeps 3, whose head was met in w1."""
    rows = [submission(1, wave="w1"), submission(2, wave="w2"), submission(3, wave="w2")]
    return rows, {1: ("female", 61), 2: ("male", 40), 3: ("female", 61)}


def clean(register, rows, heads, decisions=()):
    return clean_household(
        main_frame(*rows), roster_frame(heads), register=register, teams=TEAMS, decisions=decisions
    )


def decide(path, **decisions):
    """Write decisions (row_2="keep") into the report as a person would."""
    rows = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    for name, decision in decisions.items():
        line = rows["row_id"] == name.removeprefix("row_")
        rows.loc[line, ["decision", *DECIDED]] = [decision, *DECIDED.values()]
    rows.to_csv(path, index=False, encoding="utf-8-sig")


@pytest.fixture
def report(register, tmp_path):
    path = tmp_path / DUPLICATES
    write_duplicates(path, clean(register, *rivals()).duplicate_report)
    return path


def test_write_duplicates__names_rows_and_questions_and_no_answer(report):
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    rows = pd.read_csv(report, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    assert rows[["group", "row_id", "rule", "decision"]].to_numpy().tolist() == [
        ["2+3", "2", "drop", ""],
        ["2+3", "3", "keep", ""],
    ]
    assert "start" in rows["differs"].iloc[0]
    assert "bankapp" not in report.read_text(encoding="utf-8")


def test_clean_household__without_a_decision_the_rule_holds_and_is_listed(register):
    result = clean(register, *rivals())
    assert result.household["_id"].tolist() == [1, 3]
    table = contracts.validate(result.duplicates, "duplicates")
    assert table[["row_id", "settled", "settled_by"]].to_numpy().tolist() == [
        [2, "drop", "rule"],
        [3, "keep", "rule"],
    ]
    assert "hhid" not in table


@pytest.mark.parametrize("decided", [{"row_2": "keep"}, {"row_3": "drop"},
                                     {"row_2": "keep", "row_3": "drop"}])  # fmt: skip
def test_clean_household__a_decision_goes_before_the_rule(register, report, decided):
    decide(report, **decided)
    result = clean(register, *rivals(), read_duplicates(report))
    assert result.household["_id"].tolist() == [1, 2]
    assert set(result.duplicates["settled_by"]) == {"decision"}


def test_clean_household__both_can_be_dropped_but_not_both_kept(register, report):
    decide(report, row_2="drop", row_3="drop")
    assert clean(register, *rivals(), read_duplicates(report)).household["_id"].tolist() == [1]
    decide(report, row_2="keep", row_3="keep")
    with pytest.raises(ContractError, match="leave one row"):
        clean(register, *rivals(), read_duplicates(report))


def test_clean_household__a_decision_about_another_group_is_refused(register, report):
    decide(report, row_2="keep")
    decisions = read_duplicates(report)
    rows, heads = rivals()
    with pytest.raises(ContractError, match="no longer fits") as error:
        clean(register, [*rows, submission(4, wave="w2")], heads | {4: ("male", 9)}, decisions)
    assert "line 2" in str(error.value)
    with pytest.raises(ContractError, match="no longer fits"):
        clean(register, rows[:2], heads, decisions)


def test_clean_household__of_copies_a_person_may_keep_the_later(register, tmp_path):
    first = submission(1)
    rows = [first, {**first, "_id": 2, "_uuid": "u2"}]
    heads = dict.fromkeys((1, 2), ("male", 50))
    path = write_duplicates(tmp_path / DUPLICATES, clean(register, rows, heads).duplicate_report)
    decide(path, row_2="keep")
    assert clean(register, rows, heads, read_duplicates(path)).household["_id"].tolist() == [2]


def test_clean_household__two_pairs_of_copies_of_one_code_and_time_are_two_groups(register):
    first = submission(1)
    rows = [first, {**first, "_id": 2}, {**first, "_id": 3, "elec_method": "ewallet"},
            {**first, "_id": 4, "elec_method": "ewallet"}]  # fmt: skip
    result = clean(register, rows, dict.fromkeys((1, 2, 3, 4), ("male", 50)))
    copies = result.duplicates.loc[result.duplicates["kind"] == "same form sent twice"]
    assert set(copies["group"]) == {"1+2", "3+4"}
    assert result.household["_id"].tolist() == [1]


def test_write_duplicates__again_keeps_what_was_decided(register, report):
    decide(report, row_2="keep")
    decisions = read_duplicates(report)
    write_duplicates(report, clean(register, *rivals(), decisions).duplicate_report)
    assert read_duplicates(report) == decisions
    write_duplicates(report, clean(register, [submission(1)], {1: ("male", 5)}).duplicate_report)
    assert [d.row_id for d in read_duplicates(report)] == [2]


def test_read_duplicates__a_file_saved_with_semicolons_is_read(report):
    decide(report, row_2="keep")
    rows = pd.read_csv(report, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    rows.to_csv(report, index=False, sep=";", encoding="utf-8-sig")
    assert [d.row_id for d in read_duplicates(report)] == [2]


def test_read_duplicates__a_day_that_a_spreadsheet_turned_round_says_how_to_write_it(report):
    decide(report, row_2="keep")
    rows = pd.read_csv(report, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    rows.loc[0, "decided_on"] = "01/02/2026"
    rows.to_csv(report, index=False, sep=";", lineterminator="\r\n")
    with pytest.raises(ContractError, match="its day") as error:
        read_duplicates(report)
    assert "'2026-02-01" in str(error.value)


def test_read_duplicates__empty_rows_and_capitals_are_no_trouble(report):
    decide(report, row_2="Keep")
    text = report.read_text(encoding="utf-8-sig")
    report.write_text(text + "," * 14 + "\r\n\r\n", encoding="utf-8-sig")
    assert [(d.line, d.row_id, d.decision) for d in read_duplicates(report)] == [(2, 2, "keep")]


def test_write_duplicates__no_group_looks_like_a_day_to_a_spreadsheet(report):
    rows = pd.read_csv(report, dtype=str, encoding="utf-8-sig")
    assert not rows["group"].str.contains(r"^\d+[-/.]\d+").any()


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"decision": "both"}, "unknown"),
        ({"decided_by": ""}, "who decided"),
        ({"reason": ""}, "who decided"),
        ({"decided_on": "1/2/2026"}, "its day"),
    ],
)
def test_read_duplicates__a_line_that_is_not_whole_is_named(report, change, part):
    decide(report, row_3="keep")
    rows = pd.read_csv(report, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    rows.loc[1, list(change)] = list(change.values())
    rows.to_csv(report, index=False)
    with pytest.raises(ContractError, match=part) as error:
        read_duplicates(report)
    assert "line 3" in str(error.value)


def test_read_duplicates__no_file_no_decisions(tmp_path):
    assert read_duplicates(tmp_path / DUPLICATES) == ()


def people(_id, *members):
    """Members: (relation, sex, age)."""
    rows = [(_id, k, *one) for k, one in enumerate(members, start=1)]
    frame = pd.DataFrame(rows, columns=["_id", "roster_no", "m_rel", "m_sex", "m_age"])
    return frame.astype({"m_age": "Int64"})


def waves(*later):
    household = pd.DataFrame(
        {"_id": [1, 2], "hhid": code(1), "wave": ["w1", "w2"], "team_id": "10291-T01",
         "enumerator_id": "E01",
         "start": pd.to_datetime(["2026-01-15", "2027-01-15"], utc=True)}
    )  # fmt: skip
    first = people(1, ("head", "male", 60), ("spouse", "female", 58), ("child", "male", 30))
    return identity(household, pd.concat([first, people(2, *later)]))


@pytest.mark.parametrize(
    ("later", "status"),
    [
        ([("head", "male", 61), ("spouse", "female", 59)], "same"),
        ([("head", "male", 63)], "same"),
        ([("head", "female", 59), ("child", "male", 31)], "head_changed"),
        ([("head", "male", 35), ("spouse", "female", 30)], "another_household"),
        ([("head", None, 61), ("other", "female", 20)], "cannot_tell"),
        ([("head", None, 61), ("spouse", "female", 59), ("child", "male", 31)], "head_changed"),
    ],
)
def test_identity__head_first_then_the_other_members(later, status):
    table = contracts.validate(waves(*later), "identity")
    assert table["status"].tolist() == [status]
    assert table["wave_before"].tolist() == ["w1"]


def test_identity__measures_the_gap_from_the_age_expected():
    row = waves(("head", "male", 64), ("spouse", "female", 59)).iloc[0]
    assert row["age_gap"] == pytest.approx(3, abs=0.01)
    assert row["members_agree"] == pytest.approx(2 / 5)


def test_check_identity__too_many_others_stop_the_run_and_name_nobody():
    table = waves(("head", "male", 20))
    check_identity(table, allowed=1.0)
    with pytest.raises(ContractError, match="another household") as error:
        check_identity(table, allowed=0.05)
    assert "-H" not in str(error.value)


def test_unmatched__drawn_never_met_and_met_not_drawn(register):
    rows = [submission(1, 1), submission(2, 2, visit_result="absent", consent=None),
            submission(3, 9)]  # fmt: skip
    sample = pd.DataFrame({"hhid": [code(1), code(2), code(3)], "team_id": "10291-T01"})
    result = clean_household(
        main_frame(*rows), roster_frame({1: ("male", 50)}), register=register, teams=TEAMS,
        sample=sample,
    )  # fmt: skip
    table = unmatched(result.visits, sample, result.dropped, NOT_IN_SAMPLE)
    contracts.validate(table, "unmatched")
    assert table.astype(object).where(table.notna(), None).to_numpy().tolist() == [
        ["drawn_never_met", None, code(2), None, "10291-T01"],
        ["drawn_not_visited", None, code(3), None, "10291-T01"],
        ["met_not_drawn", "w1", None, 3, "10291-T01"],
    ]
