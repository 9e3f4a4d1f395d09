"""Relate outcomes to how much outreach a team gave: a slope, means by dose, and the slope by instrument."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design, Floats, numeric
from survey_tools.estimate.effects.assignment import adjustment, errors
from survey_tools.estimate.effects.late import first_stage_notes, fit_through_draw
from survey_tools.estimate.effects.rows import effect_row, joined
from survey_tools.estimate.effects.sample import Sample, prepare
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.dense import combination
from survey_tools.estimate.regression.instrument import ConfidenceSet
from survey_tools.estimate.regression.least_squares import ols

DOSE = "dose"
PER = 10.0
"""Contacts per 100 households that one unit of a slope stands for."""
_SCALED = "_dose_in_units_of_the_slope"
CHOSEN = "not causal: teams choose how much they visit"

BINS = [
    "outcome",
    "bin",
    "dose_low",
    "dose_high",
    "estimate",
    "conf_low",
    "conf_high",
    "n",
    "n_teams",
    "note",
]


def dose_slope(
    households: pd.DataFrame, design: Design, outcome: str, *, dose: str = DOSE
) -> pd.DataFrame:
    """Estimate the slope of the endline outcome in the dose of the team.

    Outcome on dose, stratum dummies, baseline outcome and controls; CR2 by cluster. Teams that visit more
    differ in more than visits, so it describes and does not say what more visits would bring; `dose_iv` uses
    only what the draw moved.

    Parameters
    ----------
    households : DataFrame
        One row a household.
    design : Design
    outcome : str
    dose : str
        Column: contacts per 100 households of the team between baseline and endline; one value a team.

    Returns
    -------
    DataFrame
        Contract `effects`, one row, estimand `dose_slope`: change of the outcome per 10 more contacts per 100
        households.

    Raises
    ------
    DesignError
        A column is absent or no number, or the dose varies within a team.
    """
    sample = _prepared(households, design, outcome, dose)
    found = ols(sample.problem, tail=design.tail) if sample.problem else Coefficient()
    adjusted = adjustment(design, design.estimator == "ancova")
    method = f"OLS on {dose} per {PER:g}, {adjusted}, {errors(design)}"
    notes = (sample.refusal or CHOSEN, *sample.notes)
    return effect_row(
        sample.frame, design, outcome, "dose_slope", found, method=method, notes=notes
    )


def dose_iv(
    households: pd.DataFrame, design: Design, outcome: str, *, dose: str = DOSE
) -> pd.DataFrame:
    """Estimate the slope in the dose that the draw itself moved, with assignment as instrument.

    Two-stage least squares, regressors as in `dose_slope`; a weighted mean of the slopes over the doses that
    assignment moved (Angrist and Imbens 1995, JASA 90:431). It holds if assignment works through the
    number of visits only; intensive teams also hold classes, so it may overstate.

    Parameters
    ----------
    households, design, outcome, dose
        As for `dose_slope`.

    Returns
    -------
    DataFrame
        Contract `effects`, one row, estimand `dose_iv`, in the units of `dose_slope`, and as in `late`
        `first_stage_f`, `ar_low`, `ar_high`.

    Raises
    ------
    DesignError
        As `dose_slope`, and as `Design.check`.
    """
    design.check(households)
    scaled = _scaled(households, design, dose)
    sample = prepare(scaled, design, outcome, baseline=outcome, answered=(_SCALED,))
    fit = fit_through_draw(sample, design, _SCALED)
    found, notes = Coefficient(), (sample.refusal, *sample.notes)
    robust, strength = ConfidenceSet("none", ()), np.nan
    if fit is not None:
        found, robust, strength = fit.effect, fit.anderson_rubin, fit.effective_f
        notes = (*first_stage_notes(fit), *sample.notes)
    elif not sample.refusal:
        notes = (f"{dose} does not vary within {design.stratum}", *sample.notes)
    adjusted = adjustment(design, design.estimator == "ancova")
    method = (
        f"2SLS on {dose} per {PER:g}, instrument {design.treatment}, {adjusted}, {errors(design)}"
    )
    row = effect_row(sample.frame, design, outcome, "dose_iv", found, method=method, notes=notes)
    return row.assign(first_stage_f=strength, ar_low=robust.low, ar_high=robust.high)


def dose_bins(
    households: pd.DataFrame, design: Design, outcome: str, *, dose: str = DOSE, bins: int = 3
) -> pd.DataFrame:
    """Estimate the mean outcome of households by the dose of their team, adjusted as in `dose_slope`.

    Bins hold equal numbers of teams, terciles by default; teams with equal doses share a bin, so there may
    be fewer. The mean is that of a household with average stratum, baseline and controls. Shows whether a
    straight line fits; not causal.

    Returns
    -------
    DataFrame
        One row a bin: `outcome`, `bin` (from 1), `dose_low`, `dose_high` (least and greatest dose in it),
        `estimate`, `conf_low`, `conf_high` (CR2 by cluster, Satterthwaite t), `n`, `n_teams`, `note`. Without
        rows where there is nothing to estimate.

    Raises
    ------
    DesignError
        As `dose_slope`; or fewer than two bins are asked for.
    """
    if bins < 2:
        raise DesignError("One bin shows no dose-response.", expected="2 or more", found=str(bins))
    sample = _prepared(households, design, outcome, dose)
    if sample.problem is None:
        return pd.DataFrame(columns=BINS)
    frame, problem = sample.frame, sample.problem
    values = numeric(frame, dose)
    member = _bins(frame, design, values, bins)
    x = _dummies_and_centred(member, problem.strata, problem.others, problem.weights)
    rows = []
    for number in range(int(member.max()) + 1):
        inside = member == number
        contrast = np.zeros(x.shape[1])
        contrast[number] = 1.0
        found = combination(
            x, problem.y, problem.clusters, contrast, weights=problem.weights, tail=design.tail
        )
        lone = "" if np.isfinite(found.estimate) else "not told apart from the strata"
        bounds = values[inside].min(), values[inside].max()
        teams = frame.loc[inside, design.cluster].nunique()
        interval = found.estimate, found.conf_low, found.conf_high
        note = joined(lone or CHOSEN, *sample.notes)
        rows.append((outcome, number + 1, *bounds, *interval, int(inside.sum()), teams, note))
    return pd.DataFrame(rows, columns=BINS)


def _prepared(households: pd.DataFrame, design: Design, outcome: str, dose: str) -> Sample:
    design.check_ids(households)
    scaled = _scaled(households, design, dose)
    return prepare(scaled, design, outcome, focal=_SCALED, baseline=outcome, two_arms=False)


def _scaled(households: pd.DataFrame, design: Design, dose: str) -> pd.DataFrame:
    """Add the dose in units of the slope; refuse one that varies within a team."""
    values = numeric(households, dose)
    distinct = pd.Series(values).groupby(households[design.cluster].to_numpy()).nunique()
    wrong = sorted(str(name) for name in distinct.index[distinct > 1])
    if wrong:
        raise DesignError(
            "The dose varies within a cluster.",
            expected=f"one {dose} for each {design.cluster}",
            found=f"{len(wrong)} with several: {', '.join(wrong[:5])}",
            where=f"columns {design.cluster}, {dose}",
        )
    return households.assign(**{_SCALED: values / PER})


def _bins(frame: pd.DataFrame, design: Design, values: Floats, bins: int) -> np.ndarray:
    """Give each row the number of its bin; bins have equal numbers of teams."""
    of_team = pd.Series(values).groupby(frame[design.cluster].astype(str).to_numpy()).first()
    edges = np.quantile(of_team.to_numpy(), np.arange(1, bins) / bins)
    member = np.searchsorted(np.unique(edges), values, side="left")
    return np.unique(member, return_inverse=True)[1]


def _dummies_and_centred(
    member: np.ndarray, strata: np.ndarray, others: Floats, weights: Floats | None
) -> Floats:
    dummies = np.eye(int(member.max()) + 1)[member]
    rest = np.column_stack([np.eye(int(strata.max()) + 1)[strata], others])
    return np.column_stack([dummies, rest - np.average(rest, axis=0, weights=weights)])
