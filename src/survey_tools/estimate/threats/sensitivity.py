"""Say how strong a cause that nobody measured would have to be to explain an estimate away.

The statistics of Cinelli and Hazlett (2020, JRSS B 82:39) for the table of households.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design
from survey_tools.estimate.effects.rows import joined
from survey_tools.estimate.effects.sample import Sample, prepare
from survey_tools.estimate.regression.least_squares import Errors, ols
from survey_tools.estimate.threats.confounding import Confoundable, benchmark_strength

SENSITIVITY = [
    "outcome",
    "treatment",
    "estimate",
    "std_error",
    "partial_r2",
    "robustness_value",
    "robustness_value_interval",
    "n",
    "n_teams",
    "note",
]
BOUNDS = [
    "outcome",
    "treatment",
    "benchmark",
    "multiple",
    "r2_treatment",
    "r2_outcome",
    "estimate",
    "std_error",
    "conf_low",
    "conf_high",
    "note",
]


def sensitivity(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    *,
    treatment: str | None = None,
    errors: Errors = "CR2",
    q: float = 1.0,
) -> pd.DataFrame:
    """Say how strong a hidden cause must be to explain the adjusted estimate away.

    Of the regression of `itt` (endline outcome on treatment, stratum dummies, baseline outcome, controls).
    For a treatment that was drawn there is no hidden cause but attrition; it is meant for one that was
    not, such as `reached__w3`.

    Parameters
    ----------
    households : DataFrame
        One row a household.
    design : Design
    outcome : str
    treatment : str, optional
        Column; that of the design by default.
    errors : str
        See `ols`; "classical" gives the published statistics.
    q : float
        Share of the estimate to be explained away.

    Returns
    -------
    DataFrame
        One row: `outcome`, `treatment`, `estimate`, `std_error`, `partial_r2` (with the outcome),
        `robustness_value` (for the estimate), `robustness_value_interval` (for the interval of the design),
        `n`, `n_teams`, `note`. NaN where there is no estimate.
    """
    column = treatment or design.treatment
    sample = _sample(households, design, outcome, column)
    size = len(sample.frame), sample.frame[design.cluster].nunique()
    note = joined(sample.refusal, *sample.notes)
    if sample.problem is None:
        row = (outcome, column, *[np.nan] * 5, *size, note)
        return pd.DataFrame([row], columns=SENSITIVITY)
    fit = Confoundable.of(sample.problem, errors=errors)
    found = ols(sample.problem, errors=errors)
    values = (
        fit.partial_r2,
        fit.robustness_value(q=q),
        fit.robustness_value(q=q, alpha=2 * design.tail),
    )
    row = (outcome, column, found.estimate, found.std_error, *values, *size, note)
    return pd.DataFrame([row], columns=SENSITIVITY)


def sensitivity_bounds(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    benchmarks: Iterable[str],
    *,
    treatment: str | None = None,
    multiples: Iterable[float] = (1.0, 2.0, 3.0),
    errors: Errors = "CR2",
) -> pd.DataFrame:
    """Say what a hidden cause a few times as strong as an observed covariate would leave of the estimate.

    Parameters
    ----------
    households, design, outcome, treatment, errors
        As for `sensitivity`.
    benchmarks : iterable of str
        Controls of the design, or the baseline outcome as `<outcome>__<baseline>`.
    multiples : iterable of float
        Above 0.

    Returns
    -------
    DataFrame
        One row a benchmark and multiple: `outcome`, `treatment`, `benchmark`, `multiple`, `r2_treatment`
        and `r2_outcome` (most that the cause would explain of the rest of either), `estimate`,
        `std_error`, `conf_low`, `conf_high` (adjusted), `note`.

    Raises
    ------
    DesignError
        When a benchmark is not adjusted for.
    """
    column, times = treatment or design.treatment, list(multiples)
    sample = _sample(households, design, outcome, column)
    fit = None if sample.problem is None else Confoundable.of(sample.problem, errors=errors)
    rows = []
    for benchmark in benchmarks:
        reduced = _without(households, design, outcome, column, benchmark)
        for multiple in times:
            head = (outcome, column, benchmark, float(multiple))
            if sample.problem is None or reduced.problem is None or fit is None:
                note = sample.refusal or reduced.refusal
                rows.append((*head, *[np.nan] * 6, note))
                continue
            strength = benchmark_strength(sample.problem, reduced.problem, multiple)
            rows.append((*head, *strength, *_left(fit, strength, design.tail)))
    return pd.DataFrame(rows, columns=BOUNDS)


def _left(
    fit: Confoundable, strength: tuple[float, float], tail: float
) -> tuple[float, float, float, float, str]:
    if np.isnan(strength[0]):
        return (np.nan, np.nan, np.nan, np.nan, "no cause can be so strong")
    found = fit.adjusted(*strength, tail=tail)
    note = "explains all of the rest of the outcome" if strength[1] == 1 else ""
    return found.estimate, found.std_error, found.conf_low, found.conf_high, note


def _sample(households: pd.DataFrame, design: Design, outcome: str, treatment: str) -> Sample:
    design.check_ids(households)
    return prepare(households, design, outcome, focal=treatment, baseline=outcome, two_arms=False)


def _without(
    households: pd.DataFrame, design: Design, outcome: str, treatment: str, benchmark: str
) -> Sample:
    """Prepare the regression without a benchmark."""
    is_baseline = benchmark == design.at_baseline(outcome)
    known = benchmark in design.controls or (is_baseline and benchmark in households)
    if design.estimator == "difference" or not known:
        raise DesignError(
            "A benchmark is not among the covariates that the estimate is adjusted for.",
            expected=", ".join((design.at_baseline(outcome), *design.controls)),
            found=benchmark,
        )
    fewer = replace(design, controls=tuple(c for c in design.controls if c != benchmark))
    return prepare(
        households,
        fewer,
        outcome,
        focal=treatment,
        baseline=None if is_baseline else outcome,
        two_arms=False,
    )
