"""A run holds when it is executed again; whatever somebody changed by hand is found and named."""

from __future__ import annotations

import json
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from batch_support import half_written, left_behind, plant, start_command
from run_workspace import COMMUNES, make_workspace
from typer.testing import CliRunner

from survey_tools.cli import app
from survey_tools.errors import ParamsError, RunError
from survey_tools.files import digest_file
from survey_tools.params import ROOT_VARIABLE, open_workspace
from survey_tools.report.shown import differing_kept
from survey_tools.run import run_reports
from survey_tools.run.verify.compare import compare_notebooks
from survey_tools.run.verify.strange import strange_files
from survey_tools.run.verify.verify import VERIFIED, verify_run

pytestmark = pytest.mark.slow

PAGE = "10288.vi"
SLEEPS = 'import time\n(Path(os.environ["TMPDIR"]) / "own").touch()\ntime.sleep(10_000)'


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A workspace after a run of two communes and the district, in both languages."""
    ws = make_workspace(tmp_path_factory.mktemp("verify") / "ws")
    assert run_reports(ws, "main", COMMUNES).exit_code == 0
    return ws


@pytest.fixture
def ws(finished, tmp_path):
    """A copy of it to change."""
    shutil.copytree(finished.root, tmp_path / "ws")
    return open_workspace(tmp_path / "ws" / "params" / "study.yml")


def _notebook(ws, page=PAGE):
    return ws.reports("main") / "notebooks" / f"{page}.ipynb"


def _change(path, change):
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")


def _result_cell(content):
    return next(cell for cell in content["cells"] if cell.get("id") == "result")


def _digests(folder):
    return {p.relative_to(folder): digest_file(p) for p in folder.rglob("*") if p.is_file()}


def _one(ws, **options):
    """Verify the page that the tests change, and return what came of it."""
    done = verify_run(ws, "main", ["10288"], ["vi"], **options)
    (page,) = done.pages
    return done, page


def test_verify_run__a_fresh_run_holds_and_nothing_else_is_written(ws, tmp_path, monkeypatch):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = _digests(ws.reports("main"))
    done = verify_run(ws, "main", jobs=2)
    assert (done.result, done.exit_code, done.count("same")) == ("same", 0, 6)
    after = _digests(ws.reports("main"))
    assert after.keys() - before.keys() == {Path(VERIFIED)}
    assert before.items() <= after.items()
    assert not list(temporary.iterdir())


def test_verify_run__says_in_its_record_what_was_held_to_what(ws):
    verify_run(ws, "main", ["10288"])
    verify_run(ws, "main", ["district"], ["en"])
    folder = ws.reports("main")
    record = json.loads((folder / VERIFIED).read_text("utf-8"))
    run = json.loads((folder / "run.json").read_text("utf-8"))
    assert sorted(record["pages"]) == ["10288.en", PAGE, "district.en"]
    page = record["pages"][PAGE]
    made = next(p for p in run["pages"] if (p["code"], p["lang"]) == ("10288", "vi"))
    assert (page["result"], page["files"], page["made_from"]) == (
        "same",
        made["files"],
        made["hashes"],
    )
    assert record["record"] == digest_file(folder / "run.json")
    assert (folder / VERIFIED).stat().st_mode & 0o777 == 0o600


def test_verify_run__an_altered_output_is_found_and_named(ws):
    def change(content):
        _result_cell(content)["outputs"][0]["data"]["text/plain"] = ["'10288-vi!'"]

    _change(_notebook(ws), change)
    done, page = _one(ws)
    assert done.exit_code == 1
    assert [d.cell for d in page.differences][:2] == ["result", "page"]
    assert {d.cell for d in page.differences[2:]} <= {f"{PAGE}.pdf", f"{PAGE}.docx", f"{PAGE}.xlsx"}
    assert page.differences[0].what == (
        "text/plain: delivered «'10288-vi!'», made again «'10288-vi'»"
    )


def test_verify_run__what_is_told_is_blotted(ws):
    def change(content):
        phone = "09" + "12345678"
        _result_cell(content)["outputs"][0]["data"]["text/plain"] = [f"gọi {phone}"]

    _change(_notebook(ws), change)
    _, page = _one(ws)
    told = " ".join(d.what for d in page.differences)
    assert "gọi [phone]" in told
    assert "12345678" not in told + (ws.reports("main") / VERIFIED).read_text("utf-8")


def test_verify_run__code_changed_together_with_its_output_is_found(ws):
    def change(content):
        cell = _result_cell(content)
        cell["source"] = ["'70%'"]
        cell["outputs"][0]["data"]["text/plain"] = ["'70%'"]

    _change(_notebook(ws), change)
    done, page = _one(ws)
    assert done.exit_code == 1
    assert page.differences[0].cell == "result"
    assert page.differences[0].what.startswith("source: delivered «'70%'»")


def test_verify_run__other_parameters_are_found(ws):
    def change(content):
        cell = next(
            c for c in content["cells"] if "injected-parameters" in c["metadata"].get("tags", [])
        )
        cell["source"] = "".join(cell["source"]).replace("10288", "10291")
        _result_cell(content)["outputs"][0]["data"]["text/plain"] = ["'10291-vi'"]

    _change(_notebook(ws), change)
    done, page = _one(ws)
    assert (done.exit_code, page.differences[0].cell) == (1, "injected-parameters")


def test_verify_run__a_page_edited_by_hand_is_found(ws):
    page = ws.reports("main") / f"{PAGE}.html"
    page.write_text(page.read_text("utf-8").replace("10288-vi", "10288-vj"), "utf-8")
    done, found = _one(ws)
    (difference,) = found.differences
    assert (done.exit_code, difference.cell) == (1, "page")
    assert "10288-vj" in difference.what


def _forge(path):
    path.write_bytes(b"%PDF-1.4 forged")


def _other_numbers(path):
    book = openpyxl.load_workbook(path)
    for sheet in book:
        for cell in (cell for row in sheet for cell in row if isinstance(cell.value, int | float)):
            cell.value = 0.99
    book.save(path)


@pytest.mark.parametrize(
    ("ending", "change", "told"),
    [
        ("pdf", _forge, r"is not what the page gives \(15 bytes delivered, \d+ when made again\)"),
        ("xlsx", _other_numbers, "is not what the page gives"),
        ("docx", Path.unlink, "is not there"),
        ("html", Path.unlink, "is not there"),
    ],
)
def test_verify_run__a_file_beside_a_page_that_was_altered_or_is_gone_is_found(
    ws, ending, change, told
):
    path = ws.reports("main") / f"{PAGE}.{ending}"
    change(path)
    done, page = _one(ws)
    assert (done.exit_code, done.count("differs")) == (1, 1)
    (found,) = page.differences
    assert found.cell == ("page" if ending == "html" else path.name)
    assert re.match(told, found.what), found.what


def test_verify_run__files_that_the_run_did_not_make_are_found(ws):
    folder = ws.reports("main")
    names = (
        "10270.vi.html",
        "10288.docx",
        "10288.fr.html",
        "10999.vi.PDF",
        "10999.vi.html",
        "index10.vi.html",
        "report.vi.html",
        "summary.xlsx",
    )
    for name in names:
        shutil.copy(folder / f"{PAGE}.html", folder / name)
    done = verify_run(ws, "main")
    assert (done.exit_code, done.strange, done.count("same")) == (1, names, 6)
    assert json.loads((folder / VERIFIED).read_text("utf-8"))["strange"] == list(names)


def test_verify_run__general_pages_are_no_strangers(ws):
    folder = ws.reports("main")
    for name in ("triage.html", "review.en.html", "compare-before.vi.html", "compare-before.csv"):
        (folder / name).write_text("", "utf-8")
    record = json.loads((folder / "run.json").read_text("utf-8"))
    assert strange_files(folder, record) == ()
    record["pages"] = [{**page, "status": "failed"} for page in record["pages"]]
    assert len(strange_files(folder, record)) == 6 * 4


def test_verify_run__asked_for_some_pages_tells_only_strangers_of_their_names(ws):
    folder = ws.reports("main")
    for name in ("10270.vi.html", "10270.vi.pdf", "10999.vi.html"):
        shutil.copy(folder / f"{PAGE}.html", folder / name)
    assert _one(ws)[0].strange == ()
    done = verify_run(ws, "main", ["10288", "10270"], ["vi"])
    assert (done.exit_code, done.strange) == (1, ("10270.vi.html", "10270.vi.pdf"))


def test_verify_run__a_page_of_the_record_that_the_study_does_not_have_is_not_passed_over(ws):
    path = ws.reports("main") / "run.json"
    _change(path, lambda record: record["pages"].append({**record["pages"][0], "code": "10999"}))
    shutil.copy(ws.reports("main") / f"{PAGE}.html", ws.reports("main") / "10999.en.html")
    done = verify_run(ws, "main")
    assert done.exit_code == 2
    (page,) = [p for p in done.pages if p.result == "cannot"]
    assert page.reason == "the study has no such page now"


def test_verify_run__changed_results_are_said_to_be_no_forgery(ws):
    levels = pd.read_parquet(ws.results / "levels.parquet")
    levels["estimate"] += 0.1
    levels.to_parquet(ws.results / "levels.parquet")
    done, page = _one(ws)
    assert (done.exit_code, page.result) == (2, "cannot")
    assert "the results" in page.reason
    assert "no forgery" in page.reason
    assert "Not as the run left it" not in page.reason
    _notebook(ws).write_text("{}", "utf-8")
    assert f"Not as the run left it: notebooks/{PAGE}.ipynb" in _one(ws)[1].reason


@pytest.mark.parametrize(
    ("file", "told"),
    [("notebooks/60_commune_report.ipynb", "the notebook"), ("params/teams.csv", "parameters")],
)
def test_verify_run__names_what_else_changed(ws, file, told):
    path = ws.root / file
    text = path.read_text("utf-8")
    path.write_text(text.replace("commune}-", "commune} -") if "ipynb" in file else text + "\n")
    done, page = _one(ws)
    assert done.exit_code == 2
    assert told in page.reason


def test_verify_run__an_unreadable_notebook_cannot_be_verified(ws):
    for content in (
        "{",
        "[]",
        '{"cells": [1], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
    ):
        _notebook(ws).write_text(content, "utf-8")
        done, page = _one(ws)
        assert (done.exit_code, page.result) == (2, "cannot"), content
        assert page.reason.startswith("unreadable"), content


def test_verify_run__a_figure_changed_in_what_is_kept_of_the_rules_is_found(ws):
    assert differing_kept(ws) == ()
    path = ws.results / ".shown" / "levels.parquet"
    kept = parquet.read_table(path)
    place = kept.schema.get_field_index("shown")
    forged = pa.array([value.as_py() + 0.1 for value in kept["shown"]])
    changed = kept.set_column(place, kept.schema.field(place), forged)
    parquet.write_table(changed.replace_schema_metadata(kept.schema.metadata), path)
    assert differing_kept(ws) == ("levels",)
    done, _ = _one(ws)
    assert (done.exit_code, done.tables) == (1, ("levels",))


def test_verify_run__what_is_not_there_is_an_error(ws):
    with pytest.raises(RunError, match="no such run") as error:
        verify_run(ws, "other")
    assert (error.value.exit_code, error.value.expected) == (2, "main")
    assert not ws.reports("other").exists()
    with pytest.raises(ParamsError):
        verify_run(ws, "../main")
    with pytest.raises(RunError, match="none of these pages"):
        verify_run(ws, "main", ["10270"])
    (ws.reports("main") / "run.json").write_text("{", "utf-8")
    with pytest.raises(RunError, match="cannot be read"):
        verify_run(ws, "main")


def test_verify_run__results_that_are_gone_are_said_to_be(ws):
    shutil.rmtree(ws.results)
    with pytest.raises(RunError, match="no longer there") as error:
        verify_run(ws, "main")
    assert error.value.exit_code == 2


def test_verify_command__tells_each_difference_once_and_sets_the_exit_code(ws, monkeypatch):
    monkeypatch.chdir(ws.root)
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    arguments = ["verify", "main", "--commune", "10288", "--lang", "vi", "--jobs", "1"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    assert "Pages: 1 the same, 0 differ, 0 not verified." in done.output
    _change(_notebook(ws), lambda content: _result_cell(content)["outputs"].clear())
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert f"{PAGE}: cell «result»: " in done.stdout
    (ws.reports("main") / f"{PAGE}.pdf").unlink()
    (ws.reports("main") / f"{PAGE}.HTM").touch()
    done = CliRunner().invoke(app, arguments)
    assert f"{PAGE}: the file {PAGE}.pdf: is not there" in done.stdout
    assert f"{PAGE}.HTM: the run made no such file" in done.stdout
    done = CliRunner().invoke(app, ["verify", "nowhere"])
    assert (done.exit_code, "no such run" in done.output) == (2, True)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")
def test_verify_command__stopped_by_ctrl_c_leaves_nothing(tmp_path):
    ws = make_workspace(tmp_path / "ws", "planted")
    assert run_reports(ws, "main", COMMUNES, ["vi"]).exit_code == 0
    before = _digests(ws.reports("main"))
    plant(ws, SLEEPS)
    batch = start_command(ws, "verify", "main")
    deadline = time.monotonic() + 60
    while not list(batch.temporary.rglob("own")):
        assert time.monotonic() < deadline, batch.said()
        time.sleep(0.05)
    batch.interrupt(signal.SIGINT)
    done = batch.wait(20)
    assert left_behind(done.mark) == []
    assert done.code == 130
    assert "begins anew" in done.said
    assert "go on from here" not in done.said
    assert _digests(ws.reports("main")) == before
    assert batch.left_in_temporary() == []


# what nbval decides and what it leaves aside


def _figure(png="aGk=", alt="a line that rises"):
    data = {"image/png": png, "text/plain": "<Figure>"}
    return nbformat.v4.new_output("display_data", data, metadata={"image/png": {"alt": alt}})


def _text(html):
    return nbformat.v4.new_output("execute_result", {"text/html": html}, execution_count=1)


def _book(*outputs, source="1", tags=(), kind="code"):
    cell = nbformat.v4.new_code_cell(source, id="one", execution_count=1, outputs=list(outputs))
    if kind == "markdown":
        cell = nbformat.v4.new_markdown_cell(source, id="one")
    cell.metadata["tags"] = list(tags)
    return nbformat.v4.new_notebook(cells=[cell])


STREAM = nbformat.v4.new_output("stream", name="stderr", text="a word\n")


@pytest.mark.parametrize(
    ("delivered", "told"),
    [
        (_book(_figure(png="aGo="), _text("37%")), "image/png: the figure is another one"),
        (_book(_figure(alt="a line that falls"), _text("37%")), "metadata"),
        (_book(_text("37%"), _figure()), "output_type"),
        (_book(_figure(), _text("38%")), "text/html: delivered «38%», made again «37%»"),
        (_book(_figure()), "Missing output fields|Unexpected output fields"),
        (_book(_figure(), _text("37%"), _text("37%")), "dissimilar number of outputs"),
        (_book(_figure(), _text("37%"), STREAM), "output fields"),
        (_book(_figure(), _text("37%"), tags=["nbval-ignore-output"]), "tags"),
        (_book(_figure(), _text("37%"), source="# NBVAL_SKIP\n1"), "source"),
        (_book(source="1", kind="markdown"), "a cell of markdown"),
    ],
)
def test_compare_notebooks__whatever_differs_is_told(delivered, told):
    (found,) = compare_notebooks(delivered, _book(_figure(), _text("37%")), {})
    assert found.cell == "one"
    assert re.search(told, found.what), found.what


def test_compare_notebooks__moments_are_no_difference_and_nothing_is_dropped_silently():
    said, ours = (_book(_text(f"made {day}T01:02Z")) for day in ("2026-01-01", "2026-02-02"))
    pattern = {r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z": "MOMENT"}
    assert compare_notebooks(said, ours, pattern) == ()
    assert len(compare_notebooks(said, ours, {})) == 1
    more = nbformat.v4.new_notebook(cells=[*said.cells, *said.cells])
    assert "2 cells delivered" in compare_notebooks(more, ours, pattern)[0].what


def test_half_written__verification_leaves_none(ws):
    verify_run(ws, "main", ["10288"], ["vi"])
    assert not half_written(ws)
