"""Ten correlated outcomes: the chance of one false finding, and the share of the true ones found."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from districts import (
    BASE,
    COMMUNE,
    FEMALE,
    SIZES,
    Households,
    Teams,
    correlated,
    draw_arms,
    draw_households,
    followed,
    problem,
)
from runs import Scenario, resample_seed
from summary import FAMILY, Figure, share

from survey_tools.estimate.design import Floats
from survey_tools.estimate.inference.families import romano_wolf
from survey_tools.estimate.regression import ols

OUTCOMES, AFFECTED = 10, 3
EFFECT = 0.08
DRAWS = 999
LEVEL = 0.05
TEAM = (
    0.13  # half width of the part of a team that all outcomes share, and of the part of one outcome
)


def simulate(seed: np.random.SeedSequence, affected: int) -> dict[str, float]:
    """Test ten outcomes of one district, the first `affected` of which outreach changes."""
    rng = np.random.default_rng(seed)
    teams, households, chance = _draw(rng)
    before = correlated(chance, OUTCOMES, rng)
    effects = np.where(np.arange(OUTCOMES) < affected, EFFECT, 0.0)
    after = correlated(chance + teams.arm[households.team][:, None] * effects, OUTCOMES, rng)
    kept = followed(households, rng)
    problems = [
        problem(teams, households, y, y0, kept) for y, y0 in zip(after.T, before.T, strict=True)
    ]
    adjusted = romano_wolf(problems, draws=DRAWS, seed=resample_seed(seed)) <= LEVEL
    alone = np.array([ols(one).p_value <= LEVEL for one in problems])
    return {
        "false": float(adjusted[affected:].any()),
        "false_alone": float(alone[affected:].any()),
        "found": float(adjusted[:affected].mean()) if affected else np.nan,
        "found_alone": float(alone[:affected].mean()) if affected else np.nan,
    }


def _draw(rng: np.random.Generator) -> tuple[Teams, Households, Floats]:
    """Teams and households, and the probability of each outcome, shape (n, OUTCOMES)."""
    commune = np.repeat(np.arange(len(SIZES)), SIZES)
    place = rng.uniform(-COMMUNE, COMMUNE, len(SIZES))
    shared = BASE + place[commune] + rng.uniform(-TEAM, TEAM, len(commune))
    teams = Teams(commune, draw_arms(commune, rng), shared)
    own = rng.uniform(-TEAM, TEAM, (len(commune), OUTCOMES))
    households = draw_households(teams, rng)
    level = shared[households.team] + FEMALE * households.controls[:, 0]
    return teams, households, level[:, None] + own[households.team]


def summarise(districts: pd.DataFrame, affected: int) -> list[Figure]:
    """Chance of one false finding or more, and share of the true effects found."""
    figures = [
        share("Romano-Wolf", "fwer", districts["false"], FAMILY),
        share("each alone, CR2", "fwer", districts["false_alone"], (0.15, 1.0)),
    ]
    if affected:
        figures += [
            share("Romano-Wolf", "power", districts["found"]),
            share("each alone, CR2", "power", districts["found_alone"]),
        ]
    return figures


SCENARIOS = [
    Scenario(
        name=name,
        number=number,
        simulate=partial(simulate, affected=affected),
        summarise=partial(summarise, affected=affected),
        districts=4000,
        draws=DRAWS,
    )
    for name, number, affected in (("family", 20, 0), ("family_some_effects", 21, AFFECTED))
]
