"""Recalled dates of adoption are taken as told, and who does not remember says so."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from survey_tools.construct import PERIODS, build_adoption
from survey_tools.construct.outcomes import scam_loss_12m, scam_seen_12m
from survey_tools.params import read_study

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def study():
    return read_study(ROOT / "params" / "study.yml")


@pytest.fixture
def interviews() -> pd.DataFrame:
    rows = [
        ("10291-T01-H001-1", "w3", "yes", "jun2024", 1.0, None, None),
        ("10291-T01-H002-2", "w3", "yes", "dk", 0.0, "yes", "y2026"),
        ("10291-T01-H003-3", "w3", "no", None, 0.0, "no", None),
        ("10291-T02-H001-4", "w3", None, None, None, None, None),
        ("10291-T02-H002-5", "w1", "yes", "pre2023", 1.0, None, None),
    ]
    names = ["hhid", "wave", "acct", "acct_when", "sells__none", "sell_online", "sell_since"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(team_id=frame["hhid"].str.slice(0, 9))


@pytest.fixture
def teams() -> pd.DataFrame:
    return pd.DataFrame(
        {"team_id": ["10291-T01", "10291-T02"], "commune_code": "10291", "intensive": [1, 0]}
    )


def test_build_adoption__one_row_for_each_date_of_the_endline(interviews, teams, study):
    table = build_adoption(interviews, teams, study).set_index(["event", "hhid"])["period"]
    assert table.to_dict() == {
        ("account", "10291-T01-H001-1"): "jun2024",
        ("account", "10291-T01-H002-2"): "dk",
        ("account", "10291-T01-H003-3"): "never",
        ("online_selling", "10291-T01-H001-1"): "never",
        ("online_selling", "10291-T01-H002-2"): "y2026",
        ("online_selling", "10291-T01-H003-3"): "never",
    }


def test_build_adoption__without_an_endline_is_empty(interviews, teams, study):
    assert build_adoption(interviews[interviews["wave"] == "w1"], teams, study).empty


def test_periods__are_those_of_the_form_in_its_order():
    book = openpyxl.load_workbook(ROOT / "params" / "forms" / "household.xlsx", read_only=True)
    rows = list(book["choices"].values)
    head = list(rows[0])
    listed = [row[head.index("name")] for row in rows if row[head.index("list_name")] == "period"]
    assert [name for name in listed if name != "dk"] == list(PERIODS)


def test_scams__count_over_all_who_agreed_to_the_sensitive_questions():
    frame = pd.DataFrame(
        {
            "consent_sensitive": ["yes", "yes", "yes", "yes", "no"],
            "scam_seen__none": [1.0, 0.0, 0.0, 0.0, None],
            "scam_loss": [None, "none", "l2", "ref", None],
        }
    )
    assert scam_seen_12m(frame).tolist()[:4] == [0, 1, 1, 1]
    assert scam_loss_12m(frame).tolist()[:3] == [0, 0, 1]
    assert scam_loss_12m(frame).isna().tolist() == [False, False, False, True, True]
    assert pd.isna(scam_seen_12m(frame).iloc[4])
