"""Measure a batch of report pages: `batch.py [sides] [workers] [--quick] [--workspace PATH]`.

`sides` compares our command with papermill and with pure compute; `workers` says what a runner costs, and
from that how many workers it can feed. Not here: the sides themselves (`batch_sides`), timing and sampling
(`batch_measure`), the workspace (`batch_workspace`). Prints figures and ratios; nothing is a test.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median

import batch_workers
from batch_measure import Peaks, adopt_orphans, sampled, timed
from batch_sides import outputs_of
from batch_workspace import LANG, NOTEBOOK, RUN, Place, command, environment, prepare
from kobo_measure import (
    HERE,
    Result,
    failure,
    interleaved,
    print_failures,
    print_machine,
    print_table,
)

PACKAGES = ("papermill", "nbclient", "ipykernel", "jupyter_client", "pandas", "matplotlib")
FEW = 6
"""Communes of a quick run, and those a round by the papermill command."""

LOOP_AIM, COMMANDS_AIM, PURE_AIM, MEMORY_AIM = 5.0, 8.0, 1.6, 1.2e9
OURS = "survey-tools report"
LOOP, COMMANDS, PURE = "papermill loop", "papermill command", "pure compute"
AT_ONCE = "pure compute, at once"
TWO, PLAIN = "papermill, processes", "survey-tools, plain kernels"


@dataclass(frozen=True)
class Asked:
    """What to do."""

    rounds: int
    full: bool
    more: bool


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="sides|workers")
    parser.add_argument("--quick", action="store_true", help=f"one round, {FEW} communes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--full", action="store_true", help="the papermill command for every commune"
    )
    parser.add_argument(
        "--more", action="store_true", help="two further sides, see bench/README.md"
    )
    parser.add_argument("--workspace", type=Path, help="one with results; it is copied")
    parser.add_argument("--notebook", type=Path, help="measured in place of notebook 60")
    asked = parser.parse_args()
    if unknown := set(asked.names) - {"sides", "workers"}:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    adopt_orphans()
    print_machine(PACKAGES)
    with tempfile.TemporaryDirectory(prefix="batch-") as folder:
        most = FEW if asked.quick else None
        place = prepare(Path(folder).resolve(), asked.workspace, asked.notebook, most)
        if "sides" in (asked.names or ("sides",)):
            compare(place, Asked(1 if asked.quick else asked.rounds, asked.full, asked.more))
        if "workers" in (asked.names or ("workers",)):
            batch_workers.measure(place, quick=asked.quick)


def compare(place: Place, asked: Asked) -> None:
    """Run all sides round by round; print seconds, ratios, our phases, memory, and what the sides made."""
    sides: dict[str, Callable[[], Result]] = {
        OURS: partial(ours, place),
        LOOP: partial(theirs, place, "loop"),
        COMMANDS: partial(commands, place, full=asked.full),
        PURE: partial(pure, place),
        AT_ONCE: partial(pure_at_once, place),
    }
    if asked.more:
        sides |= {TWO: partial(theirs, place, "two"), PLAIN: partial(ours, place, fork="0")}
    found = interleaved(sides, asked.rounds)
    _print_sides(found, len(place.communes), asked)
    print_failures(found)
    if failure(found[OURS]):
        return
    _print_phases(found[OURS], len(place.communes))
    _print_memory(place)
    _print_same(place)


def ours(place: Place, *, fork: str = "1", run: Callable[..., Result] = timed) -> Result:
    """Make the pages of all communes by our command, from nothing, as many at a time as processors."""
    place.forget()
    env = environment() | {"SURVEY_TOOLS_FORK": fork}
    communes = ",".join(place.communes)
    options = ["--run", RUN, "--lang", LANG, "--communes", communes, "--force"]
    result = run([command("survey-tools"), "report", *options], place.root, env)
    if "error" in result:
        return result
    pages = [page for page in place.record() if page["code"] in place.communes]
    assert len(pages) == len(place.communes)
    assert {page["status"] for page in pages} == {"ok"}
    return result | {"pages": pages}


def theirs(
    place: Place, side: str, *, few: int | None = None, run: Callable[..., Result] = timed
) -> Result:
    """Execute the notebook for each commune by papermill's function, with what its manual says."""
    given = place.given(side, place.communes[:few])
    return run(
        [sys.executable, str(HERE / "batch_sides.py"), side, given], place.root, environment()
    )


