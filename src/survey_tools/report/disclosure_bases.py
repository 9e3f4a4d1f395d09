"""Coarsen figures of questions that nearly everybody was asked, so that no base tells of the few others.

A part of `disclosure`. Who paid nothing in cash is not asked why cash is used: where 31 households were
interviewed and 30 answered, one household is known. So of a question of which the base is anywhere 1 to
`hide_counts_to` less than the households there, every area's base is told as a multiple of
`hide_counts_to` + 1. As many bases as that have the same multiple; of what they leave over, which are
numbers in a row, not all are 1 to `hide_counts_to`. Where the mark of few answers cuts a multiple short,
no base is told, whatever it is.

How finely an estimate is told follows from the base as it is told: a step is so wide that a count of every
base that it may be gives what is told. The interval of a share is made anew of the estimate as it is told
and the least base that it may have. So neither tells more of the base, whoever knows these rules.
A cell is hidden where all that would be told goes with no base but such as leave few over.

Not here: the intervals (survey_tools.report.disclosure_ends), or the levels of which a base is the
remainder (survey_tools.report.disclosure_between). Nor several figures of one question put together: half
of a group that is told by its other half and everybody.
Reads no file.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

import numpy as np
import pandas as pd

from survey_tools.params import DisclosureSettings
from survey_tools.report.disclosure_ends import AWAY, with_ends
from survey_tools.report.small_cells import FEW, HIDDEN, SHOWN, STEPS, blank

ABOUT = "about"
"""Column that says whether a base is told as a multiple only."""

_DISTRICT = "district"
_SHARES = ("binary", "share")
_STEPS = (0.01, 0.02, 0.05, 0.1)
_DECIMAL = 0.1
"""Step of what is no share: millions, times, standard deviations."""
_CELL = ["area", "wave", "group", "outcome"]
_NUMBERS = ("estimate", "conf_low", "conf_high")
_Base = TypeVar("_Base", int, pd.Series)


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
    raw: pd.DataFrame,
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
    raw : DataFrame
        The same rows before, in any order, with their `estimate` or `numerator`.
    asked : Series
        What `households` returns.
    question : str
        Column that names the question.
    questions : collection of str
        What `partly_asked` returns.
    rules : DisclosureSettings
    scales : dict, optional
        Scale of each question; binary where not given.

    Returns
    -------
    DataFrame
        Same rows with `about`. The district's own rows are left as they are where none of the question is
        short of 1 to `hide_counts_to` households.
    """
    shown, n = shown.reset_index(drop=True), shown["n"].astype(float).reset_index(drop=True)
    everybody = _asked(shown, asked).fillna(n)
    district = shown["area"].eq(_DISTRICT)
    near = district & (everybody - n).between(1, rules.hide_counts_to)
    enough = district & ~shown[question].isin(shown.loc[near, question])
    coarse = shown[question].isin(list(questions)) & shown["status"].ne(HIDDEN) & ~enough
    result = shown.assign(**{ABOUT: coarse})
    if not coarse.any():
        return result
    known = scales or {}
    scale = pd.Series([known.get(name, "binary") for name in shown[question]], index=shown.index)
    few = shown["status"].eq(FEW)
    told, least, most = _bases(n, everybody, few, coarse, rules)
    others = scale.map(STEPS).where(few, _DECIMAL)
    steps = _steps(least).where(scale.isin(_SHARES), others)
    true = _beside(raw, shown, question)
    result["estimate"] = result["estimate"].mask(coarse, (true["estimate"] / steps).round() * steps)
    result = with_ends(result, true, least, coarse, coarse & scale.eq("binary"), steps)
    result["n"] = result["n"].mask(coarse, _multiple(n, rules).where(told).astype("Int64"))
    if "numerator" in result:
        result["numerator"] = result["numerator"].mask(coarse)
    result["shown"] = result["estimate"]
    figures = pd.DataFrame({"told": result["estimate"].round(9), "step": steps})
    figures = figures.assign(least=least, most=most, everybody=everybody)
    return _hide(result, _tells_few(figures[coarse & scale.eq("binary")], rules))


