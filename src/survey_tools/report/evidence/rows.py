"""Find and write the rows of the evidence tables; chooses no sentence."""

from __future__ import annotations

from typing import Any

import pandas as pd

from survey_tools.report.markup import Cell
from survey_tools.report.numbers import MISSING, unit_key
from survey_tools.report.pick import rows_where
from survey_tools.report.results import Results

HARM = "harm"
"""Family of outcomes of which more is worse."""


def evidence(results: Results, name: str) -> pd.DataFrame:
    """Return a table of evidence, empty where the results have none."""
    return results.evidence.get(name, pd.DataFrame())


def row_of(results: Results, name: str, **where: Any) -> pd.Series | None:
    """Return the first row of a table of evidence whose columns have these values, or None."""
    frame = evidence(results, name)
    if frame.empty:
        return None
    found = rows_where(frame, **where)
    return None if found.empty else found.iloc[0]


def term(results: Results, kind: str, name: str) -> str:
    """Word for a family, group or event of the study; where there is none, what else is known of it."""
    key = f"{kind}_{name}"
    return results.words(key) if key in results.words else results.outcome(name)


def label(results: Results, outcome: str) -> Cell:
    """Write an outcome with the unit of its effects below."""
    scale = results.scale(outcome)
    return results.outcome(outcome), results.words(unit_key(scale))


def with_interval(
    results: Results,
    row: pd.Series | None,
    scale: str,
    columns: tuple[str, str, str] = ("estimate", "conf_low", "conf_high"),
) -> Cell:
    """Write an estimate with its interval below; «—» where there is none."""
    if row is None or pd.isna(row[columns[0]]):
        return MISSING
    numbers = results.numbers
    between = numbers.difference_interval(row[columns[1]], row[columns[2]], scale)
    return numbers.bare_difference(row[columns[0]], scale), between


def interval(
    results: Results,
    row: pd.Series | None,
    scale: str,
    columns: tuple[str, str] = ("conf_low", "conf_high"),
) -> str:
    """Write an interval of effects; «—» where there is none."""
    if row is None:
        return MISSING
    low, high = (row.get(column) for column in columns)
    return results.numbers.difference_interval(low, high, scale)


def p_value(results: Results, row: pd.Series | None, column: str = "p_value") -> str:
    """Write a p-value or q-value for a cell."""
    if row is None or pd.isna(row[column]):
        return MISSING
    text = results.numbers.p_value(float(row[column]))
    return text.removeprefix("p = ").removeprefix("p ")
