"""Audit logs: whole, readable, as long as the interview, and odd where they were planted so."""

from __future__ import annotations

import pandas as pd
import pytest

from survey_tools.kobo import read_audit
from survey_tools.synthetic import audit_logs

REPEAT = ["main/c_roster/roster"]


@pytest.fixture(scope="module")
def logs(district, rows, contents) -> dict[int, bytes]:
    return audit_logs(district, rows["household"], contents["household"]["v2"])


@pytest.fixture(scope="module")
def seconds(logs) -> pd.DataFrame:
    parts = [read_audit(log, repeats=REPEAT).assign(_id=number) for number, log in logs.items()]
    return pd.concat(parts, ignore_index=True)


def of(district, kind: str) -> pd.DataFrame:
    found = district.planted[district.planted["kind"] == kind]
    assert not found.empty
    return found


def test_audit_logs__same_district_same_bytes(district, rows, contents, logs):
    assert audit_logs(district, rows["household"], contents["household"]["v2"]) == logs


def test_audit_logs__come_for_a_share_and_for_all_short_interviews(district, logs):
    main = district.visits[
        district.visits["interview"].ge(0) & district.visits["visit_type"].eq("main")
    ]
    assert 0.3 < len(logs) / len(main) < 0.5
    assert set(of(district, "short_interview")["_id"]) <= set(logs)


def test_audit_logs__have_no_fault_and_only_questions_of_the_form(seconds, contents):
    paths = {r["$xpath"] for r in contents["household"]["v1"]["survey"] if "$xpath" in r}
    paths |= {r["$xpath"] for r in contents["household"]["v2"]["survey"] if "$xpath" in r}
    assert seconds["problem"].eq("").all()
    assert set(seconds.loc[seconds["event"] == "question", "path"]) <= paths
    assert seconds["positions"].ne("").any()


def test_audit_logs__last_as_long_as_the_interview(district, seconds):
    usual = district.visits[district.visits["audit"] == "usual"].set_index("_id")
    shown = seconds[seconds["event"] == "question"].groupby("_id")["seconds"].sum()
    whole = (usual["end"] - usual["start"]).dt.total_seconds()
    assert (shown.loc[usual.index] / whole).between(0.95, 1.0).all()


def test_audit_logs__idle_form_is_long_and_little_used(district, seconds):
    idle = of(district, "idle")["_id"]
    shown = seconds[seconds["event"] == "question"].groupby("_id")["seconds"].sum() / 60
    visits = district.visits.set_index("_id").loc[idle]
    assert shown.loc[idle].between(6.5, 11.5).all()
    assert ((visits["end"] - visits["start"]).dt.total_seconds() / 60 > 25).all()


def test_audit_logs__rushed_group_takes_less_than_a_second_a_question(district, seconds):
    questions = seconds[seconds["event"] == "question"]
    for item in of(district, "rushed").itertuples():
        inside = questions["path"].str.contains(f"/{item.detail}/")
        assert questions.loc[inside & (questions["_id"] == item._3), "seconds"].max() < 1
