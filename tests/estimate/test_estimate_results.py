from __future__ import annotations

import stat
from types import SimpleNamespace

import pandas as pd
import pytest

from survey_tools.contracts import read_table
from survey_tools.errors import ContractError
from survey_tools.estimate import attrition, effects, write_results


def test_write_results__can_be_read_back(tmp_path, households, design):
    ws = SimpleNamespace(results=tmp_path / "results")
    tables = {
        "effects": effects(households, design, ["y"]),
        "attrition": attrition(households, design),
    }
    paths = write_results(ws, **tables)
    assert [path.name for path in paths] == ["effects.parquet", "attrition.parquet"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    for name, table in tables.items():
        pd.testing.assert_frame_equal(read_table(ws.results, name), table)


def test_write_results__writes_nothing_under_an_unknown_name(tmp_path, households, design):
    ws = SimpleNamespace(results=tmp_path / "results")
    with pytest.raises(ContractError, match="effect"):
        write_results(ws, attrition=attrition(households, design), effect=pd.DataFrame())
    assert not ws.results.exists()
