"""Make a workspace with small made-up results and, as report notebooks, tiny ones of this folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd

from survey_tools import contracts
from survey_tools.params import Workspace, open_workspace

ROOT = Path(__file__).parents[2]
NOTEBOOKS = Path(__file__).parent / "notebooks"
COMMUNES = ("10288", "10291")
OUTCOME = "qr_shop_30d"


def make_levels() -> pd.DataFrame:
    """One level an area, wave and group."""
    rows = [
        (area, wave, group, OUTCOME, 0.4, 0.3, 0.5, 60, 24, 6, "made up")
        for area in ("district", *COMMUNES)
        for wave in ("w1", "w3")
        for group in ("all", "intensive", "regular")
    ]
    columns = list(contracts.SCHEMAS["levels"].columns)
    return pd.DataFrame(rows, columns=columns).astype({"numerator": "Int64"})


def make_effects() -> pd.DataFrame:
    """One effect."""
    row = (OUTCOME, "itt", "w3", 0.1, 0.03, 20.0, 0.01, 0.04, 0.16, 100, 22, 0.3, "made up", "")
    return pd.DataFrame([row], columns=list(contracts.SCHEMAS["effects"].columns))


def make_workspace(
    root: Path, commune_page: str = "ok", district_page: str = "district_page"
) -> Workspace:
    """Copy the parameters, write the results, and take fixture notebooks as report notebooks."""
    shutil.copytree(ROOT / "params", root / "params")
    ws = open_workspace(root / "params" / "study.yml")
    contracts.write_table(make_levels(), ws.results, "levels")
    contracts.write_table(make_effects(), ws.results, "effects")
    pull = {"form": "household", "rows": 9, "finished": "2026-10-01T00:00:00Z", "proof": "ab"}
    record = {"made": "2026-10-01T00:00:00Z", "pulls": [{**pull, "server": "sandbox"}]}
    (ws.results / "provenance.json").write_text(json.dumps(record), encoding="utf-8")
    ws.notebooks.mkdir()
    shutil.copy(NOTEBOOKS / f"{commune_page}.ipynb", ws.notebooks / "60_commune_report.ipynb")
    shutil.copy(NOTEBOOKS / f"{district_page}.ipynb", ws.notebooks / "70_district_report.ipynb")
    return ws
