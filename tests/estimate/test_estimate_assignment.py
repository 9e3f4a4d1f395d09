from __future__ import annotations

import dataclasses
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from survey_tools.errors import DesignError
from survey_tools.estimate import draw_assignment
from survey_tools.estimate.design import Draw, Rerandomisation, draw_sample
from survey_tools.params import open_workspace

STUDY = Path(__file__).parents[2] / "params" / "study.yml"


def test_draw_assignment__gives_the_table_of_teams_of_the_study():
    ws = open_workspace(STUDY)
    teams, design = ws.table("teams"), ws.study.design
    rng = np.random.default_rng(design.assignment_seed)
    drawn = draw_assignment(teams, cluster=design.cluster, stratum=design.stratum, rng=rng)
    pd.testing.assert_series_equal(drawn, teams[design.treatment])


def test_draw_assignment__does_not_depend_on_the_order_of_rows():
    teams = pd.DataFrame({"t": [f"t{i:02}" for i in range(20)], "s": ["a", "b", "c", "d"] * 5})
    drawn = draw_assignment(teams, cluster="t", stratum="s", rng=np.random.default_rng(3))
    other = draw_assignment(teams[::-1], cluster="t", stratum="s", rng=np.random.default_rng(3))
    assert drawn.equals(other.sort_index())


@pytest.mark.parametrize("size", [6, 7])
def test_draw_assignment__draws_half_of_each_stratum_and_each_team_equally_often(size):
    teams = pd.DataFrame({"t": [f"t{i}" for i in range(size)], "s": "a"})
    rng = np.random.default_rng(1)
    draws = [draw_assignment(teams, cluster="t", stratum="s", rng=rng) for _ in range(400)]
    assert {int(draw.sum()) for draw in draws} == ({3} if size == 6 else {3, 4})
    # 4 standard errors of a mean of 400
    assert np.abs(np.mean(draws, axis=0) - 0.5).max() < 4 * 0.5 / 20


@pytest.mark.parametrize(("size", "share", "numbers"), [(8, 0.25, {2}), (7, 0.3, {2, 3})])
def test_draw_assignment__draws_each_cluster_with_the_chance_asked_for(size, share, numbers):
    teams = pd.DataFrame({"t": [f"t{i}" for i in range(size)], "s": "a"})
    rng = np.random.default_rng(4)
    draws = [
        draw_assignment(teams, cluster="t", stratum="s", rng=rng, share=share) for _ in range(300)
    ]
    assert {int(draw.sum()) for draw in draws} == numbers
    error = np.sqrt(share * (1 - share) / 300)
    assert np.abs(np.mean(draws, axis=0) - share).max() < 4 * error


def test_draw__of_the_study_gives_its_table_of_teams():
    ws = open_workspace(STUDY)
    teams, draw = ws.table("teams"), Draw.from_study(ws.study)
    drawn = draw.draw(teams)
    pd.testing.assert_series_equal(drawn.assignment, teams[ws.study.design.treatment])
    assert drawn.attempts == 1
    assert np.isnan(drawn.imbalance)
    draw.check(teams, ws.study.design.treatment)


@pytest.fixture
def teams():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"t": [f"t{i:02}" for i in range(11)], "s": ["a"] * 6 + ["b"] * 5})
    return frame.assign(x=rng.normal(size=11), z=rng.normal(size=11) ** 2)


@pytest.mark.parametrize(("criterion", "threshold"), [("mahalanobis", 0.3), ("max_t", 0.4)])
def test_draw__is_repeated_until_the_arms_are_alike_whatever_the_order_of_rows(
    teams, criterion, threshold
):
    rule = Rerandomisation(("x", "z"), threshold, criterion)
    draw = Draw("t", "s", seed=3, rerandomisation=rule)
    drawn = draw.draw(teams)
    assert drawn.attempts > 1
    assert drawn.imbalance <= threshold
    shuffled = draw.draw(teams.sample(frac=1, random_state=2))
    assert shuffled.assignment.sort_index().equals(drawn.assignment)
    draw.check(teams.assign(d=drawn.assignment), "d")
    plain = draw_assignment(teams, cluster="t", stratum="s", rng=np.random.default_rng(1))
    with pytest.raises(DesignError, match="an imbalance of"):
        draw.check(teams.assign(d=plain), "d")


def measured(rule: Rerandomisation, teams: pd.DataFrame, arms: np.ndarray) -> np.ndarray:
    ordered, strata = Draw("t", "s", 1).ordered(teams)
    return rule.imbalance(ordered, strata, 0.5)(arms)


