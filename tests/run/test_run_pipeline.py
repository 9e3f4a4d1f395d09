"""A whole run on the small synthetic district: what it leaves, and that a second one has little to do."""

from __future__ import annotations

import json
import re
import shutil
import stat

import pandas as pd
import pytest

from survey_tools import contracts
from survey_tools.kobo.sandbox import Sandbox
from survey_tools.params import open_workspace
from survey_tools.run import Server, plan_reports, pull_all, read_tables, status

TOKEN = "0123456789abcdef0123456789abcdef01234567"

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def ws(workspace):
    return open_workspace(workspace / "params" / "study.yml")


def test_run_study__every_stage_is_there_and_up_to_date(ws):
    stages = status(ws)
    assert [stage.name for stage in stages] == [
        "raw",
        "clean",
        "checks",
        "analysis",
        "results",
        "reports/main",
    ]
    assert all(stage.there and not stage.next and stage.rows for stage in stages)


def test_run_study__record_names_the_pulls_and_the_pages(ws):
    record = json.loads((ws.reports("main") / "run.json").read_text(encoding="utf-8"))
    assert [pull["form"] for pull in record["pulls"]] == ["household", "team_log", "site"]
    assert all(re.fullmatch("[0-9a-f]{16}", pull["proof"]) for pull in record["pulls"])
    pages = {(page["code"], page["lang"]): page["status"] for page in record["pages"]}
    assert {key for key, state in pages.items() if state == "ok"} == {
        (code, lang) for code in ("10270", "10288", "district") for lang in ("vi", "en")
    }


def test_run_study__nothing_to_do_the_second_time(ws):
    pages = plan_reports(ws, "main", ["10270", "10288"])
    assert [page.reason for page in pages] == [""] * 6


def test_run_study__stage_notebooks_say_nothing_on_stderr(ws):
    for path in (ws.reports("main") / "notebooks").glob("*_*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        assert not [o for o in outputs if o["output_type"] in ("stream", "error")], path.name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_run_study__files_with_rows_are_private(ws):
    files = [p for p in (ws.root / "data").rglob("*") if p.is_file() and p.name != "district.txt"]
    assert len(files) > 20
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_read_tables__a_renamed_question_has_one_column(ws):
    main = read_tables(ws, "household").frames["main"]
    assert "pay_qr" not in main
    asked = main.groupby("wave", observed=True)["qr30"].count()
    assert (asked > 0).all()


def test_make_sandbox__truth_and_sample_lie_beside_the_forms(ws):
    (folder,) = ws.sandbox.iterdir()
    assert re.fullmatch("small-[0-9a-f]{12}", folder.name)
    truth = pd.read_csv(folder / "truth.csv")
    assert set(truth["outcome"]) <= set(ws.table("outcomes")["outcome"])
    panel = contracts.read_table(ws.analysis, "panel")
    assert set(panel["hhid"]) <= set(ws.table("sample")["hhid"])


def test_pull_all__a_second_pull_brings_nothing_and_keeps_no_token(ws, tmp_path):
    for name in ("params", "data"):
        shutil.copytree(ws.root / name, tmp_path / name)
    copy = open_workspace(tmp_path / "params" / "study.yml")
    (folder,) = copy.sandbox.iterdir()
    with Sandbox(folder, token=TOKEN) as sandbox:
        server = Server(sandbox.url, TOKEN)
        pulls = pull_all(copy, server)
    assert list(pulls["form"]) == ["household", "team_log", "site"]
    assert (pulls["unchanged"] == pulls["rows"]).all()
    assert pulls["complete"].all()
    assert TOKEN not in repr(server) + pulls.to_csv()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path.name for path in files if TOKEN.encode() in path.read_bytes()]
