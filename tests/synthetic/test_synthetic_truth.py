"""The documented true effects are those that the simulated households show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from survey_tools.errors import ParamsError
from survey_tools.synthetic import DistrictParameters, simulate, simulate_responses, truth
from survey_tools.synthetic.parameters import bounds
from survey_tools.synthetic.responses import OUTCOMES
from survey_tools.synthetic.truth import HARMS

SEEDS = range(40)


def within_communes(frame: pd.DataFrame, outcome: str) -> float:
    """Coefficient of the arm in a regression with commune dummies, by hand."""
    asked = frame.dropna(subset=[outcome])
    arm = asked["intensive"] - asked.groupby("commune_code")["intensive"].transform("mean")
    return float((arm * asked[outcome]).sum() / (arm**2).sum())


def naive(frame: pd.DataFrame, outcome: str) -> float:
    means = frame.dropna(subset=[outcome]).groupby("reached")[outcome].mean()
    return float(means[1.0] - means[0.0])


@pytest.fixture(scope="module")
def endlines(teams, communes) -> list[pd.DataFrame]:
    parameters = DistrictParameters.default()
    drawn = (simulate_responses(parameters, teams, communes, seed) for seed in SEEDS)
    return [frame[frame["wave"] == "w3"] for frame in drawn]


@pytest.fixture(scope="module")
def stated(teams) -> pd.DataFrame:
    return truth(DistrictParameters.default(), teams).set_index("outcome")


def assert_mean(found: list[float], expected: float) -> None:
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert abs(np.mean(found) - expected) < 3 * error


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_truth__itt_is_the_mean_of_differences_within_communes(endlines, stated, outcome):
    found = [within_communes(frame, outcome) for frame in endlines]
    assert_mean(found, stated.at[outcome, "itt"])


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_truth__naive_expected_is_the_mean_naive_difference(endlines, stated, outcome):
    assert_mean([naive(frame, outcome) for frame in endlines], stated.at[outcome, "naive_expected"])


def test_truth__naive_overstates_every_effect(stated):
    worth = stated.drop(list(HARMS))
    assert (worth["naive_expected"] > worth["reach_effect"]).all()
    assert (stated.loc[list(HARMS), "naive_expected"] == 0).all()


def test_truth__has_effects_of_different_size_and_a_true_zero(stated):
    assert stated.at["welfare_account_last", "itt"] == 0
    assert stated.at["qr_shop_30d", "itt"] > 5 * stated.at["elec_cashless_last", "itt"] > 0


def test_truth__without_spillover_late_is_the_effect_of_being_reached(stated):
    alone = stated.drop(["qr_shop_30d", "cashless_share_last10", "water_cashless_last"])
    np.testing.assert_allclose(alone["late"], alone["reach_effect"])
    assert stated.at["qr_shop_30d", "late"] < stated.at["qr_shop_30d", "reach_effect"]


def test_simulate_responses__reach_differs_between_arms_as_stated(endlines):
    gaps = [frame.groupby("intensive")["reached"].mean().diff().iloc[-1] for frame in endlines]
    assert_mean(gaps, 0.40)


def test_simulate_responses__effect_is_the_gap_of_potential_outcomes(endlines, stated):
    frame = pd.concat(endlines)
    gap = frame["qr_shop_30d__if_reached"] - frame["qr_shop_30d__if_unreached"]
    assert gap.min() == 0
    assert gap.mean() == pytest.approx(stated.at["qr_shop_30d", "reach_effect"], abs=0.006)


def test_simulate_responses__observed_is_the_potential_outcome_of_the_reach(endlines):
    frame = endlines[0]
    reach = np.where(
        frame["intensive"] == 1, frame["reached__if_intensive"], frame["reached__if_regular"]
    )
    assert (frame["reached"] == reach).all()
    for name in OUTCOMES:
        wanted = np.where(reach == 1, frame[f"{name}__if_reached"], frame[f"{name}__if_unreached"])
        np.testing.assert_array_equal(frame[name], wanted)


def test_simulate_responses__answers_of_a_household_go_together_over_waves(teams, communes):
    frame = simulate_responses(DistrictParameters.default(), teams, communes, 0)
    wide = frame.pivot(index="hhid", columns="wave", values="qr_shop_30d")
    assert 0.25 < wide["w1"].corr(wide["w3"]) < 0.55


def test_simulate_responses__platform_and_selling_are_consistent(endlines):
    frame = pd.concat(endlines)
    assert (frame["district_platform_12m"] <= frame["bought_online_12m"]).all()
    assert frame.loc[frame["sold_online_12m"] == 1, "sells_any"].all()
    assert (frame.loc[frame["sold_online_12m"] == 0, "online_income_1m"] == 0).all()


def test_simulate__district_holds_the_same_responses(district, teams, communes):
    alone = simulate_responses(district.parameters, teams, communes, district.seed)
    pd.testing.assert_frame_equal(district.responses.drop(columns="status"), alone)


@pytest.mark.parametrize("outcome", DistrictParameters.default().outcomes, ids=lambda o: o.name)
def test_bounds__no_probability_can_be_clipped(outcome):
    low, high = bounds(DistrictParameters.default(), outcome)
    assert 0 <= low < high <= 1


def test_district_parameters__effect_that_would_be_clipped_is_refused():
    outcomes = DistrictParameters.default().outcomes
    too_large = (replace(outcomes[0], effect=0.4), *outcomes[1:])
    with pytest.raises(ParamsError, match="elec_cashless_last"):
        replace(DistrictParameters.default(), outcomes=too_large)


def test_district_parameters__reach_above_one_is_refused():
    with pytest.raises(ParamsError, match="reach_intensive"):
        replace(DistrictParameters.default(), reach_intensive=(0.2, 0.5, 0.95))


def test_simulate__unknown_communes_are_refused(teams, communes):
    parameters = replace(DistrictParameters.small(), communes=("99999",))
    with pytest.raises(ParamsError, match="No team"):
        simulate(parameters, teams, communes, 1)
