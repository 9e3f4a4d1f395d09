from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from survey_tools.contracts import validate
from survey_tools.estimate.design import Draw
from survey_tools.estimate.effects.assignment import itt
from survey_tools.estimate.inference.redraw import redraw
from survey_tools.estimate.threats import placebo_assignment, placebo_baseline, placebo_outcome


def redrawn(district, draws, seed=3):
    teams = district.drop_duplicates("team_id")[["team_id", "commune_code"]]
    return redraw(teams, Draw("team_id", "commune_code", seed=0), draws=draws, seed=seed)


def test_placebo_baseline__is_itt_on_the_baseline_without_its_baseline(households, design):
    found = placebo_baseline(households, design, "y")
    validate(found, "effects")
    moved = households.drop(columns="y__w1").assign(y__w3=households.y__w1)
    expected = itt(moved, design, "y").iloc[0]
    row = found.iloc[0]
    assert (row.estimand, row.wave) == ("placebo_baseline", "w1")
    for name in ("estimate", "std_error", "df", "p_value", "n"):
        assert row[name] == pytest.approx(expected[name], rel=1e-9)


def test_placebo_outcome__is_itt_under_another_name(households, design):
    row = placebo_outcome(households, design, "z").iloc[0]
    expected = itt(households, design, "z").iloc[0]
    assert row.estimand == "placebo_outcome"
    assert (row.estimate, row.p_value) == pytest.approx((expected.estimate, expected.p_value))


def test_placebo__without_a_baseline_says_so(households, design):
    row = placebo_baseline(households.assign(y__w1=np.nan), design, "y").iloc[0]
    assert np.isnan(row.estimate)
    assert row.note == "no answers"


def test_placebo_assignment__equals_itt_with_each_assignment(simulate, design):
    district = simulate(4, communes=6)
    assignments = redrawn(district, 12)
    row = placebo_assignment(district, design, "z", assignments, wave="w3").iloc[0]
    found = []
    for column in assignments.matrix.T:
        arm = dict(zip(assignments.cluster_names, column, strict=True))
        other = district.assign(intensive=district.team_id.map(arm).astype("int64"))
        found.append(itt(other, design, "z").iloc[0])
    assert row.draws == 12
    assert row.mean_estimate == pytest.approx(np.mean([one.estimate for one in found]))
    assert row.sd_estimate == pytest.approx(np.std([one.estimate for one in found], ddof=1))
    assert row.mean_std_error == pytest.approx(np.mean([one.std_error for one in found]))
    assert row.share_rejected == np.mean([one.p_value < 0.05 for one in found])


def test_placebo_assignment__test_of_itt_keeps_its_size(simulate, design):
    district = simulate(8, communes=12, teams_per_commune=5, per_team=8)
    row = placebo_assignment(district, design, "y", redrawn(district, 400)).iloc[0]
    assert row.wave == "w1"
    assert row.conf_low < 0.05 < row.conf_high
    assert abs(row.mean_estimate) < 4 * row.sd_estimate / np.sqrt(row.draws)
    assert row.mean_std_error == pytest.approx(row.sd_estimate, rel=0.15)


def test_placebo_assignment__level_follows_the_interval_of_the_design(simulate, design):
    district = simulate(6, communes=8)
    assignments = redrawn(district, 60)
    narrow = placebo_assignment(district, replace(design, interval=0.5), "y", assignments).iloc[0]
    usual = placebo_assignment(district, design, "y", assignments).iloc[0]
    assert narrow.share_rejected > usual.share_rejected


def test_placebo_assignment__without_answers_says_so(simulate, design):
    district = simulate(6, communes=4).assign(y__w1=np.nan)
    row = placebo_assignment(district, design, "y", redrawn(district, 10)).iloc[0]
    assert (row.draws, row.note) == (0, "no answers")
