"""Draw what the teams log every month and what officers see at the sites; no household is touched."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.synthetic.draws import Array, only, tick, yes_no
from survey_tools.synthetic.parameters import DistrictParameters

PROBLEMS = (
    "Người cao tuổi khó nhớ mật khẩu, cần thêm thời gian.",
    "Thiếu tờ hướng dẫn chữ to.",
    "Một số cửa hàng chưa muốn nhận chuyển khoản.",
    "Thành viên Tổ bận việc đồng, khó họp đủ.",
)
_TOPIC_CHANCES = {
    "electric": 0.8, "water": 0.5, "tuition": 0.35, "account": 0.6, "wallet": 0.6, "public": 0.6,
    "sell": 0.2, "buy": 0.2, "safe": 0.5, "app": 0.45,
}  # fmt: skip
_SITE_KEYS = (
    "fibre_centre", "cover_4g", "subs_total", "subs_smart", "hh_all", "hh_fibre", "welfare_all",
    "welfare_acct", "teams_active", "villages", "school_level", "school_cashless", "pupils",
    "pupils_cashless", "smart_school", "stalls", "stalls_qr", "stalls_used", "shops", "shops_px",
    "orders", "classes_held",
)  # fmt: skip


def draw_team_months(
    teams: pd.DataFrame, parameters: DistrictParameters, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the monthly logs: a regular team visits a steady few, an intensive one more once it starts.

    Returns
    -------
    DataFrame
        One row a team and month, also those whose log never came (`sent` False): month, commune_code,
        team_id, the counts of the form, start (local time).
    """
    months = pd.period_range(*parameters.log_months, freq="M")
    place = np.repeat(np.arange(len(teams)), len(months))
    frame = teams.loc[place, ["commune_code", "team_id", "intensive"]].reset_index(drop=True)
    frame["month"] = np.tile(months.to_timestamp().to_numpy(), len(teams))
    households = teams["households"].to_numpy(dtype=np.int64)[place]
    started = frame["month"] >= pd.Period(parameters.outreach_from, "M").to_timestamp()
    more = (started & (frame["intensive"] == 1)).to_numpy()
    rate = np.where(more, parameters.log_rate_intensive, parameters.log_rate_regular)
    habit = rng.uniform(0.8, 1.2, len(teams))[place]
    visited = np.minimum(rng.poisson(households * rate * habit), households)
    frame["members"] = rng.integers(4, 10, len(teams))[place]
    frame["hh_total"] = households
    frame = frame.assign(**_work(visited, more, households, rng))
    frame["problem"] = _problems(len(frame), rng)
    frame["sent"] = rng.random(len(frame)) >= parameters.planted.missing_logs
    frame["start"] = _log_times(frame["month"], rng)
    return frame


