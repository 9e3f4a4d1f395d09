"""Hide what one table of results would tell of cells that another one hides; a part of `disclosure`.

- A question that is asked of those only who gave one answer tells by its number of answers how many did:
  who does not sell online is asked why, so the base of those reasons is the sellers less those who do.
- An index is the mean of its standardised outcomes. Where the others are known, its level tells the one that
  is hidden; two hidden counts are told as well, as few pairs of whole numbers have the one sum.
- An effect of one commune, also partially pooled, and an effect of all communes without one, tell the
  difference of the arms in that commune to within the adjustment for covariates; with the level of everybody
  that is the level of each arm.

What is tied to what is seen in the counts themselves, so it holds for other questionnaires. Reads no file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import pandas as pd

from survey_tools.report.small_cells import HIDDEN, blank

Families = Mapping[str, tuple[str, ...]]
"""Index -> the outcomes that it is made of."""

_CELL = ["area", "wave", "group", "outcome"]
_TIED = 0.5
"""Share of areas and waves with equal counts from which on a base is taken for that part of the answers."""


def families_of(outcomes: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Read from the table of outcomes (`outcome`, `family`, `scale`) what each index is made of."""
    parts = outcomes[outcomes["scale"].ne("index")]
    indices = outcomes[outcomes["scale"].eq("index")]
    return {
        str(index): tuple(parts.loc[parts["family"].eq(family), "outcome"])
        for index, family in zip(indices["outcome"], indices["family"], strict=True)
    }


def tells_a_part(frame: pd.DataFrame, hidden: pd.Series, families: Families) -> pd.Series:
    """Tell which levels are of an index of which an outcome is hidden in the same cell.

    Parameters
    ----------
    frame : DataFrame
        Levels: `area`, `wave`, `group`, `outcome`, `n`.
    hidden : Series of bool
    families : mapping

    Returns
    -------
    Series of bool
    """
    keys = _CELL[:3]
    telling = pd.Series(False, index=frame.index)
    for index, parts in families.items():
        secret = frame.loc[hidden & frame["n"].gt(0) & frame["outcome"].isin(parts), keys]
        places = pd.MultiIndex.from_frame(frame[keys])
        telling |= frame["outcome"].eq(index) & places.isin(pd.MultiIndex.from_frame(secret))
    return telling & frame["n"].gt(0)


def tells_an_answer(choices: pd.DataFrame, levels: pd.DataFrame, shown: pd.DataFrame) -> pd.Series:
    """Tell which rows of choices have a base that gives away a hidden level of their area and wave.

    Parameters
    ----------
    choices : DataFrame
        Contract `choices`.
    levels : DataFrame
        Contract `levels`.
    shown : DataFrame
        What `disclose_levels` makes of them.

    Returns
    -------
    Series of bool
    """
    telling = pd.Series(False, index=choices.index)
    parts, secret = _parts(levels, shown)
    bases = choices.pivot_table("n", ["area", "wave"], "variable", aggfunc="max")
    parts, secret = parts.reindex(bases.index), secret.reindex(bases.index, fill_value=False)
    for variable in bases:
        tied = _is_tied(bases[variable].to_numpy(float), parts.to_numpy(float))
        told = bases[secret.to_numpy(bool)[:, tied].any(axis=1)].index
        places = pd.MultiIndex.from_frame(choices[["area", "wave"]])
        telling |= choices["variable"].eq(str(variable)) & places.isin(told)
    return telling


def hide_told_arms(
    table: pd.DataFrame,
    levels: pd.DataFrame,
    wave: str,
    *,
    area: str,
    groups: Iterable[str],
    but: Collection[str] = (),
) -> pd.DataFrame:
    """Blank the figures of communes of which the level of an arm is hidden.

    Parameters
    ----------
    table : DataFrame
        `outcome` and the column `area`, which says whose effect a row tells.
    levels : DataFrame
        What `disclose_levels` makes of the levels.
    wave : str
        Wave of the effects.
    area : str
        Name of the column.
    groups : iterable of str
        The arms.
    but : collection of str
        Outcomes whose levels tell no count: indices.

    Returns
    -------
    DataFrame
        Same rows; no number is left where it would tell an arm, and `disclosure` says that it is hidden
        where there is such a column.
    """
    arms = levels[levels["wave"].eq(wave) & levels["group"].isin(list(groups))]
    secret = arms.loc[arms["status"].eq(HIDDEN) & ~arms["outcome"].isin(but), ["area", "outcome"]]
    places = pd.MultiIndex.from_frame(table[[area, "outcome"]])
    told = pd.Series(places.isin(pd.MultiIndex.from_frame(secret)), index=table.index)
    result = table.copy()
    if "n" in result:
        result = blank(result, told)
    numbers = result.select_dtypes("float64").columns
    result[numbers] = result[numbers].mask(told)
    if "disclosure" in result:
        result["disclosure"] = result["disclosure"].mask(told, HIDDEN)
    return result


def _parts(levels: pd.DataFrame, shown: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return by area and wave how many gave, or did not give, each answer, and whether that is hidden.

    One column a group, outcome and answer, in both the same.
    """
    counted = levels[levels["numerator"].notna()]
    both = counted[[*_CELL, "n", "numerator"]].merge(shown[[*_CELL, "status"]], on=_CELL)
    both["yes"] = both["numerator"].astype(float)
    both["no"] = both["n"] - both["yes"]
    both["secret"] = both["status"].eq(HIDDEN) & both["n"].gt(0)
    index, columns = ["area", "wave"], ["group", "outcome"]
    wide = [both.pivot(index=index, columns=columns, values=name) for name in ("yes", "no")]
    secret = both.pivot(index=index, columns=columns, values="secret").eq(True)
    return pd.concat(wide, axis=1, keys=["yes", "no"]), pd.concat([secret, secret], axis=1)


def _is_tied(base: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Tell of which parts, shape (places, parts), those were asked whom `base` counts, shape (places,)."""
    base = base[:, None]
    known = ~np.isnan(base) & ~np.isnan(parts) & ((base > 0) | (parts > 0))
    same = np.where(known, base == parts, False).sum(axis=0)
    inside = np.where(known, base <= parts, True).all(axis=0)
    return inside & (same >= _TIED * np.maximum(known.sum(axis=0), 1))
