"""The workspace tells what is there and what to run next."""

from __future__ import annotations

import os
import shutil

import pytest
from run_workspace import make_workspace

from survey_tools import contracts
from survey_tools.errors import RunError
from survey_tools.run import status
from survey_tools.run.files import check_space, read_json, write_json


def _by_name(ws):
    return {stage.name: stage for stage in status(ws)}


def test_status__fresh_workspace(tmp_path):
    ws = make_workspace(tmp_path / "ws")
    shutil.rmtree(ws.root / "data")
    stages = _by_name(ws)
    assert list(stages) == ["raw", "clean", "checks", "analysis", "results", "reports"]
    assert not any(stage.there for stage in stages.values())
    assert stages["raw"].next == "survey-tools pull"
    assert stages["clean"].next == "survey-tools run --from 20_clean"


def test_status__a_stage_older_than_the_one_before_it(ws):
    for name in ("panel", "households", "teams", "answers"):
        contracts.write_parquet(
            contracts.read_table(ws.results, "levels"), ws.analysis / f"{name}.parquet"
        )
    for name in ("communes", "choices", "balance"):
        shutil.copy(ws.results / "levels.parquet", ws.results / f"{name}.parquet")
    for path in ws.results.glob("*.parquet"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    stages = _by_name(ws)
    assert (stages["analysis"].there, stages["analysis"].next) == (True, "")
    assert stages["results"].from_when == "2023-11-14T22:13:20Z"
    assert stages["results"].next == "out of date: survey-tools run --from 50_estimate"


def test_status__failed_pages_are_counted(ws):
    pages = [
        {"code": "10288", "lang": "vi", "status": "ok", "file": "a"},
        {"code": "10291", "lang": "vi", "status": "failed", "file": "b"},
    ]
    write_json(
        ws.reports("main") / "run.json", {"finished": "2026-10-01T00:00:00Z", "pages": pages}
    )
    stage = _by_name(ws)["reports/main"]
    assert (stage.rows, stage.next) == (1, "1 page(s) failed: survey-tools report --run main")


def test_check_space__too_little(tmp_path):
    with pytest.raises(RunError, match="too little room"):
        check_space(tmp_path, needed_mb=10**9)
    check_space(tmp_path, needed_mb=0)


def test_write_json__failure_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    write_json(path, {"a": 1})

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(RunError, match="untouched") as caught:
        write_json(path, {"a": 2})
    assert caught.value.found == "No space left on device"
    assert read_json(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]
