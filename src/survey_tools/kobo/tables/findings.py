"""Check many rows for what their form would not have let through, as `validate_submission` does for one.

Not here: the checks themselves. What decides about a question is a handful of answers, so each combination of
them is looked at once, question by question over many rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from survey_tools.errors import KoboError
from survey_tools.kobo.form.model import Form, Group, read_forms
from survey_tools.kobo.form.submission import At, Submission
from survey_tools.kobo.form.validate import check_question, check_repeat
from survey_tools.kobo.tables.catalogue import build_catalogue, follow_chains, renamed
from survey_tools.kobo.tables.collect import parts
from survey_tools.kobo.tables.grid import Grid, Row
from survey_tools.kobo.tables.relevance import TODAY, Reach
from survey_tools.kobo.tables.verdicts import UNKNOWN, Counted, Judged

PORTION, PART = 100, 4000
"""Rows that are taken in at once, and that are judged at once."""

Found = tuple[int, int, At, str, str]
"""Place of the row, place in the form, positions in repeats, kind, path."""


def findings_of_rows(
    rows: Iterable[Mapping[str, Any]],
    forms: Mapping[str, Form | Mapping[str, Any]],
    *,
    renames: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """List what the forms of rows do not allow.

    Parameters
    ----------
    rows, forms, renames
        As in `flatten`. A row whose version is not among the forms is passed over.

    Returns
    -------
    DataFrame
        ``_id, kind, variable``, one line a finding, in the order of the rows and the form: the kinds of
        `validate_submission`, and ``unknown`` where an expression of the form cannot be evaluated. The
        variable is the column of `flatten`, with its positions in repeats (``m_age[2]``). No answer is in
        it.

    Raises
    ------
    KoboError
        As `flatten` does.
    """
    renames = follow_chains(renames or {})
    versions = read_forms(forms)
    catalogue = build_catalogue(list(versions.values()), renames, ())
    names = {path: variable.name for path, variable in catalogue.variables.items()}
    plans = {uid: _Plan(form) for uid, form in versions.items()}
    ids, found = _judged(rows, plans)
    lines = [
        (ids[place], kind, _shown(names.get(renamed(path, renames), path), at))
        for place, _, at, kind, path in sorted(found)
    ]
    frame = pd.DataFrame(lines, columns=["_id", "kind", "variable"])
    return frame.astype({"_id": "int64", "kind": "str", "variable": "str"})


def _judged(rows: Iterable[Row], plans: Mapping[str, _Plan]) -> tuple[list[int], list[Found]]:
    """Return the `_id`s of all rows, and all findings."""
    ids: list[int] = []
    found: list[Found] = []
    for portion in parts(rows, PORTION):
        of_version: dict[str, list[int]] = {}
        for number, row in enumerate(portion):
            of_version.setdefault(row.get("__version__") or "", []).append(number)
        for uid, mine in of_version.items():
            if (plan := plans.get(uid)) is not None:
                places = [len(ids) + number for number in mine]
                found += plan.take(places, [portion[number] for number in mine])
        ids += [int(row["_id"]) for row in portion]
    for plan in plans.values():
        found += plan.judge()
    return ids, found


class _Plan:
    """One version of a form: its questions, the repeats whose number it states, and rows to judge."""

    def __init__(self, form: Form) -> None:
        self.form = form
        reach = Reach(form, dated=True)
        self._questions = [Judged(form, question, reach) for question in form.questions.values()]
        groups = [g for g in form.groups.values() if g.repeat and g.repeat_count]
        self._counted = [Counted(form, group, reach) for group in groups]
        rules = [rule for judged in self._questions for rule in judged.rules]
        rules += [rule for counted in self._counted for rule in counted.rules]
        self._whole = any(rule.needs is None for rule in rules)
        self._dated = any((0, TODAY) in (rule.needs or ()) for rule in rules)
        self._begin()

    def take(self, places: list[int], rows: list[Row]) -> list[Found]:
        """Take in rows; return what was found when there are enough to be judged."""
        self._places += places
        self._grid.add(rows)
        return self.judge() if len(self._grid) >= PART else []

    def judge(self) -> list[Found]:
        """Return what is found in the rows taken in, and begin anew."""
        grid, places = self._grid, self._places
        found = [one for one in self._all(grid) if one[0] not in grid.odd]
        for number, row in grid.odd.items():
            found += self._one(number, row)
        self._begin()
        return [(places[number], order, at, kind, path) for number, order, at, kind, path in found]

    def _begin(self) -> None:
        self._grid = Grid(self.form, whole=self._whole, dated=self._dated)
        self._places: list[int] = []

    def _all(self, grid: Grid) -> Iterator[Found]:
        for counted in self._counted:
            for row, kind in counted.judge(grid):
                yield row, -1, (), kind, counted.group.path
        for number, judged in enumerate(self._questions):
            for place, kind in judged.judge(grid):
                table = grid.tables[judged.table]
                row, at = int(table.row[place]), table.at[place]
                yield row, number, at, kind, judged.question.path

    def _one(self, place: int, row: Row) -> Iterator[Found]:
        """Look at a row that is not built as its form says, by itself."""
        submission = Submission(self.form, row)
        for path, at in submission.unknown:
            yield place, -2, at, "unknown_key", path
        for counted in self._counted:
            if kind := _kind_of_repeat(submission, counted.group):
                yield place, -1, (), kind, counted.group.path
        for number, judged in enumerate(self._questions):
            question = judged.question
            for at in submission.places(question.path, question.repeats):
                try:
                    kinds = [one.kind for one in check_question(submission, question, at)]
                except KoboError:
                    kinds = [UNKNOWN]
                for kind in kinds:
                    yield place, number, at, kind, question.path


def _kind_of_repeat(submission: Submission, group: Group) -> str:
    try:
        return "repeat_count" if check_repeat(submission, group) else ""
    except KoboError:
        return UNKNOWN


def _shown(name: str, at: At) -> str:
    return f"{name}[{'/'.join(map(str, at))}]" if at else name
