"""Measure all the estimates of the demo's district, and how the main estimate grows with the survey.

Not here: the tables (`estimate_district`), the parts (`estimate_parts`), one estimate of a size
(`estimate_growth`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial

from estimate_district import workspace
from estimate_growth import METHODS
from estimate_measure import ONE_THREAD, TIMEOUT
from estimate_randomisation import DRAWS
from kobo_measure import HERE, Result, interleaved, median, print_table, whole

SIZES = ((2_000, 40, 6), (8_000, 160, 24), (40_000, 800, 120), (200_000, 4_000, 600))
"""Households, teams, communes."""

QUICK_SIZES = SIZES[:2]
MOST_SECONDS, MOST_MEMORY = 20.0, 2e9


def run(quick: bool) -> None:
    """Print seconds of each part of notebook 50, and how each method grows."""
    _print_parts(1 if quick else 5)
    _print_growth(QUICK_SIZES if quick else SIZES, 1 if quick else 3)


def _print_parts(rounds: int) -> None:
    study = workspace()
    found = [_script("estimate_parts.py", str(study)) for _ in range(rounds)]
    rows = []
    for number, step in enumerate(found[0]["steps"]):
        steps = [run["steps"][number] for run in found]
        figures = [f"{median(steps, key):,.2f}" for key in ("seconds", "cpu")]
        rows.append([step["part"], whole(step["rows"]), *figures])
    for run in found:
        run |= {key: sum(step[key] for step in run["steps"]) for key in ("seconds", "cpu")}
    in_all = whole(sum(step["rows"] for step in found[0]["steps"]))
    rows.append(["in all", in_all, *(f"{median(found, key):,.2f}" for key in ("seconds", "cpu"))])
    counts = ", ".join(f"{whole(count)} {name}" for name, count in found[0]["counts"].items())
    title = f"All that notebook 50 estimates ({counts}), median of {rounds} rounds"
    print_table(title, ["part", "rows of results", "s", "cpu s"], rows)
    slowest, peak = max(run["seconds"] for run in found), max(run["peak"] for run in found)
    print(
        f"slowest round {slowest:.1f} s, of the aim of {MOST_SECONDS:.0f} s; {peak / 1e6:,.0f} MB"
    )


def _print_growth(sizes: Sequence[tuple[int, int, int]], rounds: int) -> None:
    cases = [(method, size) for method in METHODS for size in sizes]
    sides = {
        f"{method} {size[0]}": partial(_script, "estimate_growth.py", method, *map(str, size))
        for method, size in cases
    }
    found = interleaved(sides, rounds)
    rows = []
    for (method, size), results in zip(cases, found.values(), strict=True):
        cells = [whole(size[0]), whole(size[1])]
        cells += [f"{median(results, key):,.3f}" for key in ("seconds", "cpu")]
        cells.append(f"{1e6 * median(results, 'cpu') / size[0]:,.1f}")
        cells += [f"{max(run[key] for run in results) / 1e6:,.0f}" for key in ("before", "peak")]
        rows.append([method, *cells])
    heads = ["method", "rows", "teams", "s", "cpu s", "cpu µs/row", "MB before", "MB peak"]
    title = f"One outcome by size, {whole(DRAWS)} draws, median of {rounds} rounds"
    print_table(title, heads, rows)
    peak = max(run["peak"] for results in found.values() for run in results)
    print(f"{peak / 1e9:.2f} GB at the most, of the aim of {MOST_MEMORY / 1e9:.0f} GB")


def _script(name: str, *arguments: str) -> Result:
    """Run a script of this folder in a process of its own, with one thread of linear algebra."""
    command = [sys.executable, str(HERE / name), *arguments]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD,
        timeout=TIMEOUT,
    )  # fmt: skip
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result
