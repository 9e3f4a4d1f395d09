"""Pass the evidence behind the effects to the district's page, without what rests on too few households.

A part of `disclosure`; estimates nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.params import DisclosureSettings, Workspace

TABLES = (
    "inference",
    "families",
    "heterogeneity",
    "event_study",
    "honest",
    "lee_bounds",
    "sensitivity",
    "leave_out",
    "attrition_test",
    "detectable",
    "plan",
)
"""Tables of results that only the district's page shows."""

_COUNTS = {"heterogeneity": ("n_in", "n_out")}
"""Columns that count the households behind a row, where it is not `n` alone."""

_KEPT = ("n", "n_teams", "n_in", "n_out", "n_teams_in", "n_teams_out", "n_tests", "event_time")


def open_evidence(ws: Workspace) -> dict[str, pd.DataFrame]:
    """Read those tables of evidence that the results have, by name, each disclosed."""
    found = [name for name in TABLES if (ws.results / f"{name}.parquet").is_file()]
    return {
        name: disclose_evidence(contracts.read_table(ws.results, name), name, ws.study.disclosure)
        for name in found
    }


def disclose_evidence(table: pd.DataFrame, name: str, rules: DisclosureSettings) -> pd.DataFrame:
    """Blank the figures of rows that rest on fewer than `round_from` households.

    All of them are estimates over the whole district, so a row tells of no place. A row of two parts (in
    a group and outside) is blank where either part is small.
    """
    frame = table.reset_index(drop=True)
    counts = [column for column in _COUNTS.get(name, ("n",)) if column in frame]
    if not counts:
        return frame
    small = frame[counts].lt(rules.round_from).any(axis=1)
    numbers = [
        column
        for column in frame.select_dtypes("number").columns
        if column not in _KEPT and frame[column].dtype == np.float64
    ]
    frame.loc[small, numbers] = np.nan
    return frame
