"""Collect the answers of many rows question by question, and note what has no place.

Not here: types, column names, frames. Rows are taken in by parts, and each distinct text is kept once,
so that memory grows with the answers and not with the rows' own objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import numpy as np

from survey_tools.errors import KoboError
from survey_tools.kobo.form.submission import is_system_key
from survey_tools.kobo.tables.catalogue import META, Catalogue, renamed
from survey_tools.kobo.tables.columns import Answers

PART = 100
"""Rows taken in at once: so few that they are still at hand when the last question is looked at."""

NOTHING = (None, "")
Row = Mapping[str, Any]
Misfit = tuple[str, int, str, str, str, str]
"""Path of the table, ``_id``, positions, path of the question, value, kind."""


def parts(rows: Iterable[Row], size: int = PART) -> Iterator[list[Row]]:
    """Yield rows in lists of at most `size`."""
    walk = iter(rows)
    while part := list(islice(walk, size)):
        yield part


@dataclass(frozen=True)
class Batch:
    """The rows of one table that came in one part.

    Attributes
    ----------
    table : str
        Path of the repeat; empty for the main table.
    records : list of mapping
        As the API gave them.
    keys : array of int64, rows x (1 + repeats)
        ``_id`` and the positions in the repeats.
    parents : array of int64
        For each row the number of the row above it in its own batch.
    """

    table: str
    records: list[Row]
    keys: np.ndarray
    parents: np.ndarray


class _Codes(dict[Any, int]):
    """Numbers texts from 1 as they come; 0 is no answer."""

    def __init__(self) -> None:
        super().__init__({None: 0, "": 0})
        self.texts: list[str] = []

    def __missing__(self, value: Any) -> int:
        if not isinstance(value, str):
            return self[json.dumps(value)]
        self.texts.append(value)
        number = self[value] = len(self.texts)
        return number


@dataclass
class _Column:
    """One question's answers: the numbers of each part, and the row where the part begins."""

    codes: _Codes = field(default_factory=_Codes)
    parts: list[tuple[int, np.ndarray]] = field(default_factory=list)


@dataclass
class _Cells:
    """What one table has collected."""

    n: int = 0
    keys: list[np.ndarray] = field(default_factory=list)
    columns: dict[str, _Column] = field(default_factory=dict)


