"""Take levels from one another: changes since the baseline, and gaps between a group and everybody.

Reads levels only, never a household, so what comes out tells nothing that the levels do not tell already.

A change over the households that answered in both waves would be more precise, and is left out on purpose:
with the two levels beside it, it tells of the few households that answered in one wave only.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.contracts import carry_list
from survey_tools.estimate.design import Floats, require_columns

EVERYBODY = "all"
OVERLAPPING = ("age60", "poor", "sellers", "women")
"""Groups that are set against everybody."""

_CELL = ["area", "wave", "group", "outcome"]
_LEVEL = ["estimate", "conf_low", "conf_high", "n"]
_INDEX = "index"


def changes(levels: pd.DataFrame, baseline: str, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Take the level at the baseline from that of each later wave, by area, group and outcome.

    Parameters
    ----------
    levels : DataFrame
        Contract `levels`.
    baseline : str
        Wave that the others are held against.
    outcomes : DataFrame
        `outcome` and `scale`. An index has no change: it is scaled anew in every wave.

    Returns
    -------
    DataFrame
        Contract `changes`: the rows of `levels` after the baseline; `estimate` with its interval in the
        unit of the level, `n` answers in the wave, `n_baseline` at the baseline. Without estimate where
        either wave has no answer.

    Notes
    -----
    The interval is that of `mover`. Households answer in several waves and stay as they are more often
    than not, so levels of two waves mostly go up and down together; `mover` takes them for independent,
    and its interval is then wider than it need be.
    """
    require_columns(levels, [*_CELL, *_LEVEL])
    scales = dict(zip(outcomes["outcome"], outcomes["scale"], strict=True))
    known = levels[levels["outcome"].map(scales).ne(_INDEX)]
    first = known[known["wave"].eq(baseline)]
    later = known[~known["wave"].eq(baseline)]
    both = _beside(later, first, ["area", "group", "outcome"])
    result = _difference(both).assign(n_baseline=both["n_other"].fillna(0).astype("int64"))
    return carry_list(levels, result)


def gaps(levels: pd.DataFrame) -> pd.DataFrame:
    """Take the level of everybody from that of each group of `OVERLAPPING`, by area, wave and outcome.

    Parameters
    ----------
    levels : DataFrame
        Contract `levels`.

    Returns
    -------
    DataFrame
        Contract `gaps`: `estimate` with its interval in the unit of the level, `n` answers of the group.

    Notes
    -----
    Everybody includes the group. With a share f of the answers in it, the gap is (1 - f) times the
    difference between the group and the others, who have no answer in common, so the interval is that of
    `mover` for these two. The others' level follows from the two levels; its interval is that of
    everybody, wider by the root of how many fewer answer. Households of one team still go up and down
    together, for which the interval is somewhat wider than it need be.
    """
    require_columns(levels, [*_CELL, *_LEVEL])
    groups = levels[levels["group"].isin(OVERLAPPING)]
    everybody = levels[levels["group"].eq(EVERYBODY)]
    both = _beside(groups, everybody, ["area", "wave", "outcome"])
    return carry_list(levels, _gap(both))


def mover(
    value: Floats, interval: tuple[Floats, Floats], other: Floats, of_other: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Return the interval of `value` - `other` from the interval of each, taken to be independent.

    Method of variance estimates recovery (Zou and Donner 2008, Statistics in Medicine 27:1693). With
    Wilson's intervals of two shares it is method 10 of Newcombe (1998, Statistics in Medicine 17:873). Where
    the two go up and down together the interval holds the truth more often than it says.

    Parameters
    ----------
    value, other : array, shape (n,)
    interval, of_other : pair of arrays, shape (n,)
        Lower and upper ends of the interval of each.

    Returns
    -------
    (array, array)
        Lower and upper ends; missing where any of the six is.
    """
    low, high = interval
    other_low, other_high = of_other
    below = np.hypot(value - low, other_high - other)
    above = np.hypot(high - value, other - other_low)
    return value - other - below, value - other + above


def _beside(rows: pd.DataFrame, others: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    wanted = others[[*on, *_LEVEL]]
    return rows[[*_CELL, *_LEVEL]].merge(
        wanted, on=on, how="left", validate="m:1", suffixes=("", "_other")
    )


def _gap(both: pd.DataFrame) -> pd.DataFrame:
    """Set a group against those outside it, and shrink that to the gap to everybody."""
    of_all = ("estimate_other", "conf_low_other", "conf_high_other")
    group, low, high = (both[name].to_numpy(dtype=float) for name in _LEVEL[:3])
    everybody, all_low, all_high = (both[name].to_numpy(dtype=float) for name in of_all)
    n, n_all = both["n"].to_numpy(dtype=float), both["n_other"].to_numpy(dtype=float)
    outside = np.where(n_all > n, n_all - n, np.nan)
    rest = (n_all * everybody - n * group) / outside
    wider = np.sqrt(n_all / outside)
    rest_ends = (rest - wider * (everybody - all_low), rest + wider * (all_high - everybody))
    ends = mover(group, (low, high), rest, rest_ends)
    share = outside / n_all
    found = both[_CELL].assign(
        estimate=share * (group - rest), conf_low=share * ends[0], conf_high=share * ends[1]
    )
    return found.assign(n=both["n"].astype("int64"))


def _difference(both: pd.DataFrame) -> pd.DataFrame:
    columns = ("estimate", "conf_low", "conf_high")
    value, low, high = (both[name].to_numpy(dtype=float) for name in columns)
    other, other_low, other_high = (both[f"{name}_other"].to_numpy(dtype=float) for name in columns)
    ends = mover(value, (low, high), other, (other_low, other_high))
    found = both[_CELL].assign(estimate=value - other, conf_low=ends[0], conf_high=ends[1])
    return found.assign(n=both["n"].astype("int64"))
