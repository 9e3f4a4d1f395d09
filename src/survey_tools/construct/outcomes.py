"""Make the twelve outcomes that single questions give, by the definitions of `params/outcomes.csv`.

Each function takes the cleaned interviews and returns float64 with the same index, missing where the
question does not apply or was not answered. Wider definitions are in `broad`, indices in `indices`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from survey_tools.construct.coding import coded, column, either, number, ticked

Outcome = Callable[[pd.DataFrame], pd.Series]
"""Makes an outcome of the cleaned interviews."""

CASHLESS = ("autodebit", "bankapp", "ewallet")
IN_CASH_OR_BY_OTHERS = ("cash_collector", "cash_point", "family", "agent")
"""A relative who pays online, or somebody given cash to, is not counted as paying without cash."""

BOUGHT = ("m3", "m12")
NOT_BOUGHT = ("older", "never")

INCOME_MIDDLE = {"b0": 0.0, "b1": 0.5, "b2": 3.0, "b3": 7.5, "b4": 20.0, "b5": 40.0}
"""Middle of each band of `sell_income` in million VND; the open top band counts as 40."""


def elec_cashless_last(household: pd.DataFrame) -> pd.Series:
    """Return whether the last electricity bill was paid without cash, among those with a bill."""
    return paid(household, "elec_method")


def water_cashless_last(household: pd.DataFrame) -> pd.Series:
    """Return whether the last water bill was paid without cash, among those with piped water."""
    return where_piped(household, paid(household, "water_method"))


def school_fee_cashless_last(household: pd.DataFrame) -> pd.Series:
    """Return whether the last school fee was paid without cash, among those with pupils."""
    return where_pupils(household, paid(household, "tuition_method"))


def welfare_account_last(household: pd.DataFrame) -> pd.Series:
    """Return whether the last transfer came into an account or wallet, among recipients."""
    no_transfer = ticked(household, "transfer_types", "none")
    received = coded(household, "transfer_method", one=("account", "wallet"), zero=("cash",))
    return received.where(no_transfer == 0)


def qr_shop_30d(household: pd.DataFrame) -> pd.Series:
    """Return whether the respondent paid a shop or market by QR or transfer in 30 days."""
    return coded(household, "qr30", one=("yes",), zero=("no",))


def cashless_share_last10(household: pd.DataFrame) -> pd.Series:
    """Return the share of the last ten purchases made without cash, 0 to 1."""
    return number(household, "cashless10") / 10


def bought_online_12m(household: pd.DataFrame) -> pd.Series:
    """Return whether the respondent bought online in 12 months."""
    return coded(household, "buy_when", one=BOUGHT, zero=NOT_BOUGHT)


def sold_online_12m(household: pd.DataFrame) -> pd.Series:
    """Return whether the household sold online in 12 months; 0 where it makes and sells nothing."""
    sells_nothing = ticked(household, "sells", "none")
    sold = coded(household, "sell_online", one=("yes",), zero=("no",))
    return sold.mask(sells_nothing == 1, 0.0)


def district_platform_12m(household: pd.DataFrame) -> pd.Series:
    """Return whether it bought or sold on the district platform; 0 where it did neither online."""
    bought = ticked(household, "buy_platform", "district")
    sold = ticked(household, "sell_platform", "district")
    return either(
        bought.mask(bought_online_12m(household) == 0, 0.0),
        sold.mask(sold_online_12m(household) == 0, 0.0),
    )


def online_income_1m(household: pd.DataFrame) -> pd.Series:
    """Return income from online selling last month in million VND; 0 where nothing was sold online.

    Missing for all who did not agree to the sensitive questions, sellers or not: keeping only those of
    them who sold nothing would pull the mean down.
    """
    middle = column(household, "sell_income").map(INCOME_MIDDLE).astype("float64")
    agreed = coded(household, "consent_sensitive", one=("yes",), zero=("no",))
    return middle.mask(sold_online_12m(household) == 0, 0.0).where(agreed == 1)


def scam_seen_12m(household: pd.DataFrame) -> pd.Series:
    """Return whether a scam by network or phone reached the respondent in 12 months.

    A harm: higher is worse. Missing for all who did not agree to the sensitive questions.
    """
    agreed = coded(household, "consent_sensitive", one=("yes",), zero=("no",))
    return (1 - ticked(household, "scam_seen", "none")).where(agreed == 1)


def scam_loss_12m(household: pd.DataFrame) -> pd.Series:
    """Return whether the respondent lost money to such a scam; 0 where none was met.

    Counted over all who agreed to the sensitive questions, because outreach may change who meets a scam.
    """
    seen = scam_seen_12m(household)
    lost = coded(household, "scam_loss", one=("l1", "l2", "l3"), zero=("none",))
    return lost.mask(seen == 0, 0.0).where(seen.notna())


OUTCOMES: dict[str, Outcome] = {
    function.__name__: function
    for function in (
        elec_cashless_last,
        water_cashless_last,
        school_fee_cashless_last,
        welfare_account_last,
        qr_shop_30d,
        cashless_share_last10,
        bought_online_12m,
        sold_online_12m,
        district_platform_12m,
        online_income_1m,
        scam_seen_12m,
        scam_loss_12m,
    )
}
"""Outcome -> function, in the order of `params/outcomes.csv`."""


def add_outcomes(household: pd.DataFrame) -> pd.DataFrame:
    """Return the twelve outcomes of every interview.

    Parameters
    ----------
    household : DataFrame
        Contract `household`. A question that no submission holds counts as not answered.

    Returns
    -------
    DataFrame
        `_id` and one float64 column an outcome; index and order of rows as `household`.
    """
    return made(household, OUTCOMES)


def made(household: pd.DataFrame, outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """Return `_id` and one float64 column an outcome; index and order of rows as `household`."""
    values = {name: outcome(household).astype("float64") for name, outcome in outcomes.items()}
    return pd.DataFrame({"_id": household["_id"], **values}, index=household.index)


def paid(household: pd.DataFrame, question: str, cashless: tuple[str, ...] = CASHLESS) -> pd.Series:
    """Return 1 where a bill was paid in one of the ways `cashless`, 0 in another way, else missing."""
    known = (*CASHLESS, *IN_CASH_OR_BY_OTHERS)
    others = tuple(way for way in known if way not in cashless)
    return coded(household, question, one=cashless, zero=others)


def where_piped(household: pd.DataFrame, values: pd.Series) -> pd.Series:
    """Keep the values of households that pay for piped water."""
    return values.where(coded(household, "water_piped", one=("yes",), zero=("no",)) == 1)


def where_pupils(household: pd.DataFrame, values: pd.Series) -> pd.Series:
    """Keep the values of households with somebody at school."""
    return values.where(ticked(household, "school_level", "none") == 0)
