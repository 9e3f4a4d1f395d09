"""Power by simulation: draw a study again and again, estimate each time, count what is found.

Makes no data: the generator is passed in, so any population with a known effect will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from scipy import stats

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design
from survey_tools.estimate.effects import itt

Generator = Callable[[np.random.Generator, float], tuple[pd.DataFrame, Design]]
"""Draws one study with an effect of the size given: the table of households and the design."""


def power_curve(
    generate: Generator,
    outcome: str,
    effects: Iterable[float],
    *,
    draws: int = 200,
    seed: int,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Estimate the power of the effect of assignment (`itt`) at each size of effect.

    Parameters
    ----------
    generate : callable
        `(rng, effect) -> (households, design)`; all its chance must come from `rng`.
    outcome : str
    effects : iterable of float
        Sizes of effect, in units of the outcome; 0 gives the size of the test.
    draws : int
        Studies drawn at each size. The same seeds serve all sizes, which makes the curve smooth.
    seed : int
    alpha : float

    Returns
    -------
    DataFrame
        One row a size: `effect, draws, power, mc_error, power_low, power_high, mean_estimate,
        sd_estimate, mean_std_error, coverage, note`. `mc_error` is the standard error of `power` from
        the number of draws, `power_low` and `power_high` its 95 % interval (Wilson), which is not empty
        at 0 and 1. `coverage` counts the intervals that hold `effect`. Draws without an estimate count as
        not found, and the note says how many.

    Raises
    ------
    DesignError
        When fewer than two draws are asked for.
    """
    if draws < 2:
        raise DesignError(
            "Power cannot be simulated from so few draws.",
            expected="2 or more",
            found=str(draws),
            where="power_curve",
        )
    rows = [_at(generate, outcome, float(size), draws, seed, alpha) for size in effects]
    return pd.DataFrame(rows)


def _at(
    generate: Generator, outcome: str, effect: float, draws: int, seed: int, alpha: float
) -> dict[str, object]:
    found = pd.concat(
        [_draw(generate, outcome, effect, seed, k) for k in range(draws)], ignore_index=True
    )
    estimated = found.dropna(subset=["estimate", "p_value"])
    failed = draws - len(estimated)
    power = float((estimated["p_value"] < alpha).sum() / draws)
    interval = stats.binomtest(round(power * draws), draws).proportion_ci(0.95, method="wilson")
    held = estimated["conf_low"].le(effect) & estimated["conf_high"].ge(effect)
    return {
        "effect": effect,
        "draws": draws,
        "power": power,
        "mc_error": float(np.sqrt(power * (1 - power) / draws)),
        "power_low": float(interval.low),
        "power_high": float(interval.high),
        "mean_estimate": float(estimated["estimate"].mean()),
        "sd_estimate": float(estimated["estimate"].std(ddof=1)),
        "mean_std_error": float(estimated["std_error"].mean()),
        "coverage": float(held.mean()) if len(held) else float("nan"),
        "note": f"{failed} draws without an estimate" if failed else "",
    }


def _draw(generate: Generator, outcome: str, effect: float, seed: int, draw: int) -> pd.DataFrame:
    households, design = generate(np.random.default_rng([seed, draw]), effect)
    return itt(households, design, outcome)
