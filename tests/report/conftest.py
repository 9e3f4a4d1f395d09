"""A workspace with made-up results of every kind: large cells, few answers, hidden cells, missing rows."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evidence_frames import make_evidence

from survey_tools import contracts, params
from survey_tools.areas import read_areas
from survey_tools.report.shown import share_results

ROOT = Path(__file__).parents[2]
GROUPS = {
    "all": 1.0,
    "intensive": 0.5,
    "regular": 0.5,
    "women": 0.55,
    "men": 0.45,
    "age60": 0.3,
    "poor": 0.12,
    "sellers": 0.4,
}
BASE = {"water_cashless_last": 0.6, "school_fee_cashless_last": 0.45}
RATE = {
    "elec_cashless_last": 0.85,
    "qr_shop_30d": 0.4,
    "sold_online_12m": 0.06,
    "district_platform_12m": 0.05,
}
ESTIMANDS = [
    "itt", "itt_unadjusted", "itt_lin", "did", "itt_weighted", "itt_ipw_attrition", "naive", "late",
    "aipw_att", "dose_slope", "dose_iv", "spillover", "placebo_baseline",
]  # fmt: skip
CHOICES = {
    "why_cash": ["habit", "skill", "nophone", "trust", "seller", "other"],
    "wish": ["electric", "wallet", "safe", "app", "none"],
}


@pytest.fixture(scope="session")
def ws(tmp_path_factory):
    """Workspace with results made from households that were never anybody's."""
    ws = make_workspace(tmp_path_factory.mktemp("workspace"))
    share_results(ws)  # what may be shown is decided once, as a batch does
    return ws


def make_workspace(root):
    shutil.copytree(ROOT / "params", root / "params")
    ws = params.open_workspace(root / "params" / "study.yml")
    rng = np.random.default_rng(7)
    outcomes = ws.table("outcomes").set_index("outcome")
    teams = ws.table("teams")
    households = make_households(teams, outcomes, rng)
    tables = {
        "levels": make_levels(households, outcomes),
        "levels_by_area": make_levels_by_area(households, outcomes, read_areas(ws.file("areas"))),
        "choices": make_choices(households, rng),
        "effects": make_effects(outcomes, rng),
        "communes": make_communes(teams, outcomes, rng),
        "balance": make_balance(rng),
        "attrition": make_attrition(households),
    }
    plan, main = ws.plan, ws.study.report.main_outcomes
    tables |= make_evidence(
        tables["effects"], outcomes, plan, main, sorted(teams["commune_code"].unique())
    )
    for name, table in tables.items():
        contracts.write_table(table, ws.results, name)
    contracts.write_table(make_labels(), ws.clean, "labels")
    flow = [
        (0, "drawn", "w1", "all households drawn", 0, 1848),
        (1, "clean", "w1", "training", 9, 1839),
    ]
    columns = ["step", "stage", "wave", "reason", "dropped", "remaining"]
    contracts.write_parquet(pd.DataFrame(flow, columns=columns), ws.results / "flow.parquet")
    joint = {"statistic": 1.1, "df1": 5.0, "df2": 153.0, "p_value": 0.36, "n": 1700, "n_teams": 154}
    contracts.write_parquet(pd.DataFrame([joint]), ws.results / "balance_joint.parquet")
    pull = {
        "form": "household",
        "rows": 5204,
        "finished": "2026-11-20T08:00:00Z",
        "proof": "5204 of 5204 rows counted by the server",
        "server": "sandbox",
    }
    record = {"made": "2026-11-20T08:05:00Z", "commit": "0123456789ab", "pulls": [pull]}
    (ws.results / "provenance.json").write_text(json.dumps(record))
    return ws


def make_households(teams, outcomes, rng):
    frame = teams.loc[teams.index.repeat(12), ["team_id", "commune_code", "intensive"]]
    frame = frame.reset_index(drop=True)
    parts = []
    for number, wave in enumerate(("w1", "w2", "w3")):
        part = frame.assign(wave=wave, here=rng.random(len(frame)) < 0.93)
        for group, share in GROUPS.items():
            part[group] = rng.random(len(frame)) < share
        part["all"], part["women"] = True, ~part["men"]
        part["intensive"], part["regular"] = frame["intensive"].eq(1), frame["intensive"].eq(0)
        for outcome in outcomes.index:
            rate = RATE.get(outcome, 0.3) + 0.05 * number + 0.04 * number * frame["intensive"]
            asked = rng.random(len(frame)) < BASE.get(outcome, 1)
            scale = outcomes.loc[outcome, "scale"]
            yes = (rng.random(len(frame)) < rate).astype(float)
            value = yes if scale == "binary" else rng.normal(rate, 0.3)
            part[outcome] = np.where(asked & part["here"], value, np.nan)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def make_levels(households, outcomes):
    rows = []
    areas = [("district", households), *households.groupby("commune_code")]
    for area, here in areas:
        for wave, of_wave in here.groupby("wave"):
            for group in GROUPS:
                members = of_wave[of_wave[group]]
                for outcome in outcomes.index:
                    rows.append((area, wave, group, outcome, *_level(members, outcome, outcomes)))
    columns = ["estimate", "conf_low", "conf_high", "n", "numerator", "n_teams", "method"]
    frame = pd.DataFrame(rows, columns=["area", "wave", "group", "outcome", *columns])
    return frame.astype({"numerator": "Int64"})


