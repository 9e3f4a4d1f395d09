"""Answer the respondent's questions: payments, buying, outreach, skills, trust, opinion, closing.

Outcomes are already drawn; the codes here follow from them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.synthetic.answers_household import Answers, period
from survey_tools.synthetic.draws import Array, only, text, yes_no
from survey_tools.synthetic.interviews import Interviews

COMMENTS = (
    "Mong Tổ mở thêm lớp buổi tối.",
    "Nên in hướng dẫn chữ to cho người già.",
    "Mạng ở cuối thôn còn yếu.",
    "Muốn được dạy cách nhận biết lừa đảo.",
    "Đề nghị cửa hàng trong thôn nhận chuyển khoản.",
    "Không có ý kiến gì thêm.",
)
NOTES = (
    "Người trả lời bận việc đồng, phỏng vấn ngắt quãng.",
    "Có người nhà ngồi cùng.",
    "Nhà khó tìm, phải hỏi trưởng thôn.",
    "Người trả lời hơi nặng tai.",
)
_TOPICS = (
    "electric", "water", "tuition", "account", "wallet", "public", "sell", "buy", "safe", "app",
)  # fmt: skip


def answer_payments(iv: Interviews) -> Answers:
    """Section F: account, wallet, paying without cash."""
    account = (iv.respondents["acct"] == "yes").to_numpy()
    wallet = (iv.respondents["wallet"] == "yes").to_numpy()
    qr = iv.yes("qr_shop_30d")
    tenths = np.round(iv.of("cashless_share_last10") * 10)
    return {
        "acct": yes_no(account),
        "acct_when": only(account, period(iv, iv.lasting())),
        "wallet": yes_no(wallet),
        "first_helper": only(account | wallet, _helper(iv)),
        "pay12": _pay12(iv, qr),
        "qr30": yes_no(qr),
        "qr7_n": only(qr, text(np.minimum(iv.rng.poisson(2.6 + iv.x, iv.n), 60))),
        "qr_place": only(qr, _places(iv)),
        "cashless10": text(tenths),
        "why_cash": only(tenths < 10, _why_cash(iv, account)),
    }


def answer_buying(iv: Interviews) -> Answers:
    """Section G: buying online."""
    bought = iv.yes("bought_online_12m")
    recent = bought & (iv.draw() < 0.72)
    last = np.select([recent, bought, iv.draw() < 0.15], ["m3", "m12", "older"], "never")
    where = {
        "shopee": 0.62, "tiktok": 0.45, "lazada": 0.16, "tiki": 0.06, "facebook": 0.38, "zalo": 0.14,
        "district": iv.of("district_platform_12m"), "own": 0.04, "live": 0.1, "other": 0.02,
    }  # fmt: skip
    goods = {
        "clothes": 0.66, "cosm": 0.3, "elec": 0.22, "home": 0.45, "food": 0.25, "farm": 0.06, "books": 0.1,
        "service": 0.12, "other": 0.04,
    }  # fmt: skip
    how = {"cod": 0.62, "codqr": 0.17, "bank": 0.1, "wallet": 0.08, "later": 0.02, "other": 0.01}
    why = {
        "prefer": 0.55, "skill": 0.4, "trust": 0.35, "pay": 0.12, "deliver": 0.08, "device": 0.18,
        "need": 0.3, "other": 0.03,
    }  # fmt: skip
    spent = np.clip(np.round(iv.rng.lognormal(6.4, 0.8, iv.n) / 10) * 10, 10, 60000)
    return {
        "buy_when": last.astype(object),
        "buy_platform": only(bought, iv.tick(where, "shopee")),
        "buy_goods": only(bought, iv.tick(goods, "clothes")),
        "buy_pay": only(bought, iv.choose(how)),
        "buy_amount": only(recent, text(spent)),
        "buy_none": only(~bought, iv.tick(why, "prefer")),
    }


def answer_exposure(iv: Interviews) -> Answers:
    """Section I: contact with the team, classes, other channels."""
    reached, arm = iv.reached, iv.of("intensive") * (iv.of("wave_no") > 0)
    day = iv.of("start").astype("datetime64[M]")
    month = day - np.minimum(iv.rng.integers(0, 6, iv.n), 5).astype("timedelta64[M]")
    topics = {"electric": 0.6, "account": 0.4, "wallet": 0.45, "water": 0.35, "public": 0.4, "tuition": 0.25,
              "sell": 0.15, "buy": 0.2, "safe": 0.35, "app": 0.3}  # fmt: skip
    classes = {
        "basic": 0.05 + 0.05 * arm,
        "advanced": 0.012,
        "payment": 0.04 + 0.06 * arm,
        "other": 0.02,
    }
    others = {"social": 0.4, "portal": 0.08, "tv": 0.35, "school": 0.2, "bank": 0.18, "power": 0.22,
              "union": 0.25, "leaflet": 0.12}  # fmt: skip
    campaign = {
        "open": 0.05,
        "elec": 0.1 + 0.2 * reached,
        "other": 0.05 + 0.08 * reached,
        "heard": 0.25,
    }
    return {
        "team_know": yes_no(reached | (iv.draw() < 0.5 + 0.1 * iv.x)),
        "team_visit": yes_no(reached),
        "team_n": only(reached, text(1 + np.minimum(iv.rng.poisson(0.7 + 1.3 * arm), 20))),
        "team_last": only(
            reached & (iv.draw() < 0.97), np.datetime_as_string(month, unit="M") + "-01"
        ),
        "team_topics": only(reached, iv.tick(topics, "electric")),
        "team_how": only(
            reached, iv.choose({"told": 0.2, "showed": 0.3, "did": 0.22, "practice": 0.28})
        ),
        "class_attend": iv.tick(classes, "none"),
        "zalo_group": iv.choose({"no": 0.5 - 0.2 * iv.x, "rare": 0.22, "week": 0.18, "day": 0.1}),
        "loudspeaker": iv.choose({"never": 0.2, "few": 0.4, "week": 0.28, "day": 0.12}),
        "channels": iv.tick(others, "none"),
        "campaign": iv.tick(campaign, "none"),
    }


def answer_skills(iv: Interviews) -> Answers:
    """Section J: what the respondent can do on a phone; some enumerators write one answer for all."""
    able = 0.42 + 0.22 * iv.x - 0.009 * np.maximum(iv.age - 45, 0) + 0.08 * iv.reached
    shift = {"sk_app": 0.0, "sk_pay": 0.05, "sk_qr": 0.05, "sk_order": -0.08, "sk_safe": -0.15}
    found: Answers = {}
    for name, more in shift.items():
        alone = np.clip(able + more, 0.05, 0.95)
        usual = iv.choose({"alone": alone, "help": 0.55 * (1 - alone), "no": 0.45 * (1 - alone)})
        if name in ("sk_pay", "sk_qr"):
            usual = np.where(iv.yes("qr_shop_30d") & (usual == "no"), "help", usual)
        found[name] = iv.unless_straight(usual, "help")
    return found | {"kn_otp": yes_no(iv.draw() < 0.12 - 0.06 * iv.x)}


def answer_trust(iv: Interviews) -> Answers:
    """Section K: trust; scams only with consent to the sensitive questions."""
    agreed = iv.agreed("consent_sensitive")
    kinds = {"call": 0.36, "link": 0.2, "order": 0.14, "invest": 0.12, "transfer": 0.1, "qr": 0.03,
             "other": 0.02}  # fmt: skip
    seen = iv.tick(kinds, "none")
    loss = {"none": 0.86, "l1": 0.06, "l2": 0.05, "l3": 0.02, "ref": 0.01}
    return {
        "trust_pay": _scale(iv, 3.1),
        "scam_seen": only(agreed, seen),
        "scam_loss": only(agreed & (seen != "none"), iv.choose(loss)),
    }


def answer_elders(iv: Interviews) -> Answers:
    """Section M: respondents of 60 and over."""
    old = iv.age >= 60
    usual = iv.choose({"helped": 0.45, "team": 0.12, "cash": 0.35, "alone": 0.08})
    hard = {"sight": 0.4, "memory": 0.45, "phone": 0.25, "fear": 0.4, "noneed": 0.2, "nohelp": 0.15}
    return {
        "eld_how": only(old, np.where(iv.yes("qr_shop_30d"), "alone", usual)),
        "eld_barrier": only(old, iv.tick(hard, "none")),
    }


def answer_opinion(iv: Interviews) -> Answers:
    """Section O: satisfaction, views, wishes, remarks."""
    chance = {name: 0.12 + 0.1 * (name in ("wallet", "safe", "sell")) for name in _TOPICS}
    return {
        "sat_team": only(iv.reached, _scale(iv, 3.7)),
        "gap_view": _scale(iv, 3.2),
        "life_view": _scale(iv, 3.5),
        "wish": iv.tick(chance, "none"),
        "comment": _sometimes(iv, COMMENTS, 0.08),
    }


def answer_closing(iv: Interviews) -> Answers:
    """Section P: phone and position, each only with its own consent; the enumerator's view.

    The numbers are invented: 030 is given to no mobile network of Viet Nam.
    """
    number = np.floor(iv.lasting() * 9_000_000).astype(np.int64) + 1_000_000
    phones = "030" + pd.Series(number).astype("str").to_numpy(dtype=object)
    lat, lon, height = (np.round(v + s * iv.rng.standard_normal(iv.n), d) for v, s, d in (
        (iv.of("lat"), 0.00003, 6), (iv.of("lon"), 0.00003, 6), (5.0, 1.5, 1)))  # fmt: skip
    accuracy = np.round(iv.rng.uniform(3.5, 12, iv.n), 1)
    rows = zip(lat.tolist(), lon.tolist(), height.tolist(), accuracy.tolist(), strict=True)
    points = np.array([f"{a:.6f} {b:.6f} {c} {d}" for a, b, c, d in rows], dtype=object)
    return {
        "phone_recontact": only(iv.agreed("consent_recontact") & (iv.draw() < 0.93), phones),
        "gps": only(iv.agreed("consent_gps") & (iv.draw() < 0.97), points),
        "enum_quality": iv.choose({"good": 0.78, "fair": 0.19, "poor": 0.03}),
        "enum_note": _sometimes(iv, NOTES, 0.05),
    }


def _helper(iv: Interviews) -> Array:
    team = 0.06 + 0.08 * iv.reached
    young = np.clip((45 - iv.age) / 40, 0, 0.5)
    return iv.choose({
        "self": 0.2 + young, "family": 0.35, "team": team, "bank": 0.18, "power": 0.04, "school": 0.03,
        "shop": 0.04, "other": 0.02,
    })  # fmt: skip


def _pay12(iv: Interviews, qr: Array) -> Array:
    bill = iv.yes("elec_cashless_last") | iv.yes("water_cashless_last")
    chances = {
        "bill": 0.55 * bill, "shop": 1.0 * qr, "market": 0.4 * qr,
        "school": 0.7 * iv.yes("school_fee_cashless_last"), "health": 0.12 + 0.1 * qr,
        "gov": 0.08 + 0.06 * qr, "online": 0.35 * iv.yes("bought_online_12m"), "family": 0.12 + 0.4 * qr,
    }  # fmt: skip
    return iv.tick(chances, "none")


def _places(iv: Interviews) -> Array:
    chances = {
        "grocery": 0.55, "house": 0.15, "bakery": 0.12, "pharmacy": 0.3, "food": 0.38, "market4": 0.08,
        "market": 0.22, "street": 0.07, "seasonal": 0.08, "fuel": 0.3, "other": 0.03,
    }  # fmt: skip
    return iv.tick(chances, "grocery")


def _why_cash(iv: Interviews, account: Array) -> Array:
    phone = (iv.respondents["n_smart"] > 0).to_numpy()
    chances = {
        "habit": 0.62, "skill": 0.28 - 0.12 * iv.x, "nophone": np.where(phone, 0.04, 0.8),
        "noacct": np.where(account, 0.0, 0.6), "trust": 0.22, "fee": 0.05, "seller": 0.35, "signal": 0.06,
        "control": 0.2, "other": 0.02,
    }  # fmt: skip
    return iv.tick(chances, "habit")


def _scale(iv: Interviews, mean: float) -> Array:
    value = np.clip(np.round(iv.rng.normal(mean + 0.4 * iv.x, 0.9)), 1, 5)
    usual = np.where(iv.draw() < 0.03, "dk", text(value))
    return iv.unless_straight(usual, "3")


def _sometimes(iv: Interviews, texts: tuple[str, ...], share: float) -> Array:
    chosen = np.array(texts, dtype=object)[iv.rng.integers(0, len(texts), iv.n)]
    return only(iv.draw() < share, chosen)
