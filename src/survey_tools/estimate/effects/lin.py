"""Effect of assignment averaged over households, with covariates that may work differently by arm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey_tools.estimate.design import Codes, Design, Floats
from survey_tools.estimate.effects.assignment import errors
from survey_tools.estimate.effects.rows import effect_row
from survey_tools.estimate.effects.sample import prepare
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import ols
from survey_tools.estimate.regression.problem import Problem
from survey_tools.estimate.regression.regressors import Columns, independent_within


def itt_lin(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Estimate the effect of assignment with interacted covariates (Lin 2013, AOAS 7:295).

    `itt` weights strata by how much they tell about the effect and lets covariates work alike in both
    arms. Here every household counts alike and covariates work by arm (see `interacted`), so the
    estimate is of the average effect also where effects differ between strata. Strata with one arm only
    are kept for the covariates; the average is over the others. One-row frame.
    """
    design.check(households)
    sample = prepare(households, design, outcome, baseline=outcome)
    notes = [sample.refusal, *sample.notes]
    found = Coefficient()
    if sample.problem is not None:
        problem, dropped = interacted(sample.problem)
        if dropped:
            notes.append(f"{dropped} interaction(s) dropped as collinear")
        if problem.n > problem.n_parameters + 1:
            found = ols(problem, tail=design.tail)
        else:
            notes.append("too few rows for the interactions")
    method = (
        f"OLS, covariates interacted (Lin), {design.stratum} dummies, arms weighted to the households "
        f"of each {design.stratum}, {errors(design)}"
    )
    return effect_row(
        sample.frame, design, outcome, "itt_lin", found, method=method, notes=filter(None, notes)
    )


def interacted(problem: Problem) -> tuple[Problem, int]:
    """Add interactions of a 0/1 regressor of interest with centred covariates, and weigh arms alike.

    Without strata this is the regression of Lin (2013). With strata his regression also has treatment
    by stratum dummies; its estimate is the effect of each stratum averaged by size. The same average
    comes from weighing each arm of a stratum up to the stratum (Imbens and Rubin 2015, chapter 9;
    Gerber and Green 2012, section 4.5), which this does: a dummy for each arm of each stratum would fit
    an arm of one cluster without error, and CR2 could learn nothing from it.

    Parameters
    ----------
    problem : Problem
        `focal` is 0 or 1; `weights` are probability weights, if any.

    Returns
    -------
    problem : Problem
        With new `others` and `weights`. Its estimate is the average effect over the (weighted) rows of
        the strata that have both arms.
    dropped : int
        Number of interactions that other regressors give already.
    """
    arm = problem.focal.astype(np.int64)
    base = np.ones(problem.n) if problem.weights is None else problem.weights
    share, both = _share_of_arm(problem.strata, arm, base)
    mean = np.average(problem.others[both], axis=0, weights=base[both])
    centred = problem.others - mean
    columns = Columns(
        np.column_stack([centred, centred * problem.focal[:, None]]),
        tuple(str(j) for j in range(2 * centred.shape[1])),
    )
    kept = independent_within(problem.strata, problem.focal, columns, base / share)
    result = replace(problem, others=kept.matrix, weights=base / share)
    return result, columns.matrix.shape[1] - kept.matrix.shape[1]


def _share_of_arm(
    strata: Codes, arm: Codes, weights: Floats
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return for each row the share of its arm in its stratum, and whether that has both arms."""
    n_strata = int(strata.max()) + 1
    cells = np.bincount(2 * strata + arm, weights, 2 * n_strata).reshape(n_strata, 2)
    share = cells[strata, arm] / cells.sum(axis=1)[strata]
    both = np.asarray((cells > 0).all(axis=1))
    return share, both[strata]
