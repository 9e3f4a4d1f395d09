"""Gather what the field checks look at, run them, and follow what they find from run to run.

Not here: the checks (survey_tools.clean.checks), the supervisor's sheets (survey_tools.report.sheets.write).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

from survey_tools import clean, contracts
from survey_tools.kobo import Store, findings_of_rows, seconds_of_rows
from survey_tools.params import Workspace
from survey_tools.register import read_register
from survey_tools.run.erasing.journal import refuse_unfinished
from survey_tools.run.gate import open_gate
from survey_tools.run.occupied import at_work

if TYPE_CHECKING:
    from survey_tools.report.sheets.write import Sheets

NEEDED = ("household", "visits", "roster")
OPTIONAL = ("team_log", "labels", "problems", "duplicates")
HOUSEHOLD = "household"
DISTRICT_MARK = "district.txt"


@dataclass(frozen=True)
class Checked:
    """What one run of the checks found.

    Attributes
    ----------
    work : Fieldwork
        What they looked at.
    flags : DataFrame
        Contract `flags` with key, state and days: all that was ever found.
    skipped, unknown : dict of str to str
        Checks that did not run and why; questions that the settings name and the form does not have.
    unused : tuple of int
        Lines of the file of answers that name no flag.
    day : date
        Of the run, on the clock of the field.
    """

    work: clean.Fieldwork
    flags: pd.DataFrame
    skipped: dict[str, str]
    unknown: dict[str, str]
    unused: tuple[int, ...]
    day: date


def gather_fieldwork(ws: Workspace) -> clean.Fieldwork:
    """Bring together the clean tables, the private ones, the store and the audit logs.

    Of positions only distances, and of texts only what matches, leave the checks. What is not there is left
    out, and the checks that need it do not run.

    Raises
    ------
    ContractError
        When the tables of the household form are not there yet, or one breaks its contract.
    """
    tables: dict[str, Any] = {name: contracts.read_table(ws.clean, name) for name in NEEDED}
    tables |= {name: contracts.read_table(ws.clean, name) for name in OPTIONAL if _is(ws, name)}
    tables |= {name: _own(clean.read_extra(ws, name)) for name in clean.EXTRA if _is(ws, name)}
    for name in ("locations", "free_text"):
        path = ws.private / f"{name}.parquet"
        tables[name] = pd.read_parquet(path) if path.is_file() else None
    tables |= _of_store(ws) | _of_audit(ws, tables[HOUSEHOLD])
    return clean.Fieldwork(
        **tables,
        teams=ws.table("teams"),
        sample=ws.table("sample") if ws.file("sample").is_file() else None,
        households_per_team=ws.study.design.households_per_team,
        rules=ws.study.checks,
    )


def check_fieldwork(
    ws: Workspace, work: clean.Fieldwork | None = None, *, today: date | None = None
) -> Checked:
    """Run the checks and put what they find together with what earlier runs found; writes nothing.

    Parameters
    ----------
    ws : Workspace
    work : Fieldwork, optional
        From `gather_fieldwork`, which is called if none is given.
    today : date, optional
        Day of the run; today on the clock of the field if none is given.

    Raises
    ------
    ContractError
        When a table is not there or breaks its contract, or a line of the file of answers is wrong.
    ParamsError
        When a rule of the study file cannot be read.
    """
    work = gather_fieldwork(ws) if work is None else work
    day = today or datetime.now(ZoneInfo(ws.study.checks.zone)).date()
    found = clean.run_checks(work)
    before = _known_flags(ws)
    log = contracts.read_table(ws.clean, "corrections_log") if _is(ws, "corrections_log") else None
    answers = clean.read_flag_answers(ws.private / clean.ANSWERS, today=day)
    flags = clean.follow_flags(
        found.flags,
        before,
        day=day,
        # a check that is no more finds nothing any more
        ran=found.ran | (set() if before is None else set(before["check"]) - set(clean.CHECKS)),
        answers=answers,
        corrected=clean.corrected_flags(clean.with_keys(found.flags), log),
    )
    flags = flags.assign(source=pd.Series(_source(ws), index=flags.index, dtype="str"))
    unused = answers.loc[~answers["key"].isin(flags["key"]), "line"]
    return Checked(work, flags, found.skipped, found.unknown, tuple(map(int, unused)), day)


def run_field_checks(
    ws: Workspace, run: str, *, sheets: bool = True, today: date | None = None
) -> tuple[Checked, Sheets | None]:
    """Check, write the flags, and with `sheets` write the supervisor's sheets of the run.

    Raises
    ------
    RunError
        When an erasure is at work or not finished.
    SurveyToolsError
        As `check_fieldwork`.
    """
    refuse_unfinished(ws)
    with at_work(ws):
        checked = check_fieldwork(ws, today=today)
        write_flags(ws, checked)
        return checked, write_field_sheets(ws, checked, run) if sheets else None


def write_flags(ws: Workspace, checked: Checked) -> Path:
    """Write the flags where the next run finds them, whole or not at all."""
    return contracts.write_table(checked.flags, ws.clean, "flags")


def sheets_folder(ws: Workspace, run: str) -> Path:
    """Return where the supervisor's sheets are: beside the pages of a run, not among them."""
    return ws.field_sheets(run)


