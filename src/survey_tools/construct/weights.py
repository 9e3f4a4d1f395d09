"""Give each interview a survey weight: households of its team over those interviewed, raked to the census.

Estimates nothing; `weight` says how many households of the commune an interview stands for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey_tools import contracts
from survey_tools.construct.raking import Floats, Margin, Raked, margin_gap, rake
from survey_tools.errors import ContractError

SIZES = ("1", "2", "3", "4", "5", "6", "7plus")
CENSUS = tuple(f"hh_size_{size}" for size in SIZES)
LEAST_IN_SIZE = 5
"""Interviews a size of household needs in a commune and wave; smaller sizes join the next one."""

TRIM_AT = 3.0
"""No interview stands for more than this many times the households of the commune's average interview."""

SUMMARY = ["wave", "commune_code", "households", "n", "n_teams", "sizes", "rounds", "trimmed", "gap",
           "smallest", "largest", "n_eff", "deff", "note"]  # fmt: skip


@dataclass(frozen=True)
class Weights:
    """Weights and how they came about.

    Attributes
    ----------
    rows : DataFrame
        `hhid, wave, weight_base, weight_raked, weight` (float64), index as the panel given.
    summary : DataFrame
        Contract `weights`: one row a wave and commune, also those without an interview.
    """

    rows: pd.DataFrame
    summary: pd.DataFrame


def survey_weights(
    panel: pd.DataFrame,
    teams: pd.DataFrame,
    communes: pd.DataFrame,
    *,
    least_in_size: int = LEAST_IN_SIZE,
    trim_at: float = TRIM_AT,
) -> Weights:
    """Weight the interviews of every wave and commune.

    In each wave and commune by itself. 1. Base weight: households of the team over its interviews, which
    is the inverse of the chance of being drawn times the team's response; households of teams without an
    interview are carried by the commune's other teams in proportion. 2. Raked to two margins: households
    of each team, and the commune's households by size (shares of the census of 2019). Sizes with fewer
    than `least_in_size` interviews join a neighbour, and so do the smallest ones as long as the two
    margins cannot both be met. An interview without household size takes part in the first margin
    only. 3. Trimmed: what lies above `trim_at` times the commune's mean is cut and spread over the others,
    until nothing lies above. The commune's sum is kept; the margins then hold approximately, and `gap` says
    how nearly.

    Parameters
    ----------
    panel : DataFrame
        `hhid, wave, team_id, commune_code, hh_size`, one row an interview.
    teams : DataFrame
        `team_id, commune_code, households`.
    communes : DataFrame
        `code` and `hh_size_1 … hh_size_7plus`: households of the census by size.

    Returns
    -------
    Weights
        In the summary, `gap` is the largest relative distance of the final weights to a margin, and `deff`
        what unequal weights cost (n / n_eff); that answers of a team are alike is not in it.

    Raises
    ------
    AreaError
        When interviews and teams are of different lists of areas.
    ContractError
        When an interview's commune is not in the list of communes, a team with interviews has no
        households, or the list of communes lacks the households by size.
    """
    contracts.same_list(panel=panel, teams=teams, communes=communes)
    contracts.same_list(panel=panel, teams=teams)
    _check_known(panel, teams, communes)
    census = communes.set_index("code")[list(CENSUS)].astype("float64")
    rows = pd.DataFrame(index=panel.index, columns=["weight_base", "weight_raked", "weight"])
    rows = rows.astype("float64")
    summary = []
    groups = panel.groupby(["wave", "commune_code"]).indices
    for wave in sorted(panel["wave"].unique()):
        for code, listed in teams.groupby("commune_code"):
            chosen = groups.get((wave, code), np.array([], dtype=np.int64))
            households = listed.set_index("team_id")["households"].astype("float64")
            cell = _Cell(panel.iloc[chosen], households, census.loc[str(code)].to_numpy())
            weighted = cell.weigh(least_in_size, trim_at)
            rows.iloc[chosen] = weighted.columns
            summary.append({"wave": wave, "commune_code": code, **weighted.summary})
    table = pd.DataFrame(summary, columns=SUMMARY)
    named = pd.concat([panel[["hhid", "wave"]], rows], axis=1)
    return Weights(named, contracts.validate(table.astype({"note": "str"}), "weights"))


