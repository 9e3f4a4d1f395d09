"""Comparisons that nobody drew: against loops, known truths, and data that cannot carry them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from survey_tools import contracts
from survey_tools.errors import DesignError
from survey_tools.estimate.effects import (
    SeparationError,
    aipw,
    logit_scores,
    overlap_table,
)
from survey_tools.estimate.effects.propensity import Predictions, cluster_folds, cross_fit
from survey_tools.estimate.effects.weighting import (
    aipw_coefficient,
    balancing_weights,
)
from survey_tools.estimate.regression import Problem
from survey_tools.estimate.regression.least_squares import ols
from survey_tools.estimate.regression.regressors import Columns


def confounded(seed: int, teams: int = 60, per_team: int = 12) -> dict[str, np.ndarray]:
    """Treatment and outcome both follow `x`, neither linearly in `x**2`; the effect is exactly 1."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(teams), per_team)
    x = rng.normal(size=len(clusters)) + rng.normal(0, 0.3, teams)[clusters]
    score = 1 / (1 + np.exp(-(0.8 * x)))
    treated = (rng.random(len(x)) < score).astype(float)
    noise = rng.normal(size=len(x)) + rng.normal(0, 0.3, teams)[clusters]
    return {"clusters": clusters, "x": x, "treated": treated, "noise": noise, "score": score}


def as_columns(**columns: np.ndarray) -> Columns:
    return Columns(np.column_stack(list(columns.values())), tuple(columns))


def test_logit_scores_equal_statsmodels_logit():
    data = confounded(1)
    x = np.column_stack([data["x"], 1000 + 50 * data["noise"]])
    expected = sm.Logit(data["treated"], sm.add_constant(x)).fit(disp=0, method="newton").predict()
    found = logit_scores(data["treated"], Columns(x, ("x", "income")))
    assert found == pytest.approx(expected, abs=1e-9)


def test_logit_scores_leave_collinear_and_constant_covariates_out():
    data = confounded(1)
    alone = logit_scores(data["treated"], as_columns(x=data["x"]))
    more = as_columns(x=data["x"], twice=2 * data["x"] + 1, same=np.ones(len(data["x"])))
    assert logit_scores(data["treated"], more) == pytest.approx(alone, abs=1e-12)


