"""Random-effects mean with one estimate of the spread: a check of the pooled model, not a result.

It takes the spread as known, so its intervals are too short where there are few communes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize_scalar

from survey_tools.errors import DesignError
from survey_tools.estimate.communes.pooling import restricted_likelihood
from survey_tools.estimate.design import Floats

Method = Literal["REML", "DL", "PM"]


@dataclass(frozen=True)
class RandomEffects:
    """Mean and spread of the effects of J places.

    Attributes
    ----------
    centre, std_error : float
        Generalised least-squares mean, and its error with the spread as known.
    knapp_hartung : float
        Error of the mean by Knapp and Hartung (2003), for t with J - 1 degrees of freedom.
    spread : float
        Standard deviation of the effects; 0 where the estimates differ no more than by chance.
    q : float
        Cochran's statistic of homogeneity, chi-squared with J - 1 degrees of freedom under it.
    effects, effect_errors : array, shape (J,)
        Best linear unbiased predictions of the places (Robinson 1991), with their errors.
    """

    centre: float
    std_error: float
    knapp_hartung: float
    spread: float
    q: float
    effects: Floats
    effect_errors: Floats


def random_effects(
    estimates: npt.ArrayLike, std_errors: npt.ArrayLike, *, method: Method = "REML"
) -> RandomEffects:
    """Fit the normal-normal model at one estimate of the spread.

    Parameters
    ----------
    estimates, std_errors : array, shape (J,)
        No gaps, errors above 0, at least two.
    method : {"REML", "DL", "PM"}
        Restricted maximum likelihood; DerSimonian and Laird (1986); Paule and Mandel (1982).

    Raises
    ------
    DesignError
        With fewer than two estimates, gaps, or errors not above 0.
    """
    y, variance = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float) ** 2
    if len(y) < 2 or np.isnan(y).any() or not (variance > 0).all():
        raise DesignError(
            "Random effects need several estimates with their errors.",
            expected="two or more, without gaps, errors above 0",
            found=f"{len(y)} estimates, {int(np.isnan(y).sum())} missing",
        )
    tau2 = {"REML": _reml, "DL": _dersimonian_laird, "PM": _paule_mandel}[method](y, variance)
    weights = 1 / (variance + tau2)
    centre, error2 = float(weights @ y / weights.sum()), float(1 / weights.sum())
    own = tau2 / (variance + tau2)
    return RandomEffects(
        centre=centre,
        std_error=float(np.sqrt(error2)),
        knapp_hartung=float(np.sqrt(weights @ (y - centre) ** 2 / (len(y) - 1) * error2)),
        spread=float(np.sqrt(tau2)),
        q=_q(y, variance, 0.0),
        effects=own * y + (1 - own) * centre,
        effect_errors=np.sqrt(own * variance + (1 - own) ** 2 * error2),
    )


def _q(y: Floats, variance: Floats, tau2: float) -> float:
    weights = 1 / (variance + tau2)
    return float(weights @ (y - weights @ y / weights.sum()) ** 2)


def _reml(y: Floats, variance: Floats) -> float:
    def loss(tau: float) -> float:
        return -float(restricted_likelihood(y, variance, np.array([tau]))[0][0])

    most = 3 * float(np.sqrt(np.var(y, ddof=1) + variance.max()))
    # a grid first: the likelihood may have a second hill at 0
    grid = np.linspace(0, most, 201)
    best = int(np.argmax(restricted_likelihood(y, variance, grid)[0]))
    if best == 0 and loss(0.0) <= loss(1e-4 * most):
        return 0.0
    ends = grid[max(best - 1, 0)], grid[min(best + 1, 200)]
    return float(
        minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-10}).x ** 2
    )


def _dersimonian_laird(y: Floats, variance: Floats) -> float:
    weights = 1 / variance
    scale = weights.sum() - (weights**2).sum() / weights.sum()
    return max(float((_q(y, variance, 0.0) - (len(y) - 1)) / scale), 0.0)


def _paule_mandel(y: Floats, variance: Floats) -> float:
    def excess(tau2: float) -> float:
        return _q(y, variance, tau2) - (len(y) - 1)

    if excess(0.0) <= 0:
        return 0.0
    return float(brentq(excess, 0.0, 10 * (np.var(y, ddof=1) + variance.max()), xtol=1e-14))
