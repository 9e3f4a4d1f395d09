"""Estimate the effect without one stratum at a time, to see whether it rests on one place alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Codes, Design, outcome_names
from survey_tools.estimate.effects.sample import prepare
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import ols
from survey_tools.estimate.regression.problem import Problem
from survey_tools.estimate.regression.regressors import Columns, independent_within

COLUMNS = [
    "outcome", "left_out", "estimate", "std_error", "conf_low", "conf_high", "estimate_all", "n",
    "n_teams", "note",
]  # fmt: skip
SUMMARY = [
    "outcome", "estimate_all", "estimate_low", "estimate_high", "most_influential", "change",
    "n_left_out", "note",
]  # fmt: skip


def leave_one_out(
    households: pd.DataFrame, design: Design, outcomes: pd.DataFrame | Iterable[str]
) -> pd.DataFrame:
    """Estimate `itt` anew without each stratum.

    How far the estimate moves says how much rests on a stratum, not how well outreach went there: a
    large stratum moves it more. Rows are ordered by code.

    Parameters
    ----------
    households : DataFrame
    design : Design
    outcomes : DataFrame with a column `outcome`, or names

    Returns
    -------
    DataFrame
        Contract `leave_out`, one row an outcome and stratum: `outcome`, `left_out` (its code),
        `estimate`, `std_error`, `conf_low`, `conf_high` (CR2), `estimate_all` (of all strata), `n`,
        `n_teams`, `note`.
    """
    design.check(households)
    rows = [
        row for outcome in outcome_names(outcomes) for row in _rows(households, design, outcome)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def leave_one_out_summary(found: pd.DataFrame) -> pd.DataFrame:
    """Summarise `leave_one_out`: one row an outcome, in the order given.

    Returns
    -------
    DataFrame
        `outcome`, `estimate_all`, `estimate_low` and `estimate_high` (range of the estimates),
        `most_influential` (the code without which the estimate moves furthest; the first of equals),
        `change` (how far, new less old), `n_left_out` (estimates made), `note`.
    """
    rows = []
    for outcome, part in found.groupby("outcome", sort=False):
        moved = part["estimate"] - part["estimate_all"]
        row: dict[str, object] = dict.fromkeys(SUMMARY, np.nan)
        row |= {"outcome": outcome, "estimate_all": part["estimate_all"].iloc[0]}
        row |= {"most_influential": "", "n_left_out": int(moved.notna().sum()), "note": ""}
        if moved.notna().any():
            furthest = int(np.nanargmax(moved.abs().to_numpy()))
            row |= {"estimate_low": part["estimate"].min(), "estimate_high": part["estimate"].max()}
            row["most_influential"] = part["left_out"].iloc[furthest]
            row["change"] = moved.iloc[furthest]
        else:
            row["note"] = part["note"].iloc[0]
        rows.append(row)
    return pd.DataFrame(rows, columns=SUMMARY)


def _rows(households: pd.DataFrame, design: Design, outcome: str) -> Iterator[dict[str, object]]:
    sample = prepare(households, design, outcome, baseline=outcome)
    strata = sample.frame[design.stratum].astype(str).to_numpy()
    for name in sorted(set(households[design.stratum].astype(str))):
        kept = strata != name
        found, note = Coefficient(), sample.refusal
        if sample.problem is not None:
            problem = without(sample.problem, ~kept)
            if problem is None:
                note = "nothing to compare in the other strata"
            else:
                found = ols(problem, tail=design.tail)
        yield {
            "outcome": outcome,
            "left_out": name,
            "estimate": found.estimate,
            "std_error": found.std_error,
            "conf_low": found.conf_low,
            "conf_high": found.conf_high,
            "estimate_all": sample.problem.estimate if sample.problem else np.nan,
            "n": int(kept.sum()),
            "n_teams": int(sample.frame.loc[kept, design.cluster].nunique()),
            "note": note,
        }


def without(problem: Problem, left_out: np.ndarray) -> Problem | None:
    """Leave rows out of a problem, and what is then collinear; None where no contrast is left.

    Parameters
    ----------
    problem : Problem
    left_out : array of bool, shape (n,)
    """
    kept = ~left_out
    if not kept.any() or np.ptp(problem.y[kept]) == 0:
        return None
    strata = _renumbered(problem.strata[kept])
    old, clusters = np.unique(problem.clusters[kept], return_inverse=True)
    focal = problem.focal[kept]
    weights = None if problem.weights is None else problem.weights[kept]
    names = tuple(str(number) for number in range(problem.others.shape[1]))
    others = independent_within(strata, focal, Columns(problem.others[kept], names), weights)
    smaller = replace(
        problem,
        y=problem.y[kept],
        focal=focal,
        others=others.matrix,
        strata=strata,
        clusters=clusters.astype(np.int64),
        cluster_names=tuple(problem.cluster_names[number] for number in old),
        weights=weights,
    )
    rest = smaller.focal_residual
    if smaller.n <= smaller.n_parameters + 1 or rest @ rest <= 1e-10 * (focal @ focal):
        return None
    arms = smaller.cluster_sums(focal) / np.bincount(smaller.clusters)
    return smaller if min((arms == 0).sum(), (arms == 1).sum()) >= 2 else None


def _renumbered(codes: Codes) -> Codes:
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)
