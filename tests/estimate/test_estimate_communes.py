from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from survey_tools.contracts import validate
from survey_tools.estimate import commune_effects, variance_components


def test_commune_effects__raw_is_the_difference_of_the_arms(households, design):
    plain = replace(design, estimator="difference")
    found = commune_effects(households, plain, ["y"]).set_index("commune_code")
    frame = households.dropna(subset=["y__w3"])
    means = frame.groupby(["commune_code", "intensive"])["y__w3"].mean().unstack()
    assert found.raw.to_numpy() == pytest.approx((means[1] - means[0]).to_numpy())
    assert found.n["10270"] == (frame.commune_code == "10270").sum()
    assert (found.n_teams["10270"], found.n_teams_intensive["10270"]) == (6, 3)


def test_commune_effects__raw_error_comes_from_the_components_of_all_communes(households, design):
    plain = replace(design, estimator="difference")
    found = commune_effects(households, plain, ["y"]).set_index("commune_code")
    frame = households.dropna(subset=["y__w3"])
    cell = frame.commune_code + frame.intensive.astype(str)
    between, within = variance_components(frame.y__w3, frame.team_id, cell)
    sizes = frame[frame.commune_code == "10270"].groupby(["intensive", "team_id"]).size()
    variance = sum(
        ((n**2).sum() * max(between, 0) + n.sum() * within) / n.sum() ** 2
        for n in (sizes[0].astype(float), sizes[1].astype(float))
    )
    assert found.raw_se["10270"] == pytest.approx(np.sqrt(variance))


def test_commune_effects__raw_error_is_the_spread_of_raw_differences(simulate, design):
    raw = [commune_effects(simulate(s, effect_sd=0.0), design, ["y"]) for s in range(12)]
    found = pd.concat(raw)
    assert (found.raw - 0.08).std() == pytest.approx(found.raw_se.mean(), rel=0.12)


def test_commune_effects__adjustment_makes_raw_sharper(simulate, design):
    known = simulate(5)
    rng = np.random.default_rng(1)
    ability = rng.normal(size=len(known))
    known = known.assign(y__w1=ability, y__w3=ability + 0.5 * known.intensive)
    known["y__w3"] += 0.1 * rng.normal(size=len(known))
    found = commune_effects(known, design, ["y"])
    assert found.raw_se.max() < 0.05
    assert found.raw.to_numpy() == pytest.approx(np.full(27, 0.5), abs=0.15)


def test_commune_effects__fit_the_contract(households, design):
    found = commune_effects(households, design, pd.DataFrame({"outcome": ["y", "z"]}))
    validate(found, "communes")
    assert len(found) == 54
    assert (found.status == "ok").all()
    assert found.estimate.std() < found.raw.std()
    assert found.weight_own.between(0.01, 0.99).all()


def test_commune_effects__with_one_team_in_an_arm_is_a_prediction(households, design):
    lone = households[(households.commune_code == "10270") & (households.intensive == 1)]
    keep = households.team_id.isin([*lone.team_id.unique()[:1]]) | ~households.index.isin(
        lone.index
    )
    found = commune_effects(households[keep], design, ["y"]).set_index("commune_code")
    cell = found.loc["10270"]
    assert cell.status == "too_few"
    assert np.isnan(cell.raw)
    assert np.isnan(cell.raw_se)
    assert cell.weight_own == 0
    assert (cell.n_teams, cell.n_teams_intensive) == (4, 1)
    assert cell.estimate == pytest.approx(found.estimate.mean(), abs=0.01)
    width = found.conf_high - found.conf_low
    assert width["10270"] == width.max()


def test_commune_effects__of_an_arm_that_never_answered(households, design):
    silent = (households.commune_code == "10270") & (households.intensive == 1)
    found = commune_effects(
        households.assign(y__w3=households.y__w3.mask(silent)), design, ["y"]
    ).set_index("commune_code")
    assert found.status["10270"] == "too_few"
    assert found.n_teams_intensive["10270"] == 0
    validate(found.reset_index(), "communes")


@pytest.mark.parametrize(("value", "says"), [(np.nan, "no answers"), (1.0, "does not vary")])
def test_commune_effects__without_variation_are_no_numbers(
    households, design, value, says, recwarn
):
    found = commune_effects(households.assign(y__w3=value), design, ["y"])
    assert found[["estimate", "conf_low", "conf_high"]].isna().all(axis=None)
    assert set(found.note) == {"no answers" if np.isnan(value) else "the outcome does not vary"}
    validate(found, "communes")
    assert not recwarn.list


@pytest.mark.parametrize("effect_sd", [0.0, 0.04])
def test_commune_effects__cover_the_truth(simulate, design, effect_sd):
    hits = []
    for seed in range(40):
        h = simulate(seed, effect_sd=effect_sd)
        found = commune_effects(h, design, ["y"]).set_index("commune_code")
        truth = h.groupby("commune_code").true_effect.first()
        hits.append((found.conf_low <= truth) & (truth <= found.conf_high))
    assert np.mean(hits) >= 0.93
