"""Make the wider definitions of some outcomes, by `params/outcomes_alternative.csv`.

The stricter definitions are in `outcomes`; estimates use those. A broad outcome is 1 wherever the strict one
is 1.
"""

from __future__ import annotations

import pandas as pd

from survey_tools.construct import outcomes
from survey_tools.construct.coding import either, ticked

SUFFIX = "__broad"
PAID_BY_ANYONE = (*outcomes.CASHLESS, "family", "agent")
"""As the company sees it that is paid: whoever sent the money, it came without cash."""


def elec_cashless_last__broad(household: pd.DataFrame) -> pd.Series:
    """Return whether the last electricity bill reached the company without cash."""
    return outcomes.paid(household, "elec_method", PAID_BY_ANYONE)


def water_cashless_last__broad(household: pd.DataFrame) -> pd.Series:
    """Return whether the last water bill reached the company without cash."""
    paid = outcomes.paid(household, "water_method", PAID_BY_ANYONE)
    return outcomes.where_piped(household, paid)


def school_fee_cashless_last__broad(household: pd.DataFrame) -> pd.Series:
    """Return whether the last school fee reached the school without cash."""
    paid = outcomes.paid(household, "tuition_method", PAID_BY_ANYONE)
    return outcomes.where_pupils(household, paid)


def qr_shop_12m__broad(household: pd.DataFrame) -> pd.Series:
    """Return whether the respondent paid a shop or market without cash in 12 months, 30 days among them."""
    in_12_months = either(ticked(household, "pay12", "shop"), ticked(household, "pay12", "market"))
    return either(outcomes.qr_shop_30d(household), in_12_months)


def bought_online_12m__broad(household: pd.DataFrame) -> pd.Series:
    """Return whether the respondent ordered online in 12 months or paid for somebody's online order."""
    return either(outcomes.bought_online_12m(household), ticked(household, "pay12", "online"))


BROAD: dict[str, outcomes.Outcome] = {
    function.__name__: function
    for function in (
        elec_cashless_last__broad,
        water_cashless_last__broad,
        school_fee_cashless_last__broad,
        qr_shop_12m__broad,
        bought_online_12m__broad,
    )
}
"""Outcome -> function, in the order of `params/outcomes_alternative.csv`."""


def add_broad(household: pd.DataFrame) -> pd.DataFrame:
    """Return the broad outcomes of every interview.

    Parameters
    ----------
    household : DataFrame
        Contract `household`. A question that no submission holds counts as not answered.

    Returns
    -------
    DataFrame
        `_id` and one float64 column a broad outcome; index and order of rows as `household`.
    """
    return outcomes.made(household, BROAD)


def compare_definitions(panel: pd.DataFrame, alternatives: pd.DataFrame) -> pd.DataFrame:
    """Set the levels of the outcomes and of their second definitions side by side.

    Parameters
    ----------
    panel : DataFrame
        Contract `panel`.
    alternatives : DataFrame
        `outcome, alternative_to` of `params/outcomes_alternative.csv`.

    Returns
    -------
    DataFrame
        One row a second definition and wave: `outcome, alternative_to, wave, n` (interviews with both),
        `mean_used, mean_alternative` over these, `higher` and `lower` (interviews in which the second
        is the higher, or the lower one), `correlation` (missing where one of them does not vary).
    """
    rows = []
    for new, used in alternatives[["outcome", "alternative_to"]].itertuples(index=False):
        for wave, here in panel.groupby("wave"):
            both = here[[used, new]].dropna()
            rows.append(
                {"outcome": new, "alternative_to": used, "wave": wave, "n": len(both),
                 "mean_used": both[used].mean(), "mean_alternative": both[new].mean(),
                 "higher": int((both[new] > both[used]).sum()),
                 "lower": int((both[new] < both[used]).sum()),
                 "correlation": _correlation(both[used], both[new])}
            )  # fmt: skip
    return pd.DataFrame(rows)


def _correlation(left: pd.Series, right: pd.Series) -> float:
    varies = left.nunique() > 1 and right.nunique() > 1
    return float(left.corr(right)) if varies else float("nan")
