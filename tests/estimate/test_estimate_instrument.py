from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from linearmodels.iv import IV2SLS

from survey_tools.estimate.regression import Problem, anderson_rubin, ols, two_stage


def draw(seed, *, pull=0.5, weights=False, clusters=24, size=6):
    """An instrument drawn by cluster within four strata; a cause common to both regressors."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), rng.integers(2, size + 1, clusters))
    n = len(cluster)
    strata = cluster % 4
    instrument = (np.arange(clusters) // 4 % 2 == 0)[cluster].astype(float)
    others, cause = rng.normal(size=(n, 2)), rng.normal(size=n)
    endogenous = pull * instrument + cause + rng.normal(size=clusters)[cluster] * 0.3
    y = 0.7 * endogenous - cause + rng.normal(size=n) + others @ [0.5, -0.2]
    w = rng.gamma(2.0, 1.0, n) + 0.2 if weights else None
    names = tuple(str(g) for g in range(clusters))
    return Problem(y, instrument, others, strata, cluster, names, w), endogenous


def by_rows(problem, endogenous):
    """2SLS with CR2 of the second stage by n by n matrices: coefficient, error and df."""
    dummies = np.eye(problem.n_strata)[problem.strata]
    z = np.column_stack([problem.focal, problem.others, dummies])
    x = np.column_stack([endogenous, problem.others, dummies])
    w = np.eye(problem.n) if problem.weights is None else np.diag(problem.weights)
    projected = z @ np.linalg.solve(z.T @ w @ z, z.T @ w @ x)
    bread = np.linalg.inv(projected.T @ w @ projected)
    coefficients = bread @ projected.T @ w @ problem.y
    errors = problem.y - x @ coefficients
    rest = np.eye(problem.n) - projected @ bread @ projected.T @ w
    spread = rest @ rest.T
    scores, images = [], []
    for g in range(problem.n_clusters):
        rows = np.flatnonzero(problem.clusters == g)
        values, vectors = np.linalg.eigh(spread[np.ix_(rows, rows)])
        power = np.where(values > 1e-10, np.maximum(values, 1e-10) ** -0.5, 0)
        column = w[np.ix_(rows, rows)] @ projected[rows] @ bread[:, 0]
        adjusted = (vectors * power) @ vectors.T @ column
        scores.append(adjusted @ errors[rows])
        images.append(rest[rows].T @ adjusted)
    q = np.array(images) @ np.array(images).T
    return coefficients[0], np.sqrt(np.sum(np.square(scores))), np.trace(q) ** 2 / (q**2).sum()


@pytest.mark.parametrize("weights", [False, True])
def test_two_stage__equals_cr2_of_the_second_stage_with_rows_by_rows(weights):
    for seed in range(5):
        problem, endogenous = draw(seed, weights=weights)
        found = two_stage(problem, endogenous).effect
        estimate, error, df = by_rows(problem, endogenous)
        assert found.estimate == pytest.approx(estimate, rel=1e-9)
        assert found.std_error == pytest.approx(error, rel=1e-8)
        assert found.df == pytest.approx(df, rel=1e-7)


@pytest.mark.parametrize("weights", [False, True])
def test_two_stage__equals_linearmodels(weights):
    problem, endogenous = draw(1, weights=weights)
    exogenous = np.column_stack([problem.others, np.eye(problem.n_strata)[problem.strata]])
    model = IV2SLS(problem.y, exogenous, endogenous, problem.focal, weights=problem.weights)
    fit = model.fit(cov_type="clustered", clusters=problem.clusters, debiased=True)
    found = two_stage(problem, endogenous, errors="CR1").effect
    assert found.estimate == pytest.approx(fit.params["endog"], rel=1e-9)
    assert found.std_error == pytest.approx(fit.std_errors["endog"], rel=1e-9)
    plain = model.fit(cov_type="unadjusted", debiased=True)
    found = two_stage(problem, endogenous, errors="classical").effect
    assert found.std_error == pytest.approx(plain.std_errors["endog"], rel=1e-9)


def test_two_stage__of_the_regressor_itself_is_least_squares():
    problem, _ = draw(2)
    found, plain = two_stage(problem, problem.focal), ols(problem)
    for part in ("estimate", "std_error", "df", "conf_low", "conf_high"):
        assert getattr(found.effect, part) == pytest.approx(getattr(plain, part), rel=1e-9)
    assert found.first_stage.estimate == pytest.approx(1)
    assert found.reduced_form.std_error == pytest.approx(plain.std_error)


def test_two_stage__effective_f_is_the_squared_t_of_the_first_stage():
    problem, endogenous = draw(3)
    for errors in ("CR2", "CR1"):
        first = ols(replace(problem, y=endogenous), errors=errors)
        found = two_stage(problem, endogenous, errors=errors)
        assert found.effective_f == pytest.approx((first.estimate / first.std_error) ** 2)
        assert found.first_stage.conf_low == pytest.approx(first.conf_low)


@pytest.mark.parametrize(
    ("seed", "pull", "kind"),
    [(0, 2.0, "interval"), (8, 0.0, "whole line"), (4, 0.3, "two half-lines")],
)
def test_anderson_rubin__set_is_what_the_tests_do_not_reject(seed, pull, kind):
    problem, endogenous = draw(seed, pull=pull)
    found = two_stage(problem, endogenous)
    region = found.anderson_rubin
    assert region.kind == kind
    assert found.effect.estimate in region
    grid = np.concatenate([np.linspace(-30, 30, 241), np.tan(np.linspace(-1.56, 1.56, 41))])
    for value in grid:
        test = ols(replace(problem, y=problem.y - value * endogenous))
        if abs(test.p_value - 0.05) > 1e-6:
            assert (value in region) == (test.p_value > 0.05)
    for end in (end for piece in region.pieces for end in piece if np.isfinite(end)):
        test = ols(replace(problem, y=problem.y - end * endogenous))
        assert test.p_value == pytest.approx(0.05, rel=1e-6)


def test_anderson_rubin__comes_near_the_usual_interval_with_a_strong_instrument():
    problem, endogenous = draw(4, pull=60.0)
    found = two_stage(problem, endogenous)
    assert found.effective_f > 1e4
    assert found.anderson_rubin.low == pytest.approx(found.effect.conf_low, abs=2e-3)
    assert found.anderson_rubin.high == pytest.approx(found.effect.conf_high, abs=2e-3)


def test_anderson_rubin__at_the_edge_is_a_half_line_or_the_whole_line():
    covariance = np.array([[1.0, 0.0], [0.0, 1.0]])
    half = anderson_rubin(3.0, 2.0, covariance, 2.0)
    assert (half.kind, half.low, half.high) == ("half-line", pytest.approx(5 / 12), np.inf)
    other = anderson_rubin(-3.0, 2.0, covariance, 2.0)
    assert (other.low, other.high) == (-np.inf, pytest.approx(-5 / 12))
    assert anderson_rubin(0.0, 2.0, covariance, 2.0).kind == "whole line"
    assert anderson_rubin(0.0, 0.0, covariance, 2.0).kind == "whole line"


def test_anderson_rubin__without_an_error_is_no_set():
    region = anderson_rubin(1.0, 1.0, np.full((2, 2), np.nan), 2.0)
    assert (region.kind, region.pieces) == ("none", ())
    assert np.isnan([region.low, region.high]).all()


def test_two_stage__of_one_cluster_has_an_estimate_alone():
    problem, endogenous = draw(5)
    instrument = (np.arange(problem.n) % 2).astype(float)
    alone = replace(
        problem, focal=instrument, clusters=np.zeros(problem.n, np.int64), cluster_names=("a",)
    )
    found = two_stage(alone, endogenous)
    assert np.isfinite(found.effect.estimate)
    assert np.isnan([found.effect.std_error, found.effective_f]).all()
    assert found.anderson_rubin.kind == "none"


def test_two_stage__of_an_instrument_that_moves_nothing_has_no_effect():
    clusters = np.repeat(np.arange(8), 4)
    instrument = (clusters < 4).astype(float)
    endogenous = np.tile([0.0, 1.0, 1.0, 0.0], 8)  # the same in both arms
    rng = np.random.default_rng(0)
    names = tuple("abcdefgh")
    none, strata = np.empty((32, 0)), np.zeros(32, np.int64)
    problem = Problem(rng.normal(size=32), instrument, none, strata, clusters, names)
    found = two_stage(problem, endogenous)
    assert np.isnan([found.effect.estimate, found.effect.std_error]).all()
    assert np.isfinite(found.reduced_form.estimate)
