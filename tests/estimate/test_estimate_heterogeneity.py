from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from survey_tools.contracts import validate
from survey_tools.errors import DesignError
from survey_tools.estimate.effects.assignment import itt
from survey_tools.estimate.effects.heterogeneity import (
    heterogeneity,
    heterogeneity_joint,
    interaction_sample,
)
from survey_tools.estimate.inference.families import romano_wolf, sharpened_q
from survey_tools.estimate.regression.wald import wald_cr2

GROUPS = ["women", "age60", "poor"]


@pytest.fixture(scope="module")
def grouped(households):
    first_wave = {"women": households.resp_female, "age60": (households.resp_age >= 60) * 1.0}
    return households.assign(**first_wave)


@pytest.fixture
def quick(design):
    return replace(design, draws=499)


def cr2_by_rows(x, y, clusters, j):
    """CR2 error and Satterthwaite degrees of freedom of coefficient j with n by n matrices."""
    bread = np.linalg.inv(x.T @ x)
    hat = np.eye(len(x)) - x @ bread @ x.T
    residuals, scores, columns = hat @ y, [], []
    for name in np.unique(clusters):
        rows = np.flatnonzero(clusters == name)
        values, vectors = np.linalg.eigh(hat[np.ix_(rows, rows)])
        root = np.where(values > 1e-10, values, np.inf) ** -0.5
        p = (vectors * root) @ vectors.T @ x[rows] @ bread[:, j]
        scores.append(p @ residuals[rows])
        columns.append(hat[:, rows] @ p)
    q = np.column_stack(columns)
    q = q.T @ q
    return np.sqrt(np.sum(np.square(scores))), np.trace(q) ** 2 / (q**2).sum()


def test_heterogeneity__within_and_outside_are_itt_of_these_households(grouped, quick):
    row = heterogeneity(grouped, quick, ["y"], ["women"]).iloc[0]
    for side, value in (("in", 1), ("out", 0)):
        expected = itt(grouped[grouped.women == value], quick, "y").iloc[0]
        found = [row[f"{name}_{side}"] for name in ("estimate", "conf_low", "conf_high", "n")]
        assert found == pytest.approx([*expected[["estimate", "conf_low", "conf_high", "n"]]])
        assert row[f"n_teams_{side}"] == expected.n_teams


@pytest.mark.parametrize("group", GROUPS)
def test_heterogeneity__interaction_is_the_difference_of_the_two(grouped, quick, group):
    gaps = grouped.assign(y__w1=grouped.y__w1.mask(grouped.index % 7 == 0))
    row = heterogeneity(gaps, quick, ["y"], [group]).iloc[0]
    assert row.interaction == pytest.approx(row.estimate_in - row.estimate_out, abs=1e-12)


def test_heterogeneity__interaction_equals_statsmodels_and_cr2_by_rows(simulate, design):
    district = simulate(7, communes=5, teams_per_commune=4).rename(columns={"resp_female": "women"})
    design = replace(design, controls=("resp_age",), draws=199)
    row = heterogeneity(district, design, ["z"], ["women"]).iloc[0]
    there = district.dropna(subset=["z__w3"])
    model = smf.ols("z__w3 ~ (C(commune_code) + intensive + z__w1 + resp_age) * women", there)
    fit = model.fit()
    name = "intensive:women"
    assert row.interaction == pytest.approx(fit.params[name], rel=1e-9)
    error, df = cr2_by_rows(
        model.exog, model.endog, there.team_id.to_numpy(), model.exog_names.index(name)
    )
    assert (row.std_error, row.df) == pytest.approx((error, df), rel=1e-8)
    assert row.p_value == pytest.approx(2 * stats.t.sf(abs(row.interaction) / error, df), rel=1e-7)


