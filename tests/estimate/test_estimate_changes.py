"""Changes and gaps made of two levels, days of fieldwork, outreach received, and intervals of choices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_tools.contracts import validate
from survey_tools.estimate import (
    changes,
    choices,
    fieldwork,
    gaps,
    levels,
    outreach,
)
from survey_tools.estimate.levels import mover
from survey_tools.estimate.levels.proportions import wilson

OUTCOMES = pd.DataFrame({"outcome": ["y", "z"], "scale": ["binary", "amount"]})
# Newcombe 1998, Statistics in Medicine 17:873, table II, method 10
NEWCOMBE = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0000),
    (10, 10, 0, 10, 0.6075, 1.0000),
]


@pytest.fixture(scope="module")
def panel(households, panel_of):
    rng = np.random.default_rng(3)
    panel = panel_of(households)
    start = pd.to_datetime(
        panel["wave"].map({"w1": "2026-01-12", "w2": "2026-05-11", "w3": "2026-09-15"})
    )
    days = pd.to_timedelta(rng.integers(0, 20, len(panel)), unit="D")
    reached = (rng.random(len(panel)) < 0.4).astype(float)
    return panel.assign(
        interview_date=start + days,
        reached=reached,
        contacts=reached * rng.integers(1, 5, len(panel)),
    )


@pytest.fixture
def found(panel, design):
    return levels(panel, design, OUTCOMES)


def _wilson(hits, n):
    low, high = wilson(hits / n, n.astype(float), 0.025)
    return np.where(hits == 0, 0.0, low), np.where(hits == n, 1.0, high)


@pytest.mark.parametrize(("hits", "n", "others", "m", "low", "high"), NEWCOMBE)
def test_mover__gives_the_published_intervals_of_two_shares(hits, n, others, m, low, high):
    one, other = np.array([hits]), np.array([others])
    ends = mover(one / n, _wilson(one, np.array([n])), other / m, _wilson(other, np.array([m])))
    assert ends[0][0] == pytest.approx(low, abs=5e-5)
    assert ends[1][0] == pytest.approx(high, abs=5e-5)


def test_mover__with_symmetric_intervals_adds_variances():
    low, high = mover(
        np.array([5.0]),
        (np.array([2.0]), np.array([8.0])),
        np.array([1.0]),
        (np.array([-3.0]), np.array([5.0])),
    )
    assert (low[0], high[0]) == pytest.approx((4 - 5, 4 + 5))


def test_mover__is_missing_where_an_end_is():
    gap, one = np.array([np.nan]), np.array([0.5])
    for ends in (mover(one, (gap, one), one, (one, one)), mover(one, (one, one), one, (one, gap))):
        assert np.isnan(ends[0][0])


def _coverage(rng, rho, p=(0.35, 0.45), n=52, draws=4000):
    """Share of intervals that hold the true change of households, `rho` of which answer twice alike."""
    first = rng.random((draws, n)) < p[0]
    fresh = rng.random((draws, n))
    again = np.where(
        first,
        fresh < rho + (1 - rho) * p[1],
        fresh < (p[1] - p[0] * (rho + (1 - rho) * p[1])) / (1 - p[0]),
    )
    hits, others = again.sum(axis=1), first.sum(axis=1)
    size = np.full(draws, n)
    low, high = mover(hits / n, _wilson(hits, size), others / n, _wilson(others, size))
    assert hits.mean() / n == pytest.approx(p[1], abs=0.01)
    return ((low <= p[1] - p[0]) & (p[1] - p[0] <= high)).mean()


def test_mover__covers_as_it_says_and_more_where_the_same_households_answer_twice():
    rng = np.random.default_rng(11)
    # standard error of a coverage of .95 over 4,000 draws: .0034
    assert _coverage(rng, 0.0) == pytest.approx(0.95, abs=0.012)
    assert _coverage(rng, 0.6) > 0.97


def test_changes__are_differences_of_levels_with_both_counts(found):
    table = changes(found, "w1", OUTCOMES)
    validate(table, "changes")
    assert set(table["wave"]) == {"w2", "w3"}
    known = found.set_index(["area", "wave", "group", "outcome"])
    row = table.query(
        "area == '10270' and wave == 'w3' and group == 'women' and outcome == 'y'"
    ).iloc[0]
    first, last = (known.loc[("10270", wave, "women", "y")] for wave in ("w1", "w3"))
    assert row.estimate == pytest.approx(last.estimate - first.estimate)
    assert (row.n, row.n_baseline) == (last.n, first.n)
    below = np.hypot(last.estimate - last.conf_low, first.conf_high - first.estimate)
    assert row.conf_low == pytest.approx(row.estimate - below)


def test_changes__an_index_has_none(found):
    scales = OUTCOMES.assign(scale=["binary", "index"])
    assert set(changes(found, "w1", scales)["outcome"]) == {"y"}


def test_changes__without_answers_have_no_estimate(panel, design):
    gone = panel.assign(
        y=panel["y"].where(~((panel.commune_code == "10270") & (panel.wave == "w1")))
    )
    table = changes(levels(gone, design, OUTCOMES), "w1", OUTCOMES)
    rows = table.query("area == '10270' and outcome == 'y'")
    assert rows["estimate"].isna().all()
    assert (rows["n_baseline"] == 0).all()
    assert rows["n"].max() > 0


def test_changes__hold_the_true_change_of_the_communes(simulate, panel_of, design):
    inside, count = 0, 0
    for seed in range(6):
        households = simulate(seed)
        table = changes(levels(panel_of(households), design, ["y"], ["all"]), "w1", OUTCOMES)
        here = table.query("wave == 'w3' and area != 'district'").set_index("area")
        arms = households.groupby("commune_code")["intensive"].mean()
        truth = 0.08 * arms.reindex(here.index)
        inside += int(((here.conf_low <= truth) & (truth <= here.conf_high)).sum())
        count += len(here)
    assert inside / count > 0.93


def test_gaps__set_each_group_against_everybody(found):
    table = gaps(found)
    validate(table, "gaps")
    assert set(table["group"]) == {"age60", "poor", "sellers", "women"}
    known = found.set_index(["area", "wave", "group", "outcome"])
    row = table.query(
        "area == 'district' and wave == 'w2' and group == 'age60' and outcome == 'z'"
    ).iloc[0]
    group, everybody = (known.loc[("district", "w2", name, "z")] for name in ("age60", "all"))
    assert row.estimate == pytest.approx(group.estimate - everybody.estimate)
    assert row.n == group.n
    outside = everybody.n - group.n
    rest = (everybody.n * everybody.estimate - group.n * group.estimate) / outside
    above = (everybody.conf_high - everybody.estimate) * np.sqrt(everybody.n / outside)
    below = np.hypot(group.estimate - group.conf_low, above) * outside / everybody.n
    assert row.estimate == pytest.approx((group.estimate - rest) * outside / everybody.n)
    assert row.conf_low == pytest.approx(row.estimate - below)


@pytest.mark.parametrize(("gap", "share", "n"), [(0.0, 0.5, 52), (0.2, 0.3, 110), (-0.15, 0.6, 80)])
def test_gaps__cover_as_they_say_with_everybody_holding_the_group(gap, share, n):
    """Of 2,000 communes each; the standard error of a coverage of .95 is .005."""
    draws, rng = 2000, np.random.default_rng(5)
    members = rng.random((draws, n)) < share
    yes = rng.random((draws, n)) < 0.45 + np.where(members, gap * (1 - share), -gap * share)
    rows = []
    for name, who in (("women", members), ("all", np.ones_like(members))):
        count, hits = who.sum(axis=1), (yes & who).sum(axis=1)
        low, high = _wilson(hits, count)
        rows.append(
            pd.DataFrame(
                {
                    "area": [str(i) for i in range(draws)],
                    "wave": "w3",
                    "group": name,
                    "outcome": "y",
                    "estimate": hits / count,
                    "conf_low": low,
                    "conf_high": high,
                    "n": count,
                }
            )
        )
    found = gaps(pd.concat(rows))
    truth = gap * (1 - share)
    covered = (found["conf_low"] <= truth) & (truth <= found["conf_high"])
    assert covered.mean() == pytest.approx(0.95, abs=0.017)


def test_gaps__of_a_group_that_is_everybody_there_are_none(found):
    everybody = found[found["group"].eq("all")]
    alike = pd.concat([everybody, everybody.assign(group="women")])
    assert gaps(alike)["estimate"].isna().all()


def test_fieldwork__counts_and_days_are_those_of_plain_pandas(panel, design, households):
    table = fieldwork(panel, design, ("w1", "w2", "w3"), households)
    validate(table, "fieldwork")
    held = pd.concat([panel.assign(area=panel.commune_code), panel.assign(area="district")])
    by_cell = held.groupby(["area", "wave"])["interview_date"]
    wanted = by_cell.agg(["size", "min", "max"])
    same = table.set_index(["area", "wave"]).loc[wanted.index]
    assert same["interviews"].to_list() == wanted["size"].to_list()
    assert same["first_day"].to_list() == wanted["min"].dt.strftime("%Y-%m-%d").to_list()
    assert same["last_day"].to_list() == wanted["max"].dt.strftime("%Y-%m-%d").to_list()
    first = by_cell.apply(lambda days: int((days == days.min()).sum()))
    assert same["on_first"].to_list() == first.to_list()
    drawn = households.groupby("commune_code").size()
    assert same.loc["10270", "drawn"].eq(drawn["10270"]).all()
    assert same.loc["district", "drawn"].eq(len(households)).all()


def test_fieldwork__a_place_or_wave_without_interviews_has_rows(panel, design, households):
    here = panel[(panel.commune_code != "10270") & (panel.wave != "w3")]
    table = fieldwork(here, design, ("w1", "w2", "w3"), households).set_index(["area", "wave"])
    assert table.loc[("10270", "w1"), "interviews"] == 0
    assert table.loc[("district", "w3"), "interviews"] == 0
    assert table.loc[("10270", slice(None)), "first_day"].isna().all()
    assert table.loc[("10270", "w1"), "drawn"] > 0
    without = fieldwork(here, design, ("w1",))
    validate(without, "fieldwork")
    assert without["drawn"].isna().all()
    assert "10270" not in set(without["area"])


def test_outreach__is_levels_with_the_households_of_a_count_that_say_any(panel, design):
    table = outreach(panel, design, {"reached": "binary", "contacts": "count"})
    validate(table, "outreach")
    rows = panel[(panel.commune_code == "10273") & (panel.wave == "w3") & (panel.intensive == 1)]
    mine = table.query("area == '10273' and wave == 'w3' and group == 'intensive'")
    cell = mine.set_index("outcome")
    assert cell.loc["contacts", "estimate"] == pytest.approx(rows["contacts"].mean())
    assert cell.loc["contacts", "numerator"] == (rows["contacts"] > 0).sum()
    assert cell.loc["reached", "numerator"] == rows["reached"].sum()
    plain = levels(panel, design, pd.DataFrame({"outcome": ["reached"], "scale": ["binary"]}))
    same = table[table["outcome"].eq("reached")].reset_index(drop=True)
    pd.testing.assert_frame_equal(same, plain, check_dtype=False)


def test_outreach__nothing_asked_for_is_an_empty_table(panel, design):
    table = outreach(panel, design, {})
    assert validate(table, "outreach").empty


def test_choices__with_a_design_have_the_interval_of_a_level(panel, design):
    parts = [
        panel[["hhid", "wave", "commune_code", "team_id"]].assign(
            variable="why", choice=name, chosen=panel[column].astype(int)
        )
        for name, column in (("a", "y"), ("b", "reached"))
    ]
    answers = pd.concat(parts, ignore_index=True)
    answers = answers[~((answers.choice == "b") & (answers.wave == "w1"))]
    plain, table = choices(answers), choices(answers, design)
    validate(table, "choices")
    pd.testing.assert_frame_equal(table[plain.columns], plain)
    of_level = levels(panel, design, ["y"], ["all"]).set_index(["area", "wave"])
    mine = table[table.choice.eq("a")].set_index(["area", "wave"])
    same = of_level.loc[mine.index]
    assert mine["conf_low"].to_numpy() == pytest.approx(same["conf_low"].to_numpy())
    assert mine["conf_high"].to_numpy() == pytest.approx(same["conf_high"].to_numpy())
