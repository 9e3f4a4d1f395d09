"""Pages are made once, redone when what they rest on changes, and fail one at a time."""

from __future__ import annotations

import json
import shutil
import stat

import pandas as pd
import pytest
from run_workspace import COMMUNES, make_levels, make_workspace

from survey_tools.errors import AreaError, RunError
from survey_tools.params import open_workspace
from survey_tools.run import plan_reports, run_reports
from survey_tools.run.batch.fingerprint import digest_frame


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A workspace after a run in which the page of one commune failed."""
    ws = make_workspace(tmp_path_factory.mktemp("finished") / "ws", "raises_for_one_commune")
    return ws, run_reports(ws, "main", COMMUNES, ["vi"])


@pytest.fixture
def made(finished, tmp_path):
    """A copy of that workspace, to change, with the failed page put down as made."""
    shutil.copytree(finished[0].root, tmp_path / "ws")
    ws = open_workspace(tmp_path / "ws" / "params" / "study.yml")
    path = ws.reports("main") / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    for page in record["pages"]:
        page["status"] = "ok"
        (ws.reports("main") / page["file"]).touch()
    path.write_text(json.dumps(record), encoding="utf-8")
    return ws


def _reasons(ws, **options):
    return {p.code: p.reason for p in plan_reports(ws, "main", COMMUNES, ["vi"], **options)}


def _nothing():
    return dict.fromkeys((*COMMUNES, "district"), "")


def test_run_reports__a_failed_page_costs_no_other(finished):
    ws, outcome = finished
    assert (outcome.made, outcome.failed, outcome.exit_code) == (2, 1, 1)
    folder = ws.reports("main")
    assert sorted(path.name for path in folder.glob("*.html")) == [
        "10291.vi.html",
        "codebook.en.html",
        "codebook.html",
        "district.vi.html",
        "index.en.html",
        "index.html",
    ]
    assert sorted(path.name for path in (folder / "notebooks").iterdir()) == [
        "10288.vi.failed.ipynb",
        "10291.vi.ipynb",
        "district.vi.ipynb",
    ]


def test_run_reports__record_says_what_failed_and_where(finished):
    ws, _ = finished
    folder = ws.reports("main")
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    pages = {page["code"]: page for page in record["pages"]}
    assert {code: page["status"] for code, page in pages.items()} == {
        "10288": "failed",
        "10291": "ok",
        "district": "ok",
    }
    failed = pages["10288"]
    assert failed["error"] == "ValueError: no answers"
    assert failed["cell"].startswith("check: ")
    log = folder / failed["log"]
    assert "no answers" in log.read_text(encoding="utf-8")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert record["pulls"][0]["proof"] == "ab"
    assert record["finished"] >= record["started"]
    assert record["synthetic"] is True


def test_run_reports__the_index_tells_of_the_failure(finished):
    _, outcome = finished
    page = outcome.index.read_text(encoding="utf-8")
    assert 'href="10291.vi.html"' in page
    assert 'href="10288.vi.html"' not in page
    assert "no answers" in page


def test_run_reports__a_second_run_does_only_what_failed(finished, tmp_path, capsys):
    shutil.copytree(finished[0].root, tmp_path / "ws")
    ws = open_workspace(tmp_path / "ws" / "params" / "study.yml")
    outcome = run_reports(ws, "main", COMMUNES, ["vi"], explain=True)
    assert (outcome.made, outcome.unchanged, outcome.failed) == (0, 2, 1)
    told = capsys.readouterr().err
    assert "10288.vi: failed the last time" in told
    assert "10291.vi: unchanged" in told
    assert 'href="10291.vi.html"' in outcome.index.read_text(encoding="utf-8")


def test_plan_reports__nothing_changed(made):
    assert _reasons(made) == _nothing()


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


def test_plan_reports__study_file(made):
    text = made.study_path.read_text(encoding="utf-8")
    made.study_path.write_text(text.replace("show_from: 30", "show_from: 40"), encoding="utf-8")
    assert set(_reasons(made).values()) == {"changed: params"}


def test_plan_reports__notebook(made):
    path = made.notebooks / "70_district_report.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("lang", "'x' + lang", 1))
    assert _reasons(made) == _nothing() | {"district": "changed: notebook"}


def test_plan_reports__file_is_gone(made):
    (made.reports("main") / "10291.vi.html").unlink()
    assert _reasons(made) == _nothing() | {"10291": "the file is gone"}


def test_plan_reports__force(made):
    assert set(_reasons(made, force=True).values()) == {"asked for"}


def test_plan_reports__a_commune_without_interviews_has_no_page(made):
    pages = {p.code: p for p in plan_reports(made, "main", ["10270"], ["vi"])}
    assert not pages["10270"].has_data
    assert pages["district"].has_data


def test_plan_reports__all_communes_and_languages_by_default(made):
    pages = plan_reports(made, "main")
    assert len(pages) == (27 + 1) * 2
    assert [page.code for page in pages[-2:]] == ["district", "district"]


def test_plan_reports__unknown_commune(made):
    with pytest.raises(AreaError, match="no such commune"):
        plan_reports(made, "main", ["99999"])


def test_plan_reports__unknown_language(made):
    with pytest.raises(RunError, match="no pages in this language"):
        plan_reports(made, "main", langs=["fr"])


def test_plan_reports__no_results(made):
    shutil.rmtree(made.results)
    with pytest.raises(RunError, match="no results"):
        plan_reports(made, "main")


def test_digest_frame__order_of_rows_and_missing_text():
    frame = pd.DataFrame({"a": ["x", None, "y"], "b": [1.0, 2.0, None]})
    assert digest_frame(frame) == digest_frame(frame.iloc[::-1])
    assert digest_frame(frame) != digest_frame(frame.assign(b=frame["b"] + 0.001))
