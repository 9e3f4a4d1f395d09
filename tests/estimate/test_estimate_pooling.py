from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from survey_tools.errors import DesignError
from survey_tools.estimate import pool
from survey_tools.estimate.communes import random_effects

SCHOOLS = [28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18]


def grid_posterior(y, se, tau_scale, effect):
    """Posterior of effect 0 by brute force over (mu, tau): mean, and the distribution function."""
    tau = np.linspace(1e-4, 6 * tau_scale, 500)[:, None]
    mu = np.linspace(-1.5, 1.5, 1201)[None, :]
    log_density = -0.5 * (tau / tau_scale) ** 2
    for j in range(len(y)):
        log_density = log_density + stats.norm.logpdf(y[j], mu, np.sqrt(se[j] ** 2 + tau**2))
    weight = np.exp(log_density - log_density.max())
    weight /= weight.sum()
    precision = 1 / se[0] ** 2 + 1 / tau**2
    mean = (y[0] / se[0] ** 2 + mu / tau**2) / precision
    below = stats.norm.cdf((effect - mean) * np.sqrt(precision))
    return float((weight * mean).sum()), float((weight * below).sum())


def test_pool__eight_schools():
    # Bayesian Data Analysis (3rd ed.), section 5.5, uniform prior on tau
    found = pool(*SCHOOLS, tau_scale=None)
    expected = [11.40, 7.89, 6.13, 7.64, 5.13, 6.14, 10.67, 8.46]
    assert found.estimate == pytest.approx(expected, abs=0.006)


def test_pool__equals_brute_force_integration():
    y, se = np.array([0.30, -0.05, 0.12, 0.02]), np.array([0.10, 0.12, 0.08, 0.15])
    found = pool(y, se, tau_scale=0.1)
    mean, low = grid_posterior(y, se, 0.1, found.conf_low[0])
    _, high = grid_posterior(y, se, 0.1, found.conf_high[0])
    # grid spacing .0025 in mu and .0012 in tau
    assert found.estimate[0] == pytest.approx(mean, abs=2e-4)
    assert (low, high) == pytest.approx((0.025, 0.975), abs=3e-4)


def test_pool__with_no_spread_is_the_common_mean_and_with_much_the_own_estimate():
    y, se = np.array([0.3, -0.05, 0.12, 0.02]), np.array([0.10, 0.12, 0.08, 0.15])
    common = np.average(y, weights=1 / se**2)
    together = pool(y, se, tau_scale=1e-6)
    assert together.estimate == pytest.approx([common] * 4, abs=1e-6)
    half = 1.959964 / np.sqrt((1 / se**2).sum())
    assert together.conf_high - together.estimate == pytest.approx([half] * 4, rel=1e-5)
    assert together.weight_own.max() < 1e-6
    apart = pool(y * 1000, se, tau_scale=1000.0)
    assert apart.estimate == pytest.approx(y * 1000, abs=0.01)
    assert apart.weight_own.min() > 0.99


def test_pool__predicts_a_place_without_its_own_estimate():
    y, se = np.array([0.3, np.nan, 0.12, 0.02, 0.1]), np.array([0.10, 0.12, 0.08, np.nan, 0.1])
    found = pool(y, se, tau_scale=0.1)
    assert found.weight_own[[1, 3]] == pytest.approx([0, 0])
    assert found.estimate[[1, 3]] == pytest.approx([found.centre] * 2)
    width = found.conf_high - found.conf_low
    assert width[1] > width[[0, 2, 4]].max()
    # the others are as if it were not there
    alone = pool(y[[0, 2, 4]], se[[0, 2, 4]], tau_scale=0.1)
    assert found.estimate[[0, 2, 4]] == pytest.approx(alone.estimate)


def test_pool__does_not_depend_on_the_order_of_places():
    forward, backward = (
        pool(*SCHOOLS, tau_scale=10.0),
        pool(SCHOOLS[0][::-1], SCHOOLS[1][::-1], tau_scale=10.0),
    )
    assert forward.estimate == pytest.approx(backward.estimate[::-1])
    assert forward.conf_low == pytest.approx(backward.conf_low[::-1])


def test_pool__of_nothing_is_nothing_and_of_one_is_wide():
    assert np.isnan(pool([np.nan], [np.nan], tau_scale=0.1).estimate).all()
    one = pool([0.2, np.nan], [0.1, np.nan], tau_scale=0.1)
    assert one.estimate == pytest.approx([0.2, 0.2])
    assert one.conf_high[1] - one.conf_low[1] > one.conf_high[0] - one.conf_low[0]


