"""A review: what the machine looks up, what people sign, and when a signature no longer counts."""

from __future__ import annotations

import json
import shutil
import stat

import pytest
import yaml
from run_workspace import COMMUNES, ROOT, make_workspace
from typer.testing import CliRunner

from survey_tools.cli import app
from survey_tools.errors import DisclosureError, ParamsError, RunError
from survey_tools.params import ROOT_VARIABLE, open_workspace, read_checklist
from survey_tools.run import run_reports
from survey_tools.run.occupied import holding
from survey_tools.run.review import CHECKS, review_run, sign
from survey_tools.run.verify.verify import VERIFIED, verify_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A workspace after a run of two communes and the district, verified."""
    ws = make_workspace(tmp_path_factory.mktemp("review") / "ws")
    assert run_reports(ws, "main", COMMUNES).exit_code == 0
    assert verify_run(ws, "main").exit_code == 0
    return ws


@pytest.fixture
def ws(finished, tmp_path):
    shutil.copytree(finished.root, tmp_path / "ws")
    return open_workspace(tmp_path / "ws" / "params" / "study.yml")


def _states(ws):
    return {one.item.id: one.state for one in review_run(ws, "main")}


def _record(ws, **changes):
    path = ws.reports("main") / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def _signed(ws):
    return yaml.safe_load((ws.root / "params" / "reviews" / "main.yml").read_text("utf-8"))


def test_checklist__of_the_project_names_each_check():
    checklist = read_checklist(ROOT / "params" / "review.yml")
    assert {one.check for one in checklist.items if one.check} == set(CHECKS)
    assert sum(one.check is None for one in checklist.items) >= 5


def test_review_run__people_s_items_are_open_and_the_machine_s_looked_up(ws):
    states = _states(ws)
    assert states["wording"] == states["balance"] == "open"
    assert states["verified"] == states["pages_made"] == states["cells_protected"] == "ok"
    assert states["data_proved"] == "not_ok"  # the made-up record has no count of the server
    assert states["provenance"] == "not_ok"  # it is in no git repository
    assert states["plan_kept"] == "open"  # nor has it a table of the plan


@pytest.mark.parametrize(
    ("item", "changes", "state"),
    [
        ("data_proved", {"pulls": [{"rows": 9, "server_count": 9, "proof": "ab"}]}, "ok"),
        ("data_proved", {"pulls": [{"rows": 8, "server_count": 9, "proof": "ab"}]}, "not_ok"),
        ("data_proved", {"pulls": [{"rows": 9, "server_count": 9, "proof": ""}]}, "not_ok"),
        ("data_proved", {"pulls": []}, "open"),
        ("provenance", {"commit": "abc", "dirty": False}, "ok"),
        ("provenance", {"commit": "abc", "dirty": True}, "not_ok"),
    ],
)
def test_review_run__what_the_record_says(ws, item, changes, state):
    _record(ws, **changes)
    assert _states(ws)[item] == state


def test_review_run__a_page_that_failed(ws):
    pages = json.loads((ws.reports("main") / "run.json").read_text("utf-8"))["pages"]
    _record(ws, pages=[{**pages[0], "status": "failed"}, *pages[1:]])
    assert _states(ws)["pages_made"] == "not_ok"


def test_review_run__verification_counts_for_the_files_that_were_verified(ws):
    folder = ws.reports("main")
    page = folder / "10288.vi.html"
    before = page.read_bytes()
    page.write_bytes(before + b"\n")
    assert _states(ws)["verified"] == "open"
    page.write_bytes(before)
    assert _states(ws)["verified"] == "ok"
    kept = json.loads((folder / VERIFIED).read_text("utf-8"))
    del kept["pages"]["10288.vi"]["files"]["10288.vi.docx"]  # one file was never held
    (folder / VERIFIED).write_text(json.dumps(kept), "utf-8")
    assert _states(ws)["verified"] == "open"
    kept["pages"]["10288.vi"]["result"] = "differs"
    kept["pages"]["10288.vi"]["files"]["10288.vi.docx"] = None  # it was gone, and is
    docx = folder / "10288.vi.docx"
    delivered = docx.read_bytes()
    docx.unlink()
    (folder / VERIFIED).write_text(json.dumps(kept), "utf-8")
    assert _states(ws)["verified"] == "not_ok"
    docx.write_bytes(delivered)
    assert _states(ws)["verified"] == "open"
    del kept["pages"]["10288.vi"]
    (folder / VERIFIED).write_text(json.dumps(kept), "utf-8")
    assert _states(ws)["verified"] == "open"
    (folder / VERIFIED).unlink()
    assert _states(ws)["verified"] == "open"


def test_review_run__a_page_that_the_run_did_not_make_is_not_verified(ws):
    folder = ws.reports("main")
    review_run(ws, "main")  # whose own pages are none of these
    shutil.copy(folder / "10288.vi.pdf", folder / "10999.vi.pdf")
    found = {one.item.id: (one.state, one.found) for one in review_run(ws, "main")}
    assert found["verified"] == ("not_ok", "review_found_strange")


def test_review_run__the_list_of_hidden_cells_has_to_be_that_of_the_results(ws):
    log = ws.reports("main") / "suppression.csv"
    log.write_text(log.read_text("utf-8") + "levels,10288,w3,all,qr_shop_30d,,hidden\n", "utf-8")
    assert _states(ws)["cells_protected"] == "not_ok"
    log.unlink()
    assert _states(ws)["cells_protected"] == "open"


@pytest.mark.parametrize(
    ("vi", "en", "state"),
    [
        (
            '<data value="0.4" data-source="a#n">40%</data>',
            '<data value="0.4" data-source="a#n">',
            "ok",
        ),
        (
            '<data value="0.4" data-source="a#n">40%</data>',
            '<data value="0.5" data-source="a#n">',
            "not_ok",
        ),
        ('<data value="0.4" data-source="a#n">40%</data>', "", "not_ok"),
        ("", "", "open"),
    ],
)
def test_review_run__figures_of_the_languages(ws, vi, en, state):
    for lang, text in (("vi", vi), ("en", en)):
        (ws.reports("main") / f"10288.{lang}.html").write_text(text, "utf-8")
    assert _states(ws)["languages_agree"] == state


def test_sign__counts_until_a_page_changes(ws):
    sign(ws, "main", "wording", role="reviewer", decision="ok", initials="AB")
    assert _states(ws)["wording"] == "ok"
    page = ws.reports("main") / "10288.vi.html"
    page.write_text(page.read_text("utf-8") + "\n", "utf-8")
    assert _states(ws)["wording"] == "outdated"
    sign(ws, "main", "wording", role="statistician", decision="not_ok", remark="says too much")
    assert _states(ws)["wording"] == "not_ok"
    assert [one["decision"] for one in _signed(ws)["signed"]] == ["ok", "not_ok"]
    assert [one["initials"] for one in _signed(ws)["signed"]] == ["AB", ""]


@pytest.mark.parametrize("ending", ["pdf", "docx", "xlsx"])
def test_sign__counts_until_a_file_beside_a_page_changes(ws, ending):
    sign(ws, "main", "wording", role="reviewer", decision="ok")
    path = ws.reports("main") / f"10288.vi.{ending}"
    delivered = path.read_bytes()
    path.write_bytes(delivered + b"\n")
    states = _states(ws)
    assert (states["wording"], states["verified"]) == ("outdated", "open")
    path.unlink()
    assert _states(ws)["wording"] == "outdated"
    path.write_bytes(delivered)
    states = _states(ws)
    assert (states["wording"], states["verified"]) == ("ok", "ok")


def test_sign__counts_when_the_notebook_was_executed_again_and_gave_the_same_page(ws):
    sign(ws, "main", "wording", role="reviewer", decision="ok")
    notebook = ws.reports("main") / "notebooks" / "10288.vi.ipynb"
    notebook.write_text(notebook.read_text("utf-8") + "\n", "utf-8")
    states = _states(ws)
    assert (states["wording"], states["verified"]) == ("ok", "open")


def test_review_run_and_sign__keep_out_of_the_way_of_a_batch_and_of_each_other(ws):
    with holding(ws, "main"):
        for act in (
            lambda: review_run(ws, "main"),
            lambda: sign(ws, "main", "wording", role="reviewer", decision="ok"),
        ):
            with pytest.raises(RunError, match="writing into this run"):
                act()
    assert not (ws.root / "params" / "reviews").exists()
    assert not (ws.reports("main") / "review.html").exists()


@pytest.mark.parametrize(
    ("item", "more", "error", "told"),
    [
        ("words", {}, ParamsError, "no such item"),
        ("verified", {}, ParamsError, "looked up by the machine"),
        ("wording", {"role": "a person"}, ParamsError, "no such role"),
        ("wording", {"decision": "fine"}, ParamsError, "decision"),
        ("wording", {"decision": "not_ok"}, ParamsError, "needs a remark"),
        ("wording", {"initials": "Abcdefg"}, ParamsError, "initials"),
        ("wording", {"remark": "gọi 09" + "12345678"}, DisclosureError, "personal data"),
    ],
)
def test_sign__refuses(ws, item, more, error, told):
    with pytest.raises(error) as raised:
        sign(ws, "main", item, **{"role": "reviewer", "decision": "ok"} | more)
    assert told in str(raised.value)
    assert not (ws.root / "params" / "reviews").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("signed:\n- item: wording\n", "«signed.0.decision» is missing"),
        ("signed: []\nby: me\n", "«by» is unknown"),
        ("- wording\n", "holds no keys"),
        ("signed: [", "not valid YAML"),
        (b"\xff\xfe", "not text in UTF-8"),
    ],
)
def test_review_run__a_file_of_sign_offs_that_is_wrong(ws, text, told):
    folder = ws.root / "params" / "reviews"
    folder.mkdir()
    (folder / "main.yml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ParamsError) as raised:
        review_run(ws, "main")
    assert told in str(raised.value)


def test_review_run__a_checklist_that_is_wrong(ws):
    path = ws.root / "params" / "review.yml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("id: naive", "id: wording"), "utf-8")
    with pytest.raises(ParamsError, match="listed twice: wording"):
        review_run(ws, "main")
    path.write_text(text.replace("check: verified", "check: verifed"), "utf-8")
    with pytest.raises(ParamsError, match="check"):
        review_run(ws, "main")
    path.unlink()
    with pytest.raises(ParamsError, match="missing"):
        review_run(ws, "main")


def test_review_run__there_is_no_such_run(ws):
    with pytest.raises(RunError, match="no such run"):
        review_run(ws, "other")
    assert not ws.reports("other").exists()


def test_review_page__says_state_role_and_day_in_both_languages(ws):
    sign(ws, "main", "wording", role="reviewer", decision="ok", remark="đã đọc hết", initials="AB")
    review_run(ws, "main")
    pages = {
        lang: ws.reports("main") / name
        for lang, name in {"vi": "review.html", "en": "review.en.html"}.items()
    }
    for lang, told in {"vi": "Người thẩm định (AB)", "en": "Reviewer (AB)"}.items():
        text = pages[lang].read_text("utf-8")
        assert told in text
        assert "đã đọc hết" in text
        assert stat.S_IMODE(pages[lang].stat().st_mode) == 0o600


def test_review_command__signs_and_sets_the_exit_code(ws, monkeypatch):
    monkeypatch.chdir(ws.root)
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)

    def call(*more):
        return CliRunner().invoke(app, ["review", "main", *more])

    assert call().exit_code == 1
    assert call("--sign", "wording").exit_code == 2
    path = ws.root / "params" / "review.yml"
    checklist = yaml.safe_load(path.read_text("utf-8"))
    few = [one for one in checklist["items"] if one["id"] in ("wording", "verified", "naive")]
    path.write_text(yaml.safe_dump(checklist | {"items": few}, allow_unicode=True), "utf-8")
    assert verify_run(ws, "main").exit_code in (0, 2)
    signing = ("--as", "reviewer", "--decision")
    call("--sign", "wording", *signing, "ok")
    done = call("--sign", "naive", *signing, "not_applicable", "--remark", "none is shown")
    assert done.exit_code == 0, done.output
    assert "ok              wording" in done.stdout
