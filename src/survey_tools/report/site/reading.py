"""Read what the index may show of the results of all communes at the endline; decides nothing itself."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from survey_tools.params import Workspace
from survey_tools.report.disclosure import open_levels
from survey_tools.report.pick import rows_where
from survey_tools.report.shown import kept_parts, shown_tables
from survey_tools.report.shown_key import current_key

GROUPS = ("all", "intensive", "regular")
"""Groups of which a commune's page gives the main outcomes."""

_FURTHER = ("communes", "changes", "outreach", "fieldwork")
Shown = Mapping[str, pd.DataFrame]


def read_shown(ws: Workspace) -> Shown:
    """Read disclosed tables by name: levels of `GROUPS`, and what else there is.

    Returns
    -------
    mapping of str to DataFrame
        `levels` of the main outcomes; `communes`, partially pooled effects; `changes` and `outreach` of all
        households; `fieldwork`. A table that there is no result of is left out. Only rows of the endline.

    Raises
    ------
    ContractError
        When a table of results is broken.
    """
    wave = ws.study.waves.endline
    if current_key(ws) is None:
        every = shown_tables(ws)
        found = {name: every[name] for name in ("levels", *_FURTHER) if name in every}
    else:
        parts = {name: list(kept_parts(ws, name)) for name in _FURTHER}
        found = {name: pd.concat(some) for name, some in parts.items() if some}
        found["levels"] = open_levels(ws, wave=wave)
    return {name: _wanted(table, name, ws, wave) for name, table in found.items()}


def _wanted(table: pd.DataFrame, name: str, ws: Workspace, wave: str) -> pd.DataFrame:
    if "wave" in table:
        table = rows_where(table, wave=wave)
    if name in ("changes", "outreach"):
        table = rows_where(table, group="all")
    if name == "levels":
        main = table["outcome"].isin(ws.study.report.main_outcomes)
        table = table[main & table["group"].isin(GROUPS)]
    return table.reset_index(drop=True)
