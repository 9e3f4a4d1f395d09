"""Count how many households chose each answer of a question with several; hides nothing."""

from __future__ import annotations

import pandas as pd

from survey_tools.contracts import carry_list
from survey_tools.estimate.design import Design, require_columns
from survey_tools.estimate.levels.means import DISTRICT, cell_sums, estimate_cells, team_sums

_KEYS = ["area", "wave", "variable", "choice"]
_BETWEEN = " "
"""Stands between a question and a choice, neither of which has a blank in its code."""


def choices(
    answers: pd.DataFrame, design: Design | None = None, *, stratum: str = "commune_code"
) -> pd.DataFrame:
    """Count how many households chose each answer, in every area and wave.

    Parameters
    ----------
    answers : DataFrame
        Contract `answers`: one row a household, wave, variable and choice, `chosen` 0 or 1.
    design : Design, optional
        With it each share has the interval that `levels` gives a binary outcome.
    stratum : str
        Column of the areas.

    Returns
    -------
    DataFrame
        Contract `choices`: `numerator` chose it, of `n` who answered; with a design, `conf_low` and
        `conf_high` of their share.
    """
    require_columns(answers, [stratum, "wave", "variable", "choice", "chosen"])
    whole = answers.assign(area=DISTRICT)
    parts = answers.assign(area=answers[stratum].astype(str))
    counted = (
        pd.concat([whole, parts])
        .groupby(_KEYS, observed=True, sort=True)["chosen"]
        .agg(numerator="sum", n="count")
        .astype("int64")
        .reset_index()
        .astype(dict.fromkeys(_KEYS, "str"))
    )
    if design is not None:
        ends = _intervals(answers, design)
        counted = counted.merge(ends, on=_KEYS, how="left", validate="1:1")
    return carry_list(answers, counted)


def _intervals(answers: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Take each choice for a binary outcome of those who were asked."""
    names = answers["variable"].astype(str) + _BETWEEN + answers["choice"].astype(str)
    rows = ["hhid", "wave", design.cluster, design.stratum]
    wide = answers.assign(name=names).pivot(index=rows, columns="name", values="chosen")
    scales = dict.fromkeys(map(str, wide.columns), "binary")
    wide = wide.astype(float).reset_index()
    teams = team_sums(wide, design, scales, ("all",), area=design.stratum)
    areas = [DISTRICT, *sorted(wide[design.stratum].astype(str).unique())]
    both = pd.concat([teams.assign(area=DISTRICT), teams])
    cells = cell_sums(both, areas, wide, ("all",), list(scales))
    found = estimate_cells(cells, wide, design, scales)
    asked = found["outcome"].str.split(_BETWEEN, n=1, expand=True)
    return found[["area", "wave", "conf_low", "conf_high"]].assign(
        variable=asked[0].astype("str"), choice=asked[1].astype("str")
    )