def test_mahalanobis__without_strata_is_that_of_morgan_and_rubin(teams):
    one = teams.assign(s="a")[:10]
    arms = np.array([1, 0, 1, 1, 0, 0, 1, 0, 1, 0])
    x = one[["x", "z"]].to_numpy()
    gap = x[arms == 1].mean(axis=0) - x[arms == 0].mean(axis=0)
    expected = 10 / 4 * gap @ np.linalg.solve(np.cov(x.T), gap)  # n p (1 - p)
    found = measured(Rerandomisation(("x", "z"), 1), one, arms[:, None])
    assert found == pytest.approx([expected], rel=1e-12)


def test_mahalanobis__is_on_average_over_the_draw_the_number_of_covariates(teams):
    every = [
        [float(i in first) for i in range(6)] + [float(i in second) for i in range(5)]
        for first in combinations(range(6), 3)
        for number in (2, 3)
        for second in combinations(range(5), number)
    ]
    found = measured(Rerandomisation(("x", "z"), 1), teams, np.array(every).T)
    assert found.mean() == pytest.approx(2.0, rel=1e-12)


def test_max_t__is_the_largest_t_of_regressions_on_treatment_and_strata(teams):
    arms = np.array([1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0])
    exog = np.column_stack([arms, teams["s"] == "a", teams["s"] == "b"]).astype(float)
    t = [sm.OLS(teams[name], exog).fit().tvalues.iloc[0] for name in ("x", "z")]
    found = measured(Rerandomisation(("x", "z"), 1, "max_t"), teams, arms[:, None])
    assert found == pytest.approx([np.abs(t).max()], rel=1e-12)


def test_draw__refuses_what_it_cannot_balance_or_did_not_draw(teams):
    draw = Draw("t", "s", seed=1)
    for covariates in ((), ("x", "x"), ("stratum_only",)):
        rule = Rerandomisation(covariates, 1.0)
        with pytest.raises(DesignError, match="cannot be balanced"):
            dataclasses.replace(draw, rerandomisation=rule).draw(teams.assign(stratum_only=1.0))
    never = Rerandomisation(("x",), -1.0, attempts=5)
    with pytest.raises(DesignError, match="keeps no draw"):
        dataclasses.replace(draw, rerandomisation=never).draw(teams)
    with pytest.raises(DesignError, match="leaves an arm empty"):
        Draw("t", "s", seed=1, share=1.0)
    for arms in (np.ones(11), np.full(11, 0.5), np.r_[1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0]):
        with pytest.raises(DesignError, match="none that the draw could have given"):
            draw.check(teams.assign(d=arms), "d")


@pytest.fixture
def listed():
    sizes = {"a": 30, "b": 5, "c": 12}
    rows = [(f"{team}-{i:03}", team) for team, size in sizes.items() for i in range(size)]
    return pd.DataFrame(rows, columns=["hhid", "team_id"])


def test_draw_sample__draws_as_many_of_each_team_as_asked_for_with_their_chances(listed):
    drawn = draw_sample(listed, 12, 1, cluster="team_id", household="hhid")
    assert drawn.groupby("team_id").size().to_dict() == {"a": 12, "b": 5, "c": 12}
    chance = drawn.drop_duplicates("team_id").set_index("team_id")["inclusion_probability"]
    assert chance.to_dict() == {"a": 0.4, "b": 1.0, "c": 1.0}
    assert drawn.groupby("team_id")["weight"].sum().to_dict() == pytest.approx(
        {"a": 30, "b": 5, "c": 12}
    )
    assert drawn.index.is_monotonic_increasing


def test_draw_sample__does_not_depend_on_the_order_of_rows(listed):
    drawn = draw_sample(listed, 3, 7, cluster="team_id", household="hhid")
    other = draw_sample(
        listed.sample(frac=1, random_state=1), 3, 7, cluster="team_id", household="hhid"
    )
    pd.testing.assert_frame_equal(drawn, other.sort_index())


def test_draw_sample__draws_each_household_equally_often(listed):
    number = 300
    times = pd.Series(0, index=listed["hhid"])
    for seed in range(number):
        times[draw_sample(listed, 3, seed, cluster="team_id", household="hhid")["hhid"]] += 1
    chance = 3 / listed.groupby("team_id")["hhid"].transform("size").to_numpy()
    error = np.sqrt(chance * (1 - chance) / number)
    assert np.abs((times / number - chance) / error).max() < 4


def test_draw_sample__refuses_a_list_with_gaps_or_repeats(listed):
    for wrong in (listed.assign(team_id=None), pd.concat([listed, listed[:1]]), listed[["hhid"]]):
        with pytest.raises(DesignError):
            draw_sample(wrong, 3, 1, cluster="team_id", household="hhid")
    with pytest.raises(DesignError, match="0 a cluster"):
        draw_sample(listed, 0, 1, cluster="team_id", household="hhid")
