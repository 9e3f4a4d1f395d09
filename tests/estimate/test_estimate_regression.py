from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from survey_tools.errors import DesignError
from survey_tools.estimate.inference import effective_clusters
from survey_tools.estimate.regression import Problem, ols, wald_cr2

LAYOUTS = ("one stratum", "nested", "crossing", "inside clusters")


def numbered(values):
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def draw(seed, layout, *, weights=False, controls=2, clusters=11, arms="by cluster"):
    """A small problem with unequal clusters, some of them odd on purpose."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), rng.integers(2, 8, clusters))
    n = len(cluster)
    strata = {
        "one stratum": np.zeros(n, int),
        "nested": np.minimum(np.arange(clusters) // 3, 3)[cluster],
        "crossing": rng.integers(0, 3, n),
        "inside clusters": numbered(cluster * 100 + np.arange(n) // 2),
    }[layout]
    focal = (rng.random(clusters) < 0.5)[cluster] if arms == "by cluster" else rng.random(n) < 0.5
    if layout == "inside clusters":
        focal = rng.random(n) < 0.5
    others = rng.normal(size=(n, controls))
    y = rng.normal(size=n) + rng.normal(size=clusters)[cluster] + 0.5 * focal
    w = 40 * rng.gamma(1.0, 1.0, n) + 1 if weights else None
    names = tuple(f"c{g}" for g in range(clusters))
    return Problem(y, focal.astype(float), others, numbered(strata), cluster, names, w)


def dense(problem):
    dummies = np.eye(problem.n_strata)[problem.strata]
    return np.column_stack([problem.focal, problem.others, dummies])


def by_rows(problem, x=None, tested=1):
    """CR2 with n by n matrices: coefficients, covariance, and all covariances of the scores."""
    x = dense(problem) if x is None else x
    w = np.eye(problem.n) if problem.weights is None else np.diag(problem.weights)
    bread = np.linalg.inv(x.T @ w @ x)
    rest = np.eye(problem.n) - x @ bread @ x.T @ w
    errors, spread = rest @ problem.y, rest @ rest.T
    coefficients = bread @ x.T @ w @ problem.y
    scores, images = [], []
    for g in range(problem.n_clusters):
        rows = np.flatnonzero(problem.clusters == g)
        values, vectors = np.linalg.eigh(spread[np.ix_(rows, rows)])
        power = np.where(values > 1e-10, np.maximum(values, 1e-10) ** -0.5, 0)
        adjusted = (vectors * power) @ vectors.T @ w[np.ix_(rows, rows)] @ x[rows] @ bread
        scores.append(adjusted[:, :tested].T @ errors[rows])
        images.append(rest[rows].T @ adjusted[:, :tested])
    scores, images = np.array(scores), np.array(images)
    covariances = np.einsum("gns,hnt->stgh", images, images)
    return coefficients[:tested], scores.T @ scores, covariances


def satterthwaite(covariances):
    q = covariances[0, 0]
    return np.trace(q) ** 2 / (q**2).sum()


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("arms", ["by cluster", "by row"])
def test_cr2__equals_algebra_with_rows_by_rows(layout, weights, arms):
    for seed in range(8):
        problem = draw(seed, layout, weights=weights, arms=arms)
        coefficients, covariance, covariances = by_rows(problem)
        found = ols(problem)
        assert found.estimate == pytest.approx(coefficients[0], rel=1e-9)
        assert found.std_error == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-8)
        assert found.df == pytest.approx(satterthwaite(covariances), rel=1e-7)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.filterwarnings("ignore:Satterthwaite DOF for")  # of dummies, which nobody asks for
def test_cr2__equals_diff_diff(layout, weights):
    # diff-diff 3.13 has clubSandwich's figures, with weights too
    from diff_diff.linalg import compute_robust_vcov

    problem = draw(3, layout, weights=weights, arms="by row")
    covariance, df = compute_robust_vcov(
        dense(problem),
        problem.errors,
        cluster_ids=problem.clusters,
        weights=problem.weights,
        vcov_type="hc2_bm",
        return_dof=True,
    )
    found = ols(problem)
    assert found.std_error == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-11)
    assert found.df == pytest.approx(df[0], rel=1e-10)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("layout", ["one stratum", "nested", "crossing"])
def test_cr2__inverts_a_singular_cluster_by_moore_and_penrose(layout, weights):
    # a control that is the dummy of one cluster leaves no residual in its direction
    for seed in range(5):
        problem = draw(seed, layout, weights=weights, arms="by row")
        lone = (problem.clusters == 4).astype(float)
        problem = replace(problem, others=np.column_stack([problem.others, lone]))
        _, covariance, covariances = by_rows(problem)
        found = ols(problem)
        assert found.std_error == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-8)
        assert found.df == pytest.approx(satterthwaite(covariances), rel=1e-7)


@pytest.mark.parametrize("weights", [False, True])
def test_cr2__a_stratum_of_one_cluster_or_one_arm_tells_nothing_without_controls(weights):
    problem = draw(3, "nested", weights=weights, controls=0, clusters=12)
    strata = np.where(problem.clusters == 5, problem.n_strata, problem.strata)
    focal = np.array([0, 1, 0, 1, 0, 1, 1, 1, 1, 0, 1, 0.0])[problem.clusters]  # stratum 2: one arm
    whole = replace(problem, strata=strata, focal=focal)
    kept = ~np.isin(problem.clusters, [5, 6, 7, 8])
    fewer = Problem(
        whole.y[kept],
        whole.focal[kept],
        whole.others[kept],
        numbered(whole.strata[kept]),
        numbered(whole.clusters[kept]),
        tuple("abcdefgh"),
        None if whole.weights is None else whole.weights[kept],
    )
    one, other = ols(whole), ols(fewer)
    assert one.estimate == pytest.approx(other.estimate, rel=1e-10)
    assert one.std_error == pytest.approx(other.std_error, rel=1e-9)
    assert one.df == pytest.approx(other.df, rel=1e-8)


@pytest.mark.parametrize(("treated", "regular"), [(5, 5), (2, 9), (3, 4)])
def test_cr2__of_equal_clusters_is_welchs_error_of_their_means(treated, regular):
    rng = np.random.default_rng(treated)
    g, size = treated + regular, 6
    clusters = np.repeat(np.arange(g), size)
    arm = (np.arange(g) < treated).astype(float)
    y = rng.normal(size=g * size) + rng.normal(size=g)[clusters]
    none = np.empty((g * size, 0))
    strata = np.zeros(g * size, np.int64)
    found = ols(Problem(y, arm[clusters], none, strata, clusters, tuple(map(str, range(g)))))
    means = y.reshape(g, size).mean(axis=1)
    one, two = means[arm == 1], means[arm == 0]
    variance = one.var(ddof=1) / treated + two.var(ddof=1) / regular
    assert found.std_error == pytest.approx(np.sqrt(variance), rel=1e-12)
    alike = 1 / treated + 1 / regular
    parts = 1 / treated**2 / (treated - 1) + 1 / regular**2 / (regular - 1)
    assert found.df == pytest.approx(alike**2 / parts, rel=1e-12)
    half = stats.t.ppf(0.975, found.df) * found.std_error
    assert found.conf_high - found.estimate == pytest.approx(half, rel=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cr2__is_unbiased_when_errors_are_alike(layout):
    problem = draw(1, layout)
    _, _, covariances = by_rows(problem)
    expected = 1 / (problem.focal_residual @ problem.focal_residual)
    if layout in ("one stratum", "nested"):
        assert np.trace(covariances[0, 0]) == pytest.approx(expected, rel=1e-9)
    rng = np.random.default_rng(0)
    drawn = [ols(replace(problem, y=rng.normal(size=problem.n))).std_error ** 2 for _ in range(400)]
    assert np.mean(drawn) == pytest.approx(expected, abs=4 * np.std(drawn) / 20)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("layout", ["one stratum", "nested", "crossing"])
def test_cr3__is_the_jackknife_over_clusters(layout, weights):
    problem = draw(5, layout, weights=weights)
    x, root = dense(problem), np.ones(problem.n)
    if weights:
        root = np.sqrt(problem.weights)
    whole = np.linalg.lstsq(x * root[:, None], problem.y * root, rcond=None)[0][0]
    without = []
    for g in range(problem.n_clusters):
        kept = problem.clusters != g
        xw, yw = x[kept] * root[kept, None], problem.y[kept] * root[kept]
        without.append(np.linalg.lstsq(xw, yw, rcond=None)[0][0])
    found = ols(problem, errors="CR3")
    assert found.std_error**2 == pytest.approx(((np.array(without) - whole) ** 2).sum(), rel=1e-9)
    assert found.df == problem.n_clusters - 1


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("layout", ["one stratum", "nested", "crossing"])
@pytest.mark.parametrize("errors", ["CR1", "HC1", "HC2", "HC3", "classical"])
def test_other_errors__equal_statsmodels(layout, weights, errors):
    problem = draw(7, layout, weights=weights)
    model = sm.WLS(problem.y, dense(problem), 1.0 if problem.weights is None else problem.weights)
    kind = {"classical": "nonrobust", "CR1": "cluster"}.get(errors, errors)
    words = {"groups": problem.clusters} if errors == "CR1" else None
    fit = model.fit(method="qr", cov_type=kind, cov_kwds=words, use_t=True)
    found = ols(problem, errors=errors)
    assert found.estimate == pytest.approx(fit.params[0], rel=1e-9)
    assert found.std_error == pytest.approx(fit.bse[0], rel=1e-9)
    assert found.p_value == pytest.approx(fit.pvalues[0], rel=1e-7)


def test_ols__does_not_depend_on_order_of_rows_names_of_groups_or_scale_of_weights():
    for layout in LAYOUTS:
        problem = draw(11, layout, weights=True)
        expected = ols(problem)
        rng = np.random.default_rng(0)
        order, names = rng.permutation(problem.n), rng.permutation(problem.n_clusters)
        strata = rng.permutation(problem.n_strata)
        other = Problem(
            problem.y[order],
            problem.focal[order],
            problem.others[order] @ np.array([[2.0, 1.0], [0.0, -3.0]]),
            strata[problem.strata[order]],
            names[problem.clusters[order]],
            problem.cluster_names,
            problem.weights[order] * 1e6,
        )
        found = ols(other)
        for part in ("estimate", "std_error", "df", "p_value"):
            assert getattr(found, part) == pytest.approx(getattr(expected, part), rel=1e-8)


def test_ols__of_one_cluster_has_no_error():
    problem = draw(0, "one stratum", arms="by row")
    alone = replace(problem, clusters=np.zeros(problem.n, np.int64), cluster_names=("a",))
    for errors in ("CR1", "CR2", "CR3"):
        found = ols(alone, errors=errors)
        assert np.isfinite(found.estimate)
        assert np.isnan([found.std_error, found.df, found.p_value, found.conf_low]).all()


@pytest.mark.parametrize("errors", ["CR1", "CR2", "CR3"])
def test_ols__of_one_cluster_in_each_arm_has_no_error(errors):
    # both means are fitted without residual: what rounding leaves is no error
    rng = np.random.default_rng(0)
    clusters = np.repeat([0, 1], 9)
    none, strata = np.empty((18, 0)), np.zeros(18, np.int64)
    pair = Problem(rng.random(18), clusters.astype(float), none, strata, clusters, ("a", "b"))
    found = ols(pair, errors=errors)
    assert np.isfinite(found.estimate)
    assert np.isnan([found.std_error, found.p_value, found.conf_low]).all()


def test_ols__with_as_many_coefficients_as_rows_has_no_error():
    problem = Problem(
        np.array([0.0, 1.0, 3.0]),
        np.array([0.0, 1.0, 0.0]),
        np.array([[1.0], [2.0], [5.0]]),
        np.zeros(3, np.int64),
        np.arange(3),
        ("a", "b", "c"),
    )
    for errors in ("CR1", "CR2", "HC2", "classical"):
        assert np.isnan(ols(problem, errors=errors).std_error)


def test_ols__refuses_an_unknown_error():
    with pytest.raises(DesignError, match="kind of standard error"):
        ols(draw(0, "nested"), errors="CR9")


def test_ols__of_a_district_of_200000_rows_needs_little_memory():
    rng = np.random.default_rng(0)
    clusters = np.sort(rng.integers(0, 4000, 200_000))
    names = tuple(str(g) for g in range(4000))
    arm = (rng.random(4000) < 0.5)[clusters].astype(float)
    others, y = rng.normal(size=(200_000, 12)), rng.normal(size=200_000)
    problem = Problem(y, arm, others, clusters % 667, clusters, names)
    tracemalloc.start()
    found = ols(problem)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e8
    assert 2000 < found.df < 4000
    assert found.std_error == pytest.approx(2 / np.sqrt(200_000), rel=0.1)


def test_effective_clusters__is_all_of_them_when_they_are_alike():
    clusters = np.repeat(np.arange(10), 4)
    arm = (clusters < 5).astype(float)
    y, none = np.zeros(40), np.empty((40, 0))
    problem = Problem(y, arm, none, np.zeros(40, np.int64), clusters, tuple("abcdefghij"))
    assert effective_clusters(problem) == pytest.approx(10)
    assert effective_clusters(problem, correlation=0.0) == pytest.approx(10)


def test_effective_clusters__is_small_when_few_are_treated():
    # one of ten: its share is as large as that of the nine others together
    clusters = np.repeat(np.arange(10), 4)
    arm = (clusters == 0).astype(float)
    problem = Problem(
        np.zeros(40), arm, np.empty((40, 0)), np.zeros(40, np.int64), clusters, tuple("abcdefghij")
    )
    shares = np.array([1.0, *[1 / 81] * 9])
    expected = shares.sum() ** 2 / (shares**2).sum()
    assert effective_clusters(problem) == pytest.approx(expected)
    assert expected < 1.3
    assert ols(replace(problem, y=np.arange(40.0) % 7)).df < 10


def test_effective_clusters__with_a_dummy_a_cluster_depends_on_the_correlation():
    problem = draw(2, "nested", arms="by row")
    inside = replace(problem, strata=problem.clusters)
    assert np.isnan(effective_clusters(inside))
    assert 1 < effective_clusters(inside, correlation=0.0) <= problem.n_clusters


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_wald__equals_algebra_with_rows_by_rows(layout, weights):
    problem = draw(4, layout, weights=weights, controls=3, arms="by row", clusters=13)
    q = 3
    tested = np.column_stack([problem.focal, problem.others[:, :2]])
    found = wald_cr2(
        problem.y,
        tested,
        problem.others[:, 2:],
        problem.strata,
        problem.clusters,
        problem.weights,
    )
    coefficients, covariance, spread = by_rows(problem, tested=q)
    mean = np.trace(spread, axis1=2, axis2=3)
    values, vectors = np.linalg.eigh(mean)
    turn = (vectors / np.sqrt(values)) @ vectors.T
    spread = np.einsum("as,bt,stgh->abgh", turn, turn, spread)
    total = sum(
        (spread[s, t] * spread[t, s]).sum() + (spread[s, s] * spread[t, t]).sum()
        for s in range(q)
        for t in range(q)
    )
    eta = q * (q + 1) / total
    distance = coefficients @ np.linalg.solve(covariance, coefficients)
    statistic = (eta - q + 1) / eta * distance / q
    assert found.df_num == q
    assert found.df_denom == pytest.approx(eta - q + 1, rel=1e-7)
    assert found.statistic == pytest.approx(statistic, rel=1e-7)
    assert found.p_value == pytest.approx(stats.f.sf(statistic, q, eta - q + 1), rel=1e-6)


def test_wald__of_one_coefficient_is_the_t_test():
    problem = draw(6, "nested", weights=True)
    parts = problem.others, problem.strata, problem.clusters, problem.weights
    found, single = wald_cr2(problem.y, problem.focal[:, None], *parts), ols(problem)
    assert found.statistic == pytest.approx((single.estimate / single.std_error) ** 2, rel=1e-9)
    assert found.df_denom == pytest.approx(single.df, rel=1e-9)
    assert found.p_value == pytest.approx(single.p_value, rel=1e-8)


def test_wald__does_not_depend_on_the_scale_of_what_is_tested():
    problem = draw(8, "nested", controls=3)
    none = np.empty((problem.n, 0))
    turn = np.array([[1e4, 3.0, 0.0], [0.0, 2.0, 1.0], [0.0, 0.0, 1e-3]])
    one = wald_cr2(problem.y, problem.others, none, problem.strata, problem.clusters)
    two = wald_cr2(problem.y, problem.others @ turn, none, problem.strata, problem.clusters)
    assert two == pytest.approx(one, rel=1e-7)


def test_wald__refuses_dependent_columns_and_too_few_clusters():
    problem = draw(9, "one stratum", controls=2)
    none, groups = np.empty((problem.n, 0)), (problem.strata, problem.clusters)
    twice = np.column_stack([problem.others, problem.others.sum(axis=1)])
    found = wald_cr2(problem.y, twice, none, *groups)
    assert np.isnan([found.statistic, found.p_value]).all()
    constant = np.ones((problem.n, 1))
    assert np.isnan(wald_cr2(problem.y, constant, none, *groups).p_value)
    rng = np.random.default_rng(0)
    by_cluster = rng.normal(size=(problem.n_clusters, 10))[problem.clusters]
    assert np.isnan(wald_cr2(problem.y, by_cluster, none, *groups).p_value)
    many = rng.normal(size=(problem.n, 14))
    assert np.isnan(wald_cr2(problem.y, many, none, *groups).p_value)
