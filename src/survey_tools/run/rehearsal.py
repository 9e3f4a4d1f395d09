"""Play the field work of a synthetic district through cleaning and the checks, and count what they find.

The district goes the way of a real one: forms filled in, rows as the server gives them, tables, cleaning,
checks; only the server in between is left out. Not here: what is planted (survey_tools.synthetic).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from survey_tools import clean, synthetic
from survey_tools.kobo import Form, Tables, findings_of_rows, flatten, seconds_of_logs
from survey_tools.params import Workspace
from survey_tools.register import read_register
from survey_tools.run.district import VERSIONS, form_contents
from survey_tools.run.fieldwork import edited_rows, version_table

BY_ROW, BY_QUESTION, BY_ENUMERATOR, BY_MONTH = "row", "question", "enumerator", "month"


@dataclass(frozen=True)
class Planted:
    """Which check finds a kind of planted problem, by what, and whether it must find each one."""

    check: str
    by: str
    sure: bool = True


PLANTED = {
    "age_heaping": Planted("age_heaping", BY_ENUMERATOR, sure=False),
    "backcheck_difference": Planted("backcheck", BY_QUESTION),
    "code_not_in_sample": Planted("dropped", BY_ROW),
    "contradiction": Planted("logic", BY_QUESTION),
    "duplicate_submission": Planted("duplicate", BY_ROW),
    "edited": Planted("edited", BY_ROW),
    "gps_far": Planted("gps_far", BY_ROW),
    "idle": Planted("active_time", BY_ROW),
    "leading": Planted("enumerator_effect", BY_ENUMERATOR, sure=False),
    "missing_log": Planted("missing_month", BY_MONTH),
    "near_identical": Planted("near_identical", BY_ROW),
    "old_version": Planted("form_version", BY_ROW),
    "other_listed": Planted("other_listed", BY_QUESTION),
    "outlier": Planted("outlier", BY_QUESTION, sure=False),
    "personal_text": Planted("personal_text", BY_QUESTION, sure=False),
    "rushed": Planted("group_time", BY_QUESTION, sure=False),
    "short_interview": Planted("short_interview", BY_ROW),
    "straight_lining": Planted("straight_lining", BY_ENUMERATOR, sure=False),
    "two_households_one_code": Planted("duplicate", BY_ROW),
}
"""Every kind that the synthetic district plants."""

STATES_OF_WORK = ("progress",)
"""Checks whose flags say how far the work is: true ones also where nothing was planted."""


@dataclass(frozen=True)
class Rehearsal:
    """A district with what was planted in it, what the checks looked at, and what they found."""

    district: synthetic.District
    work: clean.Fieldwork
    found: clean.Found

    @property
    def flags(self) -> pd.DataFrame:
        """Flags of all checks."""
        return self.found.flags


def rehearse(ws: Workspace, parameters: synthetic.DistrictParameters, seed: int) -> Rehearsal:
    """Simulate a district, clean it and run the checks with the settings of the study file.

    Parameters
    ----------
    ws : Workspace
        Its forms, registers, teams, communes and settings are used; nothing is written.
    parameters : DistrictParameters
    seed : int
    """
    district = synthetic.simulate(parameters, ws.table("teams"), ws.table("communes"), seed)
    contents = {str(form): form_contents(ws, str(form)) for form in ws.study.forms}
    work = _fieldwork(ws, district, contents)
    return Rehearsal(district, work, clean.run_checks(work))


def without_problems(parameters: synthetic.DistrictParameters) -> synthetic.DistrictParameters:
    """Return the parameters of the same district with nothing planted, to count false alarms."""
    quiet = synthetic.PlantedParameters.none()
    few = replace(quiet, audit_share=parameters.planted.audit_share)
    return replace(parameters, planted=few, backcheck_error=0.0)


def planted_found(rehearsal: Rehearsal) -> pd.DataFrame:
    """Say of each planted problem whether its check found it.

    Returns
    -------
    DataFrame
        `kind, check, sure, found`, one row a planted problem.
    """
    keys = {
        name: _flag_keys(rehearsal.flags, name)
        for name in (BY_ROW, BY_QUESTION, BY_ENUMERATOR, BY_MONTH)
    }
    rows = []
    for problem in _located(rehearsal).itertuples():
        expected = PLANTED[str(problem.kind)]
        key = (expected.check, *_key(problem, expected.by))
        rows.append((problem.kind, expected.check, expected.sure, key in keys[expected.by]))
    return pd.DataFrame(rows, columns=["kind", "check", "sure", "found"])


def false_alarms(rehearsal: Rehearsal) -> pd.Series:
    """Count the flags of each check in a district in which nothing was planted."""
    flags = rehearsal.flags.loc[~rehearsal.flags["check"].isin(STATES_OF_WORK)]
    counts = flags["check"].value_counts()
    return counts.reindex(list(clean.CHECKS), fill_value=0).drop(list(STATES_OF_WORK))


def _fieldwork(
    ws: Workspace,
    district: synthetic.District,
    contents: Mapping[str, Mapping[str, dict[str, Any]]],
) -> clean.Fieldwork:
    rows = synthetic.submissions(district, contents)
    forms = {
        f: {uid: Form.from_content(c, uid) for uid, c in contents[f].items()} for f in contents
    }
    tables = {f: flatten(rows[f], forms[f], renames=ws.study.renames(f)) for f in contents}
    household, team_log = _clean(ws, district, tables)
    newest = list(contents["household"].values())[-1]
    logs = synthetic.audit_logs(district, rows["household"], newest)
    seconds = seconds_of_logs(
        logs, repeats={p for f in forms["household"].values() for p in f.repeats}
    )
    texts = [
        household.free_text.assign(form="household"),
        team_log.free_text.assign(form="team_log"),
    ]
    problems = [
        household.problems.assign(form="household"),
        team_log.problems.assign(form="team_log"),
    ]
    return clean.Fieldwork(
        household=household.household,
        visits=household.visits,
        roster=household.roster,
        teams=ws.table("teams"),
        households_per_team=district.parameters.households_per_team,
        rules=ws.study.checks,
        team_log=team_log.table,
        sample=district.sample,
        dropped=household.dropped,
        backchecks=household.backchecks,
        problems=pd.concat(problems, ignore_index=True),
        duplicates=household.duplicates,
        edited=edited_rows(rows["household"]),
        findings=findings_of_rows(
            rows["household"], forms["household"], renames=ws.study.renames("household")
        ),
        times=seconds.questions,
        totals=seconds.totals,
        versions=version_table(dict(VERSIONS["household"])),
        locations=household.locations,
        free_text=clean.screen(pd.concat(texts, ignore_index=True), clean.place_names(ws)),
        labels=clean.labels_table(*(table.labels for table in tables.values())),
    )


def _clean(
    ws: Workspace, district: synthetic.District, tables: Mapping[str, Tables]
) -> tuple[clean.CleanHousehold, clean.CleanTable]:
    registers = {f: read_register(ws.root / s.register_) for f, s in ws.study.forms.items()}
    household, team_log = tables["household"], tables["team_log"]
    return (
        clean.clean_household(
            household.frames["main"],
            household.frames["roster"],
            register=registers["household"],
            teams=ws.table("teams"),
            sample=district.sample,
            misfits=household.misfits,
        ),
        clean.clean_team_log(
            team_log.frames["main"],
            register=registers["team_log"],
            teams=ws.table("teams"),
            misfits=team_log.misfits,
        ),
    )


def _located(rehearsal: Rehearsal) -> pd.DataFrame:
    """Give planted differences of a back-check the row that the flag names: that of the first interview.

    Where cleaning has taken that out, nothing can be compared, and the back-check itself is flagged.
    """
    planted, work = rehearsal.district.planted, rehearsal.work
    first = work.given("backchecks")[["_id", "hhid", "wave"]].merge(
        work.household[["_id", "hhid", "wave"]], on=["hhid", "wave"], suffixes=("", "_first")
    )
    known = dict(zip(first["_id"], first["_id_first"], strict=True))
    again = planted["kind"].eq("backcheck_difference")
    row = planted["_id"].mask(again, planted["_id"].map(known).astype("Int64"))
    alone = again & row.isna()
    return planted.assign(
        row=row.fillna(planted["_id"]), detail=planted["detail"].mask(alone, "hhid")
    )


def _key(problem: Any, by: str) -> tuple[Any, ...]:
    if by == BY_ENUMERATOR:
        return (problem.detail,)
    if by == BY_MONTH:
        return tuple(problem.detail.split())
    row = (problem.form, int(problem.row))
    return row if by == BY_ROW else (*row, problem.detail)


def _flag_keys(flags: pd.DataFrame, by: str) -> set[tuple[Any, ...]]:
    columns = {
        BY_ROW: ["check", "form", "row_id"],
        BY_QUESTION: ["check", "form", "row_id", "variable"],
        BY_ENUMERATOR: ["check", "enumerator_id"],
        BY_MONTH: ["check", "team_id", "item"],
    }[by]
    return set(flags[columns].dropna().itertuples(index=False, name=None))
