"""Sensitivity to trends against closed forms, linear programmes and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from estimate.staggered_district import WAVES, draw_district
from survey_tools.errors import DesignError
from survey_tools.estimate.effects.staggered import staggered
from survey_tools.estimate.threats import moment_inequalities
from survey_tools.estimate.threats.honest import breakdown, honest
from survey_tools.estimate.threats.moment_inequalities import HybridTest

BETA = np.array([0.01, -0.012, 0.004, 0.06, 0.05, 0.08])


def covariance(seed=3, n=6, scale=1e-4):
    root = np.random.default_rng(seed).normal(size=(n, n))
    return scale * (np.eye(n) + root @ root.T / n)


@pytest.mark.parametrize("m", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("weights", "steps"), [([1, 0, 0], 1), ([0, 0, 1], 3), ([1 / 3] * 3, 2)])
def test_relative_magnitude__without_noise_the_identified_set(m, weights, steps):
    # the largest move before the start is .022; a period k after it can have moved by k times m of it
    found = honest(
        BETA, covariance(scale=1e-14), 3, 3, kind="relative_magnitude", bounds=[m], weights=weights
    ).iloc[0]
    target = np.dot(weights, BETA[3:])
    assert found.conf_low == pytest.approx(target - steps * m * 0.022, abs=1e-5)
    assert found.conf_high == pytest.approx(target + steps * m * 0.022, abs=1e-5)


def test_relative_magnitude_zero__the_usual_interval_or_a_little_more():
    sigma = np.diag([4e-4, 1e-4])
    found = honest([0.02, 0.05], sigma, 1, 1, kind="relative_magnitude", bounds=[0]).iloc[0]
    half = stats.norm.ppf(0.975) * 0.01
    assert found.conf_high - 0.05 == pytest.approx(half, rel=0.02)
    assert 0.05 - found.conf_low == pytest.approx(half, rel=0.02)


def test_smoothness_zero__extrapolated_line_by_generalised_least_squares():
    # without a change of slope the trend is a line, known from the periods before the start
    sigma, weights = covariance(), np.array([0.5, 0.5, 0.0])
    found = honest(BETA, sigma, 3, 3, kind="smoothness", bounds=[0], weights=weights).iloc[0]
    times = np.array([-3, -2, -1, 1, 2, 3.0])
    design = np.column_stack([times, np.eye(6)[:, 3:]])
    inverse = np.linalg.inv(sigma)
    variance = np.linalg.inv(design.T @ inverse @ design)
    best = variance @ design.T @ inverse @ BETA
    target = weights @ best[1:]
    half = stats.norm.ppf(0.975) * np.sqrt(weights @ variance[1:, 1:] @ weights)
    assert found.conf_low == pytest.approx(target - half, abs=1e-5)
    assert found.conf_high == pytest.approx(target + half, abs=1e-5)


def test_smoothness__without_noise_the_worst_change_of_slope():
    # one period before, one after: the effect less the mirrored pre-period, give or take m
    sigma = 1e-14 * np.eye(2)
    found = honest([0.02, 0.05], sigma, 1, 1, kind="smoothness", bounds=[0.03]).iloc[0]
    assert found.conf_low == pytest.approx(0.05 + 0.02 - 0.03, abs=1e-5)
    assert found.conf_high == pytest.approx(0.05 + 0.02 + 0.03, abs=1e-5)


@pytest.mark.parametrize("m", [0.0, 0.005, 0.02, 0.1])
def test_smoothness__equals_diff_diff(m):
    from diff_diff import HonestDiD, MultiPeriodDiDResults, PeriodEffect

    sigma, weights = covariance(), [0.2, 0.3, 0.5]
    errors, gap = np.sqrt(np.diag(sigma)), (np.nan, np.nan)
    results = MultiPeriodDiDResults(
        {k: PeriodEffect(k, BETA[k], errors[k], *gap, gap) for k in range(6)}, *[np.nan] * 4, gap,
        0, 0, 0, [0, 1, 2], [3, 4, 5], vcov=sigma, interaction_indices={k: k for k in range(6)},
    )  # fmt: skip
    theirs = HonestDiD(method="smoothness", M=m, l_vec=np.array(weights)).fit(results)
    mine = honest(BETA, sigma, 3, 3, kind="smoothness", bounds=[m], weights=weights).iloc[0]
    assert mine.conf_high - mine.conf_low <= theirs.ci_ub - theirs.ci_lb + 1e-9
    assert [mine.conf_low, mine.conf_high] == pytest.approx([theirs.ci_lb, theirs.ci_ub], abs=1e-6)


@pytest.mark.parametrize("kind", ["smoothness", "relative_magnitude"])
def test_intervals_grow_with_the_bound_and_scale_with_the_outcome(kind):
    sigma, bounds = covariance(), np.array([0.0, 0.5, 1.0])
    unit = 0.02 if kind == "smoothness" else 1.0
    found = honest(BETA, sigma, 3, 3, kind=kind, bounds=unit * bounds)
    assert (np.diff(found.conf_high - found.conf_low) > 0).all()
    assert found.m.tolist() == (unit * bounds).tolist()
    scale = 100.0 if kind == "smoothness" else 1.0
    percent = honest(100 * BETA, 1e4 * sigma, 3, 3, kind=kind, bounds=scale * unit * bounds)
    ends = ["conf_low", "conf_high"]
    assert percent[ends].to_numpy() == pytest.approx(100 * found[ends].to_numpy(), rel=2e-3)
    flipped = honest(-BETA, sigma, 3, 3, kind=kind, bounds=unit * bounds)
    assert flipped.conf_low.to_numpy() == pytest.approx(-found.conf_high.to_numpy(), abs=5e-4)


def test_relative_magnitude_covers_at_the_edge_of_the_bound():
    # the trend moves .02 before the start and by as much after it: at the edge of m = 1
    truth = np.array([-0.02, 0.0, 0.02 + 0.05])
    sigma, rng = covariance(n=3), np.random.default_rng(1)
    inside = []
    for draw in rng.multivariate_normal(truth, sigma, size=100):
        row = honest(draw, sigma, 2, 1, kind="relative_magnitude", bounds=[1]).iloc[0]
        inside.append(row.conf_low <= 0.05 <= row.conf_high)
    assert np.mean(inside) >= 0.9


def test_narrower_at_higher_tails():
    wide = honest(BETA, covariance(), 3, 3, kind="relative_magnitude", bounds=[1]).iloc[0]
    ninety = honest(
        BETA, covariance(), 3, 3, kind="relative_magnitude", bounds=[1], tail=0.05
    ).iloc[0]
    assert ninety.conf_low > wide.conf_low
    assert ninety.conf_high < wide.conf_high


@pytest.mark.parametrize("kind", ["smoothness", "relative_magnitude"])
def test_breakdown_is_where_the_interval_reaches_zero(kind):
    sigma = covariance(scale=2e-5)
    m = breakdown(BETA, sigma, 3, 3, kind=kind)
    row = honest(BETA, sigma, 3, 3, kind=kind, bounds=[m]).iloc[0]
    assert row.conf_low == pytest.approx(0.0, abs=2e-4)
    mirrored = breakdown(-BETA, sigma, 3, 3, kind=kind)
    assert mirrored == pytest.approx(m, rel=0.03)


@pytest.mark.parametrize("kind", ["smoothness", "relative_magnitude"])
def test_breakdown__zero_without_an_effect(kind):
    assert breakdown([0.01, 0.001], covariance(n=2), 1, 1, kind=kind) == 0.0


def test_largest_vertex_solves_the_linear_programme():
    rng = np.random.default_rng(5)
    for seed in range(10):
        inner, limit = rng.normal(size=(4, 5)), [*rng.normal(size=2), 0, 0, 0]
        rows, sigma = np.concatenate([inner - limit, -inner - limit]), covariance(seed, 5, 1.0)
        beta, weights = rng.normal(size=5), np.array([0.3, 0.5, 0.2])
        test = HybridTest.of(rows, beta, sigma, slice(2, 5), weights, 0.05)
        errors = np.sqrt(np.diag(rows @ sigma @ rows.T))
        for theta in (-1.0, 0.4):
            # smallest eta with rows @ (beta - effects) <= eta × errors, weights @ effects = theta
            solved = optimize.linprog(
                [1, 0, 0, 0],
                A_ub=np.column_stack([-errors, -rows[:, 2:]]),
                b_ub=-rows @ beta,
                A_eq=[[0, *weights]],
                b_eq=[theta],
                bounds=[(None, None)] * 4,
            )
            assert (test.level - test.slope * theta).max() == pytest.approx(solved.fun, abs=1e-8)


def test_truncated_quantile_is_that_of_scipy_also_in_the_tails():
    low = np.array([-np.inf, -1.0, 0.5, 3.0, 9.0, -9.0, -np.inf])
    high = np.array([np.inf, 2.0, 0.6, 4.0, np.inf, -8.0, -3.0])
    mine = moment_inequalities.truncated_quantile(0.95, low, high)
    assert mine == pytest.approx(stats.truncnorm.ppf(0.95, low, high), rel=1e-9)
    assert moment_inequalities.truncated_quantile(
        0.95, np.array([50.0]), np.array([np.inf])
    ) == pytest.approx([50 + np.log(20) / 50], abs=1e-3)


def test_event_study_of_a_staggered_start_can_be_held_against_trends(design):
    panel = draw_district(1, means=True).panel
    found = staggered(
        panel, design, "y", start="first_treated", waves=WAVES, estimators=["callaway_santanna"]
    )
    study = found.event_study.dropna(subset="std_error")
    interval = honest(
        study.estimate, found.covariance, 2, 3, kind="relative_magnitude", bounds=[0, 1]
    )
    usual = study[study.event_time == 0].iloc[0]
    assert interval.conf_low[1] < usual.conf_low
    assert interval.conf_high[1] > usual.conf_high


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_pre": 0, "n_post": 6}, "shape"),
        ({"n_post": 2}, "shape"),
        ({"weights": [1, 0]}, "shape"),
        ({"estimates": [np.nan, *BETA[1:]]}, "gaps"),
        ({"covariance": np.zeros((6, 6))}, "gaps"),
        ({"weights": [0, 0, 0]}, "gaps"),
        ({"kind": "linear"}, "no such bound"),
        ({"bounds": [-1]}, "not a number from 0"),
    ],
)
def test_bad_input_is_refused(change, message):
    settings = {
        "estimates": BETA, "covariance": covariance(), "n_pre": 3, "n_post": 3,
        "kind": "relative_magnitude", "bounds": [1], **change,
    }  # fmt: skip
    with pytest.raises(DesignError, match=message):
        honest(**settings)
