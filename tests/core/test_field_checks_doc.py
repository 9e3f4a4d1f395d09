"""docs/field_checks.md names every check with its settings, and every planted kind with its check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from survey_tools.clean import CHECKS
from survey_tools.params import CheckSettings
from survey_tools.run.rehearsal import PLANTED, STATES_OF_WORK

DOCUMENT = (Path(__file__).parents[2] / "docs" / "field_checks.md").read_text(encoding="utf-8")


def rows(title: str) -> dict[str, list[str]]:
    """Cells of the rows of a table, by the name in the first."""
    table = DOCUMENT.split(f"\n## {title}\n")[1].split("\n## ")[0]
    cells = [re.split(r"(?<!\\)\|", line.strip("|")) for line in table.splitlines()]
    named = [[c.strip() for c in line] for line in cells if line[0].strip().startswith("`")]
    return {line[0].strip("`"): line[1:] for line in named}


def test_document__lists_the_checks_in_the_order_in_which_they_run():
    assert list(rows("Checks")) == list(CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_document__names_every_setting_of_a_check(check):
    model = CheckSettings.model_fields[check].annotation
    settings = set(model.model_fields) - {"use"} or {"use"}
    assert set(re.findall(r"`(\w+)`", rows("Checks")[check][1])) == settings


@pytest.mark.parametrize("check", CHECKS)
def test_document__says_of_every_check_whether_it_is_sure(check):
    assert rows("Checks")[check][2] in ("sure", "likely")


def test_document__has_a_rate_for_every_planted_kind():
    table = rows("Recall")
    assert {kind: cells[0].strip("`") for kind, cells in table.items()} == {
        kind: planted.check for kind, planted in PLANTED.items()
    }


def test_document__a_sure_kind_is_promised_every_time():
    for kind, cells in rows("Recall").items():
        assert (float(cells[-1]) == 1.0) >= PLANTED[kind].sure


def test_document__has_a_limit_of_false_alarms_for_every_check():
    assert set(rows("False alarms")) == set(CHECKS) - set(STATES_OF_WORK)
