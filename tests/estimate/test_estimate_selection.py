"""Oster's ratio: against a population whose hidden covariate has a known importance."""

from __future__ import annotations

import numpy as np
import pytest

from survey_tools.errors import DesignError
from survey_tools.estimate.regression import Problem
from survey_tools.estimate.threats import selection
from survey_tools.estimate.threats.selection import Movement


def population(ratio: float, effect: float) -> tuple[Movement, float]:
    """Moments of Y = effect X + W1 + W2, W1 and W2 unrelated, W2 `ratio` times as related to X as W1.

    Related in the sense of Oster: cov(W2, X) / var(W2) = ratio cov(W1, X) / var(W1).
    """
    var1, var2, cov1, noise, var_x = 1.3, 0.6, 0.4, 0.9, 1.7
    cov2 = ratio * cov1 / var1 * var2
    cov_y = effect * var_x + cov1 + cov2
    var_y = effect**2 * var_x + var1 + var2 + noise + 2 * effect * (cov1 + cov2)
    uncontrolled = cov_y / var_x
    both = np.array([[var_x, cov1], [cov1, var1]])
    with_y = np.array([cov_y, effect * cov1 + var1])
    slopes = np.linalg.solve(both, with_y)
    r2 = slopes @ with_y / var_y
    r2_max = 1 - noise / var_y
    rest = var_x - cov1**2 / var1
    moved = Movement(uncontrolled, slopes[0], uncontrolled * cov_y / var_y, r2, var_y, var_x, rest)
    return moved, r2_max


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0, -0.7])
@pytest.mark.parametrize("effect", [0.0, 0.4, -1.0])
def test_ratio_of_a_known_population_is_found(ratio, effect):
    moved, r2_max = population(ratio, effect)
    assert moved.selection_ratio(r2_max, effect=effect) == pytest.approx(ratio, rel=1e-9)


def test_movement_of_a_problem_is_that_of_two_regressions():
    rng = np.random.default_rng(1)
    w = rng.normal(size=300)
    x = w + rng.normal(size=300)
    y = x + 2 * w + rng.normal(size=300)
    alone, rows = np.zeros(300, dtype=np.int64), np.arange(300)
    found = Movement.of(Problem(y, x, w[:, None], alone, rows, tuple(map(str, rows))))
    covariance = np.cov(np.column_stack([y, x, w]).T, ddof=0)
    assert found.uncontrolled == pytest.approx(covariance[0, 1] / covariance[1, 1])
    slopes = np.linalg.solve(covariance[1:, 1:], covariance[0, 1:])
    assert found.controlled == pytest.approx(slopes[0])
    assert found.r2_controlled == pytest.approx(slopes @ covariance[0, 1:] / covariance[0, 0])
    assert found.r2_uncontrolled == pytest.approx(np.corrcoef(y, x)[0, 1] ** 2)
    assert found.rest_x == pytest.approx(1 / np.linalg.inv(covariance[1:, 1:])[0, 0])


def test_frame_has_one_row_and_the_default_bound(households, design):
    row = selection(households, design, "y", treatment="reached__w3").iloc[0]
    assert row.r2_max == pytest.approx(1.3 * row.r2)
    assert np.isfinite(row.selection_ratio)


@pytest.mark.parametrize("r2_max", [0.0, 1.2])
def test_an_impossible_bound_is_refused(households, design, r2_max):
    with pytest.raises(DesignError):
        selection(households, design, "y", r2_max=r2_max)


@pytest.mark.filterwarnings("error")
def test_without_an_estimate_there_is_a_note(households, design):
    row = selection(households.assign(y__w3=1.0), design, "y").iloc[0]
    assert row.note.startswith("the outcome does not vary")
    assert np.isnan(row.selection_ratio)
