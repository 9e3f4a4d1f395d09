"""Make the rows on which the estimators are timed: a district of any size, the same on every side.

Not here: what is measured. Needs numpy and pandas only, so that the environments of other libraries
can make the same rows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

COMMUNES = 27
OUTCOMES = 10
SIZES = {"small": (5_001, 154), "big": (200_000, 4_000)}
"""Households and teams: the programme, and forty times as much."""


def district(size: str, seed: int = 20240614) -> pd.DataFrame:
    """Draw households: `commune`, `team`, `intensive`, and binary `y1`… with their baselines `y1_before`….

    Half of the teams of each commune are intensive. Outreach moves the outcomes 3, 5, 7 and 9 by 2 to 8
    points and the others not at all.
    """
    rows, teams = SIZES[size]
    rng = np.random.default_rng(seed)
    commune = np.arange(teams) * COMMUNES // teams
    order = np.lexsort((rng.random(teams), commune))
    intensive = np.zeros(teams)
    intensive[order[::2]] = 1.0
    team = np.sort(np.concatenate([np.arange(teams), rng.integers(0, teams, rows - teams)]))
    frame = pd.DataFrame(
        {
            "commune": commune[team],
            "team": team,
            "intensive": intensive[team],
        }
    )
    for number in range(1, OUTCOMES + 1):
        level = 0.35 + rng.uniform(-0.1, 0.1, COMMUNES)[commune] + rng.uniform(-0.15, 0.15, teams)
        effect = 0.01 * (number - 1) * (number % 2)
        keen = rng.uniform(-0.15, 0.15, rows)
        frame[f"y{number}_before"] = (rng.random(rows) < level[team] + keen).astype(float)
        chance = level[team] + keen + effect * frame["intensive"]
        frame[f"y{number}"] = (rng.random(rows) < chance).astype(float)
    return frame
