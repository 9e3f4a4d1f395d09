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
        self._reach = _Reach(form)
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


class _Reach:
    """Follows relevance expressions to the answers that they depend on, however indirectly."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._namer = Submission(form, {})

    def item(self, path: str) -> Item:
        """Describe the relevance of a question or group."""
        around = self._form.enclosing_repeats(path)
        if path in self._form.groups and self._form.groups[path].repeat:
            around = around[:-1]
        item = Item(path, len(around))
        needs: dict[tuple[int, str], None] = {}
        try:
            item.plain = self._follow(path, around, needs, (path,))
        except KoboError:
            item.plain = False
        item.needs = tuple(needs)
        return item

    def _follow(
        self,
        path: str,
        around: tuple[str, ...],
        needs: dict[tuple[int, str], None],
        trail: tuple[str, ...],
    ) -> bool:
        """Gather what a path's own relevance needs; False if answers alone do not settle it."""
        one = self._form.questions.get(path) or self._form.groups[path]
        if not one.relevant:
            return True
        expression = parse(one.relevant, path)
        if expression.relative or expression.functions & _VOLATILE:
            return False
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
