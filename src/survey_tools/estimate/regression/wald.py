"""Test several coefficients together with few clusters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from survey_tools.estimate.design import Codes, Floats
from survey_tools.estimate.regression.cr2 import Adjusted, adjust
from survey_tools.estimate.regression.moments import Basis
from survey_tools.estimate.regression.problem import Problem

_NOTHING = 1e-8
"""Expected variance, of about 1 for a regressor of length 1, that only rounding is left of."""
_DEPENDENT = 1e-6
"""Share of the length of a column, less the columns before it, that counts as nothing."""


class Wald(NamedTuple):
    """A joint test: F statistic, its degrees of freedom and p-value; NaN where there is none."""

    statistic: float
    df_num: int
    df_denom: float
    p_value: float


def wald_cr2(
    y: Floats,
    tested: Floats,
    others: Floats,
    strata: Codes,
    clusters: Codes,
    weights: Floats | None = None,
) -> Wald:
    """Test that all coefficients of `tested` are zero, with CR2 by cluster.

    The approximate Hotelling T-squared test (Pustejovsky and Tipton 2018, JBES 36:672, section 3.2, the
    test "AHT"; "HTZ" in clubSandwich): the Wald statistic times (eta - q + 1) / (eta q) against
    F(q, eta - q + 1), eta from the total variance of the CR2 matrix under independent, equal errors.
    With q = 1 it is the square of the t test of `ols`. The usual Wald test with CR1 rejects far too
    often when q is not small against the number of clusters. Memory grows with q G (S + k) and G^2.

    Parameters
    ----------
    y : array of float, shape (n,)
    tested : array of float, shape (n, q)
        No column a combination of the others, of `others` and of stratum dummies.
    others : array of float, shape (n, k)
    strata, clusters : array of int, shape (n,)
        Numbered from 0, as in `Problem`.
    weights : array of float, shape (n,), optional

    Returns
    -------
    Wald
        NaN for statistic and p-value where columns depend on each other, or where the clusters are too
        few for q coefficients.
    """
    q, n_clusters = tested.shape[1], int(clusters.max()) + 1
    names = tuple(str(g) for g in range(n_clusters))
    problem = Problem(y, tested[:, 0], others, strata, clusters, names, weights)
    columns = _orthonormal(problem, tested)
    if columns is None or n_clusters < 2 or len(y) <= others.shape[1] + q + problem.n_strata:
        return Wald(np.nan, q, np.nan, np.nan)
    weight = np.ones(len(y)) if weights is None else weights
    coefficients = columns.T @ (weight * problem.y_residual)
    errors = problem.y_residual - columns @ coefficients
    basis = Basis.scaled(np.column_stack([problem.controls, columns]), problem)
    adjusted = adjust(basis, errors[:, None], tested=q)
    scores = adjusted.scores[:, :, 0] * np.sqrt(weight.mean())
    variance = scores @ scores.T
    eta = hotelling_df(adjusted)
    denominator = eta - q + 1
    if not denominator > 0 or np.linalg.matrix_rank(variance, hermitian=True) < q:
        return Wald(np.nan, q, float(denominator), np.nan)
    distance = float(coefficients @ np.linalg.solve(variance, coefficients))
    statistic = distance * denominator / (eta * q)
    return Wald(statistic, q, float(denominator), float(stats.f.sf(statistic, q, denominator)))


def hotelling_df(adjusted: Adjusted) -> float:
    """Degrees of freedom eta of the Wishart distribution nearest to that of the CR2 matrix.

    q (q + 1) over the sum of the variances of the entries of the CR2 matrix, standardised to the mean I.
    """
    q, n_clusters, _ = adjusted.left_wide.shape
    left = [np.hstack([adjusted.left[s].toarray(), adjusted.left_wide[s]]) for s in range(q)]
    right = [np.hstack([adjusted.right[s].toarray(), adjusted.right_wide[s]]) for s in range(q)]
    mean = np.empty((q, q))
    for s in range(q):
        for t in range(q):
            crossed = (left[s] * right[t] + right[s] * left[t]).sum()
            mean[s, t] = adjusted.squares[s, t].sum() + crossed
    values, vectors = np.linalg.eigh(mean)
    if not values[0] > _NOTHING:
        return np.nan
    turn = (vectors / np.sqrt(values)) @ vectors.T
    squares = np.einsum("as,bt,stg->abg", turn, turn, adjusted.squares, optimize=True)
    left, right = (list(np.tensordot(turn, np.stack(side), 1)) for side in (left, right))
    total, variance = np.zeros((n_clusters, n_clusters)), 0.0
    for s in range(q):
        for t in range(q):
            covariances = left[s] @ right[t].T + right[s] @ left[t].T
            covariances[np.diag_indices(n_clusters)] += squares[s, t]
            variance += float((covariances * covariances.T).sum())
            if s == t:
                total += covariances
    return float(q * (q + 1) / (variance + (total**2).sum()))


def _orthonormal(problem: Problem, tested: Floats) -> Floats | None:
    """Make `tested`, less strata and others, orthonormal; None where columns depend on each other."""
    inner = problem.residual(tested)
    weight = np.ones(problem.n) if problem.weights is None else problem.weights
    spread = np.sqrt(((tested - tested.mean(axis=0)) ** 2).sum(axis=0))
    if (np.sqrt((inner**2).sum(axis=0)) <= _DEPENDENT * spread).any() or (spread == 0).any():
        return None
    root = np.sqrt(weight)[:, None]
    q, r = np.linalg.qr(inner / spread * root)
    if (np.abs(np.diag(r)) <= _DEPENDENT * np.sqrt((r**2).sum(axis=0))).any():
        return None
    return np.asarray(q / root)
