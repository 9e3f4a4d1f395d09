"""Compare each enumerator with the others; names no reason for a difference."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.clean.checks.base import MAD_TO_SD

BEYOND_DOUBT = 0.001
"""P-value, times the number of enumerators, below which one is no example for the others."""


def unusual_shares(
    rows: pd.DataFrame, *, least: int, z: float, gap: float, within: bool = False
) -> pd.DataFrame:
    """Return the enumerators whose share lies far from the median enumerator's.

    The distance is measured in the larger of two standard deviations: that of a sample of the
    enumerator's size around the median share, and the robust spread between enumerators (median
    absolute deviation; Rousseeuw and Croux 1993), so that areas which truly differ are not flagged.

    Parameters
    ----------
    rows : DataFrame
        `wave, enumerator_id, value`; `value` 0 or 1 (with `within` a share), missing rows do not count.
    least : int
        Rows an enumerator needs in a wave to be compared.
    z, gap : float
        Least distance in standard deviations, and as a share.
    within : bool
        Take the spread of a row from the median enumerator's own rows, not from that of a 0 or 1.

    Returns
    -------
    DataFrame
        `wave, enumerator_id, n, share, median`, one row an unusual enumerator and wave.
    """
    by_enumerator = rows.dropna(subset="value").groupby(["wave", "enumerator_id"])["value"]
    table = by_enumerator.agg(n="count", share="mean", own="var").reset_index()
    table = table.loc[table["n"] >= least]
    by_wave = table.groupby("wave")["share"]
    table = table.assign(median=by_wave.transform("median"))
    deviation = (table["share"] - table["median"]).abs()
    spread = MAD_TO_SD * deviation.groupby(table["wave"]).transform("median")
    p = table["median"].clip(0.5 / table["n"], 1 - 0.5 / table["n"])
    variance = table.groupby("wave")["own"].transform("median") if within else p * (1 - p)
    distance: pd.Series = deviation / np.maximum(np.sqrt(variance / table["n"]), spread)
    found = table.loc[(distance >= z) & (deviation >= gap)]
    return found.drop(columns="own").reset_index(drop=True)


def enumerator_effects(rows: pd.DataFrame, *, least: int) -> pd.DataFrame:
    """Test of each enumerator and outcome whether the mean differs from that of the other enumerators.

    Households of a team are alike and an enumerator visits whole teams, so the unit is the team in a
    wave: its mean, weighted by its answers. Wave means are taken out. The spread between teams of the
    same enumerator gives the standard error (one-way analysis of variance; its F test of all enumerators
    together is `f_p_value`), and the p-values of all enumerators and outcomes are adjusted together
    (Benjamini and Hochberg 1995). An enumerator who differs beyond doubt does not count among the others,
    so that one who leads people does not make all others look unlike.

    Parameters
    ----------
    rows : DataFrame
        `wave, team_id, enumerator_id, variable, y`; one row an answer.
    least : int
        Teams that an enumerator needs to be compared.

    Returns
    -------
    DataFrame
        `variable, enumerator_id, teams, n, difference` (mean less that of the others), `std_error,
        p_value, q_value, f_p_value`; one row an enumerator and variable.
    """
    parts = [_effects(part, str(name), least) for name, part in rows.groupby("variable", sort=True)]
    filled = [part for part in parts if len(part)]
    if not filled:
        empty = pd.DataFrame(columns=[*_EFFECTS, "q_value"])
        text = dict.fromkeys(("variable", "enumerator_id"), "str")
        return empty.astype({**dict.fromkeys(empty.columns, "float64"), **text})
    table = pd.concat(filled, ignore_index=True)
    return table.assign(q_value=benjamini_hochberg(table["p_value"]))


def benjamini_hochberg(p_values: pd.Series) -> pd.Series:
    """Adjust p-values so that those below alpha hold a share of alpha false ones at most.

    Benjamini and Hochberg (1995); missing ones stay missing and do not count.

    Examples
    --------
    >>> benjamini_hochberg(pd.Series([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    known = p_values.dropna().sort_values(ascending=False)
    rank = np.arange(len(known), 0, -1)
    adjusted = (known * len(known) / rank).cummin().clip(upper=1.0)
    return adjusted.reindex(p_values.index)


_EFFECTS = [
    "variable", "enumerator_id", "teams", "n", "difference", "std_error", "p_value", "f_p_value",
]  # fmt: skip


def _effects(rows: pd.DataFrame, name: str, least: int) -> pd.DataFrame:
    cells = rows.groupby(["wave", "enumerator_id", "team_id"])["y"].agg(["mean", "size"])
    cells = cells.reset_index().rename(columns={"size": "w"})
    cells["wy"] = cells["w"] * cells["mean"]
    by_wave = cells.groupby("wave")[["w", "wy"]].transform("sum")
    cells["wr"] = cells["w"] * (cells["mean"] - by_wave["wy"] / by_wave["w"])
    cells["wrr"] = cells["wr"] ** 2 / cells["w"]
    table = cells.groupby("enumerator_id").agg(
        teams=("w", "size"), n=("w", "sum"), wr=("wr", "sum"), wrr=("wrr", "sum")
    )
    within = float((table["wrr"] - table["wr"] ** 2 / table["n"]).sum())
    groups, df = len(table), len(cells) - len(table) - cells["wave"].nunique() + 1
    if groups < 2 or df < 1 or within <= 0:
        return pd.DataFrame(columns=_EFFECTS)
    tested = _tested(table.reset_index(), within / df, df).assign(variable=name)
    return tested.loc[tested["teams"] >= least, _EFFECTS]


def _tested(table: pd.DataFrame, variance: float, df: int) -> pd.DataFrame:
    """Compare each with the others; one beyond doubt is taken out of the others before the next look."""
    from scipy import special  # takes a fifth of a second

    n, wr = table["n"].to_numpy(dtype=float), table["wr"].to_numpy()
    usual = np.ones(len(table), dtype=bool)
    while True:
        n_others = (n * usual).sum() - n * usual
        wr_others = (wr * usual).sum() - wr * usual
        difference = wr / n - wr_others / n_others
        std_error = np.sqrt(variance * (1 / n + 1 / n_others))
        p_value = 2 * special.stdtr(df, -np.abs(difference / std_error))
        worst = int(np.argmin(np.where(usual, p_value, 1.0)))
        if p_value[worst] * len(table) >= BEYOND_DOUBT or usual.sum() <= 2:
            break
        usual[worst] = False
    between = ((wr**2 / n).sum() - wr.sum() ** 2 / n.sum()) / (len(table) - 1)
    return table.assign(
        difference=difference,
        std_error=std_error,
        p_value=p_value,
        f_p_value=float(special.fdtrc(len(table) - 1, df, between / variance)),
    )
