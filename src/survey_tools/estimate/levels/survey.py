"""Design-based estimates from a sample with weights, strata and clusters, by Taylor linearisation.

Numbers only: no frame, no study. Own code: statsmodels has no survey estimation, and what there is on
PyPI either needs another data frame library or is no longer kept up.

Every estimate is linearised to one value a row, whose weighted total has the same variance (Woodruff
1971; Binder 1983; Särndal, Swensson and Wretman 1992, section 5.5). A domain sets these values to zero
outside it and keeps all rows, since how many units of a domain a sample holds is chance too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NoReturn

import numpy as np
from scipy import stats

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Codes, Floats

Lonely = Literal["error", "centred"]


@dataclass(frozen=True)
class SurveySample:
    """A probability sample of one or two stages.

    Attributes
    ----------
    weights : array of float, shape (n,)
        Population units a row stands for, not below 0; a row of weight 0 counts for nothing.
    strata, units : array of int, shape (n,)
        Stratum and primary sampling unit (PSU), numbered from 0, the PSU over all strata.
    population : array of float, shape (n,), optional
        PSUs in the population of the row's stratum; None draws with replacement, and then the second
        stage adds nothing.
    second : array of int, shape (n,), optional
        Unit of the second stage, numbered over all PSUs; None where each row is one.
    second_population : array of float, shape (n,), optional
        Units of the second stage in the population of the row's PSU; None takes PSUs as a whole.
    lonely : {"error", "centred"}
        A stratum with one PSU (or a PSU with one unit out of several): refuse it, or measure its
        deviation from the mean of all strata, which is too large a variance rather than none.
    """

    weights: Floats
    strata: Codes
    units: Codes
    population: Floats | None = None
    second: Codes | None = None
    second_population: Floats | None = None
    lonely: Lonely = "error"

    def __post_init__(self) -> None:
        """Refuse weights below 0 or all 0, a PSU in two strata, and more units than there are."""
        if not len(self.weights) or not (self.weights >= 0).all() or not self.weights.sum() > 0:
            _refuse("The weights carry no sample.", "weights of 0 or more, some above 0", "weights")
        pairs = len(np.unique(np.column_stack([self.strata, self.units]), axis=0))
        if pairs > len(np.unique(self.units)):
            _refuse("A sampling unit lies in two strata.", "one stratum a unit", "units")

    def df(self, domain: np.ndarray | None = None) -> int:
        """PSUs less strata, both counted where rows of the domain have weight (Korn and Graubard 1999)."""
        rows = self.weights > 0 if domain is None else (self.weights > 0) & domain
        return len(np.unique(self.units[rows])) - len(np.unique(self.strata[rows]))

    def covariance(self, values: Floats) -> Floats:
        """Covariance of the totals of `values`, weights included, shape (n, p): shape (p, p).

        Each stage adds (1 - f) m / (m - 1) times the squared deviations of the totals of its m units,
        the second stage times the first one's sampling fraction (Cochran 1977, section 11.7).
        """
        first, fraction = _stage(values, self.strata, self.units, self.population, None, self)
        if self.population is None or self.second_population is None:
            return first
        rows = np.arange(len(values)) if self.second is None else self.second
        second, _ = _stage(values, self.units, rows, self.second_population, fraction, self)
        return first + second


@dataclass(frozen=True)
class SurveyEstimate:
    """Estimates of one kind with their covariance.

    Attributes
    ----------
    value : array of float, shape (p,)
    covariance : array of float, shape (p, p)
    df : int
        PSUs less strata; for a regression less its slopes too.
    deff : array of float, shape (p,)
        Variance against that of a simple random sample of as many rows without replacement (with, where
        the weights add up to no more than the rows); NaN where there is none to compare, as for a ratio.
    n : int
        Rows with weight in the domain.
    """

    value: Floats
    covariance: Floats
    df: int
    deff: Floats
    n: int

    @property
    def std_error(self) -> Floats:
        """Standard errors, shape (p,)."""
        return np.sqrt(np.diag(self.covariance))

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Lower and upper ends by the t distribution; NaN without degrees of freedom."""
        half = stats.t.ppf((1 + level) / 2, self.df) if self.df > 0 else np.nan
        return self.value - half * self.std_error, self.value + half * self.std_error


def survey_mean(
    sample: SurveySample, y: Floats, *, domain: np.ndarray | None = None
) -> SurveyEstimate:
    """Estimate means (shares, for 0/1) of the columns of `y`, shape (n,) or (n, p), over a domain."""
    y, weights, inside = _prepare(sample, y, domain)
    size = weights.sum()
    mean = weights @ y / size
    covariance = sample.covariance(weights[:, None] * (y - mean) / size)
    n = int((weights > 0).sum())
    return SurveyEstimate(
        mean, covariance, sample.df(inside), _deff(covariance, y, weights, 1.0), n
    )


def survey_total(
    sample: SurveySample, y: Floats, *, domain: np.ndarray | None = None
) -> SurveyEstimate:
    """Estimate totals of the columns of `y`, shape (n,) or (n, p), over a domain."""
    y, weights, inside = _prepare(sample, y, domain)
    covariance = sample.covariance(weights[:, None] * y)
    deff = _deff(covariance, y, weights, float(weights.sum()))
    n = int((weights > 0).sum())
    return SurveyEstimate(weights @ y, covariance, sample.df(inside), deff, n)


