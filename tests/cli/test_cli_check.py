"""The command that runs the field checks: what it prints, and its exit codes."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from typer.testing import CliRunner

from survey_tools import run
from survey_tools.cli import app
from survey_tools.report.sheets.write import Sheets
from tests_support import copy_workspace


@pytest.fixture
def folder(tmp_path, monkeypatch):
    root = copy_workspace(tmp_path)
    monkeypatch.chdir(root)
    monkeypatch.delenv("SURVEY_TOOLS_ROOT", raising=False)
    return root


@pytest.fixture
def checked(folder, monkeypatch):
    """Stand in for the checks: set `.flags` and look at `.asked`."""

    class Stand:
        def __init__(self):
            states = {"check": ["logic", "logic", "progress"], "state": ["new", "open", "open"]}
            self.flags = pd.DataFrame(states)
            self.skipped, self.unknown, self.unused, self.asked = {}, {}, (), []

        def run(self, ws, name, *, sheets):
            self.asked.append({"run": name, "sheets": sheets})
            page = folder / "reports" / f"{name}-field" / "index.vi.html"
            found = run.Checked(
                None, self.flags, self.skipped, self.unknown, self.unused, date(2026, 2, 2)
            )
            return found, Sheets(page.parent, page, (), (), (), ()) if sheets else None

    stand = Stand()
    monkeypatch.setattr(run, "run_field_checks", stand.run)
    return stand


def call(*arguments):
    return CliRunner().invoke(app, ["check", *arguments])


def test_check__prints_counts_and_where_the_sheets_are(checked):
    done = call()
    assert done.exit_code == 0
    lines = [line.split() for line in done.output.splitlines()]
    assert ["logic", "1", "1", "0", "0"] in lines
    assert ["progress", "0", "1", "0", "0"] in lines
    assert done.output.splitlines()[-1].startswith("Sheets: ")
    assert "main-field" in done.output


def test_check__flags_are_questions_and_no_failure_unless_asked(checked):
    assert call("--fail-on-new").exit_code == 1
    checked.flags = checked.flags.iloc[1:]
    assert call("--fail-on-new").exit_code == 0


def test_check__without_sheets(checked):
    done = call("--no-sheets", "--run", "june")
    assert "Sheets" not in done.output
    assert checked.asked == [{"run": "june", "sheets": False}]


def test_check__says_what_did_not_run_and_what_is_named_in_vain(checked):
    checked.skipped = {"audit_missing": "off", "gps_far": "locations"}
    checked.unknown = {"required": "hh_sise"}
    checked.unused = (3, 7)
    output = call().output
    assert "audit_missing: switched off" in output
    assert "gps_far: did not run, lacks locations" in output
    assert "hh_sise" in output
    assert "line 3, 7" in output


def test_check__nothing_found(checked):
    checked.flags = checked.flags.iloc[:0]
    assert "Nothing was found." in call().output


def test_check__before_anything_was_cleaned(folder):
    done = call()
    assert done.exit_code == 2
    assert "not there yet" in done.output
    assert "Traceback" not in done.output
