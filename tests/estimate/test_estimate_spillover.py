"""Spillovers: expectations against all assignments, p-values against a loop, size under no spillover."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from survey_tools import contracts
from survey_tools.construct.exposure import share_intensive_neighbours
from survey_tools.errors import DesignError
from survey_tools.estimate import draw_assignment
from survey_tools.estimate.effects import neighbour_exposure, spillover
from survey_tools.estimate.effects.spillover import _set_aside, spillover_p_value
from survey_tools.estimate.regression import Problem

COLUMNS = {"cluster": "team_id", "stratum": "commune_code"}


def communes(*sizes: int) -> pd.DataFrame:
    rows = [(f"C{c:02}-T{t:02}", f"C{c:02}") for c, n in enumerate(sizes) for t in range(n)]
    return pd.DataFrame(rows, columns=["team_id", "commune_code"])


def drawn(teams: pd.DataFrame, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return teams.assign(intensive=draw_assignment(teams, **COLUMNS, rng=rng))


def households_of(teams: pd.DataFrame, seed: int, per_team: int = 6) -> pd.DataFrame:
    frame = teams.loc[teams.index.repeat(per_team)].reset_index(drop=True)
    rng = np.random.default_rng(seed)
    for column in ("resp_age", "resp_female", "poor", "u__w1"):
        frame[column] = rng.normal(size=len(frame))
    return frame


@pytest.mark.parametrize("size", [2, 3, 4, 5, 7])
def test_expected_share_is_the_mean_over_all_assignments_with_the_same_own_arm(size, design):
    numbers = {size // 2, size - size // 2}
    sums = {0: [], 1: []}
    for number in numbers:
        every = list(combinations(range(size), number))
        for members in every:
            arm = int(0 in members)
            chance = 1 / len(numbers) / len(every)
            sums[arm].append((chance, (number - arm) / (size - 1)))
    teams = communes(size)
    for seed in range(4):
        found = neighbour_exposure(drawn(teams, seed), design)
        for row in found.itertuples():
            chance, share = np.array(sums[int(row.arm)]).T
            assert row.expected == pytest.approx(chance @ share / chance.sum(), abs=1e-12)


def test_expected_share_follows_another_share_of_the_draw(design):
    """One or two of five teams, so that each is drawn with the chance 0.3."""
    teams, rng = communes(5), np.random.default_rng(0)
    found = {0: [], 1: []}
    for _ in range(600):
        arms = draw_assignment(teams, **COLUMNS, rng=rng, share=0.3).to_numpy()
        found[int(arms[0])].append((arms.sum() - arms[0]) / 4)
    for members in ((1,), (0, 3)):
        arms = [int(i in members) for i in range(5)]
        table = neighbour_exposure(teams.assign(intensive=arms), design, share=0.3)
        first = table.iloc[0]
        simulated = found[int(first.arm)]
        assert first.expected == pytest.approx(np.mean(simulated), abs=0.03)


def test_what_chance_left_is_zero_on_average_over_draws_in_either_arm(design):
    teams = communes(3, 5, 4, 11)
    tables = [neighbour_exposure(drawn(teams, seed), design) for seed in range(80)]
    both = pd.concat(tables)
    assert both.groupby(["stratum", "arm"]).recentred.mean().abs().max() < 0.08
    assert both.loc[both.stratum == "C02", "recentred"].eq(0).all()


def test_shares_are_those_of_the_table_of_teams(design):
    teams = drawn(communes(3, 5, 4, 1), 3)
    found = neighbour_exposure(teams, design)
    expected = share_intensive_neighbours(teams).to_numpy()
    assert found.share.to_numpy() == pytest.approx(expected, nan_ok=True)
    assert found.share.isna().tolist() == [False] * 12 + [True]


def test_p_value_equals_a_loop_over_all_coins(design):
    teams = drawn(communes(3, 5, 4, 7, 3), 5)
    exposure = neighbour_exposure(teams, design)
    frame = households_of(teams, 1)
    rng = np.random.default_rng(8)
    y, others = rng.normal(size=len(frame)), rng.normal(size=(len(frame), 2))
    rows = exposure.set_index("cluster", drop=False).loc[frame.team_id]
    places, names = pd.factorize(frame.commune_code, sort=True)
    alone = np.zeros(len(frame), dtype=np.int64)
    problem = Problem(y, rows.recentred.to_numpy(), others, alone, places, tuple(names))
    found = spillover_p_value(problem, rows, exposure, seed=4)

    aside = _set_aside(exposure, np.random.default_rng(4))
    assert aside.stratum.tolist() == ["C00", "C01", "C03", "C04"]
    kept = ~frame.team_id.isin(aside.cluster).to_numpy()
    slopes = {}
    for coins in product((0, 1), repeat=4):
        arms = teams.set_index("team_id").intensive.astype(float)
        arms[aside.cluster] = coins
        total = arms.groupby(teams.set_index("team_id").commune_code).sum()
        n = teams.commune_code.value_counts()
        half = teams.set_index("team_id").intensive.astype(float)
        half[aside.cluster] = 0.5
        middle = half.groupby(teams.set_index("team_id").commune_code).sum()
        shift = frame.commune_code.map((total - middle) / (n - 1)).to_numpy()
        exog = np.column_stack([shift, np.ones(len(frame)), others])[kept]
        slopes[coins] = np.linalg.lstsq(exog, y[kept], rcond=None)[0][0]
    observed = slopes[tuple(aside.one_more.astype(int))]
    expected = np.mean([abs(slope) >= abs(observed) - 1e-12 for slope in slopes.values()])
    assert found == pytest.approx(expected, abs=1e-12)


def test_p_value_keeps_its_size_when_teams_have_effects_of_their_own(design):
    """Under no spillover and large, unequal direct effects, p <= 1/4 in a quarter of draws at most."""
    teams = communes(3, 5, 3, 5)
    per_team, rejected = 3, []
    rng = np.random.default_rng(2)
    level, effect = rng.normal(size=len(teams)) * 2, rng.normal(3, 3, len(teams))
    alone = np.zeros(len(teams) * per_team, dtype=np.int64)
    for seed in range(150):
        now = drawn(teams, seed)
        exposure = neighbour_exposure(now, design)
        rows = exposure.loc[exposure.index.repeat(per_team)].reset_index(drop=True)
        y = (level + effect * now.intensive.to_numpy()).repeat(per_team)
        others = rows[["arm", "expected"]].to_numpy()
        places = pd.factorize(rows.stratum)[0]
        problem = Problem(y, rows.recentred.to_numpy(), others, alone, places, ("a", "b", "c", "d"))
        rejected.append(spillover_p_value(problem, rows, exposure, seed=10_000 + seed) <= 0.25)
    assert np.mean(rejected) < 0.25 + 3 * np.sqrt(0.25 * 0.75 / 150)
    assert np.mean(rejected) > 0.1


def test_spillover_finds_a_known_effect(design):
    teams = drawn(communes(*[3, 5] * 30), 4)
    frame = households_of(teams, 1)
    share = frame.team_id.map(neighbour_exposure(teams, design).set_index("cluster").share)
    frame["u__w3"] = 2 * share + 0.5 * frame.intensive + 0.3 * frame.resp_age
    frame["u__w3"] += np.random.default_rng(5).normal(0, 0.5, len(frame))
    for arm, name in ((None, ""), (0, "_regular"), (1, "_intensive")):
        row = spillover(frame, design, "u", arm=arm).iloc[0]
        assert row.estimand == f"spillover{name}"
        assert abs(row.estimate - 2) < 3 * row.std_error < 0.7
        assert row.p_randomisation < 0.002
        assert "60 commune_code" in row.note


def test_size_of_the_commune_does_not_pass_for_a_spillover(design):
    """Small communes have other levels and more extreme shares; over draws the estimates centre on 0."""
    teams, found = communes(*[3, 4, 5, 6, 7] * 4), []
    base = households_of(teams, 3)
    size = base.commune_code.map(teams.commune_code.value_counts())
    for seed in range(25):
        now = drawn(teams, seed).set_index("team_id").intensive
        frame = base.assign(intensive=base.team_id.map(now))
        frame["u__w3"] = 5.0 * size + 3.0 * frame.intensive / size + frame.resp_age
        found.append(spillover(frame, design, "u", draws=9).loc[0, "estimate"])
    assert abs(np.mean(found)) < 3 * np.std(found) / 5


def test_row_meets_the_contract_and_does_not_depend_on_the_order_of_rows(simulate, design):
    frame = simulate(3, teams_per_commune=5)
    one = spillover(frame, design, "y", draws=999)
    other = spillover(frame.sample(frac=1, random_state=1), design, "y", draws=999)
    contracts.validate(one.drop(columns=["n_communes", "p_randomisation"]), "effects")
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)
    assert one.loc[0, "n_teams"] == 135


def test_communes_of_even_size_alone_tell_nothing(simulate, design):
    row = spillover(simulate(3, communes=6), design, "y").iloc[0]
    assert np.isnan(row.estimate)
    assert np.isnan(row.p_randomisation)
    assert row.note.startswith("chance did not move the share")


def test_few_coins_are_said_to_be_too_few(simulate, design):
    row = spillover(simulate(3, communes=4, teams_per_commune=5), design, "y").iloc[0]
    assert "too few to say" in row.note
    assert row.p_randomisation >= 2 / 2**4


def test_a_commune_of_one_team_is_left_out(simulate, design):
    frame = simulate(3, communes=8, teams_per_commune=5)
    lonely = frame.commune_code == frame.commune_code.iloc[0]
    first = frame.team_id == frame.team_id.iloc[0]
    row = spillover(frame[~lonely | first], design, "y").iloc[0]
    assert row.n_teams == 35


def test_teams_without_households_are_taken_from_the_table_of_teams(simulate, design):
    frame = simulate(3, communes=8, teams_per_commune=5)
    teams = frame[["team_id", "commune_code", "intensive"]].drop_duplicates()
    share = frame.team_id.map(neighbour_exposure(teams, design).set_index("cluster").share)
    frame["share_intensive_neighbours"] = share
    some = frame[frame.team_id != frame.team_id.iloc[0]]
    assert np.isfinite(spillover(some, design, "y", teams=teams).loc[0, "estimate"])
    with pytest.raises(DesignError, match="do not yield the shares"):
        spillover(some, design, "y")


def test_a_number_that_the_draw_cannot_give_is_refused(design):
    teams = communes(4, 5).assign(intensive=[1, 1, 1, 0, 1, 1, 0, 0, 0])
    with pytest.raises(DesignError, match="not one that the draw can give") as caught:
        neighbour_exposure(teams, design)
    assert "C00" in caught.value.found


def test_households_of_unknown_teams_are_refused(simulate, design):
    frame = simulate(3, communes=4, teams_per_commune=5)
    with pytest.raises(DesignError, match="not in the table of teams"):
        spillover(frame, design, "y", teams=drawn(communes(3, 5), 1))
