"""Simulate districts whose effects are known exactly; estimates nothing.

A binary outcome has the probability base + commune + team + household + effect × arm. Every part is
uniform and the probabilities stay between 0 and 1 without clipping, so that the mean effect and the share
of variance between teams are what the settings say and not nearly so.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import ndtr

from survey_tools.estimate.design import Codes, Floats
from survey_tools.estimate.regression import Problem

ROOT = Path(__file__).resolve().parents[2]

BASE = 0.42
COMMUNE, TEAM, HOUSEHOLD = 0.11, 0.19, 0.08  # half widths of the uniform parts
FEMALE = 0.03
PER_TEAM = 12
FOLLOWED = 0.9
ROOT3 = float(np.sqrt(3))


def commune_sizes() -> list[int]:
    """Count the teams of each commune of the study, in order of the communes' codes."""
    with (ROOT / "params" / "teams.csv").open(encoding="utf-8", newline="") as file:
        counts = Counter(row["commune_code"] for row in csv.DictReader(file))
    return [counts[code] for code in sorted(counts)]


SIZES = commune_sizes()


def icc() -> float:
    """Share of the variance within communes that lies between teams, in the regular arm."""
    between = TEAM**2 / 3
    return between / (BASE * (1 - BASE) - COMMUNE**2 / 3)


@dataclass(frozen=True)
class Teams:
    """Teams of one district.

    Attributes
    ----------
    commune : array of int, shape (154,)
        Number of the commune of each team.
    arm : array of float, shape (154,)
        1 for the intensive ones.
    base : array of float, shape (154,)
        Base + commune + team.
    """

    commune: Codes
    arm: Floats
    base: Floats


@dataclass(frozen=True)
class Households:
    """Households of one district and what is known of them before the outcome.

    Attributes
    ----------
    team : array of int, shape (n,)
    keen : array of float, shape (n,)
        What the survey does not see: part of the outcome, and of who is reached.
    controls : array of float, shape (n, 3)
        Female, age, poor; only the first one matters for the outcome.
    chance : array of float, shape (n,)
        Probability of the outcome without any effect.
    """

    team: Codes
    keen: Floats
    controls: Floats
    chance: Floats


def draw_arms(commune: Codes, rng: np.random.Generator) -> Floats:
    """Draw half of the teams of each commune; an odd one gives the extra team to either arm.

    Written apart from `estimate.draw_assignment`, so that the two can be held against each other.
    """
    arm = np.zeros(len(commune))
    for number in range(int(commune.max()) + 1):
        members = np.flatnonzero(commune == number)
        half = len(members) // 2 + (int(rng.integers(2)) if len(members) % 2 else 0)
        arm[rng.choice(members, half, replace=False)] = 1.0
    return arm


def draw_teams(rng: np.random.Generator) -> Teams:
    """Draw the 154 teams of a district."""
    commune = np.repeat(np.arange(len(SIZES)), SIZES)
    place = rng.uniform(-COMMUNE, COMMUNE, len(SIZES))
    base = BASE + place[commune] + rng.uniform(-TEAM, TEAM, len(commune))
    return Teams(commune, draw_arms(commune, rng), base)


def draw_households(teams: Teams, rng: np.random.Generator, per_team: int = PER_TEAM) -> Households:
    """Draw twelve households a team, or another number."""
    team = np.repeat(np.arange(len(teams.commune)), per_team)
    n = len(team)
    keen = rng.uniform(-HOUSEHOLD, HOUSEHOLD, n)
    female = rng.integers(0, 2, n) - 0.5
    controls = np.column_stack([female, rng.integers(18, 90, n), rng.random(n) < 0.1])
    return Households(team, keen, controls, teams.base[team] + keen + FEMALE * female)


def binary(chance: Floats, rng: np.random.Generator) -> Floats:
    """Draw 0 or 1 with the probabilities `chance`; refuse any that would have to be clipped."""
    if chance.min() < 0 or chance.max() > 1:
        raise ValueError("a probability lies outside 0 and 1")
    return (rng.random(chance.shape) < chance).astype(float)


def correlated(chance: Floats, outcomes: int, rng: np.random.Generator) -> Floats:
    """Draw several outcomes of each household, correlated .5 on the normal scale: shape (n, outcomes)."""
    shared = rng.standard_normal((len(chance), 1))
    normal = np.sqrt(0.5) * (shared + rng.standard_normal((len(chance), outcomes)))
    wide = chance if chance.ndim == 2 else chance[:, None]
    return (ndtr(normal) < wide).astype(float)


def problem(
    teams: Teams, households: Households, y: Floats, before: Floats, kept: np.ndarray
) -> Problem:
    """Make the regression of `estimate.itt`: arm, baseline outcome, controls, a dummy for each commune."""
    team = households.team[kept]
    controls = households.controls[kept]
    others = np.column_stack([before[kept], controls - controls.mean(axis=0)])
    return Problem(y[kept], teams.arm[team], others, teams.commune[team], team, team_names())


def team_names() -> tuple[str, ...]:
    """Names of the teams, in the order of their numbers."""
    return tuple(f"T{number:03}" for number in range(sum(SIZES)))


def followed(households: Households, rng: np.random.Generator) -> np.ndarray:
    """Draw which households are interviewed again."""
    return rng.random(len(households.team)) < FOLLOWED
