"""Check many rows for what their form would not have let through, as `validate_submission` does for one.

Not here: the checks themselves. What decides about a question is a handful of answers, so each combination of
them is looked at once, question by question over many rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from survey_tools.errors import KoboError
from survey_tools.kobo.form.model import Form, Group, read_forms
from survey_tools.kobo.form.submission import At, Submission
from survey_tools.kobo.form.validate import check_question, check_repeat
from survey_tools.kobo.tables.catalogue import build_catalogue, follow_chains, renamed
from survey_tools.kobo.tables.collect import parts
from survey_tools.kobo.tables.grid import Grid, Row
from survey_tools.kobo.tables.relevance import Reach
from survey_tools.kobo.tables.verdicts import UNKNOWN, Counted, Judged

PART = 4000
Found = tuple[int, int, At, str, str]
"""Row of the part, place in the form, positions in repeats, kind, path."""


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
    found = [
        (int(part[row]["_id"]), kind, _shown(names.get(renamed(path, renames), path), at))
        for part in parts(rows, PART)
        for row, _, at, kind, path in sorted(_of_part(part, plans))
    ]
    frame = pd.DataFrame(found, columns=["_id", "kind", "variable"])
    return frame.astype({"_id": "int64", "kind": "str", "variable": "str"})


def _of_part(part: Sequence[Row], plans: Mapping[str, _Plan]) -> Iterator[Found]:
    places: dict[str, list[int]] = {}
    for place, row in enumerate(part):
        places.setdefault(row.get("__version__") or "", []).append(place)
    for uid, mine in places.items():
        if uid in plans:
            for place, order, at, kind, path in plans[uid].findings([part[k] for k in mine]):
                yield mine[place], order, at, kind, path


class _Plan:
    """One version of a form: its questions, and the repeats whose number it states."""

    def __init__(self, form: Form) -> None:
        self.form = form
        reach = Reach(form, dated=True)
        self._questions = [Judged(form, question, reach) for question in form.questions.values()]
        groups = [g for g in form.groups.values() if g.repeat and g.repeat_count]
        self._counted = [Counted(form, group, reach) for group in groups]

    def findings(self, rows: Sequence[Row]) -> Iterator[Found]:
        grid = Grid(self.form, rows)
        yield from (found for found in self._all(grid) if grid.regular[found[0]])
        for row in np.flatnonzero(~grid.regular).tolist():
            yield from self._one(row, rows[row])

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
