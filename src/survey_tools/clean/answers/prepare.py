"""Bring the pulled rows of one form to where rows can be sorted out: typed, corrected, held.

Not here: which rows stay (`household`, `reports`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from survey_tools.clean.answers.columns import typed
from survey_tools.clean.answers.held import Held, hold_answers
from survey_tools.clean.answers.misfits import place_misfits
from survey_tools.clean.answers.problems import located, misfit_flags, sort_flags, unanswered
from survey_tools.clean.corrections.apply import apply_corrections
from survey_tools.clean.corrections.read import read_corrections
from survey_tools.clean.sieve import check_ids
from survey_tools.register import Register

ROSTER = "roster"
MEMBER = ("roster_no",)
"""Column that tells the members of a household apart."""


@dataclass(frozen=True)
class Prepared:
    """Rows of one form on the way to its table.

    Attributes
    ----------
    main, members : Held
        Typed and corrected answers that the register allows; `members` is None without a roster.
    corrected : DataFrame
        The main rows before they were held against the register.
    dropped : frozenset of int
        `_id` of the submissions that a correction drops.
    log : DataFrame
        One row a line of the corrections of this form (contract `corrections_log`).
    problems : DataFrame
        Contract `flags`: answers that could not be read or are not allowed, and still stand so.
    """

    main: Held
    members: Held | None
    corrected: pd.DataFrame
    dropped: frozenset[int]
    log: pd.DataFrame
    problems: pd.DataFrame


def prepare(
    main: pd.DataFrame,
    form: str,
    register: Register,
    *,
    roster: pd.DataFrame | None = None,
    corrections: pd.DataFrame | None = None,
    misfits: pd.DataFrame | None = None,
    judged: Collection[str] = (),
) -> Prepared:
    """Type the rows, apply the corrections of their form, and hold the answers against the register.

    In this order, so that a correction finds the answer as it was given, and a flag is about the answer
    as it stands after all.

    Parameters
    ----------
    main, roster : DataFrame
        As a pull gives them.
    form : str
        `household`, `team_log` or `site`.
    register : Register
    corrections, misfits : DataFrame, optional
        From `gather_corrections`, and `Tables.misfits` of the pull.
    judged : collection of str
        Columns for which a later step drops the row.

    Raises
    ------
    ContractError
        When `_id` does not identify the rows, the register does not know a question, or a correction
        does not fit.
    """
    check_ids(main, form)
    rows, people, came = _typed(main, roster, misfits, register)
    lines = read_corrections(corrections, form)
    fixed = apply_corrections(rows, lines, register, people)
    held = hold_answers(fixed.main, register, judged=judged, corrections=lines)
    members = None
    if fixed.roster is not None:
        members = hold_answers(fixed.roster, register, keys=MEMBER, corrections=lines)
    stand = [held.problems] + ([members.problems] if members else [])
    flags = sort_flags(unanswered(came, fixed.log), *stand)
    return Prepared(
        main=held,
        members=members,
        corrected=fixed.main,
        dropped=fixed.dropped,
        log=fixed.log,
        problems=located(flags, held.frame),
    )


def _typed(
    main: pd.DataFrame,
    roster: pd.DataFrame | None,
    misfits: pd.DataFrame | None,
    register: Register,
) -> tuple[pd.DataFrame, pd.DataFrame | None, pd.DataFrame]:
    """Return the typed rows and members, and the flags of what had to be read or could not be."""
    placed = place_misfits(main.reset_index(drop=True), misfits, register)
    rows = typed(placed.frame, register)
    flags = [placed.problems, rows.problems]
    if roster is None:
        return rows.frame, None, sort_flags(*flags, misfit_flags(placed.misfits))
    of_members = place_misfits(
        roster.reset_index(drop=True), placed.misfits, register, table=ROSTER, keys=MEMBER
    )
    people = typed(of_members.frame, register, keys=MEMBER)
    flags += [of_members.problems, people.problems, misfit_flags(of_members.misfits)]
    return rows.frame, people.frame, sort_flags(*flags)
