"""Balance, bounds and an index of the National Supported Work experiment, against R.

Rows are drawn one by one there: each is its own cluster, and all are one stratum.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reference_support import table
from survey_tools.construct import anderson_indices
from survey_tools.construct.anderson import anderson_weights
from survey_tools.estimate.design import Design, Draw
from survey_tools.estimate.effects.sample import prepare
from survey_tools.estimate.inference.redraw import redraw
from survey_tools.estimate.regression.least_squares import ols
from survey_tools.estimate.threats import balance, balance_joint, lee_bounds
from survey_tools.estimate.threats.trimming import trimmed_mean

# R 4.2.2: means and standard deviations of the arms, their difference, the difference over
# sqrt((s1^2 + s0^2) / 2), p of the HC2 t test on 443 degrees of freedom
BALANCE = {
    "age": (25.05384615384, 25.81621621621, 0.762370062370, 0.1072771214661, 0.2658677355214),
    "educ": (10.08846153846, 10.34594594594, 0.2574844074844, 0.1412198207982, 0.1499570534026),
    "black": (0.8269230769230, 0.8432432432432, 0.01632016632016, 0.04388661137007, 0.6473366234343),
    "hisp": (0.1076923076923, 0.05945945945945, -0.04823284823284, -0.1745610713731, 0.0640399329153),
    "marr": (0.1538461538461, 0.1891891891891, 0.03534303534303, 0.09364070075641, 0.3341533854942),
    "nodegree": (0.8346153846153, 0.7081081081081, -0.1265072765072, -0.303986439061, 0.002001540689757),
    "re74": (2107.02665846154, 2095.57368864865, -11.45296981288, -0.002159951190618, 0.981862397137),
    "re75": (1266.90900246154, 1532.05531378378, 265.1463113222, 0.08386324541782, 0.3852051601320),
}  # fmt: skip
JOINT_F = (2.14020736198379, 0.0310708226287764)
"""Of treatment on the eight variables, classical errors, R 4.2.2; with HC1 2.24899429681646, p 0.02317."""

LEE = (-0.139488182269954, 0.404044374552686)
"""Own R code, which drops whole rows: 20 of the 140 workers of the arm that is trimmed."""

# own R code: weights of re74, re75, re78 from the covariance over both arms of what is standardised by the
# control group; effect on the index in control standard deviations, HC2 error
ICW_WEIGHTS = (0.406696966573217, 0.258306773200955, 0.334996260225827)
ICW = (0.180111577847551, 0.0993957502506667)


@pytest.fixture
def nsw():
    frame = table("nsw").drop(columns="data_id").astype("float64")
    return frame.assign(row=[f"{i:03}" for i in range(len(frame))], all="1")


@pytest.fixture
def single():
    return Design("treat", "row", "all", (), "w1", "w3", "reached")


def hc2(frame, design, column):
    as_outcome = frame.assign(**{design.at_endline(column): frame[column]})
    return ols(prepare(as_outcome, design, column, controls=False).problem, errors="HC2")


def test_a11_balance_table(nsw, single):
    found = balance(nsw, single, list(BALANCE)).set_index("variable")
    columns = ["mean_regular", "mean_intensive", "estimate", "normalised_difference"]
    for variable, expected in BALANCE.items():
        # the package ships earnings in single precision
        assert found.loc[variable, columns].tolist() == pytest.approx(expected[:4], rel=2e-6)


def test_a11_balance_p_is_that_of_hc2_but_for_the_degrees_of_freedom(nsw, single):
    """With clusters of one row CR2 is HC2; Satterthwaite gives 396.4 degrees of freedom, R took 443."""
    found = balance(nsw, single, list(BALANCE)).set_index("variable")
    for variable, (*_, p_value) in BALANCE.items():
        assert hc2(nsw, single, variable).p_value == pytest.approx(p_value, rel=1e-6)
        assert found.p_value[variable] == pytest.approx(p_value, abs=1e-4)


def test_a11_joint_test_by_randomisation_agrees_with_the_classical_f(nsw, single):
    """185 of 445 drawn anew: the distance is a monotone function of the classical F."""
    draw = Draw("row", "all", seed=0, share=185 / 445)
    assignments = redraw(nsw[["row", "all"]], draw, draws=20_000, seed=1)
    found = balance_joint(nsw, single, list(BALANCE), assignments).iloc[0]
    assert found.p_randomisation == pytest.approx(JOINT_F[1], abs=0.005)
    assert (found.df_num, found.n) == (8, 445)


def test_a12_lee_bounds(nsw, single):
    worked = nsw.re78 > 0
    frame = nsw.assign(y__w3=np.log(nsw.re78.where(worked)))
    row = lee_bounds(frame, single, "y", draws=0).iloc[0]
    assert (row.lower, row.upper) == pytest.approx(LEE, abs=0.01)
    assert row.share_trimmed == pytest.approx(
        (0.756756756756757 - 0.646153846153846) / 0.756756756756757
    )
    assert (row.arm_trimmed, row.n) == ("intensive", worked.sum())


def test_a12_lee_bounds_with_whole_rows_dropped(nsw):
    y = np.log(nsw.re78[nsw.re78 > 0])
    drawn = np.sort(y[nsw.treat == 1])
    weights, share = np.ones((1, len(drawn))), np.array([20 / len(drawn)])
    other = y[nsw.treat == 0].mean()
    found = [trimmed_mean(values, weights, share)[0] - other for values in (drawn, drawn[::-1])]
    assert found == pytest.approx(LEE, rel=1e-6)


def test_a13_index_by_inverse_covariance(nsw, single):
    """The index of the package takes the covariance of the reference group; R took that of all rows."""
    outcomes = ["re74", "re75", "re78"]
    control = nsw[nsw.treat == 0]
    standard = (nsw[outcomes] - control[outcomes].mean()) / control[outcomes].std()
    weight = np.linalg.inv(standard.cov()).sum(axis=1)
    assert weight / weight.sum() == pytest.approx(ICW_WEIGHTS, rel=1e-6)
    made = anderson_weights(nsw.assign(wave="w1"), "w1", {"i": tuple(outcomes)}, treatment="treat")
    index = anderson_indices(nsw, made.assign(weight=weight))["i__icw"]
    in_control_sd = index / index[nsw.treat == 0].std()
    found = hc2(nsw.assign(index=in_control_sd), single, "index")
    assert (found.estimate, found.std_error) == pytest.approx(ICW, rel=1e-6)


def test_a13_index_by_the_covariance_of_the_reference_group(nsw, single):
    outcomes = ["re74", "re75", "re78"]
    control = nsw.loc[nsw.treat == 0, outcomes]
    made = anderson_weights(nsw.assign(wave="w1"), "w1", {"i": tuple(outcomes)}, treatment="treat")
    expected = np.linalg.inv(control.corr()).sum(axis=1)
    assert made.weight.to_numpy() == pytest.approx(expected)
    index = anderson_indices(nsw, made)["i__icw"]
    by_hand = ((nsw[outcomes] - control.mean()) / control.std() * expected).sum(
        axis=1
    ) / expected.sum()
    pd.testing.assert_series_equal(index, by_hand, check_names=False)
