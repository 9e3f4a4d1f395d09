"""Fit the coefficient of interest of a `Problem`, with the error that is asked for."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Floats
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.cr2 import cr2, cr3
from survey_tools.estimate.regression.moments import Basis
from survey_tools.estimate.regression.problem import Problem

Errors = Literal["CR2", "CR1", "CR3", "HC1", "HC2", "HC3", "classical"]
_ROUNDING = 1e-20
"""Variance, for residuals and regressor of length 1, that only rounding is left of."""
_CERTAIN = 1e-10
"""One minus the leverage of a row below which its residual is zero whatever the outcome."""


def ols(problem: Problem, *, errors: Errors = "CR2", tail: float = 0.025) -> Coefficient:
    """Coefficient of the regressor of interest, by (weighted) least squares.

    Parameters
    ----------
    problem : Problem
    errors : {"CR2", "CR1", "CR3", "HC1", "HC2", "HC3", "classical"}
        See `focal_covariance`.
    tail : float
        Probability left of the lower end of the interval.

    Returns
    -------
    Coefficient
        The estimate alone where the rows carry no error, as with one cluster.

    Raises
    ------
    DesignError
        When `errors` is none of these.
    """
    covariance, df = focal_covariance(problem, problem.errors[:, None], errors)
    std_error = float(np.sqrt(covariance[0, 0]))
    return Coefficient.from_error(problem.estimate, std_error, df, tail)


def focal_covariance(problem: Problem, residuals: Floats, errors: Errors) -> tuple[Floats, float]:
    """Covariances of the coefficient of interest in regressions on the same regressors.

    Parameters
    ----------
    problem : Problem
        Its outcome is not looked at.
    residuals : array of float, shape (n, E)
        Of E regressions.
    errors : str
        - `CR2`, by cluster, unbiased when errors are alike, Satterthwaite degrees of freedom (Bell and
          McCaffrey 2002; Pustejovsky and Tipton 2018): right with few, unequal clusters too.
        - `CR1`, by cluster, G/(G-1) (n-1)/(n-k), t(G-1) (Liang and Zeger 1986): too small with many
          strata. Strata that lie within clusters each are not counted in k (Correia 2015).
        - `CR3`, by cluster, leaving one out, t(G-1).
        - `HC1`, `HC2`, `HC3`, by row, t(n-k) (MacKinnon and White 1985).
        - `classical`, of alike independent errors, t(n-k).

    Returns
    -------
    covariance : array of float, shape (E, E)
        Squared standard errors on the diagonal. NaN without clusters or degrees of freedom, and where
        no cluster leaves a residual, as with one in each arm.
    df : float

    Raises
    ------
    DesignError
        When `errors` is none of these.
    """
    if errors not in get_args(Errors):
        raise DesignError(
            "The kind of standard error is unknown.",
            expected=" or ".join(get_args(Errors)),
            found=str(errors),
        )
    free = problem.n - (_charged(problem) if errors == "CR1" else problem.n_parameters)
    if free < 1 or (errors.startswith("CR") and problem.n_clusters < 2):
        return np.full((residuals.shape[1],) * 2, np.nan), np.nan
    if errors == "classical":
        weighted = residuals if problem.weights is None else residuals * problem.weights[:, None]
        return weighted.T @ residuals / free / _length(problem), float(free)
    scores, df = _scores(problem, residuals, errors, free)
    covariance = scores.T @ scores
    weight = 1.0 if problem.weights is None else problem.weights[:, None]
    scale = (weight * residuals**2).sum(axis=0) / _length(problem)
    empty = np.diag(covariance) < _ROUNDING * scale
    covariance[empty, :] = covariance[:, empty] = np.nan
    return covariance, float(df)


def _scores(problem: Problem, residuals: Floats, errors: Errors, free: int) -> tuple[Floats, float]:
    """Return what each cluster or row adds; the squares add up to the variance of the coefficient."""
    n, g = problem.n, problem.n_clusters
    if errors in ("CR2", "CR3"):
        mean = 1.0 if problem.weights is None else problem.weights.mean()
        scale = np.sqrt(mean / _length(problem))
        if errors == "CR3":
            return cr3(Basis.of(problem), residuals) * scale, g - 1
        scores, df = cr2(Basis.of(problem), residuals)
        return scores * scale, df
    rows = _weighted(problem)[:, None] * residuals / _length(problem)
    if errors == "CR1":
        return problem.cluster_sums(rows) * np.sqrt(g / (g - 1) * (n - 1) / free), g - 1
    if errors == "HC1":
        return rows * np.sqrt(n / free), free
    rest = 1 - _leverage(problem)
    power = 0.5 if errors == "HC2" else 1.0
    factor = np.where(rest > _CERTAIN, np.maximum(rest, _CERTAIN) ** -power, 0.0)
    return rows * factor[:, None], free


def _charged(problem: Problem) -> int:
    """Count the coefficients, without the strata if none reaches over a cluster."""
    cells = np.unique(problem.clusters * problem.n_strata + problem.strata)
    nested = len(cells) == problem.n_strata
    return 2 + problem.others.shape[1] if nested else problem.n_parameters


def _weighted(problem: Problem) -> Floats:
    focal = problem.focal_residual
    return focal if problem.weights is None else focal * problem.weights


def _length(problem: Problem) -> float:
    return float(_weighted(problem) @ problem.focal_residual)


def _leverage(problem: Problem) -> Floats:
    """Diagonal of the projection on all regressors, in the metric of the weights."""
    weight = np.ones(problem.n) if problem.weights is None else problem.weights
    inner = (problem.controls**2).sum(axis=1) + problem.focal_residual**2 / _length(problem)
    strata = np.bincount(problem.strata, weight, problem.n_strata)
    return np.asarray(weight * (inner + 1 / strata[problem.strata]))
