"""Numbers that know which cell of which table of results they are, and texts that keep it.

A traced number written by `numbers` carries invisible marks, which pass through sentences and cells;
`markup` turns them into `<data value="…" data-source="…">`, the element that HTML has for a number and what a
machine should read of it. No library does this: templates know texts, not where these come from.

A source is `table?key=value&key=value#column`; what was computed from several is written as `A - B`,
`A / B` or `A + B`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any, overload
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd

from survey_tools import contracts

OPEN, BETWEEN, CLOSE = "\ue000", "\ue001", "\ue002"
_MARKED = re.compile(f"{OPEN}([^{BETWEEN}]*){BETWEEN}([^{BETWEEN}]*){BETWEEN}([^{CLOSE}]*){CLOSE}")
_JOIN = re.compile(r" ([-+/]) ")
_COLUMNS = {"shown": "estimate"}
_SHARES = "choices"
_KEYS: dict[str, tuple[str, ...]] = {
    "flow": ("stage", "step", "wave"),
    "honest": ("outcome", "kind", "m"),
    "balance_joint": (),
}
DECIMALS = 4
"""Decimals that a page gives to machines: those by which a run tells that a figure changed."""


class Traced(float):
    """A number of a table of results; what is computed from it by `+ - / abs` knows that, too.

    >>> share = Traced(0.5, "levels?area=10291#estimate") - Traced(0.2, "levels?area=district#estimate")
    >>> float(share), share.source
    (0.3, 'levels?area=10291#estimate - levels?area=district#estimate')
    """

    source: str

    def __new__(cls, value: object, source: str) -> Traced:
        """Make a number of a source; one that is missing is not a number."""
        number = super().__new__(cls, np.nan if value is None or value is pd.NA else value)  # type: ignore[arg-type]
        number.source = source
        return number

    def __add__(self, other: float) -> Traced:
        return self._with("+", other, float(self) + float(other))

    def __sub__(self, other: float) -> Traced:
        return self._with("-", other, float(self) - float(other))

    def __truediv__(self, other: float) -> Traced:
        value = float(self) / float(other) if other else np.nan
        return self._with("/", other, value)

    def __abs__(self) -> Traced:
        return Traced(abs(float(self)), self.source)

    def _with(self, sign: str, other: float, value: float) -> Traced:
        return Traced(value, f"{self.source} {sign} {getattr(other, 'source', other)}")


@overload
def trace(found: pd.Series, table: str, keys: Sequence[str] | None = None) -> pd.Series: ...
@overload
def trace(found: pd.DataFrame, table: str, keys: Sequence[str] | None = None) -> pd.DataFrame: ...
def trace(
    found: pd.Series | pd.DataFrame, table: str, keys: Sequence[str] | None = None
) -> pd.Series | pd.DataFrame:
    """Return a row, or rows, of a table of results with numbers that know their cells.

    Parameters
    ----------
    found : Series or DataFrame
        One row, or several; numbers become of type object.
    table : str
        Name of the table.
    keys : sequence of str, optional
        Columns that tell its rows apart; by default those of its contract.
    """
    keys = keys or keys_of(table)
    if isinstance(found, pd.Series):
        row = source_of(table, {key: found[key] for key in keys})
        cells = [_cell(table, row, str(column), value) for column, value in found.items()]
        return pd.Series(cells, index=found.index, dtype=object)
    rows = [
        source_of(table, dict(zip(keys, values, strict=True)))
        for values in found[list(keys)].itertuples(index=False)
    ]
    traced = found.copy()
    for column in found.select_dtypes("number").columns:
        name = str(column)
        cells = [_cell(table, row, name, x) for row, x in zip(rows, found[column], strict=True)]
        traced[column] = pd.Series(cells, index=found.index, dtype=object)
    return traced


@cache
def keys_of(table: str) -> tuple[str, ...]:
    """Columns that tell the rows of a table of results apart, as its contract says."""
    if table in _KEYS:
        return _KEYS[table]
    return tuple(contracts.SCHEMAS[table].unique or ())


def source_of(table: str, keys: dict[str, Any]) -> str:
    """Name a row of a table; the names of its key columns are in order."""
    named = (f"{key}={quote(str(keys[key]), safe='')}" for key in sorted(keys))
    return f"{table}?{'&'.join(named)}"


def parts_of(source: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Part a source into those of its cells and the signs between them; a plain number is a part, too."""
    parts = _JOIN.split(source)
    return tuple(parts[::2]), tuple(parts[1::2])


def cell_of(part: str) -> tuple[str, dict[str, str], str]:
    """Return table, values of the key columns, and column that the source of one cell names."""
    row, _, column = part.partition("#")
    table, _, query = row.partition("?")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return table, {key: unquote(value) for key, _, value in pairs}, column


def counted(value: int, table: str, **keys: str) -> Traced:
    """Return how many rows of a table have these values, as a number that says so."""
    return Traced(value, f"{source_of(table, keys)}#rows")


def summed(value: float, table: str, how: str, **keys: str) -> Traced:
    """Return what the rows of a table that have these values give together, as a number that says how."""
    return Traced(value, f"{source_of(table, keys)}#{how}")


def marked(value: object, text: str) -> str:
    """Mark a text as what a traced number was written as; any other number's is left as it is."""
    if not isinstance(value, Traced):
        return text
    return f"{OPEN}{machine(value)}{BETWEEN}{value.source}{BETWEEN}{text}{CLOSE}"


def machine(value: float) -> str:
    """Write a number for machines, to four decimals; empty where there is none."""
    number = float(value)
    if math.isnan(number):
        return ""
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return np.format_float_positional(round(number, DECIMALS) + 0.0, trim="-")


def plain(text: str) -> str:
    """Return a text without the marks, as it is read."""
    return _MARKED.sub(r"\3", text)


def html(text: str) -> str:
    """Escape a text for HTML, its marked numbers as `<data>`."""
    return _MARKED.sub(r'<data value="\1" data-source="\2">\3</data>', escape(text))


def sources(text: str) -> list[list[str]]:
    """Return value, source and text of each marked number of a text, in order."""
    return [list(found) for found in _MARKED.findall(text)]


def _cell(table: str, row: str, column: str, value: object) -> object:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)
    if not number and value is not pd.NA:
        return value
    if table == _SHARES and column in ("shown", "estimate"):
        return Traced(value, f"{row}#numerator / {row}#n")
    return Traced(value, f"{row}#{_COLUMNS.get(column, column)}")
