"""Split the variance of a household outcome into between and within clusters; tests nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey_tools.estimate.design import Floats


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
