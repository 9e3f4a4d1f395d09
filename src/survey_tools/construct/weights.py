"""Give each interview a survey weight: households of its team over those interviewed, raked to the census.

Estimates nothing; `weight` says how many households of the commune an interview stands for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.construct.raking import Raked, rake
from survey_tools.errors import ContractError

SIZES = ("1", "2", "3", "4", "5", "6", "7plus")
LEAST_IN_SIZE = 5
"""Interviews a size of household needs in a commune and wave; smaller sizes join the next one."""

TRIM_AT = 3.0
"""Weights above this many times the commune's median are cut to it, and the rest is spread."""

SUMMARY = ["wave", "commune_code", "households", "n", "n_teams", "sizes", "rounds", "gap", "trimmed",
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

    In each wave and commune by itself. 1. Base weight: households of the team over its interviews;
    households of teams without an interview are carried by the commune's other teams in proportion.
    2. Raked to two margins: households of each team, and the commune's households by size (shares of the
    census of 2019), sizes with fewer than `least_in_size` interviews joined with a neighbour. An
    interview without household size takes part in the first margin only. 3. Trimmed: what lies above
    `trim_at` times the commune's median is cut and spread over the others, until nothing lies above. The
    commune's sum is kept; the margins then hold approximately.

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

    Raises
    ------
    ContractError
        When an interview's commune is not in the list of communes, or a team with interviews has no
        households.
    """
    _check_known(panel, teams, communes)
    shares = communes.set_index("code")[[f"hh_size_{size}" for size in SIZES]].astype("float64")
    rows = pd.DataFrame(index=panel.index, columns=["weight_base", "weight_raked", "weight"])
    rows = rows.astype("float64")
    summary = []
    groups = panel.groupby(["wave", "commune_code"]).indices
    for wave in sorted(panel["wave"].unique()):
        for code, listed in teams.groupby("commune_code"):
            chosen = groups.get((wave, code), np.array([], dtype=np.int64))
            sizes = teams_households(listed)
            cell = _Cell(panel.iloc[chosen], sizes, shares.loc[str(code)].to_numpy())
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
    """Return Kish's effective sample size, (sum w)² / sum w² (Kish 1965, section 11.7).

    >>> effective_sample(pd.Series([1.0, 1.0, 1.0])), effective_sample(pd.Series([1.0, 3.0]))
    (3.0, 1.6)
    """
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


def teams_households(teams: pd.DataFrame) -> pd.Series:
    """Return the households of each team, by `team_id`."""
    return teams.set_index("team_id")["households"].astype("float64")


@dataclass(frozen=True)
class _Weighted:
    columns: np.ndarray
    summary: dict[str, object]


@dataclass(frozen=True)
class _Cell:
    """Interviews of one commune in one wave, households of its teams, its census counts by size."""

    interviews: pd.DataFrame
    teams: pd.Series
    census: np.ndarray

    def weigh(self, least: int, trim_at: float) -> _Weighted:
        total = float(self.teams.sum())
        n = len(self.interviews)
        if n == 0:
            empty = {"households": total, "n": 0, "n_teams": 0, "sizes": "", "rounds": 0,
                     "trimmed": 0, "n_eff": 0.0, "note": "no interview"}  # fmt: skip
            return _Weighted(np.empty((0, 3)), empty)
        base, team_codes, team_targets = self._base(total)
        size_codes, groups = self._sizes(least)
        raked = self._rake(base, (team_codes, team_targets), size_codes, groups)
        weight, trimmed = trim(raked.weight, trim_at)
        n_eff = effective_sample(pd.Series(weight))
        summary = {
            "households": total, "n": n, "n_teams": len(team_targets),
            "sizes": " ".join(_names(groups)), "rounds": raked.rounds, "gap": raked.gap,
            "trimmed": trimmed, "smallest": weight.min(), "largest": weight.max(),
            "n_eff": n_eff, "deff": n / n_eff, "note": self._note(raked, len(team_targets)),
        }  # fmt: skip
        return _Weighted(np.column_stack([base, raked.weight, weight]), summary)

    def _base(self, total: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        codes, names = pd.factorize(self.interviews["team_id"], sort=True)
        households = self.teams.reindex(names).to_numpy(dtype=float)
        targets = households * (total / households.sum())
        return (targets / np.bincount(codes))[codes], codes, targets

    def _sizes(self, least: int) -> tuple[np.ndarray, list[list[int]]]:
        """Codes of the joined sizes (-1: size unknown) and which sizes each joins."""
        size = self.interviews["hh_size"].to_numpy(dtype=float)
        place = np.where(np.isfinite(size) & (size >= 1), np.clip(size, 1, len(SIZES)) - 1, -1)
        place = place.astype(np.int64)
        groups = join_sizes(np.bincount(place[place >= 0], minlength=len(SIZES)), least)
        lookup = np.array([k for k, group in enumerate(groups) for _ in group] + [-1])
        return lookup[place], groups

    def _rake(
        self,
        base: np.ndarray,
        of_teams: tuple[np.ndarray, np.ndarray],
        size_codes: np.ndarray,
        groups: list[list[int]],
    ) -> Raked:
        census = np.array([self.census[group].sum() for group in groups])
        known = base[size_codes >= 0].sum()
        if len(groups) < 2 or census.sum() == 0:
            return rake(base, [of_teams])
        sizes = (size_codes, census / census.sum() * known)
        return rake(base, [sizes, of_teams])

    def _note(self, raked: Raked, seen: int) -> str:
        notes = []
        if seen < len(self.teams):
            notes.append(f"{len(self.teams) - seen} team(s) without interview carried by the others")
        if not raked.converged:
            notes.append("margins met approximately")
        return "; ".join(notes)


def join_sizes(counts: np.ndarray, least: int) -> list[list[int]]:
    """Join neighbouring sizes until each group has at least `least` interviews.

    The smallest group is joined with the smaller of its neighbours, again and again.

    >>> join_sizes(np.array([1, 6, 7, 5, 2, 2, 0]), 5)
    [[0, 1], [2], [3, 4, 5, 6]]
    """
    groups = [[k] for k in range(len(counts))]
    while len(groups) > 1:
        sums = [int(counts[group].sum()) for group in groups]
        k = int(np.argmin(sums))
        if sums[k] >= least:
            break
        beside = [j for j in (k - 1, k + 1) if 0 <= j < len(groups)]
        j = min(beside, key=lambda one: sums[one])
        low, high = min(j, k), max(j, k)
        groups[low : high + 1] = [groups[low] + groups[high]]
    return groups


def trim(weight: np.ndarray, at: float) -> tuple[np.ndarray, int]:
    """Cut weights above `at` times the median, spread the excess over the others, keep the sum.

    The limit is that of the weights given; it is applied until no weight lies above.

    Returns
    -------
    (array, int)
        Weights, and how many stand at the limit.
    """
    limit = at * float(np.median(weight))
    total, weight = weight.sum(), weight.astype(np.float64)
    cut = weight > limit
    while cut.any():
        rest = weight[~cut].sum()
        spread = (total - limit * cut.sum()) / rest
        weight = np.where(cut, limit, weight * spread)
        more = ~cut & (weight > limit * (1 + 1e-12))
        if not more.any():
            break
        cut |= more
    return weight, int(cut.sum())


def _names(groups: list[list[int]]) -> list[str]:
    return [SIZES[g[0]] if len(g) == 1 else f"{SIZES[g[0]]}-{SIZES[g[-1]]}" for g in groups]


def _check_known(panel: pd.DataFrame, teams: pd.DataFrame, communes: pd.DataFrame) -> None:
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
            raise ContractError(
                "Interviews cannot be weighted.",
                expected="a team with households, in a commune with census counts",
                found=f"{int(wrong.sum())} row(s): {what}",
                where="params/teams.csv, params/communes.csv",
                next_step="complete the lists",
            )
