from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey_tools.contracts import validate
from survey_tools.errors import DesignError
from survey_tools.estimate import (
    effects,
    first_stage,
    itt,
    itt_lin,
    itt_unadjusted,
    itt_weighted,
    late,
    naive,
)

NUMBERS = ["estimate", "std_error", "df", "p_value", "conf_low", "conf_high"]


def by_hand(y, exog, clusters):
    """First coefficient, its CR2 error and Satterthwaite df, by diff-diff's implementation."""
    from diff_diff.linalg import compute_robust_vcov

    exog = np.asarray(exog, dtype=float)
    codes = pd.factorize(np.asarray(clusters), sort=True)[0]
    beta = np.linalg.lstsq(exog, y, rcond=None)[0]
    covariance, df = compute_robust_vcov(
        exog, y - exog @ beta, cluster_ids=codes, vcov_type="hc2_bm", return_dof=True
    )
    return beta[0], np.sqrt(covariance[0, 0]), df[0]


def dummies(frame, design):
    return pd.get_dummies(frame[design.stratum]).to_numpy(float)


def close(one, other):
    pd.testing.assert_frame_equal(one[NUMBERS], other[NUMBERS], rtol=1e-9, atol=1e-12)


def test_itt__equals_cr2_by_hand(households, design):
    found = itt(households, design, "y").iloc[0]
    frame = households.dropna(subset=["y__w3"])
    exog = np.column_stack(
        [frame.intensive, dummies(frame, design), frame[["y__w1", *design.controls]]]
    )
    estimate, error, df = by_hand(frame.y__w3.to_numpy(), exog, frame.team_id)
    assert found.estimate == pytest.approx(estimate, rel=1e-10)
    assert found.std_error == pytest.approx(error, rel=1e-10)
    assert found.df == pytest.approx(df, rel=1e-9)
    half = stats.t.ppf(0.975, df) * error
    assert found.conf_low == pytest.approx(estimate - half, rel=1e-10)
    assert found.conf_high == pytest.approx(estimate + half, rel=1e-10)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(estimate / error), df), rel=1e-8)
    size = len(frame), frame.team_id.nunique(), 27
    assert (found.n, found.n_teams, found.n_communes) == size
    assert found.method == "OLS, ANCOVA, commune_code dummies, CR2 by team_id, Satterthwaite t"
    assert found.mean_regular == frame.y__w3[frame.intensive == 0].mean()


def test_itt__fills_gaps_and_marks_them(households, design):
    gaps = households.copy()
    gaps.loc[::7, "y__w1"] = np.nan
    gaps.loc[::5, "resp_age"] = np.nan
    found = itt(gaps, design, "y").iloc[0]
    frame = gaps.dropna(subset=["y__w3"])
    exog = np.column_stack(
        [
            frame.intensive,
            dummies(frame, design),
            frame.y__w1.fillna(0),
            frame.y__w1.isna(),
            frame.resp_age.fillna(frame.resp_age.mean()),
            frame.resp_age.isna(),
            frame[["resp_female", "poor"]],
        ]
    ).astype(float)
    estimate, error, _ = by_hand(frame.y__w3.to_numpy(), exog, frame.team_id)
    assert found.estimate == pytest.approx(estimate, rel=1e-10)
    assert found.std_error == pytest.approx(error, rel=1e-10)
    assert f"y__w1 missing in {frame.y__w1.isna().sum()} rows" in found.note
    assert f"resp_age missing in {frame.resp_age.isna().sum()} rows" in found.note


def test_itt_unadjusted__is_the_precision_weighted_difference_within_strata(households, design):
    frame = households.dropna(subset=["y__w3"])
    arms = frame.groupby(["commune_code", "intensive"])["y__w3"].agg(["mean", "size"]).unstack()
    regular, intensive = arms["size"][0], arms["size"][1]
    weight = regular * intensive / (regular + intensive)
    expected = np.average(arms["mean"][1] - arms["mean"][0], weights=weight)
    assert itt_unadjusted(households, design, "y").estimate[0] == pytest.approx(expected, rel=1e-10)


def test_itt__with_estimator_difference_adjusts_for_strata_only(households, design):
    plain = replace(design, estimator="difference")
    close(itt(households, plain, "y"), itt_unadjusted(households, design, "y"))


