"""Registers on the command line: held against the forms, and started from any form."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from survey_tools.cli import app

ROOT = Path(__file__).parents[2]
FORMS = ("household", "team_log", "site")


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A fresh workspace that is the current folder."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SURVEY_TOOLS_ROOT", raising=False)
    return tmp_path


def _call(*arguments: str):
    return CliRunner().invoke(app, ["register", *arguments])


def _change(workspace: Path, form: str, old: str, new: str) -> None:
    path = workspace / "params" / "register" / f"{form}.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_register_check__ours_fit_and_the_exit_code_says_so(workspace):
    done = _call("check")
    assert (done.exit_code, done.output.strip()) == (0, "The registers fit the forms.")


def test_register_check__an_error_is_told_with_what_to_do(workspace):
    _change(workspace, "household", "alone|help|no", "alone|no")
    done = _call("check", "household")
    assert done.exit_code == 1
    assert "error: choice_unknown, form household" in done.output
    assert "sk_app (version xlsform): expected help; found not among values" in done.output
    assert "next: add the code to values" in done.output
    assert _call("check", "site").exit_code == 0


def test_register_check__a_row_to_look_at_is_no_error(workspace):
    _change(workspace, "household", "primary outcome 5", "check: the label")
    done = _call("check")
    assert done.exit_code == 0
    assert "hint: to_check" in done.output


def test_register_check__a_form_that_the_study_has_not(workspace):
    done = _call("check", "village")
    assert done.exit_code == 2
    assert "household, team_log, site" in done.output


@pytest.mark.parametrize("form", FORMS)
def test_register_draft__fits_its_form_but_for_rows_to_look_at(workspace, form):
    register = workspace / "params" / "register" / f"{form}.csv"
    register.unlink()
    done = _call("draft", f"params/forms/{form}.xlsx", "--out", str(register))
    assert done.exit_code == 0
    assert "look at those first" in done.output
    assert stat.S_IMODE(register.stat().st_mode) == 0o644
    checked = _call("check", form)
    assert checked.exit_code == 0, checked.output
    kinds = [line for line in checked.output.splitlines() if line.startswith(("error", "hint"))]
    assert [kind.split(",")[0] for kind in kinds] == ["hint: to_check"]


def test_register_draft__a_form_of_the_study_is_the_same_as_its_workbook(workspace):
    assert _call("draft", "site").output == _call("draft", "params/forms/site.xlsx").output


def test_register_draft__needs_no_study_for_a_workbook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SURVEY_TOOLS_ROOT", raising=False)
    book = openpyxl.Workbook()
    book.active.title = "survey"
    for row in (("type", "name", "label"), ("text", "phone", "Phone"), ("integer", "cows", "Cows")):
        book.active.append(row)
    book.save("farm.xlsx")
    done = _call("draft", "farm.xlsx")
    assert done.exit_code == 0
    head, phone, cows = done.output.splitlines()
    assert head.startswith("name,path,table,type")
    assert "direct_identifier" in phone
    assert "check: class of personal data" in cows


@pytest.mark.parametrize("rows", [[], [("note", "hello", "Good day")]])
def test_register_draft__a_workbook_without_a_question_makes_no_file(tmp_path, monkeypatch, rows):
    monkeypatch.chdir(tmp_path)
    book = openpyxl.Workbook()
    book.active.title = "survey"
    for row in (("type", "name", "label"), *rows):
        book.active.append(row)
    book.save("empty.xlsx")
    done = _call("draft", "empty.xlsx", "--out", "empty.csv")
    assert done.exit_code == 2
    assert "empty.xlsx" in done.output
    assert "no question" in done.output
    assert not Path("empty.csv").exists()


def test_register_draft__never_overwrites(workspace):
    register = workspace / "params" / "register" / "site.csv"
    before = register.read_bytes()
    done = _call("draft", "site", "--out", str(register))
    assert done.exit_code == 2
    assert "never overwritten" in done.output
    assert register.read_bytes() == before


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("village", "household, team_log, site, or the path of a workbook"),
        ("nowhere.xlsx", "workbook does not exist"),
        ("params/study.xlsx", "not an Excel workbook"),
    ],
)
def test_register_draft__a_source_that_is_none(workspace, source, said):
    shutil.copy(workspace / "params" / "study.yml", workspace / "params" / "study.xlsx")
    done = _call("draft", source)
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output
