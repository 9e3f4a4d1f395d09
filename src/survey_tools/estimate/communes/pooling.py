"""Pool estimates of many places partially: each borrows from all as far as the data call for it.

Knows nothing of communes, teams or surveys; `communes` brings the estimates here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri, ndtr, ndtri

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Floats

_TAU_NODES = 120
_SCALE_NODES = 12
_BISECTIONS = 36
_NEGLIGIBLE = 1e-9
"""Posterior weight below which a node is left out."""


@dataclass(frozen=True)
class Pooled:
    """Posterior of the effects of J places.

    Attributes
    ----------
    estimate, conf_low, conf_high : array, shape (J,)
        Posterior mean and equal-tailed interval.
    weight_own : array, shape (J,)
        Posterior mean of the weight on a place's own estimate; 0 where it has none.
    centre, centre_low, centre_high : float
        Posterior mean and interval of the mean of the effects.
    spread : float
        Posterior mean of the standard deviation of the effects (tau).
    """

    estimate: Floats
    conf_low: Floats
    conf_high: Floats
    weight_own: Floats
    centre: float
    centre_low: float
    centre_high: float
    spread: float


def pool(
    estimates: npt.ArrayLike,
    std_errors: npt.ArrayLike,
    *,
    tau_scale: float | None,
    interval: float = 0.95,
    df: float | None = None,
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
    df : float, optional
        Degrees of freedom of the variance that all standard errors rest on. Their squares are then known
        up to a common factor, df over a chi-squared with df, which is integrated out too: with one
        place this is Student's t. None takes the standard errors as known.

    Returns
    -------
    Pooled
        All NaN when no place has an estimate.

    Raises
    ------
    DesignError
        When a standard error, `tau_scale` or `df` is 0 or less, or the prior is improper for so few places.
    """
    y, se = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float)
    own = ~(np.isnan(y) | np.isnan(se))
    _check(se[own], tau_scale, df)
    if not own.any():
        gap, nan = np.full(len(y), np.nan), float("nan")
        return Pooled(gap, gap, gap, np.zeros(len(y)), nan, nan, nan, nan)
    nodes = _posterior(y[own], se[own] ** 2, tau_scale, df)
    variance = nodes.tau[:, None] ** 2
    own_variance = nodes.scale[:, None] * np.where(own, se, 1.0) ** 2
    own_weight = np.where(own, variance / (variance + own_variance), 0.0)
    mean = own_weight * np.where(own, y, 0.0) + (1 - own_weight) * nodes.centre[:, None]
    # var(effect | tau): own_weight * se² is tau² where there is no own estimate
    conditional = np.where(own, own_weight * own_variance, variance)
    sd = np.sqrt(conditional + (1 - own_weight) ** 2 * nodes.centre_variance[:, None])
    tail = (1 - interval) / 2
    whole = nodes.centre[:, None], np.sqrt(nodes.centre_variance)[:, None]
    return Pooled(
        estimate=nodes.weight @ mean,
        conf_low=_mixture_quantile(tail, nodes.weight, mean, sd),
        conf_high=_mixture_quantile(1 - tail, nodes.weight, mean, sd),
        weight_own=nodes.weight @ own_weight,
        centre=float(nodes.weight @ nodes.centre),
        centre_low=float(_mixture_quantile(tail, nodes.weight, *whole)[0]),
        centre_high=float(_mixture_quantile(1 - tail, nodes.weight, *whole)[0]),
        spread=float(nodes.weight @ nodes.tau),
    )


def _check(own_errors: Floats, tau_scale: float | None, df: float | None) -> None:
    wrong = ""
    if (own_errors <= 0).any():
        wrong = "standard errors that are not above 0"
    elif df is not None and not df > 0:
        wrong = f"{df} degrees of freedom"
    elif tau_scale is None and 0 < len(own_errors) < 3:
        wrong = f"a uniform prior on the spread of {len(own_errors)} estimate(s)"
    elif tau_scale is not None and not tau_scale > 0:
        wrong = f"a prior of scale {tau_scale}"
    if wrong:
        raise DesignError(
            "These estimates cannot be pooled.",
            expected="errors, scale and degrees of freedom above 0; 3 estimates for a uniform prior",
            found=wrong,
        )


@dataclass(frozen=True)
class _Nodes:
    """Nodes of tau and of the factor of the variances, with mu at each: all of shape (K,)."""

    tau: Floats
    scale: Floats
    weight: Floats
    centre: Floats
    centre_variance: Floats


def _posterior(y: Floats, variance: Floats, tau_scale: float | None, df: float | None) -> _Nodes:
    """Weigh the nodes by their posterior density."""
    unit = tau_scale if tau_scale is not None else float(np.sqrt(np.median(variance)))
    u, tau_step = _unit_interval(_TAU_NODES)
    tau, scale, step = unit * u / (1 - u), np.ones(1), np.ones(1)
    # tau = unit u/(1-u) takes the half line to (0, 1)
    tau_step = tau_step / (1 - u) ** 2
    if tau_scale is not None:
        tau_step = tau_step * np.exp(-0.5 * (tau / tau_scale) ** 2)
    if df is not None:
        level, step = _unit_interval(_SCALE_NODES)
        scale = df / chdtri(df, level)
    tau, scale = (grid.ravel() for grid in np.meshgrid(tau, scale, indexing="ij"))
    density, centre, centre_variance = restricted_likelihood(y, variance * scale[:, None], tau)
    with np.errstate(divide="ignore"):
        density = density + np.log(np.outer(tau_step, step).ravel())
    weight = np.exp(density - density.max())
    weight = weight / weight.sum()
    kept = weight > _NEGLIGIBLE
    return _Nodes(
        tau[kept],
        scale[kept],
        weight[kept] / weight[kept].sum(),
        centre[kept],
        centre_variance[kept],
    )


def restricted_likelihood(
    y: Floats, variance: Floats, tau: Floats
) -> tuple[Floats, Floats, Floats]:
    """Log restricted likelihood of tau, and the generalised least-squares mean with its variance.

    Parameters
    ----------
    y : array, shape (J,)
    variance : array, shape (J,) or (K, J)
        Squared standard errors.
    tau : array, shape (K,)

    Returns
    -------
    tuple of array, shape (K,)
        Up to a constant, -sum(log v)/2 - log(sum 1/v)/2 - sum((y - mu)²/v)/2 with v = variance + tau²
        (Patterson and Thompson 1971). It is the posterior density of tau under a uniform prior.
    """
    precision = 1 / (variance + tau[:, None] ** 2)
    total = precision.sum(axis=1)
    centre = precision @ y / total
    density = (
        0.5 * np.log(precision).sum(axis=1)
        - 0.5 * np.log(total)
        - 0.5 * (precision * (y - centre[:, None]) ** 2).sum(axis=1)
    )
    return density, centre, 1 / total


def _unit_interval(nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss-Legendre quadrature on (0, 1)."""
    u, step = np.polynomial.legendre.leggauss(nodes)
    return (u + 1) / 2, step / 2


def _mixture_quantile(level: float, weight: Floats, mean: Floats, sd: Floats) -> Floats:
    # the quantile of a mixture lies between the smallest and largest quantile of its parts
    parts = mean + sd * ndtri(level)
    low, high = parts.min(axis=0), parts.max(axis=0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        below = weight @ ndtr((middle - mean) / sd) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2
