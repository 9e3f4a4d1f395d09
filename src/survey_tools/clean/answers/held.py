"""Hold answers against the register: what it does not allow is flagged, and counts as missing.

Not here: types (`columns`), which submissions stay (`sieve`), or putting an answer right (`corrections`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.clean.answers.columns import flag_rows, join_flags
from survey_tools.clean.corrections.read import Correction
from survey_tools.register import SPLIT_OFF, Question, Register
from survey_tools.register.question import MAIN

CHOICE, LIMITS, SPELLING = "choice_unknown", "answer_outside_limits", "answer_malformed"
MESSAGES = {
    CHOICE: "The answer is a choice that the register does not know; it counts as missing.",
    LIMITS: "The number is outside the limits of the register; it counts as missing, unless a correction "
    "confirms it.",
    SPELLING: "The answer is not written as the register says; it counts as missing, unless a correction "
    "confirms it.",
}
"""Check -> what it means for the answer."""


@dataclass(frozen=True)
class Held:
    """Answers that the register allows or a correction confirmed, and a flag for each of the others.

    Attributes
    ----------
    frame : DataFrame
        The others are missing in it.
    problems : DataFrame
        Contract `flags`.
    confirmed : dict of str to Series of bool
        By column, where an answer stands that only a correction allows.
    """

    frame: pd.DataFrame
    problems: pd.DataFrame
    confirmed: dict[str, pd.Series]


def hold_answers(
    frame: pd.DataFrame,
    register: Register,
    *,
    keys: tuple[str, ...] = (),
    judged: Collection[str] = (),
    corrections: tuple[Correction, ...] = (),
) -> Held:
    """Flag the answers that the register does not allow, and take them out.

    A code that is no code of its question, a number outside its limits and a text of another pattern are
    missing from then on; of a question with several choices only the unknown choice leaves. An answer that
    an `okay` line of the corrections confirms stays and is not flagged, but for unknown choices.
    Free text, direct identifiers and positions are flagged and stay: they leave the tables anyway.

    Parameters
    ----------
    frame : DataFrame
        Typed and corrected rows with `_id`; not changed.
    register : Register
    keys : tuple of str
        In the table of a repeat, the columns that tell the rows of a submission apart: `roster_no`.
    judged : collection of str
        Columns that are left alone, because a later step drops the row for them, with its reason.
    corrections : tuple of Correction
    """
    okay = _confirmed(frame, corrections, keys)
    columns, flags, confirmed = {}, [], {}
    for column in frame.columns:
        columns[column] = values = frame[column]
        question = None if column in judged else register.of_column(column)
        check, wrong = _wrong(values, question, column) if question else ("", None)
        if question is None or wrong is None or not wrong.any():
            continue
        if column in okay and check != CHOICE:
            confirmed[column], wrong = wrong & okay[column], wrong & ~okay[column]
        flag = flag_rows(frame, question.name, wrong, MESSAGES[check], check=check, keys=keys)
        flags.append(flag)
        if question.personal_data not in SPLIT_OFF:
            columns[column] = values.mask(wrong)
    kept = [c for c in columns if c in judged or not _is_foreign_tick(register.of_column(c), c)]
    return Held(pd.DataFrame(columns, index=frame.index)[kept], join_flags(flags), confirmed)


def validate_held(
    held: Held,
    frame: pd.DataFrame,
    name: str,
    register: Register,
    table: str = MAIN,
    *,
    extra: Collection[str] = (),
) -> pd.DataFrame:
    """Hold a table that was made of `held` against the contract of its register, and return it.

    Parameters
    ----------
    held : Held
    frame : DataFrame
        Rows of `held.frame` under their index; answers that a correction confirmed may stand in it.
    name, register, table, extra
        See `survey_tools.contracts.validate_answers`.

    Raises
    ------
    ContractError
        Where a column has another type than the register says, or an answer is none that it allows.
    """
    lifted = {c: frame[c].mask(where.reindex(frame.index, fill_value=False))
              for c, where in held.confirmed.items() if c in frame}  # fmt: skip
    contracts.validate_answers(
        frame.assign(**lifted), name, register, table, given=None, extra=extra, complete=False
    )
    return frame


def _wrong(values: pd.Series, question: Question, column: str) -> tuple[str, pd.Series | None]:
    """Say by which check which answers of a column are none that the register allows."""
    if _is_foreign_tick(question, column):
        return CHOICE, values.fillna(False).astype(bool)
    if column != question.name:
        return "", None
    if pd.api.types.is_string_dtype(values.dtype):
        if question.codes:
            return CHOICE, values.notna() & ~values.isin(question.codes)
        if question.pattern:
            return SPELLING, values.notna() & ~_matches(values, question.pattern)
    elif question.limits and pd.api.types.is_numeric_dtype(values.dtype):
        low, high = question.limits
        inside = values.between(-np.inf if low is None else low, np.inf if high is None else high)
        return LIMITS, values.notna() & ~inside.fillna(True).astype(bool)
    return "", None


def _matches(values: pd.Series, pattern: str) -> pd.Series:
    """Match each distinct text once."""
    codes, seen = pd.factorize(values, use_na_sentinel=True)
    fits = pd.Series(seen, dtype="str").str.fullmatch(pattern).to_numpy(dtype=bool)
    return pd.Series(np.append(fits, False)[codes], index=values.index)


def _is_foreign_tick(question: Question | None, column: str) -> bool:
    """Tell whether a column holds a choice that its question does not have."""
    if question is None or question.base_type != "select_multiple":
        return False
    return bool(question.codes) and column not in question.columns


def _confirmed(
    frame: pd.DataFrame, corrections: tuple[Correction, ...], keys: tuple[str, ...]
) -> dict[str, pd.Series]:
    """Return by column where an `okay` line confirms what stands there."""
    said: dict[str, list[Any]] = {}
    for item in corrections:
        if item.action == "okay" and (item.member is not None) == bool(keys):
            row = (item.row_id, item.member) if keys else item.row_id
            said.setdefault(item.column, []).append(row)
    if not said:
        return {}
    rows: Any = pd.MultiIndex.from_frame(frame[["_id", *keys]]) if keys else pd.Index(frame["_id"])
    return {c: pd.Series(rows.isin(okay), index=frame.index) for c, okay in said.items()}
