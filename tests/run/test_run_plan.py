"""Pages are planned by content: redone when what they rest on changes, and left alone otherwise."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_workspace import COMMUNES, make_levels, make_workspace

from survey_tools import contracts
from survey_tools.errors import AreaError, RunError
from survey_tools.params import open_workspace
from survey_tools.report import shown
from survey_tools.run import plan_reports
from survey_tools.run.batch import facts, fingerprint
from survey_tools.run.batch.fingerprint import ResultTables, digest_by_area, digest_frame
from survey_tools.run.batch.record import Record
from survey_tools.run.erasing.derived import delete_derived, take_stock
from survey_tools.run.erasing.files import Household

COMMUNE_NOTEBOOK = "60_commune_report.ipynb"


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """A workspace of which every page of the plan is there."""
    ws = make_workspace(tmp_path_factory.mktemp("planned") / "ws")
    _make(ws, plan_reports(ws, "main", COMMUNES, ["vi"]))
    return ws


@pytest.fixture
def made(planned, tmp_path):
    """A copy of that workspace, to change."""
    shutil.copytree(planned.root, tmp_path / "ws")
    return open_workspace(tmp_path / "ws" / "params" / "study.yml")


def _make(ws, pages, **more):
    """Put pages down as made."""
    record = Record(ws, "main")
    for page in pages:
        content = f"page {page.stem}"
        path = ws.reports("main") / page.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        digest = hashlib.sha256(content.encode()).hexdigest()
        entry = {"code": page.code, "lang": page.lang, "status": "ok", "file": page.file}
        entry |= {"files": {page.file: digest}, "hashes": page.hashes}
        record.set_page(entry | more)
    record.finish()


def _reasons(ws, communes=COMMUNES, **options):
    return {p.code: p.reason for p in plan_reports(ws, "main", communes, ["vi"], **options)}


def _nothing():
    return dict.fromkeys((*COMMUNES, "district"), "")


def test_plan_reports__nothing_changed(made):
    assert _reasons(made) == _nothing()


def test_plan_reports__nothing_is_there(tmp_path):
    ws = make_workspace(tmp_path / "ws")
    assert set(_reasons(ws).values()) == {"not made yet"}


def test_plan_reports__rows_of_one_commune(made):
    levels = make_levels()
    levels.loc[levels["area"] == "10291", "estimate"] = 0.41
    levels.to_parquet(made.results / "levels.parquet", index=False)
    assert _reasons(made) == _nothing() | {"10291": "changed: results"}


def test_plan_reports__a_change_that_no_page_shows(made):
    levels = make_levels()
    levels.loc[levels["area"] == "10291", "estimate"] += 1e-7
    levels.sample(frac=1, random_state=1).to_parquet(made.results / "levels.parquet", index=False)
    assert _reasons(made) == _nothing()


def test_plan_reports__rows_of_the_district(made):
    levels = make_levels()
    levels.loc[levels["area"] == "district", "estimate"] = 0.41
    levels.to_parquet(made.results / "levels.parquet", index=False)
    assert set(_reasons(made).values()) == {"changed: results"}


def test_plan_reports__a_cell_that_another_communes_answers_hide(tmp_path):
    """One commune's count becomes unsafe; the other's own row stays, but may no longer be shown."""
    ws = make_workspace(tmp_path / "ws")
    _make(ws, plan_reports(ws, "main", COMMUNES, ["vi"]))
    levels = make_levels()
    cell = levels["area"].eq("10288") & levels["wave"].eq("w3") & levels["group"].eq("all")
    levels.loc[cell, "numerator"] = 2
    levels.to_parquet(ws.results / "levels.parquet", index=False)
    assert _reasons(ws)["10291"] == "changed: results"


def test_plan_reports__the_same_where_what_is_kept_comes_in_many_parts(made, monkeypatch):
    before = plan_reports(made, "main", COMMUNES)
    shutil.rmtree(made.results / ".shown")
    monkeypatch.setattr(shown, "_ROWS", 5)
    assert plan_reports(made, "main", COMMUNES) == before


def test_plan_reports__another_pull_but_not_another_time_of_it(made):
    path = made.results / "provenance.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["pulls"][0]["finished"] = "2026-10-02T00:00:00Z"
    path.write_text(json.dumps(content), encoding="utf-8")
    assert _reasons(made) == _nothing()
    content["pulls"][0]["proof"] = "cd"
    path.write_text(json.dumps(content), encoding="utf-8")
    assert set(_reasons(made).values()) == {"changed: results"}


def test_plan_reports__study_file(made):
    text = made.study_path.read_text(encoding="utf-8")
    made.study_path.write_text(text.replace("title_vi: ", "title_vi: X "), encoding="utf-8")
    assert set(_reasons(made).values()) == {"changed: params"}


def test_plan_reports__what_may_be_released_although_it_looks_personal(made):
    path = made.root / "params" / "scan_allow.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    assert set(_reasons(made).values()) == {"changed: params"}


def test_plan_reports__text_of_a_question(made):
    path = made.root / "params" / "register" / "household.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    assert set(_reasons(made).values()) == {"changed: params"}


def test_plan_reports__notebook(made):
    path = made.notebooks / "70_district_report.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("lang", "'x' + lang", 1))
    assert _reasons(made) == _nothing() | {"district": "changed: notebook"}


def test_plan_reports__outputs_of_a_notebook_do_not_count(made):
    path = made.notebooks / COMMUNE_NOTEBOOK
    content = json.loads(path.read_text(encoding="utf-8"))
    content["metadata"]["seen"] = True
    path.write_text(json.dumps(content), encoding="utf-8")
    assert _reasons(made) == _nothing()


def test_plan_reports__a_library_of_another_version(made, monkeypatch):
    monkeypatch.setattr(facts, "version", lambda name: "0.0")
    assert set(_reasons(made).values()) == {"changed: versions"}


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("report/page.py", True),
        ("report/template/page.css", True),
        ("errors.py", True),
        ("run/kernels/execute.py", True),
        ("run/kernels/guard.py", True),
        ("run/kernels/parameters.py", True),
        ("run/gate.py", True),
        ("run/scan/scanner.py", True),
        ("clean/personal_data/text.py", True),
        ("estimate/__init__.py", False),
        ("run/batch/plan.py", False),
    ],
)
def test_digest_package__the_rooms_that_make_a_page(tmp_path, monkeypatch, file, changes):
    copy = tmp_path / "survey_tools"
    origin = Path(fingerprint.survey_tools.__file__).parent
    shutil.copytree(origin, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint.survey_tools, "__file__", str(copy / "__init__.py"))
    before = fingerprint.digest_package()
    with (copy / file).open("a", encoding="utf-8") as text:
        text.write("\n")
    assert (fingerprint.digest_package() != before) is changes


def test_plan_reports__parameters_of_each_page(made):
    pages = {p.code: p for p in plan_reports(made, "main", ["10291"], ["vi"])}
    handed = {"lang": "vi", "run": "main", "study": "params/study.yml"}
    assert pages["10291"].parameters == handed | {"commune": "10291"}
    assert pages["district"].parameters == handed


def test_plan_reports__a_further_parameter_redoes_the_pages_of_its_notebook(made):
    extra = {COMMUNE_NOTEBOOK: {"seed": 7}}
    pages = {p.code: p for p in plan_reports(made, "main", COMMUNES, ["vi"], extra=extra)}
    assert pages["10291"].parameters["seed"] == 7
    assert pages["10291"].reason == "changed: parameters"
    assert pages["district"].reason == ""


def test_plan_reports__a_page_is_gone_or_was_changed(made):
    (made.reports("main") / "10291.vi.html").unlink()
    (made.reports("main") / "10288.vi.html").write_text("other", encoding="utf-8")
    wanted = {"10291": "the file is gone", "10288": "the file was changed"}
    assert _reasons(made) == _nothing() | wanted


def test_plan_reports__a_record_without_files_is_of_an_older_version(made):
    pages = plan_reports(made, "main", ["10291"], ["vi"])
    _make(made, pages[:1], files={})
    assert _reasons(made) == _nothing() | {"10291": "made by an older version"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("failed", "failed the last time"),
        ("stopped", "stopped the last time"),
        ("too_few", "not made yet"),
        ("skipped", ""),
    ],
)
def test_plan_reports__how_a_page_went_the_last_time(made, status, reason):
    pages = plan_reports(made, "main", ["10291"], ["vi"])
    _make(made, pages[:1], status=status)
    assert _reasons(made) == _nothing() | {"10291": reason}


def test_plan_reports__force(made):
    assert set(_reasons(made, force=True).values()) == {"asked for"}


def test_plan_reports__a_commune_without_interviews_has_no_page(made):
    pages = {p.code: p for p in plan_reports(made, "main", ["10270"], ["vi"])}
    assert not pages["10270"].has_data
    assert pages["10270"].explanation == "left out, no interviews"
    assert pages["district"].has_data


def test_plan_reports__a_commune_of_hidden_cells_alone_has_a_page(made):
    levels = make_levels()
    levels.loc[levels["area"] == "10291", ["n", "numerator"]] = 6
    levels.to_parquet(made.results / "levels.parquet", index=False)
    assert plan_reports(made, "main", ["10291"], ["vi"])[0].has_data


def test_plan_reports__all_communes_and_languages_by_default(made):
    pages = plan_reports(made, "main")
    assert len(pages) == (27 + 1) * 2
    assert [page.code for page in pages[-2:]] == ["district", "district"]


def test_plan_reports__the_district_alone(made):
    assert [p.code for p in plan_reports(made, "main", ["district"], ["vi"])] == ["district"]
    assert list(_reasons(made, ["district", "10291"])) == ["10291", "district"]


def test_plan_reports__a_commune_by_code_number_or_name_is_one(made):
    assert list(_reasons(made, ["10291", 10291, "Xã Đại Thắng"])) == ["10291", "district"]


def test_plan_reports__unknown_commune(made):
    with pytest.raises(AreaError, match="no such commune"):
        plan_reports(made, "main", ["99999"])


def test_plan_reports__unknown_language(made):
    with pytest.raises(RunError, match="no pages in this language"):
        plan_reports(made, "main", langs=["fr"])


def test_plan_reports__a_language_given_twice_makes_each_page_once(made):
    pages = plan_reports(made, "main", ["10291"], ["vi", "en", "vi"])
    assert [page.stem for page in pages] == ["10291.vi", "10291.en", "district.vi", "district.en"]


def test_plan_reports__no_results(made):
    shutil.rmtree(made.results)
    with pytest.raises(RunError, match="no results"):
        plan_reports(made, "main")


def test_delete_derived__leaves_no_file_of_what_is_kept(made):
    kept = [path for path in (made.results / ".shown").iterdir() if path.is_file()]
    assert {path for path in kept if path.suffix == ".parquet"} <= set(take_stock(made).tables)
    delete_derived(made, Household("none", {}))
    assert kept
    assert not any(path.exists() for path in kept)


def test_digest__an_offset_between_two_communes_is_a_change_of_the_district(tmp_path):
    """What is hidden of a larger unit follows from counts of communes that no other table shows."""
    ws = make_workspace(tmp_path)
    before = ResultTables.read(ws)
    levels = make_levels()
    everybody = levels["group"].eq("all") & levels["wave"].eq("w3")
    for area, numerator in zip(COMMUNES, (30, 18), strict=True):
        levels.loc[everybody & levels["area"].eq(area), "numerator"] = numerator
    contracts.write_table(levels, ws.results, "levels")
    assert ResultTables.read(ws).digest("district") != before.digest("district")


def test_digest_frame__order_of_rows_and_missing_text():
    frame = pd.DataFrame({"a": ["x", None, "y"], "b": [1.0, 2.0, None]})
    assert digest_frame(frame) == digest_frame(frame.iloc[::-1])
    assert digest_frame(frame) != digest_frame(frame.assign(b=frame["b"] + 0.001))
    assert digest_frame(frame) != digest_frame(frame.rename(columns={"b": "c"}))
    assert digest_frame(frame) != digest_frame(pd.concat([frame, frame.iloc[:1]]))


def test_digest_frame__how_a_value_is_held_does_not_matter():
    frame = pd.DataFrame({"a": ["x", None, "y"], "n": [1.0, np.nan, 0.0]})
    other = frame.astype({"a": object, "n": "Int64"})
    assert digest_frame(frame) == digest_frame(other)
    assert digest_frame(frame) == digest_frame(frame.assign(n=[1.00001, np.nan, -0.0]))


def test_digest_by_area__is_the_digest_of_the_rows_of_each():
    frame = pd.DataFrame({"area": ["b", "a", "b"], "n": [3, 1, 2], "group": ["x", "y", "z"]})
    wanted = {area: digest_frame(frame[frame["area"].eq(area)]) for area in ("a", "b")}
    assert digest_by_area([frame]) == wanted
    assert digest_by_area([frame.iloc[:1], frame.iloc[1:]]) == wanted
    assert digest_by_area([]) == {}
