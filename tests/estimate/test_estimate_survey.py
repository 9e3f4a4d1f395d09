from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey_tools.contracts import validate
from survey_tools.errors import DesignError
from survey_tools.estimate import levels
from survey_tools.estimate.levels import (
    SurveySample,
    levels_weighted,
    proportion_interval,
    survey_mean,
    survey_ratio,
    survey_regression,
    survey_total,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "estimate"
DIGITS = 1e-10
# svyciprop iterates its logistic fit to about nine digits
ITERATED = 1e-7


@pytest.fixture(scope="module")
def drawn():
    return pd.read_csv(FIXTURES / "survey_sample.csv")


@pytest.fixture(scope="module")
def expected():
    return pd.read_csv(FIXTURES / "expected_survey.csv").set_index(["design", "quantity"])


def sample_of(frame, design="replaced", **changes):
    first = frame.fpc1.to_numpy(float) if design in ("one_stage", "two_stage") else None
    second = frame.fpc2.to_numpy(float) if design == "two_stage" else None
    strata, units = (pd.factorize(frame[name])[0] for name in ("stratum", "psu"))
    sample = SurveySample(
        frame.weight.to_numpy(), strata, units, first, None, second_population=second
    )
    return replace(sample, **changes)


def column(frame, name):
    return frame[name].to_numpy(float)


def quantities(frame, sample):
    y, x, women = (column(frame, name) for name in ("y", "x", "women"))
    found = {
        f"{kind}_{name}": function(sample, column(frame, name))
        for kind, function in (("mean", survey_mean), ("total", survey_total))
        for name in ("y", "share")
    }
    found["ratio"] = survey_ratio(sample, y, x)
    found["women_mean"] = survey_mean(sample, y, domain=women == 1)
    found["women_total"] = survey_total(sample, y, domain=women == 1)
    found["stratum_mean"] = survey_mean(sample, y, domain=column(frame, "stratum") == 2)
    return found


@pytest.mark.parametrize("design", ["two_stage", "one_stage", "replaced"])
def test_survey__is_what_r_survey_says(drawn, expected, design):
    for quantity, found in quantities(drawn, sample_of(drawn, design)).items():
        r = expected.loc[(design, quantity)]
        assert found.value[0] == pytest.approx(r["value"], rel=DIGITS), quantity
        assert found.std_error[0] == pytest.approx(r["std_error"], rel=DIGITS), quantity
        assert found.df == r["df"], quantity
        if not np.isnan(r["deff"]):
            assert found.deff[0] == pytest.approx(r["deff"], rel=DIGITS), quantity
        if not np.isnan(r["low"]):
            low, high = found.interval()
            assert (low[0], high[0]) == pytest.approx((r["low"], r["high"]), rel=DIGITS)


@pytest.mark.parametrize("design", ["two_stage", "one_stage", "replaced"])
def test_survey_regression__is_what_r_svyglm_says(drawn, expected, design):
    x = np.column_stack([np.ones(len(drawn)), drawn.x, drawn.women])
    found = survey_regression(sample_of(drawn, design), column(drawn, "y"), x)
    r = expected.loc[[(design, f"slope_{j}") for j in range(3)]]
    assert found.value == pytest.approx(r["value"].to_numpy(), rel=1e-9)
    assert found.std_error == pytest.approx(r["std_error"].to_numpy(), rel=1e-9)
    assert (found.df == r["df"]).all()


@pytest.mark.parametrize("design", ["two_stage", "one_stage", "replaced"])
@pytest.mark.parametrize("name", ["share", "rare"])
@pytest.mark.parametrize(("kind", "digits"), [("logit", ITERATED), ("beta", DIGITS)])
def test_proportion_interval__is_what_r_svyciprop_says(drawn, expected, design, name, kind, digits):
    found = survey_mean(sample_of(drawn, design), column(drawn, name))
    r = expected.loc[(design, f"{kind}_{name}")]
    assert proportion_interval(found, kind=kind) == pytest.approx((r.low, r.high), rel=digits)


def test_survey__centres_a_lonely_unit_as_r_does(drawn, expected):
    frame = drawn[drawn.psu != 602]
    found = survey_mean(sample_of(frame, lonely="centred"), column(frame, "y"))
    r = expected.loc[("lonely", "mean_y")]
    assert found.std_error[0] == pytest.approx(r["std_error"], rel=DIGITS)
    assert found.df == r["df"]
    with pytest.raises(DesignError, match="one sampling unit only"):
        survey_mean(sample_of(frame), column(frame, "y"))


def test_survey_mean__of_a_simple_random_sample_is_the_textbook(drawn):
    y = column(drawn, "y")
    n, population = len(y), 900.0
    rows = np.arange(n)
    sample = SurveySample(
        np.full(n, population / n), np.zeros(n, int), rows, np.full(n, population)
    )
    found = survey_mean(sample, y)
    assert found.value[0] == pytest.approx(y.mean())
    assert found.std_error[0] == pytest.approx(y.std(ddof=1) * np.sqrt((1 - n / population) / n))
    assert found.deff[0] == pytest.approx(1)


def test_survey_total__is_unbiased_with_its_variance_over_all_two_stage_samples():
    # 2 of 3 units, and 2 of 3 rows in each: all 27 samples, each as likely
    from itertools import combinations, product

    y = np.array([[1.0, 4.0, 2.0], [7.0, 5.0, 9.0], [3.0, 3.0, 8.0]])
    totals, variances = [], []
    for units in combinations(range(3), 2):
        for rows in product(combinations(range(3), 2), repeat=2):
            values = np.array([y[u, r] for u, pair in zip(units, rows, strict=True) for r in pair])
            unit = np.array([0, 0, 1, 1])
            full = np.full(4, 3.0)
            sample = SurveySample(np.full(4, 2.25), np.zeros(4, int), unit, full, None, full)
            found = survey_total(sample, values)
            totals.append(found.value[0])
            variances.append(found.covariance[0, 0])
    assert len(totals) == 27
    assert np.mean(totals) == pytest.approx(y.sum())
    assert np.mean(variances) == pytest.approx(np.var(totals))


def test_survey_mean__over_a_domain_is_not_that_of_a_subset(drawn):
    women = column(drawn, "women") == 1
    subset = drawn[women]
    whole = survey_mean(sample_of(drawn), column(drawn, "y"), domain=women)
    cut = survey_mean(sample_of(subset, lonely="centred"), column(subset, "y"))
    assert whole.value[0] == pytest.approx(cut.value[0])
    assert whole.std_error[0] != pytest.approx(cut.std_error[0], rel=1e-3)


def test_survey__does_not_depend_on_order_or_scale_of_weights(drawn):
    mixed = drawn.sample(frac=1, random_state=3)
    first = survey_mean(sample_of(drawn, "two_stage"), column(drawn, "y"))
    again = survey_mean(sample_of(mixed, "two_stage"), column(mixed, "y"))
    assert again.std_error[0] == pytest.approx(first.std_error[0])
    small = sample_of(drawn, "two_stage", weights=drawn.weight.to_numpy() / 1e4)
    scaled = survey_mean(small, column(drawn, "y"))
    assert scaled.std_error[0] == pytest.approx(first.std_error[0])
    assert scaled.deff[0] > 0


def test_survey__rows_of_weight_zero_count_for_nothing_even_with_gaps(drawn):
    out = column(drawn, "women") == 1
    weights = np.where(out, 0.0, drawn.weight)
    y = np.where(out, np.nan, drawn.y)
    found = survey_mean(sample_of(drawn, weights=weights), y)
    expected = survey_mean(sample_of(drawn), column(drawn, "y"), domain=~out)
    assert (found.value[0], found.std_error[0], found.n) == pytest.approx(
        (expected.value[0], expected.std_error[0], expected.n)
    )


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_proportion_interval__at_the_ends(drawn, value):
    found = survey_mean(sample_of(drawn), np.full(len(drawn), value))
    for kind in ("wilson", "beta"):
        low, high = proportion_interval(found, kind=kind)
        assert (low == 0) if value == 0 else (high == 1)
        assert 0.01 < high - low < 0.05
        wider = proportion_interval(found, kind=kind, n_at_ends=20)
        assert 0.1 < wider[1] - wider[0] < 0.25
    assert np.isnan(proportion_interval(found, kind="logit")).all()


def test_proportion_interval__wilson_is_the_score_test_with_effective_answers(drawn):
    found = survey_mean(sample_of(drawn), column(drawn, "share"))
    p, n = found.value[0], found.n
    ratio = stats.t.ppf(0.025, n - 1) / stats.t.ppf(0.025, found.df)
    effective = p * (1 - p) / found.covariance[0, 0] * ratio**2
    for limit in proportion_interval(found):
        assert (p - limit) ** 2 == pytest.approx(
            1.959963984540054**2 * limit * (1 - limit) / effective
        )


def test_survey__refuses_what_is_no_sample(drawn):
    y = column(drawn, "y")
    good = sample_of(drawn)
    for weights in (np.zeros(len(y)), -good.weights, good.weights * np.nan):
        with pytest.raises(DesignError, match="weights carry no sample"):
            replace(good, weights=weights)
    with pytest.raises(DesignError, match="two strata"):
        replace(good, strata=np.arange(len(y)) % 2)
    with pytest.raises(DesignError, match="larger than its population"):
        survey_mean(replace(good, population=np.full(len(y), 2.0)), y)
    with pytest.raises(DesignError, match="missing in a row"):
        survey_mean(good, np.where(y > 20, np.nan, y))
    with pytest.raises(DesignError, match="domain is empty"):
        survey_mean(good, y, domain=np.zeros(len(y), bool))
    with pytest.raises(DesignError, match="nothing to divide"):
        survey_ratio(good, y, np.zeros(len(y)))
    with pytest.raises(DesignError, match="collinear"):
        survey_regression(good, y, np.column_stack([y, 2 * y]))


def test_survey_mean__of_one_unit_has_no_interval(drawn):
    frame = drawn[drawn.psu == 101]
    found = survey_mean(sample_of(frame, lonely="centred"), column(frame, "share"))
    assert found.df == 0
    assert np.isnan(found.interval()).all()
    assert np.isnan(proportion_interval(found)).all()


@pytest.fixture(scope="module")
def panel(households, panel_of):
    frame = panel_of(households)
    rng = np.random.default_rng(8)
    return frame.assign(weight=rng.uniform(20, 60, len(frame)))


OUTCOMES = pd.DataFrame({"outcome": ["y", "z"], "scale": ["binary", "amount"]})


def test_levels_weighted__stands_beside_the_levels(panel, design):
    found = levels_weighted(panel, design, OUTCOMES, ["all", "poor"])
    validate(found, "levels")
    assert len(found) == 3 * 2 * 2
    plain = levels(panel, design, OUTCOMES, ["all", "poor"])
    plain = plain[plain.area == "district"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found[plain.columns], plain)
    assert found.weighted_low.lt(found.weighted).all()
    assert found.weighted.lt(found.weighted_high).all()
    assert (found.note == "").all()


def test_levels_weighted__is_the_weighted_mean_with_the_error_of_a_sample_of_teams(panel, design):
    found = levels_weighted(panel, design, OUTCOMES).set_index(["wave", "outcome"])
    rows = panel[panel.wave == "w2"]
    mean = np.average(rows.z, weights=rows.weight)
    z = (rows.weight * (rows.z - mean) / rows.weight.sum()).groupby(
        [rows.commune_code, rows.team_id]
    )
    totals = z.sum()
    by = totals.groupby(level=0)
    variance = (by.var(ddof=1) * by.size()).sum()
    cell = found.loc[("w2", "z")]
    half = stats.t.ppf(0.975, 162 - 27) * np.sqrt(variance)
    assert cell.weighted_df == 162 - 27
    assert (cell.weighted, cell.weighted_low) == pytest.approx((mean, mean - half))


def test_levels_weighted__with_equal_weights_is_the_mean(panel, design):
    found = levels_weighted(panel.assign(weight=34.0), design, OUTCOMES)
    assert found.weighted.to_numpy() == pytest.approx(found.estimate.to_numpy())
    # the unweighted interval rests on the ICC, this one on the sample of teams within communes
    width = (found.weighted_high - found.weighted_low) / (found.conf_high - found.conf_low)
    assert width.between(0.7, 1.3).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_levels_weighted__at_the_ends(panel, design, value, recwarn):
    found = levels_weighted(panel.assign(y=value, z=value), design, OUTCOMES)
    shares = found[found.outcome == "y"]
    width = shares.weighted_high - shares.weighted_low
    assert width.between(0.0005, 0.01).all()
    amounts = found[found.outcome == "z"]
    assert amounts.weighted_low.isna().all()
    assert amounts.note.str.contains("all answers are the same").all()
    assert not recwarn.list


def test_levels_weighted__without_answers_is_empty(panel, design):
    nobody = panel.assign(y=panel.y.where(panel.wave != "w2"))
    found = levels_weighted(nobody, design, ["y"]).set_index("wave")
    assert found.note["w2"] == "no answers"
    assert np.isnan(found.weighted["w2"])
    validate(found.reset_index(), "levels")


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan])
def test_levels_weighted__refuses_weights_that_are_not_above_zero(panel, design, weight):
    wrong = panel.assign(weight=panel.weight.where(panel.index != 5, weight))
    with pytest.raises(DesignError, match="not above zero"):
        levels_weighted(wrong, design, ["y"])
    with pytest.raises(DesignError, match="not in the table"):
        levels_weighted(panel.drop(columns="weight"), design, ["y"])


