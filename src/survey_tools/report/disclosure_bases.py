"""Coarsen figures of questions that nearly everybody was asked, so that no base tells of the few others.

A part of `disclosure`. Who paid nothing in cash is not asked why cash is used: where 31 households were
interviewed and 30 answered, one household is known. So of a question of which the base is anywhere 1 to
`hide_counts_to` less than the households there, every area's base is told as a multiple of
`hide_counts_to` + 1. As many bases as that have the same multiple; of what they leave over, which are
numbers in a row, not all are 1 to `hide_counts_to`: a multiple tells of no few households, whoever knows the
rule. Estimates of such questions are told in whole percent or one decimal; where that goes only with bases
that must not be known, in larger steps or, as the mark of few answers cuts a multiple short, without base.

Not here: the levels of which a base is the remainder (survey_tools.report.disclosure_between). Nor several
figures of one question put together, but for the choices of one question: half of a group that is told
by its other half and everybody. Reads no file and estimates nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import TypeVar

import numpy as np
import pandas as pd

from survey_tools.params import DisclosureSettings
from survey_tools.report.small_cells import FEW, HIDDEN, SHOWN, STEPS

ABOUT = "about"
"""Column that says whether a base is told as a multiple only."""

_DISTRICT = "district"
_SHARES = ("binary", "share")
_STEPS = (0.01, 0.02, 0.05, 0.1)
_DECIMAL = 0.1
"""Step of what is no share: millions, times, standard deviations."""
_CELL = ["area", "wave", "group", "outcome"]
_Base = TypeVar("_Base", int, pd.Series)


def _down(values: pd.Series) -> pd.Series:
    return pd.Series(np.floor(values + 1e-9), index=values.index)


def _up(values: pd.Series) -> pd.Series:
    return pd.Series(np.ceil(values - 1e-9), index=values.index)


_AWAY = {"conf_low": _down, "conf_high": _up}
"""Ends of an interval, rounded outwards."""


def households(levels: pd.DataFrame, fieldwork: pd.DataFrame | None = None) -> pd.Series:
    """Return how many households there are by area, wave and group: the largest base that is told.

    Parameters
    ----------
    levels : DataFrame
        Contract `levels`.
    fieldwork : DataFrame, optional
        Contract `fieldwork`: interviews by area and wave.
    """
    keys = _CELL[:3]
    bases = [levels[[*keys, "n"]]]
    if fieldwork is not None:
        met = fieldwork.rename(columns={"interviews": "n"}).assign(group="all")
        bases.append(met[[*keys, "n"]])
    return pd.concat(bases).groupby(keys)["n"].max().astype(float)


def partly_asked(
    table: pd.DataFrame, asked: pd.Series, question: str, rules: DisclosureSettings
) -> frozenset[str]:
    """Name the questions of which a base that may be told is short of the households by a few.

    Parameters
    ----------
    table : DataFrame
        `area`, `wave`, `n` as counted, the column `question`, and `group` unless all are of everybody.
    asked : Series
        What `households` returns.
    question : str
        Name of the column.
    rules : DisclosureSettings
    """
    short = _asked(table, asked) - table["n"].astype(float)
    few = short.between(1, rules.hide_counts_to) & table["n"].ge(rules.round_from)
    return frozenset(table.loc[few, question].astype(str))


def coarsen(
    shown: pd.DataFrame,
    asked: pd.Series,
    question: str,
    questions: Collection[str],
    rules: DisclosureSettings,
    scales: dict[str, str] | None = None,
) -> pd.DataFrame:
    """Tell bases of some questions as multiples, and their estimates in steps that tell no base.

    Parameters
    ----------
    shown : DataFrame
        What `disclose_levels` or `disclose_choices` returns.
    asked : Series
        What `households` returns.
    question : str
        Column that names the question.
    questions : collection of str
        What `partly_asked` returns.
    rules : DisclosureSettings
    scales : dict, optional
        Scale of each question; a share where not given.

    Returns
    -------
    DataFrame
        Same rows with `about`. The district's own rows are left as they are where their base is short of
        more than `hide_counts_to` households.
    """
    n, everybody = shown["n"].astype(float), _asked(shown, asked)
    enough = shown["area"].eq(_DISTRICT) & (everybody - n).gt(rules.hide_counts_to)
    coarse = shown[question].isin(list(questions)) & shown["status"].ne(HIDDEN) & ~enough
    result = shown.assign(**{ABOUT: coarse})
    if not coarse.any():
        return result
    others = [name for name, scale in (scales or {}).items() if scale not in _SHARES]
    share = coarse & ~shown[question].isin(others)
    steps = pd.Series(_DECIMAL, index=shown.index)
    told = pd.Series(True, index=shown.index)
    steps[share], told[share] = _ways(shown[share], everybody[share], question, rules)
    result = _in_steps(result, coarse, steps)
    rounded = _multiple(n, rules).where(told)
    result["n"] = result["n"].mask(coarse, rounded.astype("Int64"))
    if "numerator" in result:
        result["numerator"] = result["numerator"].mask(coarse)
    result["shown"] = result["estimate"]
    return result


def coarsen_differences(
    table: pd.DataFrame, levels: pd.DataFrame, *, but: tuple[str, str]
) -> pd.DataFrame:
    """Make differences of coarsened levels of what is shown of these.

    Parameters
    ----------
    table : DataFrame
        Changes or gaps that may be shown.
    levels : DataFrame
        What `coarsen` returns.
    but : tuple of str
        Column and value that the level taken off has instead of the row's own.
    """
    if ABOUT not in levels:
        return table.assign(**{ABOUT: False})
    other = levels.set_index(_CELL)
    ends = [
        other.reindex(pd.MultiIndex.from_frame(cells))
        for cells in (table[_CELL], table[_CELL].assign(**{but[0]: but[1]}))
    ]
    first, second = (end.reset_index(drop=True) for end in ends)
    result = table.reset_index(drop=True)
    coarse = (first[ABOUT].eq(True) | second[ABOUT].eq(True)) & result["status"].eq(SHOWN)
    difference = first["estimate"].astype(float) - second["estimate"].astype(float)
    result["estimate"] = result["estimate"].mask(coarse, difference)
    for name, away in _AWAY.items():
        result[name] = result[name].mask(coarse, away(result[name] / _STEPS[0]) * _STEPS[0])
    for count, level in (("n", first), ("n_baseline", second)):
        if count in result:
            result[count] = result[count].mask(coarse, level["n"])
    return result.assign(shown=result["estimate"], **{ABOUT: coarse})


def bases_left(
    estimates: Iterable[float],
    step: float,
    n: float | None,
    everybody: int,
    few: bool,
    rules: DisclosureSettings,
) -> set[int]:
    """Find the bases that go with all that is told of one question in one cell.

    Parameters
    ----------
    estimates : iterable of float
        As they are told, in steps of `step`.
    step : float
    n : float, optional
        Base as it is told; None where it is not.
    everybody : int
        Households there.
    few : bool
        Whether the cell is marked as of few answers.
    rules : DisclosureSettings
    """
    ends = (rules.round_from, rules.show_from - 1) if few else (rules.show_from, everybody)
    bases = set(range(ends[0], min(ends[1], everybody) + 1))
    if n is not None:
        bases = {base for base in bases if _multiple(base, rules) == n}
    return {base for base in bases if all(_goes_with(x, step, base) for x in estimates)}


def _ways(
    rows: pd.DataFrame, everybody: pd.Series, question: str, rules: DisclosureSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Return for each row what `_way` says of its question in its cell."""
    keys = [name for name in ("area", "wave", "group", question) if name in rows]
    cell = rows.groupby(keys, sort=False).ngroup().to_numpy()
    order = np.argsort(cell, kind="stable")
    starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
    values = rows["estimate"].to_numpy(float).round(9)[order].tolist()
    n, most = rows["n"].to_numpy(int)[order], everybody.fillna(rows["n"]).to_numpy(int)[order]
    few = rows["status"].eq(FEW).to_numpy()[order]
    known: dict[tuple[object, ...], tuple[float, bool]] = {}
    steps, told = np.ones(len(rows)), np.ones(len(rows), dtype=bool)
    for first, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        about = tuple(sorted(values[first:end])), int(n[first]), int(most[first]), bool(few[first])
        if about not in known:
            known[about] = _way(*about, rules)
        steps[order[first:end]], told[order[first:end]] = known[about]
    return steps, told


