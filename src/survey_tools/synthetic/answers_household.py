"""Answer the household's questions: access, bills, selling, business, living conditions.

Outcomes are already drawn; the codes here follow from them.
"""

from __future__ import annotations

import numpy as np

from survey_tools.synthetic.draws import Array, only, pick, yes_no
from survey_tools.synthetic.interviews import Interviews

CASHLESS_CODES = ("autodebit", "bankapp", "ewallet")

_CASHLESS = {"autodebit": 0.22, "bankapp": 0.56, "ewallet": 0.22}
_CASH = {"cash_collector": 0.42, "cash_point": 0.22, "family": 0.24, "agent": 0.12}
_SCHOOL_CASHLESS = {"autodebit": 0.06, "bankapp": 0.80, "ewallet": 0.14}
_SCHOOL_CASH = {"cash_collector": 0.15, "cash_point": 0.60, "family": 0.20, "agent": 0.05}

Answers = dict[str, Array]


def answer_access(iv: Interviews) -> Answers:
    """Section D: fibre, ways online, mobile signal."""
    fibre = pick(iv.lasting(), {"yes": 0.79 + 0.06 * iv.x, "no": 0.20 - 0.06 * iv.x, "dk": 0.01})
    has_phone = iv.respondents["n_smart"].to_numpy() > 0
    ways = {
        "fibre": (fibre == "yes").astype(float),
        "mobile": np.where(has_phone, 0.72, 0.02),
        "neighbour": np.where(fibre == "yes", 0.01, 0.16),
    }
    types = iv.tick(ways, "none")
    barriers = {
        "need": 0.45,
        "cost": 0.3,
        "device": 0.35,
        "skill": 0.5,
        "safety": 0.12,
        "cover": 0.06,
    }
    return {
        "net_fibre": fibre,
        "net_types": types,
        "net_barrier": only(types == "none", iv.tick(barriers, "none")),
        "mobile_signal": pick(iv.lasting(), {"g45": 0.88, "g3": 0.11, "none": 0.01}),
    }


def answer_bills(iv: Interviews) -> Answers:
    """Section E: electricity, water, school, transfers."""
    piped = ~np.isnan(iv.of("water_cashless_last"))
    pupils = iv.schools != "none"
    transfers = _transfers(iv)
    received = transfers != "none"
    method = _received(iv)
    account = received & (method == "account")
    after = {"all": 0.30, "part": 0.32, "use": 0.22 + 0.08 * iv.x, "save": 0.15, "dk": 0.01}
    tuition = _paid(iv, "school_fee_cashless_last", _SCHOOL_CASHLESS, _SCHOOL_CASH)
    return {
        "elec_method": _paid(iv, "elec_cashless_last", _CASHLESS, _CASH, iv.parameters.no_bill),
        "water_piped": yes_no(piped),
        "water_method": only(piped, _paid(iv, "water_cashless_last", _CASHLESS, _CASH)),
        "school_level": iv.schools,
        "tuition_method": only(pupils, tuition),
        "transfer_types": transfers,
        "transfer_method": only(received, method),
        "transfer_cashout": only(account, iv.choose(after)),
    }


def answer_selling(iv: Interviews) -> Answers:
    """Section H: products, online selling, income band, barriers."""
    sells, online = iv.yes("sells_any"), iv.yes("sold_online_12m")
    products = {
        "inlay": 0.07, "leather": 0.08, "garment": 0.09, "wood": 0.09, "weave": 0.10, "rice": 0.45,
        "livestock": 0.25, "food": 0.10, "service": 0.14, "other": 0.04,
    }  # fmt: skip
    where = {
        "shopee": 0.25, "tiktok": 0.22, "facebook": 0.62, "zalo": 0.55,
        "district": 0.5 * iv.yes("district_platform_12m"), "live": 0.12, "own": 0.03, "other": 0.02,
    }  # fmt: skip
    barriers = {
        "skill": 0.42, "time": 0.3, "product": 0.3, "trust": 0.2, "fee": 0.15, "device": 0.1,
        "offline": 0.4, "other": 0.03,
    }  # fmt: skip
    named = iv.draw() >= iv.parameters.no_answer
    return {
        "sells": np.where(sells, _lasting_product(iv, products), "none"),
        "sell_online": only(sells, yes_no(online)),
        "sell_platform": only(online, iv.tick(where, "facebook")),
        "sell_since": only(online, period(iv, iv.lasting())),
        "sell_share": only(online, iv.whole(30, 18, 1, 100)),
        "sell_income": only(
            online & iv.agreed("consent_sensitive"), np.where(named, iv.of("income_band"), "ref")
        ),
        "sell_barrier": only(sells & ~online, iv.tick(barriers, "other")),
    }


