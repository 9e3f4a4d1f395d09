"""Write estimates where the reports find them, each held against its contract; computes nothing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from survey_tools.contracts import write_table
from survey_tools.contracts.evidence import EVIDENCE
from survey_tools.errors import ContractError
from survey_tools.params import Workspace

RESULTS = (
    "effects",
    "levels",
    "levels_by_area",
    "outreach",
    "changes",
    "gaps",
    "fieldwork",
    "choices",
    "claims",
    "communes",
    "balance",
    "attrition",
    "flow",
    *EVIDENCE,
)


def write_results(ws: Workspace, **tables: pd.DataFrame) -> list[Path]:
    """Write tables such as `effects=…, levels=…` to the results folder of the workspace, and no others.

    A table of an earlier run that is not given now is removed: no page may mix two designs.

    Returns
    -------
    list of Path
        The files, in the order given.

    Raises
    ------
    ContractError
        A name is no result (nothing is written then), or a table breaks its contract.
    """
    unknown = [name for name in tables if name not in RESULTS]
    if unknown:
        raise ContractError(
            "There is no such table of results.",
            expected=", ".join(RESULTS),
            found=", ".join(unknown),
        )
    paths = [write_table(table, ws.results, name) for name, table in tables.items()]
    for name in set(RESULTS) - set(tables):
        (ws.results / f"{name}.parquet").unlink(missing_ok=True)
    return paths