def test_effects__do_not_depend_on_order_types_or_unused_categories(households, design):
    expected = effects(households, design, ["y", "z"])
    shuffled = households.sample(frac=1, random_state=1)
    close(effects(shuffled, design, ["y", "z"]), expected)
    close(effects(households.astype({"intensive": float}), design, ["y", "z"]), expected)
    close(effects(households.astype({"intensive": bool}), design, ["y", "z"]), expected)
    unused = households.copy()
    for column in ("team_id", "commune_code"):
        unused[column] = unused[column].astype("category").cat.add_categories(["99999"])
    close(effects(unused, design, ["y", "z"]), expected)


def test_effects__nullable_columns_are_as_floats(households, design):
    nullable = households.astype({"y__w3": "Int64", "y__w1": "Int64", "resp_age": "Float64"})
    close(effects(nullable, design, ["y"]), effects(households, design, ["y"]))


def test_effects__leave_the_callers_frame_alone(households, design):
    before = households.copy(deep=True)
    effects(households, design, ["y"])
    pd.testing.assert_frame_equal(households, before)


def test_effects__fit_the_contract(households, design):
    found = effects(households, design, pd.DataFrame({"outcome": ["y", "z"]}))
    validate(found, "effects")
    assert list(found.estimand) == [
        "first_stage",
        *["itt", "itt_lin", "itt_unadjusted", "naive", "late"] * 2,
    ]
    assert found.outcome[0] == "reached"


def test_effects__recover_the_truth_where_the_naive_comparison_does_not(simulate, design):
    # no effect at all; ten districts
    found = pd.concat(
        [effects(simulate(seed, effect=0.0), design, ["y"]) for seed in range(10)]
    ).set_index("estimand")
    mean = found.groupby(level=0).estimate.mean()
    mcse = found.groupby(level=0).estimate.std() / np.sqrt(10)
    assert abs(mean["itt"]) < 3 * mcse["itt"]
    assert abs(mean["late"]) < 3 * mcse["late"]
    assert mean["naive"] > 3 * mcse["naive"]
    assert abs(mean["first_stage"] - 0.35) < 3 * mcse["first_stage"]


def test_first_stage__is_the_effect_on_being_reached(households, design):
    found = first_stage(households, design).iloc[0]
    frame = households.dropna(subset=["reached__w3"])
    exog = np.column_stack([frame.intensive, dummies(frame, design), frame[list(design.controls)]])
    estimate, error, _ = by_hand(frame.reached__w3.to_numpy(), exog, frame.team_id)
    assert found.estimate == pytest.approx(estimate, rel=1e-10)
    assert found.std_error == pytest.approx(error, rel=1e-10)
    assert (found.outcome, found.estimand) == ("reached", "first_stage")


def test_late__is_itt_over_first_stage(households, design):
    plain = replace(design, estimator="difference")
    ratio = itt(households, plain, "y").estimate[0] / first_stage(households, plain).estimate[0]
    assert late(households, plain, "y").estimate[0] == pytest.approx(ratio, rel=1e-10)


def test_late__standard_error_and_f_equal_cr2_by_hand(households, design):
    plain = replace(design, estimator="difference")
    found = late(households, plain, "y").iloc[0]
    frame = households.dropna(subset=["y__w3"])
    strata = dummies(frame, design)
    z = np.column_stack([frame.intensive, strata])
    first, first_error, _ = by_hand(frame.reached__w3.to_numpy(), z, frame.team_id)
    assert found.first_stage_f == pytest.approx((first / first_error) ** 2, rel=1e-9)
    assert f"first-stage F {found.first_stage_f:.1f}" in found.note
    # second stage: CR2 with fitted contact as regressor and the residual of true contact
    from diff_diff.linalg import compute_robust_vcov

    x = np.column_stack([frame.reached__w3, strata])
    fitted = z @ np.linalg.lstsq(z, x, rcond=None)[0]
    beta = np.linalg.solve(fitted.T @ x, fitted.T @ frame.y__w3)
    residual = frame.y__w3.to_numpy() - x @ beta
    covariance, df = compute_robust_vcov(
        fitted,
        residual,
        cluster_ids=pd.factorize(frame.team_id)[0],
        vcov_type="hc2_bm",
        return_dof=True,
    )
    assert found.std_error == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-8)
    assert found.df == pytest.approx(df[0], rel=1e-8)


