"""Summarise a family of outcomes in one index; chooses no family by looking at results."""

from __future__ import annotations

import numpy as np
import pandas as pd

FAMILIES: dict[str, tuple[str, ...]] = {
    "cashless_index": (
        "elec_cashless_last",
        "water_cashless_last",
        "school_fee_cashless_last",
        "welfare_account_last",
        "qr_shop_30d",
        "cashless_share_last10",
    ),
    "ecommerce_index": (
        "bought_online_12m",
        "sold_online_12m",
        "district_platform_12m",
        "online_income_1m",
    ),
}
"""Index -> its outcomes; every one of them is better when higher."""

LEAST_COMPONENTS = 2


def indices(
    panel: pd.DataFrame,
    families: dict[str, tuple[str, ...]] = FAMILIES,
    *,
    treatment: str = "intensive",
    least: int = LEAST_COMPONENTS,
) -> pd.DataFrame:
    """Return one index a family (Kling, Liebman and Katz 2007, section 3.2).

    Each outcome is standardised by the mean and standard deviation of the regular-outreach group in the
    same wave; the index is the mean of the standardised outcomes that the household has. A household
    needs `least` of them, so that an index is never one outcome in disguise. An outcome that does
    not vary in the regular group of a wave cannot be standardised and is left out in that wave.

    Parameters
    ----------
    panel : DataFrame
        `wave`, `treatment` (0 = regular outreach) and the outcomes.
    families : dict
        Index -> outcomes.
    treatment : str
        Column of the arm.
    least : int
        Outcomes that a household must have.

    Returns
    -------
    DataFrame
        One float64 column an index, in standard deviations; index as `panel`.
    """
    return pd.DataFrame(
        {
            name: _mean_of_standardised(panel, list(outcomes), treatment, least)
            for name, outcomes in families.items()
        },
        index=panel.index,
    )


def add_indices(panel: pd.DataFrame, **options: object) -> pd.DataFrame:
    """Return `panel` with the columns of `indices`."""
    return panel.assign(**dict(indices(panel, **options).items()))  # type: ignore[arg-type]


def _mean_of_standardised(
    panel: pd.DataFrame, outcomes: list[str], treatment: str, least: int
) -> pd.Series:
    regular = panel[treatment] == 0
    groups = panel.loc[regular].groupby("wave")[outcomes]
    mean, sd = groups.mean(), groups.std().where(lambda s: s > 1e-12)
    wave = panel["wave"]
    centre = mean.reindex(wave).to_numpy(dtype=float)
    scale = sd.reindex(wave).to_numpy(dtype=float)
    z = pd.DataFrame((panel[outcomes].to_numpy(dtype=float) - centre) / scale, index=panel.index)
    enough = z.notna().sum(axis=1) >= least
    return z.mean(axis=1).where(enough, np.nan)
