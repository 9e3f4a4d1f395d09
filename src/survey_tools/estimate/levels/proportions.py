"""Intervals of a share that behave at 0 and 1; estimates no share."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from survey_tools.estimate.design import Floats
from survey_tools.estimate.levels.survey import SurveyEstimate

Interval = Literal["wilson", "logit", "beta"]
_ROUNDING = 1e-12


def wilson(share: Floats, n_effective: Floats, tail: float) -> tuple[Floats, Floats]:
    """Interval of a share by the score test (Wilson 1927), `n_effective` above 0."""
    z2 = stats.norm.ppf(1 - tail) ** 2
    shrunk = (share + z2 / (2 * n_effective)) / (1 + z2 / n_effective)
    inner = share * (1 - share) / n_effective + z2 / (4 * n_effective**2)
    half = np.sqrt(z2 * inner) / (1 + z2 / n_effective)
    return shrunk - half, shrunk + half


def proportion_interval(
    share: SurveyEstimate,
    *,
    kind: Interval = "wilson",
    level: float = 0.95,
    n_at_ends: float | None = None,
) -> tuple[float, float]:
    """Interval of one share that stays between 0 and 1.

    Parameters
    ----------
    share : SurveyEstimate
        `survey_mean` of one 0/1 column.
    kind : {"wilson", "logit", "beta"}
        Wilson's with n_eff answers; the Wald interval on the logit scale; Clopper and Pearson's with n_eff
        (Korn and Graubard 1998, Survey Methodology 24:193). n_eff is p (1 - p) / variance, times the squared
        ratio of the t quantiles with n - 1 and df degrees of freedom, for the first and the last.
    level : float
    n_at_ends : float, optional
        Answers that count where the sample shows no variance, as at 0 and 1; `n` by default.

    Returns
    -------
    (float, float)
        The logit interval does not exist at 0 and 1: NaN there, and without degrees of freedom.
    """
    p, tail = _snapped(float(share.value[0])), (1 - level) / 2
    variance, certain = float(share.covariance[0, 0]), p in (0.0, 1.0)
    if share.df < 1 or (kind == "logit" and certain):
        return float("nan"), float("nan")
    if kind == "logit":
        half = stats.t.ppf(1 - tail, share.df) * np.sqrt(variance) / (p * (1 - p))
        return float(expit(logit(p) - half)), float(expit(logit(p) + half))
    told = not certain and variance > 0
    effective = p * (1 - p) / variance if told else float(n_at_ends or share.n)
    effective *= (stats.t.ppf(tail, share.n - 1) / stats.t.ppf(tail, share.df)) ** 2
    if kind == "beta":
        hits, misses = effective * p, effective * (1 - p)
        low = stats.beta.ppf(tail, hits, misses + 1) if p > 0 else 0.0
        high = stats.beta.ppf(1 - tail, hits + 1, misses) if p < 1 else 1.0
        return float(low), float(high)
    low, high = (float(end[0]) for end in wilson(np.array([p]), np.array([effective]), tail))
    return (0.0 if p == 0 else low), (1.0 if p == 1 else high)


def _snapped(share: float) -> float:
    """Take a weighted mean of ones, which rounding leaves beside 1, as 1; of zeros as 0."""
    return float(round(share)) if abs(share - round(share)) < _ROUNDING else share