def test_late__anderson_rubin_set_is_what_itt_does_not_reject(households, design):
    found = late(households, design, "y").iloc[0]
    assert "Anderson-Rubin set: interval" in found.note
    assert found.ar_low < found.estimate < found.ar_high
    # y less the effect of contact at an end of the set: assignment has p = .05
    plain = replace(design, estimator="difference")
    found = late(households, plain, "y").iloc[0]
    for end in (found.ar_low, found.ar_high):
        rest = households.assign(y__w3=households.y__w3 - end * households.reached__w3)
        assert itt(rest, plain, "y").p_value[0] == pytest.approx(0.05, rel=1e-6)


def test_late__with_a_useless_instrument_has_no_bounded_set(households, design):
    rng = np.random.default_rng(5)
    noise = households.assign(reached__w3=rng.integers(0, 2, len(households)).astype(float))
    found = late(noise, design, "y").iloc[0]
    assert found.first_stage_f < 4
    assert (found.ar_low, found.ar_high) == (-np.inf, np.inf)
    assert "whole line" in found.note or "two half-lines" in found.note
    validate(effects(noise, design, ["y"]), "effects")


def test_late__says_that_the_instrument_is_weak(households, design):
    rng = np.random.default_rng(1)
    noise = households.assign(reached__w3=rng.integers(0, 2, len(households)).astype(float))
    assert "weak: below 10" in late(noise, design, "y").note[0]


def test_naive__is_the_difference_of_means_by_contact(households, design):
    frame = households.dropna(subset=["y__w3"])
    means = frame.groupby("reached__w3")["y__w3"].mean()
    assert naive(households, design, "y").estimate[0] == pytest.approx(means[1] - means[0])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"y__w3": 1.0}, "does not vary"),
        ({"y__w3": np.nan}, "no answers"),
    ],
)
def test_effects__without_variation_are_no_numbers(households, design, change, says):
    found = effects(households.assign(**change), design, ["y"])
    rows = found[found.outcome == "y"]
    assert rows[NUMBERS].isna().all(axis=None)
    assert rows.note.str.contains(says).all()
    validate(found, "effects")


def test_effects__of_an_outcome_asked_in_one_arm_are_no_numbers(households, design):
    asked = households.y__w3.where(households.intensive == 1)
    rows = effects(households.assign(y__w3=asked), design, ["y"]).set_index("estimand")
    assert rows.loc[["itt", "itt_lin", "itt_unadjusted", "late"], NUMBERS].isna().all(axis=None)
    assert "in an arm" in rows.note["itt"]
    assert np.isnan(rows.mean_regular["itt"])


def test_effects__of_few_rows_are_no_numbers(households, design):
    teams = households.team_id.unique()[:6]
    rare = households.y__w3.where(households.team_id.isin(teams) & (households.index % 12 == 0))
    rows = effects(households.assign(y__w3=rare), design, ["y"]).set_index("estimand")
    assert np.isnan(rows.estimate["itt"])
    assert rows.note["itt"].startswith("too few rows")


def test_effects__when_everybody_is_reached(households, design):
    reached = households.reached__w3.where(households.reached__w3.isna(), 1.0)
    rows = effects(households.assign(reached__w3=reached), design, ["y"]).set_index("estimand")
    assert rows.estimate[["first_stage", "naive", "late"]].isna().all()
    assert "reached does not vary" in rows.note["late"]
    assert rows.estimate.notna()["itt"]


def test_itt__drops_and_names_collinear_controls(households, design):
    doubled = households.assign(years=households.resp_age * 2 + 1, same=1.0)
    more = replace(design, controls=(*design.controls, "years", "same"))
    found = itt(doubled, more, "y")
    close(found, itt(households, design, "y"))
    assert found.note[0] == "dropped as collinear: years, same"


