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
from survey_tools.estimate.communes.limits import smallest_difference, smallest_p
from survey_tools.estimate.communes.pooling import Pooled, pool
from survey_tools.estimate.design import Design, numeric, outcome_names
from survey_tools.estimate.icc import Adjusted, adjusted_components

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
        `smallest_detectable`: the difference of its own arms that a commune's test at 5 % finds with
        power 80 %. `smallest_p`: no p-value of its own draw could be below; there is none in the table.

    Notes
    -----
    The endline outcome, adjusted for the covariates with one slope over all commune-arm cells, is
    averaged over the households of an arm. The variance of that mean is sum(n²)·between + n·within over
    n_total² for teams of n answers, with the components of teams within commune-arm cells estimated
    over all communes: five or six teams do not carry an error of their own. The components count as
    equal in all communes; that they are estimated, on teams less cells degrees of freedom, is integrated
    out with the spread.
    """
    design.check(households)
    parts = [
        _columns(fit_communes(households, design, name, tau_share=tau_share), name)
        for name in outcome_names(outcomes)
    ]
    return carry_list(households, pd.concat(parts, ignore_index=True))


@dataclass(frozen=True)
class CommuneFit:
    """Differences of the arms by commune, and what pooling makes of them.

    Attributes
    ----------
    table : DataFrame
        One row a commune, in order of code: `raw, raw_se, n, n_teams, n_teams_intensive, n_drawn`.
    pooled : Pooled
        In the order of `table`.
    adjusted : Adjusted
        The outcome of the households in `frame`.
    frame : DataFrame
        Households with an answer.
    note : str
        Why nothing is pooled; empty otherwise.
    """

    table: pd.DataFrame
    pooled: Pooled
    adjusted: Adjusted
    frame: pd.DataFrame
    note: str


def fit_communes(
    households: pd.DataFrame, design: Design, outcome: str, *, tau_share: float = TAU_SHARE
) -> CommuneFit:
    """Estimate one outcome as `commune_effects` describes."""
    answered = ~np.isnan(numeric(households, design.at_endline(outcome)))
    frame = households.loc[answered]
    adjusted = adjusted_components(frame, design, outcome)
    by_commune = households.groupby(households[design.stratum].astype(str))
    drawn = by_commune[design.cluster].nunique().rename_axis("commune_code").sort_index()
    table = _raw(frame, design, adjusted).reindex(drawn.index).assign(n_drawn=drawn)
    counts = ["n", "n_teams", "n_teams_intensive"]
    table[counts] = table[counts].fillna(0).astype("int64")
    pooled, note = _pool(table, tau_share * adjusted.sd, adjusted.df, design)
    return CommuneFit(table, pooled, adjusted, frame, note)


def _columns(fit: CommuneFit, outcome: str) -> pd.DataFrame:
    teams = fit.table["n_teams"].to_numpy(dtype=float)
    intensive = fit.table["n_teams_intensive"]
    counts = zip(fit.table["n_drawn"], fit.table["n_teams"] - intensive, intensive, strict=True)
    frame = fit.table.assign(
        outcome=outcome,
        estimate=fit.pooled.estimate,
        conf_low=fit.pooled.conf_low,
        conf_high=fit.pooled.conf_high,
        weight_own=fit.pooled.weight_own,
        status=np.where(fit.table["raw"].isna(), "too_few", "ok"),
        smallest_detectable=smallest_difference(fit.table["raw_se"].to_numpy(float), teams),
        smallest_p=[smallest_p(*map(int, row)) for row in counts],
        note=fit.note,
    ).reset_index()
    order = ["commune_code", "outcome", "raw", "raw_se", "estimate", "conf_low", "conf_high"]
    counted = ["n", "n_teams", "n_teams_intensive"]
    limits = ["smallest_detectable", "smallest_p"]
    return frame[[*order, "weight_own", *counted, *limits, "status", "note"]]


def _raw(frame: pd.DataFrame, design: Design, adjusted: Adjusted) -> pd.DataFrame:
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


def _pool(table: pd.DataFrame, tau_scale: float, df: int, design: Design) -> tuple[Pooled, str]:
    raw, error = table["raw"].to_numpy(float), table["raw_se"].to_numpy(float)
    own = np.isfinite(raw).any()
    if own and tau_scale > 0:
        return pool(raw, error, tau_scale=tau_scale, interval=design.interval, df=df), ""
    gap = np.full(len(raw), np.nan)
    nothing = Pooled(gap, gap, gap, np.zeros(len(raw)), *[float("nan")] * 4)
    if not table["n"].any():
        return nothing, "no answers"
    note = (
        "the outcome does not vary within the arms"
        if own
        else "no commune with two teams in each arm"
    )
    return nothing, note
