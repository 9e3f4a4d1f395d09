"""Bring the flags that cleaning made, where it read the answers, among the checks; finds nothing itself."""

from __future__ import annotations

import pandas as pd

from survey_tools.clean.checks.base import HOUSEHOLD, WHO, Fieldwork, flags


def answer_unreadable(work: Fieldwork) -> pd.DataFrame:
    """Flag answers that do not fit the type of their question, or that had to be read by habit."""
    return _problems(work, "answer_unreadable")


def answer_outside_limits(work: Fieldwork) -> pd.DataFrame:
    """Flag numbers outside the limits of the register."""
    return _problems(work, "answer_outside_limits")


def answer_malformed(work: Fieldwork) -> pd.DataFrame:
    """Flag texts that are not written as the register says."""
    return _problems(work, "answer_malformed")


def choice_unknown(work: Fieldwork) -> pd.DataFrame:
    """Flag answers that are no choice of their question."""
    return _problems(work, "choice_unknown")


def question_unknown(work: Fieldwork) -> pd.DataFrame:
    """Flag answers to a question that no version of the form has: another form's rows came in."""
    return _problems(work, "question_unknown")


def _problems(work: Fieldwork, check: str) -> pd.DataFrame:
    table = work.given("problems")
    rows = table.loc[table["check"] == check].rename(columns={"row_id": "_id"})
    rows = rows.assign(form=rows.get("form", HOUSEHOLD))
    own = work.of_rows(rows.loc[rows["form"] == HOUSEHOLD, ["_id"]]).reindex(rows.index)
    rows = rows.assign(**{name: rows[name].fillna(own[name]) for name in WHO})
    return flags(check, rows, rows["message"], variable=rows["variable"], form=rows["form"])
