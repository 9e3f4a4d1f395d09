"""Shortest fixed-length interval of an effect when slopes of trends change little between periods."""

from __future__ import annotations

import numpy as np
from scipy import linalg, optimize, special

from survey_tools.estimate.design import Floats


def smoothness_interval(
    estimates: Floats, covariance: Floats, n_pre: int, weights: Floats, m: float, tail: float
) -> tuple[float, float]:
    """Fixed-length confidence interval under a bound `m` on changes of slope.

    Among estimators linear in the event study, that whose interval, widened for the largest bias that
    the bound allows, is shortest (Rambachan and Roth 2023, section 4.1; Donoho 1994; Armstrong and
    Kolesár 2018). A trend is a line and a change of slope at each period but the first and last. The
    estimator must undo the line; so its weights on the changes before the reference are free and those
    after it are given, which leaves a convex problem without constraints. diff-diff 3.13 finds the same
    interval, in a third of a second and only from its own tables of results.

    Parameters
    ----------
    estimates : array of float, shape (n_pre + n_post,)
    covariance : array of float, shape (n_pre + n_post, n_pre + n_post)
    n_pre : int
        Periods before the reference, 1 or more.
    weights : array of float, shape (n_post,)
    m : float
        0 or above, in units of the outcome.
    tail : float
        Probability left of the lower end.
    """
    after = np.arange(1, len(weights) + 1)
    given = np.abs([weights @ np.maximum(after - k, 0) for k in after[:-1]]).sum()
    line = weights @ after
    before = np.arange(n_pre, 0, -1)
    # weights v on the periods before put bends.T @ v on the changes of slope at 0, -1, -2, …
    bends = np.maximum(before[:, None] - np.arange(n_pre)[None, :], 0).astype(float)
    back = linalg.solve(bends.T, np.eye(n_pre))
    start = np.concatenate([back[:, 0] * line, weights])
    free = np.concatenate([back[:, 1:], np.zeros((len(weights), n_pre - 1))])
    level = float(np.sqrt(start @ covariance @ start))
    fixed_bias = m * (given + abs(line))

    def half_length(parts: Floats) -> tuple[float, Floats]:
        """Half the length, and its gradient, by the positive and negative parts of the free weights."""
        change = parts[: n_pre - 1] - parts[n_pre - 1 :]
        combination = start + free @ change
        sd = float(np.sqrt(combination @ covariance @ combination))
        bias = fixed_bias + m * parts.sum()
        critical, slope = _folded_critical(bias / sd, tail)
        by_sd = (critical - bias / sd * slope) * (free.T @ (covariance @ combination)) / sd
        gradient = np.concatenate([by_sd, -by_sd]) + slope * m
        return critical * sd / level, gradient / level

    parts = np.zeros(2 * (n_pre - 1))
    if n_pre > 1:
        unbiased = -linalg.solve(
            free.T @ covariance @ free, free.T @ covariance @ start, assume_a="pos"
        )
        parts = np.concatenate([np.maximum(unbiased, 0), np.maximum(-unbiased, 0)])
        parts = optimize.minimize(
            half_length, parts, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(parts),
            options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 2_000},
        ).x  # fmt: skip
    half = half_length(parts)[0] * level
    combination = start + free @ (parts[: n_pre - 1] - parts[n_pre - 1 :])
    centre = float(combination @ estimates)
    return centre - half, centre + half


def _folded_critical(bias: float, tail: float) -> tuple[float, float]:
    """Quantile of |N(bias, 1)| at 1 - 2 × tail, and its derivative by the bias."""

    def missing(critical: float) -> float:
        inside = special.ndtr(critical - bias) - special.ndtr(-critical - bias)
        return float(inside - (1 - 2 * tail))

    low, high = bias - special.ndtri(2 * tail), bias - special.ndtri(tail)
    critical = optimize.brentq(missing, low - 1e-6, high + 1e-6, xtol=1e-14)
    other = np.exp(-2 * bias * critical)  # density at -critical over that at critical
    return float(critical), float((1 - other) / (1 + other))
