"""Check household codes, double visits, and whether a code is still the same household."""

from __future__ import annotations

import pandas as pd

from survey_tools.clean.checks.base import Fieldwork, flags
from survey_tools.clean.codes import household_code_ok
from survey_tools.clean.duplicates import heads
from survey_tools.clean.household import NOT_IN_SAMPLE, SENT_TWICE, TWO_UNDER_ONE_CODE

REASONS = (
    SENT_TWICE,
    TWO_UNDER_ONE_CODE,
    NOT_IN_SAMPLE,
    "malformed household code",
    "code, team and commune do not fit together",
)
"""Why cleaning takes out a submission that the field team should know of."""

SECONDS_A_YEAR = 365.25 * 24 * 3600


def dropped(work: Fieldwork) -> pd.DataFrame:
    """Flag the submissions that cleaning took out for their code or as a copy."""
    rows = work.given("dropped").loc[work.given("dropped")["reason"].isin(REASONS)]
    if "form" in rows:
        rows = rows.loc[rows["form"] == "household"]
    return flags("dropped", rows, "Taken out: " + rows["reason"] + ".", variable="hhid")


def household_code(work: Fieldwork) -> pd.DataFrame:
    """Flag visits that are still there though their code is malformed or not drawn."""
    ok = household_code_ok(work.visits["hhid"])
    if work.sample is not None:
        ok &= work.visits["hhid"].isin(work.sample["hhid"])
    message = "The household code is malformed or not in the sample."
    return flags("household_code", work.visits.loc[~ok], message, variable="hhid")


def same_visit(work: Fieldwork) -> pd.DataFrame:
    """Flag visits after the first that bear the same household, wave and number of visit."""
    if "visit_no" not in work.visits:
        return flags("same_visit", work.visits.iloc[:0], "")
    key = ["hhid", "wave", "visit_no"]
    ordered = work.visits.dropna(subset=key).sort_values("_id")
    rows = ordered.loc[ordered.duplicated(key)]
    message = "Another visit of this household bears the same number: is the code right?"
    return flags("same_visit", rows, message, variable="visit_no")


def head_changed(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews whose head has another sex or age than in the wave before."""
    rows = heads(work.household, work.roster).merge(
        work.household[["_id", "team_id", "enumerator_id"]], on="_id", validate="1:1"
    )
    rows = rows.sort_values(["hhid", "wave"])
    before = rows.groupby("hhid")[["head_sex", "head_age", "start"]].shift()
    years = (rows["start"] - before["start"]).dt.total_seconds() / SECONDS_A_YEAR
    gap = (rows["head_age"] - before["head_age"]).astype("float64") - years
    sexes = rows["head_sex"].notna() & before["head_sex"].notna()
    other_sex = sexes & (rows["head_sex"] != before["head_sex"])
    changed = other_sex | (gap.abs() > work.rules.head_changed.years)
    message = "The head has another sex or age than in the wave before: the right household?"
    return flags("head_changed", rows.loc[changed], message, variable="m_age")
