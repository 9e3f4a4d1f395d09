"""The study's own design: five intervals for one effect, with an effect and without any.

With thirty households a team instead of twelve, three of them again: errors by household then fail badly.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pandas as pd
from districts import (
    SIZES,
    binary,
    draw_households,
    draw_teams,
    followed,
    problem,
    team_names,
)
from runs import Scenario, resample_seed
from summary import (
    COVERAGE,
    NOTHING,
    RATIO,
    SIZE,
    Bounds,
    Figure,
    bias,
    coverage,
    error_ratio,
    large_bias,
    share,
)

from survey_tools.estimate.design import Draw, Floats
from survey_tools.estimate.inference.randomisation import randomisation_test
from survey_tools.estimate.inference.redraw import redraw
from survey_tools.estimate.inference.wild import wild_bootstrap
from survey_tools.estimate.regression import Problem, ols

EFFECT = 0.08
DRAWS = 999
LEVEL = 0.05
ERRORS = {"CR2": "CR2, Satterthwaite t", "CR1": "CR1, t(G-1)", "HC1": "HC1, t(n-k)"}
RESAMPLED = {"wild": "wild cluster bootstrap", "randomisation": "randomisation inference"}
SOUND = ("CR2", *RESAMPLED)
LARGER = 30  # households a team
NAIVE = "reached against not reached"
REACHED, REACH_SLOPE, REACH_GAIN = 0.4, 4.0, 0.2


def simulate(seed: np.random.SeedSequence, effect: float) -> dict[str, float]:
    """Estimate one district with every kind of error and interval."""
    rng = np.random.default_rng(seed)
    teams = draw_teams(rng)
    households = draw_households(teams, rng)
    arm = teams.arm[households.team]
    before = binary(households.chance, rng)
    after = binary(households.chance + effect * arm, rng)
    reached = binary(REACHED + REACH_SLOPE * households.keen + REACH_GAIN * arm, rng)
    kept = followed(households, rng)
    made = problem(teams, households, after, before, kept)
    found = _analytic(made) | _resampled(made, resample_seed(seed))
    found["naive"] = _difference(after[kept], reached[kept])
    return found


def simulate_larger(seed: np.random.SeedSequence) -> dict[str, float]:
    """Estimate one district with thirty households a team, without resampling."""
    rng = np.random.default_rng(seed)
    teams = draw_teams(rng)
    households = draw_households(teams, rng, LARGER)
    before = binary(households.chance, rng)
    after = binary(households.chance + EFFECT * teams.arm[households.team], rng)
    return _analytic(problem(teams, households, after, before, followed(households, rng)))


def _analytic(made: Problem) -> dict[str, float]:
    found = {"estimate": made.estimate}
    for name in ERRORS:
        one = ols(made, errors=name, tail=LEVEL / 2)
        found |= _interval(name, one.p_value < LEVEL, one.conf_low, one.conf_high)
        found |= {f"{name}.std_error": one.std_error, f"{name}.df": one.df}
    return found


def _resampled(made: Problem, seed: int) -> dict[str, float]:
    wild = wild_bootstrap(made, draws=DRAWS, seed=seed, tail=LEVEL / 2)
    assignments = redraw(_table_of_teams(), Draw("team", "commune", seed=0), draws=DRAWS, seed=seed)
    (drawn,) = randomisation_test([made], assignments, tail=LEVEL / 2)
    return {
        **_interval("wild", wild.p_value < LEVEL, wild.conf_low, wild.conf_high),
        **_interval("randomisation", drawn.p_value <= LEVEL, drawn.conf_low, drawn.conf_high),
    }


def _interval(name: str, rejected: bool, low: float, high: float) -> dict[str, float]:
    return {f"{name}.rejected": float(rejected), f"{name}.low": low, f"{name}.high": high}


def _difference(y: Floats, group: Floats) -> float:
    return float(y[group == 1].mean() - y[group == 0].mean())


@cache
def _table_of_teams() -> pd.DataFrame:
    communes = np.repeat([f"C{number:02}" for number in range(len(SIZES))], SIZES)
    return pd.DataFrame({"team": team_names(), "commune": communes})


def summarise(districts: pd.DataFrame, effect: float, most_hc1: float) -> list[Figure]:
    """Bias, coverage, size, and error against spread; then what has to fail.

    `most_hc1` is the coverage that errors by household must stay below.
    """
    figures = [bias("ITT", districts["estimate"], effect)]
    spread = districts["estimate"].std(ddof=1)
    error = spread / np.sqrt(2 * len(districts))
    figures.append(Figure("ITT", "sd_of_estimates", float(spread), float(error)))
    methods = (ERRORS | RESAMPLED).items()
    for name, method in ((n, m) for n, m in methods if f"{n}.low" in districts):
        low, high = districts[f"{name}.low"], districts[f"{name}.high"]
        figures.append(coverage(method, low, high, effect, _bounds(name, most_hc1)))
        rejected = "size" if effect == 0 else "power"
        bounds = SIZE if effect == 0 and name in SOUND else NOTHING
        figures.append(share(method, rejected, districts[f"{name}.rejected"], bounds))
        if name in ERRORS:
            bounds = RATIO if name == "CR2" else NOTHING
            std_errors = districts[f"{name}.std_error"]
            figures.append(error_ratio(method, std_errors, districts["estimate"], bounds))
    figures.append(_gap(districts, effect))
    if "naive" in districts and effect == 0:
        figures.append(large_bias(NAIVE, districts["naive"], 0.0, sign=1))
    return figures


def _bounds(name: str, most_hc1: float) -> Bounds:
    if name in SOUND:
        return COVERAGE
    return (0.0, most_hc1) if name == "HC1" else NOTHING


def _gap(districts: pd.DataFrame, effect: float) -> Figure:
    """Coverage that CR1 loses against CR2 in the same districts."""
    held = [
        (districts[f"{name}.low"] <= effect) & (effect <= districts[f"{name}.high"])
        for name in ("CR2", "CR1")
    ]
    difference = held[0].astype(float) - held[1].astype(float)
    return share("CR2 less CR1", "coverage_difference", difference, (0.015, 1.0))


SCENARIOS = [
    Scenario(
        name=name,
        number=number,
        simulate=partial(simulate, effect=effect),
        summarise=partial(summarise, effect=effect, most_hc1=0.93),
        districts=4000,
        draws=DRAWS,
    )
    for name, number, effect in (("effect", 1, EFFECT), ("no_effect", 2, 0.0))
]
SCENARIOS.append(
    Scenario(
        name="larger_teams",
        number=3,
        simulate=simulate_larger,
        summarise=partial(summarise, effect=EFFECT, most_hc1=0.85),
        districts=4000,
        draws=0,
    )
)
