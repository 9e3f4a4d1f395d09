"""Pool estimates of many places partially: each borrows from all as far as the data call for it.

Knows nothing of communes, teams or surveys; `communes` brings the estimates here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from survey_tools.estimate.design import Floats

_NODES = 200
_BISECTIONS = 45


@dataclass(frozen=True)
class Pooled:
    """Posterior of the effects of J places.

    Attributes
    ----------
    estimate, conf_low, conf_high : array, shape (J,)
        Posterior mean and equal-tailed interval.
    weight_own : array, shape (J,)
        Posterior mean of the weight on a place's own estimate; 0 where it has none.
    centre, spread : float
        Posterior mean of the mean of the effects and of their standard deviation (tau).
    """

    estimate: Floats
    conf_low: Floats
    conf_high: Floats
    weight_own: Floats
    centre: float
    spread: float


def pool(
    estimates: npt.ArrayLike,
    std_errors: npt.ArrayLike,
    *,
    tau_scale: float | None,
    interval: float = 0.95,
) -> Pooled:
    """Fit the normal-normal hierarchical model, with tau integrated out.

    estimate_j ~ N(effect_j, std_error_j²), effect_j ~ N(mu, tau²), mu flat (Rubin 1981; Gelman et al.,
    Bayesian Data Analysis, 3rd ed., section 5.4). Given tau everything is normal; the posterior is the
    mixture over tau by Gauss-Legendre quadrature, and its quantiles are exact for that mixture. Setting
    tau to one estimate instead makes intervals too short, as that estimate is often 0.

    Parameters
    ----------
    estimates, std_errors : array, shape (J,)
        NaN in either for a place without its own estimate: it gets the prediction for a new place.
    tau_scale : float or None
        Scale of the half-normal prior on tau, in units of the estimates; None for a uniform prior,
        which needs at least 3 places with an estimate.
    interval : float

    Returns
    -------
    Pooled
        All NaN when no place has an estimate.

    Raises
    ------
    ValueError
        When a standard error is 0 or less, or the prior is improper for so few places.
    """
    y, se = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float)
    own = ~(np.isnan(y) | np.isnan(se))
    if (se[own] <= 0).any():
        raise ValueError("standard errors must be above 0")
    if tau_scale is None and 0 < own.sum() < 3:
        raise ValueError("a uniform prior on tau needs at least 3 estimates")
    if not own.any():
        gap = np.full(len(y), np.nan)
        return Pooled(gap, gap, gap, np.zeros(len(y)), float("nan"), float("nan"))
    tau, weight, centre, centre_variance = _posterior_of_tau(y[own], se[own] ** 2, tau_scale)
    own_weight = np.zeros((len(tau), len(y)))
    own_weight[:, own] = tau[:, None] ** 2 / (tau[:, None] ** 2 + se[own] ** 2)
    mean = own_weight * np.where(own, y, 0.0) + (1 - own_weight) * centre[:, None]
    # var(effect | tau): own_weight * se² is tau² where there is no own estimate
    conditional = np.where(own, own_weight * np.where(own, se, 0.0) ** 2, tau[:, None] ** 2)
    sd = np.sqrt(conditional + (1 - own_weight) ** 2 * centre_variance[:, None])
    tail = (1 - interval) / 2
    return Pooled(
        estimate=weight @ mean,
        conf_low=_mixture_quantile(tail, weight, mean, sd),
        conf_high=_mixture_quantile(1 - tail, weight, mean, sd),
        weight_own=weight @ own_weight,
        centre=float(weight @ centre),
        spread=float(weight @ tau),
    )


def _posterior_of_tau(
    y: Floats, variance: Floats, tau_scale: float | None
) -> tuple[Floats, Floats, Floats, Floats]:
    """Nodes of tau, their posterior weights, and mean and variance of mu at each."""
    # tau = s u/(1-u) takes the half line to (0, 1)
    u, step = np.polynomial.legendre.leggauss(_NODES)
    u, step = (u + 1) / 2, step / 2
    unit = tau_scale if tau_scale is not None else float(np.sqrt(np.median(variance)))
    tau = unit * u / (1 - u)
    precision = 1 / (variance + tau[:, None] ** 2)
    total = precision.sum(axis=1)
    centre = precision @ y / total
    log_density = (
        0.5 * np.log(precision).sum(axis=1)
        - 0.5 * np.log(total)
        - 0.5 * (precision * (y - centre[:, None]) ** 2).sum(axis=1)
        + np.log(step)
        - 2 * np.log1p(-u)
    )
    if tau_scale is not None:
        log_density -= 0.5 * (tau / tau_scale) ** 2
    weight = np.exp(log_density - log_density.max())
    return tau, weight / weight.sum(), centre, 1 / total


def _mixture_quantile(level: float, weight: Floats, mean: Floats, sd: Floats) -> Floats:
    # the quantile of a mixture lies between the smallest and largest quantile of its parts
    parts = mean + sd * ndtri(level)
    low, high = parts.min(axis=0), parts.max(axis=0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        below = weight @ ndtr((middle - mean) / sd) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2
