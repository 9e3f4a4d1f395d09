"""Look traced numbers up in the tables of results, apart from the code that makes and compares pages."""

from __future__ import annotations

import math
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd

DATA = re.compile(r"<data ([^>]*)>")
NAMES = ("value", "data-source")
DECIMALS = 4
ENDS = {"least": "min", "greatest": "max"}
"""How the ends of the estimates of several rows are told on a page, to so many decimals."""
ENDS_DECIMALS = 3


def shown_numbers(folder: Path, page: str = "*") -> dict[str, set[str]]:
    """Values by source on the pages of a folder, by a plain search for the element."""
    found: dict[str, set[str]] = {}
    for path in folder.glob(f"{page}.html"):
        if not path.name.startswith("compare-"):
            for element in DATA.findall(path.read_text("utf-8")):
                value, source = (re.search(rf'(?<![a-z-]){n}="([^"]*)"', element)[1] for n in NAMES)
                found.setdefault(unescape(source), set()).add(value)
    return found


class Tables:
    """Tables of results as they may be shown, and as they were estimated where nothing is decided on them."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self._tables: dict[str, pd.DataFrame] = {}
        self._rows: dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], int]] = {}

    def value(self, source: str) -> str:
        """The number of a source to four decimals, empty where it is hidden or not there."""
        if source.startswith("choices?") and " / " in source:
            source = source.partition("#")[0] + "#shown"  # rounded where few chose it
        parts = re.split(r" ([-+/]) ", source)
        number = self._cell(parts[0])
        for sign, part in zip(parts[1::2], parts[2::2], strict=True):
            other = self._cell(part)
            number = {"-": number - other, "+": number + other, "/": number / other}[sign]
        if math.isnan(number):
            return ""
        if math.isinf(number):
            return "inf" if number > 0 else "-inf"
        return np.format_float_positional(round(number, DECIMALS) + 0.0, trim="-")

    def _cell(self, text: str) -> float:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return float(text)
        row, _, column = text.partition("#")
        name, _, query = row.partition("?")
        pairs = [pair.partition("=") for pair in query.split("&") if pair]
        keys = {key: unquote(value) for key, _, value in pairs}
        table = self._table(name)
        if column == "rows":
            return float(self._matching(table, keys).sum())
        if column in ENDS:
            found = table.loc[self._matching(table, keys), "estimate"]
            return round(float(found.agg(ENDS[column])), ENDS_DECIMALS)
        place = self._index(name, tuple(keys)).get(tuple(keys.values()))
        if place is None:
            return math.nan
        shown = {"estimate": "shown"}.get(column, column)
        value = table.iloc[place][shown if shown in table else column]
        return math.nan if pd.isna(value) else float(value)

    @staticmethod
    def _matching(table: pd.DataFrame, keys: dict[str, str]) -> pd.Series:
        return (table[list(keys)].astype(str) == list(keys.values())).all(axis=1)

    def _table(self, name: str) -> pd.DataFrame:
        if name not in self._tables:
            places = (self.results / ".shown", self.results)
            path = next(p for p in (place / f"{name}.parquet" for place in places) if p.is_file())
            self._tables[name] = pd.read_parquet(path)
        return self._tables[name]

    def _index(self, name: str, keys: tuple[str, ...]) -> dict[tuple[str, ...], int]:
        if (name, keys) not in self._rows:
            rows = self._table(name)[list(keys)].astype(str).itertuples(index=False, name=None)
            self._rows[name, keys] = {tuple(row): place for place, row in enumerate(rows)}
        return self._rows[name, keys]


def differing(
    before: dict[str, set[str]], after: dict[str, set[str]], sources: set[str] | None = None
) -> set[str]:
    """Name the sources whose values are not the same in both; of those given, else of all."""
    wanted = before.keys() | after.keys() if sources is None else sources
    return {source for source in wanted if before.get(source) != after.get(source)}
