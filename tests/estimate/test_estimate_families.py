"""Corrections for many tests: against their definitions, and laid out as a table of families."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from survey_tools.errors import DesignError
from survey_tools.estimate.effects.assignment import itt
from survey_tools.estimate.effects.families import family_table
from survey_tools.estimate.effects.sample import prepare
from survey_tools.estimate.inference import (
    benjamini_hochberg,
    holm,
    romano_wolf,
    sharpened_q,
    wild_bootstrap,
)
from survey_tools.estimate.inference.families import step_down
from survey_tools.estimate.inference.wild import Statistics, wild_statistics
from survey_tools.estimate.regression import Problem

COLUMNS = [
    "outcome", "family", "n_tests", "estimate", "p_value", "p_romano_wolf", "p_holm", "q_sharpened", "note",
]  # fmt: skip


def problems(seed=0, *, effects=(0.0, 0.1, 0.3, 0.6), clusters=30, rows=5) -> list[Problem]:
    """Outcomes that share a shock of the cluster; every second cluster is treated."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), rows)
    treated = (cluster % 2).astype(float)
    shared = rng.normal(size=clusters)[cluster]
    names = tuple(f"T{g:03}" for g in range(clusters))
    strata = (cluster // 2) % 3
    return [
        Problem(
            effect * treated + 0.5 * shared + rng.normal(size=len(cluster)),
            treated, np.empty((len(cluster), 0)), strata, cluster, names,
        )
        for effect in effects
    ]  # fmt: skip


def without_cluster(problem: Problem, number: int) -> Problem:
    keep = problem.clusters != number
    clusters = problem.clusters[keep]
    return Problem(
        problem.y[keep], problem.focal[keep], problem.others[keep], problem.strata[keep],
        clusters - (clusters > number),
        tuple(name for g, name in enumerate(problem.cluster_names) if g != number),
    )  # fmt: skip


def by_definition(statistics: Statistics) -> list[float]:
    """Romano and Wolf (2016, algorithm 3.1 and equation 3.5), test by test."""
    size, drawn = np.abs(statistics.observed), np.abs(statistics.drawn)
    order = sorted(range(len(size)), key=lambda k: -size[k])
    adjusted, before = [0.0] * len(size), 0.0
    for step, k in enumerate(order):
        largest = [max(drawn[j, b] for j in order[step:]) for b in range(drawn.shape[1])]
        p = (1 + sum(one >= size[k] for one in largest)) / (1 + drawn.shape[1])
        before = max(before, p)
        adjusted[k] = before
    return adjusted


def anderson(p_values) -> np.ndarray:
    """q-values by trying every rate from 1 down in steps of .001, as Anderson's Stata code does."""
    m = len(p_values)
    order = np.argsort(p_values)
    sorted_p, rank = np.asarray(p_values)[order], np.arange(1, m + 1)
    q = np.ones(m)
    for rate in np.arange(1000, 0, -1) / 1000:
        stage = rate / (1 + rate)
        first = (rank * (stage * rank / m >= sorted_p)).max()
        stage = stage * m / (m - first) if first < m else np.inf
        second = (rank * (stage * rank / m >= sorted_p)).max()
        q[rank <= second] = rate
    out = np.empty(m)
    out[order] = q
    return out


def test_stepdown_is_its_definition():
    tests = [*problems(), without_cluster(problems(1, effects=(0.4,))[0], 7)]
    statistics = wild_statistics(tests, draws=299, seed=3)
    expected = by_definition(statistics)
    assert romano_wolf(tests, draws=299, seed=3) == pytest.approx(expected, rel=1e-14)
    assert len(set(expected)) > 2


def test_stepdown_of_given_statistics():
    """|t| 3, 2, 1: 3 is compared with the maxima 2.5 4 1.5, 2 with 2.5 1 1.5, 1 with 0.5 1 1.5."""
    drawn = np.array([[0.0, -4.0, 0.1], [2.5, 0.2, 0.0], [0.5, 1.0, -1.5]])
    found = step_down(Statistics(np.array([3.0, -2.0, 1.0]), drawn, enumerated=False))
    assert found.tolist() == [2 / 4, 2 / 4, 3 / 4]


def test_one_test_is_its_p_value_with_the_data_as_one_more_draw():
    (problem,) = problems(effects=(0.4,))
    alone = wild_bootstrap(problem, draws=999, seed=1)
    (adjusted,) = romano_wolf([problem], draws=999, seed=1)
    assert adjusted == pytest.approx((1 + 999 * alone.p_value) / 1000, rel=1e-12)


def test_where_all_signs_are_enumerated_the_data_are_among_them():
    (problem,) = problems(effects=(0.4,), clusters=8)
    statistics = wild_statistics([problem], seed=1)
    size = abs(statistics.observed[0]) * (1 - 1e-9)
    as_large = (np.abs(statistics.drawn) >= size).sum()
    assert romano_wolf([problem], seed=1) == [as_large / 256]
    assert as_large >= 2


def test_the_same_outcome_ten_times_is_one_test():
    (problem,) = problems(effects=(0.4,))
    once = romano_wolf([problem], draws=999, seed=1)
    assert romano_wolf([problem] * 10, draws=999, seed=1) == pytest.approx(np.repeat(once, 10))
    scaled = [problem, replace(problem, y=-7 * problem.y)]
    assert romano_wolf(scaled, draws=999, seed=1) == pytest.approx(np.repeat(once, 2))


def test_adjusted_values_keep_the_order_of_the_statistics_and_exceed_the_single_ones():
    tests = problems(5, effects=np.linspace(0, 0.8, 8))
    statistics = wild_statistics(tests, draws=999, seed=1)
    adjusted = romano_wolf(tests, draws=999, seed=1)
    order = np.argsort(-np.abs(statistics.observed))
    assert (np.diff(adjusted[order]) >= 0).all()
    assert (adjusted >= statistics.p_values()).all()
    backwards = romano_wolf(tests[::-1], draws=999, seed=1)
    np.testing.assert_array_equal(backwards[::-1], adjusted)
    assert romano_wolf([], seed=1).shape == (0,)


def test_false_rejections_of_a_family_stay_near_the_level():
    rejected = [
        (romano_wolf(problems(s, effects=[0.0] * 5, rows=3), draws=199, seed=s) <= 0.10).any()
        for s in range(120)
    ]
    assert 0.03 <= np.mean(rejected) <= 0.19


@pytest.mark.parametrize("seed", range(30))
def test_sharpened_q_rounded_up_to_steps_is_andersons(seed):
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(rng.integers(1, 25)) ** rng.uniform(1, 6), 4)
    np.testing.assert_array_equal(np.ceil(sharpened_q(p) * 1000 - 1e-9).clip(1), anderson(p) * 1000)