def test_itt__names_strata_with_one_arm_and_keeps_their_rows(households, design):
    code = households.commune_code[0]
    lone = households[(households.commune_code != code) | (households.intensive == 1)]
    found = itt(lone, design, "y").iloc[0]
    assert f"commune_code with one arm only: {code}" in found.note
    assert found.n_communes == 27
    without = itt_unadjusted(households[households.commune_code != code], design, "y")
    assert itt_unadjusted(lone, design, "y").estimate[0] == pytest.approx(without.estimate[0])


def test_itt__says_that_there_is_no_baseline(households, design):
    assert "no baseline measure" in itt(households.drop(columns="y__w1"), design, "y").note[0]


def strata_effects(frame):
    arms = frame.groupby(["commune_code", "intensive"])["y__w3"].agg(["mean", "size"]).unstack()
    return arms["mean"][1] - arms["mean"][0], arms["size"].sum(axis=1)


def test_itt_lin__without_covariates_weights_communes_by_households(households, design):
    plain = replace(design, estimator="difference")
    differences, sizes = strata_effects(households.dropna(subset=["y__w3"]))
    expected = np.average(differences, weights=sizes)
    assert itt_lin(households, plain, "y").estimate[0] == pytest.approx(expected, rel=1e-10)


def test_itt_lin__is_the_regression_with_treatment_by_centred_stratum_dummies(households, design):
    plain = replace(design, estimator="difference")
    frame = households.dropna(subset=["y__w3"])
    strata = dummies(frame, design)
    centred = (strata - strata.mean(axis=0))[:, 1:]
    exog = np.column_stack([frame.intensive, strata, centred * frame[["intensive"]].to_numpy()])
    estimate = np.linalg.lstsq(exog, frame.y__w3.to_numpy(), rcond=None)[0][0]
    assert itt_lin(households, plain, "y").estimate[0] == pytest.approx(estimate, rel=1e-9)


def test_itt_lin__with_covariates_equals_weighted_least_squares_by_hand(households, design):
    frame = households.dropna(subset=["y__w3"]).reset_index(drop=True)
    arm = frame.groupby(["commune_code", "intensive"]).y__w3.transform("size")
    weight = np.sqrt(frame.groupby("commune_code").y__w3.transform("size") / arm).to_numpy()
    names = ["y__w1", *design.controls]
    covariates = (frame[names] - frame[names].mean()).to_numpy()
    treated = frame[["intensive"]].to_numpy()
    exog = np.column_stack([treated, dummies(frame, design), covariates, covariates * treated])
    y = frame.y__w3.to_numpy() * weight
    estimate = np.linalg.lstsq(exog * weight[:, None], y, rcond=None)[0][0]
    found = itt_lin(households, design, "y").iloc[0]
    assert found.estimate == pytest.approx(estimate, rel=1e-9)
    assert found.std_error == pytest.approx(itt(households, design, "y").std_error[0], rel=0.15)


def test_itt_lin__averages_over_households_where_effects_differ(simulate, design):
    errors = []
    for seed in range(8):
        district = simulate(seed, effect=0.1, effect_sd=0.1)
        truth = district.dropna(subset=["y__w3"]).true_effect.mean()
        found = itt_lin(district, design, "y").iloc[0]
        errors.append((found.estimate - truth) / found.std_error)
    assert abs(np.mean(errors)) < 3 / np.sqrt(8)


def test_itt_lin__leaves_a_stratum_with_one_arm_out_of_the_average(households, design):
    plain = replace(design, estimator="difference")
    code = households.commune_code[0]
    lone = households[(households.commune_code != code) | (households.intensive == 1)]
    without = itt_lin(households[households.commune_code != code], plain, "y")
    found = itt_lin(lone, plain, "y")
    close(found, without)
    assert f"commune_code with one arm only: {code}" in found.note[0]


def test_itt_lin__says_how_many_interactions_were_dropped(households, design):
    # whether somebody is poor is known in one arm only
    known = households.assign(half=np.where(households.intensive == 1, households.poor, 0.0))
    found = itt_lin(known, replace(design, controls=("half",)), "y").iloc[0]
    assert np.isfinite(found.estimate)
    assert "1 interaction(s) dropped as collinear" in found.note


