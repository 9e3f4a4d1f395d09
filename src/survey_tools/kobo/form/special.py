"""Lay out the form builder's own question types as the plain questions that the server deploys.

Not here: reading rows. A rank is a group of ``select_one`` that must differ, a score a group of
``select_one`` with one list, a matrix a group for each of its items with each of its columns.
Reference: KoboToolbox's server (kpi), ``kpi/utils/xlsform_preprocessors``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from survey_tools.kobo.form.model import Group, Labels, Question


def rank_level(question: Question, head: Mapping[str, Any], before: Sequence[Question]) -> Question:
    """Make a level of a rank a required choice among its items, unlike the levels before.

    Parameters
    ----------
    question : Question
        The level as the form has it.
    head : mapping
        The row that begins the rank.
    before : sequence of Question
        The levels above.

    Returns
    -------
    Question
        A ``select_one``.
    """
    unlike = " and ".join(f"${{{question.name}}} != ${{{level.name}}}" for level in before)
    return replace(
        question,
        type="select_one",
        list_name=str(head.get("kobo--rank-items") or ""),
        required="true()",
        constraint=unlike,
    )


def score_row(question: Question, head: Mapping[str, Any], before: Sequence[Question]) -> Question:
    """Make a row of a score a choice from the score's list; required if the score is.

    Parameters
    ----------
    question, head, before
        As in `rank_level`.

    Returns
    -------
    Question
        A ``select_one``.
    """
    required = str(head.get("required") or "").lower() in ("yes", "true", "true()")
    return replace(
        question,
        type="select_one",
        list_name=str(head.get("kobo--score-choices") or ""),
        required="true()" if required else question.required,
    )


def matrix_cells(
    matrix: Group,
    items: Mapping[str, Labels],
    columns: Sequence[Question],
    languages: Sequence[str],
) -> Iterator[tuple[Group, list[Question]]]:
    """Yield the groups of a matrix, one an item, each with its questions.

    Parameters
    ----------
    matrix : Group
        As the form has it. The server drops its relevance, so all cells are asked.
    items : mapping
        Name to labels.
    columns : sequence of Question
        The matrix's own questions.
    languages : sequence of str
        Of the form.

    Yields
    ------
    tuple of Group and list of Question
        Paths such as ``mx_momo/mx_momo_used``, labels such as ``MoMo – Used``; ``${used}`` in an
        expression of a column means the cell beside it.
    """
    for item, item_labels in items.items():
        path = f"{matrix.path}_{item}"
        kuid = f"{matrix.kuid}/{item}" if matrix.kuid else ""
        names = {column.name: f"{_leaf(path)}_{column.name}" for column in columns}
        cells = [
            replace(
                column,
                name=names[column.name],
                path=f"{path}/{names[column.name]}",
                parent=path,
                labels=_cell_labels(item, item_labels, column, languages),
                relevant=_renamed(column.relevant, names),
                constraint=_renamed(column.constraint, names),
                required=_renamed(column.required, names),
                kuid=f"{kuid}/{column.kuid}" if kuid and column.kuid else "",
            )
            for column in columns
        ]
        yield Group(path, matrix.parent, False, item_labels, kuid=kuid), cells


def _cell_labels(
    item: str, item_labels: Labels, column: Question, languages: Sequence[str]
) -> Labels:
    return {
        lang: f"{item_labels.get(lang, item)} – {column.labels.get(lang, column.name)}"
        for lang in languages
        if lang in item_labels or lang in column.labels
    }


def _renamed(expression: str, names: Mapping[str, str]) -> str:
    def new(found: re.Match[str]) -> str:
        return "${" + names.get(found[1], found[1]) + "}"

    return re.sub(r"\$\{\s*([^}]+?)\s*\}", new, expression)


def _leaf(path: str) -> str:
    return path.rpartition("/")[2]
