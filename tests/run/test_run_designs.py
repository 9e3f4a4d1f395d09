"""Studies in which nothing was drawn run end to end by changing the study file, the plan and the teams.

The plans are those of docs/analysis_plan.md.
"""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from survey_tools import estimate
from survey_tools.errors import DesignError
from survey_tools.params import AnalysisPlan, open_workspace
from survey_tools.report import open_results
from tests_support import ROOT, survey_tools

KINDS = ("difference_in_differences", "staggered", "observational")
ASSUMPTION = {
    "difference_in_differences": ("both groups would have changed alike", "vẫn thay đổi như nhau"),
    "staggered": ("all would have changed alike", "mọi nơi vẫn thay đổi như nhau"),
    "observational": ("nothing that was not measured moved both", "chưa được hỏi"),
}
LEFT_OUT = ("naive", "reach", "communes", "inference", "families", "groups", "through", "power")
A_LOT = re.compile(r"\blots?\b|\bdrawn again\b|bốc thăm", re.IGNORECASE)


def documented_plan(kind: str) -> dict:
    """The plan that docs/analysis_plan.md gives for a design."""
    text = (ROOT / "docs" / "analysis_plan.md").read_text("utf-8")
    block = text.split(f"`{kind}`:\n\n```yaml\n")[1].split("```")[0]
    return {"registered": "2026-01-05", "alpha": 0.05, "changes": []} | yaml.safe_load(block)


def text_of(page: Path) -> str:
    """Words of a page that a reader sees or is told."""
    source = re.sub(r"<style.*?</style>|data:image[^\"]*", "", page.read_text("utf-8"), flags=re.S)
    source = re.sub(r"</?data\b[^>]*>", "", source)  # a number is part of its sentence
    alts = " ".join(re.findall(r'alt="([^"]*)"', source))
    return html.unescape(re.sub(r"<[^>]+>", " ", source) + alts)


def set_design(root: Path, kind: str, plan: dict) -> None:
    """Change what a user would change."""
    study = root / "params" / "study.yml"
    text = study.read_text("utf-8")
    study.write_text(text.replace("kind: stratified_cluster_randomised", f"kind: {kind}"), "utf-8")
    (root / "params" / "analysis_plan.yml").write_text(yaml.safe_dump(plan), "utf-8")
    if kind == "staggered":
        path = root / "params" / "teams.csv"
        teams = pd.read_csv(path, dtype=str)
        later = teams.groupby("intensive").cumcount().mod(2).map({0: "w2", 1: "w3"})
        teams.assign(start=later.where(teams["intensive"].eq("1"))).to_csv(path, index=False)


@pytest.fixture(params=KINDS)
def study_of(request, workspace, tmp_path):
    """A workspace of a design without a draw, before its estimates."""
    root, kind = tmp_path / "copy", request.param
    shutil.copytree(workspace, root, ignore=shutil.ignore_patterns("reports", "sandbox", "raw"))
    plan = documented_plan(kind)
    if (
        kind == "observational"
    ):  # so few teams that controls tell the groups apart: no doubly robust estimate
        plan["main_estimand"] = "itt"
    set_design(root, kind, plan)
    return root, kind


