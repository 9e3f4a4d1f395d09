"""Write the analysis tables; the only place of this room that touches the disk."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from survey_tools import contracts
from survey_tools.params import Workspace

FURTHER = (
    "sites", "weights", "response", "exposure", "agreement", "adoption", "index_weights", "claim_answers",
    "team_months",
)  # fmt: skip
"""Tables that may be written beside the five that every study has."""


def write_analysis(
    ws: Workspace,
    *,
    panel: pd.DataFrame,
    households: pd.DataFrame,
    teams: pd.DataFrame,
    answers: pd.DataFrame,
    flow: pd.DataFrame,
    **further: pd.DataFrame | None,
) -> list[Path]:
    """Write the tables of `analysis/`, each validated, whole or not at all, mode 0600.

    Tables with codes say in the column `area_list` of which list of areas the codes are.

    Parameters
    ----------
    ws : Workspace
    panel, households, teams, answers, flow : DataFrame
        Contracts of these names.
    **further : DataFrame or None
        Tables of `FURTHER`, by name; None is left out.

    Raises
    ------
    AreaError
        When a table says that its codes are of another list than the study's.
    ContractError
        When a table breaks its contract or cannot be written.
    TypeError
        When a name is not one of `FURTHER`.
    """
    if unknown := sorted(set(further) - set(FURTHER)):
        raise TypeError(f"no tables of analysis/: {', '.join(unknown)}")
    tables = {"panel": panel, "households": households, "teams": teams, "answers": answers,
              "flow": flow, **further}  # fmt: skip
    return [
        contracts.write_table(contracts.stamp_list(table, ws.study.areas.list_), ws.analysis, name)
        for name, table in tables.items()
        if table is not None
    ]
