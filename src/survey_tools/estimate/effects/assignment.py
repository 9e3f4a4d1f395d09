"""Compare the arms that the draw made: with and without adjustment, and who was reached."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Design, numeric
from survey_tools.estimate.effects.rows import effect_row
from survey_tools.estimate.effects.sample import Sample, prepare
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import ols


def itt(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Estimate the effect of assignment, adjusted for the baseline (ANCOVA; McKenzie 2012).

    Endline outcome on treatment, stratum dummies, baseline outcome and controls. One-row frame.
    """
    design.check(households)
    sample = prepare(households, design, outcome, baseline=outcome)
    return _row(sample, design, outcome, "itt", adjusted=design.estimator == "ancova")


def itt_unadjusted(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Estimate the effect of assignment with stratum dummies only. One-row frame."""
    design.check(households)
    sample = prepare(households, design, outcome, controls=False)
    return _row(sample, design, outcome, "itt_unadjusted", adjusted=False)


def itt_weighted(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Estimate the effect of assignment with the survey weights of the endline.

    It then speaks of the households that the interviews stand for, where `itt` speaks of those interviewed.
    One-row frame.

    Raises
    ------
    DesignError
        When the design names no survey weights, or a weight is not above zero.
    """
    weighted = design.weighted()
    weighted.check(households)
    answered = (str(weighted.weights),)
    sample = prepare(households, weighted, outcome, baseline=outcome, answered=answered)
    answers = int((~np.isnan(numeric(households, design.at_endline(outcome)))).sum())
    if answers > len(sample.frame):
        lost = f"{answers - len(sample.frame)} answers without {weighted.weights} left out"
        sample = replace(sample, notes=(lost, *sample.notes))
    return _row(sample, weighted, outcome, "itt_weighted", adjusted=design.estimator == "ancova")


def first_stage(households: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Estimate what assignment did to the share of households reached, given the controls.

    The baseline of `reached` is left out, as 2SLS leaves it out. One-row frame.
    """
    design.check(households)
    sample = prepare(households, design, design.reached)
    return _row(
        sample, design, design.reached, "first_stage", adjusted=design.estimator == "ancova"
    )


def naive(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Compare endline means of households reached and not reached.

    Shown to warn, not to use. Teams visit who is at home, interested or already a user, and whoever
    pays without cash may remember a visit better: the two groups would differ without any outreach.
    Only `itt` and `late` compare groups that the draw made alike. One-row frame.
    """
    design.check(households)
    reached = design.at_endline(design.reached)
    sample = prepare(
        households, design, outcome, focal=reached, controls=False, strata=False, two_arms=False
    )
    found = ols(sample.problem, tail=design.tail) if sample.problem else Coefficient()
    method = f"difference of means by {design.reached}, {errors(design)}"
    notes = (sample.refusal or "not an effect: households chose or were chosen",)
    return effect_row(sample.frame, design, outcome, "naive", found, method=method, notes=notes)


def adjustment(design: Design, adjusted: bool) -> str:
    """Say in words what a regression adjusts for."""
    strata = f"{design.stratum} dummies"
    return f"ANCOVA, {strata}" if adjusted else strata


def errors(design: Design) -> str:
    """Say in words which error an estimate has."""
    return f"CR2 by {design.cluster}, Satterthwaite t"


def _row(
    sample: Sample, design: Design, outcome: str, estimand: str, *, adjusted: bool
) -> pd.DataFrame:
    found = ols(sample.problem, tail=design.tail) if sample.problem else Coefficient()
    weighted = f"weighted by {design.weights}, " if design.weights else ""
    method = f"OLS, {weighted}{adjustment(design, adjusted)}, {errors(design)}"
    notes = (sample.refusal, *sample.notes)
    return effect_row(sample.frame, design, outcome, estimand, found, method=method, notes=notes)