@pytest.mark.slow
def test_run__of_a_study_without_a_draw_says_what_its_answer_rests_on(study_of):
    root, kind = study_of
    command = ("run", "--from", "50_estimate", "--communes", "10270", "--run", "own")
    done = survey_tools(*command, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 made, 0 unchanged, 0 failed" in done.stdout + done.stderr

    ws = open_workspace(root / "params" / "study.yml")
    stale = [
        name for name in ("families", "lee_bounds") if (ws.results / f"{name}.parquet").exists()
    ]
    assert stale == []
    for lang, said in zip(("en", "vi"), ASSUMPTION[kind], strict=True):
        shown = open_results(ws, lang)
        row = shown.effect(ws.study.report.main_outcomes[0])
        assert row["estimand"] == ws.plan.main_estimand
        size = shown.numbers.difference(row["shown"], "binary")
        between = shown.numbers.difference_interval(row["conf_low"], row["conf_high"], "binary")
        for page in ("10270", "district"):
            path = root / "reports" / "own" / f"{page}.{lang}.html"
            text = text_of(path)
            assert A_LOT.findall(text) == [], path.name
            assert said in text, path.name
            assert size in text, path.name
            assert between in text, path.name
            ids = re.findall(r'<h2 id="(\w+)"', path.read_text("utf-8"))
            assert not {*ids} & {*LEFT_OUT, "own_effect"}, path.name
    _look_at_the_district(root, kind)


def _look_at_the_district(root: Path, kind: str) -> None:
    page = (root / "reports" / "own" / "district.en.html").read_text("utf-8")
    ids = re.findall(r'<h2 id="(\w+)"', page)
    assert {"main", "balance", "attrition", "levels", "all_effects", "harm", "plan"} <= {*ids}
    assert ("overlap" in ids) == ("threats" in ids) == (kind == "observational")
    assert ("when" in ids) == (kind != "observational")
    # a heading is followed by words, a figure or a table of its own
    assert not re.search(r"<h2[^>]*>[^<]*</h2>\s*(?:</?div[^>]*>\s*)*<h2", page)
    text = text_of(root / "reports" / "own" / "district.en.html")
    if kind == "difference_in_differences":
        assert "There are not two waves before the start" in text
    if kind == "staggered":
        assert "1 wave earlier the difference between the groups was" in text
        assert re.search(r"\d interviews, \d+ teams", text)


@pytest.mark.parametrize("kind", KINDS)
def test_check_plan__refuses_what_only_a_draw_can_carry(kind):
    ws = open_workspace(ROOT / "params" / "study.yml")
    design = estimate.Design.from_study(ws.study)
    estimate.check_plan(ws.plan, design)
    other = estimate.Design.from_study(
        ws.study.model_copy(update={"design": ws.study.design.model_copy(update={"kind": kind})})
    )
    with pytest.raises(DesignError, match="take the assignment for drawn") as refused:
        estimate.check_plan(ws.plan, other)
    found = str(refused.value.found)
    assert all(name in found for name in ("inference: randomisation", "effects: late", "families"))
    assert "inference: cr2" not in found
    assert "effects: itt" not in found

    plan = documented_plan(kind)
    estimate.check_plan(AnalysisPlan.model_validate(plan), other)
    plan["analyses"].append(
        {"table": "effects", "analysis": "naive", "outcomes": "all", "role": "warning"}
    )
    plan["main_estimand"] = "naive"
    with pytest.raises(DesignError, match="not one of the design"):
        estimate.check_plan(AnalysisPlan.model_validate(plan), other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda teams: teams.drop(columns="start"), "does not say when each team began"),
        (lambda teams: teams.assign(start=None), "disagree"),
    ],
)
def test_staggered__refuses_teams_whose_start_is_unknown(change, message):
    ws = open_workspace(ROOT / "params" / "study.yml")
    settings = ws.study.design.model_copy(update={"kind": "staggered"})
    design = estimate.Design.from_study(ws.study.model_copy(update={"design": settings}))
    teams = ws.table("teams")
    teams["start"] = pd.Series("w2", teams.index, dtype="str").where(teams["intensive"].eq(1))
    panel = teams[["team_id"]].assign(wave="w1")
    tables = estimate.AnalysisTables(panel, panel, teams, ws.study.waves.all, "w2")
    assert tables.with_start(design)["start"].notna().sum() == teams["intensive"].sum()
    wrong = estimate.AnalysisTables(panel, panel, change(teams), ws.study.waves.all, "w2")
    with pytest.raises(DesignError, match=message):
        wrong.with_start(design)


def test_inference_table__does_not_draw_again_what_was_never_drawn():
    ws = open_workspace(ROOT / "params" / "study.yml")
    design = estimate.Design.from_study(ws.study)
    rows = ws.table("teams")[["team_id", "commune_code", "intensive"]]
    rows = rows.loc[rows.index.repeat(3)].reset_index(drop=True)
    rows["y__w1"] = rows.index.to_series().mod(7).lt(3).astype(float)
    rows["y__w3"] = rows.index.to_series().mod(5).lt(2).astype(float)
    design = estimate.Design(**(vars(design) | {"controls": ()}))
    found = estimate.inference_table(rows, design, ["y"], seed=1, draws=99, methods=["cr2"])
    assert found["method"].tolist() == ["cr2"]
    assert found["estimate"].notna().all()
    with pytest.raises(DesignError, match="nothing can be drawn again"):
        estimate.inference_table(rows, design, ["y"], seed=1, draws=99, methods=["randomisation"])