def coarsen_differences(
    table: pd.DataFrame, levels: pd.DataFrame, *, but: tuple[str, str]
) -> pd.DataFrame:
    """Make differences of coarsened levels, and their intervals, of what is shown of these.

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
    by_cell = levels.set_index(_CELL)
    ends = [
        by_cell.reindex(pd.MultiIndex.from_frame(cells))
        for cells in (table[_CELL], table[_CELL].assign(**{but[0]: but[1]}))
    ]
    first, second = (end.reset_index(drop=True) for end in ends)
    result = table.reset_index(drop=True)
    coarse = (first[ABOUT].eq(True) | second[ABOUT].eq(True)) & result["status"].eq(SHOWN)
    value, low, high = (first[name].astype(float) for name in _NUMBERS)
    other, other_low, other_high = (second[name].astype(float) for name in _NUMBERS)
    # as `estimate.levels.changes.mover` does, which takes the two for independent
    made = {
        "conf_low": value - other - np.hypot(value - low, other_high - other),
        "conf_high": value - other + np.hypot(high - value, other - other_low),
    }
    result["estimate"] = result["estimate"].mask(coarse, value - other)
    for name, away in AWAY.items():
        result[name] = result[name].mask(coarse, away(made[name] / _STEPS[0]) * _STEPS[0])
    for count, level in (("n", first), ("n_baseline", second)):
        if count in result:
            result[count] = result[count].mask(coarse, level["n"])
    return result.assign(shown=result["estimate"], **{ABOUT: coarse})


def tells_no_few(everybody: int, few: bool, rules: DisclosureSettings) -> bool:
    """Whether every multiple that may be told of so many households leaves open that no few are over.

    Parameters
    ----------
    everybody : int
        Households there.
    few : bool
        Whether the cell is marked as of few answers.
    rules : DisclosureSettings
    """
    first, last = (rules.round_from, rules.show_from - 1) if few else (rules.show_from, everybody)
    open_: dict[int, bool] = {}
    for base in range(first, min(last, everybody) + 1):
        known = 1 <= everybody - base <= rules.hide_counts_to
        multiple = _multiple(base, rules)
        open_[multiple] = open_.get(multiple, False) or not known
    return all(open_.values())


def _bases(
    n: pd.Series, everybody: pd.Series, few: pd.Series, coarse: pd.Series, rules: DisclosureSettings
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Return whether a base is told, and the least and the greatest that go with what is told of it.

    Where it is not told of few answers, an interval tells still whether they are 10 to 19 or 20 to 29.
    """
    kinds = pd.DataFrame({"everybody": everybody, "few": few})
    answers = {
        kind: tells_no_few(int(kind[0]), bool(kind[1]), rules)
        for kind in kinds[coarse].drop_duplicates().itertuples(index=False, name=None)
    }
    told = pd.Series([answers.get(kind, False) for kind in zip(everybody, few, strict=True)])
    width = rules.hide_counts_to + 1
    first = _multiple(n, rules) - width // 2
    first = first.where(told, n // (2 * width) * 2 * width)
    last = first + np.where(told, width, 2 * width) - 1
    exact = ~told & ~few
    first, last = first.mask(exact, rules.show_from), last.mask(exact, everybody)
    lowest = pd.Series(np.where(few, rules.round_from, rules.show_from))
    highest = everybody.mask(few, rules.show_from - 1)
    return told, first.clip(lower=lowest), last.clip(upper=highest)


def _tells_few(figures: pd.DataFrame, rules: DisclosureSettings) -> pd.Index:
    """Return the rows of which all that is told goes with no base but such as leave a few over.

    A count of 1 to `hide_counts_to`, and of as many less than all, is never shown; so next to these a share
    that is shown does not go with every base.
    """
    keys = list(figures.itertuples(index=False, name=None))
    open_ = {
        (told, step, least, most, everybody): any(
            not 1 <= everybody - base <= rules.hide_counts_to
            and _may_be_shown(told, step, base, rules)
            for base in range(int(least), int(min(most, everybody)) + 1)
        )
        for told, step, least, most, everybody in dict.fromkeys(keys)
    }
    return figures.index[[not open_[key] for key in keys]]


def _may_be_shown(told: float, step: float, base: int, rules: DisclosureSettings) -> bool:
    """Whether a count of `base` that may be shown is told as `told`."""
    low, high = (told - step / 2) * base - 1e-6, (told + step / 2) * base + 1e-6
    top = rules.hide_counts_to
    between = max(np.ceil(low), top + 1) <= min(np.floor(high), base - top - 1)
    return bool(low <= 0 or high >= base or between)


def _hide(frame: pd.DataFrame, rows: pd.Index) -> pd.DataFrame:
    hidden = pd.Series(frame.index.isin(rows), index=frame.index)
    result = blank(frame, hidden)
    result["shown"] = result["shown"].mask(hidden)
    result["status"] = result["status"].mask(hidden, HIDDEN)
    result[ABOUT] &= ~hidden
    return result


def _steps(least: pd.Series) -> pd.Series:
    """Return steps of a share so wide that a count of every base from `least` gives every step."""
    place = np.searchsorted(_STEPS, 1 / least.to_numpy() - 1e-9)
    return pd.Series(np.array(_STEPS)[np.minimum(place, len(_STEPS) - 1)], index=least.index)


def _beside(raw: pd.DataFrame, shown: pd.DataFrame, question: str) -> pd.DataFrame:
    """Return what was counted for each row that is shown."""
    keys = [name for name in ("area", "wave", "group", question, "choice") if name in shown]
    counted = raw.set_index(keys)
    if "estimate" not in counted:
        counted = counted.assign(estimate=counted["numerator"] / counted["n"])
    names = [name for name in (*_NUMBERS, "n") if name in counted]
    found = counted[names].astype(float).reindex(pd.MultiIndex.from_frame(shown[keys]))
    return found.reset_index(drop=True)


def _multiple(n: _Base, rules: DisclosureSettings) -> _Base:
    """Round bases to the nearest multiple of `hide_counts_to` + 1."""
    width = rules.hide_counts_to + 1
    return (n + width // 2) // width * width


def _asked(table: pd.DataFrame, asked: pd.Series) -> pd.Series:
    """Return the households of each row's area, wave and group."""
    keys = table[["area", "wave"]].assign(group=table.get("group", "all"))
    return pd.Series(asked.reindex(pd.MultiIndex.from_frame(keys)).to_numpy(), index=table.index)
