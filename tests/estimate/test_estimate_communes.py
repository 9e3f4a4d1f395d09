from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey_tools.contracts import validate
from survey_tools.errors import DesignError
from survey_tools.estimate import commune_effects, variance_components
from survey_tools.estimate.communes import mixed_check, smallest_p


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
    reason = "no answers" if np.isnan(value) else "the outcome does not vary within the arms"
    assert set(found.note) == {reason}
    validate(found, "communes")
    assert not recwarn.list


@pytest.mark.parametrize("effect_sd", [0.0, 0.04])
def test_commune_effects__cover_the_truth(simulate, design, effect_sd):
    hits = []
    for seed in range(25):
        h = simulate(seed, effect_sd=effect_sd)
        found = commune_effects(h, design, ["y"]).set_index("commune_code")
        truth = h.groupby("commune_code").true_effect.first()
        hits.append((found.conf_low <= truth) & (truth <= found.conf_high))
    assert np.mean(hits) >= 0.93


def of_3_to_11_teams(simulate, seed, effect_sd):
    """27 communes: three each of 3, 4, ... 11 teams."""
    parts = []
    for teams in range(3, 12):
        part = simulate(
            1000 * seed + teams, communes=3, teams_per_commune=teams, effect_sd=effect_sd
        )
        codes = {c: f"{20000 + 100 * teams + k}" for k, c in enumerate(part.commune_code.unique())}
        part["commune_code"] = part.commune_code.map(codes)
        part["team_id"] = part.commune_code + part.team_id.str[5:]
        parts.append(part)
    whole = pd.concat(parts, ignore_index=True)
    return whole.assign(
        hhid=whole["team_id"] + "-" + whole.groupby("team_id").cumcount().astype(str)
    )


@pytest.mark.slow
@pytest.mark.parametrize("effect_sd", [0.0, 0.03, 0.06])
def test_commune_effects__cover_the_truth_with_unequal_numbers_of_teams(
    simulate, design, effect_sd
):
    hits = []
    for seed in range(25):
        h = of_3_to_11_teams(simulate, seed, effect_sd)
        found = commune_effects(h, design, ["y"]).set_index("commune_code")
        truth = h.groupby("commune_code").true_effect.first()
        hits.append((found.conf_low <= truth) & (truth <= found.conf_high))
    assert np.mean(hits) >= 0.93


def test_commune_effects__of_a_few_communes_cover_the_truth(simulate, design):
    # their common error is estimated on 16 degrees of freedom
    hits = []
    for seed in range(40):
        h = simulate(seed, communes=4, effect_sd=0.06)
        found = commune_effects(h, design, ["y"]).set_index("commune_code")
        truth = h.groupby("commune_code").true_effect.first()
        hits.append((found.conf_low <= truth) & (truth <= found.conf_high))
    assert np.mean(hits) >= 0.93


def test_commune_effects__says_what_a_commune_could_show(simulate, design):
    found = commune_effects(of_3_to_11_teams(simulate, 1, 0.0), design, ["y"])
    row = found[found.n_teams == 6].iloc[0]
    factor = stats.t.ppf(0.975, 4) + stats.t.ppf(0.8, 4)
    assert row.smallest_detectable == pytest.approx(factor * row.raw_se)
    assert row.smallest_p == pytest.approx(0.1)
    few = found[found.n_teams == 3]
    assert (few.status == "too_few").all()
    assert few.smallest_detectable.isna().all()
    assert few.smallest_p.to_numpy() == pytest.approx([1 / 3] * 3)
    assert (found.smallest_p[found.n_teams.between(4, 6)] > 0.05).all()


def test_commune_effects__do_not_depend_on_the_order_of_rows(households, design):
    mixed = households.sample(frac=1, random_state=4)
    first, again = (commune_effects(frame, design, ["y"]) for frame in (households, mixed))
    pd.testing.assert_frame_equal(first, again, rtol=1e-8)


