from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_tools.contracts import validate
from survey_tools.errors import DesignError
from survey_tools.estimate import choices, icc, levels, variance_components
from survey_tools.estimate.icc import adjusted_components
from survey_tools.estimate.levels.proportions import wilson


@pytest.fixture(scope="module")
def panel(households, panel_of):
    return panel_of(households)


def test_icc__equals_anova_by_hand():
    values = [1.0, 2.0, 3.0, 5.0, 6.0, 9.0, 9.0]
    clusters = list("aabbbcc")
    # means 1.5, 14/3, 9; sizes 2, 3, 2; grand mean 5
    msb = (2 * 3.5**2 + 3 * (14 / 3 - 5) ** 2 + 2 * 4**2) / 2
    msw = (0.5 + (3 - 14 / 3) ** 2 + (5 - 14 / 3) ** 2 + (6 - 14 / 3) ** 2 + 0) / 4
    size = (7 - (4 + 9 + 4) / 7) / 2
    between = (msb - msw) / size
    assert variance_components(values, clusters) == pytest.approx((between, msw))
    assert icc(values, clusters) == pytest.approx(between / (between + msw))
    assert icc([*values, np.nan], [*clusters, "d"]) == pytest.approx(between / (between + msw))


def test_icc__with_strata_recovers_the_variance_within_them():
    rng = np.random.default_rng(4)
    stratum = np.repeat(np.arange(60), 60)
    cluster = np.repeat(np.arange(600), 6)
    y = 5 * rng.normal(size=60)[stratum] + rng.normal(size=600)[cluster] + 2 * rng.normal(size=3600)
    # truth 1/(1+4); standard error about .02
    assert icc(y, cluster, stratum) == pytest.approx(0.2, abs=0.06)
    assert icc(y, cluster) > 0.7


def test_icc__is_one_minus_one_and_nan_at_the_edges():
    assert icc([0, 0, 1, 1, 3, 3], list("aabbcc")) == pytest.approx(1)
    assert icc([0, 1, 0, 1], list("aabb")) == pytest.approx(-1)
    assert np.isnan(icc([1, 1, 1, 1], list("aabb")))
    assert np.isnan(icc([1, 2, 3], list("aaa")))


def test_adjusted_components__are_those_of_the_residuals_of_a_regression_with_all_cells(
    households, design
):
    import statsmodels.formula.api as smf

    frame = households.dropna(subset=["y__w3"])
    found = adjusted_components(frame, design, "y")
    cell = frame.commune_code + frame.intensive.astype(str)
    covariates = "y__w1 + resp_age + resp_female + poor"
    fit = smf.ols(f"y__w3 ~ C(cell) + {covariates}", frame.assign(cell=cell)).fit()
    between, within = variance_components(fit.resid, frame.team_id, cell)
    assert (found.between, found.within) == pytest.approx((max(between, 0), within))
    assert found.df == 162 - 54


def test_wilson__equals_the_score_test():
    # the limits solve (p - t)^2 = z^2 t (1 - t) / n
    low, high = wilson(np.array([0.3]), np.array([40.0]), 0.025)
    z2 = 1.959963984540054**2
    for limit in (low, high):
        assert (0.3 - limit) ** 2 == pytest.approx(z2 * limit * (1 - limit) / 40)


def test_levels__fit_the_contract_and_are_complete(panel, design):
    found = levels(
        panel, design, pd.DataFrame({"outcome": ["y", "z"], "scale": ["binary", "amount"]})
    )
    validate(found, "levels")
    assert len(found) == 28 * 3 * 8 * 2
    inside = found.conf_low.le(found.estimate) & found.estimate.le(found.conf_high)
    assert inside[found.n > 0].all()
    assert found.estimate.notna().equals(found.n > 0)
    assert (found.deff.dropna() >= 1).all()


@pytest.mark.parametrize("group", ["all", "men", "intensive", "poor"])
def test_levels__are_counts_over_counts(panel, design, group):
    mask = {
        "all": panel.poor >= 0,
        "men": panel.women == 0,
        "intensive": panel.intensive == 1,
        "poor": panel.poor == 1,
    }[group]
    found = levels(panel, design, ["y"]).set_index(["area", "wave", "group"]).loc
    for area, of_area in {
        "district": panel.poor >= 0,
        "10270": panel.commune_code == "10270",
    }.items():
        rows = panel[mask & of_area & (panel.wave == "w2")]
        cell = found[(area, "w2", group)]
        assert (cell.n, cell.numerator, cell.n_teams) == (
            len(rows),
            rows.y.sum(),
            rows.team_id.nunique(),
        )
        assert cell.estimate == pytest.approx(rows.y.mean()) or rows.empty


