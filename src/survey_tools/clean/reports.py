"""Clean the team's monthly log and the site form; makes no dose and no share."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from survey_tools import contracts
from survey_tools.clean.codes import commune_of
from survey_tools.clean.columns import typed
from survey_tools.clean.corrections import read_corrections
from survey_tools.clean.corrections_apply import apply_corrections
from survey_tools.clean.personal import split_personal
from survey_tools.clean.problems import misfit_flags, sort_flags
from survey_tools.clean.sieve import Sieve, require_rows
from survey_tools.register import Register


@dataclass(frozen=True)
class CleanTable:
    """A cleaned form with its flow, its free text, the rows that left, corrections and flags."""

    table: pd.DataFrame
    flow: pd.DataFrame
    free_text: pd.DataFrame
    dropped: pd.DataFrame
    corrections: pd.DataFrame
    problems: pd.DataFrame


@dataclass(frozen=True)
class _Start:
    sieve: Sieve
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

    Raises
    ------
    ContractError
        When the form is empty or a correction does not fit.
    """
    start = _start(main, "team_log", register, corrections, misfits)
    sieve = start.sieve
    month = sieve.frame["month"].dt.to_period("M").dt.to_timestamp().astype("datetime64[ns]")
    sieve.frame = sieve.frame.assign(month=month)
    sieve.keep(sieve.frame["month"].notna(), "no month given")
    commune = commune_of(sieve.frame["team_id"], teams)
    sieve.keep(sieve.frame["commune_code"] == commune, "team or commune not in the list of teams")
    sieve.keep(_last(sieve.frame, ["team_id", "month"]), "a later report of the same month counts")
    return _finish(start, "team_log", register, ["team_id", "month"])


def clean_site(
    main: pd.DataFrame,
    *,
    register: Register,
    corrections: pd.DataFrame | None = None,
    misfits: pd.DataFrame | None = None,
) -> CleanTable:
    """Clean the site form: one row a site and reference month, of two the one submitted last.

    Raises
    ------
    ContractError
        When the form is empty or a correction does not fit.
    """
    start = _start(main, "site", register, corrections, misfits)
    sieve = start.sieve
    sieve.keep(sieve.frame["site_type"].notna(), "no type of site given")
    key = ["site_type", "site_id", "commune_code", "ref_month"]
    sieve.keep(_last(sieve.frame, key), "a later report of the same site and month counts")
    return _finish(start, "site", register, key)


def _start(
    main: pd.DataFrame,
    form: str,
    register: Register,
    corrections: pd.DataFrame | None,
    misfits: pd.DataFrame | None,
) -> _Start:
    require_rows(main, form)
    rows = typed(main.reset_index(drop=True), register)
    fixed = apply_corrections(rows.frame, read_corrections(corrections, form), register)
    sieve = Sieve(fixed.main, stage=f"clean_{form}", received="reports received")
    sieve.keep(~fixed.main["_id"].isin(fixed.dropped), "dropped by a documented correction")
    problems = sort_flags(rows.problems, misfit_flags(misfits, fixed.main))
    return _Start(sieve, fixed.log, problems)


def _last(frame: pd.DataFrame, key: list[str]) -> pd.Series:
    order = [c for c in ("_submission_time", "_id") if c in frame]
    earlier = frame.sort_values(order).duplicated(key, keep="last")
    return ~earlier.reindex(frame.index)


def _finish(start: _Start, name: str, register: Register, key: list[str]) -> CleanTable:
    split = split_personal(start.sieve.frame, register)
    table = split.rows.sort_values(key).reset_index(drop=True)
    return CleanTable(
        table=contracts.validate(table, name),
        flow=start.sieve.flow(),
        free_text=split.free_text,
        dropped=start.sieve.left(),
        corrections=start.corrections,
        problems=start.problems,
    )
