"""What was planned and what was run are told apart by machine."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from survey_tools.errors import DesignError, ParamsError
from survey_tools.estimate.plan import deviations, planned, with_role
from survey_tools.params import open_workspace, read_plan
from survey_tools.params.plan import AnalysisPlan

ROOT = Path(__file__).parents[2]


def plan_of(*analyses: tuple[str, str, object, str]) -> AnalysisPlan:
    names = ("table", "analysis", "outcomes", "role")
    return AnalysisPlan.model_validate(
        {
            "registered": "2026-01-05",
            "main_estimand": "itt",
            "alpha": 0.05,
            "changes": [],
            "analyses": [dict(zip(names, one, strict=True)) for one in analyses],
        }
    )


@pytest.fixture
def plan() -> AnalysisPlan:
    return plan_of(
        ("effects", "itt", "all", "main"),
        ("effects", "late", ("y",), "secondary"),
        ("heterogeneity", "women", "main", "secondary"),
        ("lee_bounds", "lee_bounds", "main", "threat"),
    )


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    effects = pd.DataFrame(
        {
            "outcome": ["y", "z", "y"],
            "estimand": ["itt", "itt", "trimmed"],
            "estimate": [0.1, None, 0.3],
        }
    )
    women = pd.DataFrame({"outcome": ["y"], "group": ["women"], "interaction": [0.02]})
    return {"effects": effects, "heterogeneity": women}


def test_deviations__names_what_was_dropped_added_and_could_not_be_estimated(plan, tables):
    found = deviations(plan, ["y", "z"], ["y"], tables)
    state = found.set_index(["table", "analysis", "outcome"])["state"].to_dict()
    assert state == {
        ("effects", "itt", "y"): "as_planned",
        ("effects", "itt", "z"): "no_estimate",
        ("effects", "late", "y"): "not_run",
        ("effects", "trimmed", "y"): "not_planned",
        ("heterogeneity", "women", "y"): "as_planned",
        ("lee_bounds", "lee_bounds", "y"): "not_run",
    }
    role = found.set_index(["table", "analysis", "outcome"])["role"]
    assert role["effects", "trimmed", "y"] == "exploratory"


def test_deviations__of_nothing_run_are_all_that_was_planned(plan):
    found = deviations(plan, ["y", "z"], ["y"], {})
    assert (found["state"] == "not_run").all()
    assert len(found) == 5


def test_with_role__labels_every_row(plan, tables):
    labelled = with_role(tables["effects"], "effects", plan, ["y", "z"], ["y"])
    assert labelled["role"].tolist() == ["main", "main", "exploratory"]


def test_planned__refuses_a_table_that_no_result_has():
    wrong = plan_of(("effects", "itt", "all", "main"), ("effect", "late", "all", "main"))
    with pytest.raises(DesignError, match="names a table that no result has"):
        planned(wrong, ["y"], ["y"])


def test_planned__refuses_an_analysis_twice():
    wrong = plan_of(("effects", "itt", "all", "main"), ("effects", "itt", ("y",), "robustness"))
    with pytest.raises(DesignError, match="twice"):
        planned(wrong, ["y"], ["y"])


def test_the_plan_of_the_project__can_be_read_and_spelt_out():
    ws = open_workspace(ROOT / "params" / "study.yml")
    names = ws.table("outcomes")["outcome"]
    rows = planned(ws.plan, names, ws.study.report.main_outcomes)
    assert set(rows.loc[rows["analysis"] == "itt", "outcome"]) == set(names)
    assert ws.plan.groups == ("women", "age60", "poor", "sellers", "first_time")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("alpha: 0.05", "alfa: 0.05", "did you mean «alpha»"),
        ("alpha: 0.05", "", "«alpha» is missing"),
        ("main_estimand: itt", "main_estimand: ols", "is not among the analyses"),
        ("role: main", "role: lead", "«analyses.0.role»"),
    ],
)
def test_read_plan__names_the_wrong_key(tmp_path, old, new, message):
    text = (ROOT / "params" / "analysis_plan.yml").read_text(encoding="utf-8")
    path = tmp_path / "analysis_plan.yml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ParamsError, match=message):
        read_plan(path)


def test_read_plan__without_a_file_says_where_it_should_be(tmp_path):
    with pytest.raises(ParamsError, match="analysis plan is missing"):
        read_plan(tmp_path / "analysis_plan.yml")
