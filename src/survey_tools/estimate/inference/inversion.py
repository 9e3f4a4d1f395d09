"""Invert a randomisation test: the constant effects that it does not reject, to the last digit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from survey_tools.estimate.design import Floats

_ROUNDING = 1e-9


def constant_effect_interval(
    redrawn: Floats, slope: Floats, estimate: float, fewest: int
) -> tuple[float, float]:
    """Find the range of effects b at which `fewest` or more redrawn coefficients are as large as observed.

    Taking a constant effect b out of the outcome moves the coefficient of the assignment carried out to
    `estimate` - b, and that of a redrawn one to `redrawn` - b `slope`. With h = b - `estimate` a redrawn
    one is as large where |e - h slope| >= |h|, e = `redrawn` - `estimate` `slope`: at h = 0 always, and
    onwards up to a root of this equation; where |slope| > 1, as can be when clusters differ in size,
    again from a second root on. The count changes at roots only, and the last root at which it is
    high enough is the end. Should the effects not rejected have a gap, the gap lies within the ends.

    Parameters
    ----------
    redrawn, slope : array of float, shape (B,)
    estimate : float
    fewest : int
        Of the B redrawn coefficients.

    Returns
    -------
    low, high : float
        Infinite where arbitrarily large effects are not rejected.
    """
    distance = redrawn - estimate * slope
    scale = max(abs(estimate), float(np.abs(redrawn).max(initial=0.0)))
    distance = np.where(np.abs(distance) <= _ROUNDING * scale, 0.0, distance)
    slope = np.where(np.abs(np.abs(slope) - 1) <= _ROUNDING, np.sign(slope), slope)
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = np.stack([distance / (1 + slope), -distance / (1 - slope)])
    always = (distance == 0) & (np.abs(slope) >= 1)
    high = estimate + _reach(roots, always, fewest)
    low = estimate - _reach(-roots, always, fewest)
    return low, high


def _reach(roots: Floats, always: npt.NDArray[np.bool_], fewest: int) -> float:
    """Find the largest h >= 0 at which `fewest` of the conditions hold, from their roots, shape (2, B)."""
    ahead = np.where(roots > 0, roots, np.inf)
    leave, back = ahead.min(axis=0), ahead.max(axis=0)
    leave[(roots == 0).all(axis=0) & ~always] = 0.0
    back = back[np.isfinite(back)]
    if np.isinf(leave).sum() + len(back) >= fewest:
        return float(np.inf)
    if not len(back):
        return float(-np.partition(-leave, fewest - 1)[fewest - 1])
    leave, back = np.sort(leave), np.sort(back)
    holding = len(leave) - np.searchsorted(leave, leave, side="left")
    holding += np.searchsorted(back, leave, side="right")
    return float(leave[(holding >= fewest) & np.isfinite(leave)].max(initial=0.0))
