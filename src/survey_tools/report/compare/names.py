"""Name a number for a reader by its source: outcome, place, wave, group and column.

What has no name in the study's tables keeps its code. Not here: where a source comes from
(survey_tools.report.traced).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from survey_tools.params import Workspace
from survey_tools.report.traced import cell_of, parts_of
from survey_tools.report.wording import Wording

DISTRICT = "district"
EVERYBODY = "all"
_FIRST = ("outcome", "variable", "choice", "area", "commune_code", "wave")
_SIGNS = {"-": "−"}


@dataclass(frozen=True)
class Cell:
    """One cell of a table of results."""

    table: str
    keys: dict[str, str]
    column: str


def cells_of(source: str) -> tuple[tuple[Cell, ...], tuple[str, ...]]:
    """Part a source into its cells and the signs between them.

    >>> cells, signs = cells_of("levels?wave=w3#estimate - levels?wave=w1#estimate")
    >>> [cell.keys["wave"] for cell in cells], signs
    (['w3', 'w1'], ('-',))
    """
    parts, signs = parts_of(source)
    return tuple(Cell(*cell_of(part)) for part in parts), signs


def table_of(source: str) -> str:
    """Name the table of results that a number comes from; the first one where there are several."""
    return cells_of(source)[0][0].table


class Names:
    """Names in one language; without a workspace there are only codes."""

    def __init__(self, ws: Workspace | None, words: Wording) -> None:
        self._ws, self._words = ws, words

    def table(self, name: str) -> str:
        """Name a table of results."""
        key = f"compare_table_{name}"
        return f"{self._words(key)} ({name})" if key in self._words else name

    def row(self, source: str) -> str:
        """Name the row, or rows, of a number."""
        cells, signs = cells_of(source)
        names = dict.fromkeys(key for cell in cells for key in cell.keys)
        order = sorted(names, key=lambda key: (*_FIRST, key).index(key))
        told = (
            self._joined([self._value(k, c.keys.get(k, "")) for c in cells], signs) for k in order
        )
        return " · ".join(text for text in told if text) or cells[0].table

    def column(self, source: str) -> str:
        """Name the column, or columns, of a number."""
        cells, signs = cells_of(source)
        return self._joined([self._column(cell.column) for cell in cells], signs)

    def page(self, code: str) -> str:
        """Name a page."""
        key = f"compare_page_{code}"
        if code == DISTRICT or key in self._words:
            named = self._words("district" if code == DISTRICT else key)
            return named[:1].upper() + named[1:]
        name = self._communes.get(code)
        return f"{name} ({code})" if name else code

    def _joined(self, texts: Sequence[str], signs: Sequence[str]) -> str:
        """Write texts once where they are the same, else with the signs between them."""
        if len(set(texts)) == 1:
            return texts[0]
        rest = (f" {_SIGNS.get(s, s)} {t or '–'}" for s, t in zip(signs, texts[1:], strict=True))
        return (texts[0] or "–") + "".join(rest)

    def _column(self, name: str) -> str:
        key = f"compare_column_{name}"
        return self._words(key) if key in self._words else name

    def _value(self, key: str, value: str) -> str:
        if key in ("outcome", "variable"):
            return self._outcomes.get(value.split("__")[0], value)
        if key in ("area", "commune_code"):
            return (
                self._words("district") if value == DISTRICT else self._communes.get(value, value)
            )
        if key == "wave":
            return self._wave(value)
        if key in ("group", "arm"):
            named = f"arm_{value}"
            told = self._words(named) if named in self._words else value
            return "" if value == EVERYBODY else told
        return value

    def _wave(self, name: str) -> str:
        waves = self._ws.study.waves if self._ws else None
        if waves and name == waves.baseline:
            return self._words("wave_baseline")
        if waves and name == waves.endline:
            return self._words("wave_endline")
        return name

    @cached_property
    def _outcomes(self) -> dict[str, str]:
        return self._labels("outcomes", "outcome", f"label_{self._words.lang}")

    @cached_property
    def _communes(self) -> dict[str, str]:
        return self._labels("communes", "code", f"name_{self._words.lang}")

    def _labels(self, table: str, key: str, label: str) -> dict[str, str]:
        if self._ws is None:
            return {}
        frame = self._ws.table(table)
        return dict(zip(frame[key], frame[label].astype(str), strict=True))
