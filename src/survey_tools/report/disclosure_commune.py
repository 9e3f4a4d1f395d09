"""Decide what may be shown of figures that only a commune's page has; a part of `disclosure`.

Reads no file and estimates nothing.

A change and a gap are made of two levels, their intervals and nothing else. Where both levels are shown as
they are, their difference tells nothing new; where one is hidden or rounded it would tell that one, and is
hidden. Where one has a coarse base (`disclosure_bases`) the difference is made of the two as they are shown.

A day of interviews is no answer, and who came when is known in the village. A day on which fewer than
`hide_counts_to` + 1 households were interviewed is shown as its week all the same, so that no page dates
the interview of one household; and nothing is said of when or how many where fewer than `round_from`
households were interviewed in all.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.params import DisclosureSettings
from survey_tools.report.disclosure_bases import coarsen_differences
from survey_tools.report.disclosure_cells import protect_areas
from survey_tools.report.small_cells import HIDDEN, SHOWN

_CELL = ["area", "wave", "group", "outcome"]
_NUMBERS = ["estimate", "conf_low", "conf_high"]


def disclose_changes(changes: pd.DataFrame, shown: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Show changes of which both levels are shown as they are.

    Parameters
    ----------
    changes : DataFrame
        Contract `changes`.
    shown : DataFrame
        What `disclose_levels` makes of the levels that the changes were made of.
    baseline : str
        Wave that the changes are from.

    Returns
    -------
    DataFrame
        Same rows with `shown` and `status`; without numbers where hidden.
    """
    first = changes[_CELL].assign(wave=baseline)
    found = _where_both(changes, shown, first)
    return coarsen_differences(found, shown, but=("wave", baseline))


def disclose_gaps(gaps: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """Show gaps between a group and everybody of which both levels are shown as they are.

    Parameters and result as `disclose_changes`.
    """
    everybody = gaps[_CELL].assign(group="all")
    return coarsen_differences(_where_both(gaps, shown, everybody), shown, but=("group", "all"))


def disclose_fieldwork(fieldwork: pd.DataFrame, rules: DisclosureSettings) -> pd.DataFrame:
    """Hide the fieldwork of areas with few interviews, and show a day of few interviews as its week.

    Returns
    -------
    DataFrame
        Same rows with `status`, and `first_week` and `last_week`: whether the day stands for a week, of
        which it is then the first or the last day (Monday, Sunday). Without `on_first` and `on_last`;
        without interviews and days where hidden.
    """
    frame = fieldwork.reset_index(drop=True)
    counted = frame.assign(n=frame["interviews"], numerator=np.nan)
    hidden = frame["interviews"].between(1, rules.round_from - 1)
    hidden = protect_areas(counted, hidden, ["wave"], rules)
    frame = _in_weeks(frame, rules).drop(columns=["on_first", "on_last"])
    frame["interviews"] = frame["interviews"].astype("Int64").mask(hidden)
    for name in ("first_day", "last_day"):
        frame[name] = frame[name].mask(hidden)
    return frame.assign(status=np.where(hidden, HIDDEN, SHOWN))


def _where_both(table: pd.DataFrame, shown: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    frame = table.reset_index(drop=True)
    status = shown.set_index(_CELL)["status"]
    both = _as_they_are(frame[_CELL], status) & _as_they_are(other, status)
    hidden = pd.Series(~both, index=frame.index) | frame["estimate"].isna()
    counts = [name for name in ("n", "n_baseline") if name in frame]
    frame[_NUMBERS] = frame[_NUMBERS].mask(hidden)
    frame[counts] = frame[counts].astype("Int64").mask(hidden)
    return frame.assign(shown=frame["estimate"], status=np.where(hidden, HIDDEN, SHOWN))


def _as_they_are(cells: pd.DataFrame, status: pd.Series) -> np.ndarray:
    return status.reindex(pd.MultiIndex.from_frame(cells)).eq(SHOWN).to_numpy()


def _in_weeks(frame: pd.DataFrame, rules: DisclosureSettings) -> pd.DataFrame:
    first, last = pd.to_datetime(frame["first_day"]), pd.to_datetime(frame["last_day"])
    top = rules.hide_counts_to
    lone_first, lone_last = frame["on_first"].between(1, top), frame["on_last"].between(1, top)
    monday = first - pd.to_timedelta(first.dt.day_of_week, unit="D")
    sunday = last + pd.to_timedelta(6 - last.dt.day_of_week, unit="D")
    return frame.assign(
        first_day=_texts(first.mask(lone_first, monday)),
        last_day=_texts(last.mask(lone_last, sunday)),
        first_week=lone_first,
        last_week=lone_last,
    )


def _texts(days: pd.Series) -> pd.Series:
    return days.dt.strftime("%Y-%m-%d").astype("str")
