"""Turn the pulled household form into accepted interviews, visits, members and personal data.

Makes no analysis variable and keeps `dk` and `ref` as they were answered.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from survey_tools import contracts
from survey_tools.clean.answers.columns import duration_minutes
from survey_tools.clean.answers.held import validate_held
from survey_tools.clean.answers.prepare import MEMBER, ROSTER, Prepared, prepare
from survey_tools.clean.household_ids.codes import among, commune_of, household_code_ok
from survey_tools.clean.household_ids.settle import (
    Decision,
    Settled,
    check_decisions,
    copies,
    under_one_code,
)
from survey_tools.clean.personal_data.consents import consent_ledger
from survey_tools.clean.personal_data.split import split_personal
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
JUDGED = ("hhid", "team_id", "commune_code")
"""Keys for which the sieve drops a submission, each with its reason."""

NEEDED_ROSTER = ("_id", "roster_no", "m_rel", "m_sex", "m_age")

TWO_UNDER_ONE_CODE = "two interviews under one code"
NOT_IN_SAMPLE = "household code not in the sample"
SENT_TWICE = "the same form sent twice"
MALFORMED = "malformed household code"
NO_FIT = "code, team and commune do not fit together"


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
    corrections : DataFrame
        What became of each documented correction (contract `corrections_log`).
    duplicates : DataFrame
        One row a submission in a group of duplicates, and how the group was settled.
    duplicate_report : DataFrame
        The same for the person who decides, with household code and the questions that differ.
    problems : DataFrame
        Answers that could not be read as they stood (contract `flags`).
    consents : DataFrame
        One row a met submission and purpose: what was consented to (contract `consents`).
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
    corrections: pd.DataFrame
    duplicates: pd.DataFrame
    duplicate_report: pd.DataFrame
    problems: pd.DataFrame
    consents: pd.DataFrame


def clean_household(
    main: pd.DataFrame,
    roster: pd.DataFrame,
    *,
    register: Register,
    teams: pd.DataFrame,
    sample: pd.DataFrame | None = None,
    corrections: pd.DataFrame | None = None,
    decisions: tuple[Decision, ...] = (),
    misfits: pd.DataFrame | None = None,
) -> CleanHousehold:
    """Clean the household form.

    Corrections come first, so that they can repair what a later step would drop. Then leave, in this
    order and each with its reason: corrected away; not approved on the server; training; back-checks
    (kept apart); no wave; sent twice; malformed household code; code, team and commune that do not
    fit together; code not in the sample; a second interview under one code (see
    `not_the_household`); not met; refused. Of duplicates stays what a person decided, else what the
    rule says.

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
        Documented corrections, from `gather_corrections`.
    decisions : tuple of Decision
        What was decided about duplicates, from `read_duplicates`.
    misfits : DataFrame, optional
        `Tables.misfits` of the pull: answers that have no typed place are flagged.

    Raises
    ------
    ContractError
        When the form is empty, lacks a key column, has questions that the register does not know, or
        a correction or decision does not fit.
    """
    require_rows(main, "household")
    _require_columns(main, NEEDED)
    _require_columns(roster, NEEDED_ROSTER)
    rows = prepare(
        main, "household", register,
        roster=roster, corrections=corrections, misfits=misfits, judged=JUDGED,
    )  # fmt: skip
    people = rows.members.frame if rows.members is not None else roster
    answers = rows.main.frame
    with_minutes = answers.assign(duration_min=duration_minutes(answers))
    sieve = Sieve(with_minutes, stage="clean", received="submissions received")
    backchecks, twice = _forms(sieve, rows.dropped, people, decisions)
    _codes(sieve, teams, sample)
    one_code = _one_interview_a_wave(sieve, people, decisions)
    check_decisions(decisions, twice, one_code)
    visits = sieve.rows(VISIT_COLUMNS)
    _interviews(sieve)
    return CleanHousehold(
        **_tables(rows, register, sieve.frame, visits, backchecks),
        flow=sieve.flow(),
        dropped=sieve.left(),
        corrections=rows.log,
        duplicates=pd.concat([twice.table, one_code.table], ignore_index=True),
        duplicate_report=_join_reports(twice, one_code),
        problems=rows.problems,
        consents=consent_ledger(answers, register),
    )


def _require_columns(frame: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [c for c in columns if c not in frame]
    if missing:
        raise ContractError(
            "The pulled household form lacks columns.",
            expected=", ".join(missing),
            where="pulled rows of «household»",
            next_step="compare the form on the server with params/forms/household.xlsx",
        )


def _forms(
    sieve: Sieve, dropped: frozenset[int], roster: pd.DataFrame, decisions: tuple[Decision, ...]
) -> tuple[pd.DataFrame, Settled]:
    sieve.keep(~sieve["_id"].isin(dropped), "dropped by a documented correction")
    if "_validation_status" in sieve:
        status = sieve["_validation_status"].astype("str").fillna("")
        sieve.keep(status != NOT_APPROVED, "not approved by the supervisor on the server")
    real = sieve["visit_type"].isin(["main", "backcheck"])
    sieve.keep(real, "training or pilot form, or no form type given")
    backchecks = sieve.keep(sieve["visit_type"] == "main", "back-check, kept apart")
    sieve.keep(sieve["wave"].notna(), "no wave given")
    same_times = sieve.rows(["start", "end"]).duplicated(keep=False)
    twice = copies(sieve.where(same_times), roster, decisions)
    sieve.keep(~twice.losing.reindex(same_times.index, fill_value=False), SENT_TWICE)
    return backchecks, twice


def _codes(sieve: Sieve, teams: pd.DataFrame, sample: pd.DataFrame | None) -> None:
    contracts.same_list(teams=teams, sample=sample)
    sieve.keep(household_code_ok(sieve["hhid"]), MALFORMED)
    sieve.keep(_fits_team(sieve.rows(["hhid", "team_id", "commune_code"]), teams), NO_FIT)
    if sample is None:
        sieve.note("no list of drawn households given: codes not held against the sample")
    else:
        sieve.keep(among(sieve["hhid"], sample["hhid"]), NOT_IN_SAMPLE)


def _fits_team(frame: pd.DataFrame, teams: pd.DataFrame) -> pd.Series:
    commune = commune_of(frame["team_id"], teams)
    return (frame["hhid"].str.slice(0, 9) == frame["team_id"]) & (frame["commune_code"] == commune)


def _one_interview_a_wave(
    sieve: Sieve, roster: pd.DataFrame, decisions: tuple[Decision, ...]
) -> Settled:
    rows = sieve.rows(["hhid", "wave", "visit_result", "consent"])
    consented = _consented(rows)
    interviews = rows.loc[consented]
    several = interviews.loc[interviews.duplicated(["hhid", "wave"]), "hhid"]
    settled = under_one_code(
        sieve.where(consented & rows["hhid"].isin(several.unique())), roster, decisions
    )
    sieve.keep(~settled.losing.reindex(rows.index, fill_value=False), TWO_UNDER_ONE_CODE)
    return settled


def _interviews(sieve: Sieve) -> None:
    sieve.keep(sieve["visit_result"] == "contact", "household not met at this visit")
    sieve.keep(sieve["consent"] == "yes", "no consent")


def _consented(frame: pd.DataFrame) -> pd.Series:
    return (frame["visit_result"] == "contact") & (frame["consent"] == "yes")


def _join_reports(*settled: Settled) -> pd.DataFrame:
    reports = [part.report for part in settled if not part.report.empty]
    return pd.concat(reports, ignore_index=True) if reports else settled[0].report


def _tables(
    rows: Prepared,
    register: Register,
    interviews: pd.DataFrame,
    visits: pd.DataFrame,
    backchecks: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Split personal data off and hold what stays against the register and the contracts."""
    extra = ("duration_min",)
    split, apart = split_personal(interviews, register), split_personal(backchecks, register)
    household = validate_held(rows.main, split.rows, "household", register, extra=extra)
    roster, said = _members(rows, household, register)
    visits = visits.reindex(columns=VISIT_COLUMNS)
    validate_held(rows.main, visits, "visits", register, extra=extra)
    validate_held(rows.main, apart.rows, "backchecks", register, extra=extra)
    free_text = [split.free_text, said, apart.free_text]
    return {
        "household": contracts.validate(household.reset_index(drop=True), "household"),
        "roster": contracts.validate(roster, "roster"),
        "visits": contracts.validate(visits.reset_index(drop=True), "visits"),
        "backchecks": apart.rows.reset_index(drop=True),
        "contacts": split.contacts,
        "locations": split.locations,
        "free_text": pd.concat(free_text, ignore_index=True),
    }


def _members(
    rows: Prepared, household: pd.DataFrame, register: Register
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the members of the accepted interviews, and what was said of them in words."""
    assert rows.members is not None  # noqa: S101 - the household form has a roster
    people = rows.members.frame
    split = split_personal(people.loc[people["_id"].isin(household["_id"])], register)
    validate_held(rows.members, split.rows, "roster", register, ROSTER, extra=MEMBER)
    keys = household[["_id", "hhid", "wave"]]
    return keys.merge(split.rows, on="_id", how="inner", validate="1:m"), split.free_text
