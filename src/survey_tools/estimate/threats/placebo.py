"""Look for effects where there are none: before treatment, on untouched outcomes, of redrawn assignments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from survey_tools.estimate.design import Design
from survey_tools.estimate.effects.assignment import adjustment, errors
from survey_tools.estimate.effects.rows import effect_row
from survey_tools.estimate.effects.sample import Sample, prepare
from survey_tools.estimate.inference.redraw import Assignments
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import ols

SIZE = [
    "outcome", "wave", "draws", "share_rejected", "conf_low", "conf_high", "mean_estimate",
    "sd_estimate", "mean_std_error", "n", "n_teams", "note",
]  # fmt: skip


def placebo_baseline(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Estimate the "effect" on the baseline value of an outcome, adjusted for stratum and controls.

    One-row frame, contract `effects`, wave the baseline. Of 20 outcomes one is expected below p = .05.
    """
    design.check(households)
    sample = prepare(households, design, outcome, wave=design.baseline)
    return _row(sample, design, outcome, "placebo_baseline", design.baseline)


def placebo_outcome(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Estimate, as `itt`, the "effect" on an outcome that outreach cannot have touched.

    The caller says which these are: nothing in the data can. One-row frame, contract `effects`.
    """
    design.check(households)
    sample = prepare(households, design, outcome, baseline=outcome)
    return _row(sample, design, outcome, "placebo_outcome", design.endline)


def placebo_assignment(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    assignments: Assignments,
    *,
    wave: str | None = None,
) -> pd.DataFrame:
    """Estimate the effect of assignments that were not carried out, and count how many are significant.

    The share of p-values below 1 - `design.interval` is the size that the test of `itt` has with these
    teams, households and answers. It should be near that level; well above, the test finds effects that
    are not there. Each redrawn assignment gets a regression and an error of its own.

    Parameters
    ----------
    households : DataFrame
    design : Design
    outcome : str
    assignments : Assignments
        As `inference.redraw` returns them; some 200 to 500 are enough.
    wave : str, optional
        The baseline by default, when there is no effect to mix in.

    Returns
    -------
    DataFrame
        One row: `outcome`, `wave`, `draws`, `share_rejected`, `conf_low`, `conf_high` (of that share,
        Clopper and Pearson), `mean_estimate`, `sd_estimate`, `mean_std_error`, `n`, `n_teams`, `note`.
    """
    design.check(households)
    wave = wave or design.baseline
    baseline = None if wave == design.baseline else outcome
    sample = prepare(households, design, outcome, wave=wave, baseline=baseline)
    row: dict[str, object] = dict.fromkeys(SIZE, np.nan)
    row |= {"outcome": outcome, "wave": wave, "draws": 0, "note": sample.refusal}
    row |= {"n": len(sample.frame), "n_teams": int(sample.frame[design.cluster].nunique())}
    if sample.problem is None:
        return pd.DataFrame([row])[SIZE]
    problem = sample.problem
    arms = assignments.matrix[assignments.rows(problem.cluster_names)].astype(float)
    found = [
        ols(replace(problem, focal=arm[problem.clusters]), tail=design.tail)
        for arm in arms.T
        if _separates(arm)
    ]
    p_values = np.array([one.p_value for one in found])
    known = p_values[~np.isnan(p_values)]
    rejected, draws = int((known < 2 * design.tail).sum()), len(known)
    undefined = assignments.draws - draws
    if undefined:
        row["note"] = f"{undefined} assignments without an estimate left out"
    if draws:
        exact = stats.binomtest(rejected, draws).proportion_ci(design.interval, method="exact")
        estimates = np.array([one.estimate for one in found])[~np.isnan(p_values)]
        std_errors = np.array([one.std_error for one in found])[~np.isnan(p_values)]
        row |= {"draws": draws, "share_rejected": rejected / draws}
        row |= {"conf_low": exact.low, "conf_high": exact.high}
        row |= {"mean_estimate": estimates.mean(), "mean_std_error": std_errors.mean()}
        row |= {"sd_estimate": estimates.std(ddof=1) if draws > 1 else np.nan}
    return pd.DataFrame([row])[SIZE]


def _separates(arm: np.ndarray) -> bool:
    return 0 < arm.sum() < len(arm)


def _row(sample: Sample, design: Design, outcome: str, estimand: str, wave: str) -> pd.DataFrame:
    found = ols(sample.problem, tail=design.tail) if sample.problem else Coefficient()
    method = f"OLS, {adjustment(design, design.estimator == 'ancova')}, {errors(design)}"
    notes = (sample.refusal, *sample.notes)
    return effect_row(
        sample.frame, design, outcome, estimand, found, method=method, notes=notes, wave=wave
    )
