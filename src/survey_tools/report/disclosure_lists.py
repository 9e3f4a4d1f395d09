"""Decide which figures by another list of areas may be shown beside the communes' own; estimates nothing.

The commune pages come first and stay as they are: a larger unit is hidden where it and they together
would tell what one of them hides. Three rules make that enough.

1. *Only everybody, only the lists that the study names.* A larger unit is shown for all households
   together, never for a group of them. Its figure adds the two halves of a commune (intensive and
   regular teams; women and men) with one factor, so what it tells of the halves that are hidden is told
   of both together: of one half alone there is the sum over all communes that hide it, with the larger
   units as without them, and that sum is safe already (`disclosure`). No page has other groups.
2. *Remainders.* Districts, larger units and communes lie wholly in one another, or apart. What published
   figures tell about hidden communes is then what each published unit holds beyond the published units
   and communes inside it, its remainder, and sums of these; nothing else. A unit is hidden when its
   remainder is a single commune or is unsafe. Sums of safe remainders are safe: counts of 0 or from 5 on
   add up to 0 or 5 and more, and bases only grow.
3. *One level up.* A hidden unit's remainder falls to the unit around it, in the end to the district,
   which is always published; where that becomes telling, the next smallest unit joins it. With all
   units hidden only the communes' own pages are left, which `disclosure` has made safe.

Laminar families of cells: Hundepool et al. 2012, Statistical Disclosure Control, section 4.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.areas import Areas
from survey_tools.contracts import AREA_LIST
from survey_tools.errors import ContractError
from survey_tools.params import DisclosureSettings, Workspace
from survey_tools.report.disclosure_bases import ABOUT, coarsen, households
from survey_tools.report.small_cells import HIDDEN, apply_rules, is_unsafe, steps_of

DISTRICT, EVERYBODY = "district", "all"
Communes = frozenset[str]


def further_lists(
    ws: Workspace,
    areas: Areas,
    levels: pd.DataFrame,
    shown: pd.DataFrame,
    scales: dict[str, str],
) -> dict[str, Any]:
    """Return what the district's page has by list of areas: the study's own and those that it names.

    Nothing where it names none.

    Parameters
    ----------
    ws : Workspace
    areas : Areas
    levels, shown, scales
        As for `disclose_by_list`.

    Returns
    -------
    dict
        `by_list`, `lists` and `shares_inside` of `Results`.

    Raises
    ------
    AreaError
        When there is no such list, or the study's communes cannot be told in it.
    ContractError
        When the levels by area are not there, or are not those of `levels`.
    """
    lists = {name: areas.of(name) for name in ws.study.report.area_lists}
    if not lists:
        return {}
    inside: dict[tuple[str, str], Communes] = {}
    for name in lists:
        for code, unit in areas.crosswalk(ws.study.areas.list_, name).items():
            held = inside.get((name, unit.code), frozenset())
            inside[name, unit.code] = held | {code}
    by_area = contracts.read_table(ws.results, "levels_by_area")
    by_list = disclose_by_list(by_area, levels, shown, inside, ws.study.disclosure, scales)
    by_list = _coarse(by_list, by_area, shown, ws.study.disclosure, scales)
    own = ws.study.areas.list_
    communes = ws.table("communes")
    people = dict(zip(communes["code"], communes["population_2019"], strict=True))
    return {
        "by_list": pd.concat([_own_list(shown, own), by_list], ignore_index=True),
        "lists": {own: areas.of(own), **lists},
        "shares_inside": {
            unit.key: areas.share_inside(unit, people) for units in lists.values() for unit in units
        },
    }


def _coarse(
    by_list: pd.DataFrame,
    by_area: pd.DataFrame,
    shown: pd.DataFrame,
    rules: DisclosureSettings,
    scales: dict[str, str],
) -> pd.DataFrame:
    """Coarsen the bases of those questions whose bases are coarse for the communes."""
    unit = [AREA_LIST, "area_code"]
    names = [
        rows[unit].astype(str).agg("/".join, axis=1) if len(rows) else rows["area_code"]
        for rows in (by_list, by_area)
    ]
    raw = by_area.assign(area=names[1])
    questions = set(shown.loc[shown[ABOUT], "outcome"]) if ABOUT in shown else set()
    mine = by_list.assign(area=names[0])
    coarse = coarsen(mine, raw, households(raw), "outcome", questions, rules, scales)
    return coarse.drop(columns="area")


def _own_list(shown: pd.DataFrame, own: str) -> pd.DataFrame:
    """Return the levels of the communes as their own pages show them, as rows by list."""
    frame = shown[shown["group"].eq(EVERYBODY) & shown["area"].ne(DISTRICT)]
    frame = frame.rename(columns={"area": "area_code"}).assign(**{AREA_LIST: own})
    hidden = frame["status"].eq(HIDDEN)
    return frame.assign(n_teams=frame["n_teams"].astype("Int64").mask(hidden))


def disclose_by_list(
    by_area: pd.DataFrame,
    levels: pd.DataFrame,
    shown: pd.DataFrame,
    inside: Mapping[tuple[str, str], Communes],
    rules: DisclosureSettings,
    scales: dict[str, str] | None = None,
) -> pd.DataFrame:
    """Decide for each level of a larger unit whether it is shown, shown rounded, or hidden.

    Parameters
    ----------
    by_area : DataFrame
        Contract `levels_by_area`.
    levels : DataFrame
        Contract `levels`, all communes, waves and groups.
    shown : DataFrame
        What `disclose_levels` makes of `levels`.
    inside : mapping
        Codes of the communes in each unit, by list and code, for the lists that pages show.
    rules : DisclosureSettings
    scales : dict, optional
        Scale of each outcome; binary where not given.

    Returns
    -------
    DataFrame
        The rows of these units for all households together, with `shown` and `status`; without numbers
        where hidden, rounded outwards where few.

    Raises
    ------
    ContractError
        When the figures of a unit are not those of its communes: the two tables were not made together.
    """
    keys = pd.MultiIndex.from_frame(by_area[[AREA_LIST, "area_code"]])
    wanted = by_area["group"].eq(EVERYBODY) & keys.isin(list(inside))
    frame = by_area.loc[wanted].reset_index(drop=True)
    frame["numerator"] = frame["numerator"].astype("Float64").to_numpy(float, na_value=np.nan)
    cells = _cells(levels, shown, rules)
    hidden = np.zeros(len(frame), dtype=bool)
    for key, rows in frame.groupby(["wave", "outcome"], sort=False):
        pairs = zip(rows[AREA_LIST], rows["area_code"], strict=True)
        units = [inside[str(name), str(code)] for name, code in pairs]
        cell = cells.get(key, _Cell({}, {}, frozenset(), False, rules))
        _check_sums(rows, units, cell)
        secret = hidden_units(cell, units)
        hidden[rows.index.to_numpy()] = [communes in secret for communes in units]
    steps = steps_of(frame["outcome"], scales)
    result = apply_rules(frame, pd.Series(hidden, index=frame.index), rules, steps)
    result["n_teams"] = result["n_teams"].astype("Int64").mask(result["status"].eq(HIDDEN))
    return result


@dataclass(frozen=True)
class _Cell:
    """One wave and outcome: answers and count of each commune, which are hidden, and the district."""

    n: dict[str, float]
    numerator: dict[str, float]
    hidden: Communes
    district: bool
    rules: DisclosureSettings

    def is_unsafe(self, communes: Communes) -> bool:
        """Whether the answers of these communes together must not be known."""
        return is_unsafe(*self.sums(communes), self.rules)

    def sums(self, communes: Communes) -> tuple[float, float]:
        """Answers and count of these communes together."""
        known = sorted(communes & set(self.n))
        return sum(self.n[c] for c in known), sum(self.numerator[c] for c in known)

    def remainder(self, unit: Communes, published: Iterable[Communes]) -> Communes:
        """Hidden communes of a unit that lie in no published unit inside it."""
        within = [other for other in published if other < unit]
        return (unit & self.hidden).difference(*within)

    def tells(self, unit: Communes, published: Iterable[Communes]) -> bool:
        """Whether what a published unit holds beyond its published parts must not be known."""
        rest = self.remainder(unit, published)
        return len(rest) == 1 or self.is_unsafe(rest)


def hidden_units(cell: _Cell, units: Sequence[Communes]) -> set[Communes]:
    """Choose the units of a cell that are hidden, each named by its communes; see the module."""
    whole = frozenset(cell.n)
    known = {unit & whole: unit for unit in units}
    secret = {unit for unit in known if not unit}
    while True:
        published = known.keys() - secret
        telling = {unit for unit in published if cell.tells(unit, published)}
        if not telling and cell.district and cell.tells(whole, published):
            telling = _next(cell, whole, published)
        if not telling:
            return {unit for unit in units if unit & whole in secret}
        secret |= telling


def _next(cell: _Cell, whole: Communes, published: Iterable[Communes]) -> set[Communes]:
    """Choose the published unit that joins the district's remainder: the smallest that helps."""
    top = [
        unit
        for unit in published
        if unit < whole
        and not any(unit < other for other in published if other < whole)
        and unit & cell.hidden
    ]
    ranked = sorted(
        top,
        key=lambda unit: (
            not cell.remainder(unit, published),
            cell.sums(unit)[0],
            sorted(unit),
        ),
    )
    return set(ranked[:1])