def answer_business(iv: Interviews) -> Answers:
    """Section L: the household's business and how it is paid."""
    kinds = {
        "grocery": 0.05, "house": 0.015, "bakery": 0.01, "pharmacy": 0.006, "stall": 0.045, "small": 0.06,
        "craft": 0.05, "service": 0.04, "other": 0.01, "none": 0.714,
    }  # fmt: skip
    kind = pick(iv.lasting(), kinds)
    runs = kind != "none"
    takes = runs & (iv.draw() < 0.58 + 0.15 * iv.x + 0.12 * iv.reached)
    troubles = {
        "customer": 0.45, "check": 0.2, "skill": 0.2, "network": 0.12, "tax": 0.15, "fraud": 0.18,
        "cashneed": 0.3,
    }  # fmt: skip
    return {
        "biz_type": kind,
        "biz_qr": only(runs, yes_no(takes)),
        "biz_share": only(takes, iv.whole(35, 18, 0, 100)),
        "biz_diff": only(runs, iv.tick(troubles, "none")),
    }


def answer_status(iv: Interviews) -> Answers:
    """Section N: certified poverty, and income where the sensitive questions were agreed to."""
    poor = pick(
        iv.lasting(),
        {
            "poor": 0.025 - 0.015 * iv.x,
            "near": 0.045 - 0.02 * iv.x,
            "no": 0.92 + 0.035 * iv.x,
            "ref": 0.01,
        },
    )
    level = 1 - 0.4 * iv.x
    bands = {
        "i1": 0.12 * level,
        "i2": 0.24 * level,
        "i3": 0.36,
        "i4": 0.17,
        "i5": 0.05,
        "ref": 0.06,
    }
    agreed = iv.agreed("consent_sensitive") & (iv.draw() < 0.985)
    return {"poor_cert": poor, "income_band": only(agreed, iv.choose(bands))}


def period(iv: Interviews, uniform: Array) -> Array:
    """Since when: a lasting draw over the form's periods, none of them after the interview."""
    late = np.where(iv.of("wave_no") == 0, 0.0, 0.05)
    weights = {
        "pre2023": 0.42, "y2023": 0.17, "h1_2024": 0.1, "jun2024": 0.06, "h2_2024": 0.08, "h1_2025": 0.07,
        "h2_2025": 0.05, "y2026": late, "dk": 0.05,
    }  # fmt: skip
    return pick(uniform, weights)


def _paid(
    iv: Interviews,
    outcome: str,
    cashless: dict[str, float],
    cash: dict[str, float],
    no_bill: float = 0.0,
) -> Array:
    """Choose a way of paying that agrees with the outcome; rarely not known, or no bill."""
    paid = np.where(iv.yes(outcome), iv.choose(cashless), iv.choose(cash))
    unknown = iv.draw()
    odd = np.where(unknown < no_bill, "nobill", "dk")
    return np.where(unknown < no_bill + iv.parameters.dont_know, odd, paid)


def _received(iv: Interviews) -> Array:
    account = pick(iv.draw(), {"account": 0.97, "wallet": 0.03})
    method = np.where(iv.yes("welfare_account_last"), account, "cash")
    return np.where(iv.draw() < iv.parameters.dont_know, "dk", method)


def _transfers(iv: Interviews) -> Array:
    """Kinds of transfers of the households that receive any."""
    old = iv.age >= 60
    kinds = {
        "social": np.where(old, 0.4, 0.3),
        "merit": 0.15,
        "pension": np.where(old, 0.45, 0.2),
        "poor": 0.10,
        "othertr": 0.10,
    }
    receives = ~np.isnan(iv.of("welfare_account_last"))
    return np.where(receives, iv.tick(kinds, "social"), "none")


def _lasting_product(iv: Interviews, products: dict[str, float]) -> Array:
    """One lasting product, sometimes with a second one, written in the order of the form's list."""
    names = list(products)
    first, second = pick(iv.lasting(), products), pick(iv.lasting(), products)
    both = (iv.lasting() < 0.3) & (first != second)
    place = {name: number for number, name in enumerate(names)}
    ordered = [
        " ".join(sorted(pair, key=place.__getitem__)) for pair in zip(first, second, strict=True)
    ]
    return np.where(both, np.array(ordered, dtype=object), first)
