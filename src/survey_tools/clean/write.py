"""Write cleaned tables to `data/processed/clean` and personal data to `data/private`.

The only place of this room that touches the disk.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from survey_tools import contracts
from survey_tools.clean.household import CleanHousehold
from survey_tools.clean.reports import CleanTable
from survey_tools.errors import ContractError
from survey_tools.params import Workspace

EXTRA = ("backchecks", "dropped")
"""Tables of `clean/` that no later stage estimates from, so that they have no contract."""


def write_clean(
    ws: Workspace,
    *,
    household: CleanHousehold,
    team_log: CleanTable | None = None,
    site: CleanTable | None = None,
    labels: pd.DataFrame | None = None,
) -> list[Path]:
    """Write all cleaned tables, each whole or not at all, mode 0600.

    Returns
    -------
    list of Path
        Files written. `flow` holds the steps of all forms (`stage` tells them apart), `free_text` the
        free text of all forms.
    """
    written = [
        contracts.write_table(household.household, ws.clean, "household"),
        contracts.write_table(household.roster, ws.clean, "roster"),
        contracts.write_table(household.visits, ws.clean, "visits"),
    ]
    reports = {"team_log": team_log, "site": site}
    given = {name: report for name, report in reports.items() if report is not None}
    for name, report in given.items():
        written.append(contracts.write_table(report.table, ws.clean, name))
    if labels is not None:
        written.append(contracts.write_table(labels, ws.clean, "labels"))
    flow = pd.concat([household.flow, *(r.flow for r in given.values())], ignore_index=True)
    written.append(contracts.write_table(flow, ws.clean, "flow"))
    written.append(_write(household.backchecks, ws.clean / "backchecks.parquet"))
    written.append(_write(_dropped(household, given), ws.clean / "dropped.parquet"))
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
    free_text = {"household": household.free_text} | {n: r.free_text for n, r in reports.items()}
    return [
        _write(household.contacts, ws.private / "contacts.parquet"),
        _write(household.locations, ws.private / "locations.parquet"),
        _write(_by_form(free_text), ws.private / "free_text.parquet"),
    ]


def _dropped(household: CleanHousehold, reports: dict[str, CleanTable]) -> pd.DataFrame:
    return _by_form({"household": household.dropped} | {n: r.dropped for n, r in reports.items()})


def _by_form(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    named = [frame.assign(form=pd.Series(name, index=frame.index, dtype="str"))
             for name, frame in frames.items()]  # fmt: skip
    return pd.concat(named, ignore_index=True)


def _write(frame: pd.DataFrame, path: Path) -> Path:
    contracts.write_parquet(frame, path)
    return path
