"""Running the checks, and those on codes, duplicates and identity: what is flagged and what is not."""

from __future__ import annotations

import pandas as pd
import pytest
from check_frames import TEAM, fieldwork, found, household, roster, rows_of, visits
from clean_frames import code

from survey_tools.clean import CHECKS, field_checks, run_checks
from survey_tools.clean.checks import usual_rules
from survey_tools.clean.household_ids.settle import ONE_CODE, TWICE
from survey_tools.errors import ContractError
from survey_tools.params import CheckSettings


def dropped(reason, _id=7, form="household"):
    return pd.DataFrame({"_id": [_id], "wave": "w1", "team_id": TEAM, "enumerator_id": "E01",
                         "reason": [reason], "form": form})  # fmt: skip


def duplicates(kind, settled_by="rule"):
    return pd.DataFrame(
        {"group": "1-2", "kind": kind, "row_id": [1, 2], "wave": "w1", "team_id": TEAM,
         "enumerator_id": "E01", "settled": ["keep", "drop"], "settled_by": settled_by}
    )  # fmt: skip


def test_checks__each_has_a_switch_and_each_switch_a_check():
    assert set(CheckSettings.model_fields) - {"zone"} == set(CHECKS)


def test_run_checks__usual_interviews_give_no_flags():
    frame = household({"_id": 1}, {"_id": 2, "wave": "w2", "number": 1})
    assert run_checks(fieldwork(frame)).flags.empty


def test_run_checks__says_why_a_check_did_not_run():
    work = fieldwork(household({"_id": 1}), rules={"gps_far": {"use": False}})
    skipped = run_checks(work).skipped
    assert skipped["gps_far"] == "off"
    assert skipped["group_time"] == "times"
    assert skipped["form_version"] == "versions"
    assert "short_interview" not in skipped


def test_run_checks__a_lacking_column_is_named():
    frame = household({"_id": 1}).drop(columns="end")
    assert run_checks(fieldwork(frame)).skipped["overlap"] == "household.end"


def test_run_checks__a_check_that_is_off_flags_nothing():
    frame = household({"_id": 1, "minutes": 3.0})
    assert rows_of(fieldwork(frame), "short_interview") == [1]
    off = fieldwork(frame, rules={"short_interview": {"use": False}})
    assert rows_of(off, "short_interview") == []


def test_run_checks__questions_that_do_not_exist_are_named():
    rules = {"required": {"variables": ("sk_app", "sk_ap")}, "outlier": {"variables": ("sk_app",)}}
    unknown = run_checks(fieldwork(household({"_id": 1}), rules=rules)).unknown
    assert unknown == {"required": "sk_ap", "outlier": "sk_app"}


def test_fieldwork__a_table_that_is_not_there_is_asked_for_by_name():
    with pytest.raises(ContractError, match="lacks a table"):
        fieldwork(household({"_id": 1})).given("times")


def test_field_checks__takes_tables_alone():
    frame = household({"_id": 1, "minutes": 3.0})
    flags = field_checks(frame, visits(frame), roster(frame), rules=usual_rules())
    assert "short_interview" in set(flags["check"])


@pytest.mark.parametrize(
    ("reason", "flagged"),
    [
        ("household code not in the sample", True),
        ("malformed household code", True),
        ("code, team and commune do not fit together", True),
        ("no consent", False),
        ("the same form sent twice", False),
    ],
)
def test_dropped__only_for_the_code(reason, flagged):
    work = fieldwork(household({"_id": 1}), dropped=dropped(reason))
    assert rows_of(work, "dropped") == ([7] if flagged else [])


def test_dropped__rows_of_another_form_are_not_interviews():
    table = dropped("malformed household code", form="team_log")
    assert rows_of(fieldwork(household({"_id": 1}), dropped=table), "dropped") == []


@pytest.mark.parametrize(
    ("kind", "settled_by", "flagged"),
    [(TWICE, "rule", [2]), (ONE_CODE, "rule", [1, 2]), (ONE_CODE, "decision", [])],
)
def test_duplicate__both_interviews_under_one_code_until_somebody_decided(
    kind, settled_by, flagged
):
    work = fieldwork(household({"_id": 1}), duplicates=duplicates(kind, settled_by))
    assert rows_of(work, "duplicate") == flagged


