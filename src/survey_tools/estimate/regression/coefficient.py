"""One coefficient with its error and interval, whatever estimated it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Coefficient:
    """One coefficient with its standard error and interval; NaN where there is none.

    Attributes
    ----------
    estimate, std_error : float
        In units of the outcome.
    df : float
        Degrees of freedom of the t distribution; need not be whole, `inf` for the normal.
    p_value : float
        Two-sided.
    conf_low, conf_high : float
    """

    estimate: float = np.nan
    std_error: float = np.nan
    df: float = np.nan
    p_value: float = np.nan
    conf_low: float = np.nan
    conf_high: float = np.nan

    @classmethod
    def from_error(cls, estimate: float, std_error: float, df: float, tail: float) -> Coefficient:
        """Interval and two-sided p-value by the t distribution.

        Without a standard error above 0, or with no degrees of freedom, the estimate stands alone.
        """
        if not (std_error > 0 and df > 0):
            return cls(float(estimate))
        half = stats.t.ppf(1 - tail, df) * std_error
        p_value = float(2 * stats.t.sf(abs(estimate) / std_error, df))
        numbers = (estimate, std_error, df, p_value, estimate - half, estimate + half)
        return cls(*(float(number) for number in numbers))
