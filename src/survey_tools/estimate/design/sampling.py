"""Draw the households to interview within each team; does not read or write files."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design.columns import require_columns


def draw_sample(
    households: pd.DataFrame, per_cluster: int, seed: int, *, cluster: str, household: str
) -> pd.DataFrame:
    """Draw households within each cluster, each with the same chance, without replacement.

    The draw does not depend on the order of rows. A cluster with no more than `per_cluster` households is
    taken whole.

    Parameters
    ----------
    households : DataFrame
        One row a household that can be drawn.
    per_cluster : int
        Households drawn of each cluster.
    seed : int
    cluster, household : str
        Columns: the cluster of each household, and what tells households apart.

    Returns
    -------
    DataFrame
        Rows drawn, in the order of `households`, with the further columns `inclusion_probability` and
        `weight`, its inverse (Horvitz and Thompson 1952, JASA 47:663).

    Raises
    ------
    DesignError
        A column is absent or has gaps, a household stands twice, or `per_cluster` is below 1.
    """
    require_columns(households, [cluster, household])
    gaps = int(households[[cluster, household]].isna().any(axis=1).sum())
    twice = int(households[household].duplicated().sum())
    if gaps or twice or per_cluster < 1:
        raise DesignError(
            "The list of households cannot be drawn from.",
            expected=f"one row a {household} with its {cluster}, and at least 1 household a cluster",
            found=f"{gaps} row(s) with gaps, {twice} repeated, {per_cluster} a cluster",
            where=f"columns {cluster}, {household}",
        )
    names = [households[column].astype(str).to_numpy() for column in (household, cluster)]
    order = np.lexsort(names)
    number = np.random.default_rng(seed).random(len(order))
    groups = names[1][order]
    by_number = np.lexsort([number, groups])
    _, starts, sizes = np.unique(groups, return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(starts, sizes)
    chosen = rank < per_cluster
    rows = order[by_number[chosen]]
    chance = np.minimum(per_cluster / np.repeat(sizes, sizes)[chosen], 1.0)
    back = np.argsort(rows)
    drawn = households.iloc[rows[back]]
    return drawn.assign(inclusion_probability=chance[back], weight=1 / chance[back])
