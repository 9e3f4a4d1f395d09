"""Lay effects by time since the start out in rows, with pointwise and simultaneous intervals."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from scipy import stats

from survey_tools.estimate.design import Floats
from survey_tools.estimate.effects.rows import joined
from survey_tools.estimate.regression.coefficient import Coefficient

_DRAWS = 2**15

COLUMNS = (
    "outcome", "estimator", "event_time", "estimate", "std_error", "conf_low", "conf_high",
    "band_low", "band_high", "n", "n_teams", "note",
)  # fmt: skip
"""Columns of an event study; `event_time` is 0 at the first period of treatment."""


def event_study_rows(
    outcome: str,
    estimator: str,
    counts: pd.DataFrame,
    estimates: Floats,
    covariance: Floats,
    *,
    df: float,
    tail: float,
    bands: bool = True,
    reference: int = -1,
    note: str = "",
) -> pd.DataFrame:
    """Return one row an event time, in order.

    Parameters
    ----------
    outcome, estimator : str
    counts : DataFrame, k rows
        `event_time` (int), `n` and `n_teams` behind each.
    estimates : array of float, shape (k,)
        Effects; 0 at the reference.
    covariance : array of float, shape (k, k)
        A row of zeros marks what has no error: the reference, or nothing that varies.
    df : float
        Degrees of freedom of the t distribution.
    tail : float
        Probability left of the lower end of an interval.
    bands : bool
        Whether the covariances are known, so that simultaneous bands can be given.
    reference : int
        Event time of the reference.
    note : str
        On every row.
    """
    errors = np.sqrt(np.diag(covariance))
    estimated = errors > 0
    critical = np.nan
    if bands and estimated.any():
        critical = sup_t(covariance[np.ix_(estimated, estimated)], df=df, tail=tail)

    def note_of(time: int, has_error: bool) -> str:
        own = "reference" if time == reference else "" if has_error else "no error"
        return joined(own, note)

    rows = []
    numbers = counts[["event_time", "n", "n_teams"]].to_numpy(dtype=np.int64)
    for k, (time, n, n_teams) in enumerate(numbers):
        one = Coefficient.from_error(estimates[k], errors[k], df, tail)
        half = critical * errors[k] if estimated[k] else np.nan
        rows.append(
            (
                outcome, estimator, int(time), one.estimate, one.std_error,
                one.conf_low, one.conf_high, one.estimate - half, one.estimate + half,
                int(n), int(n_teams),
                note_of(int(time), bool(estimated[k])),
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def sup_t(covariance: Floats, *, df: float, tail: float) -> float:
    """Critical value of a band that covers all effects at once.

    The quantile of the largest of k absolute t statistics with the correlations of `covariance`, by
    quasi-random draws with a fixed seed (Montiel Olea and Plagborg-Møller 2019, J. Appl. Econometrics
    34:1, algorithm 1; the t instead of the normal distribution for few clusters).

    Parameters
    ----------
    covariance : array of float, shape (k, k)
        Variances above 0.
    df : float
    tail : float
        The band misses with probability 2 × `tail`.
    """
    errors = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(errors, errors))
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    largest = np.abs(_draws(len(errors), df) @ root.T).max(axis=1)
    return float(np.quantile(largest, 1 - 2 * tail))


@lru_cache(maxsize=16)
def _draws(k: int, df: float) -> Floats:
    """Quasi-random draws of k uncorrelated t with one denominator in common, shape (draws, k)."""
    points = stats.qmc.Sobol(k + 1, rng=np.random.default_rng(k)).random(_DRAWS)
    inside = np.clip(points, 1e-9, 1 - 1e-9)
    normal = stats.norm.ppf(inside[:, :k])
    if np.isinf(df):
        return np.asarray(normal)
    return np.asarray(normal / np.sqrt(stats.chi2.ppf(inside[:, k:], df) / df))
