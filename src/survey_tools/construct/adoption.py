"""Make the dates from which households say they have an account or sell online.

Dates are recalled at one interview, so they go back before the first one; a recalled date is rounder and
later than the true one.
"""

from __future__ import annotations

import pandas as pd

from survey_tools import contracts
from survey_tools.construct.coding import coded, column, ticked
from survey_tools.params import Study

PERIODS = ("pre2023", "y2023", "h1_2024", "jun2024", "h2_2024", "h1_2025", "h2_2025", "y2026")
"""Periods of the form's list, in order."""

NEVER = "never"

UNKNOWN = "dk"
"""Who began and does not remember when: kept, so that whoever leaves them out must count them."""


def build_adoption(household: pd.DataFrame, teams: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Build the contract `adoption`: since when a household does what outreach is to bring about.

    Parameters
    ----------
    household : DataFrame
        Contract `household`; interviews of the endline are used, so that all look back from one time.
    teams : DataFrame
        `team_id, commune_code` and the arm, one row a team.
    study : Study

    Returns
    -------
    DataFrame
        One row a household and event: `hhid, team_id, commune_code`, arm, `event` (`account`: the
        respondent's first account; `online_selling`: the household's), `period` (of `PERIODS`, `never`, or
        `dk`: began, but does not remember when). Who was not asked has no row.
    """
    rows = household.loc[household["wave"] == study.waves.endline].reset_index(drop=True)
    parts = [
        rows[["hhid", "team_id"]].assign(event=event, period=period)
        for event, period in (("account", _account(rows)), ("online_selling", _selling(rows)))
    ]
    table = pd.concat(parts, ignore_index=True).dropna(subset="period")
    listed = teams[["team_id", "commune_code", study.design.treatment]]
    merged = table.merge(listed, on="team_id", how="left", validate="m:1")
    merged = merged.astype({study.design.treatment: "int64"})
    return contracts.validate(merged.sort_values(["event", "hhid"], ignore_index=True), "adoption")


def _account(rows: pd.DataFrame) -> pd.Series:
    has = coded(rows, "acct", one=("yes",), zero=("no",))
    return _since(column(rows, "acct_when"), has)


def _selling(rows: pd.DataFrame) -> pd.Series:
    sells = coded(rows, "sell_online", one=("yes",), zero=("no",))
    return _since(column(rows, "sell_since"), sells.mask(ticked(rows, "sells", "none") == 1, 0.0))


def _since(when: pd.Series, has: pd.Series) -> pd.Series:
    period = when.astype("object").where(when.isin((*PERIODS, UNKNOWN)) & has.eq(1))
    return period.mask(has.eq(0), NEVER).astype("str")
