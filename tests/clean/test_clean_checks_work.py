"""Checks of times, places, progress, consent, pairs, back-checks: what is flagged and what is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from check_frames import TEAM, fieldwork, found, household, rows_of, visits
from clean_frames import TEAMS, code

from survey_tools.clean import backcheck_rates, consent_table, progress_table

VERSIONS = pd.DataFrame(
    {"version": ["v1", "v2"], "deployed": pd.to_datetime(["2026-01-05T02:00Z", "2026-04-20T02:00Z"])}
)  # fmt: skip


def seconds(**by_row):
    return pd.DataFrame({"_id": [int(k[1:]) for k in by_row], "seconds": list(by_row.values())})


def screens(number, fast=None):
    """Five screens in each of two groups, ten seconds each; the first group of `fast` in half a second."""
    rows = [
        (i, f"main/{group}/q{q}", 10.0 + (i * 7 + q * 3) % 5)
        for i in range(1, number + 1) for group in ("a", "b") for q in range(5)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["_id", "path", "seconds"])
    quick = (frame["_id"] == fast) & frame["path"].str.startswith("main/a/")
    return frame.assign(seconds=frame["seconds"].mask(quick, 0.5))


@pytest.mark.parametrize(("minutes", "flagged"), [(40.0, False), (9.0, True), (float("nan"), True)])
def test_short_interview__also_without_a_duration(minutes, flagged):
    frame = household({"_id": 1, "minutes": minutes})
    assert rows_of(fieldwork(frame), "short_interview") == ([1] if flagged else [])


def test_short_interview__says_whether_it_was_short_or_unknown():
    frame = household({"_id": 1, "minutes": 9.0}, {"_id": 2, "minutes": float("nan")})
    flags = found(fieldwork(frame), "short_interview")
    assert "less than 15 minutes" in flags["message"][0]
    assert "no duration" in flags["message"][1]
    mild = {"short_interview": {"minutes": 5}}
    assert rows_of(fieldwork(frame, rules=mild), "short_interview") == [2]


def test_active_time__a_form_that_lay_open():
    frame = household({"_id": 1}, {"_id": 2}, {"_id": 3})
    work = fieldwork(frame, totals=seconds(i1=2400.0, i2=500.0))
    assert rows_of(work, "active_time") == [2]


def test_audit_missing__interviews_without_a_log():
    rules = {"audit_missing": {"use": True}}
    frame = household({"_id": 1}, {"_id": 2})
    work = fieldwork(frame, totals=seconds(i1=2400.0), rules=rules)
    assert rows_of(work, "audit_missing") == [2]


def test_group_time__one_group_much_faster_than_the_rest_of_the_interview():
    frame = household(*({"_id": i} for i in range(1, 41)))
    rules = {"group_time": {"groups": ("main/a", "main/b")}}
    flags = found(fieldwork(frame, times=screens(40, fast=7), rules=rules), "group_time")
    assert flags[["row_id", "variable"]].to_numpy().tolist() == [[7, "a"]]
    assert found(fieldwork(frame, times=screens(40), rules=rules), "group_time").empty


@pytest.mark.parametrize(("hour", "flagged"), [(5, True), (6, False), (21, False), (22, True)])
def test_odd_hour__on_the_clock_of_the_field(hour, flagged):
    frame = household({"_id": 1})
    start = pd.Timestamp(f"2026-01-15T{hour:02d}:30", tz="Asia/Ho_Chi_Minh").tz_convert("UTC")
    frame = frame.assign(start=start, end=start + pd.Timedelta(minutes=40))
    assert rows_of(fieldwork(frame), "odd_hour") == ([1] if flagged else [])


@pytest.mark.parametrize(("later", "enumerator", "flagged"),
                         [(30, "E01", True), (41, "E01", False), (30, "E02", False)])  # fmt: skip
def test_overlap__one_enumerator_in_two_places(later, enumerator, flagged):
    frame = household({"_id": 1, "enumerator_id": "E01"}, {"_id": 2, "enumerator_id": enumerator})
    start = frame["start"].iloc[0] + pd.to_timedelta([0, later], unit="min")
    frame = frame.assign(start=start, end=start + pd.Timedelta(minutes=40))
    assert rows_of(fieldwork(frame), "overlap") == ([2] if flagged else [])


def test_form_version__replaced_long_before_or_not_known():
    frame = household(
        {"_id": 1},
        {"_id": 2, "wave": "w2"},
        {"_id": 3, "wave": "w2", "__version__": "v2"},
        {"_id": 4, "wave": "w2", "__version__": "v9"},
    )
    flags = found(fieldwork(frame, versions=VERSIONS), "form_version")
    assert flags["row_id"].tolist() == [2, 4]
    assert "not one that was deployed" in flags["message"][1]


def test_consent__met_without_a_word_or_asked_without_consent():
    frame = household(
        {"_id": 1, "consent_sensitive": "yes", "income_band": "b1"},
        {"_id": 2, "consent_sensitive": "no", "income_band": "b1"},
        {"_id": 3, "consent_sensitive": "no", "income_band": None},
    )
    silent = visits(frame).assign(consent=["yes", "yes", None])
    rules = {"consent": {"gated": {"consent_sensitive": ("income_band",)}}}
    flags = found(fieldwork(frame, visits=silent, rules=rules), "consent")
    assert sorted(zip(flags["row_id"], flags["variable"], strict=True)) == [
        (2, "income_band"), (3, "consent"),
    ]  # fmt: skip


def test_consent_table__counts_contacts_by_what_they_said():
    frame = household({"_id": 1, "consent_gps": "yes"}, {"_id": 2, "consent_gps": "no"})
    more = visits(frame).assign(_id=[8, 9], consent=["no", None])
    table = consent_table(fieldwork(frame, visits=pd.concat([visits(frame), more])))
    counts = table.loc["w1", ["met", "agreed", "refused", "not_recorded"]]
    assert counts.tolist() == [4, 2, 1, 1]
    assert table.loc["w1", ["share_refused", "consent_gps"]].tolist() == [0.25, 0.5]


def test_progress__a_team_without_any_interview_is_behind():
    work = fieldwork(household({"_id": 1}), teams=TEAMS)
    flags = found(work, "progress")
    assert flags["team_id"].tolist() == ["10291-T02"]
    assert flags["message"].tolist() == ["Interviewed 0 of 1 drawn households."]


def test_progress__only_teams_in_which_households_were_drawn():
    sample = pd.DataFrame({"hhid": [code(1), code(2)], "team_id": TEAM})
    work = fieldwork(household({"_id": 1}), teams=TEAMS, sample=sample)
    assert progress_table(work).to_numpy().tolist() == [["w1", TEAM, 1, 2]]
    assert found(work, "progress")["detail"].tolist() == ["1 / 2"]


def test_missing_month__gap_inside_the_district_window():
    log = pd.DataFrame(
        {"team_id": [TEAM, TEAM, "10291-T02"],
         "month": pd.to_datetime(["2026-02-01", "2026-03-01", "2026-03-01"])}
    )  # fmt: skip
    flags = found(fieldwork(household({"_id": 1}), teams=TEAMS, team_log=log), "missing_month")
    assert flags[["team_id", "item", "message"]].to_numpy().tolist() == [
        ["10291-T02", "2026-02", "No report for 2026-02."]
    ]


@pytest.mark.parametrize(("km", "flagged"), [(1, False), (8, True)])
def test_gps_far__from_the_middle_of_the_team(km, flagged):
    frame = household(*({"_id": i} for i in range(1, 7)))
    north = km / 111.2
    places = pd.DataFrame(
        {"_id": range(1, 7), "home_lat": [20.75] * 5 + [20.75 + north], "home_lon": 105.9}
    )
    flags = found(fieldwork(frame, locations=places), "gps_far")
    assert flags["row_id"].tolist() == ([6] if flagged else [])
    assert flags["variable"].tolist() == ["home"] * flagged
    assert not flags.astype("str").apply(lambda c: c.str.contains("20[.]|105")).any(axis=None)


def test_gps_far__too_few_positions_say_nothing():
    frame = household({"_id": 1}, {"_id": 2})
    places = pd.DataFrame({"_id": [1, 2], "gps_lat": [20.75, 21.9], "gps_lon": 105.9})
    assert rows_of(fieldwork(frame, locations=places), "gps_far") == []


def answered(frame, rng):
    """Forty questions with three answers each."""
    return frame.assign(**{f"q{k}": rng.choice(["a", "b", "c"], len(frame)) for k in range(40)})


def test_near_identical__the_later_of_two_interviews_of_one_enumerator():
    rng = np.random.default_rng(1)
    frame = answered(household(*({"_id": i, "enumerator_id": "E01"} for i in range(1, 9))), rng)
    assert rows_of(fieldwork(frame), "near_identical") == []
    questions = [f"q{k}" for k in range(40)]
    frame.loc[6, questions] = frame.loc[1, questions].to_numpy()
    frame.loc[6, "q3"] = "x"
    flags = found(fieldwork(frame), "near_identical")
    pair = frame.loc[[1, 6]].sort_values("start")["_id"].tolist()
    assert flags[["row_id", "item"]].to_numpy().tolist() == [[pair[1], str(pair[0])]]


TYPES = {
    "backcheck": {"types": {1: ("net",), 3: ("hh_size", "channels")}, "ranges": {"hh_size": 1}}
}


def backchecked(**again):
    first = {"net": "yes", "hh_size": 4, "channels__tv": True}
    frame = household({"_id": 1, **first}, {"_id": 2, **first})
    frame = frame.astype({"hh_size": "Int64", "channels__tv": "boolean"})
    repeat = frame.iloc[:1].assign(_id=50, enumerator_id="E77").assign(**again)
    return frame, repeat.astype({"hh_size": "Int64", "channels__tv": "boolean"})


@pytest.mark.parametrize(
    ("again", "variables"),
    [
        ({}, []),
        ({"net": "no"}, ["net"]),
        ({"hh_size": 5}, []),
        ({"hh_size": 6}, ["hh_size"]),
        ({"channels__tv": False}, ["channels"]),
        ({"net": None}, []),
    ],
)
def test_backcheck__answers_that_differ_by_more_than_their_range(again, variables):
    frame, repeat = backchecked(**again)
    flags = found(fieldwork(frame, backchecks=repeat, rules=TYPES), "backcheck")
    assert flags["variable"].tolist() == variables
    assert flags["row_id"].tolist() == [1] * len(variables)
    assert flags["enumerator_id"].tolist() == ["E01"] * len(variables)


def test_backcheck__without_a_first_interview():
    frame, repeat = backchecked(hhid=code(99))
    flags = found(fieldwork(frame, backchecks=repeat, rules=TYPES), "backcheck")
    assert flags[["row_id", "variable"]].to_numpy().tolist() == [[50, "hhid"]]


def many_backchecks(differing, number=40):
    frame = household(
        *({"_id": i, "net": "yes", "enumerator_id": f"E0{i % 2}"} for i in range(1, number + 1))
    )
    repeat = frame.assign(
        _id=frame["_id"] + 100, net=["no"] * differing + ["yes"] * (number - differing)
    )
    return fieldwork(frame, backchecks=repeat, rules={"backcheck": {"types": {1: ("net",)}}})


def test_backcheck_rate__surely_above_the_limit_of_the_type():
    flags = found(many_backchecks(20), "backcheck_rate")
    assert set(flags["variable"].dropna()) == {"net"}
    assert set(flags["enumerator_id"].dropna()) == {"E00", "E01"}
    assert found(many_backchecks(4), "backcheck_rate").empty


def test_backcheck_rates__by_type_enumerator_and_question_with_wilsons_interval():
    rates = backcheck_rates(many_backchecks(10)).set_index("by")
    whole = rates.loc["type"]
    assert whole[["compared", "differing", "rate"]].tolist() == [40, 10, 0.25]
    # Wilson's interval of 10 of 40, by hand: (p + z2/2n -+ z sqrt(p q/n + z2/4n2)) / (1 + z2/n)
    assert whole["low"] == pytest.approx(0.14187, abs=1e-5)
    assert whole["high"] == pytest.approx(0.40194, abs=1e-5)
    assert set(rates.index) == {"type", "enumerator", "variable"}


def test_backcheck_rates__mean_difference_has_the_p_value_of_a_paired_t_test():
    from scipy import stats

    rng = np.random.default_rng(4)
    first, again = rng.integers(1, 8, 30), rng.integers(1, 9, 30)
    frame = household(*({"_id": i, "hh_size": int(first[i - 1])} for i in range(1, 31)))
    repeat = frame.assign(_id=frame["_id"] + 100, hh_size=again)
    rules = {"backcheck": {"types": {3: ("hh_size",)}}}
    rates = backcheck_rates(fieldwork(frame, backchecks=repeat, rules=rules)).set_index("by")
    assert rates.loc["variable", "mean_difference"] == pytest.approx((again - first).mean())
    assert rates.loc["variable", "p_value"] == pytest.approx(stats.ttest_rel(again, first).pvalue)
