"""What a regressor left out of least squares can do to a coefficient, by its strength.

Formulas of Cinelli and Hazlett (2020, JRSS B 82:39). They are short and rest on least squares only; the
Python package for them fails on the pandas used here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from survey_tools.errors import DesignError
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import Errors, ols
from survey_tools.estimate.regression.problem import Problem


@dataclass(frozen=True)
class Confoundable:
    """A coefficient of least squares as the omission of a regressor may bias it.

    The bias depends on the classical error and the residual degrees of freedom, whichever error is used to
    test: with the estimate they give the partial R² of the treatment, an identity of the data. Clustering
    changes the error that the adjusted estimate is tested with, and nothing else. So a clustered error
    must not take the place of the classical one in the formulas, and its degrees of freedom least of
    all: with a hundred for clusters in place of thousands of rows, robustness would look many times
    greater.

    Attributes
    ----------
    estimate, classical_error : float
        In units of the outcome.
    df : float
        Residual degrees of freedom, rows less coefficients.
    std_error, test_df : float
        Error and degrees of freedom of the t test; those of the classical test with one more regressor
        (`df` - 1) when left out.
    """

    estimate: float
    classical_error: float
    df: float
    std_error: float = np.nan
    test_df: float = np.nan

    @classmethod
    def of(cls, problem: Problem, *, errors: Errors = "CR2") -> Confoundable:
        """Fit a problem, to be tested with the given errors."""
        classical = ols(problem, errors="classical")
        if errors == "classical":
            return cls(classical.estimate, classical.std_error, classical.df)
        found = ols(problem, errors=errors)
        return cls(classical.estimate, classical.std_error, classical.df, found.std_error, found.df)

    @property
    def partial_r2(self) -> float:
        """Share of the rest of the outcome that the treatment explains.

        Also the extreme scenario: a cause of all of the rest of the outcome must explain this share of
        the rest of the treatment to bring the estimate to zero (section 4.2).
        """
        t = self.estimate / self.classical_error
        return float(t**2 / (t**2 + self.df))

    def robustness_value(self, *, q: float = 1.0, alpha: float | None = None) -> float:
        """Partial R² with both treatment and outcome that a hidden cause needs to change the finding.

        Parameters
        ----------
        q : float
            Share of the estimate to be explained away, above 0; 1 is all of it.
        alpha : float, optional
            If given, the interval of coverage 1 - `alpha` need only reach the estimate that is left.

        Returns
        -------
        float
            Between 0 and 1; 0 if the interval reaches it as it is. Section 4.1; where the hidden cause
            does most harm with a smaller share of the outcome than of the treatment, as in version 0.1.6 of
            the R package sensemakr. With a clustered error it holds for causes that shrink it as they
            shrink the classical one.
        """
        f = q * abs(self.estimate) / (self.classical_error * np.sqrt(self.df))
        critical = 0.0 if alpha is None else self._critical(alpha)
        if not f > critical:
            return 0.0 if np.isfinite(f) and np.isfinite(critical) else np.nan
        if critical > 0 and f > 1 / critical:
            return float((f**2 - critical**2) / (1 + f**2))
        gap = f - critical
        return float((np.sqrt(gap**4 + 4 * gap**2) - gap**2) / 2)

    def adjusted(
        self, r2_treatment: float, r2_outcome: float, *, tail: float = 0.025
    ) -> Coefficient:
        """Estimate that a hidden cause of given strength would leave, if it biased away from zero.

        Parameters
        ----------
        r2_treatment : float
            Share of the rest of the treatment that it explains, at least 0 and below 1.
        r2_outcome : float
            Share of the rest of the outcome that it explains, 0 to 1, given the treatment.
        tail : float
        """
        if not (0 <= r2_treatment < 1 and 0 <= r2_outcome <= 1):
            raise DesignError(
                "A partial R² is out of range.",
                expected="0 or more and below 1 for the treatment, 0 to 1 for the outcome",
                found=f"{r2_treatment:g} and {r2_outcome:g}",
            )
        factor = np.sqrt(r2_outcome * r2_treatment / (1 - r2_treatment))
        bias = factor * self.classical_error * np.sqrt(self.df)
        estimate = np.sign(self.estimate) * (abs(self.estimate) - bias)
        shrunk = np.sqrt((1 - r2_outcome) / (1 - r2_treatment) * self.df / (self.df - 1))
        return Coefficient.from_error(estimate, self._error * shrunk, self._test_df, tail)

    @property
    def _error(self) -> float:
        return self.classical_error if np.isnan(self.std_error) else self.std_error

    @property
    def _test_df(self) -> float:
        return self.df - 1 if np.isnan(self.test_df) else self.test_df

    def _critical(self, alpha: float) -> float:
        """Critical value in units of the partial Cohen's f."""
        t = stats.t.ppf(1 - alpha / 2, self._test_df)
        return float(t * self._error / self.classical_error / np.sqrt(self.df - 1))


def benchmark_strength(full: Problem, reduced: Problem, multiple: float) -> tuple[float, float]:
    """Bound the strength of a hidden cause `multiple` times as strong as some observed covariates.

    Parameters
    ----------
    full, reduced : Problem
        The regression with and without the covariates, same rows.
    multiple : float
        Of their explanatory power, for treatment and for outcome (k_D = k_Y).

    Returns
    -------
    r2_treatment, r2_outcome : float
        Section 4.4 and its appendix. NaN where no cause can be so strong; `r2_outcome` is 1 at most.
    """
    treatment = _partial_r2(full, full.focal_residual, reduced.focal_residual)
    outcome = _partial_r2(full, full.errors, reduced.errors)
    if treatment >= 1 or multiple * treatment >= 1 - treatment:
        return np.nan, np.nan
    r2_treatment = multiple * treatment / (1 - treatment)
    between = multiple * treatment**2 / ((1 - multiple * treatment) * (1 - treatment))
    if between >= 1 or outcome >= 1:
        return np.nan, np.nan
    ratio = (np.sqrt(multiple) + np.sqrt(between)) / np.sqrt(1 - between)
    return float(r2_treatment), float(min(ratio**2 * outcome / (1 - outcome), 1.0))


def _partial_r2(problem: Problem, rest: np.ndarray, before: np.ndarray) -> float:
    weight = np.ones(problem.n) if problem.weights is None else problem.weights
    return float(max(1 - (weight @ rest**2) / (weight @ before**2), 0.0))
