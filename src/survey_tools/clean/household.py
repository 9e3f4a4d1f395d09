"""Turn the pulled household form into accepted interviews, visits, members and personal data.

Makes no analysis variable and keeps `dk` and `ref` as they were answered.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from survey_tools import contracts
from survey_tools.clean.codes import commune_of, household_code_ok
from survey_tools.clean.columns import duration_minutes, typed
from survey_tools.clean.corrections import apply_corrections, read_corrections
from survey_tools.clean.duplicates import not_the_household, sent_twice
from survey_tools.clean.personal import Split, split_personal
from survey_tools.clean.sieve import Sieve, require_rows
from survey_tools.errors import ContractError
from survey_tools.register import Register

NOT_APPROVED = "validation_status_not_approved"
VISIT_COLUMNS = [
    "_id", "hhid", "wave", "team_id", "commune_code", "enumerator_id", "visit_no", "visit_result",
    "consent", "refuse_reason", "start", "today", "duration_min",
]  # fmt: skip
NEEDED = ("_id", "wave", "visit_type", "hhid", "team_id", "commune_code", "visit_result",
          "consent", "enumerator_id", "start", "end")  # fmt: skip
NEEDED_ROSTER = ("_id", "roster_no", "m_rel", "m_sex", "m_age")

TWO_UNDER_ONE_CODE = "two interviews under one code"
NOT_IN_SAMPLE = "household code not in the sample"
SENT_TWICE = "the same form sent twice"


@dataclass(frozen=True)
class CleanHousehold:
    """Cleaned household form.

    Attributes
    ----------
    household : DataFrame
        One row an accepted interview (household × wave), without personal data.
    roster : DataFrame
        One row a member of those households, with `hhid` and `wave`.
    visits : DataFrame
        One row an accepted visit, also those without contact and those refused.
    backchecks : DataFrame
        Back-check forms, without personal data.
    contacts, locations, free_text : DataFrame
        Personal data, keyed by `_id`.
    flow : DataFrame
        One row a step and wave: how many submissions left and how many remain.
    dropped : DataFrame
        `_id, wave, team_id, enumerator_id, reason` of every submission that left.
    """

    household: pd.DataFrame
    roster: pd.DataFrame
    visits: pd.DataFrame
    backchecks: pd.DataFrame
    contacts: pd.DataFrame
    locations: pd.DataFrame
    free_text: pd.DataFrame
    flow: pd.DataFrame
    dropped: pd.DataFrame


def clean_household(
    main: pd.DataFrame,
    roster: pd.DataFrame,
    *,
    register: Register,
    teams: pd.DataFrame,
    sample: pd.DataFrame | None = None,
    corrections: pd.DataFrame | None = None,
) -> CleanHousehold:
    """Clean the household form.

    Corrections come first, so that they can repair what a later step would drop. Then leave, in this
    order and each with its reason: corrected away; not approved on the server; training; back-checks
    (kept apart); no wave; sent twice; malformed household code; code, team and commune that do not
    fit together; code not in the sample; a second interview under one code (see
    `not_the_household`); not met; refused.

    Parameters
    ----------
    main, roster : DataFrame
        Frames `main` and `roster` of the pulled form.
    register : Register
        Register of the form.
    teams : DataFrame
        `team_id, commune_code`, one row a team.
    sample : DataFrame, optional
        `hhid` of the drawn households. Without it codes are not checked, and the flow says so.
    corrections : DataFrame, optional
        `params/corrections.csv`.

    Raises
    ------
    ContractError
        When the form is empty, lacks a key column, has questions that the register does not know, or
        a correction does not fit.
    """
    require_rows(main, "household")
    _require_columns(main, NEEDED)
    _require_columns(roster, NEEDED_ROSTER)
    fixed = apply_corrections(
        typed(main, register).reset_index(drop=True),
        read_corrections(corrections, "household"),
        register,
        typed(roster, register, keys=("roster_no",)).reset_index(drop=True),
    )
    members = fixed.roster if fixed.roster is not None else roster
    rows = fixed.main.assign(duration_min=duration_minutes(fixed.main))
    sieve = Sieve(rows, stage="clean", received="submissions received")
    backchecks = _forms(sieve, fixed.dropped, members)
    _codes(sieve, teams, sample)
    _one_interview_a_wave(sieve, members)
    visits = sieve.frame
    _interviews(sieve)
    split = split_personal(sieve.frame, register)
    return _assemble(sieve, split, members, visits, split_personal(backchecks, register))


def _require_columns(frame: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [c for c in columns if c not in frame]
    if missing:
        raise ContractError(
            "The pulled household form lacks columns.",
            expected=", ".join(missing),
            where="pulled rows of «household»",
            next_step="compare the form on the server with params/forms/household.xlsx",
        )


def _forms(sieve: Sieve, dropped: frozenset[int], roster: pd.DataFrame) -> pd.DataFrame:
    sieve.keep(~sieve.frame["_id"].isin(dropped), "dropped by a documented correction")
    if "_validation_status" in sieve.frame:
        status = sieve.frame["_validation_status"].astype("str").fillna("")
        sieve.keep(status != NOT_APPROVED, "not approved by the supervisor on the server")
    real = sieve.frame["visit_type"].isin(["main", "backcheck"])
    sieve.keep(real, "training or pilot form, or no form type given")
    backchecks = sieve.keep(sieve.frame["visit_type"] == "main", "back-check, kept apart")
    sieve.keep(sieve.frame["wave"].notna(), "no wave given")
    sieve.keep(~sent_twice(sieve.frame, roster), SENT_TWICE)
    return backchecks


def _codes(sieve: Sieve, teams: pd.DataFrame, sample: pd.DataFrame | None) -> None:
    sieve.keep(household_code_ok(sieve.frame["hhid"]), "malformed household code")
    sieve.keep(_fits_team(sieve.frame, teams), "code, team and commune do not fit together")
    if sample is None:
        sieve.note("no list of drawn households given: codes not held against the sample")
    else:
        sieve.keep(sieve.frame["hhid"].isin(sample["hhid"]), NOT_IN_SAMPLE)


def _fits_team(frame: pd.DataFrame, teams: pd.DataFrame) -> pd.Series:
    commune = commune_of(frame["team_id"], teams)
    return (frame["hhid"].str.slice(0, 9) == frame["team_id"]) & (frame["commune_code"] == commune)


def _one_interview_a_wave(sieve: Sieve, roster: pd.DataFrame) -> None:
    interviews = sieve.frame.loc[_consented(sieve.frame)]
    losing = not_the_household(interviews, roster)
    sieve.keep(~losing.reindex(sieve.frame.index, fill_value=False), TWO_UNDER_ONE_CODE)


def _interviews(sieve: Sieve) -> None:
    sieve.keep(sieve.frame["visit_result"] == "contact", "household not met at this visit")
    sieve.keep(sieve.frame["consent"] == "yes", "no consent")


def _consented(frame: pd.DataFrame) -> pd.Series:
    return (frame["visit_result"] == "contact") & (frame["consent"] == "yes")


def _assemble(
    sieve: Sieve, split: Split, roster: pd.DataFrame, visits: pd.DataFrame, backchecks: Split
) -> CleanHousehold:
    household = split.rows.reset_index(drop=True)
    members = household[["_id", "hhid", "wave"]].merge(
        roster, on="_id", how="inner", validate="1:m"
    )
    visits = visits.reindex(columns=VISIT_COLUMNS).reset_index(drop=True)
    contracts.validate(household, "household")
    contracts.validate(members, "roster")
    contracts.validate(visits, "visits")
    return CleanHousehold(
        household=household,
        roster=members,
        visits=visits,
        backchecks=backchecks.rows.reset_index(drop=True),
        contacts=split.contacts,
        locations=split.locations,
        free_text=pd.concat([split.free_text, backchecks.free_text], ignore_index=True),
        flow=sieve.flow(),
        dropped=sieve.left(),
    )
