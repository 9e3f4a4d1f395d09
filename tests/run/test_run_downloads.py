"""The files beside a page are made, recorded, redone, fetched and removed with it."""

from __future__ import annotations

import json
import shutil
import stat

import pytest
from run_workspace import COMMUNES, make_workspace

from survey_tools.errors import DisclosureError
from survey_tools.files import digest_file
from survey_tools.params import open_workspace
from survey_tools.report import render
from survey_tools.report.downloads.content import read_page
from survey_tools.report.downloads.names import FORMATS
from survey_tools.run import Choices, run_reports
from survey_tools.run.batch import make as making
from survey_tools.run.batch.plan import plan_reports
from survey_tools.run.batch.task import FAILED, OK, Task
from survey_tools.run.cluster.worker import files_of
from survey_tools.run.erasing.derived import take_stock

STEMS = ("10288.vi", "10291.vi", "district.vi")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A workspace after a run."""
    ws = make_workspace(tmp_path_factory.mktemp("finished") / "ws")
    outcome = run_reports(ws, "main", COMMUNES, ["vi"])
    assert outcome.exit_code == 0
    return ws


@pytest.fixture
def copy(finished, tmp_path):
    shutil.copytree(finished.root, tmp_path / "ws")
    return open_workspace(tmp_path / "ws" / "params" / "study.yml")


def _task(ws, name="10288.vi"):
    parameters = {"commune": "10288", "lang": "vi", "run": "main", "study": "params/study.yml"}
    notebook = "notebooks/60_commune_report.ipynb"
    return Task(name, str(ws.root), ws.study_name, "main", notebook, parameters, "vi")


def test_run_reports__record_has_the_digest_of_every_file_of_a_page(finished):
    folder = finished.reports("main")
    record = json.loads((folder / "run.json").read_text("utf-8"))
    for stem in STEMS:
        (page,) = [page for page in record["pages"] if f"{page['code']}.{page['lang']}" == stem]
        names = {f"{stem}.{ending}" for ending in ("html", *FORMATS)} | {f"notebooks/{stem}.ipynb"}
        assert page["files"] == {name: digest_file(folder / name) for name in names}
        for ending in ("html", *FORMATS):
            assert stat.S_IMODE((folder / f"{stem}.{ending}").stat().st_mode) == 0o644


def test_run_reports__a_page_says_which_run_and_study_it_is_of_and_its_last_pull(finished):
    facts = read_page((finished.reports("main") / "10288.vi.html").read_text("utf-8")).facts
    assert facts == {
        "run": "main",
        "page": "10288",
        "lang": "vi",
        "study": finished.study.study.id,
        "data": "2026-10-01T00:00:00Z",
    }


@pytest.mark.parametrize("ending", FORMATS)
def test_run_reports__a_page_is_redone_whose_download_is_gone_or_changed(copy, ending):
    folder = copy.reports("main")
    before = {path.name: path.read_bytes() for path in folder.glob("*.vi.*")}
    (folder / f"10288.vi.{ending}").unlink()
    (folder / f"10291.vi.{ending}").write_bytes(b"other")
    reasons = {p.code: p.reason for p in plan_reports(copy, "main", COMMUNES, ["vi"])}
    assert reasons == {"10288": "the file is gone", "10291": "the file was changed", "district": ""}
    if ending == FORMATS[0]:
        outcome = run_reports(copy, "main", COMMUNES, ["vi"], Choices(jobs=1))
        assert (outcome.made, outcome.unchanged) == (2, 1)
        assert {path.name: path.read_bytes() for path in folder.glob("*.vi.*")} == before


def test_run_reports__a_page_that_fails_leaves_no_download_of_before(copy):
    shutil.copy(
        copy.notebooks.parent / "notebooks" / "60_commune_report.ipynb", copy.root / "kept.ipynb"
    )
    content = json.loads((copy.root / "kept.ipynb").read_text("utf-8"))
    content["cells"][-1]["source"] = "raise ValueError"
    content["cells"][-1]["cell_type"] = "code"
    content["cells"][-1].update(outputs=[], execution_count=None)
    (copy.notebooks / "60_commune_report.ipynb").write_text(json.dumps(content), "utf-8")
    outcome = run_reports(copy, "main", ["10288"], ["vi"], Choices(jobs=1))
    assert outcome.failed == 1
    left = {path.name for path in copy.reports("main").glob("10288.vi.*")}
    assert left == set()
    assert len(list(copy.reports("main").glob("10291.vi.*"))) == 1 + len(FORMATS)


def test_make__holds_every_file_to_the_gate(copy, monkeypatch):
    passed = []

    def gate(name, content):
        passed.append(name)
        if name.endswith(".xlsx"):
            raise DisclosureError("Held back.")

    monkeypatch.setattr(gate_class := making.Gate, "__call__", lambda self, n, c: gate(n, c))
    assert gate_class
    for path in copy.reports("main").glob("10288.vi.*"):
        path.unlink()
    result = making.make(_task(copy))
    assert result.status == FAILED
    assert result.failure.kind == "DisclosureError"
    stems = [f"10288.vi.{ending}" for ending in ("html", *FORMATS)]
    assert passed == ["notebooks/10288.vi.ipynb", *stems]
    assert list(copy.reports("main").glob("10288.vi.*")) == []


def test_make__a_download_that_cannot_be_made_fails_the_page_and_no_other(copy, monkeypatch):
    def broken(source, page):
        raise RuntimeError("no letters")

    monkeypatch.setattr(render, "make_downloads", broken)
    result = making.make(_task(copy))
    assert (result.status, result.failure.cell) == (FAILED, making.RENDERING)
    monkeypatch.undo()
    assert making.make(_task(copy)).status == OK


def test_files_of__a_page_has_its_downloads_with_it():
    assert {f"10288.vi.{ending}" for ending in ("html", *FORMATS)} < set(files_of("10288.vi"))


def test_take_stock__downloads_are_derived_and_come_before_their_page_but_no_document_of_people(
    copy,
):
    folder = copy.reports("main")
    (folder / "minutes.docx").write_bytes(b"PK")
    (folder / "letter.vi.pdf").write_bytes(b"%PDF")
    reports = take_stock(copy).reports
    places = {path.name: place for place, path in enumerate(reports)}
    for stem in STEMS:
        for ending in FORMATS:
            assert places[f"{stem}.{ending}"] < places[f"{stem}.html"]
    assert not {"minutes.docx", "letter.vi.pdf"} & set(places)
