"""Write the analysis tables; the only place of this room that touches the disk."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from survey_tools import contracts
from survey_tools.params import Workspace


def write_analysis(
    ws: Workspace,
    *,
    panel: pd.DataFrame,
    households: pd.DataFrame,
    teams: pd.DataFrame,
    answers: pd.DataFrame,
    flow: pd.DataFrame,
    sites: pd.DataFrame | None = None,
) -> list[Path]:
    """Write the tables of `analysis/`, each validated, whole or not at all, mode 0600."""
    tables = {"panel": panel, "households": households, "teams": teams, "answers": answers,
              "flow": flow, "sites": sites}  # fmt: skip
    return [
        contracts.write_table(table, ws.analysis, name)
        for name, table in tables.items()
        if table is not None
    ]
