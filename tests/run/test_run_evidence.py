"""Notebook 50 on awkward data: it ends with notes that say why, or stops and says what cannot be."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from survey_tools import contracts
from survey_tools.errors import DesignError
from survey_tools.params import Workspace, open_workspace
from survey_tools.report import evidence, open_results
from tests_support import ROOT, survey_tools

pytestmark = pytest.mark.slow

Tables = dict[str, pd.DataFrame]
Change = Callable[[Tables], None]
MAIN, HARM = "qr_shop_30d", "scam_loss_12m"
WAVES = ("w1", "w2", "w3")
VALUES = {
    "effects": "estimate",
    "inference": "p_value",
    "families": "p_value",
    "heterogeneity": "interaction",
    "event_study": "estimate",
    "lee_bounds": "lower",
    "detectable": "mde",
}
"""Tables of results, with the column that is missing where nothing could be estimated."""
COMMUNES = ("--communes", "10270,10288")


def _without_waves(*waves: str) -> Change:
    """No interview was made in these waves."""

    def change(tables: Tables) -> None:
        households = tables["households"]
        for column in households.columns:
            if column.endswith(tuple(f"__{wave}" for wave in waves)):
                counted = column.startswith("interviewed")
                households[column] = 0 if counted else float("nan")
        for name in ("panel", "answers"):
            tables[name] = tables[name][~tables[name]["wave"].isin(waves)]

    return change


def _answers(value: float, *outcomes: str) -> Change:
    """All answers to some questions are one value; NaN is no answer."""

    def change(tables: Tables) -> None:
        for outcome in outcomes:
            for wave in WAVES:
                column = tables["households"][f"{outcome}__{wave}"]
                tables["households"][f"{outcome}__{wave}"] = column.where(column.isna(), value)
            panel = tables["panel"][outcome]
            tables["panel"][outcome] = panel.where(panel.isna(), value)

    return change


def _only(column: str, least: int) -> Change:
    """Keep the first commune or the first teams, so many."""

    def change(tables: Tables) -> None:
        arms = tables["households"].groupby("commune_code")["team_id"].nunique()
        commune = arms.idxmax()
        rows = tables["households"].query("commune_code == @commune")
        kept = {commune}
        if column == "team_id":
            kept = set(
                rows.groupby("intensive")["team_id"].unique().map(lambda x: x[:least]).explode()
            )
        for name, table in tables.items():
            if column in table:
                tables[name] = table[table[column].isin(kept)]

    return change


def _together(*changes: Change) -> Change:
    def change(tables: Tables) -> None:
        for one in changes:
            one(tables)

    return change


def _silent_team(tables: Tables) -> None:
    team = tables["households"]["team_id"].iloc[0]
    for name in ("households", "panel", "answers", "adoption"):
        tables[name] = tables[name][tables[name]["team_id"].ne(team)]


def _no_dates(tables: Tables) -> None:
    tables["adoption"] = tables["adoption"].iloc[:0]


def _nobody_began(tables: Tables) -> None:
    tables["adoption"]["period"] = "never"


def _nobody_reached(tables: Tables) -> None:
    _answers(0.0, "reached")(tables)


def _groups_unknown(tables: Tables) -> None:
    groups = ["women", "age60", "poor", "sellers", "first_time"]
    tables["households"][groups] = float("nan")


def _no_log(tables: Tables) -> None:
    tables["households"]["dose"] = float("nan")


def _workspace(source: Path, root: Path, change: Change, draws: int = 99) -> Workspace:
    """A workspace as it is before notebook 50, with some of its tables changed."""
    for folder in ("params", "data"):
        shutil.copytree(source / folder, root / folder)
    study = root / "params" / "study.yml"
    study.write_text(study.read_text("utf-8").replace("draws: 9999", f"draws: {draws}"), "utf-8")
    ws = open_workspace(study)
    shutil.rmtree(ws.results)
    names = [path.stem for path in ws.analysis.glob("*.parquet")]
    tables = {name: pd.read_parquet(ws.analysis / f"{name}.parquet") for name in names}
    change(tables)
    for name, table in tables.items():
        contracts.write_parquet(table.reset_index(drop=True), ws.analysis / f"{name}.parquet")
    return ws


def _run_cells(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the cells of notebook 50 in this process; warnings of pandas and numpy are errors."""
    monkeypatch.chdir(ws.root)
    notebook = json.loads((ROOT / "notebooks" / "50_estimate.ipynb").read_text("utf-8"))
    names: dict[str, Any] = {"__name__": "__main__"}
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
    return names


def _said(ws: Workspace) -> list[str]:
    """All sentences and cells of the evidence, in both languages."""
    texts = []
    for lang in ("vi", "en"):
        results = open_results(ws, lang)
        for name in ("inference", "families", "groups", "spillover", "honest", "threats", "plan"):
            texts += getattr(evidence.sentences, name)(results)
        for name in ("inference", "families", "harm", "robust", "through", "groups", "threats"):
            table = getattr(evidence.tables, f"{name}_table")(results)
            texts += table.frame.to_numpy().ravel().tolist()
    return texts


CASES: dict[str, Change] = {
    "no_endline": _without_waves("w3"),
    "only_baseline": _without_waves("w2", "w3"),
    "no_baseline": _without_waves("w1"),
    "one_commune": _only("commune_code", 1),
    "four_teams": _only("team_id", 2),
    "silent_team": _silent_team,
    "unanswered": _answers(float("nan"), MAIN, HARM),
    "constant": _answers(0.0, MAIN, HARM, "scam_seen_12m"),
    "no_dates_no_groups": _together(_no_dates, _groups_unknown),
    "nobody_began_no_log": _together(_nobody_began, _no_log),
    "nobody_reached": _nobody_reached,
}


@pytest.mark.parametrize("case", CASES)
def test_notebook_50__ends_and_every_missing_figure_has_a_note(
    workspace, tmp_path, monkeypatch, case
):
    ws = _workspace(workspace, tmp_path, CASES[case])
    _run_cells(ws, monkeypatch)
    for name, value in VALUES.items():
        table = contracts.read_table(ws.results, name)
        none = table[table[value].isna()]
        assert none["note"].str.len().gt(0).all(), (name, none.iloc[:3].to_dict("records"))
    assert not [text for text in _said(ws) if "nan" in text.split() or "None" in text]
    if case == "unanswered":
        plan = contracts.read_table(ws.results, "plan").query("outcome == @MAIN")
        assert set(plan["state"]) == {"no_estimate"}


ONE_ARM = {
    "one_arm": lambda t: t.update(households=t["households"].query("intensive == 1")),
    "two_teams": _only("team_id", 1),
}


@pytest.mark.parametrize("case", ONE_ARM)
def test_notebook_50__stops_where_there_is_nothing_to_compare(
    workspace, tmp_path, monkeypatch, case
):
    ws = _workspace(workspace, tmp_path, ONE_ARM[case])
    with pytest.raises(DesignError, match="An arm"):
        _run_cells(ws, monkeypatch)


def test_run__says_what_stopped_notebook_50(workspace, tmp_path):
    ws = _workspace(workspace, tmp_path, ONE_ARM["one_arm"])
    shutil.copytree(ROOT / "notebooks", ws.root / "notebooks")
    done = survey_tools("run", "--from", "50_estimate", *COMMUNES, cwd=ws.root)
    assert done.returncode != 0
    assert "An arm is empty." in done.stderr
    assert "Traceback" not in done.stderr
