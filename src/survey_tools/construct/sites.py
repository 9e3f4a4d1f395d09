"""Make the shares and flags that the site form allows; keeps every answer beside them."""

from __future__ import annotations

import pandas as pd

from survey_tools import contracts
from survey_tools.construct.coding import coded, number, ticked

SHARES = {
    "share_smartphone_subscriptions": ("subs_smart", "subs_total"),
    "share_households_fibre": ("hh_fibre", "hh_all"),
    "share_welfare_account": ("welfare_acct", "welfare_all"),
    "share_teams_active": ("teams_active", "villages"),
    "share_pupils_cashless": ("pupils_cashless", "pupils"),
    "share_stalls_qr": ("stalls_qr", "stalls"),
    "share_stalls_used": ("stalls_used", "stalls"),
    "share_shops_local": ("shops_px", "shops"),
}
"""Share -> its part and its whole, both counts of the form."""

FLAGS = {
    "centre_fibre": "fibre_centre",
    "mobile_cover": "cover_4g",
    "collects_cashless": "school_cashless",
}
"""Flag -> the question with yes and no."""


def build_sites(site: pd.DataFrame) -> pd.DataFrame:
    """Build the contract `sites`: the site form's rows with the shares of `SHARES` and flags.

    A share is missing where its part or whole is, where the whole is 0, and where the part exceeds the
    whole (an error in the report that no share can stand for).
    """
    shares = {name: _share(site, part, whole) for name, (part, whole) in SHARES.items()}
    made = site.assign(**shares, **_flags(site)).reset_index(drop=True)
    return contracts.validate(made, "sites")


def _flags(site: pd.DataFrame) -> dict[str, pd.Series]:
    """Say yes (1) or no (0) of a site, missing where the form does not ask."""
    flags = {
        name: coded(site, question, one=("yes",), zero=("no",)) for name, question in FLAGS.items()
    }
    paid = number(site, "welfare_acct")
    flags["pays_accounts"] = paid.gt(0).astype("float64").where(paid.notna())
    flags["smart_school_any"] = 1 - ticked(site, "smart_school", "none")
    return flags


def _share(site: pd.DataFrame, part: str, whole: str) -> pd.Series:
    share = number(site, part) / number(site, whole).where(lambda n: n > 0)
    return share.where(share <= 1)