def draw_sites(
    teams: pd.DataFrame,
    communes: pd.DataFrame,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw the site observations: every commune, school, market, street and the platform, a wave.

    Returns
    -------
    DataFrame
        One row a site and wave: site_type, commune_code (None for the platform), site_id, ref_month,
        the counts of the form (None where not asked), start (local time).
    """
    sites = _list_sites(teams, parameters, rng)
    parts = []
    for number, wave in enumerate(parameters.waves):
        part = sites.assign(wave_no=number, ref_month=wave.last_day.strftime("%Y-%m-01"))
        day = pd.Timestamp(wave.last_day) - pd.to_timedelta(rng.integers(0, 6, len(part)), unit="D")
        part["start"] = day + pd.to_timedelta(rng.integers(480, 990, len(part)) * 60, unit="s")
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    for name in _SITE_KEYS:
        frame[name] = pd.Series([None] * len(frame), dtype=object)
    for kind, fill in (("commune", _communes), ("school", _schools), ("platform", _platform)):
        rows = frame.index[frame["site_type"] == kind]
        for name, values in fill(frame.loc[rows], teams, communes, rng).items():
            frame.loc[rows, name] = np.asarray(values, dtype=object)
    rows = frame.index[frame["site_type"].isin(["market", "street"])]
    for name, values in _trade(frame.loc[rows], rng).items():
        frame.loc[rows, name] = np.asarray(values, dtype=object)
    return frame.sort_values(["start", "site_id"], ignore_index=True)


def _work(
    visited: Array, more: Array, households: Array, rng: np.random.Generator
) -> dict[str, Array]:
    n = len(visited)
    basic = rng.binomial(1, np.where(more, 0.35, 0.12))
    advanced = rng.binomial(1, np.where(more, 0.12, 0.03))
    members = np.minimum(np.round(households * rng.uniform(0.4, 0.9, n)), 5000)
    return {
        "hh_visited": visited,
        "people_guided": visited + rng.poisson(0.5 * visited + 1),
        "topics": np.where(visited > 0, tick(rng, n, _TOPIC_CHANCES, "electric"), "none"),
        "acct_opened": rng.binomial(visited, 0.08),
        "elec_guided": rng.binomial(visited, 0.35),
        "other_guided": rng.binomial(visited, 0.30),
        "shops_qr": rng.poisson(np.where(more, 1.2, 0.4)),
        "sellers_new": rng.poisson(np.where(more, 0.5, 0.15)),
        "class_basic": basic,
        "class_adv": advanced,
        "class_people": (basic + advanced) * rng.integers(8, 30, n),
        "radio_n": rng.integers(2, 20, n),
        "zalo_members": members.astype(np.int64),
        "zalo_posts": rng.poisson(np.where(more, 9, 4)),
        "social_posts": rng.poisson(2, n),
    }


def _problems(n: int, rng: np.random.Generator) -> Array:
    texts = np.array(PROBLEMS, dtype=object)[rng.integers(0, len(PROBLEMS), n)]
    return only(rng.random(n) < 0.1, texts)


def _log_times(months: pd.Series, rng: np.random.Generator) -> Array:
    """In the first days of the next month; the last month already on its last two days."""
    last = months == months.max()
    following = months + pd.offsets.MonthBegin(1)
    day = np.where(last, rng.integers(-2, 0, len(months)), rng.integers(0, 6, len(months)))
    minute = rng.integers(470, 1080, len(months))
    return (following + pd.to_timedelta(day * 1440 + minute, unit="m")).to_numpy()


def _list_sites(
    teams: pd.DataFrame, parameters: DistrictParameters, rng: np.random.Generator
) -> pd.DataFrame:
    codes = np.sort(teams["commune_code"].unique().astype(object))
    part = len(codes) / 27

    def some(kind: str, whole: int) -> list[tuple[str, str, str | None]]:
        number = max(1, round(whole * part))
        drawn = np.concatenate([codes, codes, rng.permutation(codes)])[:number]
        levels = ["preschool"] * len(codes) + ["lowsec"] * len(codes) + ["preschool"] * len(codes)
        school = kind == "school"
        return [(kind, code, levels[k] if school else None) for k, code in enumerate(drawn)]

    rows: list[tuple[str, str | None, str | None]] = [("commune", code, None) for code in codes]
    rows += some("school", parameters.schools)
    rows += some("market", parameters.markets) + some("street", parameters.streets)
    rows.append(("platform", None, None))
    frame = pd.DataFrame(rows, columns=["site_type", "commune_code", "level"])
    frame["site_id"] = [f"S{k + 1:03d}" for k in range(len(frame))]
    frame["size"] = rng.random(len(frame))
    return frame


def _communes(
    rows: pd.DataFrame, teams: pd.DataFrame, communes: pd.DataFrame, rng: np.random.Generator
) -> dict[str, Array]:
    n = len(rows)
    households = communes.set_index("code").loc[rows["commune_code"], "households_2019"].to_numpy()
    subscriptions = np.round(households * (2.4 + 0.4 * rows["size"].to_numpy())).astype(np.int64)
    welfare = np.round(households * 0.09 * rng.uniform(0.9, 1.1, n)).astype(np.int64)
    count = teams.groupby("commune_code").size().loc[rows["commune_code"]].to_numpy()
    return {
        "fibre_centre": yes_no(np.ones(n, dtype=bool)),
        "cover_4g": yes_no(rng.random(n) < 0.96),
        "subs_total": subscriptions,
        "subs_smart": np.round(subscriptions * rng.uniform(0.82, 0.9, n)).astype(np.int64),
        "hh_all": households,
        "hh_fibre": np.round(households * rng.uniform(0.74, 0.88, n)).astype(np.int64),
        "welfare_all": welfare,
        "welfare_acct": np.round(welfare * rng.uniform(0.78, 0.98, n)).astype(np.int64),
        "teams_active": count,
        "villages": count,
    }


def _schools(
    rows: pd.DataFrame, teams: pd.DataFrame, communes: pd.DataFrame, rng: np.random.Generator
) -> dict[str, Array]:
    n = len(rows)
    pupils = np.round(180 + 420 * rows["size"].to_numpy()).astype(np.int64)
    cashless = rng.random(n) < 0.95
    share = rng.uniform(0.52, 0.72, n) + 0.03 * rows["wave_no"].to_numpy()
    functions = {"eattend": 0.5, "econtact": 0.8, "efee": cashless.astype(float), "elearn": 0.3}
    return {
        "school_level": rows["level"].to_numpy(),
        "school_cashless": yes_no(cashless),
        "pupils": pupils,
        "pupils_cashless": np.where(cashless, np.round(pupils * share), 0).astype(np.int64),
        "smart_school": tick(rng, n, functions, "none"),
    }


def _trade(rows: pd.DataFrame, rng: np.random.Generator) -> dict[str, Array]:
    stalls = np.round(25 + 90 * rows["size"].to_numpy()).astype(np.int64)
    with_code = rng.binomial(stalls, 0.5 + 0.05 * rows["wave_no"].to_numpy())
    return {"stalls": stalls, "stalls_qr": with_code, "stalls_used": rng.binomial(with_code, 0.7)}


def _platform(
    rows: pd.DataFrame, teams: pd.DataFrame, communes: pd.DataFrame, rng: np.random.Generator
) -> dict[str, Array]:
    wave = rows["wave_no"].to_numpy()
    shops = 640 + 90 * wave + rng.integers(0, 30, len(rows))
    return {
        "shops": shops,
        "shops_px": np.round(shops * 0.82).astype(np.int64),
        "orders": 2100 + 450 * wave + rng.integers(0, 200, len(rows)),
        "classes_held": 3 + 8 * wave,
    }