def survey_ratio(
    sample: SurveySample, y: Floats, x: Floats, *, domain: np.ndarray | None = None
) -> SurveyEstimate:
    """Estimate the ratio of the total of `y` to the total of `x`, both shape (n,)."""
    both, weights, inside = _prepare(sample, np.column_stack([y, x]), domain)
    top, bottom = weights @ both
    if bottom == 0:
        _refuse("A ratio has nothing to divide by.", "a total other than 0", "x")
    ratio = top / bottom
    covariance = sample.covariance((weights * (both[:, 0] - ratio * both[:, 1]) / bottom)[:, None])
    n = int((weights > 0).sum())
    return SurveyEstimate(np.array([ratio]), covariance, sample.df(inside), np.array([np.nan]), n)


def survey_regression(
    sample: SurveySample, y: Floats, x: Floats, *, domain: np.ndarray | None = None
) -> SurveyEstimate:
    """Fit `y`, shape (n,), on the columns of `x`, shape (n, k), the constant among them.

    Weighted least squares; the covariance is Binder's (1983, International Statistical Review 51:279), the
    degrees of freedom are PSUs less strata, plus one, less k. Collinear columns are refused.
    """
    both, weights, inside = _prepare(sample, np.column_stack([y, x]), domain)
    y, x = both[:, 0], both[:, 1:]
    root = np.sqrt(weights)[:, None]
    if np.linalg.matrix_rank(root * x) < x.shape[1]:
        _refuse("The regressors are collinear.", "columns none of which the others give", "x")
    bread = np.linalg.inv((weights[:, None] * x).T @ x)
    slopes = bread @ (x.T @ (weights * y))
    covariance = sample.covariance((weights * (y - x @ slopes))[:, None] * (x @ bread))
    df = sample.df(inside) + 1 - x.shape[1]
    n = int((weights > 0).sum())
    return SurveyEstimate(slopes, covariance, df, np.full(len(slopes), np.nan), n)


def _prepare(
    sample: SurveySample, y: Floats, domain: np.ndarray | None
) -> tuple[Floats, Floats, np.ndarray]:
    """Columns with 0 for what has no weight, weights with 0 outside the domain, and the domain."""
    inside = np.ones(len(y), dtype=bool) if domain is None else np.asarray(domain, dtype=bool)
    weights = np.where(inside, sample.weights, 0.0)
    wide = y if y.ndim == 2 else y[:, None]
    if not weights.any():
        _refuse("A domain is empty.", "at least one row with weight", "domain")
    if np.isnan(wide[weights > 0]).any():
        _refuse(
            "A value is missing in a row that counts.",
            "values in all rows of the domain: leave rows without an answer out of it",
            "y",
        )
    return np.where(weights[:, None] > 0, wide, 0.0), weights, inside


def _stage(
    values: Floats,
    groups: Codes,
    units: Codes,
    population: Floats | None,
    outer: Floats | None,
    sample: SurveySample,
) -> tuple[Floats, Floats]:
    """Variance of totals that drawing `units` within `groups` adds; and the sampling fraction of each row."""
    _, first, unit = np.unique(units, return_index=True, return_inverse=True)
    totals = np.column_stack([np.bincount(unit, column) for column in values.T])
    group = np.unique(groups[first], return_inverse=True)[1]
    count = np.bincount(group)[group].astype(float)
    there = np.full(len(first), np.inf) if population is None else population[first]
    if (there < count).any():
        _refuse("A sample is larger than its population.", "no fewer units than were drawn", "fpc")
    scale = np.ones(len(first)) if outer is None else outer[first]
    means = np.column_stack([np.bincount(group, column)[group] for column in totals.T])
    centred = totals - means / count[:, None]
    lonely = (count == 1) & (there > 1) & (scale > 0)
    if lonely.any() and sample.lonely == "error":
        _refuse(
            "A stratum has one sampling unit only, which tells no variance.",
            "two units a stratum, or lonely='centred'",
            f"{int(lonely.sum())} strata or units",
        )
    centred[lonely] = totals[lonely] - totals.mean(axis=0)
    factor = scale * (1 - count / there) * count / np.where(lonely, 1.0, np.maximum(count - 1, 1))
    return (centred.T * factor) @ centred, (count / there)[unit]


def _deff(covariance: Floats, y: Floats, weights: Floats, size: float) -> Floats:
    """Variance against simple random sampling without replacement; `size` 1 for means."""
    n, population = int((weights > 0).sum()), float(weights.sum())
    if n < 2:
        return np.full(y.shape[1], np.nan)
    mean = weights @ y / population
    spread = weights @ (y - mean) ** 2 / population * n / (n - 1)
    # weights scaled to the sample know no population: then with replacement
    left = 1 - n / population if population > n else 1.0
    simple = size**2 * spread * left / n
    return np.divide(np.diag(covariance), simple, out=np.full(len(mean), np.nan), where=simple > 0)


def _refuse(what: str, expected: str, where: str) -> NoReturn:
    raise DesignError(what, expected=expected, where=f"survey sample: {where}")
