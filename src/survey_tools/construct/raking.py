"""Rake weights to two margins by iterative proportional fitting; knows no survey.

Own code, because it is twenty lines and the packages that do it bring a whole survey system.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Raked:
    """Raked weights, how many rounds it took, and the largest relative gap to a target at the end."""

    weight: Floats
    rounds: int
    gap: float

    @property
    def converged(self) -> bool:
        """Whether both margins are met."""
        return self.gap <= TOLERANCE


TOLERANCE = 1e-12
MOST_ROUNDS = 2000


def rake(
    weight: Floats,
    margins: list[tuple[NDArray[np.int64], Floats]],
    *,
    tolerance: float = TOLERANCE,
    most_rounds: int = MOST_ROUNDS,
) -> Raked:
    """Scale weights in turn to each margin until all are met (Deming and Stephan 1940).

    Parameters
    ----------
    weight : array, shape (n,)
        Starting weights, above 0.
    margins : list of (codes, targets)
        `codes` (n,) names each row's category from 0, -1 for rows that this margin leaves alone;
        `targets` (k,) is the sum of weights that each category must have.
    tolerance : float
        Largest relative gap to a target at which it ends.
    most_rounds : int

    Returns
    -------
    Raked
        `gap` above the tolerance: the margins contradict each other, or a category with a target has
        no rows.
    """
    weight = weight.astype(np.float64)
    gap = _gap(weight, margins)
    rounds = 0
    while gap > tolerance and rounds < most_rounds:
        for codes, targets in margins:
            sums = np.bincount(codes + 1, weights=weight, minlength=len(targets) + 1)[1:]
            factor = np.divide(targets, sums, out=np.ones_like(targets), where=sums > 0)
            weight = weight * np.where(codes >= 0, factor[codes], 1.0)
        rounds, before, gap = rounds + 1, gap, _gap(weight, margins)
        if gap > tolerance and gap >= before * (1 - 1e-9):
            break
    return Raked(weight, rounds, gap)


def _gap(weight: Floats, margins: list[tuple[NDArray[np.int64], Floats]]) -> float:
    gaps = [0.0]
    for codes, targets in margins:
        sums = np.bincount(codes + 1, weights=weight, minlength=len(targets) + 1)[1:]
        gaps.append(float(np.max(np.abs(sums - targets) / np.where(targets > 0, targets, 1.0))))
    return max(gaps)
