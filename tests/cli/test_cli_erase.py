"""The command that erases: what it asks, prints and refuses, and its exit codes."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from erase_support import CODE, NEIGHBOUR, PHONE, files_with, small_workspace, submission
from survey_tools.cli import app
from survey_tools.run.erasing.erase import plan_erasure
from survey_tools.run.erasing.journal import journal_path, write_journal


@pytest.fixture
def ws(tmp_path, monkeypatch):
    """A workspace that is the current folder."""
    rows = [submission(11, CODE, phone_recontact=PHONE), submission(21, NEIGHBOUR)]
    found = small_workspace(tmp_path / "ws", rows)
    monkeypatch.chdir(found.root)
    monkeypatch.delenv("SURVEY_TOOLS_ROOT", raising=False)
    return found


def _call(*arguments: str, typed: str | None = None):
    return CliRunner().invoke(app, list(arguments), input=typed)


def test_erase__says_what_goes_then_erases_and_prints_the_receipt(ws):
    done = _call("erase", CODE, "--yes", "--by", "S04")
    assert done.exit_code == 0, done.output
    assert "1 of 2 submissions of «household»" in done.output
    (receipt,) = (ws.private / "erasures").glob("*.json")
    assert f"Receipt {receipt.stem}: {receipt}" in done.output
    assert "delete submissions 11" in done.output
    assert f"To do on {ws.study.server.url}" in done.output
    assert CODE not in done.output
    assert files_with(ws.root, CODE, PHONE) == {}


def test_erase__takes_the_code_from_standard_input(ws):
    done = _call("erase", "-", "--yes", typed=f"{CODE}\n")
    assert done.exit_code == 0, done.output
    assert files_with(ws.root, CODE) == {}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("10291-T03-H024-4", "check digit is wrong"),
        ("10291-T03-H020-6", "Nobody in this workspace"),
        ("-", "no household code"),
    ],
)
def test_erase__refuses_a_code(ws, code, told):
    done = _call("erase", code, "--yes", typed="\n")
    assert done.exit_code == 2
    assert told in done.output
    assert not (ws.private / "erasures").exists()


def test_erase__not_confirmed_where_nobody_can_be_asked(ws):
    done = _call("erase", CODE)
    assert done.exit_code == 2
    assert "Nothing was erased" in done.output
    assert "--yes" in done.output
    assert files_with(ws.root, CODE)


def test_erase__without_a_code_and_without_anything_begun(ws):
    done = _call("erase")
    assert done.exit_code == 2
    assert "no erasure to go on with" in done.output


@pytest.mark.parametrize("again", [("erase",), ("erase", CODE.lower()), ("erase", "-")])
def test_erase__goes_on_with_what_was_begun(ws, again):
    write_journal(ws, plan_erasure(ws, CODE))
    done = _call(*again, typed=CODE + "\n")
    assert done.exit_code == 0, done.output
    assert files_with(ws.root, CODE, PHONE) == {}
    assert not journal_path(ws).exists()


def test_erase__unfinished_one_stops_everything_else(ws, monkeypatch):
    write_journal(ws, plan_erasure(ws, CODE))
    monkeypatch.setenv("KOBO_TOKEN", "0" * 40)
    (ws.root / "notebooks").mkdir()
    for command in (("run",), ("pull",), ("report",), ("erase", NEIGHBOUR, "--yes")):
        done = _call(*command)
        assert done.exit_code == 2, command
        assert "survey-tools erase, without a code, goes on" in done.output
    shown = _call("status")
    assert shown.exit_code == 0
    assert shown.output.startswith("erasure")
    assert CODE not in shown.output


def test_erase__a_file_of_the_users_own_that_names_the_household(ws):
    (ws.root / "notes.txt").write_text(CODE, encoding="utf-8")
    done = _call("erase", CODE, "--yes")
    assert done.exit_code == 2
    assert "notes.txt" in done.output
    assert CODE not in done.output
