"""Check when and how long: whole interviews, groups of questions, hours, overlaps, form versions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.clean.checks.base import WHO, Fieldwork, distances, flags, joined, times

LEAST_SCREENS = 3
"""Fewer screens of a group than this are not timed."""


def short_interview(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews that took less than `minutes` from start to end, or have no duration."""
    limit = work.rules.short_interview.minutes
    rows = work.household.loc[~(work.household["duration_min"] >= limit)]
    detail = times(rows["duration_min"], "min")
    short = f"The interview took less than {limit:.0f} minutes."
    unknown = "The interview has no duration, or ended before it began."
    message = pd.Series(short, index=rows.index).mask(rows["duration_min"].isna(), unknown)
    return flags("short_interview", rows, message, detail=detail, variable="duration_min")


def active_time(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews whose questions were on the screen for less than `minutes`, by the audit log.

    An interview left open over lunch is long from start to end and still short here.
    """
    limit = work.rules.active_time.minutes
    table = work.given("totals")[["_id", "seconds"]].assign(
        minutes=work.given("totals")["seconds"] / 60
    )
    rows = work.household[["_id", *WHO]].merge(table, on="_id", validate="1:1")
    rows = rows.loc[rows["minutes"] < limit]
    detail = times(rows["minutes"], "min")
    message = f"Questions were on the screen for less than {limit:.0f} minutes."
    return flags("active_time", rows, message, detail=detail, variable="audit")


def audit_missing(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews without an audit log."""
    rows = work.household.loc[~work.household["_id"].isin(work.given("totals")["_id"])]
    return flags("audit_missing", rows, "The interview has no audit log.", variable="audit")


def group_time(work: Fieldwork) -> pd.DataFrame:
    """Flag groups of questions that were answered much faster than the rest of the interview.

    The mean seconds a screen in the group over those of the whole interview: the logarithm of this
    ratio is compared over all interviews, by the distance of `outlier`. Only the fast side is flagged; an
    interview that is fast all through is found by `active_time`.
    """
    rule = work.rules.group_time
    pace = work.given("times").groupby("_id")["seconds"].mean()
    found = []
    for group in rule.groups:
        inside = work.given("times").loc[work.given("times")["path"].str.startswith(group + "/")]
        table = inside.groupby("_id")["seconds"].agg(["mean", "size"])
        table = table.loc[(table["size"] >= LEAST_SCREENS) & (table["mean"] > 0)]
        rows = work.household[["_id", *WHO]].join(table, on="_id", how="inner")
        ratio = (rows["mean"] / rows["_id"].map(pace)).map(np.log)
        distance = distances(ratio, rule.least)
        rows = rows.loc[distance < -rule.z]
        detail = times(rows["mean"], "s")
        message = "A group of questions was answered in " + detail + " a question."
        name = group.rsplit("/", 1)[-1]
        found.append(flags("group_time", rows, message, detail=detail, variable=name))
    return joined("group_time", found)


def odd_hour(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews that began outside the hours of field work, local time."""
    rule = work.rules.odd_hour
    hour = _local(work.household["start"], work.rules.zone).dt.hour
    odd = (hour < rule.first) | (hour >= rule.last)
    detail = hour[odd].astype("str") + " h"
    message = "The interview began at " + detail + "."
    return flags("odd_hour", work.household.loc[odd], message, detail=detail, variable="start")


def overlap(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews that began before the same enumerator's interview before had ended."""
    rows = work.household.dropna(subset=["start", "end"]).sort_values(["start", "_id"])
    latest = rows.groupby("enumerator_id")["end"].transform(lambda end: end.cummax().shift())
    early = (pd.to_datetime(latest, utc=True) - rows["start"]).dt.total_seconds() / 60
    rows = rows.loc[early > work.rules.overlap.minutes]
    detail = times(early.loc[rows.index], "min")
    message = "Began " + detail + " before the enumerator's last interview had ended."
    return flags("overlap", rows, message, detail=detail, variable="start")


def form_version(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews with a form version that had been replaced more than `days` before, or is not known."""
    ordered = work.given("versions").sort_values("deployed")
    replaced = pd.Series(ordered["deployed"].shift(-1).to_numpy(), index=ordered["version"])
    until = pd.to_datetime(work.household["__version__"].map(replaced), utc=True)
    late = (work.household["start"] - until).dt.total_seconds() / 86400
    rows = work.household.loc[late > work.rules.form_version.days]
    detail = times(late.loc[rows.index], "d", 0)
    message = "An old form version was in use, replaced " + detail + " before."
    old = flags("form_version", rows, message, detail=detail, variable="__version__")
    strange = work.household.loc[~work.household["__version__"].isin(ordered["version"])]
    why = "The form version of the interview is not one that was deployed."
    unknown = flags("form_version", strange, why, variable="__version__", item="unknown")
    return joined("form_version", [old, unknown])


def _local(moments: pd.Series, zone: str) -> pd.Series:
    return moments.dt.tz_convert(zone)
