"""Before a kernel starts all that a batch needs is looked at, and all that is wrong is told at once."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from run_workspace import NOTEBOOKS

from survey_tools.errors import AreaError, ParamsError, RunError
from survey_tools.run.batch.check import check_batch, check_cluster
from survey_tools.run.batch.plan import COMMUNE_NOTEBOOK, DISTRICT_NOTEBOOK
from survey_tools.run.pipeline import STAGES

ROOT = Path(__file__).parents[2]


@pytest.fixture
def whole(ws):
    """A workspace with the notebooks of the project."""
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, ws.notebooks)
    return ws


def _change(ws, notebook, change):
    path = ws.notebooks / notebook
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content["cells"])
    path.write_text(json.dumps(content), encoding="utf-8")


def _cell(cells):
    (found,) = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    return found


def test_check_batch__the_project_itself_passes_and_nothing_is_written(whole):
    before = sorted(path for path in whole.root.rglob("*"))
    check_batch(whole, "main")
    check_batch(whole, "main", first=STAGES[0])
    check_batch(whole, "main", ["10291", 10288, "district"], ["en", "vi"])
    assert sorted(path for path in whole.root.rglob("*")) == before


@pytest.mark.parametrize(
    "name", ["Tri Thủy", "Tri Thuy", "tri thuy", "Xã Tri Thủy", "Tri Thuy commune"]
)
def test_check_batch__a_commune_by_name_with_or_without_marks(ws, name):
    check_batch(ws, "main", [name])


@pytest.mark.parametrize("wrong", ["Tri Thuỷy", "Tri Thui", "Chi Thủy", "1033", "103333"])
def test_check_batch__an_unknown_commune_and_what_may_be_meant(ws, wrong):
    with pytest.raises(AreaError, match="no such commune") as caught:
        check_batch(ws, "main", [wrong])
    assert "did you mean" in caught.value.next_step
    assert "10333 (Xã Tri Thủy)" in caught.value.next_step


def test_check_batch__all_that_is_wrong_is_told_at_once(ws):
    (ws.notebooks / DISTRICT_NOTEBOOK).unlink()
    extra = {COMMUNE_NOTEBOOK: {"tpo": 1}}
    with pytest.raises(RunError, match=r"^6 things are wrong; nothing was run") as caught:
        check_batch(ws, "../main", ["99999", "10291", "Nowhere"], ["fr"], extra=extra)
    told = str(caught.value)
    assert [line[:2] for line in told.splitlines() if line[:1].isdigit()][1:] == [
        f"{number}." for number in range(1, 7)
    ]
    for text in ("'../main'", "'99999'", "'Nowhere'", "'fr'", "70_district", "«tpo»"):
        assert text in told
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("run", ["", "../x", "a/b", "-x", "x-field", ".x"])
def test_check_batch__a_run_whose_name_cannot_be_used(ws, run):
    with pytest.raises(ParamsError, match="name of the run"):
        check_batch(ws, run)


@pytest.mark.parametrize("run", ["x" * 300, "taken"])
def test_check_batch__a_folder_that_cannot_be_written(ws, run):
    ws.reports("taken").parent.mkdir()
    ws.reports("taken").write_text("a file", encoding="utf-8")
    with pytest.raises(RunError, match="folder of the run cannot be written"):
        check_batch(ws, run)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_check_batch__a_folder_without_the_right_to_write(ws):
    ws.reports("main").mkdir(parents=True, mode=0o500)
    with pytest.raises(RunError, match="folder of the run cannot be written"):
        check_batch(ws, "main")


def test_check_batch__disk_too_full(ws, monkeypatch):
    usage = shutil.disk_usage(ws.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(RunError, match="too little room"):
        check_batch(ws, "main")


def test_check_batch__unknown_stage(ws):
    with pytest.raises(RunError, match="no such stage"):
        check_batch(ws, "main", first="55_guess")


@pytest.mark.parametrize("gone", ["20_clean.ipynb", "50_estimate.ipynb", COMMUNE_NOTEBOOK])
def test_check_batch__every_notebook_that_will_run_is_there(whole, gone):
    (whole.notebooks / gone).unlink()
    with pytest.raises(RunError, match="no such notebook") as caught:
        check_batch(whole, "main", first=STAGES[0])
    assert caught.value.expected == gone


def test_check_batch__notebooks_that_will_not_run_are_not_looked_at(ws):
    (ws.notebooks / COMMUNE_NOTEBOOK).unlink()
    check_batch(ws, "main", ["district"])
    with pytest.raises(RunError, match="no such notebook"):
        check_batch(ws, "main", ["10291"])


@pytest.mark.parametrize("text", ["hello", "[]", '{"cells": 3}', '{"cells": [3]}', "{}", ""])
def test_check_batch__a_file_that_is_no_notebook(ws, text):
    (ws.notebooks / COMMUNE_NOTEBOOK).write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=r"no Jupyter notebook|cannot be read"):
        check_batch(ws, "main")


def test_check_batch__a_folder_in_place_of_a_notebook(ws):
    (ws.notebooks / COMMUNE_NOTEBOOK).unlink()
    (ws.notebooks / COMMUNE_NOTEBOOK).mkdir()
    with pytest.raises(RunError, match="cannot be read"):
        check_batch(ws, "main")


def test_check_batch__a_notebook_without_a_parameters_cell(ws):
    shutil.copy(NOTEBOOKS / "no_parameters_cell.ipynb", ws.notebooks / COMMUNE_NOTEBOOK)
    with pytest.raises(RunError, match="no parameters cell") as caught:
        check_batch(ws, "main")
    assert caught.value.where == COMMUNE_NOTEBOOK


def test_check_batch__a_notebook_with_two_parameters_cells(ws):
    _change(ws, COMMUNE_NOTEBOOK, lambda cells: cells.append(_cell(cells)))
    with pytest.raises(RunError, match="not one code cell") as caught:
        check_batch(ws, "main")
    assert caught.value.found == "a code cell, a code cell"


def test_check_batch__a_parameters_cell_that_is_no_code(ws):
    _change(ws, COMMUNE_NOTEBOOK, lambda cells: _cell(cells).update(cell_type="markdown"))
    with pytest.raises(RunError, match="not one code cell"):
        check_batch(ws, "main")


def test_check_batch__a_notebook_that_lacks_what_the_run_hands_to_it(ws):
    _change(ws, COMMUNE_NOTEBOOK, lambda cells: _cell(cells).update(source='commune: str = ""'))
    with pytest.raises(ParamsError, match="lacks parameters") as caught:
        check_batch(ws, "main")
    assert caught.value.expected == "lang: str, run: str, study: str"


def test_check_batch__a_commune_that_is_a_number_in_the_notebook(ws):
    def change(cells):
        text = "".join(_cell(cells)["source"])
        _cell(cells)["source"] = text.replace('commune: str = "10291"', "commune: int = 10291")

    _change(ws, COMMUNE_NOTEBOOK, change)
    with pytest.raises(ParamsError, match="no texts there") as caught:
        check_batch(ws, "main")
    assert caught.value.found == "commune: int"


def test_check_batch__a_language_is_told_once_however_often_it_is_wrong(ws):
    with pytest.raises(RunError, match="no pages in this language"):
        check_batch(ws, "main", langs=["fr", "fr", "vi"])


def test_check_batch__no_results_or_damaged_ones(ws):
    (ws.results / "levels.parquet").write_bytes(b"PAR1 cut short")
    with pytest.raises(RunError, match="results is damaged") as caught:
        check_batch(ws, "main")
    assert caught.value.where.endswith("results/levels.parquet")
    shutil.rmtree(ws.results)
    with pytest.raises(RunError, match="no results to report yet"):
        check_batch(ws, "main")


@pytest.mark.parametrize(
    ("first", "step"),
    [
        ("20_clean", "survey-tools pull"),
        ("30_check", "--from 20_clean"),
        ("40_construct", "--from 20_clean"),
        ("50_estimate", "--from 40_construct"),
    ],
)
def test_check_batch__a_stage_with_nothing_to_start_from(whole, first, step):
    with pytest.raises(RunError, match=r"start from") as caught:
        check_batch(whole, "main", first=first)
    assert caught.value.next_step.endswith(step)


def test_check_batch__a_table_of_the_study_that_is_missing(ws):
    ws.file("outcomes").unlink()
    with pytest.raises(ParamsError, match="«outcomes» is missing"):
        check_batch(ws, "main")


# ------------------------------------------------------------------ a cluster


def test_check_cluster__none_was_asked_for():
    check_cluster(None, None)


def test_check_cluster__a_shared_folder_without_a_scheduler(tmp_path):
    with pytest.raises(RunError, match="no cluster was named") as caught:
        check_cluster(None, f"file://{tmp_path}")
    assert "--scheduler" in caught.value.next_step


def test_check_cluster__dask_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RunError, match="needs Dask"):
        check_cluster("tcp://127.0.0.1:9", None)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("s3://key:secret@bucket", "may hold a secret"),
        ("nonsense://bucket", "cannot be opened"),
        ("file:///proc/nowhere", "cannot be written"),
    ],
)
def test_check_cluster__a_shared_folder_that_cannot_serve(url, told):
    pytest.importorskip("fsspec")
    with pytest.raises(RunError, match=told):
        check_cluster("tcp://127.0.0.1:9", url)


def test_check_cluster__no_scheduler_answers_and_nothing_is_left_in_the_folder(
    tmp_path, monkeypatch
):
    pytest.importorskip("distributed")
    from survey_tools.run.cluster import checks

    monkeypatch.setattr(checks, "CONNECT_SECONDS", 1)
    with pytest.raises(RunError, match="no Dask scheduler"):
        check_cluster("tcp://127.0.0.1:9", f"file://{tmp_path}")
    assert list(tmp_path.iterdir()) == []
