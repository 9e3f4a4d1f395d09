"""Pass the evidence behind the effects to the district's page, without what rests on too few households.

A part of `disclosure`; estimates nothing.
"""

from __future__ import annotations

import pandas as pd

from survey_tools import contracts
from survey_tools.contracts.evidence import EVIDENCE
from survey_tools.params import DisclosureSettings, Workspace

TABLES = tuple(EVIDENCE)
"""Tables of results that only the district's page shows."""

_COUNTS = {"heterogeneity": ("n_in", "n_out")}
"""Columns that count the households behind a row, where it is not `n` alone."""

_RESTS_ON = {"families": "inference", "detectable": "inference", "honest": "event_study"}
"""Tables that count no households -> the table of the same outcomes that does."""

_LEAST_LEFT_OUT = 3
"""Strata from which on an estimate without one of them is no estimate of one alone."""

_KEPT = ["event_time", "m", "n_tests"]
"""Numbers that come from no answer."""


def open_evidence(ws: Workspace) -> dict[str, pd.DataFrame]:
    """Read those tables of evidence that the results have, by name, each disclosed."""
    found = [name for name in TABLES if (ws.results / f"{name}.parquet").is_file()]
    raw = {name: contracts.read_table(ws.results, name) for name in found}
    rules = ws.study.disclosure
    return {
        name: disclose_evidence(table, name, rules, raw.get(_RESTS_ON.get(name, "")))
        for name, table in raw.items()
    }


def disclose_evidence(
    table: pd.DataFrame, name: str, rules: DisclosureSettings, counted: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Blank the figures of rows that rest on fewer than `round_from` households, and how many those are.

    All of them are estimates over the whole district, so a row tells of no place. A row of two parts (in
    a group and outside) is blank where either part is small: each follows from the other and everybody.
    Estimates without one stratum are blank where so few strata are left that they are those of one.

    Parameters
    ----------
    table : DataFrame
    name : str
        One of `TABLES`.
    rules : DisclosureSettings
    counted : DataFrame, optional
        Table of the same outcomes with the column `n`, for a table that has none of its own.
    """
    frame = table.reset_index(drop=True)
    counts = [column for column in _COUNTS.get(name, ("n",)) if column in frame]
    few = (1, rules.round_from - 1)
    small = frame[counts].apply(lambda n: n.between(*few)).any(axis=1)
    if counted is not None:
        fewest = counted.groupby("outcome")["n"].min()
        small |= frame["outcome"].map(fewest).between(*few)
    if "left_out" in frame:
        strata = frame.groupby("outcome")["left_out"].transform("nunique")
        small |= strata.lt(_LEAST_LEFT_OUT)
    numbers = frame.select_dtypes("number").columns.difference(_KEPT)
    estimates = frame[numbers].select_dtypes("float64").columns
    sizes = numbers.difference(estimates)
    frame[estimates] = frame[estimates].mask(small)
    frame[sizes] = frame[sizes].astype("Int64").mask(small)
    return frame
