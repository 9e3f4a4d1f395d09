from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey_tools.errors import DesignError
from survey_tools.estimate.effects.sample import prepare
from survey_tools.estimate.power import (
    PowerDesign,
    clusters_needed,
    detectable,
    households_needed,
    multiplier,
    power_at,
    power_curve,
    share_sd,
    smallest_detectable,
)
from survey_tools.estimate.regression.least_squares import ols

TABLE = Path(__file__).parents[1] / "fixtures" / "estimate" / "mde.csv"
TEAMS = PowerDesign(
    clusters=154,
    per_cluster=12,
    icc=0.1,
    strata=27,
    attrition=0.1,
    waves_before=1,
    cluster_autocorrelation=0.8,
    household_autocorrelation=0.4,
)


@pytest.fixture(scope="module")
def planned():
    return pd.read_csv(TABLE)


def planned_designs(planned):
    """Designs behind the study's table: 10 % lost, strata 27 communes or the 4 communes of 2025."""
    for row in planned.itertuples():
        yield PowerDesign(
            clusters=row.clusters,
            per_cluster=row.households_per_cluster,
            icc=row.icc,
            strata={"teams randomised": 27, "communes randomised": 4}[row.design],
            attrition=0.1,
            waves_before=1,
            cluster_autocorrelation=0.8,
            household_autocorrelation=0.4,
        )


def points(values):
    return np.round(100 * np.array(values), 1)


@pytest.mark.parametrize(
    ("column", "waves_before", "family"),
    [
        ("mde_pp_endline_only", 0, 1),
        ("mde_pp_ancova", 1, 1),
        ("mde_pp_ancova_7_outcomes", 1, 7),
    ],
)
def test_smallest_detectable__is_every_row_of_the_planning_table(
    planned, column, waves_before, family
):
    found = [
        smallest_detectable(replace(one, waves_before=waves_before), share_sd(share), family=family)
        for one, share in zip(planned_designs(planned), planned["baseline"], strict=True)
    ]
    assert len(found) == 360
    assert points(found).tolist() == planned[column].tolist()


def test_smallest_detectable__by_take_up_is_the_planning_table(planned):
    # the table divides the effect as printed, to a tenth of a point, by one half
    found = [
        smallest_detectable(one, share_sd(share), take_up=0.5)
        for one, share in zip(planned_designs(planned), planned["baseline"], strict=True)
    ]
    printed = planned["itt_needed_takeup_50"]
    assert np.abs(100 * np.array(found) - printed).max() <= 0.1 + 1e-9
    assert (2 * planned["mde_pp_ancova"]).round(1).tolist() == printed.tolist()


def test_power_design__closed_forms():
    kish = PowerDesign(clusters=20, per_cluster=10, icc=0.05)
    assert kish.design_effect == pytest.approx(1.45)
    assert kish.std_error(1.0) == pytest.approx(np.sqrt(4 / 20 * 1.45 / 10))
    assert replace(kish, treated=0.2).std_error(1.0) == pytest.approx(
        np.sqrt((1 / 4 + 1 / 16) * 1.45 / 10)
    )
    assert (kish.df, replace(kish, strata=5).df) == (18, 14)
    uneven = replace(kish, size_cv=0.6)
    assert uneven.design_effect == pytest.approx(1 + (1.36 * 10 - 1) * 0.05)


def test_power_design__unequal_sizes_equal_the_variance_of_a_weighted_mean():
    sizes, icc = np.array([2.0, 5.0, 8.0, 13.0, 12.0, 8.0]), 0.07
    exact = ((sizes**2).sum() * icc + sizes.sum() * (1 - icc)) / sizes.sum() ** 2
    numbers = PowerDesign(
        clusters=6, per_cluster=sizes.mean(), icc=icc, size_cv=sizes.std() / sizes.mean()
    )
    assert numbers.design_effect / (6 * sizes.mean()) == pytest.approx(exact)


@pytest.mark.parametrize(("before", "after"), [(0, 1), (1, 1), (2, 1), (1, 2), (3, 2)])
def test_power_design__wave_factor_is_the_residual_variance_of_the_normal(before, after):
    numbers = replace(TEAMS, waves_before=before, waves_after=after)
    r = numbers.autocorrelation
    waves = before + after
    covariance = np.full((waves, waves), r) + (1 - r) * np.eye(waves)
    mean_after = np.r_[np.zeros(before), np.full(after, 1 / after)]
    variance = mean_after @ covariance @ mean_after
    if before:
        inner = covariance[:before, :before]
        cross = covariance[:before] @ mean_after
        variance -= cross @ np.linalg.solve(inner, cross)
    assert numbers.wave_factor == pytest.approx(variance)


