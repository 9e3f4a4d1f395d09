from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey_tools.contracts import validate
from survey_tools.errors import DesignError
from survey_tools.estimate import attrition, balance, balance_joint, itt_unadjusted


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


def test_balance_joint__equals_wald_by_hand(households, design):
    found = balance_joint(households, design, ["resp_age", "poor", "y__w1"]).iloc[0]
    x = households[["resp_age", "poor", "y__w1"]].to_numpy()
    strata = pd.get_dummies(households.commune_code).to_numpy(float)
    exog = np.column_stack([x, strata])
    y = households.intensive.to_numpy(float)
    bread = np.linalg.inv(exog.T @ exog)
    beta = bread @ exog.T @ y
    scores = pd.DataFrame(exog * (y - exog @ beta)[:, None]).groupby(households.team_id).sum()
    (n, k), g = exog.shape, len(scores)
    meat = scores.T.to_numpy() @ scores.to_numpy()
    cov = bread @ meat @ bread * g / (g - 1) * (n - 1) / (n - k)
    wald = beta[:3] @ np.linalg.solve(cov[:3, :3], beta[:3]) / 3
    assert found.statistic == pytest.approx(wald, rel=1e-8)
    assert found.p_value == pytest.approx(stats.f.sf(wald, 3, g - 1), rel=1e-7)
    assert (found.df_num, found.df_denom) == (3, g - 1)


def test_balance_joint__keeps_rows_with_gaps_and_names_collinear_variables(households, design):
    gaps = households.assign(years=households.resp_age * 2)
    gaps.loc[::4, "poor"] = np.nan
    found = balance_joint(gaps, design, ["resp_age", "poor", "years"]).iloc[0]
    assert (found.n, found.df_num) == (len(gaps), 2)
    assert found.note == "dropped as collinear: years"


def test_balance_joint__sees_an_arm_that_differs(households, design):
    odd = households.assign(resp_age=households.resp_age + 10 * households.intensive)
    assert balance_joint(odd, design, ["resp_age", "poor"]).p_value[0] < 1e-6


def test_attrition__counts_by_wave_and_arm(households, design):
    found = attrition(households, design)
    validate(found, "attrition")
    row = found.set_index(["wave", "arm"]).loc[("w3", "intensive")]
    arm = households[households.intensive == 1]
    assert (row.drawn, row.interviewed) == (len(arm), arm.interviewed__w3.sum())


def test_attrition__counts_households_drawn_that_were_never_met(households, design):
    sample = households[["hhid", "team_id", "commune_code"]]
    teams = households.drop_duplicates("team_id")[["team_id", "commune_code", "intensive"]]
    gone = households.team_id.unique()[0]
    met = households[households.team_id != gone]
    found = attrition(met, design, sample=sample, teams=teams)
    assert found.groupby("wave").drawn.sum().eq(len(sample)).all()
    assert found[found.wave == "w1"].interviewed.sum() == len(met)
    with pytest.raises(DesignError, match="not known"):
        attrition(met, design, sample=sample)


def test_attrition__without_waves_says_what_is_missing(households, design):
    bare = households.drop(columns=[c for c in households if c.startswith("interviewed")])
    with pytest.raises(DesignError, match="interviewed__"):
        attrition(bare, design)


def test_balance__of_a_study_without_a_baseline_says_so(households, design):
    later = households.assign(interviewed__w1=0)
    joint = balance_joint(later, design, ["resp_age", "poor"]).iloc[0]
    assert (joint.n, joint.n_teams, joint.note) == (0, 0, "no interview at the baseline")
    assert np.isnan(joint.p_value)
    assert balance(later, design, ["resp_age"]).estimate.isna().all()
