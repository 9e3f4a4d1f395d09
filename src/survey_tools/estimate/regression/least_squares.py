"""Fit the coefficient of interest of a `Problem`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import statsmodels.api as sm
from linearmodels.iv import IV2SLS

from survey_tools.estimate.design import Design, Floats, require_columns
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.problem import Problem


def ols(problem: Problem, *, tail: float = 0.025) -> Coefficient:
    """Coefficient of the regressor of interest with CR1 errors by cluster and t(G-1).

    Parameters
    ----------
    problem : Problem
    tail : float
        Probability left of the lower end of the interval.
    """
    focal = problem.focal_residual
    weighted = focal if problem.weights is None else focal * problem.weights
    scores = problem.cluster_sums(weighted * problem.errors)
    g, n, k = problem.n_clusters, problem.n, problem.n_parameters
    variance = g / (g - 1) * (n - 1) / (n - k) * (scores**2).sum() / (weighted @ focal) ** 2
    return Coefficient.from_error(problem.estimate, float(np.sqrt(variance)), g - 1, tail)


def cluster_codes(frame: pd.DataFrame, design: Design) -> np.ndarray:
    """Give each row the number of its cluster, from 0, in sorted order."""
    require_columns(frame, [design.cluster])
    return pd.factorize(frame[design.cluster].astype(str), sort=True)[0]


def fit_ols(
    y: Floats, focal: Floats, others: Floats, clusters: np.ndarray, tail: float
) -> Coefficient:
    """Coefficient of `focal` by OLS, CR1 by `clusters`, t(G-1); `others` hold the constant."""
    exog = np.column_stack([focal, others])
    errors = {"cov_type": "cluster", "cov_kwds": {"groups": clusters}, "use_t": True}
    fit = sm.OLS(y, exog).fit(method="qr", **errors)
    return Coefficient.from_error(fit.params[0], fit.bse[0], clusters.max(), tail)


def fit_2sls(
    y: Floats,
    endogenous: Floats,
    instrument: Floats,
    others: Floats,
    clusters: np.ndarray,
    tail: float,
) -> Coefficient:
    """Coefficient of `endogenous` by two-stage least squares, CR1 by `clusters`, t(G-1)."""
    model = IV2SLS(y, others, endogenous, instrument)
    fit = model.fit(cov_type="clustered", clusters=clusters, debiased=True)
    name = "endog"
    return Coefficient.from_error(fit.params[name], fit.std_errors[name], clusters.max(), tail)
