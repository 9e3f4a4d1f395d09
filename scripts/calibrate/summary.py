"""Sum simulated districts up: one line a scenario, method and quantity, with its Monte Carlo error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.ArrayLike


@dataclass(frozen=True)
class Figure:
    """One result of the simulation.

    Attributes
    ----------
    method, quantity : str
    value, mc_error : float
        The figure and its standard error over districts.
    target_low, target_high : float
        Where it must lie; minus or plus infinity for no bound, both NaN where nothing is asked.
    """

    method: str
    quantity: str
    value: float
    mc_error: float
    target_low: float = np.nan
    target_high: float = np.nan

    @property
    def within(self) -> bool | None:
        """Whether the figure lies within its bounds; None where nothing is asked."""
        if np.isnan(self.target_low) and np.isnan(self.target_high):
            return None
        return bool(self.target_low <= self.value <= self.target_high)


Bounds = tuple[float, float]
COVERAGE: Bounds = (0.93, 0.97)
SIZE: Bounds = (0.035, 0.065)
FAMILY: Bounds = (0.03, 0.07)
RATIO: Bounds = (0.93, 1.07)
NOTHING: Bounds = (np.nan, np.nan)


def bias(method: str, estimates: Values, truth: Values) -> Figure:
    """Mean error; it must not be told from 0 at three Monte Carlo errors."""
    value, error = _mean(_array(estimates) - _array(truth))
    return Figure(method, "bias", value, error, -3 * error, 3 * error)


def large_bias(method: str, estimates: Values, truth: Values, *, sign: int) -> Figure:
    """Mean error that must be told from 0, in the direction `sign`: a control that has to fail."""
    value, error = _mean(_array(estimates) - _array(truth))
    low, high = (3 * error, np.inf) if sign > 0 else (-np.inf, -3 * error)
    return Figure(method, "bias", value, error, low, high)


def coverage(
    method: str, low: Values, high: Values, truth: Values, bounds: Bounds = COVERAGE
) -> Figure:
    """Share of intervals that hold the truth."""
    held = (_array(low) <= _array(truth)) & (_array(truth) <= _array(high))
    return share(method, "coverage", held, bounds)


def share(method: str, quantity: str, happened: Values, bounds: Bounds = NOTHING) -> Figure:
    """Share of districts in which something happened, or the mean of such shares."""
    value, error = _mean(_array(happened))
    return Figure(method, quantity, value, error, *bounds)


def mean(method: str, quantity: str, values: Values, bounds: Bounds = NOTHING) -> Figure:
    """Mean over districts."""
    value, error = _mean(_array(values))
    return Figure(method, quantity, value, error, *bounds)


def error_ratio(
    method: str, std_errors: Values, estimates: Values, bounds: Bounds = NOTHING
) -> Figure:
    """Mean standard error over the standard deviation of the estimates."""
    errors, spread = _array(std_errors), _array(estimates)
    ratio = float(errors.mean() / spread.std(ddof=1))
    return Figure(method, "mean_se_over_sd", ratio, ratio / np.sqrt(2 * len(spread)), *bounds)


def _array(values: Values) -> npt.NDArray[np.float64]:
    return np.asarray(values, dtype=float)


def _mean(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    if np.isnan(values).any():
        raise ValueError(
            f"{int(np.isnan(values).sum())} of {len(values)} districts without a figure"
        )
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
