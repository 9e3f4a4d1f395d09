"""Lay some rows of one form version out question by question, as numbers that stand for the texts.

Not here: types and columns (`collect`, `build`), or judging an answer. A row that is not built as its form
says is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey_tools.kobo.form.model import Form
from survey_tools.kobo.form.submission import At, Submission, is_system_key, moment_of
from survey_tools.kobo.tables.relevance import TODAY

Row = Mapping[str, Any]
Record = dict[str, Any]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_SOME_DAY = datetime(2000, 1, 1)


@dataclass(frozen=True)
class Column:
    """Answers of one question: `codes` by row, and for each code its text; code 0 is no answer."""

    codes: Ints
    texts: Sequence[str | None]


class _Answers(dict[str | None, int]):
    """Answers of one question as they come; texts are numbered from 1, and what is no text is refused."""

    def __init__(self) -> None:
        super().__init__({None: 0, "": 0})
        self.texts: list[str | None] = [None]
        self._portions: list[tuple[int, Ints]] = []

    def __missing__(self, text: Any) -> int:
        if type(text) is not str:
            raise TypeError
        number = self[text] = len(self.texts)
        self.texts.append(text)
        return number

    def add(self, start: int, values: Iterable[Any], length: int) -> None:
        """Take in the values of a portion that begins at row `start`; raise TypeError at what is no text."""
        codes = np.fromiter(map(self.__getitem__, values), dtype=np.int64, count=length)
        self._portions.append((start, codes))

    def column(self, length: int) -> Column:
        codes = np.zeros(length, dtype=np.int64)
        for start, portion in self._portions:
            codes[start : start + len(portion)] = portion
        return Column(codes, self.texts)


class Table:
    """Rows of the main table (path empty) or of a repeat.

    Attributes
    ----------
    path, repeats : str, tuple of str
        The repeat, and all repeats around its rows, outermost first.
    at : list of tuple
        Positions of each row in the repeats.
    """

    def __init__(self, path: str, repeats: tuple[str, ...]) -> None:
        self.path, self.repeats = path, repeats
        self.at: list[At] = []
        self._above: list[Ints] = []
        self._row: list[Ints] = []
        self._answers: dict[str, _Answers] = {}
        self._columns: dict[str, Column] = {}

    def __len__(self) -> int:
        return len(self.at)

    def extend(self, at: list[At], above: Ints, row: Ints) -> None:
        """Take in rows: positions, and their rows in the table around and in the main table."""
        self.at += at
        self._above.append(above)
        self._row.append(row)

    def answers(self, path: str) -> _Answers:
        """Return where the answers of a question are taken in."""
        return self._answers.setdefault(path, _Answers())

    @cached_property
    def above(self) -> Ints:
        """Row of the table around, once all rows are there."""
        return np.concatenate([np.empty(0, dtype=np.int64), *self._above])

    @cached_property
    def row(self) -> Ints:
        """Row of the main table, once all rows are there."""
        return np.concatenate([np.empty(0, dtype=np.int64), *self._row])

    def column(self, path: str) -> Column:
        """Return the answers of a question, once all rows are there."""
        found = self._columns.get(path)
        if found is None:
            found = self._columns[path] = self.answers(path).column(len(self))
        return found


class Grid:
    """Rows of one form version, taken in by portions.

    Parameters
    ----------
    form : Form
    whole : bool
        Whether to keep the rows themselves, for `submission`; else only those that are not regular.
    dated : bool
        Whether to keep the day of each row, for the path `TODAY`.

    Attributes
    ----------
    tables : dict of Table
        By the path of the repeat; the main table's is empty.
    odd : dict of int to mapping
        Rows of the main table with a key that is not the form's, or not in its place, or that has
        something else than text or rows behind it. Not everything of them is in the tables.
    """

    def __init__(self, form: Form, *, whole: bool, dated: bool) -> None:
        self.form, self._whole, self._dated = form, whole, dated
        self.tables = {"": Table("", ())}
        self.odd: dict[int, Row] = {}
        self._rows: list[Row] = []
        self._day_of = _Answers()

    def __len__(self) -> int:
        return len(self.tables[""])

    def add(self, rows: Sequence[Row]) -> None:
        """Take in rows; few at a time, so that they are still at hand when the last key is looked at."""
        start, portion = len(self), _plain(rows)
        row = np.arange(start, start + len(portion))
        regular = np.ones(len(self) + len(portion), dtype=bool)
        self._add(self.tables[""], portion, [()] * len(portion), row, row, regular)
        self.odd |= {place: rows[place - start] for place in np.flatnonzero(~regular).tolist()}
        if self._whole:
            self._rows += rows
        if self._dated:
            days = (moment_of(one).date().isoformat() for one in portion)
            self._day_of.add(start, days, len(portion))

    def column(self, table: Table, depth: int, path: str) -> Column:
        """Return the answers of a question at a depth in the repeats around, for each row of a table.

        The path `TODAY` stands for the day on which a row was filled in.
        """
        if path == TODAY:
            return Column(self._days.codes[table.row], self._days.texts)
        if depth == len(table.repeats):
            return table.column(path)
        if depth == 0:
            column = self.tables[""].column(path)
            return Column(column.codes[table.row], column.texts)
        column = self.column(self.tables[table.repeats[-2]], depth, path)
        return Column(column.codes[table.above], column.texts)

    def submission(self, table: Table, row: int) -> Submission:
        """Lay one row of the main table out whole."""
        return Submission(self.form, self._rows[table.row[row]])

    @cached_property
    def _days(self) -> Column:
        return self._day_of.column(len(self))

    def _add(
        self, table: Table, records: list[Record], at: list[At], above: Ints, row: Ints,
        regular: Bools,
    ) -> None:  # fmt: skip
        """Take in rows of a table and the repeats in them; mark rows of the main table that are odd."""
        start = len(table)
        table.extend(at, above, row)
        for name in dict.fromkeys(chain.from_iterable(records)):
            what = _what(self.form, table.path, name)
            if what == "question":
                _add_answers(table.answers(name), start, records, name, row, regular)
            elif what == "repeat":
                self._add_instances(table, start, records, name, row, regular)
            elif what == "strange":
                regular[row[[name in record for record in records]]] = False

    def _add_instances(
        self, outer: Table, start: int, records: list[Record], name: str, row: Ints, regular: Bools
    ) -> None:
        nothing: list[Any] = []
        lists = [record.get(name, nothing) for record in records]
        fine = [_are_rows(value) for value in lists]
        regular[row[~np.array(fine)]] = False
        lists = [value if good else nothing for value, good in zip(lists, fine, strict=True)]
        inside = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
        at = [
            (*around, number)
            for around, one in zip(outer.at[start:], lists, strict=True)
            for number in range(1, len(one) + 1)
        ]
        table = self.tables.setdefault(name, Table(name, (*outer.repeats, name)))
        people = _plain(chain.from_iterable(lists))
        self._add(table, people, at, inside + start, row[inside], regular)


def small_submission(
    form: Form, answers: Mapping[tuple[str, At], str | None], at: At, path: str
) -> Submission:
    """Make a submission that holds a few answers only, those that an expression at `path` depends on.

    Parameters
    ----------
    answers : mapping
        Path and positions to text; `TODAY` to the day.
    at : tuple of int
        Positions of the one instance in the repeats around `path`.
    """
    day = answers.get((TODAY, ()))
    now = datetime.fromisoformat(day) if day else _SOME_DAY
    submission = Submission(form, {}, now=now)
    submission.answers.update(answers)
    for depth, around in enumerate(form.enclosing_repeats(path)[: len(at)], start=1):
        submission.instances[around] = [at[:depth]]
    return submission


def _add_answers(
    answers: _Answers, start: int, records: list[Record], name: str, row: Ints, regular: Bools
) -> None:
    try:
        answers.add(start, map(dict.get, records, repeat(name)), len(records))
    except TypeError:
        values = [record.get(name) for record in records]
        fine = [value is None or type(value) is str for value in values]
        regular[row[~np.array(fine)]] = False
        texts = (value if good else None for value, good in zip(values, fine, strict=True))
        answers.add(start, texts, len(records))


def _what(form: Form, table: str, name: str) -> str:
    question, group = form.questions.get(name), form.groups.get(name)
    if group is not None and group.repeat:
        outer = form.enclosing_repeats(name)[:-1]
        return "repeat" if (outer or ("",))[-1] == table else "strange"
    if question is not None:
        return "question" if (question.repeats or ("",))[-1] == table else "strange"
    return "system" if not table and is_system_key(name) else "strange"


def _plain(rows: Iterable[Row]) -> list[Record]:
    return [row if type(row) is dict else dict(row) for row in rows]


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) for one in value)
