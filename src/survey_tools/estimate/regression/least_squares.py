"""Fit one coefficient with errors clustered by the unit randomised."""

from __future__ import annotations

import numpy as np
import pandas as pd
import statsmodels.api as sm
from linearmodels.iv import IV2SLS

from survey_tools.estimate.design import Design, Floats, require_columns
from survey_tools.estimate.regression.coefficient import Coefficient


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
