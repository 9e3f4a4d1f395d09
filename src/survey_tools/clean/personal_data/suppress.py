"""Coarsen what may be known of a household, and suppress it where too few share it.

Pure functions on frames; measures nothing (`anonymity`) and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from survey_tools.errors import DisclosureError
from survey_tools.params import Recoding

EVERYWHERE = ""
"""Stands for the place of those whose place is not told."""


@dataclass(frozen=True)
class Suppressed:
    """A frame in which enough rows share every combination, and the cells hidden for that by column."""

    frame: pd.DataFrame
    cells: dict[str, int]


def recode(values: pd.Series, rule: Recoding | None) -> pd.Series:
    """Coarsen a variable to text by a rule of the study file.

    Without a rule numbers lose what is behind the point and codes stay. Missing stays missing.

    Parameters
    ----------
    values : Series
        Numbers or codes.
    rule : Recoding, optional

    Returns
    -------
    Series of str
        Index as `values`. Bands are `18-29`, the last `60+`; `top: 6` gives `6+`.

    Examples
    --------
    >>> recode(pd.Series([17, 18, 44.0, 71, None]), Recoding(**{"from": (18, 30, 60)})).tolist()
    [nan, '18-29', '30-59', '60+', nan]
    """
    if rule is None:
        return _plain(values)
    if rule.join is not None:
        new = {old: name for name, codes in rule.join.items() for old in codes}
        return values.astype("str").map(new).astype("str")
    numbers = values.astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
    if rule.top is not None:
        shown = _plain(pd.Series(np.minimum(numbers, rule.top), index=values.index))
        return shown.mask(numbers >= rule.top, f"{rule.top}+")
    return _banded(numbers, rule.from_ or (), values.index)


def labels_of(rule: Recoding) -> list[str] | None:
    """Return what a rule can give, in order; None where any number below the top can."""
    if rule.join is not None:
        return list(rule.join)
    return _bands(rule.from_) if rule.from_ is not None else None


def told_places(
    units: pd.DataFrame, place: str, arm: str, k: int, *, what: str = "teams"
) -> pd.Series:
    """Hide the place of units where fewer than `k` share place and arm.

    Places with too few in an arm are put together under no name; if those still are too few, the
    smallest of the others join them, one after the other.

    Parameters
    ----------
    units : DataFrame
        One row a unit, with the columns `place` and `arm`.
    place, arm : str
    k : int
    what : str
        What a unit is, for the error.

    Returns
    -------
    Series of str
        The place of each unit, or `EVERYWHERE`; index as `units`.

    Raises
    ------
    DisclosureError
        When an arm has fewer than `k` units in all.
    """
    counts = units.groupby([place, arm]).size().unstack(fill_value=0)
    if len(counts.columns) and counts.sum().min() < k:
        raise DisclosureError(
            f"An arm has too few {what} to be released.",
            expected=f"{k} in each arm",
            found=f"{int(counts.sum().min())} in the smaller one",
            where="release.k of the study file",
            next_step="release no random number of the team (teams: false), or nothing",
        )
    hidden = list(counts.index[(counts < k).any(axis="columns")])
    others = [p for p in counts.sum(axis="columns").sort_values().index if p not in hidden]
    while hidden and counts.loc[hidden].sum().min() < k:
        hidden.append(others.pop(0))
    names = units[place].astype("str")
    return names.mask(names.isin(list(map(str, hidden))), EVERYWHERE)


def suppress(frame: pd.DataFrame, known: Sequence[str], quasi: Sequence[str], k: int) -> Suppressed:
    """Hide cells of `quasi` until at least `k` rows share each combination of `known` and `quasi`.

    Local suppression along the order of `quasi`: within rows alike so far, values of the next variable that
    fewer than `k` have are hidden; where those hidden are fewer than `k` themselves, the least frequent
    of the others are hidden with them. The first variable so keeps most, and the last one least. A hidden
    cell is missing, and missing is alike to missing only (see `k_anonymity`).

    Parameters
    ----------
    frame : DataFrame
        One row a household; not changed.
    known : sequence of str
        Columns that stay as they are; each of their combinations must have `k` rows.
    quasi : sequence of str
        Columns of codes, the most wanted first.
    k : int

    Raises
    ------
    DisclosureError
        When a combination of `known` has fewer than `k` rows.
    """
    result = frame.reset_index(drop=True)
    found = result.groupby(list(known), dropna=False).indices.values()
    groups = [np.asarray(rows, dtype="int64") for rows in found]
    if small := sum(len(rows) < k for rows in groups):
        raise DisclosureError(
            "Too few households share place and arm.",
            expected=f"{k} in each",
            found=f"{small} place(s) and arm(s) with fewer",
            where="release of the study file",
            next_step="tell the place by a list of larger units (area_list)",
        )
    cells: dict[str, int] = {}
    for name in quasi:
        values = result[name].astype("object").to_numpy(copy=True)
        before = pd.isna(values).sum()
        parts: list[np.ndarray] = []
        for rows in groups:
            values[rows] = _hide(values[rows], k)
            parts += _alike(values, rows)
        cells[name] = int(pd.isna(values).sum() - before)
        result[name] = pd.Series(values, dtype="str")
        groups = parts
    return Suppressed(result.set_axis(frame.index), cells)


def _hide(values: np.ndarray, k: int) -> np.ndarray:
    """Hide the values that too few rows have, and more until enough are hidden."""
    counts = pd.Series(values).value_counts()
    small = counts.index[counts < k].tolist()
    hidden = int(pd.isna(values).sum() + counts[counts < k].sum())
    others = sorted((count, str(value), value) for value, count in counts.items() if count >= k)
    while 0 < hidden < k:
        count, _, value = others.pop(0)
        small.append(value)
        hidden += count
    return pd.Series(values, dtype="object").mask(pd.Series(values).isin(small), None).to_numpy()


def _alike(values: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    numbers, _ = pd.factorize(values[rows], use_na_sentinel=True)
    return [rows[numbers == number] for number in np.unique(numbers)]


def _plain(values: pd.Series) -> pd.Series:
    """Write whole numbers without a point; codes stay."""
    if not pd.api.types.is_numeric_dtype(values.dtype):
        return values.astype("str")
    return values.map(lambda v: None if pd.isna(v) else f"{v:g}").astype("str")


def _banded(numbers: np.ndarray, edges: Sequence[int], index: pd.Index) -> pd.Series:
    place = np.searchsorted(np.asarray(edges), numbers, side="right") - 1
    names: Mapping[int, str] = dict(enumerate(_bands(edges)))
    inside = ~np.isnan(numbers) & (place >= 0)
    shown = [names[int(p)] if ok else None for p, ok in zip(place, inside, strict=True)]
    return pd.Series(shown, index=index, dtype="str")


def _bands(edges: Sequence[int]) -> list[str]:
    """Write bands of whole numbers: `18-29`, `1` where it holds one number, the last one open."""
    ends = [f"{a}" if b == a + 1 else f"{a}-{b - 1}" for a, b in pairwise(edges)]
    return [*ends, f"{edges[-1]}+"]
