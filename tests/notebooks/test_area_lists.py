"""After a whole run every table with codes says of which list they are, and figures exist by every list."""

from __future__ import annotations

import json
import re

import pandas as pd
import pyarrow.parquet as parquet
import pytest

from survey_tools.params import open_workspace

pytestmark = [pytest.mark.slow]


def test_run__every_table_with_codes_says_of_which_list_they_are(workspace):
    ws = open_workspace(workspace / "params" / "study.yml")
    tables = [path for folder in (ws.clean, ws.analysis) for path in folder.glob("*.parquet")]
    coded = {
        path: names
        for path in tables
        if {"hhid", "commune_code"} & set(names := parquet.read_schema(path).names)
    }
    assert len(coded) >= 10
    silent = [path.name for path, names in coded.items() if "area_list" not in names]
    assert silent == []
    for path in coded:
        assert set(pd.read_parquet(path, columns=["area_list"])["area_list"]) <= {"2024"}, path.name


def test_run__results_by_every_list_add_up_to_the_district(workspace):
    ws = open_workspace(workspace / "params" / "study.yml")
    levels = pd.read_parquet(ws.results / "levels.parquet")
    by_area = pd.read_parquet(ws.results / "levels_by_area.parquet")
    keys = ["wave", "group", "outcome"]
    district = levels.query("area == 'district'").set_index(keys)["n"].sort_index()
    assert set(by_area["area_list"]) == {"2024", "2025-01", "2025-07"}
    for _, of_list in by_area.groupby("area_list"):
        assert of_list.groupby(keys)["n"].sum().sort_index().equals(district)


@pytest.mark.parametrize(("lang", "name"), [("vi", "Xã Phượng Dực"), ("en", "Phuong Duc commune")])
def test_run__district_page_has_the_new_communes_and_what_lies_outside(workspace, lang, name):
    text = (workspace / "reports" / "main" / f"district.{lang}.html").read_text(encoding="utf-8")
    section = text.split('<h2 id="areas">')[1].split("<h2 ")[0]
    assert section.count("<table>") == 4
    assert re.search(rf"<th[^>]*>{name}[ <]", section)
    assert ("Thường Tín" if lang == "vi" else "Thuong Tin") in section
    assert "65%" in section


def test_run__notebook_says_which_tables_had_their_list_assumed(workspace):
    path = workspace / "reports" / "main" / "notebooks" / "50_estimate.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    (cell,) = [cell for cell in cells if cell.get("id") == "areas-said"]
    shown = "".join(cell["outputs"][0]["data"]["text/plain"])
    said = {line.split()[0]: line.split()[1:] for line in shown.splitlines()[1:]}
    assert said == {
        "teams": ["2024", "True"],
        "communes": ["2024", "True"],
        "sample": ["2024", "False"],
    }
