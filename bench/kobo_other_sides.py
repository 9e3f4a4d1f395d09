"""What other published clients do in the comparison: one side a process, its figures as one line of JSON.

Not here: which sides run, and how often. It runs in an environment of these clients alone, so it
imports nothing of this package. A side that ends in `_alone` is what the client's documentation shows;
one in `_pages` is a loop around the client's own public methods until all rows are there.

    kobo_other_sides.py SIDE '{"…": …}'
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import Any

PAGE = 1000
Given = dict[str, Any]


def koboextractor_alone(given: Given) -> int:
    """One call, as documented."""
    kobo = _koboextractor(given)
    kobo.get_asset(given["uid"])
    return len(kobo.get_data(given["uid"])["results"])


def koboextractor_pages(given: Given) -> int:
    """A loop with `start` and `limit`; rows stay dictionaries."""
    kobo = _koboextractor(given)
    kobo.get_asset(given["uid"])
    rows: list[Any] = []
    while True:
        page = kobo.get_data(given["uid"], start=len(rows), limit=PAGE)
        rows += page["results"]
        if not page["results"] or len(rows) >= page["count"]:
            return len(rows)


def kobo2pandas_alone(given: Given) -> int:
    """One call, as documented."""
    return len(_kobo2pandas(given).get_dataframes(given["uid"])[0])


def kobo2pandas_pages(given: Given) -> int:
    """A loop with `start` and `limit`; rows stay dictionaries."""
    kobo = _kobo2pandas(given)
    kobo.get_asset(given["uid"])
    rows: list[Any] = []
    while True:
        page = kobo.get_data(given["uid"], start=len(rows), limit=PAGE)
        rows += page["results"]
        if not page["results"] or len(rows) >= page["count"]:
            return len(rows)


def kobo2pandas_frames_pages(given: Given) -> int:
    """A loop with `start` and `limit`; each page becomes frames, joined by the tables' order at the end."""
    import pandas as pd

    kobo = _kobo2pandas(given)
    pages: list[Any] = []
    rows = 0
    while True:
        frames = kobo.get_dataframes(given["uid"], start=rows, limit=PAGE) or []
        rows += len(frames[0]) if frames else 0
        pages.append(frames)
        if not frames or len(frames[0]) < PAGE:
            break
    for parts in zip(*filter(None, pages), strict=True):
        pd.concat(parts, ignore_index=True)
    return rows


def pykobo_alone(given: Given) -> int:
    """One call, as documented."""
    form = _pykobo(given).get_form(given["uid"])
    form.fetch_data()
    return len(form.data)


def pykobo_pages(given: Given) -> int:
    """A form object a page, its public `url_data` pointed at the page: `fetch_data` takes no limit."""
    import pandas as pd

    manager = _pykobo(given)
    mains, children = [], []
    while True:
        form = manager.get_form(given["uid"])
        form.url_data += f"&start={sum(map(len, mains))}&limit={PAGE}"
        form.fetch_data()
        mains.append(form.data)
        children.append(form.repeats)
        if len(form.data) < PAGE:
            break
    main = pd.concat(mains, ignore_index=True)
    for name in children[0]:
        pd.concat([repeats[name] for repeats in children if name in repeats], ignore_index=True)
    return len(main)


def _koboextractor(given: Given) -> Any:
    from koboextractor import KoboExtractor

    return KoboExtractor(os.environ["KOBO_TOKEN"], f"{given['url']}/api/v2")


def _kobo2pandas(given: Given) -> Any:
    from kobo2pandas import KoboAPI

    return KoboAPI(os.environ["KOBO_TOKEN"], endpoint=given["url"])


def _pykobo(given: Given) -> Any:
    import pykobo

    return pykobo.Manager(url=given["url"], api_version=2, token=os.environ["KOBO_TOKEN"])


SIDES = (
    koboextractor_alone,
    koboextractor_pages,
    kobo2pandas_alone,
    kobo2pandas_pages,
    kobo2pandas_frames_pages,
    pykobo_alone,
    pykobo_pages,
)


def main(name: str, given: Given) -> None:
    """Import the client, then run its side against the clock."""
    __import__(name.partition("_")[0])
    side = {side.__name__: side for side in SIDES}[name]
    started, cpu = time.perf_counter(), time.process_time()
    rows = side(given)
    figures = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({**figures, "peak": peak, "rows": rows}))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
