"""Lay the rows of a survey out as typed tables: one of submissions, one of each repeat.

Not here: cleaning. What does not fit a column is missing there and kept, as text, in the misfits;
nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from survey_tools.kobo.form.model import Form, read_forms
from survey_tools.kobo.tables import labels
from survey_tools.kobo.tables.catalogue import Catalogue, build_catalogue, follow_chains
from survey_tools.kobo.tables.changes import unmapped_renames
from survey_tools.kobo.tables.collect import Collector, parts
from survey_tools.kobo.tables.frames import FrameBuilder

SHOWN_IDS = 10


@dataclass(frozen=True)
class Tables:
    """A survey as typed tables.

    Attributes
    ----------
    frames : dict of DataFrame
        ``main``: a row a submission, with ``_id``, ``_uuid``, ``_submission_time`` (UTC),
        ``__version__``, ``_validation_status`` (its uid), ``_submitted_by``. For each repeat a frame of its
        name: a row an instance, with ``_id``, the positions (from 1) in the repeats around it and
        in itself as ``<repeat>_no``.
    labels : DataFrame
        ``variable, code, lang, label, order``: the choices of all select questions.
    questions : DataFrame
        ``variable, path, type, lang, label``.
    report : DataFrame
        ``kind, path, rows, ids``: what has no typed place, and what changed between versions. `rows`
        counts submissions, `ids` names the first ten. Kinds: ``unknown_key`` (no version of the form
        has the question), ``type`` (an answer does not fit its type: missing in the column),
        ``choice`` (a code that is in no version's list, or one ticked twice: kept), ``note`` (a
        note with an answer: no column), ``system`` (a key of the server that is not kept),
        ``unknown_version``; and of the form ``type_changed`` (the versions differ in type: kept as
        text), ``label_changed`` (a choice's label differs between versions), ``renamed`` and
        ``moved`` (seen in the form and not in the renames), ``path_reused`` (another question has taken
        the path: older answers there are another question's), ``rename_unused``, ``name_taken`` (a
        column is called by its path because another has its name).
    misfits : DataFrame
        ``table, _id, positions, variable, path, value, kind``: the original text of every answer
        listed as ``type``, ``choice``, ``note`` or ``unknown_key`` in the report; lists and objects
        as JSON. `positions` are those in the repeats (``2/1``), empty in the main table. **Raw
        answers, which may name people**: for whoever corrects the data, never for a page.
    label_history : DataFrame
        ``variable, code, lang, version, label``: choices whose label is not the same in all versions.
    columns : DataFrame
        ``table, column, variable, code``: what each column holds; `variable` is empty for keys,
        `code` is the choice of a select_multiple or the part of a place.
    languages : tuple of str
        Of the form, short codes.
    lang : str or None
        The language of the categories in `frames`; None for codes.
    """

    frames: dict[str, pd.DataFrame]
    labels: pd.DataFrame
    questions: pd.DataFrame
    report: pd.DataFrame
    misfits: pd.DataFrame
    label_history: pd.DataFrame
    columns: pd.DataFrame
    languages: tuple[str, ...] = ()
    lang: str | None = None
    _coded: dict[str, pd.DataFrame] | None = field(default=None, repr=False)

    def labelled(self, lang: str) -> dict[str, pd.DataFrame]:
        """Return the frames with labels in place of the codes of select_one questions.

        Parameters
        ----------
        lang : str
            Short code of one of `languages`. A form that names no language takes any.

        Returns
        -------
        dict of DataFrame
            Categories in the order of the codes, all distinct: a label that two codes share is
            followed by the code, one that is missing comes from another language, else the code
            stands. Codes that are no choice stay codes.

        Raises
        ------
        KoboError
            If the form has no such language.
        """
        coded = self.frames if self._coded is None else self._coded
        return labels.label_frames(coded, self.labels, self.languages, lang)

    def column_labels(self, lang: str, table: str = "main") -> dict[str, str]:
        """Return the question behind each column of a table.

        Parameters
        ----------
        lang : str
            As in `labelled`.
        table : str
            Name of a frame.

        Returns
        -------
        dict
            Column to label, for all columns in order: ``question – choice`` for a choice of a
            select_multiple, the column's own name where there is no label.

        Raises
        ------
        KoboError
            If the form has no such language.
        """
        own = self.columns[self.columns["table"] == table]
        return labels.column_labels(own, self.questions, self.labels, self.languages, lang)


def flatten(
    rows: Iterable[Mapping[str, Any]],
    forms: Mapping[str, Form | Mapping[str, Any]],
    *,
    renames: Mapping[str, str] | None = None,
    numbers: Sequence[str] = (),
    lang: str | None = None,
) -> Tables:
    """Lay rows out as typed tables.

    Column names are the questions' own where these are unique over all versions and tables, else
    their paths. Types: ``integer`` and a ``range`` of whole steps are Int64, ``decimal`` Float64,
    ``date`` and ``today`` datetime64 without a zone, ``start``, ``end`` and ``dateTime``
    datetime64 in UTC (one without a zone does not fit), ``time`` timedelta64 since midnight on the
    device's clock, ``select_one`` categorical with the codes of all versions,
    ``select_multiple`` a boolean column ``name__choice`` a choice (missing where the question has
    no answer), ``geopoint`` four Float64 columns ``name_lat, _lon, _alt, _acc``; all others are text
    as the server gives it, ``geotrace`` and ``geoshape`` too, and
    ``calculate``: whether a calculation is a number cannot be seen from the form, and
    a type that depends on the answers would change from pull to pull. `numbers` names those that
    are numbers.

    Parameters
    ----------
    rows : iterable of mapping
        As the API gives them.
    forms : mapping
        Versions by uid, oldest first; `Form` or the API's content.
    renames : mapping, optional
        Path in older versions to path now, for questions or groups that were renamed; see
        `suggest_renames`.
    numbers : sequence of str
        Text variables to read as numbers: Int64 if all answers are whole, else Float64.
    lang : str, optional
        Give the frames with labels in this language, as `Tables.labelled` does.

    Returns
    -------
    Tables
        Frames, labels, questions, report and misfits.

    Raises
    ------
    KoboError
        If a renaming leads nowhere, a row answers a question under its old and new path, or the form
        has no such language.
    """
    renames = follow_chains(renames or {})
    versions = read_forms(forms)
    catalogue = build_catalogue(list(versions.values()), renames, numbers)
    collector = Collector(catalogue, renames, frozenset(versions))
    for part in parts(rows):
        collector.add(part)
    built = {path: FrameBuilder(collector, path) for path in catalogue.tables}
    history = labels.label_history(catalogue, list(versions.values()), renames)
    _note_forms(collector, versions, renames, history)
    tables = Tables(
        frames={catalogue.tables[path]: one.frame() for path, one in built.items()},
        labels=labels.choice_labels(catalogue),
        questions=labels.question_labels(catalogue),
        report=_report(collector),
        misfits=_misfits(collector),
        label_history=history,
        columns=_columns(catalogue, built),
        languages=catalogue.languages,
    )
    if lang is None:
        return tables
    return replace(tables, frames=tables.labelled(lang), lang=lang, _coded=tables.frames)


def _note_forms(
    collector: Collector,
    versions: Mapping[str, Form],
    renames: Mapping[str, str],
    history: pd.DataFrame,
) -> None:
    catalogue = collector.catalogue
    for path in catalogue.retyped:
        collector.note("type_changed", path)
    for path in catalogue.renamed_columns:
        collector.note("name_taken", path)
    for variable in catalogue.variables.values():
        if (history["variable"] == variable.name).any():
            collector.note("label_changed", variable.path)
    for kind, path in unmapped_renames(list(versions.values()), renames):
        collector.note(kind, path)
    for old in renames:
        if not any(old in form.questions or old in form.groups for form in versions.values()):
            collector.note("rename_unused", old)


def _report(collector: Collector) -> pd.DataFrame:
    found = []
    for (kind, path), noted in sorted(collector.notes.items()):
        ids = pd.unique(np.concatenate(noted))
        found.append((kind, path, len(ids), ", ".join(str(one) for one in ids[:SHOWN_IDS])))
    frame = pd.DataFrame(found, columns=["kind", "path", "rows", "ids"])
    return frame.astype({"kind": "str", "path": "str", "rows": "int64", "ids": "str"})


def _misfits(collector: Collector) -> pd.DataFrame:
    catalogue = collector.catalogue
    found = [
        (catalogue.tables[table], row_id, at, _name(catalogue, path), path, value, kind)
        for table, row_id, at, path, value, kind in collector.misfits
    ]
    names = ["table", "_id", "positions", "variable", "path", "value", "kind"]
    frame = pd.DataFrame(found, columns=names)
    return frame.astype({**dict.fromkeys(names, "str"), "_id": "int64"})


def _name(catalogue: Catalogue, path: str) -> str:
    variable = catalogue.variables.get(path)
    return variable.name if variable else ""


def _columns(catalogue: Catalogue, built: Mapping[str, FrameBuilder]) -> pd.DataFrame:
    found = [
        (catalogue.tables[path], *meaning) for path, one in built.items() for meaning in one.meaning
    ]
    return pd.DataFrame(found, columns=["table", "column", "variable", "code"]).astype("str")
