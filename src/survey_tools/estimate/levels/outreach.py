"""Estimate what outreach households received, as levels by area, wave and group; no outcome of the plan.

What a household received follows from what it is like and where it lives, so nothing here tells an effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from survey_tools.contracts import empty_table
from survey_tools.estimate.design import Design, numeric
from survey_tools.estimate.levels.means import GROUPS, levels

_SCALES = {"binary": "binary", "count": "amount"}
"""A mean of counts is estimated as an amount is: never below 0, without an upper end."""


def outreach(
    panel: pd.DataFrame,
    design: Design,
    scales: Mapping[str, str],
    groups: Sequence[str] = GROUPS,
) -> pd.DataFrame:
    """Estimate the mean of each measure of outreach in every area, wave and group.

    Parameters
    ----------
    panel : DataFrame
        As for `levels`, with a column for each measure.
    design : Design
    scales : mapping
        Scale of each measure: `binary`, or `count` for a number of times.
    groups : sequence of str
        As for `levels`.

    Returns
    -------
    DataFrame
        Contract `outreach`, which is that of `levels`. `numerator` of a count is how many households say
        any: where these are few, their mean would tell of them.
    """
    if not scales:
        return empty_table("outreach")
    outcomes = pd.DataFrame(
        {"outcome": list(scales), "scale": [_SCALES[scale] for scale in scales.values()]}
    )
    found = levels(panel, design, outcomes, groups)
    counts = [name for name, scale in scales.items() if scale == "count"]
    if not counts:
        return found
    some = panel.assign(**{name: _any(panel, name) for name in counts})
    told = levels(
        some, design, outcomes[outcomes["outcome"].isin(counts)].assign(scale="binary"), groups
    )
    keys = ["area", "wave", "group", "outcome"]
    known = found[keys].merge(told[[*keys, "numerator"]], on=keys, how="left", validate="1:1")
    return found.assign(numerator=found["numerator"].fillna(known["numerator"]))


def _any(panel: pd.DataFrame, name: str) -> pd.Series:
    values = pd.Series(numeric(panel, name), index=panel.index)
    return values.gt(0).astype(float).where(values.notna())
