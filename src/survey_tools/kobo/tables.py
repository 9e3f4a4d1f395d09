"""Lay the rows of a survey out as typed tables: one of submissions, one of each repeat.

Not here: cleaning. What does not fit is left missing and listed in the report; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from survey_tools.errors import KoboError
from survey_tools.kobo import columns
from survey_tools.kobo.catalogue import (
    META,
    Catalogue,
    Variable,
    build_catalogue,
    renamed,
)
from survey_tools.kobo.form import Form
from survey_tools.kobo.submission import is_system_key

SHOWN_IDS = 10


@dataclass(frozen=True)
class Tables:
    """A survey as typed tables.

    Attributes
    ----------
    frames : dict of DataFrame
        ``main``: a row a submission, with ``_id``, ``_uuid``, ``_submission_time`` (UTC),
        ``__version__``, ``_validation_status``, ``_submitted_by``. For each repeat a frame of its
        name: a row an instance, with ``_id``, the positions (from 1) in the repeats around it and
        in itself as ``<repeat>_no``.
    labels : DataFrame
        ``variable, code, lang, label, order``: the choices of all select questions.
    questions : DataFrame
        ``variable, path, type, lang, label``.
    report : DataFrame
        ``kind, path, rows, ids``: what has no typed place. Kinds: ``unknown_key`` (no version of
        the form has the question), ``type`` (an answer does not fit its type: missing in the
        column), ``choice`` (a code that is in no version's list: kept), ``type_changed`` (the
        versions differ in type: kept as text), ``unknown_version``, ``rename_unused``, ``system``
        (a key of the server that is not kept). `rows` counts submissions, `ids` names the first
        ten.
    """

    frames: dict[str, pd.DataFrame]
    labels: pd.DataFrame
    questions: pd.DataFrame
    report: pd.DataFrame


def flatten(
    rows: Iterable[Mapping[str, Any]],
    forms: Mapping[str, Form | Mapping[str, Any]],
    *,
    renames: Mapping[str, str] | None = None,
    numbers: Sequence[str] = (),
) -> Tables:
    """Lay rows out as typed tables.

    Column names are the questions' own where these are unique over all versions and tables, else
    their paths. Types: ``integer`` and a ``range`` of whole steps are Int64, ``decimal`` Float64,
    ``date`` and ``today`` datetime64 without a zone, ``start``, ``end`` and ``dateTime``
    datetime64 in UTC, ``select_one`` categorical with the codes of all versions,
    ``select_multiple`` a boolean column ``name__choice`` a choice (missing where the question has
    no answer), ``geopoint`` four Float64 columns ``name_lat, _lon, _alt, _acc``; all others,
    ``calculate`` too, are text: whether a calculation is a number cannot be seen from the form, and
    a type that depends on the answers would change from pull to pull. `numbers` names those that
    are numbers.

    Parameters
    ----------
    rows : iterable of mapping
        As the API gives them.
    forms : mapping
        Versions by uid, oldest first; `Form` or the API's content.
    renames : mapping, optional
        Path in older versions to path now, for questions or groups that were renamed.
    numbers : sequence of str
        Text variables to read as numbers: Int64 if all answers are whole, else Float64.

    Returns
    -------
    Tables
        Frames, labels, questions and report.

    Raises
    ------
    KoboError
        If a renaming leads nowhere, or a row answers a question under its old and new path.
    """
    renames = dict(renames or {})
    versions = {uid: _form(form, uid) for uid, form in forms.items()}
    catalogue = build_catalogue(list(versions.values()), renames, numbers)
    collector = _Collector(catalogue, renames, frozenset(versions))
    for row in rows:
        collector.add(row)
    _note_forms(collector, versions, renames)
    frames = {name: collector.frame(path) for path, name in catalogue.tables.items()}
    return Tables(frames, _labels(catalogue), _questions(catalogue), collector.report())


@dataclass
class _Cells:
    """What one table has collected: keys of its rows, and each question's answers."""

    keys: list[tuple[int, ...]] = field(default_factory=list)
    answers: dict[str, tuple[list[int], list[str]]] = field(default_factory=dict)


