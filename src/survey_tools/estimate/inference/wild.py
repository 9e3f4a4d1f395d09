"""Test a coefficient with few clusters by the restricted wild cluster bootstrap.

Own code: no Python library gives the interval together with absorbed strata, and those that give the
p-value take minutes where this takes under a second, because they multiply rows (or clusters by
clusters) and not sums by cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Floats
from survey_tools.estimate.inference.cluster_scores import NOTHING, ClusterScores
from survey_tools.estimate.inference.multipliers import Kind, Multipliers
from survey_tools.estimate.regression import Problem
from survey_tools.estimate.regression.problem import is_explained

TIES = 1e-10
"""Statistics that differ by less than this part of themselves are equal (Rademacher draws tie exactly)."""

# Nulls tried on each side of the estimate, in standard errors: every quarter to 8, then half as far again.
_TRIED = np.concatenate([np.arange(1, 33) / 4, 8 * 1.5 ** np.arange(1, 19)])
_HALVINGS = 40


@dataclass(frozen=True)
class WildBootstrap:
    """Test of no effect and interval for one coefficient.

    Attributes
    ----------
    statistic : float
        t of the coefficient, with CR1 errors by cluster.
    p_value : float
        Two-sided: share of draws whose |t*| is above |t|, ties not counted. 0 means below 1 / draws.
    conf_low, conf_high : float
        Ends of the set of nulls whose p-value is not below twice the tail; infinite where no null,
        however far, is rejected.
    draws : int
        Draws used.
    enumerated : bool
        Whether they are all vectors of signs that there are; the p-value then has no simulation error.
    """

    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    draws: int
    enumerated: bool


@dataclass(frozen=True)
class Statistics:
    """t of several problems and of each draw under the null of no effect, all with the same draws.

    Attributes
    ----------
    observed : array of float, shape (K,)
    drawn : array of float, shape (K, B)
    enumerated : bool
    """

    observed: Floats
    drawn: Floats
    enumerated: bool

    def p_values(self) -> Floats:
        """Two-sided p-value of each problem alone, never 0: the data count as one more draw, and ties count.

        Where all signs are enumerated the data are one of the draws already. Slightly larger than that of
        `WildBootstrap`, which follows the published convention; the same as stepdown gives one test.
        """
        as_large = np.abs(self.drawn) >= np.abs(self.observed)[:, None] * (1 - TIES)
        itself = 0 if self.enumerated else 1
        return np.asarray((itself + as_large.sum(axis=1)) / (itself + self.drawn.shape[1]))


def wild_bootstrap(
    problem: Problem,
    *,
    draws: int = 9999,
    seed: int,
    tail: float = 0.025,
    weights: Kind = "rademacher",
) -> WildBootstrap:
    """Test no effect and invert the test into an interval, by the restricted wild cluster bootstrap.

    Each draw multiplies the residuals under the null by one sign a cluster, refits, and studentises with
    CR1 errors (Cameron, Gelbach and Miller 2008, REStat 90:414, appendix B; WCR-C, or "11", of MacKinnon,
    Nielsen and Webb 2023, Journal of Applied Econometrics 38:671). Nothing is refitted in fact: a draw's
    numerator is linear and its variance quadratic in the signs, with coefficients that are sums by
    cluster (MacKinnon 2022, Econometrics and Statistics 26:52). Both are polynomials in the null, so one pass
    over the draws serves all nulls.

    Parameters
    ----------
    problem : Problem
    draws : int
        Fewer are used where all 2^G vectors of signs are no more than `draws` + 1.
    seed : int
        With the names of the clusters it decides the draws; the order of rows does not.
    tail : float
        Probability left of the lower end of the interval.
    weights : {"rademacher", "webb"}
        Multipliers; Webb's six points serve below a dozen clusters.

    Notes
    -----
    The interval is the test inverted, the null imposed at each candidate (Roodman, MacKinnon, Nielsen and
    Webb 2019, Stata Journal 19:4). The nulls that are not rejected need not be one stretch: coming from
    far away, the first not rejected is sought every quarter of a standard error (coarser beyond 8), and
    its end by bisection. So a gap between stretches is covered rather than the far one lost. Where nulls
    more than 10,000 standard errors away are not rejected the end is infinite, as with one treated
    cluster among many (MacKinnon and Webb 2017, Journal of Applied Econometrics 32:233).

    Raises
    ------
    DesignError
        Fewer than two clusters, or no variation left in the regressor or in the outcome.
    """
    multipliers = Multipliers.of(problem.cluster_names, draws=draws, seed=seed, kind=weights)
    path = _NullPath.of(problem, multipliers)
    step = path.std_error
    inflation = np.sqrt(_small_sample(problem))
    return WildBootstrap(
        statistic=float(problem.estimate / (step * inflation)),
        p_value=path.p_value(problem.estimate / step),
        conf_low=float(problem.estimate - step * path.end(1, 2 * tail)),
        conf_high=float(problem.estimate + step * path.end(-1, 2 * tail)),
        draws=multipliers.draws,
        enumerated=multipliers.enumerated,
    )


def wild_statistics(
    problems: Sequence[Problem], *, draws: int = 9999, seed: int, weights: Kind = "rademacher"
) -> Statistics:
    """Return t and, with the same draws for all, t* of several problems under the null of no effect.

    Problems share draws by the names of clusters; they need not have the same rows or clusters.

    Raises
    ------
    DesignError
        As `wild_bootstrap`.
    """
    names = sorted({name for problem in problems for name in problem.cluster_names})
    multipliers = Multipliers.of(names, draws=draws, seed=seed, kind=weights)
    number = {name: g for g, name in enumerate(names)}
    rows = [np.array([number[name] for name in one.cluster_names]) for one in problems]
    errors = np.array([unscaled_error(one) for one in problems])
    sums = [ClusterScores.of(one, one.y_residual[:, None]) for one in problems]
    drawn = np.empty((len(problems), multipliers.draws))
    for part, signs in multipliers.blocks():
        for k, (one, mine) in enumerate(zip(sums, rows, strict=True)):
            numerators, products = one.evaluate(signs[mine])
            drawn[k, part] = numerators[0] / np.sqrt(np.maximum(products[0, 0], one.least[0, 0]))
    observed = np.array([one.estimate for one in problems]) / errors
    inflation = np.sqrt([_small_sample(one) for one in problems])
    drawn /= inflation[:, None]
    return Statistics(observed / inflation, drawn, multipliers.enumerated)


@dataclass(frozen=True)
class _NullPath:
    """Numerator and variance of each draw as polynomials in the distance z of the null from the estimate.

    z is in standard errors (CR1 without its constant, which cancels): the null is estimate - z errors, its
    t is z, and that of a draw is (n0 + n1 z) / sqrt(v0 + v1 z + v2 z^2).
    """

    std_error: float
    n0: Floats
    n1: Floats
    v0: Floats
    v1: Floats
    v2: Floats
    least: (
        Floats  # the same three coefficients of the variance below which it is 0 but for rounding
    )

    @classmethod
    def of(cls, problem: Problem, multipliers: Multipliers) -> _NullPath:
        """Evaluate all draws: the residuals under a null are those of the fit plus a part of the focal."""
        std_error = unscaled_error(problem)
        sums = ClusterScores.of(problem, np.column_stack([problem.errors, problem.focal_residual]))
        numerators = np.empty((2, multipliers.draws))
        products = np.empty((2, 2, multipliers.draws))
        for part, signs in multipliers.blocks():
            numerators[:, part], products[:, :, part] = sums.evaluate(signs)
        squared = sums.length**2
        unit = np.array([squared * std_error, squared])
        n0, n1 = numerators / unit[:, None]
        v0, v1, v2 = _quadratic(products, unit)
        least = _quadratic(sums.least, unit)
        exact = v2 <= least[2]
        v1[exact], v2[exact] = 0.0, 0.0
        return cls(std_error, n0, n1, v0, v1, v2, least)

    def p_value(self, z: float) -> float:
        """Share of draws whose t at the null is further from 0 than z."""
        powers = np.array([1.0, z, z * z])
        variance = self.v0 + z * (self.v1 + z * self.v2)
        variance = np.maximum(variance, self.least @ powers)
        return float(np.mean((self.n0 + z * self.n1) ** 2 > z * z * variance * (1 + 2 * TIES)))

    def end(self, side: int, level: float) -> float:
        """Distance of the last null that is not rejected at `level`, above 0; `side` is 1 or -1."""
        inside = next((d for d in _TRIED[::-1] if self.p_value(side * d) >= level), 0.0)
        if inside == _TRIED[-1]:
            return np.inf
        outside = _TRIED[np.searchsorted(_TRIED, inside, side="right")]
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            if self.p_value(side * middle) >= level:
                inside = middle
            else:
                outside = middle
        return float(inside)


def _quadratic(products: Floats, unit: Floats) -> Floats:
    """Coefficients of 1, z and z^2 in the square of a sum whose cross products are `products`."""
    scaled = (products.T / np.outer(unit, unit)).T
    return np.array([scaled[0, 0], scaled[0, 1] + scaled[1, 0], scaled[1, 1]])


def unscaled_error(problem: Problem) -> float:
    """CR1 standard error without its constant; refuses a problem that has none."""
    focal = problem.focal_residual
    if is_explained(problem.focal, focal):
        raise _nothing("the regressor of interest is explained by strata and other regressors")
    if is_explained(problem.y, problem.errors):
        raise _nothing("the outcome is constant, or explained by the regressors")
    weighted = focal if problem.weights is None else focal * problem.weights
    parts = weighted * problem.errors
    length = np.sqrt((problem.cluster_sums(parts) ** 2).sum())
    if length <= NOTHING * np.abs(parts).sum():
        raise _nothing("the regression fits the sum of every cluster")
    return float(length / (weighted @ focal))


def _nothing(reason: str) -> DesignError:
    return DesignError("There is no variation to resample.", found=reason)


def _small_sample(problem: Problem) -> float:
    """Constant of the CR1 variance (Cameron and Miller 2015, Journal of Human Resources 50:317)."""
    g, n = problem.n_clusters, problem.n
    return g / (g - 1) * (n - 1) / (n - problem.n_parameters)
