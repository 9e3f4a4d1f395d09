"""Tell why an answer is missing: not asked, not in the form's version, or left unanswered.

Not here: the expressions themselves. Whether a question was to be asked is worked out once for each
combination of the answers that it depends on, by the same `Submission` that checks single rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from survey_tools.errors import KoboError
from survey_tools.kobo.form.model import Form, read_forms
from survey_tools.kobo.form.submission import Submission
from survey_tools.kobo.tables.catalogue import Catalogue, build_catalogue, follow_chains
from survey_tools.kobo.tables.collect import Batch, Collector, parts
from survey_tools.kobo.tables.relevance import Item, Plan

REASONS = ("answered", "unanswered", "not_asked", "not_in_version", "unknown")
ANSWERED, UNANSWERED, NOT_ASKED, NOT_IN_VERSION, UNKNOWN = range(len(REASONS))
Stack = tuple[Mapping[str, Any], ...]


def missing_reasons(
    rows: Iterable[Mapping[str, Any]],
    forms: Mapping[str, Form | Mapping[str, Any]],
    *,
    renames: Mapping[str, str] | None = None,
) -> dict[str, pd.DataFrame]:
    """Say of every answer whether it is there, and if not, why.

    Parameters
    ----------
    rows, forms, renames
        As in `flatten`.

    Returns
    -------
    dict of DataFrame
        The tables of `flatten` with the same rows in the same order: their keys, and a categorical
        column a question under its name (one column also where `flatten` has several). Categories:
        ``answered`` (an answer that does not fit its type too), ``unanswered`` (asked, no answer),
        ``not_asked`` (by its relevance or that of a group around it), ``not_in_version`` (the row's
        version of the form does not have the question), ``unknown`` (the relevance cannot be
        evaluated, or the row's version is not known).

    Raises
    ------
    KoboError
        As `flatten` does.
    """
    renames = follow_chains(renames or {})
    versions = read_forms(forms)
    catalogue = build_catalogue(list(versions.values()), renames, ())
    collector = Collector(catalogue, renames, frozenset(versions))
    plans = {uid: Plan(form, catalogue, renames) for uid, form in versions.items()}
    states: dict[str, list[np.ndarray]] = {table: [] for table in catalogue.tables}
    for part in parts(rows):
        stacks: dict[str, list[Stack]] = {}
        evaluators = [_evaluator(plans, row) for row in part]
        owners: dict[str, np.ndarray] = {}
        for batch in collector.add(part):
            _trace(batch, catalogue, stacks, owners)
            states[batch.table].append(_states(batch, stacks, owners, evaluators, catalogue))
    return {
        name: _frame(collector, table, states[table]) for table, name in catalogue.tables.items()
    }


class _Evaluator:
    """Says of one row what was to be asked; looks at the whole row only where it must."""

    def __init__(self, plan: Plan, row: Mapping[str, Any]) -> None:
        self.plan, self._row = plan, row
        self._submission: Submission | None = None

    def states(self, table: str, stack: Stack, at: tuple[int, ...]) -> list[int]:
        """Return the state of each item of a table in one instance; the last one is for none."""
        found: list[int] = []
        for item in self.plan.tables[table].items:
            outer = found[item.outer] if item.outer >= 0 else UNANSWERED
            if outer != UNANSWERED:
                found.append(outer)
                continue
            if not item.plain:
                found.append(self._evaluate(item, at))
                continue
            key = tuple([_hashable(stack[depth].get(path)) for depth, path in item.needs])
            state = item.known.get(key)
            if state is None:
                state = item.known[key] = self._evaluate(item, at)
            found.append(state)
        found += (NOT_IN_VERSION, UNANSWERED)
        return found

    def _evaluate(self, item: Item, at: tuple[int, ...]) -> int:
        if self._submission is None:
            self._submission = Submission(self.plan.form, self._row)
        try:
            asked = self._submission.asked(item.path, at[: item.depth])
        except KoboError:
            return UNKNOWN
        return UNANSWERED if asked else NOT_ASKED


def _hashable(value: Any) -> Any:
    return value if value.__class__ is str or value is None else repr(value)


def _evaluator(plans: Mapping[str, Plan], row: Mapping[str, Any]) -> _Evaluator | None:
    plan = plans.get(row.get("__version__") or "")
    return _Evaluator(plan, row) if plan else None


def _trace(
    batch: Batch,
    catalogue: Catalogue,
    stacks: dict[str, list[Stack]],
    owners: dict[str, np.ndarray],
) -> None:
    """Note for each row of a batch the records around it and the submission that it is part of."""
    around = catalogue.repeats.get(batch.table, ())
    if not around:
        stacks[""] = [(record,) for record in batch.records]
        owners[""] = batch.parents
        return
    above = around[-2] if len(around) > 1 else ""
    parents = batch.parents.tolist()
    stacks[batch.table] = [
        (*stacks[above][parent], record)
        for parent, record in zip(parents, batch.records, strict=True)
    ]
    owners[batch.table] = owners[above][batch.parents]


def _states(
    batch: Batch,
    stacks: Mapping[str, Sequence[Stack]],
    owners: Mapping[str, np.ndarray],
    evaluators: Sequence[_Evaluator | None],
    catalogue: Catalogue,
) -> np.ndarray:
    """Return for each row and question of a batch what its answer is if there is none."""
    width = len(catalogue.of_table(batch.table))
    pick: dict[int, Callable[[list[int]], Any]] = {}
    found = np.full((len(batch.records), width), UNKNOWN, dtype=np.int8)
    if not width:
        return found
    ats = batch.keys[:, 1:].tolist()
    for row, owner in enumerate(owners[batch.table].tolist()):
        evaluator = evaluators[owner]
        if evaluator is None:
            continue
        plan = evaluator.plan
        if id(plan) not in pick:
            pick[id(plan)] = itemgetter(*plan.tables[batch.table].columns.tolist())
        states = evaluator.states(batch.table, stacks[batch.table][row], tuple(ats[row]))
        found[row] = pick[id(plan)](states)
    return found


def _frame(collector: Collector, table: str, states: Sequence[np.ndarray]) -> pd.DataFrame:
    catalogue = collector.catalogue
    variables = catalogue.of_table(table)
    keys = collector.keys(table)
    names = catalogue.keys(table) if table else ("_id",)
    data: dict[str, Any] = {name: keys[:, place] for place, name in enumerate(names)}
    all_states = np.concatenate([np.empty((0, len(variables)), dtype=np.int8), *states])
    strange = _strange_answers(collector, table)
    for number, variable in enumerate(variables):
        column = all_states[:, number].copy()
        column[collector.answers(table, variable.path).codes > 0] = ANSWERED
        column[strange.get(variable.path, [])] = ANSWERED
        data[variable.name] = pd.Categorical.from_codes(
            column, categories=pd.Index(REASONS, dtype="str")
        )
    return pd.DataFrame(data)


def _strange_answers(collector: Collector, table: str) -> dict[str, list[int]]:
    """Return the rows whose answer to a question is a list or an object."""
    rows = {tuple(key): row for row, key in enumerate(collector.keys(table).tolist())}
    found: dict[str, list[int]] = {}
    for where, row_id, positions, path, _, kind in collector.misfits:
        if where == table and kind == "type":
            key = (row_id, *(int(position) for position in positions.split("/") if position))
            found.setdefault(path, []).append(rows[key])
    return found
