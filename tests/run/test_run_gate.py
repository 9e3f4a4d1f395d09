"""A page with personal data is held back, costs no other, and leaves the value nowhere."""

from __future__ import annotations

import json
import re
import shutil

import pandas as pd
import pytest
from run_workspace import COMMUNES, NOTEBOOKS, make_workspace

from survey_tools import contracts
from survey_tools.errors import DisclosureError, ParamsError, RunError
from survey_tools.report.site import write_index
from survey_tools.run import run_reports
from survey_tools.run.gate import open_gate
from survey_tools.run.pipeline import run_stages
from survey_tools.run.scan import ALLOW_FILE

PHONE, LAT, LON = "0398123457", 20.731237, 105.912349
NAME = "Nguyễn Thị Hạnh"


def private(ws):
    """Write private tables as cleaning does."""
    contacts = {"_id": [1], "hhid": ["10288-T01-H001-1"], "variable": ["phone"], "value": [PHONE]}
    places = {"_id": [1], "gps_lat": [LAT], "gps_lon": [LON]}
    texts = {"_id": [1], "variable": ["comment"], "text": [f"Gặp bà {NAME}."]}
    for name, table in (("contacts", contacts), ("locations", places), ("free_text", texts)):
        contracts.write_parquet(pd.DataFrame(table), ws.private / f"{name}.parquet")
    return ws


def everything_below(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name: path.read_bytes().decode("utf-8", "replace") for path in files}


def assert_nowhere(folder):
    for name, text in everything_below(folder).items():
        assert PHONE not in text.replace(" ", ""), name
        assert NAME not in text, name


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    ws = private(make_workspace(tmp_path_factory.mktemp("gate") / "ws", "shows_a_phone"))
    return ws, run_reports(ws, "main", COMMUNES, ["vi"])


def test_run_reports__a_page_with_a_phone_is_held_back_and_costs_no_other(finished):
    ws, outcome = finished
    assert (outcome.made, outcome.failed, outcome.exit_code) == (2, 1, 1)
    pages = {path.name for path in ws.reports("main").glob("*.html")}
    assert pages >= {"10291.vi.html", "district.vi.html", "index.en.html", "index.html"}
    assert "10288.vi.html" not in pages


def test_run_reports__the_log_says_where_and_what_but_not_the_value(finished):
    ws, _ = finished
    record = json.loads((ws.reports("main") / "run.json").read_text(encoding="utf-8"))
    (page,) = [page for page in record["pages"] if page["code"] == "10288"]
    assert page["status"] == "failed"
    assert page["error"].startswith("DisclosureError: Personal data")
    log = (ws.reports("main") / page["log"]).read_text(encoding="utf-8")
    assert "a known phone number" in log
    assert re.search(r"notebooks/10288\.vi\.ipynb: cell \d, output 1", log)


def test_run_reports__the_phone_is_left_in_no_file_of_the_run(finished):
    assert_nowhere(finished[0].reports("main"))


def test_run_reports__a_page_that_was_released_before_goes(finished, tmp_path):
    shutil.copytree(finished[0].root, tmp_path / "ws")
    ws = finished[0].__class__(tmp_path / "ws", tmp_path / "ws/params/study.yml", finished[0].study)
    old = ws.reports("main") / "10288.vi.html"
    old.write_text("made before", encoding="utf-8")
    run_reports(ws, "main", ["10288"], ["vi"])
    assert not old.exists()


def test_run_reports__what_a_notebook_prints_is_seen_though_no_page_shows_it(tmp_path):
    ws = private(make_workspace(tmp_path / "ws", "prints_a_phone"))
    assert run_reports(ws, "main", ["10288"], ["vi"]).failed == 1
    log = (ws.reports("main") / "logs" / "10288.vi.log").read_text(encoding="utf-8")
    assert "a known phone number" in log
    assert_nowhere(ws.reports("main"))


def test_run_reports__an_error_that_names_somebody_is_blotted(tmp_path):
    ws = private(make_workspace(tmp_path / "ws", "raises_with_a_phone"))
    outcome = run_reports(ws, "main", ["10288"], ["vi"])
    assert (outcome.made, outcome.failed) == (1, 1)
    folder = ws.reports("main")
    log = (folder / "logs" / "10288.vi.log").read_text(encoding="utf-8")
    assert "KeyError: 'Gặp bà [name]. [phone]'" in log
    (folder / "notebooks" / "10288.vi.failed.ipynb").unlink()  # as it ran, for its owner alone
    assert_nowhere(folder)