def test_power_design__autocorrelation_is_that_of_simulated_cluster_means():
    rng = np.random.default_rng(3)
    m, icc, shared, own = 12, 0.3, 0.8, 0.4

    def pair(rho, *shape):
        first, other = rng.normal(size=shape), rng.normal(size=shape)
        return first, rho * first + np.sqrt(1 - rho**2) * other

    cluster, household = pair(shared, 20_000), pair(own, 20_000, m)
    waves = [
        np.sqrt(icc) * c + np.sqrt(1 - icc) * h.mean(axis=1)
        for c, h in zip(cluster, household, strict=True)
    ]
    numbers = PowerDesign(
        clusters=2,
        per_cluster=m,
        icc=icc,
        cluster_autocorrelation=shared,
        household_autocorrelation=own,
    )
    assert numbers.autocorrelation == pytest.approx(np.corrcoef(*waves)[0, 1], abs=0.01)


def test_power_at__of_the_smallest_detectable_effect_is_nearly_the_power():
    for clusters, near in ((154, 1e-3), (60, 3e-3)):
        numbers = replace(TEAMS, clusters=clusters)
        effect = smallest_detectable(numbers, 0.46)
        assert power_at(numbers, 0.46, effect) == pytest.approx(0.8, abs=near)
    assert power_at(TEAMS, 0.46, 0.0) == pytest.approx(0.05)
    assert power_at(TEAMS, 0.46, -0.05) == pytest.approx(power_at(TEAMS, 0.46, 0.05))


def test_clusters_needed__is_the_first_number_that_is_enough():
    clusters = clusters_needed(TEAMS, share_sd(0.3), 0.07)
    enough, fewer = (
        smallest_detectable(replace(TEAMS, clusters=n), share_sd(0.3))
        for n in (clusters, clusters - 1)
    )
    assert enough <= 0.07 < fewer


def test_households_needed__is_the_first_number_that_is_enough():
    households = households_needed(TEAMS, share_sd(0.3), 0.06)
    enough, fewer = (
        smallest_detectable(replace(TEAMS, per_cluster=n), share_sd(0.3))
        for n in (households, households - 1)
    )
    assert enough <= 0.06 < fewer


def test_households_needed__says_when_more_households_do_not_help():
    with pytest.raises(DesignError, match="No sample size can detect"):
        households_needed(replace(TEAMS, clusters=40), share_sd(0.3), 0.01)


def test_smallest_detectable__grows_with_the_family_and_falls_with_take_up():
    alone = smallest_detectable(TEAMS, 0.5)
    assert smallest_detectable(TEAMS, 0.5, family=7) == pytest.approx(
        alone * multiplier(126, alpha=0.05 / 7) / multiplier(126)
    )
    assert smallest_detectable(TEAMS, 0.5, take_up=0.25) == pytest.approx(4 * alone)


@pytest.mark.parametrize(
    "change",
    [{"icc": 1.2}, {"clusters": 1}, {"treated": 1.0}, {"attrition": 1.0}, {"per_cluster": 0}],
)
def test_power_design__refuses_what_no_design_has(change):
    with pytest.raises(DesignError, match="out of its range"):
        replace(TEAMS, **change)
    with pytest.raises(DesignError, match="take_up"):
        smallest_detectable(TEAMS, 0.5, take_up=0.0)


def test_smallest_detectable__without_degrees_of_freedom_is_no_number():
    few = replace(TEAMS, clusters=28)
    assert np.isnan(smallest_detectable(few, 0.5))
    assert np.isnan(power_at(few, 0.5, 0.1))


def test_power_curve__agrees_with_the_formula(simulate, design):
    def generate(rng, effect):
        seed = int(rng.integers(2**31))
        return simulate(seed, communes=6, teams_per_commune=6, effect=effect), design

    found = power_curve(generate, "y", [0.0, 0.15, 0.6], draws=30, seed=7).set_index("effect")
    assert found.power[0.0] <= 0.17
    assert found.power[0.6] == 1.0
    assert found.power_low[0.6] < 1.0
    middle = found.loc[0.15]
    by_formula = detectable(generate(np.random.default_rng(1), 0.15)[0], design, ["y"]).mde[0]
    error = by_formula / multiplier(36 - 6 - 1)
    expected = stats.nct.sf(stats.t.ppf(0.975, 29), 29, 0.15 / error)
    assert middle.power == pytest.approx(expected, abs=4 * 0.09)
    assert middle.mc_error == pytest.approx(np.sqrt(middle.power * (1 - middle.power) / 30))
    assert middle.mean_estimate == pytest.approx(0.15, abs=4 * middle.sd_estimate / np.sqrt(30))
    assert (found.note == "").all()