def _way(
    values: tuple[float, ...], n: int, everybody: int, few: bool, rules: DisclosureSettings
) -> tuple[float, bool]:
    """Return the smallest step that leaves no base told, and whether the base is told as a multiple."""
    steps = [step for step in _STEPS if not few or step >= STEPS["binary"]]
    for base in (_multiple(n, rules), None):
        for step in steps:
            told = [round(round(value / step) * step, 9) for value in values]
            left = bases_left(told, step, base, everybody, few, rules)
            if not all(0 < everybody - one <= rules.hide_counts_to for one in left):
                return step, base is not None
    return steps[-1], False


def _multiple(n: _Base, rules: DisclosureSettings) -> _Base:
    """Round bases to the nearest multiple of `hide_counts_to` + 1."""
    width = rules.hide_counts_to + 1
    return (n + width // 2) // width * width


@lru_cache(maxsize=200_000)
def _goes_with(value: float, step: float, base: int) -> bool:
    """Whether a count of `base` answers gives a share that is told as `value`."""
    nearest = min(max(round(value * base), 0), base)
    return abs(nearest / base - value) <= step / 2 + 1e-9


def _in_steps(frame: pd.DataFrame, coarse: pd.Series, steps: pd.Series) -> pd.DataFrame:
    """Round estimates, and intervals outwards; nobody's and everybody's ends, which tell the base, more."""
    result = frame.copy()
    ends = steps.mask(frame["estimate"].isin([0.0, 1.0]), steps.clip(lower=STEPS["binary"]))
    result["estimate"] = result["estimate"].mask(
        coarse, (frame["estimate"] / steps).round() * steps
    )
    for name, away in _AWAY.items():
        if name in result:
            result[name] = result[name].mask(coarse, away(frame[name] / ends) * ends)
    return result


def _asked(table: pd.DataFrame, asked: pd.Series) -> pd.Series:
    """Return the households of each row's area, wave and group."""
    keys = table[["area", "wave"]].assign(group=table.get("group", "all"))
    return pd.Series(asked.reindex(pd.MultiIndex.from_frame(keys)).to_numpy(), index=table.index)
