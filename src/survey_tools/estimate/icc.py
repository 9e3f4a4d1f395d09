"""Split the variance of a household outcome into between and within clusters; tests nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey_tools.estimate.design import Codes, Design, Floats, codes_of, numeric
from survey_tools.estimate.regression.regressors import covariates, independent_within


def icc(
    values: npt.ArrayLike, clusters: npt.ArrayLike, strata: npt.ArrayLike | None = None
) -> float:
    """Estimate the intra-cluster correlation by one-way analysis of variance.

    Parameters
    ----------
    values : array of float, shape (n,)
        Missing values are left out.
    clusters : array, shape (n,)
    strata : array, shape (n,), optional
        Differences between strata are taken out; each cluster lies in one stratum.

    Returns
    -------
    float
        Below 0 when clusters are more alike than chance; NaN when it cannot be estimated.

    Notes
    -----
    Donner and Koval 1980, Biometrics 36:19; with strata the mean squares are those of the nested
    analysis of variance (Searle, Casella and McCulloch 1992, section 3.6).
    """
    between, within = variance_components(values, clusters, strata)
    total = between + within
    return float(between / total) if total > 0 else float("nan")


def variance_components(
    values: npt.ArrayLike, clusters: npt.ArrayLike, strata: npt.ArrayLike | None = None
) -> tuple[float, float]:
    """Estimate the variance between and within clusters; arguments as `icc`.

    Returns
    -------
    tuple of float
        (between, within), in squared units of `values`; NaN where there are no degrees of freedom.
    """
    y, cluster, stratum = _codes(values, clusters, strata)
    size, mean = _sizes_and_means(y, cluster)
    home = np.zeros(len(size), dtype=int)
    home[cluster] = stratum
    stratum_size, stratum_mean = _sizes_and_means(y, stratum)
    df_within = len(y) - len(size)
    df_between = len(size) - len(stratum_size)
    within = ((y - mean[cluster]) ** 2).sum() / df_within if df_within else np.nan
    if not df_between:
        return float("nan"), float(within)
    mean_square = (size * (mean - stratum_mean[home]) ** 2).sum() / df_between
    typical_size = (len(y) - (size**2 / stratum_size[home]).sum()) / df_between
    return float((mean_square - within) / typical_size), float(within)


@dataclass(frozen=True)
class Adjusted:
    """An outcome less what the covariates say, and how its variance splits within strata and arms.

    Attributes
    ----------
    values : array of float, shape (n,)
        In the order of the rows.
    between, within : float
        Variance between and within clusters of a stratum and arm, never below 0.
    df : int
        Degrees of freedom of `between`: clusters less cells of stratum and arm.
    """

    values: Floats
    between: float
    within: float
    df: int

    @property
    def sd(self) -> float:
        """Standard deviation of a household within stratum and arm."""
        return float(np.sqrt(self.between + self.within))


def adjusted_components(frame: pd.DataFrame, design: Design, outcome: str) -> Adjusted:
    """Split the endline outcome after adjustment for the covariates of the design.

    One slope a covariate over all cells of stratum and arm, fitted within the cells.

    Parameters
    ----------
    frame : DataFrame
        Households with an answer.
    design : Design
    outcome : str
    """
    y = numeric(frame, design.at_endline(outcome))
    if not len(y) or np.ptp(y) == 0:
        return Adjusted(y, 0.0, 0.0, 0)
    cell, names = cells_of(frame, design)
    wanted = covariates(frame, design, outcome)
    extra = independent_within(cell, np.zeros(len(y)), wanted).matrix
    # slopes within cells (Frisch and Waugh 1933)
    both = np.column_stack([y, extra])
    means = np.column_stack([np.bincount(cell, column) for column in both.T])
    both = both - (means / np.bincount(cell)[:, None])[cell]
    slopes = np.linalg.lstsq(both[:, 1:], both[:, 0], rcond=None)[0]
    values = y - extra @ slopes
    clusters, cluster_names = codes_of(frame, design.cluster)
    between, within = np.nan_to_num(variance_components(values, clusters, cell))
    df = len(cluster_names) - len(names)
    return Adjusted(values, max(float(between), 0.0), max(float(within), 0.0), df)


def cells_of(frame: pd.DataFrame, design: Design) -> tuple[Codes, tuple[str, ...]]:
    """Give each row the number of its cell of stratum and arm, from 0, and name the cells."""
    arm = numeric(frame, design.treatment).astype(int).astype(str)
    return codes_of(pd.DataFrame({"cell": frame[design.stratum].astype(str) + "|" + arm}), "cell")


def _codes(
    values: npt.ArrayLike, clusters: npt.ArrayLike, strata: npt.ArrayLike | None
) -> tuple[Floats, np.ndarray, np.ndarray]:
    y = np.asarray(values, dtype=float)
    there = ~np.isnan(y)
    cluster = pd.factorize(np.asarray(clusters)[there])[0]
    if strata is None:
        return y[there], cluster, np.zeros(int(there.sum()), dtype=int)
    return y[there], cluster, pd.factorize(np.asarray(strata)[there])[0]


def _sizes_and_means(y: Floats, codes: np.ndarray) -> tuple[Floats, Floats]:
    size = np.bincount(codes).astype(float)
    return size, np.bincount(codes, y) / size
