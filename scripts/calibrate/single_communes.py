"""Effects of single communes: whether partially pooled intervals hold the true ones."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from districts import ROOT3, SIZES, binary, draw_households, draw_teams, followed
from runs import Scenario
from summary import NOTHING, Figure, mean, share

from survey_tools.estimate import Design, commune_effects
from survey_tools.estimate.design import Floats

EFFECT = 0.08
DESIGN = Design(
    treatment="intensive",
    cluster="team_id",
    stratum="commune_code",
    controls=("female", "age", "poor"),
    baseline="w1",
    endline="w3",
    reached="reached",
)


def simulate(seed: np.random.SeedSequence, spread: float) -> dict[str, float]:
    """Estimate every commune of one district whose true effects have the standard deviation `spread`."""
    rng = np.random.default_rng(seed)
    teams = draw_teams(rng)
    households = draw_households(teams, rng)
    effects = EFFECT + spread * rng.uniform(-ROOT3, ROOT3, len(SIZES))
    commune = teams.commune[households.team]
    before = binary(households.chance, rng)
    chance = households.chance + effects[commune] * teams.arm[households.team]
    after = np.where(followed(households, rng), binary(chance, rng), np.nan)
    frame = pd.DataFrame(
        {
            "intensive": teams.arm[households.team],
            "team_id": [f"T{team:03}" for team in households.team],
            "commune_code": [f"C{number:02}" for number in commune],
            **dict(zip(DESIGN.controls, households.controls.T, strict=True)),
            "y__w1": before,
            "y__w3": after,
        }
    )
    found = commune_effects(frame, DESIGN, ["y"]).sort_values("commune_code")
    held = (found["conf_low"] <= effects) & (effects <= found["conf_high"])
    plug_in = _plug_in(found["raw"].to_numpy(), found["raw_se"].to_numpy())
    raw_half = 1.96 * found["raw_se"]
    own = found["raw"].notna().to_numpy()
    return {
        "held": float(held.mean()),
        "width": float((found["conf_high"] - found["conf_low"]).mean()),
        "squared_error": float(((found["estimate"] - effects) ** 2).mean()),
        "plug_in_held": float((np.abs(plug_in[0] - effects) <= 1.96 * plug_in[1])[own].mean()),
        "raw_held": float(((found["raw"] - effects).abs() <= raw_half)[own].mean()),
        "raw_width": float((2 * raw_half[own]).mean()),
        "raw_squared_error": float(((found["raw"] - effects) ** 2)[own].mean()),
    }


def _plug_in(raw: Floats, raw_se: Floats) -> tuple[Floats, Floats]:
    """Shrink by one estimate of the spread of effects (DerSimonian and Laird 1986) as if it were known."""
    variance = raw_se**2
    weight = 1 / variance
    total = np.nansum(weight)
    excess = np.nansum(weight * (raw - np.nansum(weight * raw) / total) ** 2) - (
        np.isfinite(raw).sum() - 1
    )
    spread = max(excess / (total - np.nansum(weight**2) / total), 0.0)
    weight = 1 / (variance + spread)
    centre = np.nansum(weight * raw) / np.nansum(weight)
    own = spread / (variance + spread)
    error = np.sqrt(own * variance + (1 - own) ** 2 / np.nansum(weight))
    return own * raw + (1 - own) * centre, error


def summarise(districts: pd.DataFrame, spread: float) -> list[Figure]:
    """Coverage averaged over communes, width, and error against the raw differences."""
    fails = (0.0, 0.93) if spread > 0 else NOTHING
    return [
        share("spread of effects plugged in", "coverage", districts["plug_in_held"], fails),
        share("partially pooled", "coverage", districts["held"], (0.93, 1.0)),
        mean("partially pooled", "width", districts["width"]),
        mean("partially pooled", "mean_squared_error", districts["squared_error"]),
        share("alone", "coverage", districts["raw_held"]),
        mean("alone", "width", districts["raw_width"]),
        mean("alone", "mean_squared_error", districts["raw_squared_error"]),
        mean(
            "partially pooled over alone",
            "mean_squared_error_difference",
            districts["squared_error"] - districts["raw_squared_error"],
            (-np.inf, 0.0),
        ),
    ]


SCENARIOS = [
    Scenario(
        f"communes_{round(100 * spread):02}", 10 + i, partial(simulate, spread=spread),
        partial(summarise, spread=spread),
        districts=2000, draws=0,
    )
    for i, spread in enumerate((0.0, 0.03, 0.06))
]  # fmt: skip
