"""Make the variables by which the statements of the news item are measured, beyond the outcomes.

One script for all waves. Each function takes the cleaned interviews and returns float64 with the same index,
missing where the question does not apply or was not answered. Not here: which statement a variable
measures (`params/claim_readings.csv`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.construct.coding import coded, column, either, number, ticked
from survey_tools.construct.exposure import heard_loudspeaker
from survey_tools.construct.outcomes import school_fee_cashless_last
from survey_tools.contracts import same_list

Variable = Callable[[pd.DataFrame], pd.Series]

SKILLS = ("sk_app", "sk_pay", "sk_qr", "sk_order", "sk_safe")
SKILL_POINTS = {"alone": 2.0, "help": 1.0, "no": 0.0}
SCALE = tuple("12345")
UPPER = ("4", "5")
ASKED_FROM = 10
"""Age from which a member is asked for an own telephone."""

_YES, _NO = ("yes",), ("no",)
_KEYS = ["hhid", "wave", "commune_code", "team_id"]
_FINISHED_UPPER = ("upsec", "vocational", "higher")
_FINISHED_LESS = ("none", "primary", "lowsec")
_HELD = ("grocery", "house", "bakery", "pharmacy", "small")

LOG_COUNTS = (
    "hh_visited", "people_guided", "acct_opened", "elec_guided", "other_guided", "shops_qr",
    "sellers_new", "class_basic", "class_adv", "class_people", "radio_n", "zalo_members", "zalo_posts",
    "social_posts",
)  # fmt: skip
"""Counts of the monthly log that go to the analysis; the team leader's remarks do not."""

IN_JUNE = ("acct_opened", "elec_guided", "other_guided")
"""Counts of which those of the months of June stand beside, as `<name>_june`."""

_JUNE = 6


def skill_points(household: pd.DataFrame) -> pd.Series:
    """Return the points of five skills, 0 to 10: two for alone, one for with help."""
    points = [column(household, name).map(SKILL_POINTS).astype("float64") for name in SKILLS]
    return pd.concat(points, axis=1).sum(axis=1, skipna=False)


def otp_kept(household: pd.DataFrame) -> pd.Series:
    """Return whether the respondent knows not to tell a caller the one-time code."""
    return coded(household, "kn_otp", one=_NO, zero=_YES)


def trust_points(household: pd.DataFrame) -> pd.Series:
    """Return trust in paying by phone, 1 to 5."""
    return number(household, "trust_pay")


def any_channel(household: pd.DataFrame) -> pd.Series:
    """Return whether loudspeaker, Zalo group or any other channel reached the respondent."""
    others = 1 - ticked(household, "channels", "none")
    return either(either(heard_loudspeaker(household), zalo_member(household)), others)


def zalo_member(household: pd.DataFrame) -> pd.Series:
    """Return whether the respondent is in a Zalo group of the village or commune."""
    return coded(household, "zalo_group", one=("rare", "week", "day"), zero=_NO)


def zalo_weekly(household: pd.DataFrame) -> pd.Series:
    """Return whether the respondent reads such a group at least weekly."""
    return coded(household, "zalo_group", one=("week", "day"), zero=("rare", *_NO))


def hands_on(household: pd.DataFrame) -> pd.Series:
    """Return whether the team showed it or let the respondent do it, among those it guided."""
    return coded(household, "team_how", one=("showed", "practice"), zero=("told", "did"))


def qr_times_week(household: pd.DataFrame) -> pd.Series:
    """Return QR payments or transfers in 7 days; 0 where none was made in 30 days."""
    none = coded(household, "qr30", one=_YES, zero=_NO) == 0
    return number(household, "qr7_n").mask(none, 0.0)


def school_fee_58(household: pd.DataFrame) -> pd.Series:
    """Return whether the last school fee was paid without cash, with a preschool or lower-secondary pupil."""
    pupil = either(
        ticked(household, "school_level", "preschool"), ticked(household, "school_level", "lowsec")
    )
    return school_fee_cashless_last(household).where(pupil == 1)


def biz_trouble(household: pd.DataFrame) -> pd.Series:
    """Return whether the business has any difficulty with payment without cash."""
    return 1 - ticked(household, "biz_diff", "none")


def campaign_part(household: pd.DataFrame) -> pd.Series:
    """Return whether the respondent took part in the latest peak campaign."""
    first = either(ticked(household, "campaign", "open"), ticked(household, "campaign", "elec"))
    return either(first, ticked(household, "campaign", "other"))


def account_june_2024(household: pd.DataFrame) -> pd.Series:
    """Return whether the first account was opened in June 2024, of all adults; dk is missing."""
    when = column(household, "acct_when")
    other = when.notna() & ~when.isin(["jun2024", "dk"])
    opened = when.eq("jun2024").astype("float64").where(when.eq("jun2024") | other)
    return opened.mask(coded(household, "acct", one=_YES, zero=_NO) == 0, 0.0)


def farms(household: pd.DataFrame) -> pd.Series:
    """Return whether the household makes or sells rice, other crops or livestock."""
    return either(ticked(household, "sells", "rice"), ticked(household, "sells", "livestock"))