def test_itt__with_a_baseline_missing_in_every_row_says_so(households, design):
    empty = households.assign(y__w1=np.nan)
    found = itt(empty, design, "y").iloc[0]
    assert "y__w1 missing in every row" in found.note
    frame = households.dropna(subset=["y__w3"])
    exog = np.column_stack([frame.intensive, dummies(frame, design), frame[list(design.controls)]])
    assert found.estimate == pytest.approx(by_hand(frame.y__w3.to_numpy(), exog, frame.team_id)[0])
    assert np.isfinite(effects(empty, design, ["y"]).estimate).all()


def test_effects__with_equal_weights_are_those_without(households, design):
    weighted = replace(design, weights="weight")
    close(
        effects(households.assign(weight=2.5), weighted, ["y"]), effects(households, design, ["y"])
    )


def test_itt__with_weights_equals_weighted_least_squares(households, design):
    rng = np.random.default_rng(0)
    drawn = households.assign(weight=rng.gamma(2.0, 1.0, len(households)) + 0.1)
    found = itt(drawn, replace(design, weights="weight"), "y").iloc[0]
    frame = drawn.dropna(subset=["y__w3"])
    root = np.sqrt(frame.weight.to_numpy())
    exog = np.column_stack(
        [frame.intensive, dummies(frame, design), frame[["y__w1", *design.controls]]]
    )
    y = frame.y__w3.to_numpy() * root
    estimate = np.linalg.lstsq(exog * root[:, None], y, rcond=None)[0][0]
    assert found.estimate == pytest.approx(estimate, rel=1e-9)


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan])
def test_effects__refuse_weights_not_above_zero(households, design, wrong):
    weight = np.where(households.index == 7, wrong, 1.0)
    with pytest.raises(DesignError, match="not above zero"):
        effects(households.assign(weight=weight), replace(design, weights="weight"), ["y"])


def test_effects__refuse_one_cluster(households, design):
    alone = households[households.team_id == households.team_id[0]]
    with pytest.raises(DesignError, match="An arm is empty"):
        effects(alone, design, ["y"])


def test_effects__refuse_a_treatment_that_varies_within_a_cluster(households, design):
    mixed = households.assign(intensive=households.intensive.where(households.index != 3, 1))
    mixed.loc[3, "intensive"] = 1 - households.intensive[3]
    with pytest.raises(DesignError, match="varies within a cluster"):
        effects(mixed, design, ["y"])


def test_effects__refuse_a_cluster_in_two_strata(households, design):
    split = households.copy()
    split.loc[3, "commune_code"] = households.commune_code.iloc[-1]
    with pytest.raises(DesignError, match="more than one stratum"):
        effects(split, design, ["y"])


def test_effects__give_no_warning_of_numpy(households, design, recwarn):
    odd = households.assign(y__w3=households.y__w3.where(households.commune_code != "10270"))
    effects(odd.assign(y__w1=np.nan, reached__w3=1.0), design, ["y", "z"])
    assert not [one for one in recwarn if issubclass(one.category, RuntimeWarning)]


def test_itt__warns_of_few_degrees_of_freedom(households, design):
    few = households[households.commune_code.isin(["10270"])]
    few = few[few.team_id.isin([*few[few.intensive == 1].team_id.unique()[:2],
                                *few[few.intensive == 0].team_id.unique()[:2]])]  # fmt: skip
    row = itt(few, design, "y").iloc[0]
    assert row.df < 4
    assert row.note.endswith(
        f"{row.df:.1f} degrees of freedom: too few to trust p-value and interval"
    )
    assert "degrees of freedom" not in itt(households, design, "y").note[0]


def test_itt_weighted__says_that_it_is_and_weights_the_mean_of_the_regular_arm(households, design):
    weight = np.where(households.index % 3 == 0, 2.0, 1.0)
    weighted = households.assign(w__w3=weight)
    weighted.loc[weighted.index[weighted.y__w3.notna()][:5], "w__w3"] = np.nan
    row = itt_weighted(weighted, replace(design, survey_weights="w"), "y").iloc[0]
    used = weighted[weighted.y__w3.notna() & weighted.w__w3.notna() & (weighted.intensive == 0)]
    assert row.mean_regular == pytest.approx(np.average(used.y__w3, weights=used.w__w3))
    assert "weighted by w__w3" in row.method
    assert row.note.startswith("5 answers without w__w3 left out")
