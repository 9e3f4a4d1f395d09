from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from survey_tools.contracts import validate
from survey_tools.estimate.design import Draw
from survey_tools.estimate.effects.assignment import itt_unadjusted
from survey_tools.estimate.inference.redraw import redraw
from survey_tools.estimate.regression.wald import wald_cr2
from survey_tools.estimate.threats import balance, balance_joint


def test_balance__is_the_regression_on_treatment_and_strata(households, design):
    found = balance(households, design, ["y__w1", "resp_age"])
    validate(found, "balance")
    as_outcome = households.assign(age__w3=households.resp_age)
    expected = itt_unadjusted(as_outcome, design, "age").iloc[0]
    row = found.set_index("variable").loc["resp_age"]
    for name in ("estimate", "conf_low", "conf_high", "p_value", "n", "n_teams"):
        assert row[name] == pytest.approx(expected[name], rel=1e-9)


def test_balance__normalised_difference_by_hand(households, design):
    row = balance(households, design, ["resp_age"]).iloc[0]
    a = households.resp_age[households.intensive == 1]
    b = households.resp_age[households.intensive == 0]
    expected = (a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / 2)
    assert row.normalised_difference == pytest.approx(expected)
    assert (row.mean_intensive, row.mean_regular) == pytest.approx((a.mean(), b.mean()))


def test_balance__takes_households_seen_at_the_baseline(households, design):
    late_arrivals = households.copy()
    late_arrivals.loc[::3, "interviewed__w1"] = 0
    late_arrivals.loc[::3, "resp_age"] = 1000.0
    row = balance(late_arrivals, design, ["resp_age"]).iloc[0]
    assert row.n == (late_arrivals.interviewed__w1 == 1).sum()
    assert row.mean_regular < 100


def test_balance__of_a_constant_has_no_interval(households, design, recwarn):
    row = balance(households.assign(one=1.0), design, ["one"]).iloc[0]
    assert np.isnan(row.estimate)
    assert np.isnan(row.normalised_difference)
    assert row.mean_regular == 1
    assert not recwarn.list


def test_balance__weights_count_like_copies_of_rows(households, design):
    weight = 1 + (np.arange(len(households)) % 3)
    copied = households.loc[households.index.repeat(weight)].drop(columns="hhid")
    weighted = replace(design, weights="w")
    found = balance(households.assign(w=weight), weighted, ["resp_age"]).iloc[0]
    expected = balance(copied, design, ["resp_age"]).iloc[0]
    for name in ("mean_regular", "mean_intensive", "estimate"):
        assert found[name] == pytest.approx(expected[name])
    assert found.normalised_difference == pytest.approx(expected.normalised_difference, rel=1e-3)


def test_balance_joint__is_the_joint_test_of_treatment_on_the_variables(households, design):
    found = balance_joint(households, design, ["resp_age", "poor", "y__w1"]).iloc[0]
    expected = wald_cr2(
        households.intensive.to_numpy(float),
        households[["resp_age", "poor", "y__w1"]].to_numpy(),
        np.empty((len(households), 0)),
        pd.factorize(households.commune_code, sort=True)[0],
        pd.factorize(households.team_id, sort=True)[0],
    )
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-8)
    assert found.p_value == pytest.approx(expected.p_value, rel=1e-7)
    assert found.df_denom == pytest.approx(expected.df_denom, rel=1e-8)
    assert (found.df_num, found.n_teams) == (3, households.team_id.nunique())
    assert np.isnan(found.p_randomisation)


def test_balance_joint__of_one_variable_agrees_with_its_t_test(households, design):
    """The two regressions are each other's reverse: same partial correlation, nearly the same p."""
    joint = balance_joint(households, design, ["resp_age"]).iloc[0]
    single = balance(households, design, ["resp_age"]).iloc[0]
    assert joint.p_value == pytest.approx(single.p_value, abs=0.02)


def redrawn(households, draws):
    teams = households.drop_duplicates("team_id")[["team_id", "commune_code"]]
    return redraw(teams, Draw("team_id", "commune_code", seed=0), draws=draws, seed=3)


