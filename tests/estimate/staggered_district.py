"""A simulated district whose teams begin intensive outreach at different waves, with known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

WAVES = ("w1", "w2", "w3", "w4")
STARTS = ("w2", "w3", "w4", None)


@dataclass(frozen=True)
class StaggeredDistrict:
    """Interviews of a staggered start, and what is true of them.

    Attributes
    ----------
    panel : DataFrame
        One row a household and wave: hhid, team_id, commune_code, wave, first_treated (missing = never), y.
    effect : float
        Mean effect over all interviews after the start.
    by_exposure : tuple of float
        Effect 0, 1, 2, … waves after the start.
    """

    panel: pd.DataFrame
    effect: float
    by_exposure: tuple[float, ...]


def draw_district(
    seed: int,
    *,
    teams: int = 154,
    communes: int = 27,
    per_team: int = 12,
    first: float = 0.04,
    growth: float = 0.06,
    keep: float = 1.0,
    fresh: bool = False,
    means: bool = False,
) -> StaggeredDistrict:
    """Draw a district in which an effect of `first` grows by `growth` with each further wave.

    `y` is binary, P = .3 + commune + team + .02 × wave + commune × wave + effect, all uniform, so effects
    are exact without clipping. The start is drawn within communes: teams are shuffled and dealt to the
    three starts and never, so at any wave some teams have begun and others not. `keep` is the
    share of interviews made; `fresh` gives each wave its own households (repeated cross-sections).
    `means` gives one row a team and wave, `y` its mean: without covariates, Callaway and Sant'Anna's
    estimates and errors are the same as of the households, as teams have equally many and none is missing.
    """
    rng = np.random.default_rng(seed)
    commune = np.sort(np.arange(teams) % communes)
    start = _deal(rng, commune)
    level = 0.3 + rng.uniform(-0.1, 0.1, communes)[commune] + rng.uniform(-0.1, 0.1, teams)
    wave = np.arange(len(WAVES))
    exposure = wave[None, :] - start[:, None]
    effect = np.where(exposure >= 0, first + growth * exposure, 0.0)
    drift = 0.02 * wave[None, :] + rng.uniform(-0.01, 0.01, communes)[commune][:, None] * wave
    keen = rng.uniform(-0.1, 0.1, (teams, per_team, 1 if not fresh else len(WAVES)))
    chance = (level[:, None] + drift + effect)[:, None, :] + keen
    y = (rng.random(chance.shape) < chance).astype(float)
    if means:
        y, per_team = y.mean(axis=1, keepdims=True), 1
    team = np.broadcast_to(np.arange(teams)[:, None, None], y.shape).ravel()
    household = np.arange(teams * per_team).reshape(teams, per_team, 1)
    household = household * len(WAVES) + wave if fresh else np.broadcast_to(household, y.shape)
    when = np.broadcast_to(wave, y.shape).ravel()
    starts = np.array(STARTS, dtype=object)[np.minimum(start, len(WAVES)) - 1]
    panel = pd.DataFrame(
        {
            "hhid": household.ravel(),
            "team_id": team,
            "commune_code": commune[team],
            "wave": np.array(WAVES, dtype=object)[when],
            "first_treated": starts[team],
            "y": y.ravel(),
        }
    )
    if keep < 1:
        panel = panel[rng.random(len(panel)) < keep].reset_index(drop=True)
    return StaggeredDistrict(
        panel, float(effect[exposure >= 0].mean()), tuple(first + growth * e for e in range(3))
    )


def _deal(rng: np.random.Generator, commune: np.ndarray) -> np.ndarray:
    """Wave number of the start of each team, 1 to 3; 4 for never."""
    start = np.empty(len(commune), dtype=int)
    for name in np.unique(commune):
        mine = rng.permutation(np.flatnonzero(commune == name))
        start[mine] = 1 + (np.arange(len(mine)) + rng.integers(len(STARTS))) % len(STARTS)
    return start
