"""What is planted is found: every time where it can be sure, at the stated rates where it cannot."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from survey_tools.clean import CHECKS
from survey_tools.params import open_workspace
from survey_tools.run.rehearsal import (
    PLANTED,
    STATES_OF_WORK,
    false_alarms,
    planted_found,
    rehearse,
    without_problems,
)
from survey_tools.synthetic import DistrictParameters
from tests_support import ROOT

pytestmark = [pytest.mark.slow]

SEEDS, WHOLE_SEEDS = (201, 202, 203, 204), (101, 102)
SURE = sorted(kind for kind, planted in PLANTED.items() if planted.sure)
DOCUMENT = (ROOT / "docs" / "field_checks.md").read_text(encoding="utf-8")


def stated(title: str) -> dict[str, float]:
    """Numbers that docs/field_checks.md promises in the last column of a table, by its first column."""
    table = DOCUMENT.split(f"## {title}")[1].split("\n## ")[0]
    cells = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| `")]
    return {c[0].strip().strip("`"): float(re.search(r"[\d.]+", c[-1])[0]) for c in cells}


@pytest.fixture(scope="module")
def ws():
    return open_workspace(ROOT / "params" / "study.yml")


@pytest.fixture(scope="module")
def small(ws):
    """Small districts, with what was planted and whether it was found."""
    return [rehearse(ws, DistrictParameters.small(), seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def whole(ws):
    """Whole districts with planted problems: whether each was found."""
    parts = [planted_found(rehearse(ws, DistrictParameters.default(), s)) for s in WHOLE_SEEDS]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def quiet(ws):
    """Whole districts in which nothing was planted: flags by check."""
    parameters = without_problems(DistrictParameters.default())
    return pd.concat([false_alarms(rehearse(ws, parameters, s)) for s in WHOLE_SEEDS], axis=1)


def test_planted__every_kind_has_a_check_that_is_switched_on(ws, small):
    kinds = {kind for rehearsal in small for kind in rehearsal.district.planted["kind"]}
    assert kinds == set(PLANTED)
    checks = {planted.check for planted in PLANTED.values()}
    assert checks <= set(CHECKS)
    assert all(getattr(ws.study.checks, name).use for name in checks)


def test_rehearse__every_check_of_the_study_file_runs(small):
    for rehearsal in small:
        assert rehearsal.found.skipped == {"audit_missing": "off"}
        assert rehearsal.found.unknown == {}


@pytest.mark.parametrize("kind", SURE)
def test_planted__is_found_every_time(small, kind):
    found = pd.concat([planted_found(rehearsal) for rehearsal in small])
    mine = found.loc[found["kind"] == kind]
    assert len(mine) >= len(SEEDS)
    assert mine["found"].all()


@pytest.mark.parametrize("kind", sorted(PLANTED))
def test_planted__is_found_in_whole_districts_at_the_stated_rate(whole, kind):
    mine = whole.loc[whole["kind"] == kind, "found"]
    least = 1.0 if PLANTED[kind].sure else stated("Recall")[kind]
    assert len(mine) > 0
    assert mine.mean() >= least


@pytest.mark.parametrize("check", [name for name in CHECKS if name not in STATES_OF_WORK])
def test_false_alarms__are_at_most_those_stated(quiet, check):
    assert quiet.loc[check].mean() <= stated("False alarms")[check]


def test_without_problems__plants_nothing_and_still_has_audit_logs(ws):
    rehearsal = rehearse(ws, without_problems(DistrictParameters.small()), 1)
    assert rehearsal.district.planted.empty
    assert len(rehearsal.work.totals) > 50


def test_planted_found__a_check_that_is_off_finds_nothing(ws):
    checks = ws.study.checks
    off = checks.model_copy(update={"logic": checks.logic.model_copy(update={"use": False})})
    study = ws.study.model_copy(update={"checks": off})
    blind = rehearse(type(ws)(ws.root, ws.study_path, study), DistrictParameters.small(), 1)
    found = planted_found(blind)
    assert not found.loc[found["kind"] == "contradiction", "found"].any()


def test_flags__of_planted_districts_hold_nothing_that_was_planted_as_a_text(small):
    for rehearsal in small:
        told = rehearsal.flags.astype("str").to_csv(index=False)
        texts = rehearsal.work.free_text["text"]
        codes = rehearsal.district.planted["hhid"].dropna()
        places = rehearsal.district.answers["gps"].dropna().str.split().str[:2].explode()
        phones = rehearsal.district.answers["phone_recontact"].dropna()
        secrets = {*texts, *codes, *places, *phones}
        assert len(secrets) > 300
        assert [s for s in secrets if s in told] == []