class _Collector:
    """Goes through rows once, key by key, and keeps answers by question."""

    def __init__(
        self, catalogue: Catalogue, renames: Mapping[str, str], versions: frozenset[str]
    ) -> None:
        self._catalogue, self._renames, self._versions = catalogue, renames, versions
        self._tables = {path: _Cells() for path in catalogue.tables}
        self._meta: dict[str, list[Any]] = {name: [] for name in META}
        self._odd: dict[tuple[str, str], dict[int, None]] = {}
        self._places: dict[tuple[str, str], tuple[str, str]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Take in a submission."""
        row_id = row["_id"]
        for name in META:
            self._meta[name].append(row.get(name))
        if row.get("__version__") not in self._versions:
            self.note("unknown_version", "__version__", row_id)
        self._add(row, "", (row_id,))

    def note(self, kind: str, path: str, *row_ids: int) -> None:
        """Put something on the report."""
        self._odd.setdefault((kind, path), {}).update(dict.fromkeys(row_ids))

    def frame(self, table: str) -> pd.DataFrame:
        """Build a table's frame."""
        cells = self._tables[table]
        data = self._meta_columns() if not table else self._key_columns(table)
        for variable in self._catalogue.variables.values():
            if variable.table != table or variable.kind == "none":
                continue
            for name, column in self._columns(variable, cells).items():
                if name in data:
                    raise KoboError("Two questions would have the same column.", found=name)
                data[name] = column
        return pd.DataFrame(data)

    def report(self) -> pd.DataFrame:
        """Build the report; to be called after the frames."""
        found = [
            (kind, path, len(ids), ", ".join(str(one) for one in list(ids)[:SHOWN_IDS]))
            for (kind, path), ids in sorted(self._odd.items())
        ]
        frame = pd.DataFrame(found, columns=["kind", "path", "rows", "ids"])
        return frame.astype({"kind": "str", "path": "str", "rows": "int64", "ids": "str"})

    def _add(self, row: Mapping[str, Any], table: str, key: tuple[int, ...]) -> None:
        cells = self._tables[table]
        at = len(cells.keys)
        cells.keys.append(key)
        for name, value in row.items():
            what, path = self._place(table, name)
            if what == "question":
                self._answer(cells, at, path, value, key[0])
            elif what == "repeat":
                self._add_instances(path, value, key)
            elif what:
                self.note(what, path, key[0])

    def _add_instances(self, path: str, value: Any, key: tuple[int, ...]) -> None:
        instances = value if isinstance(value, list) else [value]
        for number, instance in enumerate(instances, start=1):
            if isinstance(instance, Mapping):
                self._add(instance, path, (*key, number))
            else:
                self.note("type", path, key[0])

    def _answer(self, cells: _Cells, at: int, path: str, value: Any, row_id: int) -> None:
        if value is None or value == "":
            return
        if isinstance(value, list | dict):
            self.note("type", path, row_id)
            return
        places, texts = cells.answers.setdefault(path, ([], []))
        if places and places[-1] == at:
            raise KoboError(
                "A row answers a question both under its old and its new path.",
                expected="one of them",
                where=f"question {path}, row _id {row_id}",
                next_step="Take the renaming back, or correct the row on the server.",
            )
        places.append(at)
        texts.append(value if isinstance(value, str) else str(value))

    def _place(self, table: str, name: str) -> tuple[str, str]:
        """Say what a key of a table's rows is, and its path now; looked up once a key."""
        known = self._places.get((table, name))
        if known is None:
            known = self._places[table, name] = self._find_place(table, name)
        return known

    def _find_place(self, table: str, name: str) -> tuple[str, str]:
        path = renamed(name, self._renames)
        variable = self._catalogue.variables.get(path)
        if variable is not None and variable.table == table:
            return ("" if variable.kind == "none" else "question"), path
        around = self._catalogue.repeats.get(path)
        if around is not None and (around[-2] if len(around) > 1 else "") == table:
            return "repeat", path
        if not table and is_system_key(name):
            return ("" if name in META else "system"), name
        return "unknown_key", name

    def _meta_columns(self) -> dict[str, Any]:
        meta = self._meta
        times = [None if t is None else str(t) for t in meta["_submission_time"]]
        states = [s.get("uid") if isinstance(s, Mapping) else s for s in meta["_validation_status"]]
        return {
            "_id": pd.Series(meta["_id"], dtype="int64"),
            "_uuid": pd.Series(meta["_uuid"], dtype="str"),
            "_submission_time": columns.read_utc(times),
            "__version__": pd.Series(meta["__version__"], dtype="str"),
            "_validation_status": pd.Series([s or None for s in states], dtype="str"),
            "_submitted_by": pd.Series(meta["_submitted_by"], dtype="str"),
        }

    def _key_columns(self, table: str) -> dict[str, Any]:
        around = self._catalogue.repeats[table]
        names = ["_id", *(f"{self._catalogue.tables[path]}_no" for path in around)]
        keys = np.array(self._tables[table].keys, dtype="int64").reshape(-1, len(names))
        return {name: pd.Series(keys[:, place]) for place, name in enumerate(names)}

    def _columns(self, variable: Variable, cells: _Cells) -> dict[str, pd.Series]:
        places, texts = cells.answers.get(variable.path, ([], []))
        answers = (np.array(places, dtype=np.int64), texts)
        built, odd = _builder(variable)(answers, len(cells.keys))
        if len(odd):
            kind = "choice" if variable.kind in ("one", "many") else "type"
            self.note(kind, variable.path, *(cells.keys[at][0] for at in odd))
        return {f"{variable.name}{suffix}": column for suffix, column in built.items()}


def _builder(variable: Variable) -> Any:
    if variable.kind == "one":
        return partial(columns.build_one_choice, choices=list(variable.choices))
    if variable.kind == "many":
        return partial(columns.build_many_choices, choices=list(variable.choices))
    return {
        "integer": columns.build_integer,
        "decimal": columns.build_decimal,
        "number": columns.build_number,
        "date": columns.build_date,
        "moment": columns.build_moment,
        "point": columns.build_point,
    }.get(variable.kind, columns.build_text)


def _form(form: Form | Mapping[str, Any], uid: str) -> Form:
    return form if isinstance(form, Form) else Form.from_content(form, uid)


def _note_forms(
    collector: _Collector, versions: Mapping[str, Form], renames: Mapping[str, str]
) -> None:
    for path in collector._catalogue.retyped:
        collector.note("type_changed", path)
    for old in renames:
        if not any(old in form.questions or old in form.groups for form in versions.values()):
            collector.note("rename_unused", old)


def _labels(catalogue: Catalogue) -> pd.DataFrame:
    found = [
        (variable.name, code, lang, labels.get(lang), order)
        for variable in catalogue.variables.values()
        for order, (code, labels) in enumerate(variable.choices.items(), start=1)
        for lang in catalogue.languages
    ]
    frame = pd.DataFrame(found, columns=["variable", "code", "lang", "label", "order"])
    texts = dict.fromkeys(["variable", "code", "lang", "label"], "str")
    return frame.astype({**texts, "order": "int64"})


def _questions(catalogue: Catalogue) -> pd.DataFrame:
    found = [
        (variable.name, variable.path, variable.type, lang, variable.labels.get(lang))
        for variable in catalogue.variables.values()
        if variable.kind != "none"
        for lang in catalogue.languages
    ]
    frame = pd.DataFrame(found, columns=["variable", "path", "type", "lang", "label"])
    return frame.astype("str")