def test_heterogeneity__finds_an_effect_on_one_group_only(simulate, design):
    district = simulate(5, effect=0.0, answered=1.0)
    district["women"] = district.resp_female
    district["z__w3"] += 0.8 * district.intensive * district.women
    row = heterogeneity(district, replace(design, draws=499), ["z"], ["women"]).iloc[0]
    assert row.conf_low_in < 0.8 < row.conf_high_in
    assert row.conf_low_out < 0.0 < row.conf_high_out
    assert row.conf_low < 0.8 < row.conf_high
    assert row.p_value < 1e-4
    assert row.p_adjusted < 0.01


def test_heterogeneity__corrects_over_groups_of_an_outcome_and_over_the_table(grouped, quick):
    found = heterogeneity(grouped, quick, ["y", "z"], GROUPS)
    validate(found, "heterogeneity")
    assert found[["outcome", "group"]].to_numpy().tolist() == [
        [o, g] for o in ("y", "z") for g in GROUPS
    ]
    for outcome, rows in found.groupby("outcome"):
        problems = [interaction_sample(grouped, quick, outcome, g).problem for g in GROUPS]
        expected = romano_wolf(problems, draws=quick.draws, seed=quick.seed)
        assert rows.p_adjusted.to_numpy() == pytest.approx(expected)
    assert found.q_value.to_numpy() == pytest.approx(sharpened_q(found.p_value.to_numpy()))


def test_heterogeneity__counts_households_without_a_group(grouped, quick):
    unknown = grouped.assign(women=grouped.women.mask(grouped.index < 50))
    row = heterogeneity(unknown, quick, ["y"], ["women"]).iloc[0]
    answers = int(grouped.y__w3.notna().sum())
    lost = int(grouped.y__w3[grouped.index < 50].notna().sum())
    assert row.n_in + row.n_out == answers - lost
    assert row.note.endswith(f"{lost} answers of households without women left out")


def test_heterogeneity__does_not_depend_on_the_order_of_rows(grouped, quick):
    first = heterogeneity(grouped, quick, ["y"], GROUPS)
    again = heterogeneity(grouped.sample(frac=1, random_state=3), quick, ["y"], GROUPS)
    pd.testing.assert_frame_equal(first, again, rtol=1e-9)


def test_heterogeneity__of_a_small_group_is_too_few_to_say(grouped, quick):
    few = grouped.assign(rare=(grouped.index < 5) * 1.0, one_arm=0.0)
    team = grouped.team_id[grouped.intensive == 1].iloc[0]
    few["one_arm"] = ((few.intensive == 0) | (few.team_id == team)) * 1.0
    found = heterogeneity(few, quick, ["y"], ["rare", "one_arm", "women"]).set_index("group")
    validate(found.reset_index(), "heterogeneity")
    assert found.note["rare"].startswith("within: too few to say (")
    assert "within: too few to say (1 team_id in an arm)" in found.note["one_arm"]
    assert (
        found.loc[["rare", "one_arm"], ["estimate_in", "interaction", "p_adjusted"]]
        .isna()
        .all(axis=None)
    )
    assert not np.isnan(found.estimate_out["rare"])
    assert not np.isnan(found.p_adjusted["women"])


def test_heterogeneity__refuses_a_group_that_is_not_0_and_1(grouped, quick):
    with pytest.raises(DesignError, match="group"):
        heterogeneity(grouped, quick, ["y"], ["resp_age"])
    with pytest.raises(DesignError, match="column"):
        heterogeneity(grouped, quick, ["y"], ["nothing"])


def test_heterogeneity__of_nothing_is_an_empty_table(grouped, quick):
    found = heterogeneity(grouped, quick, ["y"], [])
    assert found.empty
    assert "p_adjusted" in found


def test_joint__is_the_test_of_all_products_with_treatment(grouped, design):
    bare = replace(design, controls=("resp_age",))
    found = heterogeneity_joint(grouped, bare, ["z"], ["women", "poor"]).iloc[0]
    there = grouped.dropna(subset=["z__w3"])
    arm = there.intensive.to_numpy(float)
    x = there[["women", "poor"]].to_numpy()
    expected = wald_cr2(
        there.z__w3.to_numpy(),
        x * arm[:, None],
        np.column_stack([there[["z__w1", "resp_age"]], arm, x]),
        pd.factorize(there.commune_code, sort=True)[0],
        pd.factorize(there.team_id, sort=True)[0],
    )
    assert found[["statistic", "df_num", "df_denom", "p_value"]].tolist() == pytest.approx(
        list(expected), rel=1e-7
    )
    assert (found.n, found.note) == (len(there), "")


