"""Sensitivity: against the regression with the hidden cause in it, and against searches for the value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize

from survey_tools.errors import DesignError
from survey_tools.estimate.regression import Problem
from survey_tools.estimate.regression.least_squares import ols
from survey_tools.estimate.threats import (
    Confoundable,
    benchmark_strength,
    sensitivity,
    sensitivity_bounds,
)


def hidden(weighted: bool = False) -> tuple[Problem, Problem]:
    """A regression with a confounder (last of the others), and without."""
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(30), 8)
    x, z = rng.normal(size=(240, 2)), rng.normal(size=240)
    d = 0.4 * z + x[:, 0] + rng.normal(size=240)
    y = 0.5 * d + 0.8 * z + x[:, 1] + rng.normal(size=240) + rng.normal(size=30)[clusters]
    names, strata = tuple(map(str, range(30))), clusters % 5
    weights = rng.uniform(0.5, 2, 240) if weighted else None
    full = Problem(y, d, np.column_stack([x, z]), strata, clusters, names, weights)
    return full, replace(full, others=x)


def strength(full: Problem, reduced: Problem) -> tuple[float, float]:
    """Partial R² of the confounder with treatment and with outcome, from residuals."""
    w = np.ones(full.n) if full.weights is None else full.weights
    return (
        1 - (w @ full.focal_residual**2) / (w @ reduced.focal_residual**2),
        1 - (w @ full.errors**2) / (w @ reduced.errors**2),
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_adjustment_gives_the_regression_with_the_hidden_cause(weighted):
    full, reduced = hidden(weighted)
    left = Confoundable.of(reduced, errors="classical").adjusted(*strength(full, reduced))
    expected = ols(full, errors="classical")
    for name in ("estimate", "std_error", "df", "conf_low", "conf_high"):
        assert getattr(left, name) == pytest.approx(getattr(expected, name), rel=1e-9)


def test_partial_r2_is_the_share_of_the_rest_explained():
    _, problem = hidden()
    expected = 1 - (problem.errors @ problem.errors) / (problem.y_residual @ problem.y_residual)
    assert Confoundable.of(problem).partial_r2 == pytest.approx(expected, rel=1e-10)


def test_extreme_scenario_brings_the_estimate_to_zero():
    fit = Confoundable(0.3, 0.1, 120)
    assert fit.adjusted(fit.partial_r2, 1.0).estimate == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("q", [0.5, 1.0])
def test_robustness_value_is_the_strength_that_leaves_the_rest_of_the_estimate(q):
    for estimate in (0.3, -0.3):
        fit = Confoundable(estimate, 0.1, 120)
        r = fit.robustness_value(q=q)
        assert fit.adjusted(r, r).estimate == pytest.approx((1 - q) * estimate, abs=1e-12)


@pytest.mark.parametrize("errors", ["classical", "CR2"])
def test_robustness_value_of_the_interval_lets_it_reach_zero(errors):
    _, problem = hidden()
    fit = Confoundable.of(problem, errors=errors)
    r = fit.robustness_value(alpha=0.05)
    assert 0 < r < fit.robustness_value()
    assert fit.adjusted(r, r).conf_low == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize(("t", "df"), [(5.0, 100), (40.0, 6), (3.0, 4)])
def test_robustness_value_is_the_least_strength_found_by_search(t, df):
    """A cause may be weaker with the outcome than with the treatment if that does more harm."""
    fit = Confoundable(t, 1.0, df)

    def worst(r: float) -> float:
        outcome = np.linspace(0, r, 401)
        adjusted = [fit.adjusted(r, y) for y in outcome]
        return min(a.conf_low if np.isfinite(a.conf_low) else a.estimate for a in adjusted)

    found = fit.robustness_value(alpha=0.05)
    if found == 0:
        assert worst(1e-9) <= 0
        return
    assert found == pytest.approx(optimize.brentq(worst, 1e-9, 0.9999, xtol=1e-5), abs=5e-4)


def test_an_interval_that_holds_zero_is_not_robust_at_all():
    assert Confoundable(0.1, 0.1, 120).robustness_value(alpha=0.05) == 0


def test_clustering_moves_the_value_of_the_interval_only():
    _, problem = hidden()
    clustered, classical = (Confoundable.of(problem, errors=e) for e in ("CR2", "classical"))
    assert clustered.partial_r2 == classical.partial_r2
    assert clustered.robustness_value() == classical.robustness_value()
    larger = replace(clustered, std_error=2 * clustered.std_error)
    assert larger.robustness_value(alpha=0.05) < clustered.robustness_value(alpha=0.05)


def test_benchmark_strength_follows_the_t_values_of_the_covariate():
    """Formulas of section 4.4, from t values of two regressions with statsmodels."""
    full, reduced = hidden()
    strata = np.eye(5)[full.strata]
    of_treatment = sm.OLS(full.focal, np.column_stack([full.others, strata])).fit()
    of_outcome = sm.OLS(full.y, np.column_stack([full.others, strata, full.focal])).fit()
    d, y = (
        f.tvalues[2] ** 2 / (f.tvalues[2] ** 2 + f.df_resid) for f in (of_treatment, of_outcome)
    )
    for k in (0.5, 1, 2):
        treatment = k * d / (1 - d)
        between = k * d**2 / ((1 - k * d) * (1 - d))
        ratio = (np.sqrt(k) + np.sqrt(between)) / np.sqrt(1 - between)
        found = benchmark_strength(full, reduced, k)
        assert found == pytest.approx((treatment, min(ratio**2 * y / (1 - y), 1)), rel=1e-9)


def test_a_cause_that_cannot_be_so_strong_has_no_bound():
    full, reduced = hidden()
    assert np.isnan(benchmark_strength(full, reduced, 500.0)).all()


def test_frame_holds_the_statistics_of_its_regression(households, design):
    row = sensitivity(households, design, "y", treatment="reached__w3").iloc[0]
    both = ["y__w3", "reached__w3"]
    used = households.dropna(subset=both)
    dummies = np.eye(27)[used.commune_code.astype("category").cat.codes]
    names = ["reached__w3", "y__w1", *design.controls]
    fit = sm.OLS(used.y__w3, np.column_stack([used[names], dummies])).fit()
    t = fit.tvalues.iloc[0]
    assert row.estimate == pytest.approx(fit.params.iloc[0], abs=1e-10)
    assert row.partial_r2 == pytest.approx(t**2 / (t**2 + fit.df_resid), rel=1e-8)
    assert row.robustness_value_interval < row.robustness_value < 1
    assert row.n == len(used)


def test_bounds_come_nearer_to_zero_with_a_stronger_cause(households, design):
    benchmarks = ["y__w1", "resp_female"]
    table = sensitivity_bounds(households, design, "y", benchmarks, treatment="reached__w3")
    whole = sensitivity(households, design, "y", treatment="reached__w3").loc[0, "estimate"]
    assert table.benchmark.tolist() == ["y__w1"] * 3 + ["resp_female"] * 3
    for _, rows in table.groupby("benchmark"):
        assert (np.diff([whole, *rows.estimate]) < 0).all()
        assert (rows.conf_low < rows.estimate).all()


def test_a_gap_in_a_benchmark_counts_with_its_mark(households, design):
    frame = households.assign(resp_age=households.resp_age.mask(households.index % 7 == 0))
    table = sensitivity_bounds(frame, design, "y", ["resp_age"], treatment="reached__w3")
    assert np.isfinite(table.estimate).all()


def test_a_benchmark_that_is_not_adjusted_for_is_refused(households, design):
    for wrong in ("hhid", "z__w1"):
        with pytest.raises(DesignError, match="benchmark"):
            sensitivity_bounds(households, design, "y", [wrong])
    plain = replace(design, estimator="difference")
    with pytest.raises(DesignError, match="benchmark"):
        sensitivity_bounds(households, plain, "y", ["resp_age"])


def test_strength_out_of_range_is_refused():
    for wrong in ((1.0, 0.5), (-0.1, 0.5), (0.5, 1.1)):
        with pytest.raises(DesignError):
            Confoundable(0.3, 0.1, 120).adjusted(*wrong)


@pytest.mark.filterwarnings("error")
def test_without_an_estimate_there_is_a_note_and_no_number(households, design):
    alike = households.assign(y__w3=1.0)
    row = sensitivity(alike, design, "y").iloc[0]
    assert np.isnan(row.robustness_value)
    assert row.note.startswith("the outcome does not vary")
    table = sensitivity_bounds(alike, design, "y", ["poor"])
    assert table.estimate.isna().all()
    assert len(table) == 3
