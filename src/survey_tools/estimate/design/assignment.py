"""Draw which teams give intensive outreach; does not read or write files.

The same function that drew the assignment can redraw it, so randomisation inference can follow it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def draw_assignment(
    teams: pd.DataFrame, *, cluster: str, stratum: str, rng: np.random.Generator
) -> pd.Series:
    """Draw half of the clusters of each stratum.

    Strata and clusters are taken in sorted order, so the draw does not depend on the order of rows. A
    stratum with an odd number of clusters gives the extra one to either arm with probability 1/2.

    Parameters
    ----------
    teams : DataFrame
        One row a cluster, with columns `cluster` and `stratum`.
    cluster, stratum : str
        Column names.
    rng : numpy.random.Generator

    Returns
    -------
    Series
        1 for the drawn clusters, 0 for the others; index as `teams`.
    """
    drawn: set[str] = set()
    for _, members in teams.sort_values([stratum, cluster]).groupby(stratum, sort=True)[cluster]:
        names = list(members)
        extra = int(rng.integers(2)) if len(names) % 2 else 0
        drawn.update(rng.permutation(names)[: len(names) // 2 + extra])
    return teams[cluster].isin(drawn).astype("int64").rename("intensive")
