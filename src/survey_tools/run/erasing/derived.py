"""Take stock of what is derived from rows, delete it, and make it anew.

Derived files are deleted before anything else of a household is: what is to be forgotten does not wait
for a stage that may fail. Not here: rows and lists, which are not derived.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as parquet

from survey_tools.files import remove_temporary
from survey_tools.params import Workspace
from survey_tools.report.downloads.names import FORMATS
from survey_tools.run.batch.plan import NO_DATA
from survey_tools.run.batch.pool import LocalPool
from survey_tools.run.batch.record import read_record
from survey_tools.run.batch.reports import run_reports
from survey_tools.run.erasing.files import (
    Household,
    clear_outputs,
    erase_flags,
    notebooks_with_outputs,
)
from survey_tools.run.erasing.traces import workspace_files
from survey_tools.run.files import read_json
from survey_tools.run.kernels.parallel import jobs_here
from survey_tools.run.occupied import LOCK
from survey_tools.run.pipeline import STAGES, run_stages

PACK = "release.json"
"""File by which a release pack is known."""

MADE = frozenset({
    ".html", ".ipynb", ".json", ".jsonl", ".damaged", ".log", ".csv", ".xlsx", ".parquet", ".css",
    ".svg", ".png", ".txt",
})  # fmt: skip
"""Endings of what a run makes below `reports/`; a PDF or DOCX is a run's only beside its page."""

DOWNLOADS = frozenset(f".{ending}" for ending in FORMATS)

FLAGS = "flags.parquet"
CHECKPOINTS = ".ipynb_checkpoints"
_ID = ("_id", "row_id")
_FIRST_TABLE = {"20_clean": ("clean", "household"), "30_check": ("clean", "flags"),
                "40_construct": ("analysis", "panel"), "50_estimate": ("results", "effects")}  # fmt: skip


@dataclass(frozen=True)
class Derived:
    """What is derived from rows.

    Attributes
    ----------
    tables : tuple of Path
        Clean, analysis and result tables, and those of `data/private/`.
    reports : tuple of Path
        Files that runs made below `reports/`.
    notebooks : tuple of Path
        Notebooks with outputs, outside `reports/`.
    checkpoints : tuple of Path
        Folders in which JupyterLab keeps copies of notebooks.
    packs : tuple of Path
        Release packs: folders, or zip files.
    stages : tuple of str
        Stages that were run, but for the pull.
    runs : dict of str to dict
        Run -> `communes`, `langs` of its pages, and `stages`: whether it holds the stages' notebooks.
    """

    tables: tuple[Path, ...]
    reports: tuple[Path, ...]
    notebooks: tuple[Path, ...]
    checkpoints: tuple[Path, ...]
    packs: tuple[Path, ...]
    stages: tuple[str, ...]
    runs: dict[str, dict[str, Any]]


def take_stock(ws: Workspace) -> Derived:
    """List what is derived from rows."""
    reports = ws.root / "reports"
    files = list(workspace_files(ws.root))
    packs = {path.parent for path in files if path.name == PACK and _is_pack(path)}
    packs |= {path for path in files if path.suffix == ".zip" and _is_zipped_pack(path)}
    inside = {path for path in files if packs & {path, *path.parents}}
    copies = {path.parent for path in files if path.parent.name == CHECKPOINTS}
    inside |= {path for path in files if path.parent in copies}
    made = [p for p in files if reports in p.parents and _is_made(p) and p not in inside]
    made.sort(key=lambda path: path.suffix not in DOWNLOADS)  # a page is what they are known by
    return Derived(
        tables=tuple(sorted((*ws.clean.parent.rglob("*.parquet"), *ws.private.glob("*.parquet")))),
        reports=tuple(made),
        notebooks=tuple(p for p in notebooks_with_outputs(ws.root, reports) if p not in inside),
        checkpoints=tuple(sorted(copies)),
        packs=tuple(sorted(packs)),
        stages=tuple(s for s in STAGES[1:] if _first_table(ws, s).is_file()),
        runs=dict(_runs(reports)),
    )