@pytest.mark.parametrize(
    ("errors", "options", "found"),
    [
        ([0.1, 0.0], {"tau_scale": 0.1}, "standard errors"),
        ([0.1, 0.1], {"tau_scale": None}, "uniform prior"),
        ([0.1, 0.1], {"tau_scale": 0.0}, "prior of scale 0"),
        ([0.1, 0.1], {"tau_scale": 0.1, "df": 0}, "0 degrees of freedom"),
    ],
)
def test_pool__refuses_what_has_no_posterior(errors, options, found):
    with pytest.raises(DesignError, match=found):
        pool([0.1, 0.2], errors, **options)


@pytest.mark.parametrize("df", [4, 30])
def test_pool__of_one_place_with_an_estimated_error_is_the_t_interval(df):
    found = pool([0.2], [0.1], tau_scale=1e-9, df=df)
    half = 0.1 * stats.t.ppf(0.975, df)
    assert found.conf_high[0] - 0.2 == pytest.approx(half, rel=3e-3)
    assert found.centre_high == pytest.approx(found.conf_high[0])


def test_pool__integrates_the_error_of_the_standard_errors_out():
    y, se, df = np.array([0.30, -0.05, 0.12]), np.array([0.10, 0.12, 0.08]), 6
    found = pool(y, se, tau_scale=0.1, df=df)
    # a fine grid of the factor, and the known-error model at each weighed by its evidence
    level = (np.arange(400) + 0.5) / 400
    factors = df / stats.chi2.isf(level, df)
    tau = np.linspace(1e-4, 0.6, 400)[:, None]
    evidence, means = [], []
    for factor in factors:
        variance = factor * se**2 + tau**2
        weight = 1 / variance
        centre = (weight * y).sum(axis=1) / weight.sum(axis=1)
        density = np.sqrt(weight.prod(axis=1) / weight.sum(axis=1)) * np.exp(
            -0.5 * (weight * (y - centre[:, None]) ** 2).sum(axis=1) - 0.5 * (tau[:, 0] / 0.1) ** 2
        )
        own = tau[:, 0] ** 2 / variance[:, 0]
        evidence.append(density.sum())
        means.append((density * (own * y[0] + (1 - own) * centre)).sum() / density.sum())
    assert found.estimate[0] == pytest.approx(np.average(means, weights=evidence), abs=3e-4)


def test_pool__with_many_degrees_of_freedom_takes_the_errors_as_known():
    known, nearly = pool(*SCHOOLS, tau_scale=10.0), pool(*SCHOOLS, tau_scale=10.0, df=1e6)
    assert nearly.conf_low == pytest.approx(known.conf_low, abs=1e-3)
    assert nearly.centre_high == pytest.approx(known.centre_high, abs=1e-3)


def test_random_effects__reml_solves_its_score_equation():
    rng = np.random.default_rng(5)
    se = rng.uniform(0.5, 1.5, 20)
    y = 1.5 * rng.normal(size=20) + se * rng.normal(size=20)
    found = random_effects(y, se)
    weight = 1 / (se**2 + found.spread**2)
    left = (weight**2 * (y - found.centre) ** 2).sum()
    assert left == pytest.approx(weight.sum() - (weight**2).sum() / weight.sum(), rel=1e-6)


def test_random_effects__refuse_gaps_and_single_estimates():
    for y, se in (([1.0], [1.0]), ([1.0, np.nan], [1.0, 1.0]), ([1.0, 2.0], [1.0, 0.0])):
        with pytest.raises(DesignError, match="several estimates"):
            random_effects(y, se)


def simulated_pools(spread, districts, seed):
    """Coverage, and squared error pooled and raw, over districts of 27 places with error .12."""
    rng = np.random.default_rng(seed)
    hits, pooled_error, raw_error = [], [], []
    for _ in range(districts):
        truth = 0.08 + spread(rng) * rng.normal(size=27)
        raw = truth + 0.12 * rng.normal(size=27)
        found = pool(raw, np.full(27, 0.12), tau_scale=0.1)
        hits.append((found.conf_low <= truth) & (truth <= found.conf_high))
        pooled_error.append((found.estimate - truth) ** 2)
        raw_error.append((raw - truth) ** 2)
    return np.mean(hits), np.mean(pooled_error), np.mean(raw_error)


def test_pool__covers_as_stated_when_the_spread_comes_from_the_prior():
    # over districts drawn from the prior the interval holds exactly 95 %; one district covers
    # all or few of its places, so the error of 120 is about .009
    coverage, _, _ = simulated_pools(lambda rng: abs(0.1 * rng.normal()), 120, seed=11)
    assert 0.93 <= coverage <= 0.97


@pytest.mark.parametrize("sd", [0.0, 0.05, 0.1])
def test_pool__covers_and_is_closer_than_the_raw_estimates(sd):
    coverage, pooled_error, raw_error = simulated_pools(lambda _: sd, 50, seed=12)
    assert coverage >= 0.90
    assert pooled_error < 0.6 * raw_error