def test_sharpened_q_by_hand():
    """p .01 .02 at rate q: all are rejected by both stages once .02 <= q / (1 + q)."""
    assert sharpened_q(np.array([0.02, 0.01])) == pytest.approx([0.02 / 0.98] * 2, rel=1e-14)
    assert sharpened_q(np.array([0.7])).tolist() == [1.0]
    assert sharpened_q(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("correct", [sharpened_q, holm, benjamini_hochberg])
def test_gaps_stay_gaps_and_are_no_tests(correct):
    p = np.array([0.04, np.nan, 0.01, 0.2, np.nan])
    found = correct(p)
    assert np.isnan(found).tolist() == np.isnan(p).tolist()
    np.testing.assert_array_equal(found[~np.isnan(p)], correct(p[~np.isnan(p)]))
    assert np.isnan(correct(np.array([np.nan]))).all()
    assert correct(np.array([])).shape == (0,)
    with pytest.raises(DesignError, match=r"1\.2"):
        correct(np.array([0.5, 1.2]))


@pytest.fixture(scope="module")
def district(households):
    """The district with further outcomes: a mixture, one without answers, one that never varies."""
    table = households.copy()
    for wave in ("w1", "w3"):
        table[f"mixed__{wave}"] = table[f"y__{wave}"] + 0.3 * table[f"z__{wave}"]
        table[f"both_index__{wave}"] = table[f"y__{wave}"] - table[f"z__{wave}"]
        table[f"alike__{wave}"] = table[f"y__{wave}"] * 0 + 1
        table[f"silent__{wave}"] = np.nan
        table[f"place__{wave}"] = table["commune_code"].astype(float)
        few = table["team_id"].isin(sorted(table.loc[table.intensive == 1, "team_id"].unique())[:1])
        lone = few | (table["intensive"] == 0)
        table[f"lone__{wave}"] = table[f"y__{wave}"].where(lone)
    return table


@pytest.fixture
def outcomes():
    return pd.DataFrame(
        {
            "outcome": ["mixed", "y", "both_index", "alike", "z", "silent", "place", "lone"],
            "family": ["use", "use", "use", "use", "money", "money", "money", "money"],
            "scale": ["amount", "binary", "index", *["amount"] * 5],
        }
    )


def test_table_has_a_row_an_outcome_corrected_within_its_family(district, design, outcomes):
    found = family_table(district, design, outcomes, draws=499, seed=2)
    assert found.columns.tolist() == COLUMNS
    assert found["outcome"].tolist() == outcomes["outcome"].tolist()
    rows = found.set_index("outcome")
    assert rows["family"].tolist() == ["use", "use", "index", "use", *["money"] * 4]
    assert rows["n_tests"].tolist() == [2, 2, 1, 2, 1, 1, 1, 1]
    both = [prepare(district, design, name, baseline=name).problem for name in ("mixed", "y")]
    for name, problem in zip(("mixed", "y"), both, strict=True):
        assert rows.loc[name, "p_value"] == romano_wolf([problem], draws=499, seed=2)
        expected = itt(district, design, name)["estimate"].item()
        assert rows.loc[name, "estimate"] == pytest.approx(expected, rel=1e-12)
    use = rows.loc[["mixed", "y"]]
    np.testing.assert_array_equal(use["p_romano_wolf"], romano_wolf(both, draws=499, seed=2))
    np.testing.assert_array_equal(use["p_holm"], holm(use["p_value"]))
    np.testing.assert_array_equal(use["q_sharpened"], sharpened_q(use["p_value"]))


def test_one_test_alone_is_not_corrected(district, design, outcomes):
    rows = family_table(district, design, outcomes, draws=499, seed=2).set_index("outcome")
    for name in ("both_index", "z"):
        row = rows.loc[name]
        assert row["p_value"] == row["p_holm"] == row["q_sharpened"]
        assert row["p_romano_wolf"] == row["p_value"]


def test_an_outcome_without_estimate_is_a_row_that_says_why(district, design, outcomes):
    rows = family_table(district, design, outcomes, draws=99, seed=2).set_index("outcome")
    reasons = {
        "alike": "the outcome does not vary",
        "silent": "no answers",
        "place": "the outcome is determined by the regressors",
        "lone": "fewer than 2 team_id with answers in an arm",
    }
    for name, reason in reasons.items():
        assert rows.loc[name, COLUMNS[3:8]].isna().all()
        assert rows.loc[name, "note"].startswith(reason)
    assert rows.loc["y", "note"] == ""


def test_given_p_values_are_those_corrected(district, design, outcomes):
    given = pd.Series(0.5, index=outcomes["outcome"]).where(lambda p: p.index != "mixed", 0.03)
    rows = family_table(district, design, outcomes, given, draws=99, seed=2).set_index("outcome")
    bootstrap = family_table(district, design, outcomes, draws=99, seed=2).set_index("outcome")
    assert rows.loc[["mixed", "y"], "p_value"].tolist() == [0.03, 0.5]
    assert rows.loc[["mixed", "y"], "p_holm"].tolist() == [0.06, 0.5]
    pd.testing.assert_series_equal(rows["p_romano_wolf"], bootstrap["p_romano_wolf"])
    with pytest.raises(DesignError, match="none for y"):
        family_table(district, design, outcomes, given.drop("y"), draws=99, seed=2)
    with pytest.raises(DesignError, match="twice"):
        family_table(district, design, outcomes, pd.concat([given, given]), draws=99, seed=2)
    with pytest.raises(DesignError, match="probability"):
        family_table(district, design, outcomes, given + 1, draws=99, seed=2)


def test_order_of_rows_does_not_matter(district, design, outcomes):
    found = family_table(district, design, outcomes, draws=99, seed=2)
    shuffled = district.sample(frac=1, random_state=1)
    again = family_table(shuffled, design, outcomes, draws=99, seed=2)
    pd.testing.assert_frame_equal(found, again, rtol=1e-10)


def test_tables_that_say_too_little_or_too_much_are_refused(district, design, outcomes):
    with pytest.raises(DesignError, match="twice"):
        family_table(district, design, pd.concat([outcomes, outcomes]), seed=1)
    with pytest.raises(DesignError, match="family"):
        family_table(district, design, outcomes[["outcome"]], seed=1)
    with pytest.raises(DesignError, match="arm"):
        family_table(district.assign(intensive=1), design, outcomes, seed=1)
    nothing = family_table(district, design, outcomes.iloc[:0], seed=1)
    assert nothing.columns.tolist() == COLUMNS
    assert nothing.empty
