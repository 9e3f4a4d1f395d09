"""Lay the ticked choices of the descriptive questions out long; counts nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from survey_tools.construct.coding import choices_of

ANSWER_VARIABLES = (
    "why_cash", "wish", "net_barrier", "buy_none", "sell_barrier", "channels", "eld_barrier",
)  # fmt: skip
KEYS = ["hhid", "wave", "commune_code", "team_id"]


def build_answers(
    household: pd.DataFrame, variables: Sequence[str] = ANSWER_VARIABLES
) -> pd.DataFrame:
    """Build the contract `answers`: one row an interview, question and choice offered.

    Parameters
    ----------
    household : DataFrame
        Contract `household`; select-multiples as `<question>__<choice>`.
    variables : sequence of str
        Questions to lay out; one that no submission has gives no rows.

    Returns
    -------
    DataFrame
        `hhid, wave, commune_code, team_id, variable, choice, chosen` (0/1); only where the question was
        answered. It is by far the longest table, and held against its contract once: when it is written.
    """
    asked = {
        (variable, choice): household[column].astype("Float64")
        for variable in variables
        for choice, column in choices_of(household, variable).items()
    }
    rows = [np.flatnonzero(ticks.notna()) for ticks in asked.values()]
    chosen = [ticks.dropna().to_numpy(dtype=np.int64) for ticks in asked.values()]
    none = np.empty(0, dtype=np.int64)
    answers = household[KEYS].astype("str").iloc[np.concatenate([none, *rows])]
    number = np.repeat(np.arange(len(asked)), [len(mine) for mine in rows])
    return answers.reset_index(drop=True).assign(
        variable=_texts([variable for variable, _ in asked], number),
        choice=_texts([choice for _, choice in asked], number),
        chosen=np.concatenate([none, *chosen]),
    )


def _texts(texts: list[str], number: np.ndarray) -> pd.Series:
    return pd.Series(pd.array(texts, dtype="str").take(number))
