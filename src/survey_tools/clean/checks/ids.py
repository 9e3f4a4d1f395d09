"""Check household codes, duplicates, double visits, and whether a code is still the same household."""

from __future__ import annotations

import pandas as pd

from survey_tools.clean.checks.base import Fieldwork, flags, joined
from survey_tools.clean.household import MALFORMED, NO_FIT, NOT_IN_SAMPLE
from survey_tools.clean.household_ids.codes import among, household_code_ok
from survey_tools.clean.household_ids.settle import ONE_CODE, TWICE
from survey_tools.clean.household_ids.waves import followed

REASONS = (NOT_IN_SAMPLE, MALFORMED, NO_FIT)
"""Why cleaning takes out a submission for its code."""


def dropped(work: Fieldwork) -> pd.DataFrame:
    """Flag the submissions that cleaning took out for their household code."""
    rows = work.own(work.given("dropped"))
    rows = rows.loc[rows["reason"].isin(REASONS)]
    return flags("dropped", rows, "Taken out: " + rows["reason"] + ".", variable="hhid")


def duplicate(work: Fieldwork) -> pd.DataFrame:
    """Flag forms that were sent twice, and all interviews that share one code in one wave.

    Of copies only those that were taken out are flagged. Of two interviews under one code either may be the
    wrong one, so all are, until a person has decided which stays.
    """
    table = work.given("duplicates").rename(columns={"row_id": "_id"})
    twice = table.loc[(table["kind"] == TWICE) & (table["settled"] == "drop")]
    one_code = table.loc[(table["kind"] == ONE_CODE) & (table["settled_by"] == "rule")]
    asked = "Two interviews under one code in one wave; by the rule this one "
    stays = one_code["settled"].map({"keep": "stays", "drop": "was taken out"})
    copied = "The same form was sent twice; this copy was taken out."
    found = [
        flags("duplicate", twice, copied, detail="copy", variable="hhid", item=twice["group"]),
        flags("duplicate", one_code, asked + stays + ".", detail=one_code["settled"],
              variable="hhid", item=one_code["group"]),
    ]  # fmt: skip
    return joined("duplicate", found)


def household_code(work: Fieldwork) -> pd.DataFrame:
    """Flag visits that are still there though their code is malformed or not drawn."""
    ok = household_code_ok(work.visits["hhid"])
    if work.sample is not None:
        ok &= among(work.visits["hhid"], work.sample["hhid"])
    message = "The household code is malformed or not in the sample."
    return flags("household_code", work.visits.loc[~ok], message, variable="hhid")


def same_visit(work: Fieldwork) -> pd.DataFrame:
    """Flag visits after the first that bear the same household, wave and number of visit."""
    key = ["hhid", "wave", "visit_no"]
    ordered = work.visits.dropna(subset=key).sort_values("_id")
    rows = ordered.loc[ordered.duplicated(key)]
    message = "Another visit of this household bears the same number: is the code right?"
    return flags("same_visit", rows, message, variable="visit_no")


def head_changed(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews whose head has another sex or age than in the wave before."""
    rows = followed(work.household, work.roster)
    sexes = rows["head_sex"].notna() & rows["head_sex_before"].notna()
    other_sex = sexes & (rows["head_sex"] != rows["head_sex_before"])
    changed = other_sex | (rows["age_gap"].abs() > work.rules.head_changed.years)
    message = "The head has another sex or age than in the wave before: the right household?"
    return flags("head_changed", rows.loc[changed], message, variable="m_age")


def edited(work: Fieldwork) -> pd.DataFrame:
    """Flag visits whose answers were changed on the server after they were sent.

    A change on the server leaves no reason behind; one in the file of corrections does.
    """
    rows = work.visits.loc[work.visits["_id"].isin(work.given("edited")["_id"])]
    return flags("edited", rows, "The answers were changed on the server after they were sent.")
