"""The index of many communes: what stands where there is no map; the same with results that were kept."""

import re
import shutil

import pandas as pd
import pytest

from survey_tools.params import open_workspace
from survey_tools.report.shown import share_results
from survey_tools.report.site import write_index

RECORD = {"started": "2026-11-20T08:00:00Z", "finished": "2026-11-20T08:05:00Z", "pages": []}


@pytest.fixture
def copy(ws, tmp_path):
    """A copy of the workspace, to change."""
    shutil.copytree(ws.root, tmp_path / "ws", ignore=shutil.ignore_patterns("reports", ".shown"))
    return open_workspace(tmp_path / "ws" / "params" / "study.yml")


def _index(ws):
    return write_index(ws, "site", RECORD)[0].read_text("utf-8")


def _change_communes(ws, change):
    path = ws.file("communes")
    change(pd.read_csv(path, dtype=str)).to_csv(path, index=False)


def test_write_index__the_same_with_kept_results(copy):
    before = _index(copy)
    share_results(copy)
    assert _index(copy) == before
    assert len(re.findall(r'<li class="[^"]*" style="grid-row', before)) == 27


@pytest.mark.parametrize(
    "change",
    [
        lambda communes: communes.drop(columns=["tile_row", "tile_col"]),
        lambda communes: communes.assign(tile_row="0", tile_col="0"),
    ],
)
def test_write_index__without_a_place_of_its_own_for_each_commune_there_is_no_map(copy, change):
    with_map = _index(copy)
    _change_communes(copy, change)
    without = _index(copy)
    assert 'class="map"' not in without
    rows = r"<tbody>.*</tbody>"
    assert re.search(rows, without, re.DOTALL)[0] == re.search(rows, with_map, re.DOTALL)[0]
