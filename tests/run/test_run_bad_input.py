"""Whole runs on answers as bad as they come: what can go on goes on, and what cannot says so."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from survey_tools import contracts
from survey_tools.clean import check_all_rows, read_extra
from survey_tools.clean.reports import NO_REPORTS
from survey_tools.params import Workspace, open_workspace
from survey_tools.run import read_tables
from survey_tools.run.district import make_sandbox
from tests_support import copy_workspace, survey_tools

pytestmark = pytest.mark.slow
Row = dict[str, Any]
Change = Callable[[list[Row]], list[Row]]
COMMUNES = ("--communes", "10270,10288")
EMPTY = "10288"


def _workspace(root: Path, *, spelling: str = "NFC", **changes: Change) -> Workspace:
    """A workspace whose server serves the small district with the rows of some forms changed."""
    ws = open_workspace(copy_workspace(root) / "params" / "study.yml")
    for path in (ws.file("communes"), ws.file("teams")):
        path.write_text(unicodedata.normalize(spelling, path.read_text("utf-8")), "utf-8")
    folder = make_sandbox(ws, preset="small")
    for form, change in changes.items():
        path = folder / ws.study.forms[form].uid / "submissions.jsonl"  # type: ignore[index]
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        lines = [json.dumps(row, ensure_ascii=False) for row in change(rows)]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return ws


def _nothing(rows: list[Row]) -> list[Row]:
    return []


def _first_wave(rows: list[Row]) -> list[Row]:
    return [r for r in rows if r["a_id/wave"] == "w1" and r["a_id/commune_code"] != EMPTY]


@pytest.fixture(scope="module")
def early(tmp_path_factory):
    """A study after its first wave: no log and no site visit yet, and a commune without an interview."""
    root = tmp_path_factory.mktemp("early")
    ws = _workspace(root, household=_first_wave, team_log=_nothing, site=_nothing)
    return ws, survey_tools("run", *COMMUNES, cwd=root)


def test_run_study__a_study_in_its_first_wave_gets_its_pages(early):
    ws, done = early
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed, 2 left out (no interviews)" in done.stderr
    pages = {path.name for path in ws.reports("main").glob("*.??.html")}
    assert {"10270.vi.html", "10270.en.html", "district.vi.html", "district.en.html"} <= pages


def test_run_study__a_commune_without_an_interview_is_named_as_such_and_costs_no_other(early):
    ws, _ = early
    assert not list(ws.reports("main").glob(f"{EMPTY}.*.html"))
    index = (ws.reports("main") / "index.en.html").read_text(encoding="utf-8")
    name = ws.table("communes").set_index("code").at[EMPTY, "name_en"]
    row = index.split(f'<th scope="row">{name}', 1)[1].split("</tr>", 1)[0]
    assert "—" in row
    record = json.loads((ws.reports("main") / "run.json").read_text(encoding="utf-8"))
    status = {(page["code"], page["lang"]): page["status"] for page in record["pages"]}
    assert status[EMPTY, "vi"] == "too_few"
    assert status["10270", "vi"] == status["district", "vi"] == "ok"


def test_run_study__forms_without_a_report_are_empty_tables_and_a_line_in_the_flow(early):
    ws, _ = early
    for name in ("team_log", "site"):
        assert contracts.read_table(ws.clean, name).empty
    flow = contracts.read_table(ws.clean, "flow")
    said = flow.loc[flow["reason"] == NO_REPORTS, ["stage", "remaining"]].to_numpy().tolist()
    assert said == [["clean_team_log", 0], ["clean_site", 0]]


def test_run_study__without_an_endline_there_is_no_effect_and_no_error(early):
    ws, _ = early
    effects = contracts.read_table(ws.results, "effects")
    effects = effects[effects["wave"].eq("w3")]
    assert len(effects)
    assert effects["estimate"].isna().all()
    assert (effects["n"] == 0).all()
    levels = contracts.read_table(ws.results, "levels")
    assert set(levels.loc[levels["n"] > 0, "wave"]) == {"w1"}


def test_run_study__a_survey_without_a_submission_stops_and_says_where_to_look(tmp_path):
    _workspace(tmp_path, household=_nothing)
    done = survey_tools("run", *COMMUNES, cwd=tmp_path)
    assert done.returncode == 2
    assert "The form «household» has no submissions." in done.stderr
    assert "Traceback" not in done.stderr


def _dirty(rows: list[Row]) -> list[Row]:
    """No second wave; and in the first interviews what should not be there."""
    rows = [row for row in rows if row.get("a_id/wave") != "w2"]
    met = [r for r in rows if r["a_id/visit_type"] == "main" and "main/e_bills/elec_method" in r]
    met[0]["main/e_bills/elec_method"] = "bitcoin"
    met[1]["main/c_roster/hh_size"] = "1.234"
    met[2]["start"] = met[2]["start"].split("+")[0]
    met[3]["today"] = "03/04/2026"
    met[4]["main/o_sat/comment"] = unicodedata.normalize("NFD", "Thủ tục còn chậm")
    met[5]["main/c_roster/hh_size"] = " 3 "
    del met[6]["a_id/wave"]
    log = {"_id": 990001, "_uuid": "log", "_submission_time": "2026-04-01T00:00:00",
           "__version__": "vPxTeamMonthlyLogV0001", "b_work/hh_visited": "12"}  # fmt: skip
    return [*rows, log]


@pytest.fixture(scope="module")
def dirty(tmp_path_factory):
    root = tmp_path_factory.mktemp("dirty")
    ws = _workspace(root, spelling="NFD", household=_dirty)
    return ws, survey_tools("run", *COMMUNES, cwd=root)


def test_run_study__dirty_answers_stop_nothing(dirty):
    _, done = dirty
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed" in done.stderr


def test_run_study__every_dirty_answer_is_flagged_by_row_and_question(dirty):
    ws, _ = dirty
    problems = contracts.read_table(ws.clean, "problems")
    rows = read_tables(ws, "household").frames["main"]
    met = rows.loc[(rows["visit_type"] == "main") & rows["elec_method"].notna(), "_id"].to_list()
    found = problems.loc[problems["form"] == "household"]
    said = {(c, int(i), v) for c, i, v in found[["check", "row_id", "variable"]].to_numpy()}
    assert said >= {
        ("choice_unknown", met[0], "elec_method"),
        ("answer_unreadable", met[1], "hh_size"),
        ("answer_outside_limits", met[1], "hh_size"),
        ("answer_unreadable", met[2], "start"),
        ("answer_unreadable", met[3], "today"),
        ("answer_unreadable", met[5], "hh_size"),
        ("question_unknown", 990001, "b_work/hh_visited"),
    }
    assert {row for _, row, _ in said} == {met[0], met[1], met[2], met[3], met[5], 990001}


def test_run_study__no_dirty_submission_vanishes(dirty):
    ws, _ = dirty
    household = contracts.read_table(ws.clean, "household")
    dropped = read_extra(ws, "dropped")
    dropped = dropped.loc[dropped["form"] == "household"]
    received = read_tables(ws, "household").frames["main"]["_id"]
    check_all_rows(received, household["_id"], dropped)
    reasons = dict(zip(dropped["_id"], dropped["reason"], strict=True))
    assert reasons[990001] == "training or pilot form, or no form type given"
    assert "no wave given" in reasons.values()
    assert set(household["wave"]) == {"w1", "w3"}
    flow = contracts.read_table(ws.analysis, "flow")
    assert "w3" in set(flow["wave"])


def test_run_study__pages_spell_names_composed_however_the_files_do(dirty):
    ws, _ = dirty
    for path in ws.reports("main").glob("*.html"):
        assert unicodedata.is_normalized("NFC", path.read_text(encoding="utf-8")), path.name
    texts = pd.read_parquet(ws.private / "free_text.parquet")["text"]
    assert unicodedata.is_normalized("NFC", " ".join(texts))
