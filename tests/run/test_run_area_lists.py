"""Lists of areas that the study names are checked before anything is run; pages depend on their figures."""

from __future__ import annotations

import pandas as pd
import pytest
from run_workspace import make_workspace

from survey_tools import contracts
from survey_tools.areas import read_areas
from survey_tools.errors import AreaError
from survey_tools.params import open_workspace
from survey_tools.run.batch.fingerprint import ResultTables
from survey_tools.run.batch.plan import check_lists


def _named(ws, text):
    path = ws.study_path
    old = 'area_lists: ["2025-01", "2025-07"]'
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, f"area_lists: {text}"), encoding="utf-8")
    return open_workspace(path)


def _check(ws) -> None:
    check_lists(ws, read_areas(ws.file("areas")))


@pytest.mark.parametrize("lists", ["[]", '["2025-01", "2025-07"]', '["2024"]'])
def test_check_lists__lists_that_can_be_told_pass(tmp_path, lists):
    _check(_named(make_workspace(tmp_path), lists))


def test_check_lists__an_unknown_list_stops_the_run(tmp_path):
    with pytest.raises(AreaError, match="no such list") as caught:
        _check(_named(make_workspace(tmp_path), '["2026-01"]'))
    assert "2025-07" in str(caught.value.expected)


def test_digest__levels_by_area_belong_to_the_districts_page_alone(tmp_path):
    ws = make_workspace(tmp_path)
    levels = pd.read_parquet(ws.results / "levels.parquet").query("area == '10288'")
    levels = levels.rename(columns={"area": "area_code"}).assign(area_list="2024")
    contracts.write_table(levels, ws.results, "levels_by_area")
    before = ResultTables.read(ws)
    contracts.write_table(levels.assign(estimate=0.41), ws.results, "levels_by_area")
    after = ResultTables.read(ws)
    assert before.digest("district") != after.digest("district")
    assert before.digest("10288") == after.digest("10288")