def add_weights(panel: pd.DataFrame, weights: Weights) -> pd.DataFrame:
    """Return `panel` with the column `weight`."""
    return panel.assign(weight=weights.rows["weight"])


def effective_sample(weight: pd.Series) -> float:
    """Return Kish's effective sample size, (sum w)² / sum w² (Kish 1965, section 11.7); 0 without rows.

    >>> effective_sample(pd.Series([1.0, 1.0, 1.0])), effective_sample(pd.Series([1.0, 3.0]))
    (3.0, 1.6)
    """
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


@dataclass(frozen=True)
class _Weighted:
    columns: Floats
    summary: dict[str, object]


@dataclass(frozen=True)
class _Cell:
    """Interviews of one commune in one wave, households of its teams, its census counts by size."""

    interviews: pd.DataFrame
    teams: pd.Series
    census: Floats

    def weigh(self, least: int, trim_at: float) -> _Weighted:
        total, n = float(self.teams.sum()), len(self.interviews)
        if n == 0:
            empty = {"households": total, "n": 0, "n_teams": 0, "sizes": "", "rounds": 0,
                     "trimmed": 0, "n_eff": 0.0, "note": "no interview"}  # fmt: skip
            return _Weighted(np.empty((0, 3)), empty)
        base, of_teams = self._base(total)
        raked, margins, groups = self._rake(base, of_teams, least)
        weight, trimmed = trim(raked.weight, trim_at)
        n_eff = effective_sample(pd.Series(weight))
        seen = len(of_teams[1])
        summary = {
            "households": total, "n": n, "n_teams": seen, "sizes": " ".join(_names(groups)),
            "rounds": raked.rounds, "trimmed": trimmed, "gap": margin_gap(weight, margins),
            "smallest": weight.min(), "largest": weight.max(), "n_eff": n_eff, "deff": n / n_eff,
            "note": _note(len(self.teams) - seen, len(groups), trimmed),
        }  # fmt: skip
        return _Weighted(np.column_stack([base, raked.weight, weight]), summary)

    def _base(self, total: float) -> tuple[Floats, Margin]:
        codes, names = pd.factorize(self.interviews["team_id"], sort=True)
        households = self.teams.reindex(names).to_numpy(dtype=float)
        targets = households * (total / households.sum())
        return (targets / np.bincount(codes))[codes], (codes.astype(np.int64), targets)

    def _rake(
        self, base: Floats, of_teams: Margin, least: int
    ) -> tuple[Raked, list[Margin], list[list[int]]]:
        """Rake with as many sizes as can be met together with the teams."""
        place = self._size_places()
        counts = np.bincount(place[place >= 0], minlength=len(SIZES))
        while True:
            groups = join_sizes(counts, least, self.census)
            margins = [*_size_margin(place, groups, self.census, base), of_teams]
            raked = rake(base, margins)
            if raked.converged or len(groups) == 1:
                return raked, margins, groups
            least = 1 + min(int(counts[group].sum()) for group in groups)

    def _size_places(self) -> NDArray[np.int64]:
        """Place of each interview's size in `SIZES`; -1 where the size is unknown."""
        size = self.interviews["hh_size"].to_numpy(dtype=float)
        known = np.isfinite(size) & (size >= 1)
        place = np.clip(np.where(known, size, 1), 1, len(SIZES)) - 1
        return np.where(known, place, -1).astype(np.int64)


