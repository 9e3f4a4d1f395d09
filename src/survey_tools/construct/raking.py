"""Rake weights to two margins by iterative proportional fitting; knows no survey.

Own code, because it is twenty lines and the packages that do it bring a whole survey system.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Margin = tuple[NDArray[np.int64], Floats]
"""Category of each row (-1: none), and the sum of weights that each category must have."""


@dataclass(frozen=True)
class Raked:
    """Raked weights, how many rounds it took, and the largest relative gap to a target at the end."""

    weight: Floats
    rounds: int
    gap: float

    @property
    def converged(self) -> bool:
        """Whether all margins are met."""
        return self.gap <= TOLERANCE


TOLERANCE = 1e-12
MOST_ROUNDS = 2000
PATIENCE = 50
"""Rounds in which the gap must fall by a tenth of a per cent, or no more are tried."""


def rake(weight: Floats, margins: list[Margin]) -> Raked:
    """Scale weights in turn to each margin until all are met (Deming and Stephan 1940).

    It ends when no sum is off its target by more than `TOLERANCE`, or when the gap falls no more.

    Parameters
    ----------
    weight : array, shape (n,)
        Starting weights, above 0.
    margins : list of (codes, targets)
        `codes` (n,) names each row's category from 0, -1 for rows that this margin leaves alone;
        `targets` (k,) is the sum of weights that each category must have.

    Returns
    -------
    Raked
        Not converged: the margins contradict each other, or a category with a target has no rows. The
        last margin is met best.
    """
    weight = weight.astype(np.float64)
    gap = before = margin_gap(weight, margins)
    rounds = 0
    while gap > TOLERANCE and rounds < MOST_ROUNDS:
        for codes, targets in margins:
            sums = _sums(weight, codes, len(targets))
            factor = np.divide(targets, sums, out=np.ones(len(targets)), where=sums > 0)
            weight = weight * np.where(codes >= 0, factor[codes], 1.0)
        rounds, gap = rounds + 1, margin_gap(weight, margins)
        if rounds % PATIENCE == 0:
            if gap > 0.999 * before:
                break
            before = gap
    return Raked(weight, rounds, gap)


def margin_gap(weight: Floats, margins: list[Margin]) -> float:
    """Return the largest relative gap of the sums of weights to a target (absolute where it is 0)."""
    gaps = [0.0]
    for codes, targets in margins:
        sums = _sums(weight, codes, len(targets))
        gaps.append(float(np.max(np.abs(sums - targets) / np.where(targets > 0, targets, 1.0))))
    return max(gaps)


def _sums(weight: Floats, codes: NDArray[np.int64], categories: int) -> Floats:
    sums = np.bincount(codes + 1, weights=weight, minlength=categories + 1)
    return sums[1:].astype(np.float64)
