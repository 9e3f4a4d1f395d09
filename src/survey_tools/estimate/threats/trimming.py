"""Bounds of a comparison by trimming, over cells and over replicates, and the interval around them.

Own code: no maintained Python package bounds with clusters and strata.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from survey_tools.estimate.design import Codes, Floats

_CHUNK = 2_000_000
"""Weights held at once."""


@dataclass(frozen=True)
class Arm:
    """One arm of one cell: answers in ascending order, and what was drawn, by cluster."""

    values: Floats
    weights: Floats
    clusters: Codes
    drawn: Floats

    def shares(self, factors: Floats) -> Floats:
        """Share of the weight drawn that answered, one a row of `factors`."""
        drawn = factors @ self.drawn
        return _ratio(factors[:, self.clusters] @ self.weights, drawn)

    def means(self, factors: Floats, trimmed: Floats) -> tuple[Floats, Floats]:
        """Means without the top and without the bottom `trimmed` share, one a row of `factors`."""
        weights = factors[:, self.clusters] * self.weights
        return (
            trimmed_mean(self.values, weights, trimmed),
            trimmed_mean(self.values[::-1], weights[:, ::-1], trimmed),
        )


@dataclass(frozen=True)
class Bounds:
    """Ends, one a replicate, and the share of the answers of each arm that is trimmed."""

    lower: Floats
    upper: Floats
    regular: Floats
    intensive: Floats


def trimmed_mean(values: Floats, weights: Floats, trimmed: Floats) -> Floats:
    """Weighted means of `values` without the last `trimmed` share of the weight.

    Parameters
    ----------
    values : array of float, shape (n,)
        In ascending order to trim the top, in descending order to trim the bottom.
    weights : array of float, shape (m, n)
        One row a mean.
    trimmed : array of float, shape (m,)
        From 0 to below 1. The value at the margin counts in part.

    Returns
    -------
    array of float, shape (m,)
        NaN where there is no weight.
    """
    upto = weights.cumsum(axis=1)
    keep = (1 - trimmed) * upto[:, -1]
    kept = np.clip(keep[:, None] - (upto - weights), 0.0, weights)
    return _ratio(kept @ values, keep)


def imbens_manski(
    lower: float, upper: float, errors: tuple[float, float], interval: float
) -> tuple[float, float]:
    """Interval for a parameter between two estimated bounds (Imbens and Manski 2004, equation 7).

    Parameters
    ----------
    lower, upper : float
    errors : tuple of float
        Standard errors of `lower` and of `upper`.
    interval : float
        Coverage.
    """
    largest = max(errors)
    if not largest > 0:
        return float("nan"), float("nan")
    gap = (upper - lower) / largest

    def excess(c: float) -> float:
        return float(stats.norm.cdf(c + gap) - stats.norm.cdf(-c) - interval)

    critical = optimize.brentq(excess, 0.0, stats.norm.ppf((1 + interval) / 2) + 1)
    return float(lower - critical * errors[0]), float(upper + critical * errors[1])


def bounds_over(cells: list[tuple[Arm, Arm]], factors: Floats) -> Bounds:
    """Bounds by replicate, over all cells by the weight of those who answer in either arm."""
    sums = np.zeros((4, len(factors)))
    total = np.zeros(len(factors))
    for regular, intensive in cells:
        share0, share1 = regular.shares(factors), intensive.shares(factors)
        trim0 = np.clip(_ratio(share0 - share1, share0), 0.0, None)
        trim1 = np.clip(_ratio(share1 - share0, share1), 0.0, None)
        no_top0, no_bottom0 = regular.means(factors, trim0)
        no_top1, no_bottom1 = intensive.means(factors, trim1)
        mass = factors @ (regular.drawn + intensive.drawn) * np.minimum(share0, share1)
        parts = np.array([no_top1 - no_bottom0, no_bottom1 - no_top0, trim0, trim1])
        usable = mass > 0
        sums[:, usable] += parts[:, usable] * mass[usable]
        total[usable] += mass[usable]
    return Bounds(*_ratio(sums, total))


def interval_around(
    cells: list[tuple[Arm, Arm]], found: Bounds, factors: Floats, interval: float
) -> tuple[float, float]:
    """Interval for the effect, with the errors of the bounds over replicates, taken in parts."""
    rows = sum(len(arm.values) for cell in cells for arm in cell)
    size = max(1, _CHUNK // rows)
    parts = [bounds_over(cells, factors[i : i + size]) for i in range(0, len(factors), size)]
    lower = np.concatenate([part.lower for part in parts])
    upper = np.concatenate([part.upper for part in parts])
    errors = float(np.nanstd(lower, ddof=1)), float(np.nanstd(upper, ddof=1))
    return imbens_manski(float(found.lower[0]), float(found.upper[0]), errors, interval)


def _ratio(above: Floats, below: Floats) -> Floats:
    """Quotient, NaN where there is nothing below."""
    there = np.broadcast_to(below > 0, np.shape(above))
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=there)
