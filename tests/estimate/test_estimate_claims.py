"""Readings of the statements against plain pandas, closed forms and simulated truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey_tools import estimate
from survey_tools.errors import DesignError
from survey_tools.estimate.claims import between_share, spread, spread_change
from survey_tools.estimate.claims.answers import NO_ANSWERS, ONE_SIDE
from survey_tools.params import Claims, Reading

DESIGN = estimate.Design(
    treatment="intensive", cluster="team_id", stratum="commune_code", controls=(), baseline="w1",
    endline="w3", reached="reached",
)  # fmt: skip


def reading(**said):
    known = {
        "claim": "S02", "reading": "a", "label_vi": "x", "label_en": "x", "source": "households",
        "variable": "yes", "population": "all", "statistic": "level", "group": "", "wave": "endline",
        "scale": "binary", "unit": "adults", "figure": "", "test": "none",
    }  # fmt: skip
    return Reading.model_validate(known | said)


@pytest.fixture(scope="module")
def panel():
    """Twelve communes of four or five teams, two waves; `yes` is rarer at the baseline, answers miss."""
    rng = np.random.default_rng(11)
    rows = []
    for commune in range(12):
        for team in range(4 + commune % 2):
            shift = rng.normal(0, 0.1)
            for household in range(7):
                for wave, level in (("w1", 0.4), ("w3", 0.55)):
                    code = f"{10270 + 3 * commune}"
                    rows.append(
                        {
                            "hhid": f"{code}-T{team:02}-H{household:03}-{household % 7}",
                            "wave": wave,
                            "commune_code": code,
                            "team_id": f"{code}-T{team:02}",
                            "intensive": team % 2,
                            "yes": float(rng.random() < np.clip(level + shift, 0, 1)),
                            "points": rng.normal(5 + 10 * shift, 2),
                            "age60": float(household < 2),
                            "women": float(household % 2),
                            "poor": 0.0,
                            "sellers": 0.0,
                            "phones": float(rng.integers(0, 3)),
                            "persons": 3.0,
                        }
                    )
    frame = pd.DataFrame(rows)
    return frame.assign(yes=frame["yes"].mask(rng.random(len(frame)) < 0.1))


def further(panel):
    return panel[["hhid", "wave", "commune_code", "team_id"]].assign(extra=1.0)


SITES = pd.DataFrame(
    {
        "site_type": ["commune"] * 4 + ["school"] * 3,
        "ref_month": pd.to_datetime(["2026-02-01"] + ["2026-10-01"] * 6),
        "flag": [0.0, 1.0, 1.0, 0.0, 1.0, np.nan, 0.0],
        "part": [1.0, 40.0, 30.0, 99.0, 5.0, np.nan, 2.0],
        "whole": [9.0, 50.0, 40.0, 90.0, 10.0, 10.0, 10.0],
    }
)  # fmt: skip
MONTHS = pd.DataFrame(
    {
        "team_id": ["10270-T01", "10270-T01", "10270-T02"],
        "commune_code": "10270",
        "month": pd.to_datetime(["2026-05-01", "2026-06-01", "2026-06-01"]),
        "posts": [2.0, 4.0, np.nan],
    }
)


def row(panel, **said):
    named = Claims((), (reading(**said),))
    found = estimate.claims(named, panel, further(panel), SITES, MONTHS, DESIGN)
    assert len(found) == 1
    return found.iloc[0]


def test_claims__a_level_is_that_of_levels_and_of_plain_pandas(panel):
    found = row(panel)
    answers = panel.loc[panel["wave"].eq("w3"), "yes"].dropna()
    assert found["estimate"] == pytest.approx(answers.mean())
    assert (found["n"], found["numerator"]) == (len(answers), answers.sum())
    same = estimate.levels(
        panel, DESIGN, pd.DataFrame({"outcome": ["yes"], "scale": ["binary"]}), ["all"]
    )
    same = same[same["area"].eq("district") & same["wave"].eq("w3")].iloc[0]
    for name in ("estimate", "conf_low", "conf_high", "n", "numerator", "n_teams"):
        assert found[name] == same[name], name


def test_claims__a_level_of_a_group_and_the_baseline(panel):
    found = row(panel, population="age60", wave="baseline")
    mine = panel[panel["wave"].eq("w1") & panel["age60"].eq(1)]["yes"].dropna()
    assert (found["n"], found["wave"]) == (len(mine), "w1")
    assert found["estimate"] == pytest.approx(mine.mean())


def by_hand(panel, residuals):
    """Standard error of a sum of residuals: teams with replacement within strata."""
    sums = panel.assign(e=residuals).groupby(["commune_code", "team_id"])["e"].sum()
    variance = 0.0
    for _, mine in sums.groupby("commune_code"):
        variance += len(mine) / (len(mine) - 1) * ((mine - mine.mean()) ** 2).sum()
    return np.sqrt(variance), len(sums) - sums.index.get_level_values(0).nunique()


def test_claims__a_change_counts_a_team_in_two_waves_once(panel):
    found = row(panel, statistic="change", wave="", test="up", population="regular")
    asked = panel["yes"].notna() & panel["intensive"].eq(0)
    last, first = asked & panel["wave"].eq("w3"), asked & panel["wave"].eq("w1")
    y = panel["yes"]
    change = y[last].mean() - y[first].mean()
    residuals = np.where(last, (y - y[last].mean()) / last.sum(), 0.0)
    residuals -= np.where(first, (y - y[first].mean()) / first.sum(), 0.0)
    error, _ = by_hand(panel, np.nan_to_num(residuals))
    regular = panel[panel["intensive"].eq(0)]
    df = regular["team_id"].nunique() - regular["commune_code"].nunique() - 1
    half = stats.t.ppf(0.975, df) * error
    assert found["estimate"] == pytest.approx(change)
    assert found["conf_low"] == pytest.approx(change - half)
    assert found["conf_high"] == pytest.approx(change + half)
    assert (found["n"], found["n_other"]) == (last.sum(), first.sum())
    assert (found["wave_from"], found["wave"]) == ("w1", "w3")


def test_claims__a_gap_is_in_the_group_less_outside(panel):
    found = row(
        panel, statistic="gap", group="age60", variable="points", scale="amount", test="differ"
    )
    here = panel[panel["wave"].eq("w3")]
    means = here.groupby("age60")["points"].mean()
    assert found["estimate"] == pytest.approx(means[1] - means[0])
    assert (found["n"], found["n_other"]) == tuple(here["age60"].value_counts()[[1, 0]])


def test_claims__a_ratio_counts_persons_not_households(panel):
    found = row(panel, statistic="ratio", variable="phones/persons", unit="persons")
    here = panel[panel["wave"].eq("w3")]
    assert found["estimate"] == pytest.approx(here["phones"].sum() / here["persons"].sum())
    assert (found["n"], found["numerator"]) == (here["persons"].sum(), here["phones"].sum())
    assert 0 < found["conf_low"] < found["estimate"] < found["conf_high"] < 1


def test_claims__the_smallest_count_is_also_that_of_whom_the_population_leaves_over(panel):
    few = panel.assign(yes=panel["yes"].mask(panel["intensive"].eq(1), 0.0))
    few.loc[few.index[few["intensive"].eq(1) & few["wave"].eq("w3")][:2], "yes"] = 1.0
    assert row(few, population="regular")["smallest"] == 2
    assert row(few, population="all")["smallest"] > 10


def test_claims__without_answers_a_note_and_no_numbers(panel):
    none = row(panel.assign(yes=np.nan))
    assert (none["n"], none["note"]) == (0, NO_ANSWERS)
    assert np.isnan(none["estimate"])
    late = panel.assign(yes=panel["yes"].mask(panel["wave"].eq("w1")))
    one = row(late, statistic="change", wave="", test="up")
    assert one["note"] == ONE_SIDE
    assert pd.isna(one["conf_low"])
    gone = row(late, statistic="between_change", wave="", scale="share", test="down")
    assert gone["note"] == NO_ANSWERS


def test_claims__a_population_or_column_that_is_not_there_is_named(panel):
    with pytest.raises(DesignError, match="no group of households"):
        row(panel, population="young")
    with pytest.raises(DesignError, match="not in the table"):
        row(panel, variable="nowhere")


def test_claims__reports_are_the_latest_month_and_have_no_interval(panel):
    site = {"source": "sites", "wave": "", "population": "commune", "unit": "communes"}
    units = row(
        panel, **site, statistic="units", variable="flag", scale="units", figure="27", test="all"
    )
    assert (units["numerator"], units["n"], units["period"]) == (2, 3, "2026-10")
    share = row(panel, **site, statistic="share", variable="part/whole", scale="share")
    assert share["estimate"] == pytest.approx(70 / 90)  # the part above its whole is no report
    assert (share["n"], share["n_reports"]) == (90, 2)
    total = row(panel, **site, statistic="total", variable="part", scale="number")
    assert (total["estimate"], total["n_reports"]) == (169, 3)
    assert all(np.isnan(one["conf_low"]) for one in (units, share, total))
    empty = row(
        panel, **site | {"population": "market"}, statistic="units", variable="flag", scale="units"
    )
    assert (empty["n"], empty["note"]) == (0, "no reports")


def test_claims__logs_are_means_a_report_and_totals(panel):
    log = {"source": "logs", "wave": "", "variable": "posts", "scale": "number", "unit": "reports"}
    mean, total = (row(panel, **log, statistic=one) for one in ("mean", "total"))
    assert (mean["estimate"], mean["n_reports"], mean["n_teams"]) == (3.0, 2, 1)
    assert (total["estimate"], total["period"]) == (6.0, "2026-05/2026-06")


def test_between_share__balanced_design_has_the_closed_form():
    rng = np.random.default_rng(5)
    a, b, n = 8, 3, 6
    commune, team = np.repeat(np.arange(a), b * n), np.repeat(np.arange(a * b), n)
    y = rng.normal(size=a)[commune] + rng.normal(size=a * b)[team] + rng.normal(size=a * b * n)
    cube = y.reshape(a, b, n)
    ms_a = b * n * cube.mean((1, 2)).var(ddof=1)
    ms_b = n * ((cube.mean(2) - cube.mean((1, 2))[:, None]) ** 2).sum() / (a * (b - 1))
    ms_e = ((cube - cube.mean(2)[:, :, None]) ** 2).sum() / (a * b * (n - 1))
    parts = np.array([(ms_a - ms_b) / (b * n), (ms_b - ms_e) / n, ms_e])
    assert between_share(y, team, commune) == pytest.approx(parts[0] / parts.sum())
    shuffled = rng.permutation(len(y))
    again = between_share(y[shuffled], team[shuffled] + 7, commune[shuffled] * 3)
    assert again == pytest.approx(parts[0] / parts.sum())


def test_between_share__missing_values_are_left_out_and_one_commune_has_none():
    y = np.array([1.0, 2.0, np.nan, 4.0, 5.0, 7.0, 8.0, 3.0])
    team, commune = np.repeat(np.arange(4), 2), np.repeat([0, 1], 4)
    there = ~np.isnan(y)
    assert between_share(y, team, commune) == between_share(y[there], team[there], commune[there])
    assert np.isnan(between_share(y, team, np.zeros(8, int)))


def simulated(rng, share, teams=5, households=6, communes=24):
    commune, team = (np.repeat(np.arange(k), size) for k, size in
                     ((communes, teams * households), (communes * teams, households)))  # fmt: skip
    parts = rng.normal(size=communes)[commune] * np.sqrt(share), rng.normal(size=len(team))
    return parts[0], parts[1] * np.sqrt(1 - share), team, commune


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_spread__intervals_hold_the_simulated_truth(share):
    rng, held, unchanged = np.random.default_rng(3), 0, 0
    for _ in range(60):
        shared, noise, team, commune = simulated(rng, share)
        later = shared + rng.permutation(noise)
        found = spread(shared + noise, team, commune, 0.95)
        change = spread_change((shared + noise, team, commune), (later, team, commune), 0.95)
        held += found.conf_low <= share <= found.conf_high
        unchanged += change.conf_low <= 0 <= change.conf_high
    assert held >= 52
    assert unchanged >= 52


def test_spread_change__finds_communes_that_grew_alike():
    rng = np.random.default_rng(8)
    shared, noise, team, commune = simulated(rng, 0.4)
    last = rng.permutation(noise)
    found = spread_change((shared + noise, team, commune), (last, team, commune), 0.95)
    assert found.conf_high < 0


def test_spread__few_communes_have_no_interval_and_a_share_is_never_below_zero():
    rng = np.random.default_rng(4)
    shared, noise, team, commune = simulated(rng, 0.1, communes=6, teams=4)
    found = spread(shared + noise, team, commune, 0.95)
    assert np.isnan(found.conf_low)
    assert np.isnan(found.conf_high)
    alike = np.where(team % 2, 1.0, -1.0) + np.tile([-0.1, 0.1], len(team) // 2)
    assert between_share(alike, team, commune) < 0
    assert spread(alike, team, commune, 0.95).estimate == 0.0