def write_field_sheets(ws: Workspace, checked: Checked, run: str) -> Sheets:
    """Write a sheet a team and an enumerator; see `survey_tools.report.sheets.write.write_sheets`."""
    from survey_tools.report.sheets.write import write_sheets

    work = checked.work
    interviews = work.household.groupby(["wave", "team_id", "enumerator_id"]).size()
    return write_sheets(
        ws.study,
        checked.flags,
        teams=work.teams,
        communes=ws.table("communes"),
        interviews=interviews.rename("interviews").reset_index(),
        drawn=clean.drawn_households(work).rename("drawn").rename_axis("team_id").reset_index(),
        registers={str(f): read_register(ws.root / s.register_) for f, s in ws.study.forms.items()},
        folder=sheets_folder(ws, run),
        day=checked.day,
        choices=work.labels,
        gate=open_gate(ws, sheets_folder(ws, run)),
    )


def count_flags(flags: pd.DataFrame) -> pd.DataFrame:
    """Count flags: one row a check, one column a state."""
    counts = pd.crosstab(flags["check"], flags["state"])
    return counts.reindex(columns=list(clean.STATES), fill_value=0).rename_axis(columns=None)


def version_table(deployed: Mapping[str, str]) -> pd.DataFrame:
    """Lay out `Store.deployed` as `version, deployed` (UTC)."""
    moments = pd.to_datetime(
        pd.Series(list(deployed.values()), dtype="str"), utc=True, format="ISO8601"
    )
    return pd.DataFrame({"version": pd.Series(list(deployed), dtype="str"), "deployed": moments})


def edited_rows(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the `_id` of rows that took the place of an older state of theirs."""
    return _ids([row["_id"] for row in rows if _is_edited(row)])


def _known_flags(ws: Workspace) -> pd.DataFrame | None:
    """Return the flags of earlier runs; those of another server are about other rows, and are forgotten."""
    if not _is(ws, "flags"):
        return None
    flags = contracts.read_table(ws.clean, "flags")
    return flags.loc[flags["source"] == _source(ws)] if "source" in flags else None


def _source(ws: Workspace) -> str:
    """Name the server that the rows are of; in the demo also the synthetic district."""
    mark = ws.raw / DISTRICT_MARK
    district = mark.read_text(encoding="utf-8") if mark.is_file() else ""
    return "/".join(part for part in (ws.study.server.slug, district) if part)


def _is(ws: Workspace, name: str) -> bool:
    return (ws.clean / f"{name}.parquet").is_file()


def _own(table: pd.DataFrame) -> pd.DataFrame:
    return clean.Fieldwork.own(table)


def _of_store(ws: Workspace) -> dict[str, pd.DataFrame]:
    """Read from the store of the household form what is not in the clean tables."""
    if not ws.store(HOUSEHOLD).is_file():
        return {}
    edited: list[int] = []
    with Store.read(ws.store(HOUSEHOLD)) as store:
        found = {"versions": version_table(store.deployed())}
        rows = _noting_edited(store.rows(), edited)
        if ws.study.checks.constraint.use:
            renames = ws.study.renames(HOUSEHOLD)
            found["findings"] = findings_of_rows(rows, store.form_versions(), renames=renames)
        else:
            deque(rows, maxlen=0)
    return found | {"edited": _ids(edited)}


def _noting_edited(
    rows: Iterable[Mapping[str, Any]], edited: list[int]
) -> Iterator[Mapping[str, Any]]:
    """Pass rows on and note those that took the place of an older state; the store is read once."""
    for row in rows:
        if _is_edited(row):
            edited.append(row["_id"])
        yield row


def _ids(ids: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"_id": pd.Series(ids, dtype="int64")})


def _is_edited(row: Mapping[str, Any]) -> bool:
    root = row.get("meta/rootUuid")
    return bool(row.get("meta/deprecatedID") or (root and root != row.get("meta/instanceID")))


def _of_audit(ws: Workspace, household: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Read the audit logs of the interviews, without the positions and answers that may be in them."""
    folder = ws.attachments(HOUSEHOLD)
    if not folder.is_dir() or not ws.store(HOUSEHOLD).is_file():
        return {}
    with Store.read(ws.store(HOUSEHOLD)) as store:
        repeats = {path for form in store.form_versions().values() for path in form.repeats}
    ids = [int(row_id) for row_id in household["_id"]]
    found = seconds_of_rows(folder, row_ids=ids, repeats=repeats)
    timed = found.totals.loc[found.totals["seconds"] > 0, ["_id", "seconds"]]
    return {"times": found.questions[["_id", "path", "seconds"]], "totals": timed}
