"""Estimate what intensive outreach changed at the endline: five estimands for each outcome.

Outcomes come from the caller and controls from the `Design`; nothing is read, written or formatted.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Design, Floats, numeric, outcome_names
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import cluster_codes, fit_2sls, fit_ols
from survey_tools.estimate.regression.regressors import (
    Columns,
    are_determined,
    covariates,
    independent,
    stratum_dummies,
)

ESTIMANDS = ("itt", "itt_unadjusted", "naive", "first_stage", "late")
WEAK_INSTRUMENT = 10.0
"""First-stage F below which 2SLS is read with care (Staiger and Stock 1997)."""


def effects(
    households: pd.DataFrame, design: Design, outcomes: pd.DataFrame | Iterable[str]
) -> pd.DataFrame:
    """Estimate all estimands for all outcomes.

    Parameters
    ----------
    households : DataFrame
        One row a household, with outcomes as `<outcome>__<wave>` (see `Design`).
    design : Design
    outcomes : DataFrame with a column `outcome`, or names

    Returns
    -------
    DataFrame
        Contract `effects`, with `n_communes`. One row an outcome and estimand, and one `first_stage`.

    Raises
    ------
    DesignError
        When the frame cannot carry the design. What concerns one outcome only is a row without
        estimate whose `note` says why.
    """
    rows = [first_stage(households, design)]
    for outcome in outcome_names(outcomes):
        for estimate in (itt, itt_unadjusted, naive, late):
            rows.append(estimate(households, design, outcome))
    return pd.concat(rows, ignore_index=True)


def itt(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Estimate the effect of assignment, adjusted for the baseline (ANCOVA; McKenzie 2012).

    Endline outcome on treatment, stratum dummies, baseline outcome and controls. One-row frame.
    """
    return _assignment_effect(households, design, outcome, "itt", adjusted=True)