def _size_margin(
    place: NDArray[np.int64], groups: list[list[int]], census: Floats, base: Floats
) -> list[Margin]:
    """Households by joined size, as many in all as the interviews with a known size stand for."""
    shares = np.array([census[group].sum() for group in groups])
    if len(groups) < 2:
        return []
    lookup = np.array([k for k, group in enumerate(groups) for _ in group] + [-1])
    codes = lookup[place]
    return [(codes, shares / shares.sum() * base[codes >= 0].sum())]


def _note(silent: int, groups: int, trimmed: int) -> str:
    notes = [f"{silent} team(s) without interview carried by the others"] if silent else []
    notes += ["sizes of household not used"] if groups == 1 else []
    notes += ["margins met approximately"] if trimmed else []
    return "; ".join(notes)


def join_sizes(counts: NDArray[np.int64], least: int, census: Floats) -> list[list[int]]:
    """Join neighbouring sizes until each has at least `least` interviews and households in the census.

    The smallest group that lacks them is joined with the smaller of its neighbours, again and again.

    >>> join_sizes(np.array([1, 6, 7, 5, 2, 2, 0]), 5, np.ones(7))
    [[0, 1], [2], [3, 4, 5, 6]]
    """
    groups = [[k] for k in range(len(counts))]
    while len(groups) > 1:
        sums = [int(counts[group].sum()) for group in groups]
        poor = [k for k, group in enumerate(groups) if sums[k] < least or census[group].sum() <= 0]
        if not poor:
            break
        k = min(poor, key=lambda one: sums[one])
        beside = [j for j in (k - 1, k + 1) if 0 <= j < len(groups)]
        low, high = sorted((k, min(beside, key=lambda one: sums[one])))
        groups[low : high + 1] = [groups[low] + groups[high]]
    return groups


def trim(weight: Floats, at: float) -> tuple[Floats, int]:
    """Cut weights above `at` times their mean, spread the excess over the others, keep the sum.

    The others grow in proportion, which may lift further ones above the limit; it is repeated until none
    lies above.

    Parameters
    ----------
    weight : array, shape (n,)
        Above 0.
    at : float
        Above 1, so that the limits of all are more than the sum.

    Returns
    -------
    (array, int)
        Weights, and how many stand at the limit.
    """
    if at <= 1:
        raise ValueError("weights cannot be cut to their mean or below and keep their sum")
    limit, total = at * float(weight.mean()), float(weight.sum())
    weight = weight.astype(np.float64)
    cut = weight > limit
    while cut.any():
        spread = (total - limit * cut.sum()) / weight[~cut].sum()
        weight = np.where(cut, limit, weight * spread)
        more = ~cut & (weight > limit * (1 + 1e-12))
        if not more.any():
            break
        cut |= more
    return weight, int(cut.sum())


def _names(groups: list[list[int]]) -> list[str]:
    return [SIZES[g[0]] if len(g) == 1 else f"{SIZES[g[0]]}-{SIZES[g[-1]]}" for g in groups]


def _check_known(panel: pd.DataFrame, teams: pd.DataFrame, communes: pd.DataFrame) -> None:
    if missing := [name for name in CENSUS if name not in communes]:
        _refuse(f"column(s) {', '.join(missing)} not there", "params/communes.csv")
    problems = {
        "team(s) of interviews outside params/teams.csv": ~panel["team_id"].isin(teams["team_id"]),
        "commune(s) of teams outside params/communes.csv": ~teams["commune_code"].isin(
            communes["code"]
        ),
        "team(s) with interviews and no households": panel["team_id"].isin(
            teams.loc[teams["households"] <= 0, "team_id"]
        ),
    }
    for what, wrong in problems.items():
        if wrong.any():
            _refuse(f"{int(wrong.sum())} row(s): {what}", "params/teams.csv, params/communes.csv")


def _refuse(found: str, where: str) -> NoReturn:
    raise ContractError(
        "Interviews cannot be weighted.",
        expected="a team with households, in a commune with census counts by size of household",
        found=found,
        where=where,
        next_step="complete the lists",
    )
