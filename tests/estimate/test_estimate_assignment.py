from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey_tools.estimate import draw_assignment
from survey_tools.params import open_workspace

STUDY = Path(__file__).parents[2] / "params" / "study.yml"


def test_draw_assignment__gives_the_table_of_teams_of_the_study():
    ws = open_workspace(STUDY)
    teams, design = ws.table("teams"), ws.study.design
    rng = np.random.default_rng(design.assignment_seed)
    drawn = draw_assignment(teams, cluster=design.cluster, stratum=design.stratum, rng=rng)
    pd.testing.assert_series_equal(drawn, teams[design.treatment])


def test_draw_assignment__does_not_depend_on_the_order_of_rows():
    teams = pd.DataFrame({"t": [f"t{i:02}" for i in range(20)], "s": ["a", "b", "c", "d"] * 5})
    drawn = draw_assignment(teams, cluster="t", stratum="s", rng=np.random.default_rng(3))
    other = draw_assignment(teams[::-1], cluster="t", stratum="s", rng=np.random.default_rng(3))
    assert drawn.equals(other.sort_index())


@pytest.mark.parametrize("size", [6, 7])
def test_draw_assignment__draws_half_of_each_stratum_and_each_team_equally_often(size):
    teams = pd.DataFrame({"t": [f"t{i}" for i in range(size)], "s": "a"})
    rng = np.random.default_rng(1)
    draws = [draw_assignment(teams, cluster="t", stratum="s", rng=rng) for _ in range(400)]
    assert {int(draw.sum()) for draw in draws} == ({3} if size == 6 else {3, 4})
    # 4 standard errors of a mean of 400
    assert np.abs(np.mean(draws, axis=0) - 0.5).max() < 4 * 0.5 / 20
