"""One regressor moved by one instrument: two-stage least squares, and what a weak instrument leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from survey_tools.estimate.design import Floats
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import Errors, focal_covariance
from survey_tools.estimate.regression.problem import Problem

Kind = Literal["interval", "half-line", "two half-lines", "whole line", "none"]


@dataclass(frozen=True)
class ConfidenceSet:
    """A set of effects that a test does not reject; need not be an interval.

    Attributes
    ----------
    kind : {"interval", "half-line", "two half-lines", "whole line", "none"}
        `whole line`: the data rule out nothing. `two half-lines`: they rule out an interval only.
        `none`: there is no error to test by.
    pieces : tuple of (low, high)
        The intervals that make up the set, from left to right; ends may be infinite.
    """

    kind: Kind
    pieces: tuple[tuple[float, float], ...]

    @property
    def low(self) -> float:
        """Lower end of the smallest interval around the set; NaN for no set."""
        return self.pieces[0][0] if self.pieces else np.nan

    @property
    def high(self) -> float:
        """Upper end of the smallest interval around the set; NaN for no set."""
        return self.pieces[-1][1] if self.pieces else np.nan

    def __contains__(self, value: float) -> bool:
        return any(low <= value <= high for low, high in self.pieces)


@dataclass(frozen=True)
class InstrumentFit:
    """An effect by one instrument.

    Attributes
    ----------
    effect : Coefficient
        Of the endogenous regressor, by two-stage least squares.
    first_stage, reduced_form : Coefficient
        Of the instrument, on the endogenous regressor and on the outcome; same rows and errors.
    effective_f : float
        Strength of the instrument (Montiel Olea and Pflueger 2013, JBES 31:358). With one instrument it
        is the squared t statistic of the first stage with the errors asked for.
    anderson_rubin : ConfidenceSet
        Right however weak the instrument (Anderson and Rubin 1949).
    """

    effect: Coefficient
    first_stage: Coefficient
    reduced_form: Coefficient
    effective_f: float
    anderson_rubin: ConfidenceSet


def two_stage(
    problem: Problem, endogenous: Floats, *, errors: Errors = "CR2", tail: float = 0.025
) -> InstrumentFit:
    """Effect of one endogenous regressor by one instrument.

    With one instrument the projected regressor of the second stage and the instrument span the same
    columns. So the CR2 error of two-stage least squares (of the second stage with the projected
    regressor and the structural residuals, as clubSandwich has it for `ivreg`), that of the first stage
    and the Anderson-Rubin test adjust clusters alike and have the same degrees of freedom.

    Parameters
    ----------
    problem : Problem
        The reduced form: the outcome, and the instrument as regressor of interest.
    endogenous : array of float, shape (n,)
    errors : str
        See `least_squares.focal_covariance`.
    tail : float
        Probability left of the lower end of an interval.

    Returns
    -------
    InstrumentFit
        Without effect where the instrument moves nothing at all.
    """
    weighted = problem.focal_residual
    if problem.weights is not None:
        weighted = weighted * problem.weights
    length = weighted @ problem.focal_residual
    inner = problem.residual(endogenous)
    moved, changed = float(weighted @ inner / length), problem.estimate
    first_errors = inner - moved * problem.focal_residual
    effect = changed / moved if abs(moved) > 1e-12 * _spread(inner) else np.nan
    structural = problem.y_residual - (0.0 if np.isnan(effect) else effect) * inner
    residuals = np.column_stack([problem.errors, first_errors, structural])
    covariance, df = focal_covariance(problem, residuals, errors)
    reduced, first, second = np.sqrt(np.diag(covariance))
    return InstrumentFit(
        Coefficient()
        if np.isnan(effect)
        else Coefficient.from_error(effect, second / abs(moved), df, tail),
        Coefficient.from_error(moved, first, df, tail),
        Coefficient.from_error(changed, reduced, df, tail),
        float((moved / first) ** 2) if first > 0 else np.nan,
        anderson_rubin(changed, moved, covariance[:2, :2], float(stats.t.ppf(1 - tail, df))),
    )


def anderson_rubin(
    reduced_form: float, first_stage: float, covariance: Floats, critical: float
) -> ConfidenceSet:
    """Effects b for which reduced form minus b times first stage is not far from 0.

    The test of b has the error sqrt(V_11 - 2 b V_12 + b^2 V_22), so the set solves a quadratic
    inequality. With one instrument it holds the two-stage estimate and is never empty.

    Parameters
    ----------
    reduced_form, first_stage : float
    covariance : array of float, shape (2, 2)
        Of the two coefficients.
    critical : float
        Quantile of t that the test compares with.
    """
    if not np.isfinite(covariance).all() or not np.isfinite(critical):
        return ConfidenceSet("none", ())
    margin = critical**2 * covariance
    square = first_stage**2 - margin[1, 1]
    linear = -2 * (reduced_form * first_stage - margin[0, 1])
    constant = reduced_form**2 - margin[0, 0]
    if square == 0:
        return _below_zero_line(linear, constant)
    inside = linear**2 - 4 * square * constant
    if inside <= 0:
        # Above 0 the set holds the estimate: it can only be this point.
        point = -linear / (2 * square)
        if square < 0:
            return ConfidenceSet("whole line", ((-np.inf, np.inf),))
        return ConfidenceSet("interval", ((float(point), float(point)),))
    far = -(linear + np.copysign(np.sqrt(inside), linear)) / 2
    low, high = sorted((float(far / square), float(constant / far)))
    if square > 0:
        return ConfidenceSet("interval", ((low, high),))
    return ConfidenceSet("two half-lines", ((-np.inf, low), (high, np.inf)))


def _below_zero_line(linear: float, constant: float) -> ConfidenceSet:
    """Where `linear` b + `constant` is at most 0, for a critical value equal to the first-stage t."""
    if linear == 0:
        return ConfidenceSet("whole line", ((-np.inf, np.inf),))
    end = -constant / linear
    return ConfidenceSet("half-line", ((-np.inf, end) if linear > 0 else (end, np.inf),))


def _spread(values: Floats) -> float:
    return float(np.sqrt((values**2).mean()))