def commands(place: Place, *, full: bool = False) -> Result:
    """Execute the notebook by the papermill command, one commune after the other; scaled from a few."""
    few = place.communes if full else place.communes[:FEW]
    totals = {"seconds": 0.0, "cpu": 0.0}
    for commune in few:
        output = str(place.out / f"{commune}.command.ipynb")
        options = chain.from_iterable(
            ("-p", name, value)
            for name, value in (("commune", commune), ("lang", LANG), ("run", RUN))
        )
        place.out.mkdir(exist_ok=True)
        line = [command("papermill"), NOTEBOOK, output, *options]
        result = timed(line, place.root, environment())
        if "error" in result:
            return result
        for key in totals:
            totals[key] += result[key] * len(place.communes) / len(few)
    return dict(totals)


def pure(place: Place) -> Result:
    """Run the notebook's code in a warm process; its seconds are those of the cells alone."""
    line = [sys.executable, str(HERE / "batch_sides.py"), "pure", place.given("pure")]
    result = timed(line, place.root, environment(one_thread=True))
    return result if "error" in result else json.loads(result["said"])


def pure_at_once(place: Place) -> Result:
    """Run the notebook's code in as many warm processes as processors; its seconds are the slowest's."""
    cores = os.cpu_count() or 1
    shares = [place.communes[start::cores] for start in range(min(cores, len(place.communes)))]
    line = [sys.executable, str(HERE / "batch_sides.py"), "pure"]
    env = environment(one_thread=True)
    started = [
        subprocess.Popen(
            [*line, place.given(f"pure-{number}", share)],
            cwd=place.root,
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, share in enumerate(shares)
    ]
    found = [json.loads(process.communicate()[0]) for process in started]
    return {
        "seconds": max(one["seconds"] for one in found),
        "cpu": sum(one["cpu"] for one in found),
    }


def _print_sides(found: dict[str, list[Result]], reports: int, asked: Asked) -> None:
    cores = os.cpu_count() or 1
    rows = []
    for name, results in found.items():
        if failure(results):
            rows.append([name, *["fails"] * 4])
            continue
        seconds = median(result["seconds"] for result in results)
        cpu = median(result["cpu"] for result in results)
        ratio = "1" if name == OURS else _ratio(results, found[OURS])
        rows.append([name, f"{seconds:.2f}", f"{seconds / reports:.3f}", f"{cpu:.2f}", ratio])
        if name == PURE:
            ideal = [{"seconds": result["seconds"] / cores} for result in results]
            shown = [f"{seconds / cores:.2f}", f"{seconds / cores / reports:.3f}", ""]
            rows.append([f"{PURE} / {cores}", *shown, _ratio(ideal, found[OURS])])
    rounds = f"median of {asked.rounds} interleaved round(s)" if asked.rounds > 1 else "one round"
    heads = ["side", "s", "s a report", "cpu s", "by ours (least–most)"]
    print_table(f"{reports} reports, {rounds}", heads, rows)
    if not asked.full and reports > FEW:
        print(f"{COMMANDS}: {FEW} of {reports} measured each round, scaled")
    left = sum(result.get("left", 0) for results in found.values() for result in results)
    print(f"processes left behind: {left}")
    _print_aims(found, cores)


def _print_aims(found: dict[str, list[Result]], cores: int) -> None:
    for name, least in ((LOOP, LOOP_AIM), (COMMANDS, COMMANDS_AIM)):
        if not failure(found[name]) and not failure(found[OURS]):
            ratio = median(_ratios(found[name], found[OURS]))
            print(f"aim {_state(ratio >= least)}: {name} by ours {ratio:.2f}, at least {least:g}")
    if not failure(found[PURE]) and not failure(found[OURS]):
        ratio = median(cores / one for one in _ratios(found[PURE], found[OURS]))
        state = _state(ratio <= PURE_AIM)
        print(f"aim {state}: ours by {PURE} / {cores} {ratio:.2f}, at most {PURE_AIM:g}")
        pages = [
            sum(page["seconds"]["total"] for page in our["pages"]) / their["seconds"]
            for our, their in zip(found[OURS], found[PURE], strict=True)
        ]
        print(f"the same, without what is around the pages: {median(pages):.2f}")


def _ratios(theirs: list[Result], ours: list[Result]) -> list[float]:
    pairs = zip(theirs, ours, strict=True)
    return [their["seconds"] / our["seconds"] for their, our in pairs]


def _ratio(theirs: list[Result], ours: list[Result]) -> str:
    if failure(ours):
        return "–"
    ratios = _ratios(theirs, ours)
    return f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def _state(met: bool) -> str:
    return "met" if met else "MISSED"


def _print_phases(results: list[Result], reports: int) -> None:
    """Print where our seconds go: within a page as its record says, and around the pages."""
    pages = [page for result in results for page in result["pages"]]
    phases = list(dict.fromkeys(phase for page in pages for phase in page["seconds"]))
    rows = []
    for phase in phases:
        seconds = [page["seconds"].get(phase, 0.0) for page in pages]
        rows.append([phase, f"{median(seconds):.3f}", f"{sum(seconds) / len(results):.2f}"])
    jobs = min(os.cpu_count() or 1, reports)
    around = median(
        result["seconds"] - sum(page["seconds"]["total"] for page in result["pages"]) / jobs
        for result in results
    )
    rows.append([f"around the pages (s less total / {jobs})", "", f"{around:.2f}"])
    print_table("ours by phase", ["phase", "s a report", "s of all"], rows)


def _print_memory(place: Place) -> None:
    """Print the most memory of each way to run the batch, in a run of its own that is not timed."""
    few = 2
    peaks: dict[str, Result] = {
        OURS: ours(place, run=sampled),
        f"{LOOP}, {few} reports": theirs(place, "loop", few=few, run=sampled),
    }
    rows = []
    for name, result in peaks.items():
        if "error" not in result:
            peak: Peaks = result["peaks"]
            sizes = [peak.kernels_pss, peak.kernels_rss, peak.pss, peak.rss]
            counts = [f"{peak.kernels}", f"{peak.processes}"]
            rows.append([name, *counts, *(f"{size / 1e6:,.0f}" for size in sizes)])
    heads = ["side", "kernels", "processes", "kernels: PSS", "RSS", "all: PSS", "RSS"]
    print_table("most at one time, memory in MB", heads, rows)
    most = peaks[OURS]["peaks"].kernels_rss if "error" not in peaks[OURS] else float("nan")
    state = _state(most <= MEMORY_AIM)
    print(f"aim {state}: all kernels {most / 1e9:.2f} GB, shared pages in each, at most 1.2")


def _print_same(place: Place) -> None:
    """Print how many outputs of the sides are the same, byte for byte."""
    found = json.loads((place.out / "pure" / "pure.json").read_text(encoding="utf-8"))
    ours, theirs, bare = [], [], []
    for commune in place.communes:
        folder = place.root / "reports" / RUN / "notebooks"
        ours += outputs_of(folder / f"{commune}.{LANG}.ipynb")
        theirs += outputs_of(place.out / "loop" / f"{commune}.ipynb")
        bare += found[commune]
    total = sum(map(len, theirs))
    for name, side in ((OURS, ours), (PURE, bare)):
        counts = sum(len(a) == len(b) for a, b in zip(side, theirs, strict=True))
        same = sum(
            one == other
            for a, b in zip(side, theirs, strict=True)
            for one, other in zip(a, b, strict=False)
        )
        print(f"outputs of {name} like those of the {LOOP}: {same} of {total}; "
              f"as many in {counts} of {len(theirs)} cells")  # fmt: skip


if __name__ == "__main__":
    main()
