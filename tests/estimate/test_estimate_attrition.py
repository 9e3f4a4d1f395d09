from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from survey_tools.contracts import validate
from survey_tools.errors import DesignError
from survey_tools.estimate.effects.assignment import itt, itt_unadjusted
from survey_tools.estimate.regression.wald import wald_cr2
from survey_tools.estimate.threats import attrition, attrition_test, itt_ipw_attrition


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


def test_attrition_test__is_the_effect_on_being_interviewed(households, design):
    found = validate(attrition_test(households, design), "attrition_test")
    found = found.set_index("wave").loc["w3"]
    expected = itt_unadjusted(households, design, "interviewed").iloc[0]
    for name in ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high"):
        assert found[name] == pytest.approx(expected[name], rel=1e-9)
    arms = households.groupby("intensive").interviewed__w3.mean()
    assert (found.share_regular, found.share_intensive) == pytest.approx(tuple(arms))


def test_attrition_test__counts_households_never_met_as_lost(households, design):
    sample = households[["hhid", "team_id", "commune_code"]]
    teams = households.drop_duplicates("team_id")[["team_id", "commune_code", "intensive"]]
    met = households[households.index % 10 != 0]
    found = attrition_test(met, design, sample=sample, teams=teams).set_index("wave")
    assert found.n.eq(len(sample)).all()
    there = (households.index % 10 != 0) * 1.0
    expected = itt_unadjusted(households.assign(y__w3=there), design, "y").iloc[0]
    assert found.estimate["w1"] == pytest.approx(expected.estimate)


def test_attrition_test__where_all_were_interviewed_there_is_nothing_to_compare(households, design):
    found = attrition_test(households, design, ["resp_age"]).set_index("wave").loc["w1"]
    assert found.note == "all or none interviewed"
    assert np.isnan(found.estimate)
    assert np.isnan(found.p_variables)


def test_attrition_test__of_a_study_without_a_baseline_says_so(households, design, recwarn):
    found = attrition_test(households.assign(interviewed__w1=0), design, ["resp_age"])
    validate(found, "attrition_test")
    assert set(found.note) == {"no interview at the baseline"}
    assert not recwarn.list


def test_attrition_test__composition_is_the_joint_test_of_the_products(households, design):
    found = attrition_test(households, design, ["resp_age", "poor"]).set_index("wave").loc["w3"]
    x = households[["resp_age", "poor"]].to_numpy()
    arm = households.intensive.to_numpy(float)
    expected = wald_cr2(
        households.interviewed__w3.to_numpy(float),
        x * arm[:, None],
        np.column_stack([arm, x]),
        pd.factorize(households.commune_code, sort=True)[0],
        pd.factorize(households.team_id, sort=True)[0],
    )
    assert found.p_variables == pytest.approx(expected.p_value, rel=1e-6)
    assert (found.df_num, found.df_denom) == pytest.approx(expected[1:3], rel=1e-6)


def test_attrition_test__sees_that_other_people_stay_in_one_arm(households, design):
    rng = np.random.default_rng(0)
    old_leave = (households.intensive == 1) & (households.resp_age > 55) & (rng.random(1944) < 0.4)
    lost = households.assign(interviewed__w3=households.interviewed__w3.mask(old_leave, 0))
    row = attrition_test(lost, design, ["resp_age", "poor"]).set_index("wave").loc["w3"]
    assert row.p_variables < 1e-6


def test_attrition_test__a_gap_in_a_variable_loses_no_row(households, design):
    gaps = households.assign(resp_age=households.resp_age.mask(households.index % 4 == 0))
    row = attrition_test(gaps, design, ["resp_age"]).set_index("wave").loc["w3"]
    assert row.df_num == 1
    assert 0 < row.p_variables <= 1


def test_ipw__equals_weighted_least_squares_with_weights_of_a_logit(households, design):
    found = itt_ipw_attrition(households, design, "y").iloc[0]
    there = households.y__w3.notna().to_numpy()
    arm = households.intensive.to_numpy(float)
    known = households[["y__w1", "resp_age", "resp_female", "poor"]].to_numpy()
    known = known - known.mean(axis=0)
    exog = sm.add_constant(np.column_stack([arm, known, known * arm[:, None]]))
    chance = sm.Logit(there.astype(float), exog).fit(disp=0).predict()
    strata = pd.get_dummies(households.commune_code).to_numpy(float)
    right = np.column_stack([arm, known, strata])[there]
    fit = sm.WLS(households.y__w3.to_numpy()[there], right, weights=1 / chance[there]).fit()
    assert found.estimate == pytest.approx(fit.params[0], rel=1e-7)
    assert found.estimand == "itt_ipw_attrition"
    assert found.note.startswith(f"weights {1 / chance.max():.2f} to {1 / chance.min():.2f}")
    validate(itt_ipw_attrition(households, design, "y"), "effects")


