"""Measure on thousands of simulated districts whether intervals cover and tests keep their size.

    .venv/bin/python scripts/calibrate
    .venv/bin/python scripts/calibrate --districts 40 --processes 1 --only effect --out /tmp/out

Writes results.csv (one line a figure, with its bounds) and first.csv (what the first districts gave, to be
checked by making them again). A stopped run goes on where it was. docs/calibration/README.md says what the
figures mean.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from pathlib import Path

import pandas as pd
from runs import HERE, SEED, Scenario, default_folder, simulate
from scenarios import SCENARIOS

FIRST = 40
OUT = HERE.parents[1] / "docs" / "calibration"


def main() -> None:
    """Simulate, sum up and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--districts", type=int, default=4000, help="at most, a scenario")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=[s.name for s in SCENARIOS], default=None)
    parser.add_argument("--chunks", type=Path, default=None, help="folder of a run to go on with")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    wanted = [s for s in SCENARIOS if given.only is None or s.name in given.only]
    folder = given.chunks or default_folder()
    given.out.mkdir(parents=True, exist_ok=True)
    for scenario in wanted:
        began = time.monotonic()
        districts = min(given.districts, scenario.districts)
        frame = simulate(scenario, districts, given.processes, folder)
        write(figures(scenario, frame), given.out / "results.csv")
        write(long_form(scenario, frame.head(FIRST)), given.out / "first.csv")
        seconds = time.monotonic() - began
        print(f"{scenario.name}: {districts} districts, {seconds:.0f} s", flush=True)


def figures(scenario: Scenario, frame: pd.DataFrame) -> pd.DataFrame:
    """Lay out the figures of a scenario, one a line."""
    rows = [
        {
            "scenario": scenario.name,
            "method": figure.method,
            "quantity": figure.quantity,
            "value": figure.value,
            "mc_error": figure.mc_error,
            "districts": len(frame),
            "draws": scenario.draws,
            "seed": SEED,
            "target_low": figure.target_low,
            "target_high": figure.target_high,
            "within": figure.within,
        }
        for figure in scenario.summarise(frame)
    ]
    return pd.DataFrame(rows)


def long_form(scenario: Scenario, frame: pd.DataFrame) -> pd.DataFrame:
    """One line a district and result."""
    numbered = frame.assign(scenario=scenario.name, district=range(1, len(frame) + 1))
    return numbered.melt(["scenario", "district"], var_name="name")


def write(made: pd.DataFrame, path: Path) -> None:
    """Write the lines of one scenario; those of the others stay."""
    if path.exists():
        before = pd.read_csv(path)
        made = pd.concat([before[~before["scenario"].isin(made["scenario"])], made])
    order = {scenario.name: scenario.number for scenario in SCENARIOS}
    made = made.sort_values("scenario", key=lambda names: names.map(order), kind="stable")
    made.to_csv(path, index=False)


if __name__ == "__main__":
    main()
