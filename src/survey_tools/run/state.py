"""Tell what a workspace holds, from when, and what to run next.

Not here: running it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as parquet

from survey_tools.params import Workspace
from survey_tools.run.batch.record import read_record
from survey_tools.run.erasing.journal import unfinished
from survey_tools.run.pull import last_pulls

_TABLES = (
    ("clean", "clean", ("household", "roster", "visits", "team_log", "site", "labels"), "20_clean"),
    ("checks", "clean", ("flags",), "30_check"),
    ("analysis", "analysis", ("panel", "households", "teams", "answers"), "40_construct"),
    ("results", "results", ("effects", "levels", "communes", "choices", "balance"), "50_estimate"),
)


@dataclass(frozen=True)
class Stage:
    """One stage: is it there, whole, from when (UTC), with how many rows, and what to run next."""

    name: str
    there: bool
    from_when: str | None
    rows: int | None
    next: str


def status(ws: Workspace) -> list[Stage]:
    """Look at every stage of the workspace, left to right.

    A stage that is older than the one on its left counts as there, but says that it is out of date.

    Returns
    -------
    list of Stage
        Raw rows, clean tables, checks, analysis tables, results, and one row for each run of reports;
        before them an erasure, if one has begun and is not finished.
    """
    raw = _raw(ws)
    stages = [raw[0]]
    if unfinished(ws):
        again = "not finished: survey-tools erase, without a code, goes on"
        stages.insert(0, Stage("erasure", False, None, None, again))
    newest = raw[1]
    for name, folder, tables, notebook in _TABLES:
        paths = [getattr(ws, folder) / f"{table}.parquet" for table in tables]
        stage, changed = _tables(name, paths, notebook, newest)
        stages.append(stage)
        if name != "checks":
            newest = changed or newest
    return stages + _runs(ws, newest)


def _raw(ws: Workspace) -> tuple[Stage, float | None]:
    if not all(ws.store(form).is_file() for form in ws.study.forms):
        return Stage("raw", False, None, None, "survey-tools pull"), None
    pulls = last_pulls(ws)
    ends = [str(pull["finished"]) for pull in pulls if pull["finished"]]
    if len(ends) < len(pulls):
        return Stage("raw", False, None, None, "survey-tools pull: the last one broke off"), None
    changed = datetime.fromisoformat(max(ends).replace("Z", "+00:00")).timestamp()
    rows = sum(int(pull["rows"]) for pull in pulls)
    return Stage("raw", True, _shown(changed), rows, ""), changed


def _tables(
    name: str, paths: list[Path], notebook: str, left: float | None
) -> tuple[Stage, float | None]:
    again = f"survey-tools run --from {notebook}"
    if not all(path.is_file() for path in paths):
        return Stage(name, False, None, None, again), None
    changed = min(path.stat().st_mtime for path in paths)
    rows = parquet.read_metadata(paths[0]).num_rows
    stale = left is not None and changed < left
    return Stage(
        name, True, _shown(changed), rows, f"out of date: {again}" if stale else ""
    ), changed


def _runs(ws: Workspace, newest: float | None) -> list[Stage]:
    records = sorted((ws.root / "reports").glob("*/run.json"))
    if not records:
        return [Stage("reports", False, None, None, "survey-tools report")]
    return [_run(path, newest) for path in records]


def _run(path: Path, newest: float | None) -> Stage:
    name, record = path.parent.name, read_record(path.parent) or {}
    pages = [page for page in record.get("pages", []) if page.get("file")]
    failed = sum(page["status"] == "failed" for page in pages)
    again = f"survey-tools report --run {name}"
    hint = ""
    if failed:
        hint = f"{failed} page(s) failed: {again}"
    elif newest is not None and path.stat().st_mtime < newest:
        hint = f"older than the results: {again}"
    return Stage(f"reports/{name}", bool(pages), record.get("finished"), len(pages) - failed, hint)


def _shown(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
