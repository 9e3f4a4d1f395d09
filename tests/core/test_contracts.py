"""Contracts of the tables that cross a stage."""

from __future__ import annotations

import stat

import pandas as pd
import pytest

from survey_tools import contracts
from survey_tools.errors import ContractError


def _teams(**changes):
    row = {"team_id": "10270-T01", "commune_code": "10270", "intensive": 1, "households": 410}
    return pd.DataFrame([row | changes])


def test_write_table__is_read_back_equal_and_private(tmp_path):
    path = contracts.write_table(_teams(), tmp_path, "teams")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    pd.testing.assert_frame_equal(contracts.read_table(tmp_path, "teams"), _teams())
    assert [file.name for file in tmp_path.iterdir()] == ["teams.parquet"]


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"intensive": 2}, "intensive"),
        ({"team_id": "T01"}, "team_id"),
        ({"households": -1}, "househ"),
    ],
)
def test_validate__names_the_column_and_no_value(changes, column):
    with pytest.raises(ContractError, match=column):
        contracts.validate(_teams(**changes), "teams")


def test_validate__a_key_that_stands_twice_is_refused():
    with pytest.raises(ContractError):
        contracts.validate(pd.concat([_teams(), _teams()]), "teams")


def test_validate__household_code_does_not_stand_in_the_error():
    frame = pd.DataFrame(
        [{"hhid": "10270-T01-H999-X", "commune_code": "1", "team_id": "a", "intensive": 0}]
    )
    with pytest.raises(ContractError) as caught:
        contracts.validate(frame, "households")
    assert "H999" not in str(caught.value)


def test_read_table__missing_says_what_to_run(tmp_path):
    with pytest.raises(ContractError, match="survey-tools status"):
        contracts.read_table(tmp_path, "teams")


def test_write_table__a_refused_table_leaves_the_old_one(tmp_path):
    contracts.write_table(_teams(), tmp_path, "teams")
    with pytest.raises(ContractError):
        contracts.write_table(_teams(intensive=5), tmp_path, "teams")
    assert contracts.read_table(tmp_path, "teams")["intensive"].tolist() == [1]


def test_write_parquet__a_full_disk_is_said_so_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(ContractError, match="No space left on device"):
        contracts.write_parquet(_teams(), tmp_path / "teams.parquet")
    assert list(tmp_path.iterdir()) == []