def make_levels_by_area(households, outcomes, areas):
    rows = []
    for unit in areas.units:
        here = households[households["commune_code"].isin(unit.codes_2024)]
        for wave, of_wave in here.groupby("wave"):
            for outcome in outcomes.index:
                cell = _level(of_wave, outcome, outcomes)
                rows.append((unit.list, unit.code, wave, "all", outcome, *cell))
    columns = ["area_list", "area_code", "wave", "group", "outcome"]
    columns += ["estimate", "conf_low", "conf_high", "n", "numerator", "n_teams", "method"]
    return pd.DataFrame(rows, columns=columns).astype({"numerator": "Int64"})


def _level(members, outcome, outcomes):
    values = members[outcome].dropna()
    n, teams = len(values), members.loc[values.index, "team_id"].nunique()
    if n == 0:
        return (np.nan, np.nan, np.nan, 0, None, 0, "none")
    mean = values.mean()
    binary = outcomes.loc[outcome, "scale"] == "binary"
    half = 1.96 * np.sqrt(max(mean * (1 - mean), 0.02) / n) if binary else 0.6 / np.sqrt(n)
    low, high = mean - half, mean + half
    if binary:
        low, high = max(low, 0.0), min(high, 1.0)
    return (mean, low, high, n, int(values.sum()) if binary else None, teams, "test")


def make_choices(households, rng):
    rows = []
    areas = [("district", 0), *households.groupby("commune_code")]
    counts = {}
    for area, here in areas[1:]:
        n = int(here.query("wave == 'w3'")["here"].sum())
        for variable, codes in CHOICES.items():
            for code in codes:
                share = 0.04 if code == "other" else rng.uniform(0.1, 0.6)
                numerator = int(rng.binomial(n, share))
                rows.append((area, "w3", variable, code, numerator, n))
                total = counts.setdefault((variable, code), [0, 0])
                total[0] += numerator
                total[1] += n
    rows += [("district", "w3", *key, *total) for key, total in counts.items()]
    return pd.DataFrame(rows, columns=["area", "wave", "variable", "choice", "numerator", "n"])


def make_effects(outcomes, rng):
    rows = []
    for outcome in [*outcomes.index, "reached"]:
        true = 0.3 if outcome == "reached" else rng.uniform(-0.02, 0.09)
        for estimand in ["first_stage"] if outcome == "reached" else ESTIMANDS:
            factor = {"naive": 2.4, "late": 3.0, "placebo_baseline": 0.0}.get(estimand, 1.0)
            wave = "w1" if estimand == "placebo_baseline" else "w3"
            estimate, se = true * factor + rng.normal(0, 0.01), 0.02 * (2 if factor == 3 else 1)
            low, high = estimate - 1.98 * se, estimate + 1.98 * se
            head = (outcome, estimand, wave, estimate, se, 153.0, 0.04, low, high)
            more = (np.nan,) * 4
            if estimand == "late":
                more = (38.25, low - 0.01, high + 0.02, np.nan)
            if estimand == "spillover":
                more = (np.nan, np.nan, np.nan, 0.317)
            rows.append((*head, 1690, 154, 0.35, "test", "", *more))
    columns = ["outcome", "estimand", "wave", "estimate", "std_error", "df", "p_value"]
    columns += ["conf_low", "conf_high", "n", "n_teams", "mean_regular", "method", "note"]
    columns += ["first_stage_f", "ar_low", "ar_high", "p_randomisation"]
    return pd.DataFrame(rows, columns=columns)


def make_communes(teams, outcomes, rng):
    rows = []
    for code, of_commune in teams.groupby("commune_code"):
        intensive = int(of_commune["intensive"].sum())
        for outcome in outcomes.index:
            few = min(intensive, len(of_commune) - intensive) < 2
            raw = np.nan if few else rng.normal(0.06, 0.12)
            weight = 0.0 if few else rng.uniform(0.05, 0.25)
            pooled = 0.06 if few else weight * raw + (1 - weight) * 0.06
            spread = (raw, 0.12, pooled, pooled - 0.07, pooled + 0.07, weight)
            size = (11 * len(of_commune), len(of_commune), intensive)
            mde = np.nan if few else 0.24
            rows.append((code, outcome, *spread, *size, "too_few" if few else "ok", mde))
    columns = ["commune_code", "outcome", "raw", "raw_se", "estimate", "conf_low", "conf_high"]
    columns += ["weight_own", "n", "n_teams", "n_teams_intensive", "status", "smallest_detectable"]
    return pd.DataFrame(rows, columns=columns)


def make_balance(rng):
    rows = []
    for variable in ("resp_age", "resp_female", "hh_size", "has_smartphone", "poor", "qr_shop_30d"):
        mean, gap = (46.0, 0.4) if variable == "resp_age" else (0.5, rng.normal(0, 0.02))
        rows.append((variable, mean, mean + gap, gap, gap - 0.05, gap + 0.05, 0.5, 0.03, 1700, 154))
    columns = ["variable", "mean_regular", "mean_intensive", "estimate", "conf_low", "conf_high"]
    columns += ["p_value", "normalised_difference", "n", "n_teams"]
    return pd.DataFrame(rows, columns=columns)


def make_attrition(households):
    arm = households["intensive"].map({True: "intensive", False: "regular"}).rename("arm")
    counted = households.groupby(["wave", arm])["here"].agg(drawn="size", interviewed="sum")
    return counted.reset_index().astype({"drawn": "int64", "interviewed": "int64"})


def make_labels():
    words = {"habit": ("Thói quen", "Habit"), "trust": ("Sợ mất tiền", "Fear of loss")}
    rows = [
        (variable, code, lang, words.get(code, (code, code))[place])
        for variable, codes in CHOICES.items()
        for code in codes
        for place, lang in enumerate(("vi", "en"))
    ]
    return pd.DataFrame(rows, columns=["variable", "code", "lang", "label"])
