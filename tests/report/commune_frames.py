"""A workspace whose results were estimated from made-up households: a usual, a small and an empty commune."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from survey_tools import contracts, estimate
from survey_tools.params import open_workspace
from survey_tools.report.shown_key import FOLDER

USUAL, SMALL, EMPTY = "10273", "10288", "10291"
_HERE = importlib.util.spec_from_file_location("made_up", Path(__file__).with_name("conftest.py"))
_MADE = importlib.util.module_from_spec(_HERE)
_HERE.loader.exec_module(_MADE)
FLAGS = ["women", "age60", "poor", "sellers"]


def make_places(source, root):
    """Copy a workspace, with results in which `SMALL` has 8 interviews a wave and `EMPTY` none."""
    shutil.copytree(source.root, root, ignore=shutil.ignore_patterns("reports", FOLDER))
    ws = open_workspace(root / "params" / "study.yml")
    rng = np.random.default_rng(5)
    outcomes, teams = ws.table("outcomes"), ws.table("teams")
    households = _fewer(_MADE.make_households(teams, outcomes.set_index("outcome"), rng))
    panel = make_panel(households, outcomes, rng)
    design = estimate.Design.from_study(ws.study)
    sample = teams.loc[teams.index.repeat(12), ["team_id", "commune_code"]]
    levels = estimate.levels(panel, design, outcomes)
    choices = _MADE.make_choices(households, rng)
    half = 1.96 * np.sqrt(0.25 / choices["n"])
    share = choices["numerator"] / choices["n"]
    choices = choices.assign(
        conf_low=(share - half).clip(0), conf_high=(share + half).clip(upper=1)
    )
    communes = pd.read_parquet(ws.results / "communes.parquet")
    communes = communes[communes["commune_code"].ne(EMPTY)]
    communes.loc[communes["commune_code"].eq(SMALL), "n"] = 8
    tables = {
        "levels": levels,
        "changes": estimate.changes(levels, "w1", outcomes),
        "gaps": estimate.gaps(levels),
        "outreach": estimate.outreach(panel, design, ws.study.report.outreach),
        "fieldwork": estimate.fieldwork(panel, design, ws.study.waves.all, sample),
        "choices": choices,
        "communes": communes,
    }
    for name, table in tables.items():
        contracts.write_table(table, ws.results, name)
    return ws


def make_panel(households, outcomes, rng):
    """Make a panel of the households that were there."""
    number = households.groupby("wave").cumcount()
    panel = households.assign(
        hhid=[f"{t}-H{i:03d}" for t, i in zip(households.team_id, number, strict=True)]
    )
    panel = panel[panel["here"]].reset_index(drop=True)
    start = pd.to_datetime(
        panel["wave"].map({"w1": "2026-01-12", "w2": "2026-05-11", "w3": "2026-09-15"})
    )
    reached = (rng.random(len(panel)) < 0.4).astype(float)
    return panel.astype(dict.fromkeys(FLAGS, float)).assign(
        intensive=panel["intensive"].astype("int64"),
        interview_date=start + pd.to_timedelta(rng.integers(0, 12, len(panel)), unit="D"),
        reached=reached,
        contacts=reached * rng.integers(1, 5, len(panel)),
        attended_class=(rng.random(len(panel)) < 0.2).astype(float),
        heard_loudspeaker=(rng.random(len(panel)) < 0.8).astype(float),
    )


def _fewer(households):
    """Leave 8 interviews a wave in one commune, none in another."""
    small = households["commune_code"].eq(SMALL)
    rank = households[small & households["here"]].groupby("wave").cumcount()
    gone = rank.index[rank >= 8]
    here = households["here"] & ~households.index.isin(gone)
    return households.assign(here=here)[households["commune_code"].ne(EMPTY)].reset_index(drop=True)
