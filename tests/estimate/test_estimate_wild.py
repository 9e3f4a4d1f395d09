"""Restricted wild cluster bootstrap: against refitting every draw, enumeration, and its own promises."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm

from survey_tools.errors import DesignError
from survey_tools.estimate.inference import multipliers, wild_bootstrap
from survey_tools.estimate.inference.multipliers import Multipliers
from survey_tools.estimate.inference.wild import wild_statistics
from survey_tools.estimate.regression import Problem


def made(seed=0, *, clusters=24, strata=4, rows=6, others=2, effect=0.3) -> Problem:
    """Half of the clusters of each stratum treated; outcomes alike within clusters."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), rows)
    stratum = np.arange(clusters) % strata
    treated = (np.arange(clusters) // strata) % 2
    controls = rng.normal(size=(len(cluster), others))
    shock = rng.normal(size=clusters)[cluster] * 0.5
    y = effect * treated[cluster] + shock + rng.normal(size=len(cluster)) + controls.sum(axis=1) / 4
    names = tuple(f"T{g:03}" for g in range(clusters))
    return Problem(y, treated[cluster].astype(float), controls, stratum[cluster], cluster, names)


def weighted(seed=0, **given) -> Problem:
    """A regressor that varies within clusters, clusters across strata, unequal weights."""
    rng = np.random.default_rng(seed + 1000)
    problem = made(seed, **given)
    strata = rng.integers(0, problem.n_strata, problem.n)
    focal = problem.focal + rng.normal(size=problem.n)
    return replace(problem, focal=focal, strata=strata, weights=rng.uniform(0.5, 2, problem.n))


def unequal(seed=0) -> Problem:
    """One cluster holds half of the rows, others one or two; a stratum has one arm only; y is far from 0."""
    rng = np.random.default_rng(seed)
    cluster = np.sort(
        np.concatenate([np.arange(20), rng.integers(0, 20, 15), np.zeros(30, dtype=int)])
    )
    stratum, treated = np.arange(20) % 4, np.isin(np.arange(20), (4, 5, 6, 9, 17))
    y = 1e4 + rng.normal(size=65) + rng.normal(size=20)[cluster]
    names = tuple(f"T{g:03}" for g in range(20))
    focal = treated[cluster].astype(float)
    return Problem(y, focal, rng.normal(size=(65, 1)), stratum[cluster], cluster, names)


def refitted(problem: Problem, signs, null=0.0):
    """t of the data and of each draw at `null`, by two regressions a draw with all dummies."""
    dummies = np.eye(problem.n_strata)[problem.strata]
    rest = np.column_stack([problem.others, dummies])
    weight = np.ones(problem.n) if problem.weights is None else problem.weights

    def t(y):
        exog = np.column_stack([problem.focal, rest])
        errors = {"cov_type": "cluster", "cov_kwds": {"groups": problem.clusters}}
        fit = sm.WLS(y, exog, weights=weight).fit(**errors)
        return (fit.params[0] - null) / fit.bse[0]

    restricted = sm.WLS(problem.y - null * problem.focal, rest, weights=weight).fit()
    fitted = restricted.fittedvalues + null * problem.focal
    drawn = [t(fitted + v[problem.clusters] * restricted.resid) for v in signs.T]
    return t(problem.y), np.array(drawn)


def signs_of(problem: Problem, **given):
    drawn = Multipliers.of(problem.cluster_names, **given)
    return np.concatenate([block for _, block in drawn.blocks()], axis=1)


def strict_share(t, drawn):
    return float(np.mean(np.abs(drawn) > np.abs(t) * (1 + 1e-9)))


@pytest.mark.parametrize("kind", ["rademacher", "webb"])
@pytest.mark.parametrize("problem", [made(), weighted(), made(others=0, strata=1), unequal()])
def test_every_draw_is_what_refitting_gives(problem, kind):
    found = wild_statistics([problem], draws=40, seed=5, weights=kind)
    t, drawn = refitted(problem, signs_of(problem, draws=40, seed=5, kind=kind))
    assert found.observed[0] == pytest.approx(t, rel=1e-11)
    np.testing.assert_allclose(found.drawn[0], drawn, atol=1e-11)
    whole = wild_bootstrap(problem, draws=40, seed=5, weights=kind)
    assert whole.statistic == pytest.approx(t, rel=1e-11)
    assert whole.p_value == strict_share(t, drawn)
    as_large = (np.abs(drawn) >= np.abs(t) * (1 - 1e-9)).sum()
    assert found.p_values()[0] == (1 + as_large) / 41
    assert (whole.draws, whole.enumerated) == (40, False)


@pytest.mark.parametrize(
    "problem", [made(3, clusters=7, strata=1), weighted(4, clusters=7, strata=2)]
)
def test_few_clusters_are_enumerated_and_the_ends_are_where_the_refitted_p_crosses(problem):
    every = np.array(list(product([1.0, -1.0], repeat=7))).T
    found = wild_bootstrap(problem, seed=1, draws=127)
    assert (found.draws, found.enumerated) == (128, True)
    assert found.p_value == strict_share(*refitted(problem, every))
    for end, outwards in ((found.conf_low, -1e-7), (found.conf_high, 1e-7)):
        assert strict_share(*refitted(problem, every, end + outwards)) < 0.05
        assert strict_share(*refitted(problem, every, end - outwards)) >= 0.05


def test_enumeration_starts_where_all_vectors_are_no_more_than_the_draws_and_the_data():
    problem = made(clusters=8)
    assert wild_bootstrap(problem, seed=1, draws=255).enumerated
    assert not wild_bootstrap(problem, seed=1, draws=254).enumerated
    assert not wild_bootstrap(problem, seed=1, draws=255, weights="webb").enumerated
    assert wild_bootstrap(problem, seed=1, draws=999) == wild_bootstrap(problem, seed=2, draws=300)


def test_draws_that_tie_with_the_data_do_not_count():
    """All signs alike give |t| again: with the largest |t| of all vectors p is 0."""
    strong = made(clusters=8, effect=50.0, others=0)
    assert wild_bootstrap(strong, seed=1).p_value == 0.0
    found = wild_statistics([strong], seed=1)
    assert (np.abs(found.drawn[0]) >= np.abs(found.observed[0]) * (1 - 1e-9)).sum() == 2
    assert found.p_values() == [2 / 256]


def test_ends_are_where_p_crosses_twice_the_tail():
    problem = weighted(2, clusters=30)
    signs = signs_of(problem, draws=99, seed=3)
    found = wild_bootstrap(problem, draws=99, seed=3, tail=0.05)
    for end, outwards in ((found.conf_low, -1e-7), (found.conf_high, 1e-7)):
        assert strict_share(*refitted(problem, signs, end + outwards)) < 0.10
        assert strict_share(*refitted(problem, signs, end - outwards)) >= 0.10


def test_no_effect_is_in_the_interval_exactly_when_it_is_not_rejected():
    for seed in range(40):
        found = wild_bootstrap(made(seed), draws=199, seed=seed)
        assert (found.conf_low <= 0 <= found.conf_high) == (found.p_value >= 0.05)


def test_shifting_and_scaling_the_outcome_moves_the_interval_alike():
    problem = made()
    found = wild_bootstrap(problem, draws=499, seed=1)
    moved = wild_bootstrap(
        replace(problem, y=1000 * (problem.y - 2 * problem.focal)), draws=499, seed=1
    )
    assert moved.conf_low == pytest.approx(1000 * (found.conf_low - 2), rel=1e-9)
    assert moved.conf_high == pytest.approx(1000 * (found.conf_high - 2), rel=1e-9)


def test_order_of_rows_and_numbers_of_clusters_do_not_matter():
    problem = weighted()
    rng = np.random.default_rng(1)
    rows, numbers = rng.permutation(problem.n), rng.permutation(problem.n_clusters)
    names = np.empty(problem.n_clusters, dtype=object)
    names[numbers] = problem.cluster_names
    shuffled = Problem(
        problem.y[rows], problem.focal[rows], problem.others[rows], problem.strata[rows],
        numbers[problem.clusters[rows]], tuple(names), problem.weights[rows],
    )  # fmt: skip
    a, b = (wild_bootstrap(one, draws=999, seed=8) for one in (problem, shuffled))
    assert a.p_value == b.p_value
    assert a.conf_low == pytest.approx(b.conf_low, rel=1e-9)
    assert a.conf_high == pytest.approx(b.conf_high, rel=1e-9)


def test_a_cluster_has_the_same_signs_in_any_company_and_more_draws_begin_with_the_fewer():
    few, many = made(clusters=20), made(clusters=40)
    a, b = signs_of(few, draws=100, seed=4), signs_of(many, draws=300, seed=4)
    np.testing.assert_array_equal(a, b[:20, :100])
    assert not np.array_equal(a, signs_of(few, draws=100, seed=5))
    alone = wild_statistics([few], draws=300, seed=4)
    together = wild_statistics([many, few], draws=300, seed=4)
    np.testing.assert_array_equal(alone.drawn[0], together.drawn[1])


def test_a_seed_gives_the_same_signs_for_ever():
    """Else a published p-value could not be computed again."""
    names = [f"10270-T{number:02}" for number in range(1, 7)]
    _, signs = next(Multipliers.of(names, draws=16, seed=7).blocks())
    assert "".join("+" if sign > 0 else "-" for sign in signs[0]) == "--+++++--++--+--"
    assert "".join("+" if sign > 0 else "-" for sign in signs[1]) == "-+--++-+--+-+--+"


@pytest.mark.parametrize(("kind", "fourth"), [("rademacher", 1.0), ("webb", 7 / 6)])
def test_multipliers_have_mean_0_and_variance_1(kind, fourth):
    signs = signs_of(made(clusters=50), draws=4000, seed=1, kind=kind)
    for power, moment in ((1, 0.0), (2, 1.0), (3, 0.0), (4, fourth)):
        assert (signs**power).mean() == pytest.approx(moment, abs=0.01)
    between = np.corrcoef(signs)
    assert np.abs(between[~np.eye(50, dtype=bool)]).max() < 0.08


def test_size_of_the_blocks_does_not_matter(monkeypatch):
    found = wild_bootstrap(made(), draws=777, seed=1)
    monkeypatch.setattr(multipliers, "_BLOCK", 10**9)
    whole = wild_bootstrap(made(), draws=777, seed=1)
    assert found.p_value == whole.p_value
    assert found.conf_low == pytest.approx(whole.conf_low, rel=1e-12)


def test_memory_does_not_grow_with_clusters_times_draws():
    problem = made(clusters=1000, strata=100, rows=3)
    tracemalloc.start()
    wild_bootstrap(problem, seed=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25e6  # one number a cluster and draw would be 80 MB


def test_one_treated_cluster_leaves_the_interval_unbounded():
    """The last null not rejected is some G standard errors away: here beyond every null that is tried."""
    problem = made(others=0, strata=1, clusters=20_000, rows=1)
    alone = replace(problem, focal=(problem.clusters == 3).astype(float))
    found = wild_bootstrap(alone, draws=199, seed=1)
    assert found.p_value > 0.05
    assert (found.conf_low, found.conf_high) == (-np.inf, np.inf)


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_resampled_is_refused():
    problem = made()
    flat = replace(problem, y=np.ones(problem.n))
    collinear = replace(problem, focal=(problem.strata == 1).astype(float))
    two = made(clusters=2, strata=1, others=0)
    one = replace(two, clusters=np.zeros(two.n, dtype=int), cluster_names=("T001",))
    for wrong, word in (
        (flat, "constant"),
        (collinear, "strata"),
        (two, "every cluster"),
        (one, "2 clus"),
    ):
        with pytest.raises(DesignError, match=word):
            wild_bootstrap(wrong, seed=1)
        with pytest.raises(DesignError, match=word):
            wild_statistics([wrong], seed=1)
    with pytest.raises(DesignError, match="at least 1"):
        wild_bootstrap(problem, draws=0, seed=1)
    with pytest.raises(DesignError, match="rademacher or webb"):
        wild_bootstrap(problem, seed=1, weights="mammen")


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    covered = []
    for seed in range(200):
        found = wild_bootstrap(made(seed, clusters=14, strata=2, rows=4), draws=399, seed=seed)
        covered.append(found.conf_low <= 0.3 <= found.conf_high)
    assert 0.90 <= np.mean(covered) <= 0.99
