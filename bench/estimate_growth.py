"""Judge the effect on one outcome by one method, for a survey of any size; one line of JSON.

Not here: sizes and tables (`estimate_main`). Imports and the rows come before the clock; what is made of
the rows, the regression among it, comes after it.

    estimate_growth.py METHOD HOUSEHOLDS TEAMS COMMUNES    METHOD: cr2, randomisation or wild
"""

from __future__ import annotations

import json
import sys
import time

import pandas as pd
from estimate_randomisation import DESIGN, DRAW, DRAWS, simulate
from kobo_measure import peak_memory

from survey_tools.estimate.effects.assignment import itt
from survey_tools.estimate.effects.sample import prepare
from survey_tools.estimate.inference import wild_bootstrap
from survey_tools.estimate.inference.randomisation import randomisation_test
from survey_tools.estimate.inference.redraw import redraw

OUTCOME = "y0"
METHODS = ("cr2", "randomisation", "wild")


def judge(method: str, households: pd.DataFrame, teams: pd.DataFrame) -> float:
    """Return the p-value."""
    if method == "cr2":
        return float(itt(households, DESIGN, OUTCOME)["p_value"].iloc[0])
    problem = prepare(households, DESIGN, OUTCOME, baseline=OUTCOME).problem
    if problem is None:
        raise SystemExit("nothing to estimate")
    if method == "wild":
        return float(wild_bootstrap(problem, draws=DRAWS, seed=2).p_value)
    (test,) = randomisation_test([problem], redraw(teams, DRAW, draws=DRAWS, seed=2))
    return float(test.p_value)


def main(method: str, households: int, teams: int, communes: int) -> dict[str, float]:
    """Time a method on simulated households, after one run on a few."""
    judge(method, *simulate(1_000, 40, 6))
    rows = simulate(households, teams, communes)
    before = peak_memory()
    started, cpu = time.perf_counter(), time.process_time()
    p_value = judge(method, *rows)
    return {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "peak": peak_memory(),
        "before": before,
        "p": p_value,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], *map(int, sys.argv[2:5]))))