def _cells(
    levels: pd.DataFrame, shown: pd.DataFrame, rules: DisclosureSettings
) -> dict[object, _Cell]:
    keys = ["area", "wave", "group", "outcome"]
    raw = levels.drop(columns="status", errors="ignore")
    raw = raw.merge(shown[[*keys, "status"]], on=keys, how="left", validate="1:1")
    if raw["status"].isna().any():
        raise ContractError(
            "It is not known of every level whether it is shown.",
            expected="a status for each row of the levels",
            found=f"{int(raw['status'].isna().sum())} row(s) without",
            where="results/levels",
            next_step="run 50_estimate again",
        )
    raw["numerator"] = raw["numerator"].astype("Float64").to_numpy(float, na_value=np.nan)
    cells: dict[object, _Cell] = {}
    for key, rows in raw.loc[raw["group"].eq(EVERYBODY)].groupby(["wave", "outcome"], sort=False):
        parts = rows.loc[rows["area"].ne(DISTRICT) & rows["n"].gt(0)].set_index("area")
        total = rows.loc[rows["area"].eq(DISTRICT), "status"]
        cells[key] = _Cell(
            n={str(code): float(n) for code, n in parts["n"].items()},
            numerator={str(code): float(count) for code, count in parts["numerator"].items()},
            hidden=frozenset(parts.index[parts["status"].eq(HIDDEN)]),
            district=bool(total.ne(HIDDEN).any()),
            rules=rules,
        )
    return cells


def _check_sums(rows: pd.DataFrame, units: Sequence[Communes], cell: _Cell) -> None:
    sums = np.array([cell.sums(communes) for communes in units], dtype=float)
    said = rows[["n", "numerator"]].to_numpy(dtype=float)
    wrong = (sums != said) & ~np.isnan(said)
    if wrong.any():
        first = rows.loc[wrong.any(axis=1)].iloc[0]
        raise ContractError(
            "Figures of a larger unit are not those of its communes.",
            expected="levels_by_area and levels made from the same rows",
            found=f"{first['area_code']} of the list {first[AREA_LIST]}, wave {first['wave']}",
            where="results/levels_by_area and results/levels",
            next_step="run 50_estimate again",
        )