def test_levels_weighted__of_a_commune_with_one_team_says_so(panel, design):
    first = panel[panel.commune_code == "10270"].team_id.iloc[0]
    few = panel[(panel.commune_code != "10270") | (panel.team_id == first)]
    found = levels_weighted(few, design, ["y"])
    assert found.note.eq("commune_code with one team: 10270").all()
    alone = levels_weighted(panel[panel.team_id == first], design, ["y"])
    assert alone.weighted_low.isna().all()
    assert alone.note.str.contains("too few teams").all()


def test_levels_weighted__covers_the_weighted_truth(simulate, panel_of, design):
    # weights fall with the level: the plain mean is off, the weighted one is not
    hits, plain = [], []
    for seed in range(16):
        h = simulate(seed, effect=0.0, communes=12)
        frame = panel_of(h)
        level = h.groupby("commune_code").true_level.first()
        size = pd.Series(np.where(level > 0.35, 1.0, 5.0), level.index)
        frame = frame.assign(weight=20 * frame.commune_code.map(size))
        found = levels_weighted(frame[frame.wave == "w1"], design, ["y"]).iloc[0]
        truth = np.average(level, weights=size)
        hits.append(found.weighted_low <= truth <= found.weighted_high)
        plain.append(found.estimate - truth)
    assert np.mean(hits) >= 0.8
    assert np.mean(plain) > 0.015
