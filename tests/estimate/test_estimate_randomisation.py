from __future__ import annotations

import dataclasses
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Draw, Rerandomisation, draw_assignment
from survey_tools.estimate.effects.sample import prepare
from survey_tools.estimate.inference.inversion import constant_effect_interval
from survey_tools.estimate.inference.randomisation import randomisation_p, randomisation_test
from survey_tools.estimate.inference.redraw import redraw
from survey_tools.estimate.regression import Problem

DRAW = Draw("c", "s", seed=1)


def teams_of(*sizes: int) -> pd.DataFrame:
    names = [(f"{s}-{c}", f"s{s}") for s, size in enumerate(sizes) for c in range(size)]
    return pd.DataFrame(names, columns=["c", "s"])


def problem_of(
    teams: pd.DataFrame, arms: np.ndarray, seed: int, *, covariates=2, effect=0.5, weighted=False
) -> Problem:
    """Rows of unequal clusters with covariates, in a shuffled order."""
    rng = np.random.default_rng(seed)
    size = rng.integers(2, 6, len(teams))
    clusters = rng.permutation(np.repeat(np.arange(len(teams)), size))
    n = len(clusters)
    x = rng.normal(size=(n, covariates)) + rng.normal(size=(len(teams), covariates))[clusters]
    focal = arms[clusters].astype(float)
    y = effect * focal + x.sum(axis=1) + rng.normal(size=len(teams))[clusters] + rng.normal(size=n)
    strata = pd.factorize(teams["s"])[0][clusters]
    weights = rng.uniform(0.5, 3, n) if weighted else None
    return Problem(y, focal, x, strata, clusters, tuple(teams["c"]), weights)


def refitted(problem: Problem, arms: np.ndarray, effect: float = 0.0) -> tuple[float, float]:
    """Coefficient and CR0 error by whole least squares, given the outcome without a constant effect."""
    y = problem.y - effect * problem.focal
    dummies = np.eye(problem.n_strata)[problem.strata]
    x = np.column_stack([arms[problem.clusters], dummies, problem.others])
    w = np.ones(problem.n) if problem.weights is None else problem.weights
    bread = np.linalg.pinv((x.T * w) @ x)
    beta = bread @ ((x.T * w) @ y)
    scores = np.zeros((problem.n_clusters, x.shape[1]))
    np.add.at(scores, problem.clusters, x * (w * (y - x @ beta))[:, None])
    return beta[0], np.sqrt((bread @ scores.T @ scores @ bread)[0, 0])


