"""Estimate levels for the district and each commune, by wave and group.

Compares no arms, formats nothing and hides nothing: small cells are the reports' business.

Households count alike: every team has the same number drawn, and teams are of similar size. Intervals
are for teams and households like these, so teams count as a sample; for the teams as they are, all of
which were surveyed, the intervals are wider than need be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from survey_tools.contracts import carry_list
from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design, Floats, numeric, outcome_scales
from survey_tools.estimate.icc import icc
from survey_tools.estimate.levels.proportions import wilson

DISTRICT = "district"
GROUPS = ("all", "intensive", "regular", "women", "men", "age60", "poor", "sellers")
PRIOR_DF = 10.0
"""Degrees of freedom that the variance of the wave lends to the variance of a cell."""

_CELL = ["area", "wave", "group", "outcome"]
_VALUE = "_value"  # no outcome can be called so
_METHODS = {
    True: "Wilson, n_eff = n / deff",
    False: "t, variance moderated, n_eff = n / deff",
}


def levels(
    panel: pd.DataFrame,
    design: Design,
    outcomes: pd.DataFrame | Iterable[str],
    groups: Sequence[str] = GROUPS,
) -> pd.DataFrame:
    """Estimate the mean of each outcome in every area, wave and group.

    Parameters
    ----------
    panel : DataFrame
        One row a household and wave: `wave`, the columns of the design, the outcomes, and 0/1 columns
        `women`, `age60`, `poor`, `sellers` for the groups asked for.
    design : Design
    outcomes : DataFrame with columns `outcome` and `scale`, or names
    groups : sequence of str
        Of `GROUPS`; a household whose group is not known is in neither.

    Returns
    -------
    DataFrame
        Contract `levels` with `deff`, complete over areas, waves, groups and outcomes; a cell without
        answers has n = 0 and no estimate. Areas are `district` and the strata.

    Notes
    -----
    The design effect of a cell is 1 + (m - 1)·ICC, never below 1 (Kish 1965), with m = sum of squared
    answers a team over their sum, and the ICC of teams within communes and waves over the whole panel,
    between 0 and 1: a commune has too few teams to estimate its own. Binary outcomes: Wilson interval
    with n / deff answers (Korn and Graubard 1998; Dean and Pagano 2015), which holds at 0 % and 100 %.
    Others: t with n / deff - 1 + 10 degrees of freedom and the variance of the cell averaged with that
    of its wave, which counts as 10 (Smyth 2004): a cell where all say 0 is not certain. Intervals end
    at the bounds of a share and, for amounts never below 0, at 0.
    """
    design.check_ids(panel)
    scales = outcome_scales(outcomes, panel)
    teams = team_sums(panel, design, scales, groups, area=design.stratum)
    areas = [DISTRICT, *sorted(panel[design.stratum].astype(str).unique())]
    both = pd.concat([teams.assign(area=DISTRICT), teams])
    cells = cell_sums(both, areas, panel, groups, list(scales))
    return carry_list(panel, estimate_cells(cells, panel, design, scales))


def estimate_cells(
    cells: pd.DataFrame, panel: pd.DataFrame, design: Design, scales: dict[str, str]
) -> pd.DataFrame:
    """Turn the sums of `cell_sums` into means with intervals, as `levels` describes."""
    cells = cells.copy()
    cells["estimate"] = cells["total"] / cells["n"].where(cells["n"] > 0)
    cells["deff"] = _design_effect(cells, _team_icc(panel, design, list(scales)))
    cells["binary"] = cells["outcome"].map(scales).eq("binary")
    cells["variance"] = _moderated_variance(cells, _wave_variance(panel, list(scales)))
    low, high = _interval(cells, design.tail)
    floor, ceiling = _bounds(cells["outcome"], scales, panel)
    cells["conf_low"] = np.minimum(np.maximum(low, floor), cells["estimate"])
    cells["conf_high"] = np.maximum(np.minimum(high, ceiling), cells["estimate"])
    cells["numerator"] = cells["total"].round().astype("Int64").where(cells["binary"])
    cells["method"] = cells["binary"].map(_METHODS)
    order = [*_CELL, "estimate", "conf_low", "conf_high", "n", "numerator", "n_teams", "method"]
    return cells[[*order, "deff"]]


def team_sums(
    panel: pd.DataFrame,
    design: Design,
    scales: dict[str, str],
    groups: Sequence[str],
    *,
    area: str,
) -> pd.DataFrame:
    """Sum answers, their values and squares for each team, wave, group and outcome.

    Parameters
    ----------
    area : str
        Column of the area that a row is of; a team lies in one.

    Returns
    -------
    DataFrame
        `area, wave, group, outcome, team, n, total, squares`; only teams with an answer.
    """
    return pd.concat([_sums_of_group(panel, design, scales, group, area) for group in groups])


def cell_sums(
    teams: pd.DataFrame,
    areas: Sequence[str],
    panel: pd.DataFrame,
    groups: Sequence[str],
    outcomes: Sequence[str],
) -> pd.DataFrame:
    """Add up the sums of teams to cells, complete over areas, waves of the panel, groups and outcomes."""
    sums = (
        teams.assign(n_squared=teams["n"].astype(float) ** 2)
        .groupby(_CELL, sort=True)
        .agg(
            n=("n", "sum"),
            total=("total", "sum"),
            squares=("squares", "sum"),
            n_squared=("n_squared", "sum"),
            n_teams=("team", "nunique"),
        )
    )
    waves = sorted(panel["wave"].astype(str).unique())
    grid = pd.MultiIndex.from_product([areas, waves, groups, outcomes], names=_CELL)
    whole = sums.reindex(grid, fill_value=0).reset_index()
    return whole.astype({"n": "int64", "n_teams": "int64"} | dict.fromkeys(_CELL, "str"))


def _sums_of_group(
    panel: pd.DataFrame, design: Design, scales: dict[str, str], group: str, area: str
) -> pd.DataFrame:
    rows = panel.loc[in_group(panel, design, group)]
    keys = {"area": area, "wave": "wave", "team": design.cluster}
    ids = {name: rows[column].astype(str).to_numpy() for name, column in keys.items()}
    wide = pd.DataFrame(ids | {name: numeric(rows, name) for name in scales})
    long = wide.melt(id_vars=list(ids), var_name="outcome", value_name=_VALUE).dropna(
        subset=[_VALUE]
    )
    long = long.assign(group=group, square=long[_VALUE] ** 2)
    by_team = long.groupby([*_CELL, "team"], sort=True)
    sums = by_team.agg(n=(_VALUE, "size"), total=(_VALUE, "sum"), squares=("square", "sum"))
    return sums.reset_index()


def in_group(panel: pd.DataFrame, design: Design, group: str) -> np.ndarray:
    """Say of each row of the panel whether it is of `group`; not where the group is not known."""
    flags = {
        "all": lambda: np.ones(len(panel), dtype=bool),
        "intensive": lambda: numeric(panel, design.treatment) == 1,
        "regular": lambda: numeric(panel, design.treatment) == 0,
        "men": lambda: numeric(panel, "women") == 0,
    }
    if group not in GROUPS:
        raise DesignError("There is no such group.", expected=", ".join(GROUPS), found=group)
    return flags[group]() if group in flags else numeric(panel, group) == 1


def _team_icc(panel: pd.DataFrame, design: Design, outcomes: list[str]) -> dict[str, float]:
    wave = panel["wave"].astype(str)
    team = panel[design.cluster].astype(str) + "|" + wave
    stratum = panel[design.stratum].astype(str) + "|" + wave
    found = {name: icc(numeric(panel, name), team, stratum) for name in outcomes}
    return {name: 0.0 if np.isnan(x) else min(max(x, 0.0), 1.0) for name, x in found.items()}


def _design_effect(cells: pd.DataFrame, team_icc: dict[str, float]) -> pd.Series:
    answers_a_team = cells["n_squared"] / cells["n"].where(cells["n"] > 0)
    return (1 + (answers_a_team - 1) * cells["outcome"].map(team_icc)).clip(lower=1.0)


def _wave_variance(panel: pd.DataFrame, outcomes: list[str]) -> pd.DataFrame:
    values = pd.DataFrame({name: numeric(panel, name) for name in outcomes})
    of_wave = values.groupby(panel["wave"].astype(str).to_numpy()).var(ddof=1)
    return (
        of_wave.rename_axis("wave")
        .reset_index()
        .melt("wave", var_name="outcome", value_name=_VALUE)
    )


def _moderated_variance(cells: pd.DataFrame, wave_variance: pd.DataFrame) -> pd.Series:
    prior = cells[["wave", "outcome"]].merge(wave_variance, how="left", validate="many_to_one")
    own = (cells["squares"] - cells["total"] * cells["estimate"]).clip(lower=0.0)
    return (own + PRIOR_DF * prior[_VALUE]) / (cells["n"] - 1 + PRIOR_DF)


def _interval(cells: pd.DataFrame, tail: float) -> tuple[Floats, Floats]:
    mean = cells["estimate"].to_numpy(dtype=float)
    n_effective = (cells["n"].where(cells["n"] > 0) / cells["deff"]).to_numpy(dtype=float)
    binary = cells["binary"].to_numpy(dtype=bool)
    with np.errstate(invalid="ignore"):
        low, high = wilson(np.where(binary, mean, np.nan), n_effective, tail)
    error = np.sqrt(cells["variance"].to_numpy(dtype=float) / n_effective)
    half = stats.t.ppf(1 - tail, n_effective - 1 + PRIOR_DF) * error
    return np.where(binary, low, mean - half), np.where(binary, high, mean + half)


def _bounds(
    outcomes: pd.Series, scales: dict[str, str], panel: pd.DataFrame
) -> tuple[Floats, Floats]:
    closed = {name: scale in ("binary", "share") for name, scale in scales.items()}
    floored = {
        name: closed[name] or (scale == "amount" and not (numeric(panel, name) < 0).any())
        for name, scale in scales.items()
    }
    floor = np.where(outcomes.map(floored), 0.0, -np.inf)
    return floor, np.where(outcomes.map(closed), 1.0, np.inf)