def test_weights_in_the_logit_equal_repeated_rows():
    data = confounded(3)
    times = np.random.default_rng(0).integers(1, 4, len(data["x"]))
    weighted = logit_scores(data["treated"], as_columns(x=data["x"]), weights=times.astype(float))
    again = np.repeat(np.arange(len(times)), times)
    repeated = logit_scores(data["treated"][again], as_columns(x=data["x"][again]))
    assert weighted[again] == pytest.approx(repeated, abs=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("partly", [False, True])
def test_separated_logit_is_refused_and_names_the_covariate(partly):
    data = confounded(2)
    tell = (data["treated"] == 1) & ((data["x"] > 0) if partly else True)
    with pytest.raises(SeparationError, match="counterparts") as caught:
        logit_scores(data["treated"], as_columns(x=data["x"], tell=tell.astype(float)))
    assert "tell" in caught.value.found


def test_large_odds_without_separation_are_not_refused():
    data = confounded(2)
    x = data["x"].copy()
    x[0] = 60.0 if data["treated"][0] == 1 else -60.0
    assert logit_scores(data["treated"], as_columns(x=x)).max() <= 1


def test_folds_hold_whole_clusters_and_balance_the_arms():
    clusters = np.repeat(np.arange(40), 5)
    treated = (clusters % 2).astype(float)
    folds = cluster_folds(treated, clusters, 5, np.random.default_rng(1))
    by_cluster = pd.Series(folds).groupby(clusters).nunique()
    assert by_cluster.max() == 1
    assert set(np.bincount(folds)) == {40}
    assert [treated[folds == fold].mean() for fold in range(5)] == [0.5] * 5


def test_cross_fit_equals_a_loop_over_folds():
    data = confounded(4)
    y = 1 * data["treated"] + 2 * data["x"] + data["noise"]
    x, d, clusters = data["x"], data["treated"], data["clusters"]
    found = cross_fit(y, d, as_columns(x=x), clusters, folds=4, repeats=1, seed=9)
    folds = cluster_folds(d, clusters, 4, np.random.default_rng(9))
    exog = sm.add_constant(x)
    for i in (0, 13, 200, 719):
        out = folds != folds[i]
        logit = sm.Logit(d[out], exog[out]).fit(disp=0)
        assert found.score[i] == pytest.approx(logit.predict(exog[i])[0], abs=1e-8)
        for arm, prediction in ((1, found.if_treated), (0, found.if_untreated)):
            rows = out & (d == arm)
            line = sm.OLS(y[rows], exog[rows]).fit()
            assert prediction[i] == pytest.approx(line.predict(exog[i])[0], abs=1e-9)


@pytest.mark.parametrize("target", ["ate", "att", "ato"])
def test_aipw_estimate_and_error_equal_a_loop_over_rows(target):
    data = confounded(5, teams=12)
    rng = np.random.default_rng(5)
    d, clusters, p = data["treated"], data["clusters"], data["score"]
    m1, m0 = 1 + data["x"], 0.3 * data["x"]
    y = m0 + d + data["noise"]
    sampling = rng.uniform(0.5, 2, len(y))
    weights = balancing_weights(d, p, target, sampling)
    found = aipw_coefficient(y, d, Predictions(p, m1, m0), weights, clusters)

    tilt = {"ate": np.ones_like(p), "att": p, "ato": p * (1 - p)}[target]
    base = d if target == "att" else tilt
    top = sum(s * h * (a - b) for s, h, a, b in zip(sampling, base, m1, m0, strict=True))
    estimate = top / sum(s * h for s, h in zip(sampling, base, strict=True))
    for arm, mean, sign in ((1, m1, 1), (0, m0, -1)):
        rows = [i for i in range(len(y)) if d[i] == arm]
        each = [sampling[i] * tilt[i] / (p[i] if arm else 1 - p[i]) for i in rows]
        gaps = [w * (y[i] - mean[i]) for w, i in zip(each, rows, strict=True)]
        estimate += sign * sum(gaps) / sum(each)
    assert found.estimate == pytest.approx(estimate, abs=1e-12)

    parts = ((base * sampling, m1 - m0, 1), (weights.treated, y - m1, 1))
    parts += ((weights.untreated, y - m0, -1),)
    variance = 0.0
    for g in range(12):
        total = 0.0
        for weight, value, sign in parts:
            share = weight / weight.sum()
            own = clusters == g
            influence = (share * (value - share @ value))[own].sum()
            total += sign * influence / np.sqrt(1 - share[own].sum())
        variance += total**2
    assert found.std_error == pytest.approx(np.sqrt(variance), rel=1e-12)


def test_aipw_without_covariates_is_cr2_of_a_difference_in_means():
    rng = np.random.default_rng(6)
    sizes = rng.integers(3, 20, 14)
    clusters = np.repeat(np.arange(14), sizes)
    d = (clusters < 6).astype(float)
    y = d + rng.normal(size=len(d)) + rng.normal(size=14)[clusters]
    flat = np.full(len(y), 0.4)
    weights = balancing_weights(d, flat, "ate")
    found = aipw_coefficient(y, d, Predictions(flat, 0 * flat, 0 * flat), weights, clusters)
    alone = np.zeros(len(y), dtype=np.int64)
    problem = Problem(y, d, np.empty((len(y), 0)), alone, clusters, tuple(map(str, range(14))))
    expected = ols(problem)
    assert found.estimate == pytest.approx(expected.estimate, abs=1e-12)
    assert found.std_error == pytest.approx(expected.std_error, rel=1e-10)


def mean_error(lines_see_square: bool, logit_sees_square: bool) -> tuple[float, float]:
    """Mean error of AIPW and its simulation error, where x² moves both treatment and outcome."""
    errors = []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        clusters, x = np.repeat(np.arange(80), 10), rng.normal(size=800)
        square = x**2 - 1
        d = (rng.random(800) < 1 / (1 + np.exp(-0.5 * x - 0.5 * square))).astype(float)
        y = d + x + square + rng.normal(size=800)
        with_square, without = as_columns(x=x, square=square), as_columns(x=x)
        lines = with_square if lines_see_square else without
        part = cross_fit(y, d, lines, clusters, repeats=1)
        logit = with_square if logit_sees_square else without
        p = cross_fit(y, d, logit, clusters, repeats=1).score
        predictions = Predictions(p, part.if_treated, part.if_untreated)
        weights = balancing_weights(d, p, "ate")
        errors.append(aipw_coefficient(y, d, predictions, weights, clusters).estimate - 1)
    return float(np.mean(errors)), float(np.std(errors) / 4)


@pytest.mark.parametrize("lines_see_square", [True, False], ids=["outcome", "score"])
def test_aipw_is_right_if_only_the_outcome_or_only_the_score_is_modelled_right(lines_see_square):
    error, of_simulation = mean_error(lines_see_square, not lines_see_square)
    assert abs(error) < 3 * of_simulation + 0.03


def test_aipw_is_wrong_if_both_models_are():
    assert mean_error(False, False)[0] > 0.3


def test_interval_of_aipw_covers_with_twenty_clusters():
    covered = []
    for seed in range(100):
        data = confounded(seed, teams=20, per_team=8)
        y, columns = data["treated"] + data["x"] + data["noise"], as_columns(x=data["x"])
        d, clusters = data["treated"], data["clusters"]
        predictions = cross_fit(y, d, columns, clusters, repeats=1)
        weights = balancing_weights(d, predictions.score, "ate")
        found = aipw_coefficient(y, d, predictions, weights, clusters)
        covered.append(found.conf_low < 1 < found.conf_high)
    assert 0.88 <= np.mean(covered) <= 1


def test_aipw_row_meets_the_contract_and_finds_the_known_effect(simulate, design):
    households = simulate(3, effect=0.2, answered=1.0)
    row = aipw(households, design, "y")
    contracts.validate(row.drop(columns="n_communes"), "effects")
    assert row.loc[0, "estimand"] == "aipw_ate"
    assert abs(row.loc[0, "estimate"] - 0.2) < 3 * row.loc[0, "std_error"]
    assert "not randomised" in row.loc[0, "note"]


def test_aipw_of_a_household_treatment_removes_measured_confounding(households, design):
    """`keen` households are reached and use more; once it is measured, no effect is left."""
    rng = np.random.default_rng(0)
    n = len(households)
    keen = rng.normal(size=n)
    got = (rng.random(n) < 1 / (1 + np.exp(-keen))).astype(float)
    frame = households.assign(keen=keen, got=got, u__w3=keen + rng.normal(size=n), u__w1=0.0)
    raw = frame.u__w3[got == 1].mean() - frame.u__w3[got == 0].mean()
    for target in ("ate", "att", "ato"):
        row = aipw(frame, design, "u", treatment="got", further=["keen"], target=target).iloc[0]
        assert raw > 0.5
        assert abs(row.estimate) < 3 * row.std_error < 0.25


def test_aipw_does_not_depend_on_the_order_of_rows(households, design):
    shuffled = households.sample(frac=1, random_state=1)
    one, other = (
        aipw(frame, design, "y", treatment="reached__w3") for frame in (households, shuffled)
    )
    numbers = ["estimate", "std_error", "df", "n"]
    assert one[numbers].to_numpy() == pytest.approx(other[numbers].to_numpy(), rel=1e-9)


def test_aipw_depends_little_on_the_seed(households, design):
    rows = [aipw(households, design, "y", treatment="reached__w3", seed=s) for s in range(4)]
    estimates = [row.loc[0, "estimate"] for row in rows]
    assert np.std(estimates) < 0.1 * rows[0].loc[0, "std_error"]


def test_equal_probability_weights_change_nothing(households, design):
    weighted = aipw(households.assign(w=3.0), replace(design, weights="w"), "y")
    plain = aipw(households, design, "y")
    assert weighted.loc[0, "estimate"] == pytest.approx(plain.loc[0, "estimate"], abs=1e-10)
    assert weighted.loc[0, "std_error"] == pytest.approx(plain.loc[0, "std_error"], rel=1e-8)


def test_aipw_of_separated_arms_has_a_note_and_no_number(households, design):
    frame = households.assign(visited=households.intensive.astype(float))
    row = aipw(frame, design, "y", further=["visited"]).iloc[0]
    assert np.isnan(row.estimate)
    assert "visited" in row.note


def test_aipw_without_overlap_has_a_note_and_no_number(households, design):
    rng = np.random.default_rng(3)
    n = len(households)
    x = np.where(households.intensive == 1, 3.0, -3.0) + rng.normal(size=n)
    frame = households.assign(x=x)
    frame.loc[frame.index[:40], "x"] *= -1  # a few on the other side, so that there is a maximum
    row = aipw(frame, design, "y", further=["x"], trim=0.45, strata=False).iloc[0]
    assert "left out for want of overlap" in row.note
    assert row.n < n / 10
    table = overlap_table(frame, design, "y", further=["x"], strata=False)
    assert table.loc[table.arm == "treated", "share_above"].item() > 0.8
    assert table.loc[table.arm == "untreated", "effective_n"].item() < n / 10


def test_aipw_says_why_there_is_nothing(households, design):
    nobody = households.assign(y__w3=np.nan)
    assert aipw(nobody, design, "y").loc[0, "note"] == "no answers"
    alike = households.assign(y__w3=1.0)
    assert aipw(alike, design, "y").loc[0, "note"] == "the outcome does not vary"
    one_team = households.assign(got=(households.team_id == households.team_id[0]).astype(float))
    assert "fewer than 2" in aipw(one_team, design, "y", treatment="got").loc[0, "note"]
    few = households.assign(got=0.0)
    few.loc[few.index[::250], "got"] = 1.0
    assert "too few rows" in aipw(few, design, "y", treatment="got").loc[0, "note"]


@pytest.mark.parametrize("wrong", [{"target": "late"}, {"trim": 0.5}, {"treatment": "resp_age"}])
def test_wrong_settings_are_refused(households, design, wrong):
    with pytest.raises(DesignError):
        aipw(households, design, "y", **wrong)


def test_aipw__refuses_rows_without_a_place_and_households_listed_twice(households, design):
    for column in ("team_id", "commune_code"):
        gap = households.assign(**{column: households[column].mask(households.index == 3)})
        with pytest.raises(DesignError, match="where they belong"):
            aipw(gap, design, "y", treatment="reached__w3")
    moved = households.commune_code.mask(households.index == 0, households.commune_code.iloc[-1])
    with pytest.raises(DesignError, match="more than one stratum"):
        aipw(households.assign(commune_code=moved), design, "y", treatment="reached__w3")
    with pytest.raises(DesignError, match="several rows"):
        aipw(pd.concat([households, households[:1]]), design, "y", treatment="reached__w3")