def count_rows(path: Path, household: Household) -> tuple[int, int]:
    """Count the rows of a table, and those of the household."""
    head = parquet.read_schema(path).names
    ids = {row_id for some in household.rows.values() for row_id in some}
    columns = [name for name in ("hhid", *_ID) if name in head]
    if not columns:
        return parquet.read_metadata(path).num_rows, 0
    frame = pd.read_parquet(path, columns=columns)
    about = pd.Series(False, index=frame.index)
    for name in columns:
        wanted = [household.code] if name == "hhid" else list(ids)
        about |= frame[name].isin(wanted).fillna(False).astype(bool)
    return len(frame), int(about.sum())


def delete_derived(ws: Workspace, household: Household) -> None:
    """Delete what is derived from rows, and what writes that were killed left beside it.

    Of the flags those about other rows stay: they know since when a question is open. Notebooks outside
    `reports/` keep their cells and lose their outputs.
    """
    derived = take_stock(ws)
    for path in (*derived.packs, *derived.checkpoints):
        delete(path)
    for path in derived.notebooks:
        clear_outputs(path)
    for path in derived.reports:
        path.unlink(missing_ok=True)
    flags = ws.clean / FLAGS
    if flags.is_file():
        erase_flags(flags, household)
    for path in ws.clean.parent.rglob("*"):
        if path.is_file() and path != flags:
            path.unlink()
    for path in ws.private.glob("*.parquet"):
        path.unlink()
    for folder in (ws.private, ws.root / "params", *_folders(ws.root / "reports")):
        remove_temporary(folder)
    for folder in reversed(_folders(ws.root / "reports")[1:]):
        (folder / LOCK).unlink(missing_ok=True)  # no batch is at work: see `occupied.alone`
        if not any(folder.iterdir()):
            folder.rmdir()


def rebuild(ws: Workspace, stages: list[str], runs: dict[str, Any], jobs: int | None) -> None:
    """Run the stages that had been run, and make the pages that were there.

    Raises
    ------
    SurveyToolsError
        When a stage fails, or a run's pages cannot be made.
    """
    if not stages:
        return
    home = next((name for name, run in runs.items() if run["stages"]), next(iter(runs), "main"))
    with LocalPool(jobs or jobs_here()) as pool:
        run_stages(ws, home, stages=stages, pool=pool)
        for name, run in runs.items():
            if run["langs"] and STAGES[-1] in stages:
                run_reports(ws, name, run["communes"], run["langs"], pool=pool)


def _first_table(ws: Workspace, stage: str) -> Path:
    folder, name = _FIRST_TABLE[stage]
    return Path(getattr(ws, folder)) / f"{name}.parquet"


def _runs(reports: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the runs with the pages that their records name; one that was not finished has none."""
    for folder in sorted(path for path in reports.glob("*") if path.is_dir()):
        pages = (read_record(folder) or {}).get("pages", [])
        made = [page for page in pages if page.get("status") != NO_DATA]
        communes = sorted({page["code"] for page in made if page["code"] != "district"})
        notebooks = any((folder / "notebooks" / f"{stage}.ipynb").is_file() for stage in STAGES)
        if made or notebooks:
            langs = sorted({page["lang"] for page in made})
            yield folder.name, {"communes": communes, "langs": langs, "stages": notebooks}


def _is_made(path: Path) -> bool:
    page = path.with_suffix(".html")
    return path.suffix in MADE or (path.suffix in DOWNLOADS and page.is_file())


def _is_pack(path: Path) -> bool:
    content = read_json(path)
    return isinstance(content, dict) and content.get("pack") == "survey_tools release"


def _is_zipped_pack(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as packed:
            return any(Path(name).name == PACK for name in packed.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def delete(path: Path) -> None:
    """Delete a file, or a folder with all that is in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _folders(top: Path) -> list[Path]:
    """Return a folder and all those in it, each before what it holds."""
    return (
        sorted({top, *(path for path in top.rglob("*") if path.is_dir())}) if top.is_dir() else []
    )
