"""Work out which answers decide whether a question of a form was to be asked.

Not here: the answers, or evaluating an expression.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from survey_tools.errors import KoboError
from survey_tools.kobo.form.expression import parse
from survey_tools.kobo.form.model import Form
from survey_tools.kobo.form.submission import Submission
from survey_tools.kobo.tables.catalogue import Catalogue, renamed

# What these give depends on more than the answers that they name.
_VOLATILE = frozenset({"position", "once", "today", "now", "random", "indexed-repeat"})
TODAY = "today()"
"""Stands among the paths of needs for the day on which a row was filled in."""


@dataclass
class Item:
    """A question's or group's relevance in one version.

    Attributes
    ----------
    outer : int
        Number of the item around it in its table's plan; -1 for none.
    plain : bool
        Whether the answers named in `needs` settle it.
    known : dict
        Those answers to what they led to, filled as rows come.
    needs : tuple of (int, str)
        Depth in the repeats around it, and path, of the answers that it depends on.
    """

    path: str
    depth: int
    outer: int = -1
    plain: bool = True
    needs: tuple[tuple[int, str], ...] = ()
    known: dict[tuple[Any, ...], int] = field(default_factory=dict)


@dataclass
class TablePlan:
    """The relevances of one table in one version.

    Attributes
    ----------
    items : list of Item
        Outer ones first.
    columns : array of int
        For each variable of the table the number of its item; -1 where it is always asked, -2 where
        the version does not have it.
    """

    items: list[Item]
    columns: np.ndarray


class Plan:
    """One version of a form: what each table's questions depend on.

    Parameters
    ----------
    form : Form
        The version.
    catalogue : Catalogue
        All versions, which gives the tables and the order of their variables.
    renames : mapping
        Path in this version to path now.

    Attributes
    ----------
    tables : dict of TablePlan
        By path of the table.
    """

    def __init__(self, form: Form, catalogue: Catalogue, renames: Mapping[str, str]) -> None:
        self.form = form
        self._reach = Reach(form)
        self.tables = {table: self._table(table, catalogue, renames) for table in catalogue.tables}

    def _table(self, table: str, catalogue: Catalogue, renames: Mapping[str, str]) -> TablePlan:
        paths = {renamed(q.path, renames): q.path for q in self.form.questions.values()}
        items: list[Item] = []
        numbers: dict[str, int] = {}
        columns = []
        for variable in catalogue.of_table(table):
            own = paths.get(variable.path)
            columns.append(-2 if own is None else self._number(own, items, numbers))
        return TablePlan(items, np.array(columns, dtype=np.int64))

    def _number(self, path: str, items: list[Item], numbers: dict[str, int]) -> int:
        """Return the number of the relevance that governs a path; -1 where nothing does."""
        if not path:
            return -1
        if path in numbers:
            return numbers[path]
        one = self.form.questions.get(path) or self.form.groups[path]
        outer = self._number(one.parent, items, numbers)
        if one.relevant:
            item = self._reach.item(path)
            item.outer = outer
            items.append(item)
            outer = len(items) - 1
        numbers[path] = outer
        return outer


class Reach:
    """Follows expressions to the answers that they depend on, however indirectly.

    Parameters
    ----------
    form : Form
    dated : bool
        Whether ``today()`` counts as an answer, `TODAY`, that an expression depends on.
    """

    def __init__(self, form: Form, *, dated: bool = False) -> None:
        self._form = form
        self._namer = Submission(form, {})
        self._volatile = _VOLATILE - {"today"} if dated else _VOLATILE

    def item(self, path: str) -> Item:
        """Describe the relevance of a question or group."""
        around = self._around(path)
        item = Item(path, len(around))
        needs: dict[tuple[int, str], None] = {}
        try:
            item.plain = self._follow(path, around, needs, (path,))
        except KoboError:
            item.plain = False
        item.needs = tuple(needs)
        return item

    def asked(self, path: str, needs: dict[tuple[int, str], None]) -> bool:
        """Gather what decides whether a path is asked, groups around it too; False if more than answers."""
        return all(
            self._follow(step, self._around(step), needs, (step,)) for step in self._chain(path)
        )

    def mentioned(
        self, source: str, path: str, needs: dict[tuple[int, str], None], *, here: bool = False
    ) -> bool:
        """Gather what an expression at a path depends on; False if answers alone do not settle it.

        With `here` the expression may look at the answer of the path itself (``.``).
        """
        around = self._form.enclosing_repeats(path)
        return self._names(source, path, around, needs, (path,), here=here)

    def _around(self, path: str) -> tuple[str, ...]:
        around = self._form.enclosing_repeats(path)
        inside = path in self._form.groups and self._form.groups[path].repeat
        return around[:-1] if inside else around

    def _follow(
        self,
        path: str,
        around: tuple[str, ...],
        needs: dict[tuple[int, str], None],
        trail: tuple[str, ...],
    ) -> bool:
        """Gather what a path's own relevance needs; False if answers alone do not settle it."""
        one = self._form.questions.get(path) or self._form.groups[path]
        return not one.relevant or self._names(one.relevant, path, around, needs, trail)

    def _names(
        self,
        source: str,
        path: str,
        around: tuple[str, ...],
        needs: dict[tuple[int, str], None],
        trail: tuple[str, ...],
        *,
        here: bool = False,
    ) -> bool:
        expression = parse(source, path)
        if (expression.relative and not here) or expression.functions & self._volatile:
            return False
        if "today" in expression.functions:
            needs[0, TODAY] = None
        for name in expression.names:
            other = self._namer.resolve(name, path)
            question = self._form.questions.get(other)
            if question is None or question.repeats != around[: len(question.repeats)]:
                return False
            needs[len(question.repeats), other] = None
            for step in self._chain(other):
                if step in trail or not self._follow(step, around, needs, (*trail, step)):
                    return False
        return True

    def _chain(self, path: str) -> Iterator[str]:
        """Yield a path and the groups around it."""
        while path:
            yield path
            one = self._form.questions.get(path) or self._form.groups[path]
            path = one.parent