def test_ipw__with_all_answers_is_itt(simulate, design):
    district = simulate(3, communes=6, answered=1.0)
    found = itt_ipw_attrition(district, design, "y").iloc[0]
    expected = itt(district, design, "y").iloc[0]
    for name in ("estimate", "std_error", "df", "n"):
        assert found[name] == pytest.approx(expected[name], rel=1e-9)


def test_ipw__mends_loss_that_the_baseline_explains(simulate, design):
    """Users leave one arm and others the other; `difference` does not adjust for the baseline."""
    district = simulate(5, communes=30, per_team=30, answered=1.0, effect=0.0)
    rng = np.random.default_rng(2)
    district["z__w1"] = district.y__w1
    district["z__w3"] = 3.0 * district.y__w1 + rng.normal(size=len(district))
    gone = (district.y__w1 == district.intensive) & (rng.random(len(district)) < 0.5)
    lost = district.assign(z__w3=district.z__w3.mask(gone), interviewed__w3=1 * ~gone)
    bare = replace(design, estimator="difference")
    full = itt(district, bare, "z").estimate[0]
    assert abs(itt(lost, bare, "z").estimate[0] - full) > 0.5
    assert itt_ipw_attrition(lost, bare, "z").estimate[0] == pytest.approx(full, abs=0.06)
    silent = lost.drop(columns="interviewed__w3")
    assert itt_ipw_attrition(silent, bare, "z").estimate[0] == pytest.approx(full, abs=0.06)


def test_ipw__does_not_take_not_applicable_for_not_met(households, design):
    sellers = households.poor == 0
    only = households.assign(
        y__w1=households.y__w1.where(sellers), y__w3=households.y__w3.where(sellers)
    )
    row = itt_ipw_attrition(only, design, "y").iloc[0]
    assert row.n == only.y__w3.notna().sum()
    assert row.estimate == pytest.approx(itt(only, design, "y").estimate[0], abs=0.01)


def test_ipw__refuses_weights_that_cannot_be_had(households, design):
    rich = (households.poor == 0).astype(int)
    never = households.assign(interviewed__w3=households.interviewed__w3 * rich)
    row = itt_ipw_attrition(never, design, "y").iloc[0]
    assert np.isnan(row.estimate)
    assert row.note == "the chance to be met cannot be modelled"
    nobody = itt_ipw_attrition(households.assign(interviewed__w1=0), design, "y").iloc[0]
    assert nobody.note == "no interview at the baseline"
    over = itt_ipw_attrition(households.assign(interviewed__w3=0), design, "y").iloc[0]
    assert over.note == "nobody interviewed at the endline"
    silent = itt_ipw_attrition(households.assign(y__w3=np.nan), design, "y").iloc[0]
    assert silent.note.startswith("no answers")


def test_ipw__counts_answers_without_a_baseline_interview(households, design):
    late = households.assign(interviewed__w1=(households.index % 9 != 0).astype(int))
    row = itt_ipw_attrition(late, design, "y").iloc[0]
    lost = int(households.y__w3[households.index % 9 == 0].notna().sum())
    assert row.note.endswith(f"{lost} answers without a baseline interview left out")


def test_itt__without_any_baseline_value_adjusts_for_the_controls_alone(households, design):
    blank = households.assign(y__w1=np.nan)
    found = itt(blank, design, "y").iloc[0]
    absent = itt(households.drop(columns="y__w1"), design, "y").iloc[0]
    assert "y__w1 missing in every row" in found.note
    assert "no baseline measure" in absent.note
    for name in ("estimate", "std_error", "df", "n"):
        assert found[name] == pytest.approx(absent[name], rel=1e-9)


def test_itt__with_some_baseline_values_missing_keeps_the_rows_and_says_so(households, design):
    gaps = households.assign(y__w1=households.y__w1.mask(households.index % 5 == 0))
    found = itt(gaps, design, "y").iloc[0]
    assert found.n == households.y__w3.notna().sum()
    lost = int(households.y__w3[households.index % 5 == 0].notna().sum())
    assert f"y__w1 missing in {lost} rows" in found.note