def test_power_curve__is_the_same_for_the_same_seed(simulate, design):
    def generate(rng, effect):
        return simulate(int(rng.integers(2**31)), communes=4, effect=effect), design

    first, again = (power_curve(generate, "y", [0.1], draws=4, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_power_curve__counts_studies_without_an_estimate_as_not_found(simulate, design):
    def generate(rng, effect):
        return simulate(1, communes=4).assign(y__w3=1.0), design

    found = power_curve(generate, "y", [0.1], draws=3, seed=3).iloc[0]
    assert found.power == 0
    assert found.note == "3 draws without an estimate"
    with pytest.raises(DesignError, match="so few draws"):
        power_curve(generate, "y", [0.1], draws=1, seed=3)


def test_detectable__is_the_multiplier_times_the_error_of_the_estimate(simulate, design):
    ratio = []
    for seed in range(8):
        households = simulate(seed)
        row = detectable(households, design, ["y"]).iloc[0]
        error = ols(prepare(households, design, "y", baseline="y").problem).std_error
        ratio.append(row.mde / multiplier(162 - 27 - 1) / error)
    # an icc below 0 counts as 0, so it is a little above on average
    assert 0.97 < np.mean(ratio) < 1.09


def test_detectable__columns(households, design):
    outcomes = pd.DataFrame({"outcome": ["y", "z"], "family": ["a", "b"]})
    found = detectable(households, design, outcomes).set_index("outcome")
    frame = households.dropna(subset=["y__w3"])
    assert found.share["y"] == pytest.approx(frame.y__w3[frame.intensive == 0].mean())
    assert found.households_per_team["y"] == pytest.approx(len(frame) / 162)
    assert (found.teams["y"], found.strata["y"]) == (162, 27)
    assert found.mde_family["y"] == found.mde["y"]
    together = detectable(households, design, ["y", "z"]).set_index("outcome")
    assert together.mde_family["y"] == pytest.approx(
        found.mde["y"] * multiplier(134, alpha=0.025) / multiplier(134)
    )
    assert found.mde_takeup["y"] == pytest.approx(found.mde["y"] / 0.35, rel=0.15)
    assert 0 <= found.icc["y"] < 0.1


def test_detectable__a_baseline_that_explains_makes_it_smaller(simulate, design):
    known = simulate(5)
    rng = np.random.default_rng(1)
    ability = rng.normal(size=len(known))
    known = known.assign(y__w1=ability, y__w3=ability + rng.normal(size=len(known)))
    with_baseline = detectable(known, design, ["y"]).iloc[0]
    without = detectable(known, replace(design, estimator="difference"), ["y"]).iloc[0]
    assert with_baseline.explained == pytest.approx(0.5, abs=0.15)
    assert with_baseline.mde == pytest.approx(without.mde * np.sqrt(0.5), rel=0.15)
    assert without.explained == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"y__w3": np.nan}, "no answers"),
        ({"y__w3": 1.0}, "does not vary"),
        ({"reached__w3": 0.0}, "no first stage"),
    ],
)
def test_detectable__says_what_it_cannot(households, design, change, says, recwarn):
    found = detectable(households.assign(**change), design, ["y"]).iloc[0]
    assert says in found.note
    assert np.isnan(found.mde_takeup)
    assert np.isnan(found.mde) == ("first stage" not in says)
    assert not recwarn.list


def test_detectable__does_not_depend_on_the_order_of_rows(households, design):
    mixed = households.sample(frac=1, random_state=4)
    first, again = (detectable(frame, design, ["y"]) for frame in (households, mixed))
    pd.testing.assert_frame_equal(first, again, rtol=1e-9)


def test_detectable__of_a_single_commune(simulate, design):
    found = detectable(simulate(3, communes=1), design, ["y"]).iloc[0]
    assert found.strata == 1
    assert found.mde > 0.2


def test_detectable__with_one_team_an_arm_is_refused(simulate, design):
    with pytest.raises(DesignError, match="too few clusters"):
        detectable(simulate(3, communes=1, teams_per_commune=2), design, ["y"])
