"""Household, team and commune codes are joined with the list that they are of, never by code alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from survey_tools import contracts
from survey_tools.errors import AreaError
from survey_tools.params import open_workspace

ROOT = Path(__file__).parents[2]
SEVEN = ("10273", "10282", "10291", "10312", "10318", "10330", "10342")
"""Codes of the list of 2024 that name another place in the list before it or in a later one."""


@pytest.fixture
def workspace(tmp_path):
    shutil.copytree(ROOT / "params", tmp_path / "params")
    return open_workspace(tmp_path / "params" / "study.yml")


def codes(commune, area_list=None, **change):
    row = {"hhid": f"{commune}-T01-H001-1", "team_id": f"{commune}-T01", "commune_code": commune}
    frame = pd.DataFrame([row | change], dtype="str")
    return frame if area_list is None else frame.assign(area_list=area_list)


def put_sample(ws, frame):
    path = ws.file("sample")
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)


@pytest.mark.parametrize("commune", SEVEN)
@pytest.mark.parametrize("area_list", ["2019", "2025-01", "2025-07"])
def test_table__sample_of_another_list_is_refused(workspace, commune, area_list):
    put_sample(workspace, pd.concat([codes("10351", "2024"), codes(commune, area_list)]))
    with pytest.raises(AreaError, match="another list of areas") as caught:
        workspace.table("sample")
    error = caught.value
    assert error.expected == "area_list 2024 in every row"
    assert error.found == f"1 of 2 row(s) of {area_list}"
    assert error.where == "data/private/sample.csv, column area_list"
    assert error.next_step
    assert "-H" not in str(error)


@pytest.mark.parametrize("commune", SEVEN)
def test_table__sample_of_the_studys_list_is_read_and_says_so(workspace, commune):
    put_sample(workspace, codes(commune, "2024"))
    sample = workspace.table("sample")
    assert sample["area_list"].tolist() == ["2024"]
    assert sample.attrs["list_assumed"] is False


def test_table__sample_without_a_list_is_assumed_to_be_of_the_studys_and_says_so(workspace):
    put_sample(workspace, codes("10291"))
    sample = workspace.table("sample")
    assert sample["area_list"].tolist() == ["2024"]
    assert sample.attrs["list_assumed"] is True


def test_table__gap_in_the_column_of_lists_is_refused(workspace):
    put_sample(workspace, pd.concat([codes("10291", "2024"), codes("10270", "")]))
    with pytest.raises(AreaError, match="another list"):
        workspace.table("sample")


@pytest.mark.parametrize("commune", ["10270", "10282", "10312", "10318"])
def test_table__household_code_beside_the_commune_of_another_list_is_refused(workspace, commune):
    put_sample(workspace, codes(commune, commune_code="10273"))
    with pytest.raises(AreaError, match="name two places") as caught:
        workspace.table("sample")
    assert "-H" not in str(caught.value)


def test_table__teams_and_communes_say_their_list(workspace):
    assert set(workspace.table("teams")["area_list"]) == {"2024"}
    assert set(workspace.table("communes")["area_list"]) == {"2024"}
    assert "area_list" not in workspace.table("outcomes")


@pytest.mark.parametrize("commune", SEVEN)
@pytest.mark.parametrize("on", ["hhid", "team_id", "commune_code"])
def test_join_on_codes__same_code_of_another_list_is_refused(commune, on):
    left, right = codes(commune, "2024"), codes(commune, "2025-07").assign(value=1)
    assert len(left.merge(right, on=on)) == 1  # by the code alone they would be joined
    with pytest.raises(AreaError, match="may be another place") as caught:
        contracts.join_on_codes(left, right, on)
    assert caught.value.found == "left: 2024; right: 2025-07"


def test_join_on_codes__joins_within_one_list_and_keeps_the_column():
    left = pd.concat([codes("10291", "2024"), codes("10270", "2024")])
    right = codes("10291", "2024")[["area_list", "hhid"]].assign(value=1.0)
    joined = contracts.join_on_codes(left, right, "hhid")
    assert joined["value"].tolist()[:1] == [1.0]
    assert joined["value"].isna().tolist() == [False, True]
    assert joined["area_list"].tolist() == ["2024", "2024"]


def test_join_on_codes__a_table_that_does_not_say_its_list_is_refused():
    with pytest.raises(AreaError, match="does not say") as caught:
        contracts.join_on_codes(codes("10291", "2024"), codes("10291"), "hhid")
    assert "right" in str(caught.value.where)


def test_join_on_codes__holds_the_match_that_is_expected():
    twice = pd.concat([codes("10291", "2024")] * 2)
    with pytest.raises(pd.errors.MergeError):
        contracts.join_on_codes(codes("10291", "2024"), twice, "hhid")


@pytest.mark.parametrize("commune", SEVEN)
def test_same_list__refuses_two_lists_in_one_table_or_in_two(commune):
    assert contracts.same_list(a=codes(commune, "2024"), b=codes(commune), c=None) == "2024"
    with pytest.raises(AreaError):
        contracts.same_list(a=pd.concat([codes(commune, "2024"), codes(commune, "2025-01")]))
    with pytest.raises(AreaError):
        contracts.same_list(a=codes(commune, "2024"), b=codes(commune, "2025-01"))
    with pytest.raises(AreaError, match="may be another place") as caught:
        contracts.same_list("2025-07", panel=codes(commune, "2024"))
    assert "the study (areas.list): 2025-07" in str(caught.value)


def test_same_list__nobody_says_a_list():
    assert contracts.same_list(a=codes("10291")) is None
    assert contracts.same_list(a=codes("10291", "2024").iloc[:0]) is None


def test_stamp_list__marks_tables_with_codes_and_refuses_another_list():
    marked = contracts.stamp_list(codes("10291"), "2024")
    assert marked["area_list"].tolist() == ["2024"]
    labels = pd.DataFrame({"variable": ["a"]})
    assert contracts.stamp_list(labels, "2024") is labels
    with pytest.raises(AreaError):
        contracts.stamp_list(marked, "2025-01")
