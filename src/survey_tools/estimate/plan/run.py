"""Estimate the effects that the plan names, whatever the design; chooses none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design
from survey_tools.estimate.effects import (
    aipw,
    dose_iv,
    dose_slope,
    first_stage,
    itt,
    itt_lin,
    itt_unadjusted,
    itt_weighted,
    late,
    naive,
    overlap_table,
    spillover,
)
from survey_tools.estimate.effects.did import did
from survey_tools.estimate.effects.overlap import ARMS
from survey_tools.estimate.effects.propensity import SeparationError
from survey_tools.estimate.effects.staggered import staggered
from survey_tools.estimate.threats import itt_ipw_attrition, placebo_baseline

START = "start"
"""Column of the wave from which a team is intensive, missing where it never is."""

Estimator = Callable[[pd.DataFrame, Design, str], pd.DataFrame]

ESTIMATORS: dict[str, Estimator] = {
    "itt": itt,
    "itt_lin": itt_lin,
    "itt_unadjusted": itt_unadjusted,
    "itt_weighted": itt_weighted,
    "itt_ipw_attrition": itt_ipw_attrition,
    "did": did,
    "late": late,
    "naive": naive,
    "dose_slope": dose_slope,
    "dose_iv": dose_iv,
    "placebo_baseline": placebo_baseline,
}
"""Estimand -> call that needs the households only."""

STAGGERED = ("att_staggered", "att_dynamic", "att_imputation", "att_sunab", "twfe")
"""Estimands of a staggered start, which need the panel."""

OTHERS = ("first_stage", "aipw_att", "aipw_ate", "spillover")

_FIGURES = ["mean_score", "share_below", "share_above", "effective_n"]
_OVERLAP = ["arm", "n", "n_teams", *_FIGURES, "note"]


@dataclass(frozen=True)
class AnalysisTables:
    """What estimates are made from.

    Attributes
    ----------
    households : DataFrame
        Contract `households`.
    panel : DataFrame
        Contract `panel`.
    teams : DataFrame
        All teams drawn over, one row each.
    waves : tuple of str
        All waves, in order.
    began : str
        First wave in which intensive outreach can be felt, for teams whose table has no column `start`
        (a staggered start must have it).
    """

    households: pd.DataFrame
    panel: pd.DataFrame
    teams: pd.DataFrame
    waves: tuple[str, ...]
    began: str

    def with_start(self, design: Design) -> pd.DataFrame:
        """Return the panel with the column `start` of its teams.

        Raises
        ------
        DesignError
            When a staggered start has no such column, or start and treatment of a team disagree.
        """
        if START in self.teams:
            _refuse_other_start(self.teams, design)
            start = self.teams.set_index(design.cluster)[START]
        elif design.kind == "staggered":
            raise DesignError(
                "The table of teams does not say when each team began.",
                expected=f"a column {START}: the wave from which a team is intensive, empty for never",
                where="files.teams of the study file",
            )
        else:
            treated = self.teams.set_index(design.cluster)[design.treatment].eq(1)
            start = pd.Series(self.began, index=treated.index, dtype="str").where(treated)
        return self.panel.assign(**{START: self.panel[design.cluster].map(start)})


def planned_effects(tables: AnalysisTables, design: Design, wanted: pd.DataFrame) -> pd.DataFrame:
    """Estimate each pair of estimand and outcome that is asked for.

    Parameters
    ----------
    tables : AnalysisTables
    design : Design
    wanted : DataFrame
        `table`, `analysis` and `outcome`, as `planned` gives them; rows of other tables than `effects`
        are left aside.

    Returns
    -------
    DataFrame
        Contract `effects`, in the order asked for.

    Raises
    ------
    DesignError
        When an estimand is unknown, or the tables cannot carry the design. What concerns one outcome
        only is a row without estimate whose `note` says why.
    """
    rows = wanted[wanted["table"].eq("effects")]
    _refuse_unknown(rows)
    later = _staggered(tables, design, rows[rows["analysis"].isin(STAGGERED)])
    parts = [
        later[analysis, outcome]
        if analysis in STAGGERED
        else _one(tables, design, analysis, outcome)
        for analysis, outcome in zip(rows["analysis"], rows["outcome"], strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def planned_overlap(
    households: pd.DataFrame, design: Design, wanted: pd.DataFrame, main_estimand: str
) -> pd.DataFrame:
    """Describe whether the arms of an observational comparison have counterparts, as the plan asks.

    Parameters
    ----------
    households : DataFrame
        Contract `households`.
    design : Design
    wanted : DataFrame
        As `planned` gives it: rows of `overlap`.
    main_estimand : str
        `aipw_att` weights the untreated like the treated; any other weights both like everybody.

    Returns
    -------
    DataFrame
        Contract `overlap`, two rows an outcome; see `overlap_table`. Where covariates separate the arms
        the figures are missing and `note` says so.
    """
    target: Literal["att", "ate"] = "att" if main_estimand == "aipw_att" else "ate"
    parts = []
    for outcome in wanted.loc[wanted["table"].eq("overlap"), "outcome"]:
        try:
            table = overlap_table(households, design, outcome, target=target, seed=design.seed)
            parts.append(table.assign(note=""))
        except SeparationError as error:
            empty = pd.DataFrame({"arm": ARMS, "n": 0, "n_teams": 0, "note": error.what})
            parts.append(empty.reindex(columns=_OVERLAP).astype(dict.fromkeys(_FIGURES, "float64")))
        parts[-1] = parts[-1][_OVERLAP].assign(outcome=outcome)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _refuse_other_start(teams: pd.DataFrame, design: Design) -> None:
    starts, treated = teams[START].notna(), teams[design.treatment].astype(int).eq(1)
    other = sorted(teams.loc[starts != treated, design.cluster].astype(str))
    if other:
        raise DesignError(
            f"The columns {START} and {design.treatment} of some teams disagree.",
            expected=f"{design.treatment} 1 where {START} names a wave, 0 where it is empty",
            found=f"{len(other)} {design.cluster}: {', '.join(other[:5])}",
            where="files.teams of the study file",
        )


def _one(tables: AnalysisTables, design: Design, estimand: str, outcome: str) -> pd.DataFrame:
    households = tables.households
    if estimand == "first_stage":
        return first_stage(households, design)
    if estimand == "spillover":
        options = {"draws": design.draws, "seed": design.seed}
        return spillover(households, design, outcome, teams=tables.teams, **options)
    if estimand in ("aipw_att", "aipw_ate"):
        observed = None if design.kind == "observational" else design.at_endline(design.reached)
        target: Literal["att", "ate"] = "att" if estimand == "aipw_att" else "ate"
        return aipw(
            households, design, outcome, treatment=observed, target=target, seed=design.seed
        )
    return ESTIMATORS[estimand](households, design, outcome)


def _staggered(
    tables: AnalysisTables, design: Design, rows: pd.DataFrame
) -> Mapping[tuple[str, str], pd.DataFrame]:
    if rows.empty:
        return {}
    panel = tables.with_start(design)
    found = {}
    for outcome in dict.fromkeys(rows["outcome"]):
        made = staggered(panel, design, outcome, start=START, waves=tables.waves).effects
        for estimand in STAGGERED:
            found[estimand, outcome] = made[made["estimand"].eq(estimand)]
    return found


def _refuse_unknown(rows: pd.DataFrame) -> None:
    known = {*ESTIMATORS, *STAGGERED, *OTHERS}
    unknown = sorted(set(rows["analysis"]) - known)
    if unknown:
        raise DesignError(
            "The analysis plan names an estimand that there is no estimator of.",
            expected=", ".join(sorted(known)),
            found=", ".join(unknown),
            where="the plan, analyses of effects",
        )