def test_household_code__not_drawn_or_malformed():
    frame = household({"_id": 1}, {"_id": 2}, {"_id": 3})
    frame.loc[2, "hhid"] = "10291-T01-H003-9"
    sample = pd.DataFrame({"hhid": [code(1), code(3)], "team_id": TEAM})
    assert rows_of(fieldwork(frame, sample=sample), "household_code") == [2, 3]
    assert rows_of(fieldwork(frame.iloc[:2]), "household_code") == []


def test_same_visit__the_later_of_two_with_one_number():
    frame = household({"_id": 1}, {"_id": 2, "wave": "w2", "number": 1})
    again = visits(frame.iloc[:1]).assign(_id=9)
    both = pd.concat([visits(frame), again], ignore_index=True)
    assert rows_of(fieldwork(frame, visits=both), "same_visit") == [9]
    other = both.assign(visit_no=[1, 1, 2])
    assert rows_of(fieldwork(frame, visits=other), "same_visit") == []


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
    frame = household({"_id": 1}, {"_id": 2, "wave": "w2", "number": 1})
    work = fieldwork(frame, roster=roster(frame, i1=before, i2=now))
    assert rows_of(work, "head_changed") == ([2] if flagged else [])


def test_edited__only_visits_that_were_changed_on_the_server():
    work = fieldwork(household({"_id": 1}, {"_id": 2}), edited=pd.DataFrame({"_id": [2, 77]}))
    assert rows_of(work, "edited") == [2]


def test_run_checks__no_flag_holds_a_household_code():
    frame = household({"_id": 1, "minutes": 3.0}, {"_id": 2, "number": 1, "wave": "w2"})
    work = fieldwork(frame, roster=roster(frame, i1=20, i2=("female", 60)),
                     dropped=dropped("malformed household code"))  # fmt: skip
    flags = run_checks(work).flags
    assert len(flags) >= 3
    assert not flags.astype("str").apply(lambda c: c.str.contains("-H")).any(axis=None)


def test_run_checks__every_flag_says_which_form_its_row_is_of():
    work = fieldwork(household({"_id": 1, "minutes": 3.0}))
    assert found(work, "short_interview")["form"].tolist() == ["household"]


def test_run_checks__a_survey_without_any_interview():
    frame = household({"_id": 1})
    times = pd.DataFrame({"_id": [1], "path": "main/a/q", "seconds": 3.0})
    log = pd.DataFrame({"_id": [1], "team_id": [TEAM], "month": pd.to_datetime(["2026-01-01"])})
    place = pd.DataFrame({"_id": [1], "gps_lat": 20.7, "gps_lon": 105.9})
    labels = pd.DataFrame({"variable": "a", "code": "b", "label": "c"}, index=[0])
    text = pd.DataFrame(
        {"_id": [1], "variable": "note", "text": "x", "kinds": "", "quarantined": False}
    )
    versions = pd.DataFrame({"version": ["v1"], "deployed": pd.to_datetime(["2026-01-01T00:00Z"])})
    finding = pd.DataFrame({"_id": [1], "kind": "constraint", "variable": "hh_size"})
    tables = {
        "visits": visits(frame), "roster": roster(frame), "team_log": log, "times": times,
        "totals": times[["_id", "seconds"]], "locations": place, "labels": labels, "free_text": text,
        "versions": versions, "findings": finding, "backchecks": frame, "dropped": dropped("x"),
        "duplicates": duplicates(TWICE), "edited": frame[["_id"]],
        "problems": frame[["_id"]].rename(columns={"_id": "row_id"}).assign(
            check="choice_unknown", wave=None, team_id=None, enumerator_id=None, variable="a", message="b"),
    }  # fmt: skip
    empty = {name: table.iloc[:0] for name, table in tables.items()}
    every = {name: {"use": True} for name in CHECKS}
    every["logic"] |= {
        "rules": [{"name": "a", "when": "duration_min > 5", "variable": "a", "vi": "a", "en": "a"}]
    }
    every["backcheck"] |= {"types": {1: ("sk_app",)}}
    every["outlier"] |= {"variables": ("duration_min",)}
    every["enumerator_effect"] |= {"outcomes": {"sk_app": ("no",)}}
    every["required"] |= {"variables": ("sk_app",)}
    every["group_time"] |= {"groups": ("main/a",)}
    found = run_checks(fieldwork(frame.iloc[:0], rules=every, **empty))
    assert found.flags.empty
    assert found.skipped == {}
