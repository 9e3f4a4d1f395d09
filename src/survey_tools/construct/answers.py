"""Lay the ticked choices of the descriptive questions out long; counts nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from survey_tools import contracts
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
        answered.
    """
    parts = [_long(household, variable) for variable in variables]
    columns = [*KEYS, "variable", "choice", "chosen"]
    text = dict.fromkeys(columns[:-1], "str")
    answers = pd.concat([pd.DataFrame(columns=columns), *parts]) if not parts else pd.concat(parts)
    answers = answers[columns].astype({**text, "chosen": "int64"}).reset_index(drop=True)
    return contracts.validate(answers, "answers")


def _long(household: pd.DataFrame, variable: str) -> pd.DataFrame:
    choices = choices_of(household, variable)
    ticks = household[list(choices.values())].astype("Float64")
    ticks.columns = pd.Index(list(choices))
    wide = pd.concat([household[KEYS], ticks], axis=1)
    long = wide.melt(id_vars=KEYS, var_name="choice", value_name="chosen")
    return long.dropna(subset="chosen").assign(variable=variable)
