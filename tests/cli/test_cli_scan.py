"""`survey-tools scan`: exit codes, places and kinds, and never a value."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from survey_tools.cli import app

ROOT = Path(__file__).parents[2]
TOKEN = "89abcdef0123456789abcdef0123456701234567"
PHONE = "0398123457"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A fresh workspace that is the current folder."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SURVEY_TOOLS_ROOT", raising=False)
    monkeypatch.delenv("KOBO_TOKEN", raising=False)
    (tmp_path / "out").mkdir()
    return tmp_path


def _scan(*arguments: str):
    return CliRunner().invoke(app, ["scan", *arguments])


def test_scan__nothing_found(workspace):
    (workspace / "out" / "a.md").write_text("Tỷ lệ 20,7 %", encoding="utf-8")
    done = _scan("out")
    assert done.exit_code == 0, done.output
    assert "1 file(s) held against 0 known values: 0 place(s) in 0 file(s)." in done.stderr
    assert done.stdout == ""


def test_scan__tells_file_place_and_kind_but_never_the_value(workspace):
    (workspace / "out" / "a.md").write_text(f"x\nBà Hạnh, {PHONE}", encoding="utf-8")
    done = _scan("out")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "out/a.md: line 2: what looks like a name",
        "out/a.md: line 2: what looks like a phone number",
    ]
    assert PHONE not in done.output
    assert "Hạnh" not in done.output


def test_scan__knows_what_stands_in_data_private(workspace):
    private = workspace / "data" / "private"
    private.mkdir(parents=True)
    pd.DataFrame({"value": [PHONE]}).to_parquet(private / "contacts.parquet")
    frame = pd.DataFrame({"number": [int(PHONE)]})
    frame.to_parquet(workspace / "out" / "a.parquet")
    done = _scan("out")
    assert done.exit_code == 1
    assert done.stdout == "out/a.parquet: column number: a known phone number\n"


def test_scan__the_token_of_the_environment(workspace, monkeypatch):
    monkeypatch.setenv("KOBO_TOKEN", TOKEN)
    (workspace / "out" / "a.log").write_text(f"header: {TOKEN}", encoding="utf-8")
    done = _scan("out")
    assert (done.exit_code, done.stdout) == (1, "out/a.log: line 1: a known server token\n")


@pytest.mark.parametrize(("more", "code"), [([], 2), (["--allow-unread"], 0)])
def test_scan__what_is_not_read_counts_unless_allowed(workspace, more, code):
    (workspace / "out" / "a.pdf").write_bytes(b"%PDF-1.7")
    done = _scan("out", *more)
    assert done.exit_code == code
    assert "out/a.pdf: not read (a PDF that is damaged or locked)" in done.stdout


def test_scan__a_finding_weighs_more_than_what_is_not_read(workspace):
    (workspace / "out" / "a.pdf").write_bytes(b"%PDF-1.7")
    (workspace / "out" / "a.txt").write_text(PHONE, encoding="utf-8")
    assert _scan("out", "--allow-unread").exit_code == 1
    assert _scan("out").exit_code == 1


def test_scan__a_path_that_is_not_there(workspace):
    done = _scan("nowhere")
    assert done.exit_code == 2
    assert "could not be read" in done.stderr


def test_scan__outside_of_a_workspace_only_what_looks_personal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SURVEY_TOOLS_ROOT", raising=False)
    (tmp_path / "a.txt").write_text(PHONE, encoding="utf-8")
    done = _scan("a.txt")
    assert done.exit_code == 1
    assert "No workspace here" in done.stderr
    assert _scan("a.txt", "--study", "other/study.yml").exit_code == 2
