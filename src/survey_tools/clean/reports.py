"""Clean the team's monthly log and the site form; makes no dose and no share."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from survey_tools import contracts
from survey_tools.clean.answers.held import validate_held
from survey_tools.clean.answers.prepare import Prepared, prepare
from survey_tools.clean.household_ids.codes import commune_of
from survey_tools.clean.personal_data.split import split_personal
from survey_tools.clean.sieve import Sieve
from survey_tools.register import Register

NO_REPORTS = "no reports received yet"


@dataclass(frozen=True)
class CleanTable:
    """A cleaned form with its flow, its free text, the rows that left, corrections and flags."""

    table: pd.DataFrame
    flow: pd.DataFrame
    free_text: pd.DataFrame
    dropped: pd.DataFrame
    corrections: pd.DataFrame
    problems: pd.DataFrame


def clean_team_log(
    main: pd.DataFrame,
    *,
    register: Register,
    teams: pd.DataFrame,
    corrections: pd.DataFrame | None = None,
    misfits: pd.DataFrame | None = None,
) -> CleanTable:
    """Clean the monthly log: one row a team and month, of two reports the one submitted last.

    Parameters
    ----------
    main : DataFrame
        Frame `main` of the pulled form.
    register : Register
    teams : DataFrame
        `team_id, commune_code`; reports of other teams leave.
    corrections : DataFrame, optional
        Documented corrections, from `gather_corrections`.
    misfits : DataFrame, optional
        `Tables.misfits` of the pull.

    Returns
    -------
    CleanTable
        Without a report the tables are empty and the flow says so: a study begins before its first log.

    Raises
    ------
    ContractError
        When the register does not know a question, or a correction does not fit.
    """
    judged = ("team_id", "commune_code")
    rows = prepare(
        main, "team_log", register, corrections=corrections, misfits=misfits, judged=judged
    )
    sieve = _sieve(rows, "team_log")
    month = sieve.frame["month"].dt.to_period("M").dt.to_timestamp().astype("datetime64[ns]")
    sieve.frame = sieve.frame.assign(month=month)
    sieve.keep(sieve.frame["month"].notna(), "no month given")
    commune = commune_of(sieve.frame["team_id"], teams)
    sieve.keep(sieve.frame["commune_code"] == commune, "team or commune not in the list of teams")
    sieve.keep(_last(sieve.frame, ["team_id", "month"]), "a later report of the same month counts")
    return _finish(rows, sieve, "team_log", register, ["team_id", "month"])


def clean_site(
    main: pd.DataFrame,
    *,
    register: Register,
    corrections: pd.DataFrame | None = None,
    misfits: pd.DataFrame | None = None,
) -> CleanTable:
    """Clean the site form: one row a site and reference month, of two the one submitted last.

    Parameters and errors as of `clean_team_log`; it needs no list of teams.
    """
    rows = prepare(main, "site", register, corrections=corrections, misfits=misfits)
    sieve = _sieve(rows, "site")
    sieve.keep(sieve.frame["site_type"].notna(), "no type of site given")
    key = ["site_type", "site_id", "commune_code", "ref_month"]
    as_given = rows.corrected.loc[sieve.frame.index]
    sieve.keep(_last(as_given, key), "a later report of the same site and month counts")
    return _finish(rows, sieve, "site", register, key)


def _sieve(rows: Prepared, form: str) -> Sieve:
    sieve = Sieve(rows.main.frame, stage=f"clean_{form}", received="reports received")
    if rows.main.frame.empty:
        sieve.note(NO_REPORTS)
    sieve.keep(~sieve.frame["_id"].isin(rows.dropped), "dropped by a documented correction")
    return sieve


def _last(frame: pd.DataFrame, key: list[str]) -> pd.Series:
    order = [c for c in ("_submission_time", "_id") if c in frame]
    earlier = frame.sort_values(order).duplicated(key, keep="last")
    return ~earlier.reindex(frame.index)


def _finish(
    rows: Prepared, sieve: Sieve, name: str, register: Register, key: list[str]
) -> CleanTable:
    split = split_personal(sieve.frame, register)
    table = validate_held(rows.main, split.rows, name, register)
    return CleanTable(
        table=contracts.validate(table.sort_values(key).reset_index(drop=True), name),
        flow=sieve.flow(),
        free_text=split.free_text,
        dropped=sieve.left(),
        corrections=rows.log,
        problems=rows.problems,
    )