def test_run_stages__an_error_that_names_somebody_is_blotted(tmp_path):
    ws = private(make_workspace(tmp_path / "ws"))
    text = (NOTEBOOKS / "raises_with_a_phone.ipynb").read_text(encoding="utf-8")
    text = text.replace('    "commune: str = \\"10291\\"  # the code of a commune\\n",\n', "")
    text = text.replace('if commune == \\"10288\\"', "if True").replace('"commune"', '"run"')
    (ws.notebooks / "40_construct.ipynb").write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=r"\[phone\]") as error:
        run_stages(ws, "main", stages=("40_construct",))
    assert PHONE not in str(error.value)
    assert PHONE not in (ws.reports("main") / "logs" / "40_construct.log").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"<p>{PHONE}</p>", "a known phone number"),
        ("<p>03<b>98</b>.123.457</p>", "a known phone number"),
        ("<p>+84 398 123 457</p>", "a known phone number"),
        ("<p title='0398-123-457'>x</p>", "a known phone number"),
        ("<p>&#48;398123457</p>", "a known phone number"),
        (f"<p>{LAT}, {LON}</p>", "a known position"),
        ("<p>20,731237 – 105,912349</p>", "a known position"),
        ("<td>20.731237</td><td>105.912349</td>", "a known position"),
        ("<p>NGUYỄN THỊ HẠNH</p>", "a known name"),
        ("<p>nguyen thi hanh</p>", "a known name"),
        ("<p>0912 345 678</p>", "what looks like a phone number"),
        ("<p>Ông Trần Văn Bình</p>", "what looks like a name"),
        ("<!-- lan@example.vn -->", "what looks like an email address"),
    ],
)
def test_gate__holds_back(tmp_path, text, kind):
    ws = private(make_workspace(tmp_path / "ws"))
    gate = open_gate(ws, ws.reports("main"))
    with pytest.raises(DisclosureError) as error:
        gate("x.html", f"<html>\n{text}</html>".encode())
    assert f"x.html: line 2: {kind}" in str(error.value)
    assert PHONE not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "<p>Tỷ lệ 20,7 % (105 hộ); 95% CI 10,2 – 12,4</p>",
        "<p>Xã Hồng Minh, Thị trấn Phú Xuyên</p>",
        "<p>2026-01-15T08:00:00Z, 09:15</p>",
        '<img alt="20 %" src="data:image' + '/png;base64,iVBORw0KGgo0398123457AAA">',
        "<p>1.848 hộ, 154 tổ, 12.345.678 đồng</p>",
        "<p>sha256 d42c7eeb830146a7a31f36e27fc8655d0398123457aaaaaaaaaaaaaaaaaaaaaa</p>",
    ],
)
def test_gate__lets_pass(ws, text):
    open_gate(ws, ws.reports("main"))("x.html", f"<html>{text}</html>".encode())


def test_gate__what_is_listed_as_public_passes(ws):
    page = "<p>Đường dây nóng của Tổ: 0243 385 4123</p>".encode()
    with pytest.raises(DisclosureError):
        open_gate(ws, ws.reports("main"))("x.html", page)
    with (ws.root / ALLOW_FILE).open("a", encoding="utf-8") as file:
        file.write("phone,024 3385 4123,,hotline of the district\n")
    open_gate(ws, ws.reports("main"))("x.html", page)


def test_open_gate__a_private_value_cannot_be_listed(ws):
    private(ws)
    with (ws.root / ALLOW_FILE).open("a", encoding="utf-8") as file:
        file.write("phone,0398 123 457,,hotline\n")
    with pytest.raises(ParamsError, match="private value") as error:
        open_gate(ws, ws.reports("main"))
    assert "0398" not in str(error.value)


def test_open_gate__a_damaged_private_table_is_told(ws):
    ws.private.mkdir(parents=True)
    (ws.private / "contacts.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DisclosureError, match="cannot be read"):
        open_gate(ws, ws.reports("main"))


def test_write_index__passes_the_gate_too(ws):
    private(ws)
    page = {"code": "10288", "lang": "vi", "status": "failed", "file": None, "error": PHONE}
    record = {
        "started": "2026-10-01T00:00:00Z",
        "finished": "2026-10-01T00:00:00Z",
        "pages": [page],
    }
    with pytest.raises(DisclosureError):
        write_index(ws, "main", record, open_gate(ws, ws.reports("main")))
    assert not (ws.reports("main") / "index.html").exists()