def itt_unadjusted(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Estimate the effect of assignment with stratum dummies only. One-row frame."""
    return _assignment_effect(households, design, outcome, "itt_unadjusted", adjusted=False)


def first_stage(households: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Estimate what assignment did to the share of households reached, given the controls.

    The baseline of `reached` is left out, as 2SLS leaves it out. One-row frame.
    """
    return _assignment_effect(households, design, design.reached, "first_stage", adjusted=True)


def naive(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Compare endline means of households reached and not reached.

    Shown to warn, not to use. Teams visit who is at home, interested or already a user, and whoever
    pays without cash may remember a visit better: the two groups would differ without any outreach.
    Only `itt` and `late` compare groups that the draw made alike. One-row frame.
    """
    design.check(households)
    frame = _answered(households, design, outcome, design.reached)
    y, contact = _endline(frame, design, outcome), _endline(frame, design, design.reached)
    constant = Columns(np.ones((len(frame), 1)), ("constant",))
    problem = _problem(frame, design, y, contact, constant.matrix, two_arms=False)
    found = Coefficient() if problem else _fit(frame, design, y, contact, constant.matrix)
    method = f"difference of means by {design.reached}, {_errors(design)}"
    notes = (problem,) if problem else ("not an effect: households chose or were chosen",)
    return _row(frame, design, (outcome, "naive"), found, method, notes)


def late(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Estimate the effect of being reached on those whom assignment got reached.

    Two-stage least squares with assignment as instrument (Imbens and Angrist 1994), regressors as in
    `itt`. It holds if assignment works through being reached only; intensive teams also hold classes,
    so it may overstate. `note` has the first-stage F, clustered (with one instrument the effective F of
    Montiel Olea and Pflueger 2013). One-row frame.
    """
    design.check(households)
    frame = _answered(households, design, outcome, design.reached)
    y, contact = _endline(frame, design, outcome), _endline(frame, design, design.reached)
    others = _others(frame, design, outcome)
    assigned = numeric(frame, design.treatment)
    problem = _problem(frame, design, y, assigned, others.matrix, two_arms=True)
    if problem is None and are_determined(others.matrix, contact)[0]:
        problem = f"{design.reached} does not vary"
    found, notes = Coefficient(), (problem, *others.notes)
    if problem is None:
        first = _fit(frame, design, contact, assigned, others.matrix)
        clusters = cluster_codes(frame, design)
        found = fit_2sls(y, contact, assigned, others.matrix, clusters, design.tail)
        notes = (_first_stage_note(first), *others.notes)
    method = f"2SLS, instrument {design.treatment}, {_adjustment(design, True)}, {_errors(design)}"
    return _row(frame, design, (outcome, "late"), found, method, notes)


def _assignment_effect(
    households: pd.DataFrame, design: Design, outcome: str, estimand: str, *, adjusted: bool
) -> pd.DataFrame:
    design.check(households)
    frame = _answered(households, design, outcome)
    y, assigned = _endline(frame, design, outcome), numeric(frame, design.treatment)
    baseline = None if estimand == "first_stage" else outcome
    others = _others(frame, design, baseline) if adjusted else stratum_dummies(frame, design)
    problem = _problem(frame, design, y, assigned, others.matrix, two_arms=True)
    found = Coefficient() if problem else _fit(frame, design, y, assigned, others.matrix)
    method = f"OLS, {_adjustment(design, adjusted)}, {_errors(design)}"
    return _row(frame, design, (outcome, estimand), found, method, (problem, *others.notes))


def _answered(households: pd.DataFrame, design: Design, *variables: str) -> pd.DataFrame:
    answered = np.ones(len(households), dtype=bool)
    for variable in variables:
        answered &= ~np.isnan(_endline(households, design, variable))
    return households.loc[answered]


def _endline(frame: pd.DataFrame, design: Design, variable: str) -> Floats:
    return numeric(frame, design.at_endline(variable))


def _others(frame: pd.DataFrame, design: Design, outcome: str | None) -> Columns:
    strata = stratum_dummies(frame, design)
    fixed = np.column_stack([strata.matrix, numeric(frame, design.treatment)])
    extra = independent(fixed, covariates(frame, design, outcome))
    return Columns(
        np.column_stack([strata.matrix, extra.matrix]),
        (*strata.names, *extra.names),
        (*strata.notes, *extra.notes),
    )


def _problem(
    frame: pd.DataFrame, design: Design, y: Floats, focal: Floats, others: Floats, *, two_arms: bool
) -> str | None:
    """Say why these rows carry no estimate, or None."""
    if len(frame) == 0:
        return "no answers"
    if np.ptp(y) == 0:
        return "the outcome does not vary"
    clusters = design.clusters_by_arm(frame).values()
    if two_arms and min(clusters) < 2:
        return f"fewer than 2 {design.cluster} with answers in an arm"
    if sum(clusters) < 2 or len(frame) <= others.shape[1] + 2:
        return "too few rows"
    no_contrast, no_residual = are_determined(others, focal, y)
    if no_contrast:
        return "nothing to compare within the strata"
    if no_residual:
        return "the outcome is determined by the regressors"
    return None


def _fit(
    frame: pd.DataFrame, design: Design, y: Floats, focal: Floats, others: Floats
) -> Coefficient:
    return fit_ols(y, focal, others, cluster_codes(frame, design), design.tail)


def _first_stage_note(first: Coefficient) -> str:
    strength = (first.estimate / first.std_error) ** 2
    weak = f" (weak: below {WEAK_INSTRUMENT:.0f})" if strength < WEAK_INSTRUMENT else ""
    return f"first-stage F {strength:.1f}{weak}"


def _adjustment(design: Design, adjusted: bool) -> str:
    strata = f"{design.stratum} dummies"
    return f"ANCOVA, {strata}" if adjusted and design.estimator == "ancova" else strata


def _errors(design: Design) -> str:
    return f"CR1 by {design.cluster}, t(G-1)"


def _row(
    frame: pd.DataFrame,
    design: Design,
    what: tuple[str, str],
    found: Coefficient,
    method: str,
    notes: tuple[str | None, ...],
) -> pd.DataFrame:
    outcome, estimand = what
    regular = _endline(frame, design, outcome)[numeric(frame, design.treatment) == 0]
    row = {
        "outcome": outcome,
        "estimand": estimand,
        "wave": design.endline,
        "estimate": found.estimate,
        "std_error": found.std_error,
        "df": float(found.df),
        "p_value": found.p_value,
        "conf_low": found.conf_low,
        "conf_high": found.conf_high,
        "n": len(frame),
        "n_teams": int(frame[design.cluster].nunique()),
        "n_communes": int(frame[design.stratum].nunique()),
        "mean_regular": float(regular.mean()) if len(regular) else np.nan,
        "method": method,
        "note": "; ".join(note for note in notes if note),
    }
    return pd.DataFrame([row])
