"""Compare the effect in a group stated beforehand with the effect outside it.

Neither groups nor outcomes are chosen here, and none is searched for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design, numeric, outcome_names
from survey_tools.estimate.effects.rows import few_df
from survey_tools.estimate.effects.sample import Sample, prepare
from survey_tools.estimate.inference.families import romano_wolf, sharpened_q
from survey_tools.estimate.inference.wild import unscaled_error
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import ols
from survey_tools.estimate.regression.problem import Problem
from survey_tools.estimate.regression.regressors import Columns, covariates, independent_within
from survey_tools.estimate.regression.wald import wald_cr2

COLUMNS = [
    "outcome", "group", "estimate_in", "conf_low_in", "conf_high_in", "n_in", "n_teams_in",
    "estimate_out", "conf_low_out", "conf_high_out", "n_out", "n_teams_out", "interaction",
    "std_error", "df", "conf_low", "conf_high", "p_value", "p_adjusted", "q_value", "note",
]  # fmt: skip

JOINT = ["outcome", "statistic", "df_num", "df_denom", "p_value", "n", "n_teams", "note"]

LEAST_HOUSEHOLDS = 10
"""Households with an answer below which a group gets no estimate."""

_WORDS = {"in": "within", "out": "outside"}
_CELL, _PRODUCT = "_stratum_and_group", "_treatment_in_group"


def heterogeneity(
    households: pd.DataFrame,
    design: Design,
    outcomes: pd.DataFrame | Iterable[str],
    groups: Iterable[str],
) -> pd.DataFrame:
    """Estimate effects within and outside each group, and the difference between the two.

    Within and outside, the regression is that of `itt`. `interaction` is the difference of the two, from
    one regression in which stratum dummies, baseline and controls have coefficients of their own in the
    group, with CR2 by cluster, since a team has households of both kinds. A group differs from the
    others in much else; the difference is not an effect of belonging to it.

    Parameters
    ----------
    households : DataFrame
        One row a household.
    design : Design
    outcomes : DataFrame with a column `outcome`, or names
    groups : iterable of str
        Columns of 0 and 1 known before treatment; a household without a value is left out, and counted.

    Returns
    -------
    DataFrame
        One row an outcome and group: `outcome`, `group`; `estimate_in`, `conf_low_in`, `conf_high_in`,
        `n_in`, `n_teams_in` within, and the same with `_out` outside; `interaction` with `std_error`,
        `df`, `conf_low`, `conf_high`, `p_value`; `p_adjusted` (Romano and Wolf 2005, over the groups of
        an outcome), `q_value` (sharpened, Anderson 2008, over the table), `note`. A group with fewer
        than 10 answers or two clusters in an arm has no estimate: too few to say.

    Raises
    ------
    DesignError
        When the frame cannot carry the design, or a group is not 0 and 1.
    """
    design.check(households)
    names = list(groups)
    for group in names:
        _refuse_other_values(households, group)
    rows: list[dict[str, object]] = []
    for outcome in outcome_names(outcomes):
        rows.extend(_of_outcome(households, design, outcome, names))
    found = pd.DataFrame(rows, columns=COLUMNS)
    return found.assign(q_value=sharpened_q(numeric(found, "p_value")))


def _of_outcome(
    households: pd.DataFrame, design: Design, outcome: str, groups: list[str]
) -> list[dict[str, object]]:
    rows, problems = [], {}
    for group in groups:
        row, problem = _compare(households, design, outcome, group)
        rows.append(row)
        if problem is not None:
            problems[group] = problem
    adjusted = romano_wolf(list(problems.values()), draws=design.draws, seed=design.seed)
    corrected = dict(zip(problems, adjusted, strict=True))
    for row in rows:
        row["p_adjusted"] = corrected.get(str(row["group"]), np.nan)
    return rows


def _compare(
    households: pd.DataFrame, design: Design, outcome: str, group: str
) -> tuple[dict[str, object], Problem | None]:
    row: dict[str, object] = dict.fromkeys(COLUMNS, np.nan) | {"outcome": outcome, "group": group}
    member = numeric(households, group)
    notes, both = [], True
    for value, where in ((1.0, "in"), (0.0, "out")):
        sample = prepare(households.loc[member == value], design, outcome, baseline=outcome)
        refusal = _too_few(sample, design) or sample.refusal
        found = Coefficient()
        if sample.problem is not None and not refusal:
            found = ols(sample.problem, tail=design.tail)
        both &= not refusal
        said = refusal or _reservations(sample, design, found)
        notes += [f"{_WORDS[where]}: {said}"] if said else []
        row |= {f"estimate_{where}": found.estimate, f"n_{where}": len(sample.frame)}
        row |= {f"conf_low_{where}": found.conf_low, f"conf_high_{where}": found.conf_high}
        row[f"n_teams_{where}"] = int(sample.frame[design.cluster].nunique())
    unknown = int((np.isnan(member) & _answered(households, design, outcome)).sum())
    notes += [f"{unknown} answers of households without {group} left out"] if unknown else []
    problem = None
    if both:
        sample = interaction_sample(households, design, outcome, group)
        refusal = sample.refusal or _nothing_to_resample(sample.problem)
        problem = None if refusal else sample.problem
        notes += [refusal] if refusal else []
    if problem is not None:
        found = ols(problem, tail=design.tail)
        row |= {"interaction": found.estimate, "std_error": found.std_error, "df": found.df}
        row |= {"conf_low": found.conf_low, "conf_high": found.conf_high, "p_value": found.p_value}
        notes += [f"interaction: {few}"] if (few := few_df(found.df)) else []
    return row | {"note": "; ".join(notes)}, problem


def heterogeneity_joint(
    households: pd.DataFrame,
    design: Design,
    outcomes: pd.DataFrame | Iterable[str],
    groups: Iterable[str],
) -> pd.DataFrame:
    """Test for each outcome that the effect is the same whatever groups a household is in.

    The regression of `itt` with the groups and their products with treatment; joint test of the
    products with CR2 by cluster (`wald_cr2`). One test an outcome, before any single group is looked at.

    Parameters
    ----------
    households, design, outcomes, groups
        As `heterogeneity`.

    Returns
    -------
    DataFrame
        One row an outcome: `outcome`, `statistic` (F), `df_num`, `df_denom`, `p_value`, `n`, `n_teams`,
        `note`. A household without a value of some group is left out, and counted.

    Raises
    ------
    DesignError
        As `heterogeneity`.
    """
    design.check(households)
    names = list(groups)
    for group in names:
        _refuse_other_values(households, group)
    rows = [_joint(households, design, outcome, names) for outcome in outcome_names(outcomes)]
    return pd.DataFrame(rows, columns=JOINT)


def interaction_sample(
    households: pd.DataFrame, design: Design, outcome: str, group: str
) -> Sample:
    """Prepare the regression whose regressor of interest is treatment times group.

    Everything else, stratum dummies included, has a coefficient of its own in the group, so that the
    estimate equals the effect within less the effect outside.
    """
    inside = numeric(households, group)
    frame = households.loc[~np.isnan(inside)]
    inside = inside[~np.isnan(inside)]
    treatment = numeric(frame, design.treatment)
    common = covariates(frame, design, outcome)
    extra = Columns(
        np.column_stack([treatment, common.matrix, common.matrix * inside[:, None]]),
        (design.treatment, *common.names, *(f"{name} in group" for name in common.names)),
    )
    side = pd.Series(inside == 1, index=frame.index).map({True: " in", False: " out"})
    frame = frame.assign(**{_PRODUCT: treatment * inside})
    frame[_CELL] = frame[design.stratum].astype(str).str.cat(side)
    within = replace(design, stratum=_CELL)
    return prepare(frame, within, outcome, focal=_PRODUCT, controls=False, extra=extra)


def _joint(
    households: pd.DataFrame, design: Design, outcome: str, groups: list[str]
) -> dict[str, object]:
    known = np.ones(len(households), dtype=bool)
    for group in groups:
        known &= ~np.isnan(numeric(households, group))
    sample = prepare(households.loc[known], design, outcome, baseline=outcome)
    frame, problem = sample.frame, sample.problem
    row: dict[str, object] = dict.fromkeys(JOINT, np.nan) | {"outcome": outcome, "df_num": 0}
    row |= {"n": len(frame), "n_teams": int(frame[design.cluster].nunique())}
    unknown = int((~known & _answered(households, design, outcome)).sum())
    notes = [f"{unknown} answers of households without a group left out"] if unknown else []
    if problem is None or not groups:
        return row | {"note": "; ".join([sample.refusal or "no group", *notes])}
    members = np.column_stack([numeric(frame, group) for group in groups])
    products = (members - members.mean(axis=0)) * problem.focal[:, None]
    others = [f"other {number}" for number in range(problem.others.shape[1])]
    every = Columns(
        np.column_stack([problem.others, problem.focal, members, products]),
        (*others, design.treatment, *groups, *(f"{design.treatment} x {g}" for g in groups)),
    )
    zero = np.zeros(problem.n)
    kept = independent_within(problem.strata, zero, every, problem.weights)
    tested = np.array([name.startswith(f"{design.treatment} x ") for name in kept.names], bool)
    if not tested.any():
        return row | {"note": "; ".join(["no group varies within the arms", *notes])}
    found = wald_cr2(
        problem.y,
        kept.matrix[:, tested],
        kept.matrix[:, ~tested],
        problem.strata,
        problem.clusters,
        problem.weights,
    )
    missing = [name for name in every.names[-len(groups) :] if name not in kept.names]
    notes += [f"not tested: {', '.join(missing)}"] if missing else []
    if np.isnan(found.p_value):
        found = found._replace(df_denom=np.nan)
        notes.append(f"too few {design.cluster} for a joint test")
    return row | found._asdict() | {"note": "; ".join(notes)}


def _too_few(sample: Sample, design: Design) -> str:
    if len(sample.frame) < LEAST_HOUSEHOLDS:
        return f"too few to say ({len(sample.frame)} answers)"
    fewest = min(design.clusters_by_arm(sample.frame).values())
    return f"too few to say ({fewest} {design.cluster} in an arm)" if fewest < 2 else ""


def _reservations(sample: Sample, design: Design, found: Coefficient) -> str:
    """Say which strata tell nothing of the effect in a group, and whether its interval can be trusted."""
    lone = len(design.one_armed_strata(sample.frame))
    parts = (f"{lone} {design.stratum} with one arm only" if lone else "", few_df(found.df))
    return ", ".join(part for part in parts if part)


def _nothing_to_resample(problem: Problem | None) -> str:
    """Say why no error can be made; one such group must not cost the others their correction."""
    try:
        if problem is not None:
            unscaled_error(problem)
    except DesignError as error:
        return f"interaction: {error.found or error.what}"
    return ""


def _answered(households: pd.DataFrame, design: Design, outcome: str) -> np.ndarray:
    return np.asarray(~np.isnan(numeric(households, design.at_endline(outcome))))


def _refuse_other_values(households: pd.DataFrame, group: str) -> None:
    values = numeric(households, group)
    wrong = int((~np.isnan(values) & (values != 0) & (values != 1)).sum())
    if wrong:
        raise DesignError(
            "A group is not told by 0 and 1.",
            expected="1 in the group, 0 outside, nothing where not known",
            found=f"{wrong} rows with something else",
            where=f"column {group}",
        )
