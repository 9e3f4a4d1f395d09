"""A simulated district of known truth, small enough for every test."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_tools.estimate import Design, draw_assignment

WAVES = ("w1", "w2", "w3")


def simulate_households(
    seed: int,
    *,
    communes: int = 27,
    teams_per_commune: int = 6,
    per_team: int = 12,
    effect: float = 0.08,
    effect_sd: float = 0.0,
    answered: float = 0.9,
) -> pd.DataFrame:
    """Draw households of a stratified cluster-randomised district.

    `y` is binary: P = .35 + commune + team + tau_c × intensive at the endline, all uniform, so the mean
    effect is exactly `effect`. `z` is an amount that the treatment does not touch. Households that
    are reached are users more often without any outreach, so a naive comparison is biased upwards.
    """
    rng = np.random.default_rng(seed)
    codes = [f"{10270 + 3 * i}" for i in range(communes)]
    teams = pd.DataFrame(
        [(f"{c}-T{t:02}", c) for c in codes for t in range(1, teams_per_commune + 1)],
        columns=["team_id", "commune_code"],
    )
    teams["intensive"] = draw_assignment(
        teams, cluster="team_id", stratum="commune_code", rng=rng
    ).to_numpy()
    root3 = np.sqrt(3)
    tau = dict(zip(codes, effect + effect_sd * rng.uniform(-root3, root3, communes), strict=True))
    place = dict(zip(codes, rng.uniform(-0.1, 0.1, communes), strict=True))
    teams["base"] = 0.35 + teams.commune_code.map(place) + rng.uniform(-0.1, 0.1, len(teams))
    h = teams.loc[teams.index.repeat(per_team)].reset_index(drop=True)
    n = len(h)
    h["hhid"] = [f"{t}-H{i % per_team + 1:03}-0" for i, t in enumerate(h.team_id)]
    keen = rng.uniform(-0.15, 0.15, n)
    h["true_level"] = 0.35 + h.commune_code.map(place)
    h["true_effect"] = h.commune_code.map(tau)
    h["resp_age"] = rng.integers(18, 90, n).astype(float)
    h["resp_female"] = rng.integers(0, 2, n).astype(float)
    h["poor"] = (rng.random(n) < 0.1).astype(float)
    for wave in WAVES:
        p = h.base + keen + (wave == "w3") * h.true_effect * h.intensive
        h[f"y__{wave}"] = (rng.random(n) < p).astype(float)
        h[f"z__{wave}"] = rng.gamma(2.0, 1.0, n)
        reach = 0.3 + keen + (wave != "w1") * 0.35 * h.intensive
        h[f"reached__{wave}"] = (rng.random(n) < reach).astype(float)
        there = np.ones(n, bool) if wave == "w1" else rng.random(n) < answered
        h[f"interviewed__{wave}"] = there.astype("int64")
        h.loc[~there, [f"y__{wave}", f"z__{wave}", f"reached__{wave}"]] = np.nan
    return h.drop(columns="base")


def to_panel(households: pd.DataFrame) -> pd.DataFrame:
    """One row a household and wave, as construct makes it."""
    keep = ["hhid", "team_id", "commune_code", "intensive", "poor"]
    parts = []
    for wave in WAVES:
        rows = households[households[f"interviewed__{wave}"] == 1]
        outcomes = {v: rows[f"{v}__{wave}"] for v in ("y", "z")}
        flags = {"women": rows.resp_female, "age60": (rows.resp_age >= 60).astype(float)}
        parts.append(rows[keep].assign(wave=wave, sellers=1.0, **outcomes, **flags))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def simulate():
    return simulate_households


@pytest.fixture(scope="session")
def panel_of():
    return to_panel


@pytest.fixture(scope="session")
def households():
    return simulate_households(20240614)


@pytest.fixture
def design():
    return Design(
        treatment="intensive",
        cluster="team_id",
        stratum="commune_code",
        controls=("resp_age", "resp_female", "poor"),
        baseline="w1",
        endline="w3",
        reached="reached",
    )
