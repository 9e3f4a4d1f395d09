"""Measure what handing out pages costs the one process that does it, and plan from that for many workers.

Not here: making pages. A runner takes processor time for each page (planning, watching, the record) and some
in any case; a worker takes seconds for each page. How many workers one runner can feed is the one by the
other.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from statistics import median

from batch_measure import sampled, timed
from batch_workspace import Place, environment
from kobo_measure import HERE, Result, print_table

JOBS = (1, 2, 4)
PAGES = 3321 * 2
WORKERS = (2, 10, 100)
FEW = 3
"""Communes of the shorter of two runs; what a page costs the runner is the slope between the two."""

TASKS, QUICK_TASKS = 400, 40


def measure(place: Place, *, quick: bool) -> None:
    """Print what a runner and a Dask scheduler take for a page, and a plan for many workers."""
    slopes = {jobs: _slope(place, jobs) for jobs in JOBS}
    rows = [
        [f"{jobs}", *(f"{one[key]:.3f}" for key in ("page", "fixed", "own_page", "own_fixed")),
         f"{one['peak'] / 1e6:,.0f}", f"{one['pss'] / 1e6:,.0f}"]
        for jobs, one in slopes.items()
    ]  # fmt: skip
    heads = ["jobs", "s a page", "s besides", "runner cpu s a page", "besides"]
    heads += ["runner MB", "all PSS MB"]
    print_table(
        f"Our pool, {os.cpu_count()} processors, pages one after the other a job", heads, rows
    )
    _plan(slopes[1], _cluster(place, QUICK_TASKS if quick else TASKS))


def _slope(place: Place, jobs: int) -> Result:
    """Return seconds a page and besides, by the record, and the runner's own processor time likewise."""
    few, whole = (_runner(place, jobs, count) for count in (FEW, len(place.communes)))
    own = (whole["own"] - few["own"]) / (len(place.communes) - FEW)
    return {
        "page": median(whole["pages"]),
        "fixed": whole["seconds"] - sum(whole["pages"]) / jobs,
        "own_page": own,
        "own_fixed": few["own"] - own * FEW,
        "peak": whole["peak"],
        "pss": _runner(place, jobs, max(FEW, jobs), memory=True)["pss"],
    }


def _runner(place: Place, jobs: int, count: int, *, memory: bool = False) -> Result:
    place.forget()
    given = place.given("runner", place.communes[:count], jobs=jobs)
    line = [sys.executable, str(HERE / "batch_sides.py"), "runner", given]
    result = (sampled if memory else timed)(line, place.root, environment())
    if "error" in result:
        raise SystemExit(f"the runner fails: {result['error']}")
    pages = [page["seconds"]["total"] for page in place.record() if page["code"] in place.communes]
    peaks = {"pss": result["peaks"].pss} if memory else {}
    return json.loads(result["said"]) | {"pages": pages} | peaks


def _cluster(place: Place, tasks: int) -> Result | None:
    """Return what client and scheduler of a Dask cluster take for a task, or None without Dask."""
    if importlib.util.find_spec("distributed") is None:
        print("Dask is not installed: no figures for it")
        return None
    given = place.given("cluster", tasks=tasks, workers=WORKERS)
    line = [sys.executable, str(HERE / "batch_sides.py"), "cluster", given]
    result = timed(line, place.root, environment())
    if "error" in result:
        print(f"the cluster fails: {result['error']}")
        return None
    found: Result = json.loads(result["said"])
    print_table(
        f"Dask, client and scheduler in one process, {tasks} tasks that do nothing on 2 workers",
        ["", "cpu ms"],
        [
            ["a task", f"{1e3 * found['own']:.2f}"],
            ["a sign of life of a worker", f"{1e3 * found['beat']:.2f}"],
            ["a second in any case", f"{1e3 * found['base']:.2f}"],
        ],
    )
    print(f"by the clock {1e3 * found['seconds']:.1f} ms a task, workers on the same processors")
    return found


def _plan(one: Result, dask: Result | None) -> None:
    """Print minutes for all pages of a country on so many workers of one processor each."""
    page, fixed = one["page"], one["fixed"]
    own = dask["own"] if dask else one["own_page"]
    if min(own, one["own_page"]) <= 0:
        print("no plan: too few pages to tell what one costs the runner")
        return
    rows = []
    for workers in WORKERS:
        busy = dask["base"] + dask["beats"][str(workers)] * dask["beat"] if dask else 0.0
        made = PAGES * page / workers
        handed = PAGES * own / (1 - busy) if busy < 1 else float("inf")
        load = busy + own * workers / page
        minutes = (max(made, handed) + fixed) / 60
        rows.append([f"{workers}", f"{minutes:,.1f}", f"{handed / 60:,.1f}", f"{100 * load:.1f} %"])
    heads = ["workers W", "minutes", "at least, by the runner", "runner at work"]
    print_table(f"A plan: {PAGES:,} pages on W workers of one processor each", heads, rows)
    print(f"minutes = max(pages × {page:.3f} s / W, "
          f"pages × {1e3 * own:.2f} ms / (1 − busy)) + {fixed:.1f} s")  # fmt: skip
    print("busy: a second in any case and the signs of life of W workers; 0 for our own pool")
    print(f"a runner feeds {page / own:,.0f} workers (seconds a page by those of the runner); "
          f"our own pool's {page / one['own_page']:,.0f}")  # fmt: skip
    print("seconds a page are those of this district; what larger tables cost: batch_growth.py")
