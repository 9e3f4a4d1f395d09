"""Measure what a batch of report pages costs beside the pages themselves, as the communes become more.

    .venv/bin/python bench/batch_growth.py                # 27, 270 and 3,321 communes
    .venv/bin/python bench/batch_growth.py 27 270         # of these numbers, multiples of 27
    .venv/bin/python bench/batch_growth.py --from FOLDER  # workspace with results; by default this one

Every number of communes is a process of its own. Pages are made by a stand-in that writes the files of a page
and returns at once. Not here: the making of pages (`batch`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from batch_district import generate
from kobo_measure import HERE, peak_memory

from survey_tools.params import Workspace, open_workspace
from survey_tools.report.disclosure import open_results
from survey_tools.report.shown import share_results
from survey_tools.report.site import write_index
from survey_tools.run.batch import reports
from survey_tools.run.batch.plan import plan_reports
from survey_tools.run.batch.record import Record
from survey_tools.run.batch.task import OK, Limits, Result, Task

COMMUNES = (27, 270, 3321)
OPENED = 9
"""Communes whose results are opened, of all parts of the list."""

_ROWS = {
    "pages": "pages",
    "share": "results shared, s",
    "plan": "plan, nothing made, s",
    "open": "results of a commune opened, ms",
    "open_district": "results of the district opened, s",
    "run": "run with a stand-in, s",
    "per_page": "… ms a page",
    "replan": "plan, all made, s",
    "rerun": "run, all made, s",
    "record_bytes": "record, bytes a page",
    "index": "index of two languages, s",
    "index_bytes": "index, kB a language",
    "peak_plan": "peak memory after planning, MB",
    "peak": "peak memory of the run, MB",
}


class StandIn:
    """Takes the place of the processes that make pages: writes small files and says that all went well."""

    def __init__(self, ws: Workspace, run: str) -> None:
        self.folder = ws.reports(run)

    def run(self, tasks: Iterable[Task], limits: Limits) -> Iterator[Result]:
        """Give a result for each task."""
        for task in tasks:
            files = {}
            for name in (f"{task.name}.html", f"notebooks/{task.name}.ipynb"):
                content = f"<p>{task.name}</p>".encode()
                path = self.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                files[name] = hashlib.sha256(content).hexdigest()
            seconds = {"start": 0.1, "cells": 0.8, "render": 0.1, "release": 0.02, "total": 1.02}
            yield Result(task.name, OK, seconds=seconds, peak_mb=250.0, files=files, host="host")


def measure(origin: Path, communes: int) -> dict[str, float]:
    """Run a batch over generated communes, and time its parts."""
    with tempfile.TemporaryDirectory() as folder:
        ws = generate(open_workspace(origin), Path(folder) / "ws", communes // 27)
        reports.make_codebook = lambda *_: None  # it is about answers, which are not generated
        found: dict[str, float] = {"communes": communes}
        found["share"], _ = timed(lambda: share_results(ws))
        found["plan"], pages = timed(lambda: plan_reports(ws, "main"))
        found["pages"] = len(pages)
        found["peak_plan"] = peak_memory() / 1e6
        codes = sorted({page.code for page in pages if page.code != "district"})
        some = codes[:: max(1, len(codes) // OPENED)]
        opened = [timed(lambda code=code: open_results(ws, "vi", code))[0] for code in some]
        found["open"] = 1000 * statistics.median(opened)
        found["run"], _ = timed(lambda: batch(ws))
        found["per_page"] = 1000 * (found["run"]) / len(pages)
        found["replan"], pages = timed(lambda: plan_reports(ws, "main"))
        if any(page.reason for page in pages):
            raise SystemExit("a finished run would be redone")
        found["rerun"], _ = timed(lambda: batch(ws))
        path = ws.reports("main") / "run.json"
        found["record_bytes"] = path.stat().st_size / len(pages)
        record = Record(ws, "main").finish()
        found["index"], written = timed(lambda: write_index(ws, "main", record))
        found["index_bytes"] = written[0].stat().st_size / 1000
        found["peak"] = peak_memory() / 1e6
        found["open_district"], _ = timed(lambda: open_results(ws, "vi"))
        return found


def batch(ws: Workspace) -> Any:
    """Run the whole batch with the stand-in."""
    return reports.run_reports(ws, "main", pool=StandIn(ws, "main"))  # type: ignore[arg-type]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return seconds and result."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def main() -> None:
    """Print a table, a column for each number of communes."""
    parser = argparse.ArgumentParser(description="What a batch costs beside its pages.")
    parser.add_argument("communes", nargs="*", type=int, default=COMMUNES)
    parser.add_argument("--from", dest="origin", type=Path, default=HERE.parent)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    study = given.origin.resolve() / "params" / "study.yml"
    if given.one:
        print(json.dumps(measure(study, given.one)))
        return
    columns = []
    for communes in given.communes:
        command = [sys.executable, __file__, "--from", str(given.origin), "--one", str(communes)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        columns.append(json.loads(done.stdout.splitlines()[-1]))
    print(f"{'communes':34}" + "".join(f"{int(c['communes']):>10,}" for c in columns))
    for key, label in _ROWS.items():
        print(f"{label:34}" + "".join(f"{c[key]:>10,.4g}" for c in columns))


if __name__ == "__main__":
    main()
