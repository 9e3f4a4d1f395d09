"""Make intervals of figures that are told coarsely, so that their ends tell no base.

A part of `disclosure`. An interval gets narrower with every answer, so its ends tell how many there are to
whoever knows how it was made. That of a share is therefore made anew of what is told: the estimate as it is
told, and the least base that it may have. Only the design effect is the cell's own.

Not here: what is told coarsely, and how coarsely (survey_tools.report.disclosure_bases).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.report.small_cells import STEPS


def _down(values: pd.Series) -> pd.Series:
    return pd.Series(np.floor(values + 1e-9), index=values.index)


def _up(values: pd.Series) -> pd.Series:
    return pd.Series(np.ceil(values - 1e-9), index=values.index)


AWAY = {"conf_low": _down, "conf_high": _up}
"""Ends of an interval, rounded outwards."""


def with_ends(
    told: pd.DataFrame,
    true: pd.DataFrame,
    least: pd.Series,
    coarse: pd.Series,
    binary: pd.Series,
    steps: pd.Series,
) -> pd.DataFrame:
    """Give estimates that are told coarsely the ends of intervals that go with them, rounded outwards.

    Parameters
    ----------
    told, true : DataFrame
        The same rows as they are told and as they were counted: `estimate`, `conf_low` and `conf_high`, of
        `true` also `n`. Without ends there is nothing to do.
    least : Series
        Least base that goes with what is told of it.
    coarse, binary : Series of bool
        Which rows are told coarsely; of which the interval is made anew.
    steps : Series
        What the estimates were rounded to. At 0 and 1 an end tells the base, and is rounded more.
    """
    if "conf_low" not in told:
        return told
    ends = steps.mask(told["estimate"].isin([0.0, 1.0]), steps.clip(lower=STEPS["binary"]))
    made = _score_ends(true, told["estimate"], least)
    result = told.copy()
    for name, away in AWAY.items():
        end = made[name].where(binary & made[name].notna(), true[name])
        result[name] = told[name].mask(coarse, away(end / ends) * ends)
    return result


def _score_ends(true: pd.DataFrame, told: pd.Series, least: pd.Series) -> dict[str, pd.Series]:
    """Make Wilson's interval of a share as it is told, with `least` answers and the design effect it has.

    Ends x of the interval of p solve (p - x)^2 = k x (1 - x), with k = z^2 deff / n. So an end tells k.
    """
    end = true["conf_low"].where(true["conf_low"].gt(1e-9), true["conf_high"])
    inside = end.between(1e-9, 1 - 1e-9)
    k = ((true["estimate"] - end) ** 2 / (end * (1 - end))).where(inside) * true["n"] / least
    middle = (told + k / 2) / (1 + k)
    half = np.sqrt(k * (told * (1 - told)).clip(lower=0) + k**2 / 4) / (1 + k)
    return {"conf_low": middle - half, "conf_high": middle + half}