def test_joint__sees_an_effect_that_differs(simulate, design):
    district = simulate(5, effect=0.0).assign(other=lambda h: (h.index % 2) * 1.0)
    assert heterogeneity_joint(district, design, ["z"], ["resp_female", "other"]).p_value[0] > 0.01
    district["z__w3"] += 0.8 * district.intensive * district.resp_female
    found = heterogeneity_joint(district, design, ["z"], ["resp_female", "other"]).iloc[0]
    assert found.p_value < 1e-3
    assert found.df_num == 2


def test_joint__says_what_it_left_out(grouped, design):
    gaps = grouped.assign(women=grouped.women.mask(grouped.index < 50), all=1.0)
    lost = int(grouped.y__w3[grouped.index < 50].notna().sum())
    row = heterogeneity_joint(gaps, design, ["y"], ["women", "all"]).iloc[0]
    assert row.note == (
        f"{lost} answers of households without a group left out; not tested: intensive x all"
    )
    assert row.df_num == 1
    assert (
        heterogeneity_joint(gaps, design, ["y"], ["all"]).note[0]
        == "no group varies within the arms"
    )
    assert heterogeneity_joint(gaps, design, ["y"], []).note[0] == "no group"
    blank = heterogeneity_joint(gaps.assign(y__w3=np.nan), design, ["y"], ["women"])
    assert blank.note[0] == "no answers"


def test_heterogeneity__says_what_tells_nothing_and_what_cannot_be_trusted(grouped, quick):
    """Women live in the intensive teams only in one commune, and in three communes at all."""
    codes = sorted(grouped.commune_code.unique())[:3]
    inside = grouped.commune_code.isin(codes)
    inside &= (grouped.commune_code != codes[0]) | (grouped.intensive == 1)
    row = heterogeneity(grouped.assign(few=inside.astype(float)), quick, ["y"], ["few"]).iloc[0]
    assert row.note.startswith("within: 1 commune_code with one arm only")
    women = heterogeneity(grouped, quick, ["y"], ["women"]).iloc[0]
    assert "degrees of freedom" not in women.note


def test_heterogeneity__warns_of_few_degrees_of_freedom(grouped, quick):
    two = sorted(grouped.commune_code.unique())[:2]
    few = grouped[grouped.commune_code.isin(two) & grouped.team_id.str[-1].isin(list("1234"))]
    row = heterogeneity(few, quick, ["y"], ["women"]).iloc[0]
    assert row.df < 4
    assert f"interaction: {row.df:.1f} degrees of freedom: too few" in row.note


def test_heterogeneity__a_group_without_any_error_does_not_cost_the_others_theirs(design):
    """The first half of each team has the same answers in all teams of an arm."""
    rows = [(c, f"{c}{t}", t % 2, i) for c in "ab" for t in range(4) for i in range(8)]
    frame = pd.DataFrame(rows, columns=["commune_code", "team_id", "intensive", "i"])
    alike = np.where(frame.intensive == 1, frame.i // 2 % 2, frame.i // 4)
    frame = frame.assign(y__w3=alike.astype(float), odd=frame.i % 2, mixed=frame.index * 7 % 5 < 2)
    plain = replace(design, estimator="difference", draws=99)
    found = heterogeneity(frame, plain, ["y"], ["odd", "mixed"]).set_index("group")
    assert found.note["odd"].endswith("interaction: the regression fits the sum of every cluster")
    assert np.isnan(found.p_adjusted["odd"])
    assert 0 < found.p_adjusted["mixed"] <= 1
