"""Install the other libraries of estimates apart, and run each side of a comparison as a process.

Not here: what is measured (`estimate_wild`, `estimate_romano_wolf`), or what each side does
(`estimate_sides`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

from kobo_measure import (
    HERE,
    Result,
    figure,
    interleaved,
    median_ratio,
    print_failures,
    print_table,
    uv,
)

ENVIRONMENT = HERE / ".venv-estimates"
PINNED = HERE / "requirements-estimates.txt"
TIMEOUT = 1800
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@cache
def install() -> str:
    """Make the environment of the other libraries unless it is there; return why not, or nothing."""
    python = _python()
    if not python.is_file():
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        problem = uv("venv", "--python", sys.executable, str(ENVIRONMENT))
        if problem:
            return problem
    return uv("pip", "install", "--python", str(python), "-r", str(PINNED))


def ours(side: str, size: str, draws: int) -> Callable[[], Result]:
    """Return a call that runs a side in this environment."""
    return partial(_run, sys.executable, side, {"size": size, "draws": draws})


def theirs(side: str, size: str, draws: int) -> Callable[[], Result]:
    """Return a call that runs a side in the environment of the other libraries."""
    problem = install()
    if problem:
        return lambda: {"error": f"not installed: {problem}"}
    return partial(_run, str(_python()), side, {"size": size, "draws": draws})


def compare(
    title: str, sides: Mapping[str, tuple[str, Callable[[], Result]]], rounds: int
) -> dict[str, list[Result]]:
    """Run the sides in turn and print seconds, memory and median ratios to the first within rounds.

    Parameters
    ----------
    title : str
    sides : mapping
        Name of a side to what it gives, and its call. The first is ours.
    rounds : int

    Returns
    -------
    dict
        Results of each side, round by round.
    """
    found = interleaved({name: call for name, (_, call) in sides.items()}, rounds)
    first = next(iter(found.values()))
    rows = []
    for name, results in found.items():
        figures = [figure(results, key, ",.3f") for key in ("seconds", "cpu")]
        figures.append(figure(results, "peak", ",.0f", 1e6))
        ratios = [f"{median_ratio(first, results, key):,.1f}" for key in ("seconds", "cpu")]
        rows.append([name, sides[name][0], *figures, *ratios])
    heads = ["side", "gives", "s", "cpu s", "MB peak", "s by ours", "cpu s by ours"]
    print_table(f"{title}, median of {rounds} interleaved rounds", heads, rows)
    print_failures(found)
    return found


def _run(python: str, side: str, given: Mapping[str, object]) -> Result:
    command = [python, str(HERE / "estimate_sides.py"), side, json.dumps(given)]
    try:
        done = subprocess.run(
            command, env=os.environ | ONE_THREAD, capture_output=True, text=True, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no result in {TIMEOUT} s"}
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]}
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


def _python() -> Path:
    return ENVIRONMENT / "bin" / "python"
