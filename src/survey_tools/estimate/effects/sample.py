"""Take from the table of households the rows and columns of one regression, or say why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Codes, Design, codes_of, numeric
from survey_tools.estimate.regression.problem import Problem, is_explained
from survey_tools.estimate.regression.regressors import Columns, covariates, independent_within


@dataclass(frozen=True)
class Sample:
    """Rows that answer, and the regression on them.

    Attributes
    ----------
    frame : DataFrame
        The rows used, in the order of the table.
    problem : Problem or None
        None where there is nothing to estimate.
    refusal : str
        Why there is no `problem`; empty otherwise.
    notes : tuple of str
        What was dropped or filled.
    """

    frame: pd.DataFrame
    problem: Problem | None
    refusal: str
    notes: tuple[str, ...]


def prepare(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    *,
    focal: str | None = None,
    wave: str | None = None,
    baseline: str | None = None,
    controls: bool = True,
    strata: bool = True,
    answered: tuple[str, ...] = (),
    extra: Columns | None = None,
    two_arms: bool = True,
) -> Sample:
    """Prepare the regression of an outcome on one regressor.

    Parameters
    ----------
    households : DataFrame
        One row a household, outcomes as `<outcome>__<wave>`.
    design : Design
    outcome : str
        Name without wave.
    focal : str, optional
        Column of the regressor of interest; the treatment by default.
    wave : str, optional
        Wave of the outcome; the endline by default.
    baseline : str, optional
        Outcome whose baseline is adjusted for; None leaves it out.
    controls : bool
        Whether the controls of the design are adjusted for.
    strata : bool
        Whether stratum dummies are in the regression; a constant otherwise.
    answered : tuple of str
        Further columns that must not be missing.
    extra : Columns, optional
        Further regressors, one row a row of `households`.
    two_arms : bool
        Whether two clusters in each arm are needed.

    Raises
    ------
    DesignError
        When a column is absent or not numeric, or a weight is zero or below.
    """
    target, column = focal or design.treatment, f"{outcome}__{wave or design.endline}"
    there = np.ones(len(households), dtype=bool)
    for name in (column, target, *answered):
        there &= ~np.isnan(numeric(households, name))
    frame = households.loc[there]
    if frame.empty:
        return Sample(frame, None, "no answers", ())
    groups, lone = _strata(frame, design) if strata else (np.zeros(len(frame), np.int64), ())
    columns = _wanted(frame, design, baseline, controls)
    if extra is not None:
        columns = Columns(
            np.column_stack([columns.matrix, extra.matrix[there]]),
            (*columns.names, *extra.names),
            (*columns.notes, *extra.notes),
        )
    y, regressor = numeric(frame, column), numeric(frame, target)
    weights = design.weights_of(frame)
    kept = independent_within(groups, regressor, columns, weights)
    clusters, names = codes_of(frame, design.cluster)
    problem = Problem(y, regressor, kept.matrix, groups, clusters, names, weights)
    refusal = _refusal(frame, design, problem, two_arms=two_arms)
    notes = (*lone, *kept.notes)
    return Sample(frame, None if refusal else problem, refusal, notes)


def _strata(frame: pd.DataFrame, design: Design) -> tuple[Codes, tuple[str, ...]]:
    lone = design.one_armed_strata(frame)
    notes = (f"{design.stratum} with one arm only: {', '.join(lone)}",) if lone else ()
    return codes_of(frame, design.stratum)[0], notes


def _wanted(frame: pd.DataFrame, design: Design, baseline: str | None, controls: bool) -> Columns:
    if not controls and baseline is None:
        return Columns(np.empty((len(frame), 0)), ())
    return covariates(frame, design, baseline, controls=controls)


def _refusal(frame: pd.DataFrame, design: Design, problem: Problem, *, two_arms: bool) -> str:
    """Say why these rows carry no estimate; empty when they do."""
    if np.ptp(problem.y) == 0:
        return "the outcome does not vary"
    clusters = design.clusters_by_arm(frame).values()
    if two_arms and min(clusters) < 2:
        return f"fewer than 2 {design.cluster} with answers in an arm"
    if problem.n_clusters < 2 or problem.n <= problem.n_parameters + 1:
        return "too few rows"
    if is_explained(problem.focal, problem.focal_residual):
        return "nothing to compare within the strata"
    if is_explained(problem.y, problem.errors):
        return "the outcome is determined by the regressors"
    return ""
