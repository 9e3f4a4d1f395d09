"""Find and write the rows of the evidence tables; chooses no sentence."""

from __future__ import annotations

from typing import Any

import pandas as pd

from survey_tools.report.markup import Cell
from survey_tools.report.numbers import MISSING, is_missing, unit_key
from survey_tools.report.pick import rows_where
from survey_tools.report.results import Results

HARM = "harm"
"""Family of outcomes of which more is worse."""


def evidence(results: Results, name: str) -> pd.DataFrame:
    """Return a table of evidence with traced numbers, empty where the results have none."""
    return results.rows(name, results.evidence.get(name, pd.DataFrame()))


def row_of(results: Results, name: str, **where: Any) -> pd.Series | None:
    """Return the first row of a table of evidence whose columns have these values, or None."""
    frame = results.evidence.get(name, pd.DataFrame())
    if frame.empty:
        return None
    found = rows_where(frame, **where)
    return None if found.empty else results.row(name, found)


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
    numbers = results.numbers
    if row is None or is_missing(row[columns[0]]):
        return numbers.number(None if row is None else row[columns[0]])
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
    return MISSING if row is None else results.numbers.bare_p_value(row[column])
