"""Write cleaned tables to `data/processed/clean` and personal data to `data/private`.

The only place of this room that touches the disk.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from survey_tools import contracts
from survey_tools.areas import read_areas
from survey_tools.clean.area_names import check_area_names
from survey_tools.clean.household import CleanHousehold
from survey_tools.clean.household_ids.settle import DUPLICATES, write_duplicates
from survey_tools.clean.personal_data.screen import place_names, screen
from survey_tools.clean.reports import CleanTable
from survey_tools.errors import ContractError
from survey_tools.params import Workspace

OF_HOUSEHOLD = ("household", "roster", "visits", "duplicates", "consents")
"""Tables of the cleaned household form that have a contract."""

EXTRA = ("backchecks", "dropped")
"""Tables of `clean/` that no later stage estimates from, so that they have no contract."""


def write_clean(
    ws: Workspace,
    *,
    household: CleanHousehold,
    team_log: CleanTable | None = None,
    site: CleanTable | None = None,
    **others: pd.DataFrame,
) -> list[Path]:
    """Write all cleaned tables, each whole or not at all, mode 0600.

    Parameters
    ----------
    ws : Workspace
    household, team_log, site
        Cleaned forms.
    others : DataFrame
        Further tables by the name of their contract: `labels`, `corrections_log`, `identity`, `unmatched`.

    Returns
    -------
    list of Path
        Files written. `flow` holds the steps of all forms (`stage` tells them apart); `dropped`,
        `problems` and `free_text` name the form in a column. The list of duplicates, in which a person
        decides, goes to `data/private/`. Tables with codes say in `area_list` of which list they are.

    Raises
    ------
    AreaError
        When the form gives commune codes the names of another list of areas than the study's.
    """
    reports = {"team_log": team_log, "site": site}
    given = {name: report for name, report in reports.items() if report is not None}
    tables = {
        **{name: getattr(household, name) for name in OF_HOUSEHOLD},
        **{name: report.table for name, report in given.items()},
        "flow": pd.concat([household.flow, *(r.flow for r in given.values())], ignore_index=True),
        "problems": _by_form("problems", household, given),
        **others,
    }
    area_list = ws.study.areas.list_
    if "labels" in others:
        check_area_names(others["labels"], read_areas(ws.file("areas")), area_list)
    written = [
        contracts.write_table(contracts.stamp_list(table, area_list), ws.clean, name)
        for name, table in tables.items()
    ]
    extra = {"backchecks": household.backchecks, "dropped": _by_form("dropped", household, given)}
    for name, table in extra.items():
        marked = contracts.stamp_list(table, area_list)
        written.append(_write(marked, ws.clean / f"{name}.parquet"))
    return written + _write_private(ws, household, given)


def read_extra(ws: Workspace, name: str) -> pd.DataFrame:
    """Read `backchecks` or `dropped`, which only the checks look at.

    Raises
    ------
    ContractError
        When there is no such table yet.
    """
    path = ws.clean / f"{name}.parquet"
    if name not in EXTRA or not path.is_file():
        raise ContractError(
            f"The table «{name}» is not there.",
            expected=" or ".join(EXTRA),
            where="processed/clean",
            next_step="run 20_clean first",
        )
    return pd.read_parquet(path)


def _write_private(
    ws: Workspace, household: CleanHousehold, reports: dict[str, CleanTable]
) -> list[Path]:
    return [
        _write(household.contacts, ws.private / "contacts.parquet"),
        _write(household.locations, ws.private / "locations.parquet"),
        _write(_screened(ws, household, reports), ws.private / "free_text.parquet"),
        write_duplicates(ws.private / DUPLICATES, household.duplicate_report),
    ]


def _screened(
    ws: Workspace, household: CleanHousehold, reports: dict[str, CleanTable]
) -> pd.DataFrame:
    return screen(_by_form("free_text", household, reports), place_names(ws))


def _by_form(name: str, household: CleanHousehold, reports: dict[str, CleanTable]) -> pd.DataFrame:
    """Put a table that every form has together, with the form in a column."""
    frames = {
        form: getattr(result, name) for form, result in [("household", household), *reports.items()]
    }
    named = [frame.assign(form=pd.Series(form, index=frame.index, dtype="str"))
             for form, frame in frames.items()]  # fmt: skip
    return pd.concat(named, ignore_index=True)


def _write(frame: pd.DataFrame, path: Path) -> Path:
    contracts.write_parquet(frame, path)
    return path
