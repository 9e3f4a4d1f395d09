"""Teams that begin at different waves: sound estimators against two-way fixed effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from districts import PER_TEAM, SIZES, binary
from runs import Scenario
from summary import COVERAGE, NOTHING, Figure, bias, coverage, error_ratio, large_bias

from survey_tools.estimate import Design
from survey_tools.estimate.design import Codes, Floats
from survey_tools.estimate.effects.staggered import staggered

WAVES = ("w1", "w2", "w3", "w4")
FIRST, GROWTH = 0.04, 0.06
NEVER = len(WAVES)
METHODS = {
    "att_staggered": "Callaway-Sant'Anna, all interviews after the start",
    "att_dynamic": "Callaway-Sant'Anna, waves since the start",
    "twfe": "two-way fixed effects",
}
DESIGN = Design(
    treatment="intensive",
    cluster="team_id",
    stratum="commune_code",
    controls=(),
    baseline="w1",
    endline="w4",
    reached="reached",
)


@dataclass(frozen=True)
class Starts:
    """When the teams of a district start: `wave` is 1 to 3, or 4 for never; shape (154,) each."""

    commune: Codes
    wave: Codes

    @property
    def exposure(self) -> Codes:
        """Waves since the start, shape (154, 4); negative before it."""
        since = np.arange(len(WAVES)) - self.wave[:, None]
        return np.where(self.wave[:, None] == NEVER, -1, since)

    @property
    def effects(self) -> Floats:
        """True effects, shape (154, 4)."""
        return np.where(self.exposure >= 0, FIRST + GROWTH * self.exposure, 0.0)


def draw_starts(rng: np.random.Generator) -> Starts:
    """Deal the teams of each commune, shuffled, to the three starts and never."""
    commune = np.repeat(np.arange(len(SIZES)), SIZES)
    wave = np.empty(len(commune), dtype=np.int64)
    for number in range(len(SIZES)):
        members = rng.permutation(np.flatnonzero(commune == number))
        wave[members] = 1 + (np.arange(len(members)) + rng.integers(NEVER)) % NEVER
    return Starts(commune, wave)


def simulate(seed: np.random.SeedSequence) -> dict[str, float]:
    """Estimate one district; two true figures belong to it, as they follow from who starts when."""
    rng = np.random.default_rng(seed)
    starts = draw_starts(rng)
    n_teams, n_waves = starts.effects.shape
    level = 0.3 + rng.uniform(-0.1, 0.1, len(SIZES))[starts.commune]
    level = level + rng.uniform(-0.1, 0.1, n_teams)
    trend = 0.02 + rng.uniform(-0.01, 0.01, len(SIZES))[starts.commune]
    mean = level[:, None] + trend[:, None] * np.arange(n_waves) + starts.effects
    keen = rng.uniform(-0.1, 0.1, (n_teams, PER_TEAM, 1))
    y = binary(mean[:, None, :] + keen, rng)
    result = staggered(
        _panel(starts, y), DESIGN, "y", start="start", waves=WAVES,
        estimators=("callaway_santanna", "twfe"),
    )  # fmt: skip
    rows = result.effects.set_index("estimand")
    exposure = starts.exposure
    found = {
        "true.att_staggered": float(starts.effects[exposure >= 0].mean()),
        "true.att_dynamic": FIRST + GROWTH * float(exposure.max()) / 2,
    }
    for name in METHODS:
        for column in ("estimate", "std_error", "conf_low", "conf_high"):
            found[f"{name}.{column}"] = float(rows.at[name, column])
    return found


def _panel(starts: Starts, y: Floats) -> pd.DataFrame:
    n_teams, per_team, n_waves = y.shape
    team, household, wave = (
        index.ravel()
        for index in np.meshgrid(
            np.arange(n_teams), np.arange(per_team), np.arange(n_waves), indexing="ij"
        )
    )
    names = np.array([None, *WAVES[1:], None], dtype=object)
    return pd.DataFrame(
        {
            "hhid": team * per_team + household,
            "team_id": team,
            "commune_code": starts.commune[team],
            "wave": np.array(WAVES, dtype=object)[wave],
            "start": names[starts.wave[team]],
            "y": y.ravel(),
        }
    )


def summarise(districts: pd.DataFrame) -> list[Figure]:
    """Bias and coverage of each estimator; two-way fixed effects have to miss."""
    figures = []
    for name, method in METHODS.items():
        target = "att_staggered" if name == "twfe" else name
        truth, estimates = districts[f"true.{target}"], districts[f"{name}.estimate"]
        fails = name == "twfe"
        figures += [
            large_bias(method, estimates, truth, sign=-1) if fails else bias(method, estimates, truth),
            coverage(
                method, districts[f"{name}.conf_low"], districts[f"{name}.conf_high"], truth,
                (0.0, 0.85) if fails else COVERAGE,
            ),
            error_ratio(method, districts[f"{name}.std_error"], estimates - truth, NOTHING),
        ]  # fmt: skip
    return figures


SCENARIOS = [Scenario("staggered", 30, simulate, summarise, districts=4000, draws=0)]
