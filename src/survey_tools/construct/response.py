"""Say of every drawn household in which waves it was interviewed and why not in the others."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.params import Study

INTERVIEWED = "interviewed"
NOT_COLLECTED = "no interview in this wave"
NOT_VISITED = "no accepted visit"
NEVER_MET = "visited but never met"
NO_CONSENT = "met but no consent"


def build_response(
    panel: pd.DataFrame,
    visits: pd.DataFrame,
    sample: pd.DataFrame,
    teams: pd.DataFrame,
    study: Study,
) -> pd.DataFrame:
    """Build the contract `response`: one row a drawn household.

    Parameters
    ----------
    panel : DataFrame
        Contract `panel`.
    visits : DataFrame
        Contract `visits`: accepted visits, also those without contact and those refused.
    sample : DataFrame
        `hhid, team_id` of the drawn households.
    teams : DataFrame
        `team_id, commune_code` and the arm.
    study : Study
        Names the waves.

    Returns
    -------
    DataFrame
        `hhid, team_id, commune_code`, arm; `interviewed__<wave>` (0/1), `reason__<wave>` (`interviewed`, or
        why not, in the words of the flow); `pattern` (`101`: first and third wave); `attrited` (1 where
        the baseline has an interview and the endline has none, 0 where both have; missing without
        baseline, and for all where the endline was not collected).
    """
    contracts.same_list(panel=panel, visits=visits, sample=sample, teams=teams)
    contracts.same_list(panel=panel, visits=visits, sample=sample, teams=teams)
    treatment, waves = study.design.treatment, study.waves
    listed = teams[["team_id", "commune_code", treatment]]
    table = sample[["hhid", "team_id"]].merge(listed, on="team_id", how="left", validate="m:1")
    flags = {}
    for wave in waves.all:
        reason = reasons(table["hhid"], panel, visits, wave)
        flags[wave] = reason.eq(INTERVIEWED).astype("int64")
        table[f"interviewed__{wave}"], table[f"reason__{wave}"] = flags[wave], reason
    pattern = reduce(add, (flag.astype("str") for flag in flags.values()))
    first, last = flags[waves.baseline], flags[waves.endline]
    attrited = (1 - last).astype("Int64").where(first.eq(1) & bool(last.any()))
    table = table.assign(pattern=pattern, attrited=attrited)
    return contracts.validate(table.sort_values("hhid", ignore_index=True), "response")


def reasons(hhids: pd.Series, panel: pd.DataFrame, visits: pd.DataFrame, wave: str) -> pd.Series:
    """Return for each household `interviewed`, or why it has no interview in a wave."""
    interviewed = panel.loc[panel["wave"] == wave, "hhid"]
    seen = visits.loc[visits["wave"] == wave]
    met = seen.loc[seen["visit_result"].eq("contact").fillna(False), "hhid"]
    reason = pd.Series(NOT_VISITED, index=hhids.index, dtype="str")
    if interviewed.empty:
        return reason.mask(reason.notna(), NOT_COLLECTED)
    reason = reason.mask(_among(hhids, seen["hhid"]), NEVER_MET)
    reason = reason.mask(_among(hhids, met), NO_CONSENT)
    return reason.mask(_among(hhids, interviewed), INTERVIEWED)


def _among(hhids: pd.Series, others: pd.Series) -> np.ndarray:
    """Tell which codes are among others; `isin` takes ten times as long on text."""
    return pd.Index(others.dropna().unique()).get_indexer(pd.Index(hhids)) >= 0


def patterns(response: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Count households by pattern of waves and arm, most frequent first."""
    treatment = study.design.treatment
    counts = response.groupby(["pattern", treatment]).size().unstack(fill_value=0)
    counts.columns = pd.Index([{0: "regular", 1: "intensive"}[int(arm)] for arm in counts.columns])
    counts["all"] = counts.sum(axis=1)
    return counts.sort_values("all", ascending=False).reset_index()