def _code(name: str, one: Sequence[str], zero: Sequence[str]) -> Variable:
    return lambda household: coded(household, name, one=tuple(one), zero=tuple(zero))


def _tick(name: str, choice: str) -> Variable:
    return lambda household: ticked(household, name, choice)


def _upper(name: str) -> Variable:
    return _code(name, UPPER, [code for code in SCALE if code not in UPPER])


def _accepts(kind: str) -> Variable:
    def accepts(household: pd.DataFrame) -> pd.Series:
        is_kind = column(household, "biz_type").eq(kind)
        return coded(household, "biz_qr", one=_YES, zero=_NO).where(is_kind)

    return accepts


VARIABLES: dict[str, Variable] = {
    "skill_points": skill_points,
    "otp_kept": otp_kept,
    "trust_points": trust_points,
    "gap_narrowed": _upper("gap_view"),
    "life_better": _upper("life_view"),
    "any_channel": any_channel,
    "heard_social": _tick("channels", "social"),
    "heard_portal": _tick("channels", "portal"),
    "zalo_member": zalo_member,
    "zalo_weekly": zalo_weekly,
    "team_known": _code("team_know", _YES, _NO),
    "hands_on": hands_on,
    "team_pleased": _upper("sat_team"),
    "qr_times_week": qr_times_week,
    "home_fibre": _code("net_fibre", _YES, _NO),
    "home_signal": _code("mobile_signal", ("g45", "g3"), ("none",)),
    "cashed_out": _code("transfer_cashout", ("all",), ("part", "use", "save")),
    "school_fee_58": school_fee_58,
    "qr_market4": _tick("qr_place", "market4"),
    "qr_street": _tick("qr_place", "street"),
    "qr_seasonal": _tick("qr_place", "seasonal"),
    **{f"biz_qr_{kind}": _accepts(kind) for kind in _HELD},
    "biz_cashless_share": lambda household: number(household, "biz_share") / 100,
    "biz_trouble": biz_trouble,
    "older_cashless": _code("eld_how", ("alone", "helped", "team"), ("cash",)),
    "seller_online": _code("sell_online", _YES, _NO),
    "seller_online_share": lambda household: number(household, "sell_share") / 100,
    "campaign_part": campaign_part,
    "account_june_2024": account_june_2024,
    "farms": farms,
}
"""Variable -> function; what they are stands in `params/register/derived.csv`."""


def build_claim_answers(
    household: pd.DataFrame, roster: pd.DataFrame, panel: pd.DataFrame
) -> pd.DataFrame:
    """Build the contract `claim_answers`: one row an interview of the panel.

    Parameters
    ----------
    household, roster : DataFrame
        Contracts `household` and `roster`.
    panel : DataFrame
        Contract `panel`; its interviews, in its order, and the schooling of the respondent.

    Returns
    -------
    DataFrame
        `hhid, wave, commune_code, team_id`, the columns of `VARIABLES`, `upper_secondary` (0/1),
        `persons_10` and `smartphones_10` (members of 10 or more who were asked for an own telephone, and
        those with a smartphone); numbers float64.
    """
    same_list(interviews=household, members=roster, panel=panel)
    made = {name: variable(household).astype("float64") for name, variable in VARIABLES.items()}
    phones = _phones(roster).reindex(household["_id"]).reset_index(drop=True)
    rows = pd.concat([household[["hhid", "wave"]], pd.DataFrame(made)], axis=1)
    rows = pd.concat([rows, phones], axis=1)
    schooling = coded(panel, "resp_edu", one=_FINISHED_UPPER, zero=_FINISHED_LESS)
    keys = panel[_KEYS].assign(upper_secondary=schooling)
    answers = keys.merge(rows, on=["hhid", "wave"], how="left", validate="1:1")
    if len(answers) != len(panel):
        raise AssertionError(
            "rows were lost or doubled while the answers were laid beside the panel"
        )
    return contracts.validate(answers, "claim_answers")


def build_team_months(team_log: pd.DataFrame) -> pd.DataFrame:
    """Build the contract `team_months`: the counts of the monthly logs, one row a team and month.

    Columns `<name>_june` repeat the counts of `IN_JUNE` where the month is June, and are missing elsewhere.
    """
    keys = team_log[["team_id", "commune_code", "month"]]
    counts = {name: number(team_log, name) for name in LOG_COUNTS}
    june = team_log["month"].dt.month.eq(_JUNE)
    counts |= {f"{name}_june": counts[name].where(june) for name in IN_JUNE}
    months = pd.concat([keys, pd.DataFrame(counts, index=team_log.index)], axis=1)
    order = months.sort_values(["team_id", "month"], ignore_index=True)
    return contracts.validate(order, "team_months")


def _phones(roster: pd.DataFrame) -> pd.DataFrame:
    old_enough = number(roster, "m_age") >= ASKED_FROM
    phone = coded(roster, "m_phone", one=("smart",), zero=("none", "basic")).where(old_enough)
    frame = pd.DataFrame(
        {"_id": roster["_id"], "persons_10": phone.notna().astype(float), "smartphones_10": phone}
    )
    counted = frame.groupby("_id")[["persons_10", "smartphones_10"]].sum()
    return counted.where(counted["persons_10"] > 0, np.nan)
