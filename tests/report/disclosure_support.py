"""What may be shown of every cell, in one table, for tests that compare all of them."""

from __future__ import annotations

import pandas as pd

from survey_tools.params import Workspace
from survey_tools.report.shown import shown_tables

CELLS = {"levels": ["wave", "group", "outcome"], "choices": ["wave", "variable", "choice"]}


def open_statuses(ws: Workspace) -> pd.DataFrame:
    """Read what may be shown of every cell: columns area, cell, status."""
    shown = shown_tables(ws)
    parts = [
        shown[name][["area", "status"]].assign(
            cell=shown[name][names].agg("/".join, axis="columns")
        )
        for name, names in CELLS.items()
    ]
    return pd.concat(parts, ignore_index=True)[["area", "cell", "status"]]
