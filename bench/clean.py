"""Measure cleaning, checking and constructing as a survey grows: `clean.py [stages] [sides] [--quick]`.

Not here: making the surveys (`clean_rows`), the steps that are timed (`clean_stages`), the comparisons
(`clean_sides`). Surveys are made once and kept in `bench/.cache`; no row leaves this computer.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import clean_rows
import clean_sides
from kobo_measure import HERE, Result, median, print_machine, print_table, whole

from survey_tools import synthetic

CACHE = HERE / ".cache"
STAGES = {"clean": ("clean",), "check": ("check",), "construct": ("construct",)}
"""Process to the stages that run in it."""

SIZES = (1, 10, 98)
"""Teams a commune: 2,500, 25,000 and 250,000 submissions of the household form."""

FULL_SIZE, MOST_SECONDS, MOST_MEMORY = 98, 60.0, 3e9
Run = dict[str, Result]


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="|".join(WHOLE))
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(WHOLE):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    print_machine()
    for name in asked.names or WHOLE:
        (QUICK if asked.quick else WHOLE)[name]()


def measure_stages(sizes: Sequence[int] = SIZES, rounds: int = 3) -> None:
    """Print seconds of every step by size, how they grow, and whether the aims are met at the full size."""
    found: dict[int, list[Run]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size in sizes:
            found[size].append(_run(size))
    for stage in STAGES:
        _print_steps(stage, {size: [run[stage] for run in runs] for size, runs in found.items()})
    _print_growth(found)
    if FULL_SIZE in found:
        _print_aims(found[FULL_SIZE])


def survey(teams_a_commune: int) -> Path:
    """Return the workspace of a size, made unless it is there; its `params/` are those of today."""
    folder = CACHE / f"{teams_a_commune}-{_digest()}"
    if not folder.is_dir():
        for outdated in CACHE.glob(f"{teams_a_commune}-*"):
            shutil.rmtree(outdated)
        print(f"making the survey with {teams_a_commune} team(s) a commune …", flush=True)
        building = CACHE / f".building-{os.getpid()}"
        command = [sys.executable, str(HERE / "clean_rows.py"), str(building), str(teams_a_commune)]
        subprocess.run(command, check=True)
        building.replace(folder)
    clean_rows.widen(folder, teams_a_commune)
    for made in (folder / "data" / "processed").glob("*/*"):
        made.unlink()
    return folder


def _digest() -> str:
    """Depend on what the rows are made of."""
    made_of = [HERE / "clean_rows.py", *sorted(Path(synthetic.__file__).parent.rglob("*.py"))]
    made_of += sorted((clean_rows.ROOT / "params/forms").glob("*.xlsx"))
    digest = hashlib.sha256()
    for path in made_of:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


def _run(size: int) -> Run:
    """Run the stages, each in a process of its own, as the notebooks are."""
    folder = survey(size)
    return {stage: _stage(folder, *STAGES[stage]) for stage in STAGES}


def _stage(folder: Path, *stages: str) -> Result:
    command = [sys.executable, str(HERE / "clean_stages.py"), str(folder), *stages]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: Result = json.loads(done.stdout.splitlines()[-1])
    for key in ("seconds", "cpu"):
        result[key] = sum(step[key] for step in result["steps"])
    return result


def _print_steps(stage: str, found: dict[int, list[Result]]) -> None:
    """Print a line a step: wall and processor seconds at every size."""
    first = next(iter(found.values()))[0]
    lines = []
    for number, step in enumerate(first["steps"]):
        cells = [step["step"]]
        for runs in found.values():
            steps = [run["steps"][number] for run in runs]
            assert all(one["step"] == step["step"] for one in steps)
            cells += [f"{median(steps, 'seconds'):.2f}", f"{median(steps, 'cpu'):.2f}"]
        lines.append(cells)
    heads = [head for size in found for head in (f"{size}: s", "cpu s")]
    counts = [", ".join(f"{whole(n)} {what}" for what, n in runs[0]["counts"].items())
              for runs in found.values()]  # fmt: skip
    print_table(f"{stage}, by teams a commune", ["step", *heads], lines)
    for size, what in zip(found, counts, strict=True):
        print(f"  {size}: {what}")


def _print_growth(found: dict[int, list[Run]]) -> None:
    """Print seconds a stage, rows a second, and the cost of a row against that at the next smaller size."""
    lines = []
    for stage in STAGES:
        before = None
        for runs in found.values():
            rows = runs[0]["clean"]["counts"]["submissions"]
            results = [run[stage] for run in runs]
            seconds, cpu = median(results, "seconds"), median(results, "cpu")
            grown = "–" if before is None else f"{cpu / rows / before:.2f}"
            before = cpu / rows
            lines.append([stage, whole(rows), f"{seconds:.2f}", f"{cpu:.2f}",
                          whole(rows / seconds), f"{1e6 * before:.0f}", grown,
                          whole(median(results, "peak") / 1e6)])  # fmt: skip
    heads = ["stage", "rows", "s", "cpu s", "rows/s", "cpu µs/row", "by smaller", "MB peak"]
    print_table("growth (1.00 is linear, below it is less)", heads, lines)


def _print_aims(runs: list[Run]) -> None:
    counts = runs[0]["clean"]["counts"]
    laid_out = [
        {key: sum(step[key] for step in run["clean"]["steps"] if step["stage"] == "read")
         for key in ("seconds", "cpu")}
        for run in runs
    ]  # fmt: skip
    totals = [{key: sum(run[stage][key] for stage in STAGES) for key in ("seconds", "cpu")}
              for run in runs]  # fmt: skip
    rows = f"{whole(counts['interviews'])} interviews, {whole(counts['members'])} members"
    print(
        f"\n{rows}: {median(totals, 'seconds'):.1f} s ({median(totals, 'cpu'):.1f} s of processor)"
    )
    rest = [
        {k: total[k] - read[k] for k in total} for total, read in zip(totals, laid_out, strict=True)
    ]
    print(f"  without laying the store out: {median(rest, 'seconds'):.1f} s "
          f"({median(rest, 'cpu'):.1f} s of processor)")  # fmt: skip
    peak = max(run[stage]["peak"] for run in runs for stage in STAGES)
    _print_aim("seconds", median(rest, "seconds"), MOST_SECONDS)
    _print_aim("GB peak of a process", peak / 1e9, MOST_MEMORY / 1e9)


def _print_aim(what: str, figure: float, most: float) -> None:
    state = "met" if figure <= most else "MISSED"
    print(f"aim {state}: {what}: {figure:.2f}, at most {most:.0f}")


WHOLE: dict[str, Callable[[], None]] = {
    "stages": measure_stages,
    "sides": lambda: clean_sides.main(survey(10)),
}
QUICK: dict[str, Callable[[], None]] = {
    "stages": lambda: measure_stages((1, 4), rounds=1),
    "sides": lambda: clean_sides.main(survey(4), rounds=1),
}

if __name__ == "__main__":
    main()
