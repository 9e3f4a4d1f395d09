"""What this package and plain pandas do in the comparisons: one side a process, one line of JSON.

Not here: which sides run, and how often. Imports come before the clock starts, on every side.

    kobo_sides.py SIDE '{"…": …}'
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

ROSTER = "main/c_roster/roster"
Given = dict[str, Any]
Result = dict[str, Any]


class Clock:
    """Wall and processor seconds of a block."""

    def __enter__(self) -> Clock:
        self._started = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._started[0]
        self.cpu = time.process_time() - self._started[1]

    def figures(self, **more: Any) -> Result:
        """Return the seconds, the process's peak memory in bytes, and what else there is."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {"seconds": self.seconds, "cpu": self.cpu, "peak": peak, **more}


def sync(given: Given) -> Result:
    """Sync a form into a store, from nothing or on top of what is there; with `tables` lay it out."""
    from survey_tools.kobo import KoboClient, Store
    from survey_tools.kobo import sync as _

    if given.get("tables"):
        from survey_tools.kobo import tables as _  # noqa: F401
    path = Path(given["store"])
    KoboClient(given["url"], os.environ["KOBO_TOKEN"]).close()  # its HTTP library imports when used
    with (
        Clock() as clock,
        KoboClient(given["url"], os.environ["KOBO_TOKEN"]) as client,
        Store.open(path, server=given["url"], asset=given["uid"]) as store,
    ):
        report = client.sync(given["uid"], store)
        if given.get("tables"):
            assert len(store.tables(given["renames"]).frames["main"]) == report.rows
    disk = sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))
    figures = {"requests": report.requests, "bytes": report.bytes, "disk": disk}
    return clock.figures(rows=report.rows, **figures)


def open_store(given: Given) -> Result:
    """Open a store: the check of the file, without reading a row."""
    from survey_tools.kobo import Store

    with Clock() as clock:
        store = Store.open(given["store"], server=given["url"], asset=given["uid"], create=False)
    store.close()
    return clock.figures(rows=given["rows"])


def read_store(given: Given) -> Result:
    """Read and parse all rows of a store, and keep none."""
    from survey_tools.kobo import Store

    with Store.read(given["store"]) as store, Clock() as clock:
        rows = sum(1 for _ in store.rows())
    return clock.figures(rows=rows)


def store_tables(given: Given) -> Result:
    """Lay the rows of a store out as typed tables."""
    from survey_tools.kobo import Store
    from survey_tools.kobo import tables as _  # noqa: F401

    with Store.read(given["store"]) as store, Clock() as clock:
        tables = store.tables(given["renames"])
    return clock.figures(rows=len(tables.frames["main"]), children=len(tables.frames["roster"]))


def flatten(given: Given) -> Result:
    """Lay out parsed rows with this package: typed columns, checked against the form's versions."""
    from survey_tools.kobo import flatten as lay_out

    rows, forms = list(_rows(given)), _forms(given)
    with Clock() as clock:
        tables = lay_out(rows, forms, renames=given["renames"])
    return clock.figures(rows=len(rows), children=len(tables.frames["roster"]))


def normalize_loop(given: Given) -> Result:
    """Lay out parsed rows as analysts often write it: the roster of one row after the other; all text."""
    import pandas as pd

    rows = list(_rows(given))
    with Clock() as clock:
        pd.json_normalize(rows)
        found = []
        for row in rows:
            if ROSTER in row:
                members = pd.json_normalize(row[ROSTER])
                members["_id"] = row["_id"]
                found.append(members)
        roster = pd.concat(found, ignore_index=True)
    return clock.figures(rows=len(rows), children=len(roster))


def normalize_path(given: Given) -> Result:
    """Lay out parsed rows in the quickest plain way: the roster by `record_path` at once; all text."""
    import pandas as pd

    rows = list(_rows(given))
    with Clock() as clock:
        pd.json_normalize(rows)
        with_roster = [row for row in rows if ROSTER in row]
        roster = pd.json_normalize(with_roster, record_path=ROSTER, meta=["_id"])
    return clock.figures(rows=len(rows), children=len(roster))


def flatten_stream(given: Given) -> Result:
    """Lay out rows that are read and parsed one by one, as they come from a store."""
    from survey_tools.kobo import flatten as lay_out

    forms = _forms(given)
    with Clock() as clock:
        tables = lay_out(_rows(given), forms, renames=given["renames"])
    main = tables.frames["main"]
    return clock.figures(rows=len(main), children=len(tables.frames["roster"]))


def parse(given: Given) -> Result:
    """Read and parse the rows, and keep none: the part of `flatten_stream` that is JSON."""
    with Clock() as clock:
        rows = sum(1 for _ in _rows(given))
    return clock.figures(rows=rows)


def profile(given: Given) -> Result:
    """Watch another side, a sync or a flatten, and return calls and own seconds by function."""
    import cProfile
    import pstats

    watch = cProfile.Profile()
    if given["profiled"] == "sync":
        sync(given | {"store": given["store"] + ".first"})
        watch.runcall(sync, given)
    else:
        from survey_tools.kobo import flatten as lay_out

        rows, forms = list(_rows(given)), _forms(given)
        lay_out(rows[:100], forms, renames=given["renames"])
        watch.runcall(lay_out, rows, forms, renames=given["renames"])
    found = pstats.Stats(watch).stats.items()  # type: ignore[attr-defined]
    return {"functions": [[*name, calls, own] for name, (_, calls, own, *_) in found]}


def _rows(given: Given) -> Iterator[Any]:
    with (Path(given["folder"]) / "rows.jsonl").open("rb") as file:
        yield from map(json.loads, islice(file, given["rows"]))


def _forms(given: Given) -> dict[str, Any]:
    form = json.loads((Path(given["folder"]) / "form.json").read_bytes())
    return {version["uid"]: version["content"] for version in form["versions"]}


SIDES = (
    sync,
    open_store,
    read_store,
    store_tables,
    flatten,
    normalize_loop,
    normalize_path,
    flatten_stream,
    parse,
    profile,
)

if __name__ == "__main__":
    sides = {side.__name__: side for side in SIDES}
    print(json.dumps(sides[sys.argv[1]](json.loads(sys.argv[2]))))
