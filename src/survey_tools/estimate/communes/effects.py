"""Estimate the effect in each commune, alone and partially pooled; ranks nothing and tests nothing.

With three teams an arm no commune can show a difference at 5 % (20 possible draws), so the raw
difference is for a plot of all communes and the pooled one is what a page may state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_tools.contracts import carry_list
from survey_tools.estimate.communes.pooling import Pooled, pool
from survey_tools.estimate.design import Design, Floats, numeric, outcome_names
from survey_tools.estimate.icc import variance_components
from survey_tools.estimate.regression.regressors import covariates, independent

TAU_SHARE = 0.2
"""Scale of the half-normal prior on the spread of effects, in standard deviations of the outcome."""


def commune_effects(
    households: pd.DataFrame,
    design: Design,
    outcomes: pd.DataFrame | Iterable[str],
    *,
    tau_share: float = TAU_SHARE,
) -> pd.DataFrame:
    """Estimate the effect of assignment in each stratum.

    Parameters
    ----------
    households : DataFrame
        As for `effects`.
    design : Design
    outcomes : DataFrame with a column `outcome`, or names
    tau_share : float
        Prior scale of the spread of effects between communes, in standard deviations of households
        within commune and arm. 0.2 is about 9 points for a share near 30 %.

    Returns
    -------
    DataFrame
        Contract `communes` with `note`. `raw` is the difference between the arms, `estimate` the
        partially pooled one (`pooling.pool`). `too_few`: below two teams with answers in an arm; then
        there is no `raw`, and `estimate` is what the other communes predict (`weight_own` 0).

    Notes
    -----
    The endline outcome, adjusted for the covariates with one slope over all commune-arm cells, is
    averaged over the households of an arm. The variance of that mean is sum(n²)·between + n·within over
    n_total² for teams of n answers, with the components of teams within commune-arm cells estimated
    over all communes: five or six teams do not carry an error of their own. The components count as
    known, on some 100 degrees of freedom, and as equal in all communes.
    """
    design.check(households)
    codes = sorted(households[design.stratum].astype(str).unique())
    parts = [
        _one_outcome(households, design, name, codes, tau_share) for name in outcome_names(outcomes)
    ]
    return carry_list(households, pd.concat(parts, ignore_index=True))


@dataclass(frozen=True)
class _Adjusted:
    """Endline outcome less the covariates, by household, and its variance within commune-arm cells."""

    values: Floats
    between: float
    within: float


def _one_outcome(
    households: pd.DataFrame, design: Design, outcome: str, codes: list[str], tau_share: float
) -> pd.DataFrame:
    answered = ~np.isnan(numeric(households, design.at_endline(outcome)))
    frame = households.loc[answered]
    adjusted = _adjust(frame, design, outcome)
    table = _raw(frame, design, adjusted).reindex(pd.Index(codes, name="commune_code"))
    spread = np.sqrt(adjusted.between + adjusted.within)
    pooled, note = _pool(table, tau_share * spread, design)
    status = np.where(table["raw"].isna(), "too_few", "ok")
    frame = table.assign(
        outcome=outcome,
        estimate=pooled.estimate,
        conf_low=pooled.conf_low,
        conf_high=pooled.conf_high,
        weight_own=pooled.weight_own,
        status=status,
        note=note,
    ).reset_index()
    counts = ["n", "n_teams", "n_teams_intensive"]
    frame[counts] = frame[counts].fillna(0).astype("int64")
    order = ["commune_code", "outcome", "raw", "raw_se", "estimate", "conf_low", "conf_high"]
    return frame[[*order, "weight_own", *counts, "status", "note"]]


def _adjust(frame: pd.DataFrame, design: Design, outcome: str) -> _Adjusted:
    y = numeric(frame, design.at_endline(outcome))
    if not len(y) or np.ptp(y) == 0:
        return _Adjusted(y, 0.0, 0.0)
    arm = frame[design.treatment].astype(int).astype(str)
    cell = pd.factorize(frame[design.stratum].astype(str) + "|" + arm)[0]
    cells = np.eye(cell.max() + 1)[cell]
    extra = independent(cells, covariates(frame, design, outcome)).matrix
    # slopes within cells (Frisch and Waugh 1933): small enough not to need a decomposition of all
    both = np.column_stack([y, extra])
    both = both - cells @ (cells.T @ both / cells.sum(axis=0)[:, None])
    slopes = np.linalg.lstsq(both[:, 1:], both[:, 0], rcond=None)[0]
    values = y - extra @ slopes
    between, within = variance_components(values, frame[design.cluster].astype(str), cell)
    between, within = np.nan_to_num([between, within])
    return _Adjusted(values, max(float(between), 0.0), max(float(within), 0.0))


def _raw(frame: pd.DataFrame, design: Design, adjusted: _Adjusted) -> pd.DataFrame:
    """Difference between the arms and its standard error in each stratum."""
    ids = {
        "commune_code": frame[design.stratum].astype(str),
        "arm": numeric(frame, design.treatment).astype(int),
        "team": frame[design.cluster].astype(str),
    }
    values = pd.DataFrame(ids).assign(y=adjusted.values)
    teams = values.groupby(list(ids), as_index=False)["y"].agg(["size", "sum"])
    teams["error"] = teams["size"] ** 2 * adjusted.between + teams["size"] * adjusted.within
    regular, intensive = (_arm(teams, arm) for arm in (0, 1))
    codes = regular.index.union(intensive.index)
    regular, intensive = regular.reindex(codes), intensive.reindex(codes)
    enough = (regular["n_teams"] >= 2) & (intensive["n_teams"] >= 2)
    return pd.DataFrame(
        {
            "raw": (intensive["mean"] - regular["mean"]).where(enough),
            "raw_se": (intensive["error"] + regular["error"]).pow(0.5).where(enough),
            "n": regular["n"].add(intensive["n"], fill_value=0),
            "n_teams": regular["n_teams"].add(intensive["n_teams"], fill_value=0),
            "n_teams_intensive": intensive["n_teams"],
        }
    )


def _arm(teams: pd.DataFrame, arm: int) -> pd.DataFrame:
    """Mean of an arm over its households, and the variance of that mean, in each stratum."""
    sums = (
        teams[teams["arm"] == arm]
        .groupby("commune_code")
        .agg(
            n=("size", "sum"),
            total=("sum", "sum"),
            error=("error", "sum"),
            n_teams=("size", "size"),
        )
    )
    return sums.assign(mean=sums["total"] / sums["n"], error=sums["error"] / sums["n"] ** 2)


def _pool(table: pd.DataFrame, tau_scale: float, design: Design) -> tuple[Pooled, str]:
    raw, error = table["raw"].to_numpy(float), table["raw_se"].to_numpy(float)
    if tau_scale > 0:
        note = "" if np.isfinite(raw).any() else "no commune with two teams in each arm"
        return pool(raw, error, tau_scale=tau_scale, interval=design.interval), note
    gap = np.full(len(raw), np.nan)
    nothing = Pooled(gap, gap, gap, np.zeros(len(raw)), float("nan"), float("nan"))
    return nothing, "the outcome does not vary" if np.isfinite(raw).any() else "no answers"
