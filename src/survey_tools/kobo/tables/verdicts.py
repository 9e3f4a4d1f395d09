"""Judge one question, or the number of a repeat's instances, in many rows at once.

Not here: what is allowed (`form.validate`), or the rows (`grid`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey_tools.errors import KoboError
from survey_tools.kobo.form.model import Form, Group, Question
from survey_tools.kobo.form.submission import At, Submission
from survey_tools.kobo.form.validate import (
    TESTS,
    UNASKED,
    against_rules,
    check_repeat,
    is_missing,
    misfit,
)
from survey_tools.kobo.tables.grid import Column, Grid, Ints, Table, small_submission
from survey_tools.kobo.tables.relevance import Reach

UNKNOWN = "unknown"
MOST_KNOWN = 100_000
"""Combinations kept: a question whose answers are all different gains nothing by more."""
SPARSE = 20
"""Times as many possible combinations as rows, from which on they are sorted to be numbered."""

VERDICTS = ("", "not asked", UNKNOWN, "missing_required", "type", "choice", "constraint",
            "repeat_count")  # fmt: skip
FINE, NOT_ASKED = 0, 1
_NUMBER = {verdict: number for number, verdict in enumerate(VERDICTS)}
Needs = dict[tuple[int, str], None]
Numbers = NDArray[np.int8]
Look = Callable[[Submission, At], str]
Findings = Iterator[tuple[int, str]]
"""Row of a table, and kind."""


class Judged:
    """A question of a form."""

    def __init__(self, form: Form, question: Question, reach: Reach) -> None:
        self.form, self.question = form, question
        self.table = (question.repeats or ("",))[-1]
        path, required = question.path, question.required
        self._asked = _Rule(form, path, _needs(reach, path, asked=True), self._look_asked)
        self._required = self._rules = None
        if required and question.type not in UNASKED:
            needs = _needs(reach, path, required)
            self._required = _Rule(form, path, needs, self._look_missing)
        if rules := [rule for rule in (question.choice_filter, question.constraint) if rule]:
            needs = _needs(reach, path, *rules, own=(len(question.repeats), path))
            self._rules = _Rule(form, path, needs, self._look_rules)
        self._typed = question.type in TESTS or bool(form.choices_of(question))
        self._fits: dict[Any, int] = {}

    @property
    def rules(self) -> list[_Rule]:
        """What has to be looked up."""
        return [rule for rule in (self._asked, self._required, self._rules) if rule is not None]

    def judge(self, grid: Grid) -> Findings:
        """Yield the findings in the rows of the question's table, in the order of the checks of one."""
        table = grid.tables.get(self.table)
        if table is None or not len(table):
            return
        own = table.column(self.question.path)
        answered = own.codes > 0
        rows = np.flatnonzero(answered | (self._required is not None))
        asked = self._asked.results(grid, table, rows)
        yield from _all(rows[(asked == NOT_ASKED) & answered[rows]], "irrelevant_answered")
        yield from _others(rows, np.where(asked == NOT_ASKED, FINE, asked))
        rows = rows[asked == FINE]
        if self._required is not None:
            empty = rows[~answered[rows]]
            yield from _others(empty, self._required.results(grid, table, empty))
        yield from self._judge_answers(grid, table, own, rows[answered[rows]])

    def _judge_answers(self, grid: Grid, table: Table, own: Column, rows: Ints) -> Findings:
        if self._typed:
            found = self._fit(own, rows)
            yield from _others(rows, found)
            rows = rows[found == FINE]
        if self._rules is not None:
            yield from _others(rows, self._rules.results(grid, table, rows))

    def _fit(self, own: Column, rows: Ints) -> Numbers:
        """Say of answers by themselves whether they fit; each text is looked at once."""
        codes = own.codes[rows]
        found = np.zeros(len(own.texts), dtype=np.int8)
        for code in np.unique(codes).tolist():
            text = own.texts[code]
            number = self._fits.get(text)
            if number is None:
                wrong = misfit(self.form, self.question, str(text))
                number = _keep(self._fits, text, _NUMBER[wrong.kind if wrong else ""])
            found[code] = number
        return found[codes]

    def _look_asked(self, submission: Submission, at: At) -> str:
        return "" if submission.asked(self.question.path, at) else "not asked"

    def _look_missing(self, submission: Submission, at: At) -> str:
        return "missing_required" if is_missing(submission, self.question, at) else ""

    def _look_rules(self, submission: Submission, at: At) -> str:
        value = str(submission.answers[self.question.path, at])
        wrong = against_rules(submission, self.question, at, value)
        return wrong.kind if wrong else ""


class Counted:
    """A repeat whose number of instances the form states."""

    def __init__(self, form: Form, group: Group, reach: Reach) -> None:
        self.group = group
        needs = _needs(reach, group.path, group.repeat_count, asked=True)
        inside = len(form.enclosing_repeats(group.path)) > 1
        if needs is not None and (inside or any(depth for depth, _ in needs)):
            needs = None
        self._rule = _Rule(form, group.path, needs, self._look)

    @property
    def rules(self) -> list[_Rule]:
        """What has to be looked up."""
        return [self._rule]

    def judge(self, grid: Grid) -> Findings:
        """Yield the rows of the main table in which the number is wrong."""
        main = grid.tables[""]
        numbers = np.zeros(len(main), dtype=np.int64)
        if (inner := grid.tables.get(self.group.path)) is not None:
            numbers = np.bincount(inner.row, minlength=len(numbers))
        rows = np.arange(len(numbers))
        yield from _others(rows, self._rule.results(grid, main, rows, instances=numbers))

    def _look(self, submission: Submission, _: At) -> str:
        return "repeat_count" if check_repeat(submission, self.group) else ""


