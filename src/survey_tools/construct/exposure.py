"""Measure outreach: what a household reports, what a team's logs say, who the neighbours are.

Exposure is chosen by people and never stands for the assignment, which is in `params/teams.csv`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.construct.coding import choices_of, coded, number, ticked
from survey_tools.params import Study

COUNTS = ("hh_visited", "people_guided", "class_people")


class Months(NamedTuple):
    """First and last month (first days of the month) over which a dose is added up."""

    first: pd.Timestamp
    last: pd.Timestamp

    @property
    def number(self) -> int:
        """Count of months, 0 if the last lies before the first."""
        return max((self.last.to_period("M") - self.first.to_period("M")).n + 1, 0)


def reached(household: pd.DataFrame) -> pd.Series:
    """Return whether a team member visited or met the respondent in 6 months (1, 0, missing)."""
    return coded(household, "team_visit", one=("yes",), zero=("no",)).rename("reached")


def contacts(household: pd.DataFrame) -> pd.Series:
    """Return contacts with the team in 6 months; 0 for those not reached."""
    return number(household, "team_n").mask(reached(household) == 0, 0.0).rename("contacts")


def attended_class(household: pd.DataFrame) -> pd.Series:
    """Return whether the respondent attended any training class since 2023."""
    kinds = [choice for choice in choices_of(household, "class_attend") if choice != "none"]
    if not kinds:
        return pd.Series(np.nan, index=household.index, name="attended_class")
    ticks = pd.concat([ticked(household, "class_attend", kind) for kind in kinds], axis=1)
    return ticks.max(axis=1).rename("attended_class")


def heard_loudspeaker(household: pd.DataFrame) -> pd.Series:
    """Return whether the respondent heard the loudspeaker on digital matters in 30 days."""
    heard = coded(household, "loudspeaker", one=("few", "week", "day"), zero=("never",))
    return heard.rename("heard_loudspeaker")


def household_exposure(household: pd.DataFrame) -> pd.DataFrame:
    """Return `reached`, `contacts`, `attended_class`, `heard_loudspeaker`; index as `household`."""
    measures = (reached, contacts, attended_class, heard_loudspeaker)
    return pd.concat([measure(household) for measure in measures], axis=1)


def dose_months(panel: pd.DataFrame, study: Study) -> Months | None:
    """Return the whole months between baseline and endline interviews.

    The first month after 95 % of baseline interviews were done, and the last one before 5 % of endline
    interviews were: one straggler or one wrong clock does not move the window. None where a wave has
    no dated interview or no whole month lies between.

    Parameters
    ----------
    panel : DataFrame
        `wave, interview_date`.
    study : Study
        Names the two waves.
    """
    dates = panel.dropna(subset="interview_date").groupby("wave")["interview_date"]
    done, begun = dates.quantile(0.95), dates.quantile(0.05)
    if study.waves.baseline not in done.index or study.waves.endline not in begun.index:
        return None
    first = done[study.waves.baseline].to_period("M") + 1
    last = begun[study.waves.endline].to_period("M") - 1
    return None if last < first else Months(first.to_timestamp(), last.to_timestamp())


def team_exposure(
    team_log: pd.DataFrame | None,
    teams: pd.DataFrame,
    months: tuple[pd.Timestamp, pd.Timestamp] | None,
) -> pd.DataFrame:
    """Add up the teams' logs into the table `teams`.

    `contacts_per_100` is the households visited per 100 households of the team over the whole window:
    100 × (mean of `hh_visited` a reported month) × (months in the window) / `households`. A month without
    a report counts as the team's average month, not as a month without work. Visits are counted, so
    a household visited in two months counts twice.

    Parameters
    ----------
    team_log : DataFrame or None
        Contract `team_log`.
    teams : DataFrame
        `team_id, commune_code, households, intensive`, one row a team.
    months : (Timestamp, Timestamp) or None
        First and last month, both counted; None gives no dose.

    Returns
    -------
    DataFrame
        Contract `teams`: one row a team in the order of `teams`, with `months_reported` (int64),
        `hh_visited, people_guided, class_people` (sums of what was reported, missing if nothing was),
        `contacts_per_100`, `share_intensive_neighbours` (float64).
    """
    contracts.same_list(team_log=team_log, teams=teams)
    table = teams[["team_id", "commune_code", "intensive", "households"]].reset_index(drop=True)
    sums = _sums(team_log, months).reindex(table["team_id"]).reset_index(drop=True)
    reported = sums["months_reported"].fillna(0).astype("int64")
    window = Months(*months).number if months is not None else 0
    a_month = sums["hh_visited"] / reported.where(reported > 0)
    households = table["households"].where(table["households"] > 0)
    return table.assign(
        months_reported=reported,
        **{name: sums[name].astype("float64") for name in COUNTS},
        contacts_per_100=(100 * a_month * window / households).astype("float64"),
        share_intensive_neighbours=share_intensive_neighbours(table),
    )


def share_intensive_neighbours(teams: pd.DataFrame) -> pd.Series:
    """Return the share of the commune's other teams that give intensive outreach.

    Missing where the commune has one team only. Index as `teams`.
    """
    by_commune = teams.groupby("commune_code")["intensive"]
    others = by_commune.transform("size") - 1
    intensive = by_commune.transform("sum") - teams["intensive"]
    return (intensive / others.where(others > 0)).astype("float64")


def _sums(
    team_log: pd.DataFrame | None, months: tuple[pd.Timestamp, pd.Timestamp] | None
) -> pd.DataFrame:
    columns = ["months_reported", *COUNTS]
    if team_log is None or months is None:
        return pd.DataFrame(columns=columns, dtype="float64")
    inside = team_log.loc[team_log["month"].between(*months)]
    numbers = inside[["team_id", *COUNTS]].astype(dict.fromkeys(COUNTS, "float64"))
    groups = numbers.groupby("team_id")
    sums = groups[list(COUNTS)].sum(min_count=1)
    return sums.assign(months_reported=groups["hh_visited"].count().astype("float64"))[columns]
