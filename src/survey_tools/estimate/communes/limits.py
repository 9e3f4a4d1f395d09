"""Say what one commune by itself could show at best; estimates no effect."""

from __future__ import annotations

from math import comb

import numpy as np

from survey_tools.estimate.design import Floats
from survey_tools.estimate.design.assignment import drawn_of
from survey_tools.estimate.power.formula import multiplier


def smallest_difference(std_errors: Floats, n_teams: Floats) -> Floats:
    """Smallest difference of a commune's own arms found at 5 % (two-sided) with power 80 %.

    Parameters
    ----------
    std_errors : array, shape (J,)
        Of the differences; NaN where there is none.
    n_teams : array, shape (J,)
        Teams with answers: the commune's own test has two degrees of freedom fewer.

    Returns
    -------
    array, shape (J,)
    """
    by_df = {df: multiplier(df) for df in set(n_teams - 2)}
    return np.asarray(std_errors * np.array([by_df[df] for df in n_teams - 2]), dtype=float)


def smallest_p(drawn_from: int, regular: int, intensive: int, *, share: float = 0.5) -> float:
    """Smallest two-sided p-value that randomisation inference within one stratum can give.

    The assignment that came about and its mirror image give the same absolute difference, so no p-value
    is below the probability of the two: 0.10 for three teams against three.

    Parameters
    ----------
    drawn_from : int
        Teams of the stratum in the draw (`draw_assignment`).
    regular, intensive : int
        Those with answers, by arm; the others may be of either arm.
    share : float
        Share of the stratum drawn.

    Returns
    -------
    float
        1 when an arm is empty: nothing can be found.

    >>> round(smallest_p(6, 3, 3), 3), round(smallest_p(5, 3, 2), 3), round(smallest_p(7, 3, 4), 3)
    (0.1, 0.1, 0.029)
    """
    if not (regular and intensive):
        return 1.0
    number, chance = drawn_of(drawn_from, share)
    numbers = {number: 1 - chance, number + 1: chance}

    def probability(treated: int) -> float:
        silent = drawn_from - regular - intensive
        return sum(
            weight * comb(silent, k - treated) / comb(drawn_from, k)
            for k, weight in numbers.items()
            if weight and treated <= k <= treated + silent
        )

    return min(probability(intensive) + probability(regular), 1.0)
