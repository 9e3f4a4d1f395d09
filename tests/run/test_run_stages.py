"""Stages run in order in one workspace, with the same synthetic district as the run announced."""

from __future__ import annotations

import os
import shutil

import pytest
from run_workspace import NOTEBOOKS

from survey_tools.errors import RunError
from survey_tools.run import run_stages, run_study
from survey_tools.run.occupied import processing
from survey_tools.run.server import PRESET_VARIABLE


def test_run_stages__the_kernel_serves_the_district_that_was_made(ws, monkeypatch):
    monkeypatch.delenv(PRESET_VARIABLE, raising=False)
    made = []
    monkeypatch.setattr(
        "survey_tools.run.district.make_sandbox",
        lambda ws, *, preset, progress: made.append(preset),
    )
    shutil.copy(NOTEBOOKS / "shows_preset.ipynb", ws.notebooks / "10_pull.ipynb")
    (done,) = run_stages(ws, "main", stages=["10_pull"], preset="small")
    assert (made, done.status) == (["small"], "ok")
    executed = ws.reports("main") / "notebooks" / "10_pull.ipynb"
    assert "'small'" in executed.read_text(encoding="utf-8")
    assert PRESET_VARIABLE not in os.environ


def test_run_stages__the_first_failure_stops(ws):
    shutil.copy(NOTEBOOKS / "raises.ipynb", ws.notebooks / "20_clean.ipynb")
    shutil.copy(NOTEBOOKS / "ok.ipynb", ws.notebooks / "30_check.ipynb")
    with pytest.raises(RunError, match="20_clean stopped: ValueError") as caught:
        run_stages(ws, "main", stages=["20_clean", "30_check"])
    assert "broken: " in str(caught.value.where)
    names = [path.name for path in (ws.reports("main") / "notebooks").iterdir()]
    assert names == ["20_clean.failed.ipynb"]
    assert (ws.reports("main") / "logs" / "20_clean.log").is_file()


def test_run_stages__one_run_at_a_time_makes_the_tables(ws):
    shutil.copy(NOTEBOOKS / "ok.ipynb", ws.notebooks / "30_check.ipynb")
    with processing(ws), pytest.raises(RunError, match="Another run is making the tables"):
        run_stages(ws, "other", stages=["30_check"])


def test_run_study__unknown_stage(ws):
    with pytest.raises(RunError, match="no such stage"):
        run_study(ws, first="45_guess")