def test_levels__interval_uses_the_design_effect(panel, design):
    found = levels(panel, design, ["y"], ["all"]).set_index(["area", "wave"])
    rows = panel[panel.wave == "w1"]
    within = icc(panel.y, panel.team_id + panel.wave, panel.commune_code + panel.wave)
    assert 0 < within < 0.1
    cell = found.loc[("district", "w1")]
    assert cell.deff == pytest.approx(1 + 11 * within)
    low, high = wilson(np.array([rows.y.mean()]), np.array([len(rows) / cell.deff]), 0.025)
    assert (cell.conf_low, cell.conf_high) == pytest.approx((low[0], high[0]))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_levels__at_the_ends_have_an_interval(panel, design, value):
    same = panel.assign(y=np.where(panel.commune_code == "10270", value, panel.y))
    found = levels(same, design, ["y"], ["all"]).set_index(["area", "wave"])
    cell = found.loc[("10270", "w1")]
    assert cell.estimate == value
    assert (cell.conf_low == 0) if value == 0 else (cell.conf_high == 1)
    assert 0.03 < cell.conf_high - cell.conf_low < 0.2


def test_levels__of_a_share_stay_between_0_and_1_and_are_never_certain(panel, design):
    share = pd.DataFrame({"outcome": ["z"], "scale": ["share"]})
    zero = panel.assign(z=np.where(panel.commune_code == "10270", 0.0, np.minimum(panel.z / 10, 1)))
    found = levels(zero, design, share).set_index(["area", "wave", "group"])
    assert found.conf_low.min() >= 0
    assert found.conf_high.max() <= 1
    cell = found.loc[("10270", "w1", "all")]
    assert cell.estimate == cell.conf_low == 0
    assert cell.conf_high > 0.001


def test_levels__without_answers_are_empty_and_quiet(panel, design, recwarn):
    nobody = panel.assign(poor=np.nan, y=panel.y.where(panel.wave != "w2"))
    found = levels(nobody, design, ["y"])
    assert (found[found.group == "poor"].n == 0).all()
    assert found[(found.group == "poor") | (found.wave == "w2")].conf_low.isna().all()
    validate(found, "levels")
    assert not recwarn.list


def test_levels__do_not_depend_on_the_order_of_rows_nor_change_the_frame(panel, design):
    before = panel.copy(deep=True)
    found = levels(panel, design, ["y", "z"])
    pd.testing.assert_frame_equal(panel, before)
    shuffled = levels(panel.sample(frac=1, random_state=2), design, ["y", "z"])
    pd.testing.assert_frame_equal(found, shuffled, rtol=1e-10)


def test_levels__refuse_wrong_scales_and_groups(panel, design):
    with pytest.raises(DesignError, match="other values than 0 and 1"):
        levels(panel, design, pd.DataFrame({"outcome": ["z"], "scale": ["binary"]}))
    with pytest.raises(DesignError, match="unknown scale"):
        levels(panel, design, pd.DataFrame({"outcome": ["z"], "scale": ["ordinal"]}))
    with pytest.raises(DesignError, match="no such group"):
        levels(panel, design, ["y"], ["children"])


def test_levels__cover_the_truth(simulate, panel_of, design):
    # truth: communes as they are, teams and households in them drawn anew
    district, communes = [], []
    for seed in range(40):
        h = simulate(seed, effect=0.0)
        found = levels(panel_of(h), design, ["y"], ["all"])
        truth = h.groupby("commune_code").true_level.first()
        truth["district"] = truth.mean()
        covered = found.conf_low.le(found.area.map(truth)) & found.conf_high.ge(
            found.area.map(truth)
        )
        district.extend(covered[found.area == "district"])
        communes.extend(covered[found.area != "district"])
    # waves of a district share its teams: 40 independent draws, error about .03
    assert np.mean(district) >= 0.88
    assert 0.93 <= np.mean(communes) <= 0.975


def test_choices__counts_households_that_answered():
    answers = pd.DataFrame(
        [
            ("h1", "w1", "10270", "t1", "wish", "class", 1),
            ("h1", "w1", "10270", "t1", "wish", "visit", 1),
            ("h2", "w1", "10270", "t1", "wish", "class", 0),
            ("h2", "w1", "10270", "t1", "wish", "visit", 1),
            ("h3", "w1", "10273", "t2", "wish", "class", 0),
            ("h3", "w1", "10273", "t2", "wish", "visit", 0),
        ],
        columns=["hhid", "wave", "commune_code", "team_id", "variable", "choice", "chosen"],
    )
    found = choices(answers)
    validate(found, "choices")
    counts = found.set_index(["area", "choice"])[["numerator", "n"]].T.to_dict("list")
    assert counts == {
        ("10270", "class"): [1, 2],
        ("10270", "visit"): [2, 2],
        ("10273", "class"): [0, 1],
        ("10273", "visit"): [0, 1],
        ("district", "class"): [1, 3],
        ("district", "visit"): [2, 3],
    }