class Collector:
    """Takes rows in and keeps their answers by table and question.

    Parameters
    ----------
    catalogue : Catalogue
        The merged form.
    renames : mapping
        Path in older versions to path now.
    versions : frozenset of str
        The versions that are known.
    """

    def __init__(
        self, catalogue: Catalogue, renames: Mapping[str, str], versions: frozenset[str]
    ) -> None:
        self.catalogue, self._renames, self._versions = catalogue, renames, versions
        self.meta: dict[str, list[Any]] = {name: [] for name in META}
        self.misfits: list[Misfit] = []
        self.notes: dict[tuple[str, str], list[np.ndarray]] = {}
        self._tables = {path: _Cells() for path in catalogue.tables}
        self._places: dict[tuple[str, str], tuple[str, str]] = {}

    def add(self, rows: Sequence[Row]) -> list[Batch]:
        """Take in rows; return them as they fall to the tables, outer tables first."""
        ids = _ids(rows)
        for name, values in self.meta.items():
            values.extend([row.get(name) for row in rows])
        strange = [row.get("__version__") not in self._versions for row in rows]
        if any(strange):
            self.note("unknown_version", "__version__", ids[strange])
        return list(self._add(Batch("", list(rows), ids[:, None], np.arange(len(rows)))))

    def note(self, kind: str, path: str, ids: Any = ()) -> None:
        """Put something on the report."""
        self.notes.setdefault((kind, path), []).append(np.asarray(ids, dtype=np.int64))

    def keys(self, table: str) -> np.ndarray:
        """Return the keys of a table's rows, in order: rows x (1 + repeats)."""
        width = 1 + len(self.catalogue.repeats.get(table, ()))
        return np.concatenate([np.empty((0, width), dtype=np.int64), *self._tables[table].keys])

    def answers(self, table: str, path: str) -> Answers:
        """Return a question's answers."""
        cells = self._tables[table]
        column = cells.columns.get(path, _Column())
        codes = np.zeros(cells.n, dtype=np.int32)
        for start, part in column.parts:
            codes[start : start + len(part)] = part
        return Answers(codes, column.codes.texts)

    def misfit(self, table: str, key: np.ndarray, path: str, value: Any, kind: str) -> None:
        """Keep a value that has no typed place."""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        positions = "/".join(str(position) for position in key[1:])
        self.misfits.append((table, int(key[0]), positions, path, text, kind))

    def _add(self, batch: Batch) -> Iterator[Batch]:
        yield batch
        cells = self._tables[batch.table]
        start, cells.n = cells.n, cells.n + len(batch.records)
        cells.keys.append(batch.keys)
        for (what, path), values in self._values(batch).items():
            if what == "question":
                self._keep_answers(batch, cells, start, path, values)
            elif what == "repeat":
                yield from self._add(self._instances(batch, path, values))
            elif what:
                self._keep_strange(batch, what, path, values)

    def _values(self, batch: Batch) -> dict[tuple[str, str], list[Any]]:
        """Gather the batch's values by what they are; those of one question under two names too."""
        found: dict[tuple[str, str], list[Any]] = {}
        for name in dict.fromkeys(chain.from_iterable(batch.records)):
            place = self._place(batch.table, name)
            values = [record.get(name) for record in batch.records]
            if place in found:
                values = _both(found[place], values, place[1], batch.keys)
            found[place] = values
        return found

    def _keep_answers(
        self, batch: Batch, cells: _Cells, start: int, path: str, values: list[Any]
    ) -> None:
        column = cells.columns.setdefault(path, _Column())
        try:
            codes = [column.codes[value] for value in values]
        except TypeError:  # a list or an object, which no question has for an answer
            values = [self._plain(batch, row, path, value) for row, value in enumerate(values)]
            codes = [column.codes[value] for value in values]
        column.parts.append((start, np.array(codes, dtype=np.int32)))

    def _plain(self, batch: Batch, row: int, path: str, value: Any) -> Any:
        if not isinstance(value, list | dict):
            return value
        self._strange_value(batch, row, path, value, "type")
        return None

    def _instances(self, batch: Batch, path: str, values: list[Any]) -> Batch:
        records: list[Row] = []
        keys: list[tuple[int, ...]] = []
        parents: list[int] = []
        above = batch.keys.tolist()
        for row, value in enumerate(values):
            if value in NOTHING:
                continue
            for number, instance in enumerate(value if isinstance(value, list) else [value], 1):
                if isinstance(instance, Mapping):
                    records.append(instance)
                    keys.append((*above[row], number))
                    parents.append(row)
                elif instance not in NOTHING:
                    self._strange_value(batch, row, path, instance, "type")
        width = batch.keys.shape[1] + 1
        places = np.array(keys, dtype=np.int64).reshape(-1, width)
        return Batch(path, records, places, np.array(parents, dtype=np.int64))

    def _keep_strange(self, batch: Batch, kind: str, path: str, values: list[Any]) -> None:
        if kind == "system":
            there = [path in record for record in batch.records]
            self.note(kind, path, batch.keys[there, 0])
            return
        if kind == "unknown_key":
            there = [path in record for record in batch.records]
            self.note(kind, path, batch.keys[there, 0])
        for row, value in enumerate(values):
            if value not in NOTHING:
                self._strange_value(batch, row, path, value, kind)

    def _strange_value(self, batch: Batch, row: int, path: str, value: Any, kind: str) -> None:
        self.misfit(batch.table, batch.keys[row], path, value, kind)
        if kind != "unknown_key":
            self.note(kind, path, batch.keys[row, :1])

    def _place(self, table: str, name: str) -> tuple[str, str]:
        """Say what a key of a table's rows is, and its path now; looked up once a key."""
        known = self._places.get((table, name))
        if known is None:
            known = self._places[table, name] = self._find_place(table, name)
        return known

    def _find_place(self, table: str, name: str) -> tuple[str, str]:
        path = renamed(name, self._renames)
        variable = self.catalogue.variables.get(path)
        if variable is not None and variable.table == table:
            return ("note" if variable.kind == "none" else "question"), path
        around = self.catalogue.repeats.get(path)
        if around is not None and (around[-2] if len(around) > 1 else "") == table:
            return "repeat", path
        if not table and is_system_key(name):
            return ("" if name in META else "system"), name
        return "unknown_key", name


def _ids(rows: Sequence[Row]) -> np.ndarray:
    try:
        return np.array([row["_id"] for row in rows], dtype=np.int64)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise KoboError(
            "A row bears no number in _id.",
            expected="rows as the API gives them, each with its _id",
            next_step="Ask for the rows with all their fields.",
        ) from error


def _both(one: list[Any], other: list[Any], path: str, keys: np.ndarray) -> list[Any]:
    merged = []
    for row, (first, second) in enumerate(zip(one, other, strict=True)):
        if first not in NOTHING and second not in NOTHING:
            raise KoboError(
                "A row answers a question both under its old and its new path.",
                expected="one of them",
                where=f"question {path}, row _id {keys[row, 0]}",
                next_step="Take the renaming back, or correct the row on the server.",
            )
        merged.append(second if first in NOTHING else first)
    return merged