def enumerated(sizes: tuple[int, ...]) -> list[np.ndarray]:
    """All assignments of half of each stratum, an odd one giving the extra one to either arm."""
    per_stratum = []
    for size in sizes:
        numbers = {size // 2, (size + 1) // 2}
        chosen = [set(c) for m in sorted(numbers) for c in combinations(range(size), m)]
        per_stratum.append([[float(i in c) for i in range(size)] for c in chosen])
    return [np.concatenate(parts) for parts in product(*per_stratum)]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sizes", [(6,), (4, 3), (2, 4, 3)])
def test_randomisation_test__equals_least_squares_refitted_for_every_assignment(sizes, weighted):
    teams, every = teams_of(*sizes), enumerated(sizes)
    problem = problem_of(teams, every[len(every) // 3], 5, weighted=weighted)
    found = np.array([refitted(problem, arms) for arms in every])
    observed = refitted(problem, every[len(every) // 3])
    assignments = redraw(teams, DRAW, draws=len(every) - 1, seed=1)
    (test,) = randomisation_test([problem], assignments)
    (studentised,) = randomisation_test([problem], assignments, statistic="t")
    assert (test.exact, test.draws) == (True, len(every))
    assert test.estimate == pytest.approx(observed[0], abs=1e-12)
    size = np.abs(found[:, 0])
    assert test.p_value == pytest.approx((size >= abs(observed[0]) - 1e-9).mean(), abs=1e-12)
    assert test.smallest_p == pytest.approx((size >= size.max() - 1e-9).mean(), abs=1e-12)
    t = np.abs(found[:, 0] / found[:, 1])
    expected = (t >= abs(observed[0] / observed[1]) * (1 - 1e-9)).mean()
    assert studentised.p_value == pytest.approx(expected, abs=1e-12)
    assert np.isnan(studentised.conf_low)


def test_randomisation_test__cannot_fall_below_a_tenth_with_three_teams_in_each_arm():
    teams = teams_of(6)
    problem = problem_of(teams, np.array([1, 0, 1, 0, 1, 0]), 1, effect=1e6)
    (test,) = randomisation_test([problem], redraw(teams, DRAW, seed=1))
    assert (test.draws, test.p_value, test.smallest_p) == (20, 0.1, 0.1)
    assert (test.conf_low, test.conf_high) == (-np.inf, np.inf)


@pytest.mark.parametrize(("sizes", "draws"), [((4, 5, 3), 4_000), ((6, 7, 6), 999)])
@pytest.mark.parametrize("seed", range(3))
def test_randomisation_test__interval_ends_where_the_p_value_crosses_its_size(sizes, draws, seed):
    teams = teams_of(*sizes)
    arms = Draw("c", "s", seed=seed).draw(teams).assignment.to_numpy()
    problem = problem_of(teams, arms, seed)
    assignments = redraw(teams, DRAW, draws=draws, seed=9)
    (test,) = randomisation_test([problem], assignments)

    def p_value(effect: float) -> float:
        without = dataclasses.replace(problem, y=problem.y - effect * problem.focal)
        return randomisation_test([without], assignments)[0].p_value

    step = 1e-7
    assert p_value(test.conf_low - step) <= 0.05 < p_value(test.conf_low + step)
    assert p_value(test.conf_high + step) <= 0.05 < p_value(test.conf_high - step)
    assert p_value(test.estimate) == 1.0
    assert (test.p_value > 0.05) == (test.conf_low <= 0 <= test.conf_high)
    # a grid beyond the ends finds no further effect that is not rejected
    width = test.conf_high - test.conf_low
    outside = [p_value(end) for end in test.conf_high + width * np.linspace(1e-6, 9, 60)]
    outside += [p_value(end) for end in test.conf_low - width * np.linspace(1e-6, 9, 60)]
    assert max(outside) <= 0.05


def test_randomisation_test__interval_equals_refitted_least_squares_on_a_grid():
    sizes = (4, 3, 4)
    teams, every = teams_of(*sizes), enumerated(sizes)
    problem = problem_of(teams, every[50], 3)
    (test,) = randomisation_test([problem], redraw(teams, DRAW, seed=1))
    grid = test.estimate + np.linspace(-8, 8, 321)
    kept = []
    redrawn = np.array([refitted(problem, arms)[0] for arms in every])
    slopes = np.array(
        [refitted(dataclasses.replace(problem, y=problem.focal), arms)[0] for arms in every]
    )
    for effect in grid:
        size = np.abs(redrawn - effect * slopes)
        kept.append((size >= abs(test.estimate - effect) - 1e-9).mean() > 0.05)
    inside = grid[np.array(kept)]
    step = grid[1] - grid[0]
    assert inside.min() - step <= test.conf_low <= inside.min()
    assert inside.max() <= test.conf_high <= inside.max() + step


def test_randomisation_test__keeps_size_and_coverage_over_all_assignments():
    sizes, effect = (4, 5), 0.7
    teams, every = teams_of(*sizes), enumerated(sizes)
    assignments = redraw(teams, DRAW, seed=1)
    base = problem_of(teams, every[0], 4, effect=0.0)
    problems = []
    for arms in every:
        focal = arms[base.clusters]
        problems.append(dataclasses.replace(base, focal=focal, y=base.y + effect * focal))
    tests = randomisation_test(problems, assignments, tail=0.1)
    covered = [test.conf_low <= effect <= test.conf_high for test in tests]
    assert 0.8 <= np.mean(covered) < 0.95
    nulls = [dataclasses.replace(one, y=base.y) for one in problems]
    p = np.array([test.p_value for test in randomisation_test(nulls, assignments)])
    for size in np.unique(p):
        assert (p <= size).mean() == pytest.approx(size, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_constant_effect_interval__equals_a_search_over_all_roots(seed):
    rng = np.random.default_rng(seed)
    redrawn, slope = rng.normal(size=40), rng.uniform(-1.5, 1.5, 40)
    estimate = 0.3
    redrawn[:3], slope[:3] = (
        (estimate, -estimate, 2.0),
        (1.0, -1.0, 1.0),
    )  # itself, mirror, half-line
    distance = redrawn - estimate * slope
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = np.concatenate([distance / (1 + slope), -distance / (1 - slope)])
    roots = np.concatenate([[0.0], roots[np.isfinite(roots)]])

    def holding(h: float) -> int:
        return int((np.abs(distance - h * slope) >= abs(h) * (1 - 1e-9) - 1e-12).sum())

    for fewest in (1, 3, 8, 20, 30, 38):
        low, high = constant_effect_interval(redrawn, slope, estimate, fewest)
        enough = roots[[holding(h) >= fewest for h in roots]]
        for end, side in ((high, 1), (low, -1)):
            endless = holding(side * 1e9) >= fewest
            expected = side * np.inf if endless else estimate + side * (side * enough).max()
            assert end == pytest.approx(expected, rel=1e-9)


def test_randomisation_test__treats_several_problems_as_it_treats_each():
    teams = teams_of(5, 6, 4)
    arms = DRAW.draw(teams).assignment.to_numpy()
    problems = [problem_of(teams, arms, seed, covariates=seed) for seed in range(4)]
    assignments = redraw(teams, DRAW, draws=300, seed=2)
    together = randomisation_test(problems, assignments)
    for one, problem in zip(together, problems, strict=True):
        (alone,) = randomisation_test([problem], assignments)
        assert dataclasses.astuple(one) == pytest.approx(dataclasses.astuple(alone), rel=1e-12)
    assert randomisation_test([], assignments) == []


def test_randomisation_test__leaves_out_teams_without_answers_after_drawing_them():
    sizes = (4, 3)
    teams, every = teams_of(*sizes), enumerated(sizes)
    problem = problem_of(teams, every[7], 5)
    there = problem.clusters != 6  # one team of the second stratum does not answer
    fewer = Problem(
        problem.y[there],
        problem.focal[there],
        problem.others[there],
        problem.strata[there],
        problem.clusters[there],
        problem.cluster_names[:6],
    )
    size = np.abs([refitted(fewer, arms[:6])[0] for arms in every])
    (test,) = randomisation_test([fewer], redraw(teams, DRAW, seed=1))
    assert test.draws == len(every)
    expected = (size >= abs(refitted(fewer, every[7][:6])[0]) - 1e-9).mean()
    assert test.p_value == pytest.approx(expected, abs=1e-12)


def test_randomisation_test__counts_assignments_that_leave_nothing_to_compare():
    teams = teams_of(4)
    arms = np.array([1, 0, 1, 0])
    problem = problem_of(teams, arms, 1)
    there = problem.clusters < 2
    two = Problem(
        problem.y[there],
        problem.focal[there],
        np.empty((there.sum(), 0)),
        problem.strata[there],
        problem.clusters[there],
        problem.cluster_names[:2],
    )
    (test,) = randomisation_test([two], redraw(teams, DRAW, seed=1))
    assert (test.draws, test.undefined) == (6, 2)
    assert test.p_value == pytest.approx(4 / 6)


def test_randomisation_test__gives_the_same_numbers_for_rows_in_any_order(households, design):
    draw = Draw("team_id", "commune_code", seed=1)
    found = []
    for rows in (households, households.sample(frac=1, random_state=3)):
        teams = rows.drop_duplicates("team_id")
        assignments = redraw(teams, draw, draws=500, seed=4)
        problems = [prepare(rows, design, name, baseline=name).problem for name in ("y", "z")]
        found.append(randomisation_test(problems, assignments))
    for one, other in zip(*found, strict=True):
        assert one.p_value == other.p_value
        assert dataclasses.astuple(one) == pytest.approx(dataclasses.astuple(other), rel=1e-9)


def test_randomisation_test__refuses_what_was_not_drawn():
    teams = teams_of(4, 4)
    arms = np.array([1, 0, 1, 0, 1, 0, 1, 0])
    problem, assignments = problem_of(teams, arms, 1), redraw(teams, DRAW, seed=1)
    dose = dataclasses.replace(problem, focal=problem.focal * np.arange(problem.n))
    with pytest.raises(DesignError, match="the assignment itself"):
        randomisation_test([dose], assignments)
    with pytest.raises(DesignError, match="not among those"):
        randomisation_test([problem], redraw(teams[:6], DRAW, seed=1))
    three = problem_of(teams, np.array([1, 1, 1, 0, 1, 0, 0, 0]), 1)
    with pytest.raises(DesignError, match="none that the draw could have given"):
        randomisation_test([three], assignments)


@pytest.mark.parametrize("statistic", ["coefficient", "t"])
def test_randomisation_test__rejects_a_true_null_as_often_as_its_size(statistic):
    teams = teams_of(5, 6, 7, 4)
    assignments = redraw(teams, DRAW, draws=399, seed=7)
    problems = []
    drawn = redraw(teams, DRAW, draws=400, seed=1).matrix.T
    for seed, arms in enumerate(drawn):
        problems.append(problem_of(teams, arms, 1_000 + seed, covariates=1, effect=0.0))
    p = np.array(
        [test.p_value for test in randomisation_test(problems, assignments, statistic=statistic)]
    )
    # 3 standard errors of 400 tests
    assert abs((p <= 0.1).mean() - 0.1) < 3 * np.sqrt(0.1 * 0.9 / 400)


def test_redraw__lists_each_assignment_once_when_they_are_few_enough():
    sizes = (4, 3)
    assignments = redraw(teams_of(*sizes), DRAW, draws=35, seed=1)
    assert assignments.exact
    assert sorted(map(tuple, assignments.matrix.T)) == sorted(map(tuple, enumerated(sizes)))
    assert not redraw(teams_of(*sizes), DRAW, draws=34, seed=1).exact


def test_redraw__gives_the_same_draws_for_rows_in_any_order_and_as_the_start_of_more_draws():
    teams = teams_of(*range(3, 12))
    few = redraw(teams, DRAW, draws=700, seed=5)
    shuffled = redraw(teams.sample(frac=1, random_state=1), DRAW, draws=2_100, seed=5)
    assert few.cluster_names == shuffled.cluster_names
    assert (few.matrix == shuffled.matrix[:, :700]).all()
    assert (few.matrix != redraw(teams, DRAW, draws=700, seed=6).matrix).any()


@pytest.mark.parametrize("share", [0.5, 0.3])
@pytest.mark.parametrize("sizes", [(3, 2), (5,)])
def test_redraw__draws_each_assignment_as_often_as_draw_assignment_does(sizes, share):
    teams = teams_of(*sizes)
    number = 600
    places = 2 ** np.arange(len(teams))
    rng = np.random.default_rng(3)
    columns = {"cluster": "c", "stratum": "s", "share": share}
    one_by_one = [
        int(draw_assignment(teams, **columns, rng=rng).to_numpy() @ places) for _ in range(number)
    ]
    # more draws than assignments, yet not listed
    many = redraw(pd.concat([teams, big()]), Draw("c", "s", 1, share), draws=number, seed=8)
    redrawn = (many.matrix[[many.cluster_names.index(c) for c in teams["c"]]].T @ places).tolist()
    counts = np.array([np.bincount(x, minlength=places.sum() + 1) for x in (one_by_one, redrawn)])
    counts = counts[:, counts.sum(axis=0) > 0]
    chi2 = ((counts[0] - counts[1]) ** 2 / counts.sum(axis=0)).sum()
    df = counts.shape[1] - 1
    assert chi2 < df + 4 * np.sqrt(2 * df)


def big() -> pd.DataFrame:
    return pd.DataFrame({"c": [f"z{i:02}" for i in range(40)], "s": "z"})


def test_redraw__draws_half_of_a_large_stratum_and_each_cluster_equally_often():
    matrix = redraw(big(), DRAW, draws=4_000, seed=1).matrix
    assert set(matrix.sum(axis=0)) == {20}
    assert np.abs(matrix.mean(axis=1) - 0.5).max() < 4 * 0.5 / np.sqrt(4_000)
    odd = redraw(big()[:39], DRAW, draws=4_000, seed=1).matrix.sum(axis=0)
    assert set(odd) == {19, 20}
    assert abs((odd == 19).mean() - 0.5) < 4 * 0.5 / np.sqrt(4_000)


def test_redraw__throws_away_what_rerandomisation_would_have():
    teams = teams_of(8).assign(x=np.random.default_rng(1).normal(size=8))
    rule = Rerandomisation(("x",), 0.2)
    assignments = redraw(teams, dataclasses.replace(DRAW, rerandomisation=rule), seed=1)
    x = teams["x"].to_numpy()
    scale = x.var(ddof=1) * 8 / 16  # Var of a difference of means, 4 against 4
    kept = [
        arms
        for arms in enumerated((8,))
        if (x[arms == 1].mean() - x[arms == 0].mean()) ** 2 / scale <= 0.2
    ]
    assert 0 < len(kept) < 70
    assert sorted(map(tuple, assignments.matrix.T)) == sorted(map(tuple, kept))
    more = pd.concat([teams, big().assign(x=0.0)])
    sampled = redraw(more, dataclasses.replace(DRAW, rerandomisation=rule), draws=1_500, seed=2)
    seen = {tuple(arms) for arms in sampled.matrix[:8].T}
    assert (sampled.draws, sampled.exact, seen) == (1_500, False, set(map(tuple, kept)))


def test_redraw__refuses_tables_that_cannot_be_drawn_from():
    teams = teams_of(4, 4)
    for wrong in (pd.concat([teams, teams]), teams.assign(s=None), teams[:0], teams[["c"]]):
        with pytest.raises(DesignError):
            redraw(wrong, DRAW, seed=1)
    with pytest.raises(DesignError, match="No draws"):
        redraw(teams, DRAW, draws=0, seed=1)
    rule = Rerandomisation(("x",), -1.0, attempts=2_000)
    impossible = dataclasses.replace(DRAW, rerandomisation=rule)
    with pytest.raises(DesignError, match="keeps no draw"):
        redraw(teams.assign(x=range(8)), impossible, seed=1)


def test_randomisation_p__equals_enumeration_for_exposure_worked_out_from_the_assignment():
    sizes = (4, 4)
    teams, every = teams_of(*sizes), enumerated(sizes)
    rng = np.random.default_rng(2)
    near = rng.random((8, 8)) < 0.4
    y = rng.normal(size=8)
    assignments = redraw(teams, DRAW, seed=1)

    def spillover(matrix: np.ndarray) -> np.ndarray:
        exposure = near @ matrix
        centred = exposure - exposure.mean(axis=0)
        return np.abs(y @ centred / (centred**2).sum(axis=0))

    found = randomisation_p(spillover, assignments, every[9])
    one_by_one = [np.abs(np.polyfit(near @ arms, y, 1)[0]) for arms in every]
    assert found.statistic == pytest.approx(one_by_one[9])
    assert found.p_value == np.mean(np.array(one_by_one) >= one_by_one[9] - 1e-9)


def test_randomisation_p__counts_assignments_without_a_statistic_as_large():
    teams = teams_of(4)
    assignments = redraw(teams, DRAW, seed=1)

    def first_two(matrix: np.ndarray) -> np.ndarray:
        return np.where(matrix[0] == matrix[1], np.nan, matrix[0])

    found = randomisation_p(first_two, assignments, np.array([1, 0, 1, 0]))
    assert (found.p_value, found.undefined) == (4 / 6, 2)
    assert np.isnan(randomisation_p(first_two, assignments, np.array([1, 1, 0, 0])).p_value)
    with pytest.raises(DesignError, match="one number for each assignment"):
        randomisation_p(lambda matrix: matrix, assignments, np.array([1, 0, 1, 0]))
    with pytest.raises(DesignError, match="does not fit"):
        randomisation_p(first_two, assignments, np.array([1, 0]))
