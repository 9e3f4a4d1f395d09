"""Dose-response: against plain least squares, the general CR2 code, and a dose of known effect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from survey_tools import contracts
from survey_tools.errors import DesignError
from survey_tools.estimate.effects import dose_bins, dose_iv, dose_slope
from survey_tools.estimate.regression import Problem
from survey_tools.estimate.regression.dense import combination
from survey_tools.estimate.regression.instrument import two_stage
from survey_tools.estimate.regression.least_squares import ols


@pytest.fixture
def visited(simulate):
    """Households of teams that visit 20 to 60, and intensive ones 40 more."""
    frame = simulate(7, effect=0.0)
    team = frame.team_id.astype("category").cat.codes.to_numpy()
    keen = np.random.default_rng(0).uniform(20, 60, team.max() + 1)
    return frame.assign(dose=keen[team] + 40 * frame.intensive)


def dummies(frame: pd.DataFrame, column: str) -> np.ndarray:
    return pd.get_dummies(frame[column]).to_numpy(float)


def test_slope_is_that_of_least_squares_per_ten_contacts(visited, design):
    row = dose_slope(visited, design, "y").iloc[0]
    used = visited[visited.y__w3.notna()]
    others = used[["y__w1", *design.controls]].to_numpy(float)
    exog = np.column_stack([used.dose / 10, others, dummies(used, "commune_code")])
    assert row.estimate == pytest.approx(sm.OLS(used.y__w3, exog).fit().params.iloc[0], abs=1e-10)
    assert row.note.startswith("not causal")


def test_rows_meet_the_contract(visited, design):
    rows = pd.concat([dose_slope(visited, design, "y"), dose_iv(visited, design, "y")])
    extra = ["n_communes", "first_stage_f", "ar_low", "ar_high"]
    contracts.validate(rows.drop(columns=extra).reset_index(drop=True), "effects")
    assert rows.estimand.tolist() == ["dose_slope", "dose_iv"]


def test_slope_by_instrument_is_the_ratio_of_what_assignment_moved(visited, design):
    found = dose_iv(visited, design, "y").iloc[0]
    used = visited[visited.y__w3.notna()]
    others = used[["y__w1", *design.controls]].to_numpy(float)
    exog = np.column_stack([used.intensive, others, dummies(used, "commune_code")])
    moved = [sm.OLS(v, exog).fit().params.iloc[0] for v in (used.y__w3, used.dose / 10)]
    assert found.estimate == pytest.approx(moved[0] / moved[1], rel=1e-8)
    assert found.ar_low < found.estimate < found.ar_high


def test_instrument_finds_the_effect_of_a_dose_that_keen_teams_choose(simulate, design):
    """Keen teams visit more and lie where people use more; only the instrument is right."""
    frame = simulate(11, communes=60, answered=1.0)
    team = frame.team_id.astype("category").cat.codes.to_numpy()
    rng = np.random.default_rng(2)
    keen = rng.normal(size=team.max() + 1)[team]
    dose = 50 + 15 * keen + 30 * frame.intensive
    level = 0.02 * dose / 10 + 0.3 * keen + rng.normal(0, 0.5, len(frame))
    frame = frame.assign(dose=dose, u__w3=level)
    chosen, drawn = dose_slope(frame, design, "u").iloc[0], dose_iv(frame, design, "u").iloc[0]
    assert chosen.conf_low > 0.02
    assert abs(drawn.estimate - 0.02) < 3 * drawn.std_error


def test_bins_hold_equal_numbers_of_teams_and_their_means_add_up(visited, design):
    table = dose_bins(visited, design, "y")
    assert table.bin.tolist() == [1, 2, 3]
    assert table.n_teams.tolist() == [54, 54, 54]
    assert (table.dose_high.to_numpy()[:-1] < table.dose_low.to_numpy()[1:]).all()
    assert (table.conf_low < table.estimate).all()
    assert (table.estimate < table.conf_high).all()
    mean = np.average(table.estimate, weights=table.n)
    assert mean == pytest.approx(visited.y__w3.mean(), abs=1e-12)


def test_bins_without_adjustment_are_plain_means(visited, design):
    one_place = visited.assign(commune_code="10270")
    table = dose_bins(one_place, replace(design, estimator="difference"), "y")
    for row in table.itertuples():
        inside = visited.dose.between(row.dose_low, row.dose_high)
        assert row.estimate == pytest.approx(visited.y__w3[inside].mean(), abs=1e-12)


def test_teams_with_the_same_dose_share_a_bin(visited, design):
    table = dose_bins(visited.assign(dose=np.where(visited.intensive == 1, 30.0, 0.0)), design, "y")
    assert table.dose_low.tolist() == [0.0, 30.0]


def test_cr2_of_a_mean_equals_the_closed_form():
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(9), rng.integers(2, 9, 9))
    y = rng.normal(size=len(clusters))
    found = combination(np.ones((len(y), 1)), y, clusters, np.ones(1))
    share = np.bincount(clusters) / len(y)
    sums = np.bincount(clusters, y - y.mean()) / len(y)
    assert found.estimate == pytest.approx(y.mean(), abs=1e-14)
    assert found.std_error == pytest.approx(np.sqrt((sums**2 / (1 - share)).sum()), rel=1e-12)


def test_cr2_of_a_mean_of_equal_clusters_has_one_degree_less():
    y = np.random.default_rng(3).normal(size=40)
    found = combination(np.ones((40, 1)), y, np.repeat(np.arange(8), 5), np.ones(1))
    assert found.df == pytest.approx(7)


@pytest.mark.parametrize("weighted", [False, True])
def test_cr2_by_rows_equals_the_cr2_of_a_problem(weighted):
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(15), rng.integers(2, 8, 15))
    strata, n = clusters % 4, len(clusters)
    focal, others = rng.normal(size=n), rng.normal(size=(n, 2))
    y = focal + rng.normal(size=n)
    weights = rng.uniform(0.5, 3, n) if weighted else None
    names = tuple(map(str, range(15)))
    expected = ols(Problem(y, focal, others, strata, clusters, names, weights))
    x = np.column_stack([focal, others, np.eye(4)[strata]])
    found = combination(x, y, clusters, np.eye(7)[0], weights=weights)
    for name in ("estimate", "std_error", "df", "conf_low"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-8)


def test_a_combination_that_the_columns_do_not_determine_is_not_given():
    x = np.column_stack([np.ones(20), np.ones(20)])
    y = np.random.default_rng(0).normal(size=20)
    clusters = np.arange(20) // 2
    assert np.isnan(combination(x, y, clusters, np.array([1.0, 0.0])).estimate)
    assert combination(x, y, clusters, np.ones(2)).estimate == pytest.approx(y.mean())


def test_dose_rows_do_not_depend_on_the_order_of_rows(visited, design):
    shuffled = visited.sample(frac=1, random_state=3)
    one, other = (dose_bins(frame, design, "y") for frame in (visited, shuffled))
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)


def test_a_dose_that_varies_within_a_team_is_refused(visited, design):
    wrong = visited.assign(dose=np.arange(len(visited), dtype=float))
    for function in (dose_slope, dose_iv, dose_bins):
        with pytest.raises(DesignError, match="varies within a cluster"):
            function(wrong, design, "y")


def test_one_bin_is_refused(visited, design):
    with pytest.raises(DesignError):
        dose_bins(visited, design, "y", bins=1)


@pytest.mark.filterwarnings("error")
def test_without_a_dose_there_is_a_note_and_no_number(visited, design):
    nothing, alike = visited.assign(dose=np.nan), visited.assign(dose=40.0)
    assert dose_slope(nothing, design, "y").loc[0, "note"] == "no answers"
    assert len(dose_bins(nothing, design, "y")) == 0
    assert dose_iv(nothing, design, "y").loc[0, "note"] == "no answers"
    assert np.isnan(dose_slope(alike, design, "y").loc[0, "estimate"])
    assert "does not vary" in dose_iv(alike, design, "y").loc[0, "note"]


def test_teams_without_a_log_are_left_out(visited, design):
    gone = visited.team_id == visited.team_id.iloc[0]
    row = dose_slope(visited.assign(dose=visited.dose.mask(gone)), design, "y").iloc[0]
    assert row.n_teams == visited.team_id.nunique() - 1


def test_instrument_row_is_that_of_the_two_stage_fit(visited, design):
    used = visited[visited.y__w3.notna()].reset_index(drop=True)
    strata = used.commune_code.astype("category").cat.codes.to_numpy(np.int64)
    clusters, names = pd.factorize(used.team_id, sort=True)
    others = used[["y__w1", *design.controls]].to_numpy(float)
    y, z = used.y__w3.to_numpy(float), used.intensive.to_numpy(float)
    problem = Problem(y, z, others, strata, clusters, tuple(names))
    fit = two_stage(problem, used.dose.to_numpy(float) / 10)
    row = dose_iv(visited, design, "y").iloc[0]
    assert (row.estimate, row.std_error) == pytest.approx(
        (fit.effect.estimate, fit.effect.std_error), rel=1e-9
    )
