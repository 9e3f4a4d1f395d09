"""Generate a workspace of many communes out of a finished one of 27: whole copies of its communes, new codes.

Results, lists and labels alone, so no row of a person or household. Every copy has the answers of the commune
that it is of, and the district has those of all copies, so that sums stay sums. Not here: measuring.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from survey_tools import contracts
from survey_tools.params import Workspace, open_workspace

APART = 100
"""From the codes of one copy to those of the next: the codes of the 27 communes span less."""

_CODES = {
    "levels": "area",
    "choices": "area",
    "communes": "commune_code",
    "levels_by_area": "area_code",
}
_COUNTS = ["n", "numerator", "n_teams"]


def generate(origin: Workspace, root: Path, copies: int) -> Workspace:
    """Make a workspace at `root` with `copies` of each commune of `origin`, which has results.

    The title of the study says that it is generated. One copy is the workspace itself.
    """
    shutil.copytree(origin.root / "params", root / "params")
    shutil.copytree(origin.notebooks, root / "notebooks")
    study = root / origin.study_path.relative_to(origin.root)
    text = study.read_text("utf-8")
    for key in ("title_vi: ", "title_en: "):
        text = text.replace(key, f"{key}GENERATED, {copies} copies – ", 1)
    study.write_text(text, "utf-8")
    ws = open_workspace(study)
    for name, columns in {
        "communes": ["code"],
        "areas": ["code", "code_2024"],
        "teams": ["commune_code", "team_id"],
    }.items():
        _multiply_list(ws.file(name), columns, copies)
    for path in origin.results.glob("*.parquet"):
        _multiply_results(path, ws.results, copies)
    shutil.copy(origin.results / "provenance.json", ws.results)
    contracts.write_parquet(
        pd.read_parquet(origin.clean / "labels.parquet"), ws.clean / "labels.parquet"
    )
    return ws


def _multiply_list(path: Path, columns: list[str], copies: int) -> None:
    """Multiply a list of the study; copies have no place of their own on a map."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    parts = [_copy(frame, columns, number) for number in range(copies)]
    if copies > 1:
        parts = [part.drop(columns=["tile_row", "tile_col"], errors="ignore") for part in parts]
    names = [name for name in ("name_vi", "name_en") if name in frame]
    for number, part in enumerate(parts[1:], start=1):
        part[names] = part[names] + f" {number}"
    pd.concat(parts).to_csv(path, index=False)


def _multiply_results(path: Path, folder: Path, copies: int) -> None:
    """Multiply the rows of communes and units; the district has the answers of all copies."""
    frame = pd.read_parquet(path)
    if column := _CODES.get(path.stem):
        whole = frame[column].eq("district")
        district, parts = frame[whole].copy(), frame[~whole]
        counts = [name for name in _COUNTS if name in district]
        district[counts] = district[counts] * copies
        frame = pd.concat([district, *(_copy(parts, [column], n) for n in range(copies))])
    contracts.write_parquet(frame, folder / path.name)


def _copy(frame: pd.DataFrame, columns: list[str], number: int) -> pd.DataFrame:
    """Give the codes that begin the given columns the codes of one copy."""
    moved = {}
    for column in columns:
        codes = frame[column].str.slice(0, 5).astype(int) + APART * number
        moved[column] = codes.astype(str).str.zfill(5) + frame[column].str.slice(5)
    return frame.assign(**moved)