@pytest.mark.parametrize("draws", [40, 499])
def test_balance_joint__randomisation_p_by_hand(simulate, design, draws):
    """With 36 possible assignments all are listed; with 400 they are drawn."""
    district = simulate(1, communes=2 if draws == 40 else 5, teams_per_commune=4)
    variables = ["resp_age", "poor", "y__w1"]
    assignments = redrawn(district, draws)
    assert assignments.exact == (draws == 40)
    found = balance_joint(district, design, variables, assignments).iloc[0]
    x = district[variables] - district.groupby("commune_code")[variables].transform("mean")
    totals = x.groupby(district.team_id).sum()
    arms = pd.DataFrame(assignments.matrix, index=list(assignments.cluster_names))
    own = district.drop_duplicates("team_id").set_index("team_id").intensive
    every = arms if assignments.exact else pd.concat([arms, own.rename("own")], axis=1)
    apart = [(totals[every.loc[totals.index, c] == 1].sum()).to_numpy() for c in every]
    metric = np.linalg.inv(np.cov(np.array(apart).T))
    off = np.array(apart) - np.mean(apart, axis=0)
    distance = np.einsum("bi,ij,bj->b", off, metric, off)
    mine = totals[own.loc[totals.index] == 1].sum().to_numpy() - np.mean(apart, axis=0)
    expected = np.mean(distance >= mine @ metric @ mine * (1 - 1e-9))
    assert found.p_randomisation == pytest.approx(expected, abs=1e-12)


def test_balance_joint__randomisation_p_is_uniform_under_the_draw(simulate, design):
    """Over all assignments that could have come the p-values are 1/B, 2/B, ..., ties aside."""
    district = simulate(1, communes=2, teams_per_commune=4, per_team=3)
    assignments = redrawn(district, 40)
    found = []
    for column in assignments.matrix.T:
        arm = dict(zip(assignments.cluster_names, column, strict=True))
        as_drawn = district.assign(intensive=district.team_id.map(arm).astype("int64"))
        joint = balance_joint(as_drawn, design, ["resp_age", "resp_female"], assignments)
        found.append(joint.p_randomisation[0])
    for level in (0.1, 0.25, 0.5, 0.75):
        assert np.mean(np.array(found) <= level + 1e-12) <= level + 1e-12
    assert np.mean(found) == pytest.approx(0.5, abs=0.05)


def test_balance_joint__sees_what_a_draw_would_not_give(simulate, design):
    district = simulate(2, communes=8)
    odd = district.assign(resp_age=district.resp_age + 15 * district.intensive)
    assert balance_joint(odd, design, ["resp_age"], redrawn(odd, 499)).p_randomisation[0] == 0.002


def test_balance_joint__keeps_rows_with_gaps_and_names_collinear_variables(households, design):
    gaps = households.assign(years=households.resp_age * 2)
    gaps.loc[::4, "poor"] = np.nan
    found = balance_joint(gaps, design, ["resp_age", "poor", "years"]).iloc[0]
    assert (found.n, found.df_num) == (len(gaps), 2)
    assert found.note == "dropped as collinear: years"


def test_balance_joint__sees_an_arm_that_differs(households, design):
    odd = households.assign(resp_age=households.resp_age + 10 * households.intensive)
    assert balance_joint(odd, design, ["resp_age", "poor"]).p_value[0] < 1e-6


def test_balance__of_a_study_without_a_baseline_says_so(households, design):
    later = households.assign(interviewed__w1=0)
    joint = balance_joint(later, design, ["resp_age", "poor"]).iloc[0]
    assert (joint.n, joint.n_teams, joint.note) == (0, 0, "no interview at the baseline")
    assert np.isnan(joint.p_value)
    assert balance(later, design, ["resp_age"]).estimate.isna().all()


def test_balance_joint__names_what_cannot_be_tested(households, design):
    empty = households.assign(blank=np.nan, same=1.0)
    joint = balance_joint(empty, design, ["blank", "resp_age"]).iloc[0]
    assert (joint.df_num, joint.note) == (1, "blank missing in every row")
    nothing = balance_joint(empty, design, ["same"]).iloc[0]
    assert (nothing.df_num, nothing.note) == (0, "no variable varies within the strata")
    assert balance_joint(empty, design, []).note[0] == "no variable"


def test_balance__says_why_there_is_no_estimate(households, design):
    found = balance(households.assign(one=1.0), design, ["one"]).iloc[0]
    assert found.note == "the outcome does not vary"


def test_balance_joint__with_too_few_teams_says_so(simulate, design):
    district = simulate(1, communes=2, teams_per_commune=3)
    variables = ["resp_age", "resp_female", "poor", "y__w1", "z__w1", "reached__w1"]
    joint = balance_joint(district, design, variables).iloc[0]
    assert joint[["statistic", "df_denom", "p_value"]].isna().all()
    assert joint.note == "too few team_id for a joint test"
