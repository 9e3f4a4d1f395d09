"""Say how much more than the observed covariates the unobserved ones must matter, by Oster's ratio.

Beside `sensitivity` because readers ask for it. It regards the observed covariates as unrelated to the
hidden ones, which `sensitivity` need not (Diegert, Masten and Poirier 2022); where they disagree, read that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design
from survey_tools.estimate.effects.sample import prepare
from survey_tools.estimate.regression.problem import Problem

SELECTION = [
    "outcome",
    "treatment",
    "estimate_uncontrolled",
    "estimate",
    "r2_uncontrolled",
    "r2",
    "r2_max",
    "selection_ratio",
    "n",
    "n_teams",
    "note",
]
R2_FACTOR = 1.3
"""Oster's bound: no regressors explain more than 1.3 times as much as the observed ones."""


@dataclass(frozen=True)
class Movement:
    """What controls did to an estimate; all within strata, which both regressions hold.

    Attributes
    ----------
    uncontrolled, controlled : float
        Coefficient of the treatment without and with the controls.
    r2_uncontrolled, r2_controlled : float
        Shares of the variance of the outcome within strata.
    variance_y, variance_x, rest_x : float
        Variance of the outcome, of the treatment, and of the treatment less controls.
    """

    uncontrolled: float
    controlled: float
    r2_uncontrolled: float
    r2_controlled: float
    variance_y: float
    variance_x: float
    rest_x: float

    @classmethod
    def of(cls, problem: Problem) -> Movement:
        """Measure it in a problem, whose others are the controls."""
        weight = np.ones(problem.n) if problem.weights is None else problem.weights
        total = weight.sum()
        y, x = problem.within(problem.y), problem.within(problem.focal)
        variance_y, variance_x = weight @ y**2 / total, weight @ x**2 / total
        slope = (weight * x) @ y / total / variance_x
        left = [weight @ rest**2 / total / variance_y for rest in (y - slope * x, problem.errors)]
        rest_x = weight @ problem.focal_residual**2 / total
        numbers = (
            slope,
            problem.estimate,
            1 - left[0],
            1 - left[1],
            variance_y,
            variance_x,
            rest_x,
        )
        return cls(*(float(number) for number in numbers))

    def selection_ratio(self, r2_max: float, *, effect: float = 0.0) -> float:
        """Return how much more hidden covariates matter than observed ones if the effect is `effect`.

        Oster (2019, JBES 37:187, proposition 3). NaN where controls moved nothing.

        Parameters
        ----------
        r2_max : float
            R² with the hidden covariates too, above that with the observed ones.
        effect : float
        """
        gap, moved = self.controlled - effect, self.uncontrolled - self.controlled
        room = (r2_max - self.r2_controlled) * self.variance_y
        gained = (self.r2_controlled - self.r2_uncontrolled) * self.variance_y
        cubic = gap**3 * (self.rest_x * self.variance_x - self.rest_x**2)
        square = gap**2 * self.rest_x * moved * self.variance_x
        top = gap * self.rest_x * (gained + self.variance_x * moved**2) + 2 * square + cubic
        bottom = room * (moved * self.variance_x + gap * (self.variance_x - self.rest_x))
        bottom += square + cubic
        return float(top / bottom) if abs(bottom) > 1e-14 * self.variance_y else np.nan


def selection(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    *,
    treatment: str | None = None,
    r2_max: float | None = None,
) -> pd.DataFrame:
    """Give Oster's ratio for an estimate of zero.

    Without and with the baseline outcome and controls; stratum dummies stand in both regressions.

    Parameters
    ----------
    households : DataFrame
    design : Design
    outcome : str
    treatment : str, optional
        Column; that of the design by default.
    r2_max : float, optional
        1.3 times the R² with controls by default, 1 at most.

    Returns
    -------
    DataFrame
        One row: `outcome`, `treatment`, `estimate_uncontrolled`, `estimate`, `r2_uncontrolled`, `r2`,
        `r2_max` (within strata), `selection_ratio` (above 1 in size: hidden covariates must matter more than
        those observed; negative: they must pull the other way), `n`, `n_teams`, `note`.

    Raises
    ------
    DesignError
        When `r2_max` is not above the R² with controls, or above 1.
    """
    design.check_ids(households)
    column = treatment or design.treatment
    sample = prepare(households, design, outcome, focal=column, baseline=outcome, two_arms=False)
    notes = [sample.refusal, *sample.notes]
    values: tuple[float, ...] = (np.nan,) * 6
    if sample.problem is not None:
        found = Movement.of(sample.problem)
        most = min(R2_FACTOR * found.r2_controlled, 1.0) if r2_max is None else r2_max
        if not found.r2_controlled < most <= 1:
            raise DesignError(
                "The greatest R² is no R², or is reached already.",
                expected=f"above {found.r2_controlled:.3f}, at most 1",
                found=f"{most:g}",
            )
        ratio = found.selection_ratio(most)
        shares = found.r2_uncontrolled, found.r2_controlled, most
        values = (found.uncontrolled, found.controlled, *shares, ratio)
        notes = ["" if np.isfinite(ratio) else "controls moved nothing", *sample.notes]
    size = len(sample.frame), sample.frame[design.cluster].nunique()
    row = (outcome, column, *values, *size, "; ".join(note for note in notes if note))
    return pd.DataFrame([row], columns=SELECTION)
