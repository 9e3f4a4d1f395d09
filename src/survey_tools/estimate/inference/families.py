"""Correct the tests of a family for their number; forms no family and knows no outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import false_discovery_control

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Floats
from survey_tools.estimate.inference.wild import TIES, Statistics, wild_statistics
from survey_tools.estimate.regression import Problem


def romano_wolf(problems: Sequence[Problem], *, draws: int = 9999, seed: int) -> Floats:
    """Adjust two-sided p-values for the number of tests by stepdown over shared bootstrap draws.

    The chance of one false rejection or more is kept at the level (Romano and Wolf 2005, Econometrica
    73:1237; p-values as in Romano and Wolf 2016, Statistics and Probability Letters 113:38). The statistics
    are studentised by cluster and drawn by the restricted wild cluster bootstrap with the same signs for
    all outcomes, so that their dependence counts.

    Parameters
    ----------
    problems : sequence of Problem
        One a test; rows and clusters may differ.
    draws : int
    seed : int

    Returns
    -------
    array of float, shape (K,)
        (1 + draws at least as large) / (1 + draws). Where all vectors of signs are enumerated the data are
        one of them and stand for the 1.

    Raises
    ------
    DesignError
        As `wild_bootstrap`.
    """
    if not problems:
        return np.empty(0)
    return step_down(wild_statistics(problems, draws=draws, seed=seed))


def step_down(statistics: Statistics) -> Floats:
    """Compare each |t|, from the largest down, with the largest |t*| of the tests not yet passed."""
    size = np.abs(statistics.observed)
    drawn = np.abs(statistics.drawn)
    adjusted = np.empty(len(size))
    largest = np.zeros(drawn.shape[1])
    order = np.argsort(size, kind="stable")
    itself = 0 if statistics.enumerated else 1
    for k in order:
        largest = np.maximum(largest, drawn[k])
        as_large = int((largest >= size[k] * (1 - TIES)).sum())
        adjusted[k] = (itself + as_large) / (itself + drawn.shape[1])
    down = order[::-1]
    adjusted[down] = np.maximum.accumulate(adjusted[down])
    return adjusted


def sharpened_q(p_values: Floats) -> Floats:
    """Smallest false discovery rate at which each test is rejected, in two stages.

    The first stage estimates how many hypotheses are true (Benjamini, Krieger and Yekutieli 2006, Biometrika
    93:491); the q-values are Anderson's (2008, JASA 103:1481). They are exact: his Stata code tries rates in
    steps of 0.001 and so finds the next step above. `fdr_tsbky` of statsmodels is no substitute: it runs
    the first stage once, at one level for all tests.

    Parameters
    ----------
    p_values : array of float, shape (K,)
        Two-sided, between 0 and 1. NaN stays NaN and is no test.

    Returns
    -------
    array of float, shape (K,)
        At most 1; may be below the p-value where most hypotheses are false.

    Raises
    ------
    DesignError
        When a p-value is below 0 or above 1.
    """
    return _of_those_given(p_values, _sharpened)


def holm(p_values: Floats) -> Floats:
    """Adjust p-values by Holm (1979, Scandinavian Journal of Statistics 6:65); NaN stays NaN.

    Own code: `multipletests` of statsmodels collects garbage at each call, which takes longer than all
    tests of a family.
    """
    return _of_those_given(p_values, _holm)


def benjamini_hochberg(p_values: Floats) -> Floats:
    """q-values of Benjamini and Hochberg (1995, JRSS B 57:289), in one stage; NaN stays NaN."""
    return _of_those_given(p_values, false_discovery_control)


def _of_those_given(p_values: Floats, adjust: Callable[[Floats], Floats]) -> Floats:
    values = np.asarray(p_values, dtype=float)
    given = ~np.isnan(values)
    wrong = values[given & ~((values >= 0) & (values <= 1))]
    if len(wrong):
        raise DesignError(
            "A p-value is not a probability.",
            expected="numbers between 0 and 1",
            found=", ".join(f"{value:g}" for value in wrong[:5]),
        )
    adjusted = np.full(len(values), np.nan)
    if given.any():
        adjusted[given] = adjust(values[given])
    return adjusted


def _holm(p_values: Floats) -> Floats:
    """Multiply the smallest of K p-values by K, the next by K - 1 and so on; none below the one before."""
    order = np.argsort(p_values, kind="stable")
    stepped = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _sharpened(p_values: Floats) -> Floats:
    """Solve both stages for the smallest rate, for p-values without gaps.

    At a rate q the first stage runs at q / (1 + q) and rejects r of m, the second at m / (m - r) times that.
    The r-th smallest is rejected by the first stage from `first[r]` on. With r taken as given, the second
    stage rejects rank i from the smallest of p_j (m - r) / j over j >= i on. More rejections never make the
    second stage stricter, so the smallest rate is the smallest, over r, of the larger of the two.
    """
    m = len(p_values)
    order = np.argsort(p_values, kind="stable")
    rank = np.arange(1, m + 1)
    needed = np.minimum.accumulate((p_values[order] / rank)[::-1])[::-1]
    first = np.concatenate([[0.0], needed * m])
    second = needed[:, None] * (m - np.arange(m + 1))
    level = np.maximum(second, first).min(axis=1)
    q = np.empty(m)
    q[order] = np.minimum(level / (1 - np.minimum(level, 0.5)), 1.0)
    return q
