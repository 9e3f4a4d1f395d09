"""Compare each enumerator with the others of the same wave; names no reason for a difference."""

from __future__ import annotations

import numpy as np
import pandas as pd

MAD_TO_SD = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""


def unusual_shares(rows: pd.DataFrame, *, least: int, z: float, gap: float) -> pd.DataFrame:
    """Return the enumerators whose share lies far from the median enumerator's.

    The distance is measured in the larger of two standard deviations: that of a sample of the
    enumerator's size around the median share, and the robust spread between enumerators (median
    absolute deviation; Rousseeuw and Croux 1993), so that areas which truly differ are not flagged.

    Parameters
    ----------
    rows : DataFrame
        `wave, enumerator_id, value`; `value` 0 or 1, missing rows do not count.
    least : int
        Rows an enumerator needs in a wave to be compared.
    z, gap : float
        Least distance in standard deviations, and as a share.

    Returns
    -------
    DataFrame
        `wave, enumerator_id, n, share, median`, one row an unusual enumerator and wave.
    """
    by_enumerator = rows.dropna(subset="value").groupby(["wave", "enumerator_id"])["value"]
    table = by_enumerator.agg(n="count", share="mean").reset_index()
    table = table.loc[table["n"] >= least]
    by_wave = table.groupby("wave")["share"]
    table = table.assign(median=by_wave.transform("median"))
    deviation = (table["share"] - table["median"]).abs()
    spread = MAD_TO_SD * deviation.groupby(table["wave"]).transform("median")
    p = table["median"].clip(0.5 / table["n"], 1 - 0.5 / table["n"])
    sampling = np.sqrt(p * (1 - p) / table["n"])
    distance: pd.Series = deviation / np.maximum(sampling, spread)
    return table.loc[(distance >= z) & (deviation >= gap)].reset_index(drop=True)
