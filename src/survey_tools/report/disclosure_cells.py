"""Decide which cells of all communes may be shown: hide, round and mark what rests on too few answers.

Reads no file and estimates nothing. Everything is decided on the whole district before a commune is
picked, so that no two pages together tell what each of them hides.

A cell is *unsafe* when it rests on fewer answers than `round_from`, or when it counts 1 to
`hide_counts_to` households, or all but so many. Unsafe cells are hidden; so is a group whose difference
from everybody would be unsafe, an arm of a commune that is a single team, and a mean number of times whose
sum tells who said more than one; then, wherever published cells and a published total would tell what is
hidden, the smallest published cell is hidden too, until they do not (secondary suppression; Hundepool et
al. 2012, Statistical Disclosure Control, section 4.4).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.params import DisclosureSettings
from survey_tools.report.disclosure_audit import hide_what_is_told
from survey_tools.report.disclosure_between import Families, tells_a_part
from survey_tools.report.small_cells import (
    HIDDEN,
    SHOWN,
    STEPS,
    apply_rules,
    blank,
    steps_of,
    unsafe,
)

PAIRS = (("intensive", "regular"), ("women", "men"))
"""Groups that make up everybody between them."""

DISTRICT = "district"
"""Area of the rows about everybody."""

_CELL = ["area", "wave", "outcome"]


def disclose_levels(
    levels: pd.DataFrame,
    rules: DisclosureSettings,
    scales: dict[str, str] | None = None,
    families: Families | None = None,
) -> pd.DataFrame:
    """Decide for each level whether it is shown, shown rounded, or hidden.

    Parameters
    ----------
    levels : DataFrame
        Contract `levels`, all areas, waves and groups.
    rules : DisclosureSettings
    scales : dict, optional
        Scale of each outcome (`binary`, `share`, `amount`, `index`); binary where not given.
    families : mapping, optional
        Outcomes that each index is made of: its level is hidden where it would tell one of theirs.

    Returns
    -------
    DataFrame
        Same rows with `shown` and `status`; `estimate`, the interval, `n` and `numerator` are missing
        where hidden and rounded outwards where few.
    """
    frame = levels.reset_index(drop=True)
    frame["numerator"] = frame["numerator"].astype("Float64").to_numpy(float, na_value=np.nan)
    hidden = unsafe(frame["n"], frame["numerator"], rules) | rest_is_unsafe(frame, _CELL, rules)
    hidden |= _is_one_team(frame) | _tells_of_many_times(frame, rules, scales)
    hidden = _protect_levels(frame, hidden, rules)
    if families:
        hidden |= tells_a_part(frame, hidden, families)
        hidden = _protect_levels(frame, hidden, rules)
    shown = apply_rules(frame, hidden, rules, steps_of(frame["outcome"], scales))
    return _in_tenths(shown, _is_count(frame, scales))


def disclose_choices(
    choices: pd.DataFrame, rules: DisclosureSettings, telling: pd.Series | None = None
) -> pd.DataFrame:
    """Turn counts of answers into shares, hiding as `disclose_levels` does.

    Parameters
    ----------
    choices : DataFrame
        Contract `choices`, all areas and waves.
    rules : DisclosureSettings
    telling : Series of bool, optional
        Rows that would tell a cell of another table and are hidden as well.

    Returns
    -------
    DataFrame
        Same rows with `estimate` (share of those who answered), `shown` and `status`.
    """
    frame = choices.reset_index(drop=True)
    frame["numerator"] = frame["numerator"].astype(float)
    frame["estimate"] = frame["numerator"] / frame["n"].where(frame["n"] > 0)
    hidden = unsafe(frame["n"], frame["numerator"], rules)
    if telling is not None:
        hidden |= telling.to_numpy(bool)
    hidden = protect_areas(frame, hidden, ["wave", "variable", "choice"], rules)
    return apply_rules(frame, hidden, rules, pd.Series(STEPS["binary"], index=frame.index))


def disclose_communes(communes: pd.DataFrame, rules: DisclosureSettings) -> pd.DataFrame:
    """Pass partially pooled effects that rest on enough households; never the raw difference.

    The raw difference of a commune is the difference of two group levels, which may be hidden ones.
    """
    frame = communes.drop(columns=["raw", "raw_se"]).reset_index(drop=True)
    frame["numerator"] = np.nan
    hidden = frame["n"].lt(rules.round_from)
    frame = blank(frame, hidden | frame["estimate"].isna()).drop(columns="numerator")
    about = frame.columns.intersection(["weight_own", "smallest_detectable"])
    frame[about] = frame[about].mask(hidden)
    frame["shown"] = frame["estimate"]
    frame["disclosure"] = np.where(hidden, HIDDEN, SHOWN)
    return frame


def disclose_effects(effects: pd.DataFrame, rules: DisclosureSettings) -> pd.DataFrame:
    """Pass effects over the district; one from fewer than `round_from` households is hidden."""
    frame = effects.reset_index(drop=True)
    hidden = frame["n"].lt(rules.round_from)
    numbers = frame.select_dtypes("float64").columns
    frame[numbers] = frame[numbers].mask(hidden)
    counts = frame.columns.intersection(["n", "n_teams", "n_communes"])
    frame[counts] = frame[counts].astype("Int64").mask(hidden & frame["n"].gt(0))
    frame["shown"] = frame["estimate"]
    frame["status"] = np.where(hidden | frame["estimate"].isna(), HIDDEN, SHOWN)
    return frame


def protect_areas(
    frame: pd.DataFrame, hidden: pd.Series, by: list[str], rules: DisclosureSettings
) -> pd.Series:
    """Hide further communes until district minus published communes tells no unsafe cell.

    Parameters
    ----------
    frame : DataFrame
        `area`, `n`, `numerator` (missing where nothing is counted) and the columns `by`.
    hidden : Series of bool
        Cells that are hidden already.
    by : list of str
        Columns that say which cells add up over the areas.
    rules : DisclosureSettings
    """
    parts = frame["area"].ne(DISTRICT) & frame["n"].gt(0)
    cells = frame.loc[parts, [*by, "area", "n", "numerator"]]
    cells = cells.sort_values([*by, "n", "area"])
    secret = hidden.loc[cells.index]
    group = cells.groupby(by, sort=False, dropna=False).ngroup()
    while True:
        count = secret.groupby(group).sum()
        n = cells["n"].where(secret, 0).groupby(group).sum()
        numerator = cells["numerator"].where(secret, 0).groupby(group).sum(min_count=1)
        telling = count.eq(1) | (count.gt(0) & unsafe(n, numerator, rules))
        candidates = group[~secret & group.map(telling)]
        if candidates.empty:
            result = hidden.copy()
            result.loc[secret.index] = secret
            return result
        smallest = candidates.drop_duplicates().index
        secret = secret | secret.index.isin(smallest)


def rest_is_unsafe(frame: pd.DataFrame, keys: list[str], rules: DisclosureSettings) -> pd.Series:
    """Tell which groups give away an unsafe remainder when taken from everybody of the same `keys`."""
    everybody = frame.loc[frame["group"].eq("all"), [*keys, "n", "numerator"]]
    both = frame[keys].merge(everybody, on=keys, how="left", validate="m:1")
    both.index = frame.index
    rest = unsafe(both["n"] - frame["n"], both["numerator"] - frame["numerator"], rules)
    return rest & frame["group"].ne("all")


def _is_one_team(frame: pd.DataFrame) -> pd.Series:
    """Tell which arms of a commune are a single team, whose households are those of one village."""
    arms = frame["group"].isin(PAIRS[0]) & frame["area"].ne(DISTRICT) & frame["n"].gt(0)
    return arms & frame["n_teams"].eq(1) if "n_teams" in frame else arms & False


def _is_count(frame: pd.DataFrame, scales: dict[str, str] | None) -> pd.Series:
    return frame["outcome"].map(scales or {}).eq("count")


def _tells_of_many_times(
    frame: pd.DataFrame, rules: DisclosureSettings, scales: dict[str, str] | None
) -> pd.Series:
    """Tell which numbers of times sum up to hardly more than the households that say any.

    The mean times the answers is the sum; what it is above these households was said by those who say two
    times or more.
    """
    beyond = frame["estimate"] * frame["n"] - frame["numerator"]
    return _is_count(frame, scales) & beyond.round().between(1, rules.hide_counts_to)


def _in_tenths(shown: pd.DataFrame, counts: pd.Series) -> pd.DataFrame:
    """Round means of numbers of times to one decimal, intervals outwards: more would give the sum back."""
    result = shown.copy()
    for name, how in (
        ("estimate", lambda x: np.round(x)),
        ("shown", lambda x: np.round(x)),
        ("conf_low", lambda x: np.floor(x + 1e-9)),
        ("conf_high", lambda x: np.ceil(x - 1e-9)),
    ):
        if name in result and counts.any():
            result[name] = result[name].mask(counts, how(result[name] * 10) / 10)
    return result


def _protect_levels(frame: pd.DataFrame, hidden: pd.Series, rules: DisclosureSettings) -> pd.Series:
    while True:
        after = _protect_pairs(frame, hidden)
        after = protect_areas(frame, after, ["wave", "group", "outcome"], rules)
        if after.equals(hidden):
            after = hide_what_is_told(frame, hidden, PAIRS, rules)
            if after is hidden:
                return hidden
        hidden = after


def _protect_pairs(frame: pd.DataFrame, hidden: pd.Series) -> pd.Series:
    """Hide both groups of a pair where one of them is hidden, or everybody is, who are their sum."""
    partner = {a: f"{a}/{b}" for pair in PAIRS for a, b in (pair, pair[::-1])}
    pair = frame["group"].map({g: "/".join(sorted(p.split("/"))) for g, p in partner.items()})
    telling = hidden & frame["n"].gt(0)
    keys = [frame["area"], frame["wave"], frame["outcome"], pair]
    one_hidden = telling.groupby(keys, dropna=False).transform("any")
    everybody = telling & frame["group"].eq("all")
    sum_hidden = everybody.groupby(keys[:3]).transform("any")
    return hidden | ((one_hidden | sum_hidden) & pair.notna())