class _Rule:
    """What an expression of the form says, looked up by the answers that it depends on.

    Parameters
    ----------
    form : Form
    path : str
        Of the question or group.
    needs : dict or None
        Depth and path of those answers; None where others decide too, so that every row is looked at.
    look : callable
        Evaluates it in a submission and returns one of `VERDICTS`.
    """

    def __init__(self, form: Form, path: str, needs: Needs | None, look: Look) -> None:
        self._form, self._path, self._look = form, path, look
        self.needs = None if needs is None else list(needs)
        self._known: dict[Any, int] = {}

    def results(
        self, grid: Grid, table: Table, rows: Ints, *, instances: Ints | None = None
    ) -> Numbers:
        """Return what it says for rows of a table, as numbers of `VERDICTS`."""
        if self.needs is None:
            found = [self._try(grid.submission(table, row), table.at[row]) for row in rows.tolist()]
            return np.array(found, dtype=np.int8)
        columns = [grid.column(table, depth, path) for depth, path in self.needs]
        counts = [] if instances is None else [instances[rows]]
        groups, first = _combinations(len(rows), [c.codes[rows] for c in columns] + counts)
        texts = [[c.texts[code] for code in c.codes[rows[first]].tolist()] for c in columns]
        numbers = [count[first].tolist() for count in counts]
        places = (table.at[row] for row in rows[first].tolist())
        found = [
            self._of(key, at)
            for key, at in zip(_tuples(first, texts, numbers), places, strict=True)
        ]
        return np.array(found, dtype=np.int8)[groups]

    def _of(self, key: tuple[Any, ...], at: At) -> int:
        known = self._known.get(key)
        return (
            _keep(self._known, key, self._try(self._small(key, at), at)) if known is None else known
        )

    def _small(self, key: tuple[Any, ...], at: At) -> Submission:
        """Make a submission of the answers, and behind them the number of instances, of a key."""
        needs = self.needs or []
        answers = {
            (path, at[:depth]): text for (depth, path), text in zip(needs, key, strict=False)
        }
        submission = small_submission(self._form, answers, at, self._path)
        if len(key) > len(needs):
            submission.instances[self._path] = [(*at, k + 1) for k in range(key[-1])]
        return submission

    def _try(self, submission: Submission, at: At) -> int:
        try:
            return _NUMBER[self._look(submission, at)]
        except KoboError:
            return _NUMBER[UNKNOWN]


def _needs(
    reach: Reach, path: str, *rules: str, asked: bool = False, own: tuple[int, str] | None = None
) -> Needs | None:
    """Gather the answers that decide about a path; None where others do too.

    «.» is the answer itself, which is put before them with `own`; «..» may be any.
    """
    needs: Needs = {} if own is None else {own: None}
    try:
        plain = not asked or reach.asked(path, needs)
        for rule in rules:
            plain = plain and ".." not in rule
            plain = plain and reach.mentioned(rule, path, needs, here=True)
    except KoboError:
        return None
    return needs if plain else None


def _combinations(n: int, codes: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Give each combination of codes a number, and name a row of each."""
    groups = np.zeros(n, dtype=np.int64)
    first = groups[:1]
    for column in codes:
        # numbers stay below the number of rows, so that no product grows too large
        many = int(column.max(initial=0)) + 1
        together = groups * many + column
        size = (int(groups.max(initial=0)) + 1) * many
        groups, first = _numbered(together, size) if size <= SPARSE * n else _sorted(together)
    return groups, first


def _numbered(values: Ints, size: int) -> tuple[Ints, Ints]:
    """Give values below `size` numbers in rising order, and name a row of each."""
    row_of = np.full(size, -1)
    row_of[values] = np.arange(len(values))
    there = row_of >= 0
    return (np.cumsum(there) - 1)[values], row_of[there]


def _sorted(values: Ints) -> tuple[Ints, Ints]:
    _, first, groups = np.unique(values, return_index=True, return_inverse=True)
    return groups, first


def _tuples(
    first: Ints, texts: list[list[str | None]], numbers: list[list[int]]
) -> Iterator[tuple[Any, ...]]:
    columns: list[Sequence[Any]] = [*texts, *numbers]
    return zip(*columns, strict=True) if columns else iter([()] * len(first))


def _keep(known: dict[Any, int], key: Any, number: int) -> int:
    if len(known) >= MOST_KNOWN:
        known.clear()
    known[key] = number
    return number


def _all(rows: Ints, kind: str) -> Findings:
    return ((row, kind) for row in rows.tolist())


def _others(rows: Ints, found: Numbers) -> Findings:
    """Yield the rows for which something was found, with what it is."""
    wrong = found != FINE
    pairs = zip(rows[wrong].tolist(), found[wrong].tolist(), strict=True)
    return ((row, VERDICTS[number]) for row, number in pairs)
