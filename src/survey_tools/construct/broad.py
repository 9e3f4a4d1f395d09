"""Make the wider definitions of some outcomes, by `params/outcomes_alternative.csv`.

The stricter definition, under the same name without `__broad`, is in `outcomes`; estimates use that one.
A broad outcome is 1 wherever the strict one is, and differs from it nowhere but from 0 or missing to 1.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from survey_tools.construct import outcomes
from survey_tools.construct.coding import coded, ticked

SUFFIX = "__broad"
PAID_BY_ANYONE = (*outcomes.CASHLESS, "family", "agent")
"""As the company sees it that is paid: whoever sent the money, it came without cash."""

BY_SOMEBODY_ELSE = ("helped", "team")
BY_ONESELF_OR_NOT = ("alone", "cash")


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


def qr_shop_30d__broad(household: pd.DataFrame) -> pd.Series:
    """Return whether the respondent paid a shop by QR in 30 days or, from 60 on, has others pay so.

    The form asks who does it for them of people from 60 on only, and without a period.
    """
    helped = coded(household, "eld_how", one=BY_SOMEBODY_ELSE, zero=BY_ONESELF_OR_NOT)
    return outcomes.qr_shop_30d(household).mask(helped == 1, 1.0)


def bought_online_12m__broad(household: pd.DataFrame) -> pd.Series:
    """Return whether the respondent ordered online in 12 months or paid for somebody's online order."""
    paid_online = ticked(household, "pay12", "online")
    return outcomes.bought_online_12m(household).mask(paid_online == 1, 1.0)


BROAD: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    function.__name__: function
    for function in (
        elec_cashless_last__broad,
        water_cashless_last__broad,
        school_fee_cashless_last__broad,
        qr_shop_30d__broad,
        bought_online_12m__broad,
    )
}
"""Outcome -> function, in the order of `params/outcomes_alternative.csv`."""


def add_broad(household: pd.DataFrame) -> pd.DataFrame:
    """Return the broad outcomes of every interview.

    Parameters
    ----------
    household : DataFrame
        Contract `household`.

    Returns
    -------
    DataFrame
        `_id` and one float64 column a broad outcome; index and order of rows as `household`.
    """
    values = {name: outcome(household).astype("float64") for name, outcome in BROAD.items()}
    return pd.DataFrame({"_id": household["_id"], **values}, index=household.index)
