"""Look for what the field team should look at again; changes no row and drops none.

To add a check: write a function that takes a `Fieldwork` and returns flags (`base.flags`), name it in
`CHECKS`, and give it a switch in `survey_tools.params.CheckSettings`, a line in docs/field_checks.md and
wording in report/wording/checks.*.yml. A message never holds a name, a phone, a position or a household
code; `row_id` finds the row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from survey_tools import contracts
from survey_tools.clean.checks import (
    answers,
    backcheck,
    enumerator,
    ids,
    pairs,
    place,
    problems,
    progress,
    texts,
    timing,
)
from survey_tools.clean.checks.backcheck import backcheck_rates
from survey_tools.clean.checks.base import Fieldwork, nothing, typed
from survey_tools.clean.checks.enumerator import effects_table
from survey_tools.clean.checks.progress import consent_table, drawn_households, progress_table
from survey_tools.clean.checks.rules import unknown_questions, usual_rules
from survey_tools.params import CheckSettings

CheckRules = CheckSettings
"""Switches and thresholds of the checks."""

__all__ = [
    "CHECKS",
    "CheckRules",
    "Fieldwork",
    "Found",
    "backcheck_rates",
    "consent_table",
    "drawn_households",
    "effects_table",
    "field_checks",
    "progress_table",
    "run_checks",
    "usual_rules",
]

Check = Callable[[Fieldwork], pd.DataFrame]

CHECKS: dict[str, tuple[Check, tuple[str, ...]]] = {
    "dropped": (ids.dropped, ("dropped",)),
    "duplicate": (ids.duplicate, ("duplicates",)),
    "household_code": (ids.household_code, ()),
    "same_visit": (ids.same_visit, ("visits.visit_no",)),
    "head_changed": (ids.head_changed, ()),
    "edited": (ids.edited, ("edited",)),
    "answer_unreadable": (problems.answer_unreadable, ("problems",)),
    "answer_outside_limits": (problems.answer_outside_limits, ("problems",)),
    "answer_malformed": (problems.answer_malformed, ("problems",)),
    "choice_unknown": (problems.choice_unknown, ("problems",)),
    "question_unknown": (problems.question_unknown, ("problems",)),
    "required": (answers.required, ()),
    "missing": (answers.missing, ()),
    "outlier": (answers.outlier, ()),
    "constraint": (answers.constraint, ("findings",)),
    "logic": (answers.logic, ()),
    "other_listed": (texts.other_listed, ("free_text", "labels")),
    "other_share": (answers.other_share, ()),
    "personal_text": (texts.personal_text, ("free_text.quarantined", "free_text.kinds")),
    "short_interview": (timing.short_interview, ("household.duration_min",)),
    "active_time": (timing.active_time, ("totals",)),
    "audit_missing": (timing.audit_missing, ("totals",)),
    "group_time": (timing.group_time, ("times",)),
    "odd_hour": (timing.odd_hour, ()),
    "overlap": (timing.overlap, ("household.end",)),
    "form_version": (timing.form_version, ("versions", "household.__version__")),
    "consent": (progress.consent, ()),
    "refusals": (enumerator.refusals, ()),
    "dont_know": (enumerator.dont_know, ()),
    "straight_lining": (enumerator.straight_lining, ()),
    "age_heaping": (enumerator.age_heaping, ()),
    "enumerator_effect": (enumerator.enumerator_effect, ()),
    "gps_far": (place.gps_far, ("locations",)),
    "progress": (progress.progress, ()),
    "missing_month": (progress.missing_month, ("team_log",)),
    "near_identical": (pairs.near_identical, ()),
    "backcheck": (backcheck.backcheck, ("backchecks",)),
    "backcheck_rate": (backcheck.backcheck_rate, ("backchecks",)),
}
"""Every check, in the order in which they run, with the tables and columns that it cannot do without."""


@dataclass(frozen=True)
class Found:
    """What the checks found, and which did not run.

    Attributes
    ----------
    flags : DataFrame
        Contract `flags`, sorted by check, wave and team.
    skipped : dict of str to str
        Check to why it did not run: `off`, or the tables and columns that lack.
    unknown : dict of str to str
        Check to questions that its settings name and the tables do not have.
    """

    flags: pd.DataFrame
    skipped: dict[str, str]
    unknown: dict[str, str]

    @property
    def ran(self) -> frozenset[str]:
        """Checks that ran."""
        return frozenset(CHECKS) - frozenset(self.skipped)


def run_checks(work: Fieldwork) -> Found:
    """Run every check that is switched on and has its tables."""
    skipped = {name: why for name in CHECKS if (why := _why_not(work, name))}
    found = [check(work) for name, (check, _) in CHECKS.items() if name not in skipped]
    filled = [part for part in found if len(part)] or [nothing("")]
    flags = typed(pd.concat(filled, ignore_index=True))
    order = ["check", "wave", "team_id", "enumerator_id", "row_id", "variable", "item"]
    flags = flags.sort_values(order, ignore_index=True, kind="stable")
    return Found(contracts.validate(flags, "flags"), skipped, unknown_questions(work, skipped))


def field_checks(
    household: pd.DataFrame,
    visits: pd.DataFrame,
    roster: pd.DataFrame,
    team_log: pd.DataFrame | None = None,
    teams: pd.DataFrame | None = None,
    sample: pd.DataFrame | None = None,
    *,
    households_per_team: int = 12,
    rules: CheckSettings | None = None,
    **tables: pd.DataFrame | None,
) -> pd.DataFrame:
    """Run every check that has its tables and return the flags.

    Parameters
    ----------
    household, visits, roster, team_log : DataFrame
        Cleaned tables.
    teams : DataFrame, optional
        `team_id`; without it the teams seen in `visits`.
    sample : DataFrame, optional
        `hhid, team_id` of the drawn households; without it `households_per_team` is the target.
    households_per_team : int
        Households drawn in a team.
    rules : CheckSettings, optional
        `Study.checks`; without it `usual_rules()`.
    tables : DataFrame, optional
        Further tables by their name in `Fieldwork`: dropped, backchecks, findings, times, totals,
        versions, locations, free_text, labels.

    Returns
    -------
    DataFrame
        Contract `flags`, sorted by check, wave and team.
    """
    work = Fieldwork(
        household=household,
        visits=visits,
        roster=roster,
        teams=visits[["team_id"]].drop_duplicates() if teams is None else teams,
        households_per_team=households_per_team,
        rules=rules or usual_rules(),
        team_log=team_log,
        sample=sample,
        **tables,
    )
    return run_checks(work).flags


def _why_not(work: Fieldwork, name: str) -> str:
    if not getattr(work.rules, name).use:
        return "off"
    return ", ".join(need for need in CHECKS[name][1] if not _there(work, need))


def _there(work: Fieldwork, need: str) -> bool:
    table, _, column = need.partition(".")
    frame: pd.DataFrame | None = getattr(work, table)
    return frame is not None and (not column or column in frame)
