"""Two-way fixed effects of a staggered start, and how much of them compares the wrong teams."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Floats
from survey_tools.estimate.effects.staggered_panel import StaggeredPanel
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import ols
from survey_tools.estimate.regression.problem import Problem


def twfe(data: StaggeredPanel, *, tail: float) -> Coefficient:
    """Regress the outcome on being treated, unit effects and wave effects.

    Unit effects are swept out first: they are nested in clusters, so the bias-reduced error is the same
    as with their dummies (Pustejovsky and Tipton 2018, J. Bus. Econ. Stat. 36:672, theorem 2).

    Parameters
    ----------
    data : StaggeredPanel
    tail : float
        Probability left of the lower end of the interval.
    """
    if data.refusal:
        return Coefficient()
    table = data.table
    unit = pd.factorize(table["unit"])[0]
    waves = np.eye(len(data.waves))[table["period"].to_numpy() - 1]
    waves = waves[:, waves.any(axis=0)][:, 1:]
    within = _demean(np.column_stack([table["y"], data.treated, waves]), unit)
    clusters, names = pd.factorize(table["cluster"], sort=True)
    problem = Problem(
        within[:, 0],
        within[:, 1],
        within[:, 2:],
        np.zeros(len(table), dtype=np.int64),
        clusters.astype(np.int64),
        tuple(str(name) for name in names),
    )
    left = (problem.focal_residual**2).sum()
    if left <= 1e-10 * max((within[:, 1] ** 2).sum(), 1e-300):
        return Coefficient()
    return ols(problem, tail=tail)


def forbidden_share(data: StaggeredPanel) -> float:
    """Share of the weight of two-way fixed effects on comparisons of later with earlier starts.

    By the decomposition of Goodman-Bacon (2021, J. Econometrics 225:254) of the means of clusters by
    wave: that of the households themselves where clusters have equally many. NaN where a cluster
    was not seen in some wave.
    """
    from diff_diff import BaconDecomposition

    if data.refusal:
        return float("nan")
    keys = ["cluster", "period"]
    means = data.table.groupby(keys, as_index=False)[["y", "first"]].mean()
    if len(means) < means["cluster"].nunique() * means["period"].nunique():
        return float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = BaconDecomposition().fit(means, "y", "cluster", "period", "first")
    return float(found.total_weight_later_vs_earlier)


def _demean(columns: Floats, unit: np.ndarray) -> Floats:
    count = np.bincount(unit)
    out = np.empty(columns.shape)
    for j, column in enumerate(columns.T):
        out[:, j] = column - (np.bincount(unit, column) / count)[unit]
    return out