def test_commune_effects__hold_no_p_value_and_no_rank(households, design):
    found = commune_effects(households, design, ["y"])
    assert not [name for name in found if "rank" in name or name.startswith("p_")]
    assert found.commune_code.is_monotonic_increasing


@pytest.mark.parametrize("teams", [4, 5, 6, 7])
def test_smallest_p__is_that_of_all_draws(teams):
    numbers = {teams // 2, teams - teams // 2}
    arms = [
        np.isin(range(teams), drawn) for k in numbers for drawn in combinations(range(teams), k)
    ]
    # the draw gives each number of an odd stratum the same chance, and each has as many draws
    values = 2.0 ** np.arange(teams)
    differences = np.array([values[arm].mean() - values[~arm].mean() for arm in arms])
    found = [np.mean(np.abs(differences) >= abs(one) - 1e-9) for one in differences]
    intensive = teams // 2
    assert smallest_p(teams, teams - intensive, intensive) == pytest.approx(min(found))


def test_smallest_p__with_a_silent_team_is_the_chance_of_the_assignment_of_the_others():
    # all 20 draws of five teams, of which the last never answers
    draws = np.array(
        [np.isin(range(5), drawn) for k in (2, 3) for drawn in combinations(range(5), k)]
    )[:, :4]
    seen = np.array([True, True, False, False])
    same = (draws == seen).all(axis=1) | (draws == ~seen).all(axis=1)
    assert smallest_p(5, 2, 2) == pytest.approx(same.mean())
    assert smallest_p(5, 4, 0) == 1


def test_commune_effects__of_a_single_commune_is_its_own_difference(simulate, design):
    found = commune_effects(simulate(3, communes=1), design, ["y"]).iloc[0]
    assert found.status == "ok"
    assert found.estimate == pytest.approx(found.raw)
    # its own error has 4 degrees of freedom only
    assert found.conf_high - found.estimate > 2.5 * found.raw_se


def test_commune_effects__with_one_team_an_arm_in_all_are_refused(simulate, design):
    with pytest.raises(DesignError, match="too few clusters"):
        commune_effects(simulate(3, communes=1, teams_per_commune=2), design, ["y"])


def test_commune_effects__with_one_team_an_arm_in_each_commune_are_not_estimated(simulate, design):
    found = commune_effects(simulate(3, communes=6, teams_per_commune=2), design, ["y"])
    assert (found.status == "too_few").all()
    assert found.estimate.isna().all()
    assert set(found.note) == {"no commune with two teams in each arm"}
    validate(found, "communes")


def test_mixed_check__agrees_with_the_pooled_model(simulate, design):
    found = mixed_check(simulate(2, communes=10, effect_sd=0.15), design, ["y"]).iloc[0]
    assert list(found.index) == [
        *("outcome", "centre", "centre_low", "centre_high"),
        *("spread", "mixed_centre", "mixed_spread", "note"),
    ]
    half = found.centre_high - found.centre
    assert found.mixed_centre == pytest.approx(found.centre, abs=0.25 * half)
    assert found.mixed_spread == pytest.approx(found.spread, abs=0.08)


@pytest.mark.parametrize(("value", "says"), [(np.nan, "no answers"), (1.0, "does not vary")])
def test_mixed_check__says_why_there_is_nothing(households, design, value, says):
    found = mixed_check(households.assign(y__w3=value), design, ["y"]).iloc[0]
    assert says in found.note
    assert np.isnan(found.mixed_centre)


def test_mixed_check__does_not_fail_when_the_model_does_not_converge(simulate, design, monkeypatch):
    from statsmodels.regression.mixed_linear_model import MixedLM

    def breaks(self, *args, **kwargs):
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(MixedLM, "fit", breaks)
    found = mixed_check(simulate(2, communes=4), design, ["y"]).iloc[0]
    assert found.note == "the mixed model could not be fitted: Singular matrix"
    assert np.isfinite(found.centre)
    assert np.isnan(found.mixed_spread)
