"""Randomisation inference against published figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reference_support import table
from survey_tools.estimate.design import Draw, codes_of
from survey_tools.estimate.inference.randomisation import randomisation_p, randomisation_test
from survey_tools.estimate.inference.redraw import Assignments, redraw
from survey_tools.estimate.regression import Problem
from survey_tools.estimate.regression.least_squares import ols


def test_a25_eight_units_in_seventy_assignments():
    # Cunningham, Causal Inference: The Mixtape (2021), ch. 4; R 4.2.2 combn: difference 1, two-sided
    # p .857142857142857, one-sided p .428571428571429, of 70.
    units = table("ri8").assign(s="all")
    clusters, names = codes_of(units, "name")
    strata = np.zeros(8, dtype=np.int64)
    y, d = units["y"].to_numpy(float), units["d"].to_numpy(float)
    problem = Problem(y, d, np.empty((8, 0)), strata, clusters, names)
    assignments = redraw(units, Draw("name", "s", seed=1), seed=1)
    (test,) = randomisation_test([problem], assignments)
    assert (test.exact, test.draws) == (True, 70)
    assert test.estimate == pytest.approx(1.0, rel=1e-12)
    assert test.p_value == pytest.approx(0.857142857142857, abs=1e-12)
    place = [list(names).index(name) for name in assignments.cluster_names]
    by_cluster = pd.Series(y, index=clusters).sort_index().to_numpy()[place]
    arms = pd.Series(d, index=clusters).sort_index().to_numpy()[place]
    one_sided = randomisation_p(lambda drawn: (by_cluster @ drawn) / 2 - 8, assignments, arms)
    assert one_sided.p_value == pytest.approx(0.428571428571429, abs=1e-12)


def test_a26_strata_and_clusters_colombia():
    # Heß's ritest (Stata Journal 17:630) in its R version, README: -.180738 (.078174), p .0241; RI in strata
    # b_pair by cluster b_block p .107 from 1,000 draws, so within .02 of it. Coefficient and error by
    # R fixest 0.14.2; 2,346 rows, 63 clusters.
    rows = table("colombia_ritest").apply(pd.to_numeric, errors="coerce")
    covariates = ["b_dayscorab", "miss_b_dayscorab", "round2", "round3"]
    rows = rows.dropna(subset=["dayscorab", "b_treat", *covariates, "b_pair"])
    clusters, names = codes_of(rows, "b_block")
    problem = Problem(
        rows["dayscorab"].to_numpy(float),
        rows["b_treat"].to_numpy(float),
        rows[covariates].to_numpy(float),
        codes_of(rows, "b_pair")[0],
        clusters,
        names,
    )
    assert (problem.n, problem.n_clusters) == (2346, 63)
    found = ols(problem, errors="CR1")
    assert found.estimate == pytest.approx(-0.180738041630565, rel=1e-6)
    assert found.std_error == pytest.approx(0.0781736723915286, rel=1e-6)
    assert found.p_value == pytest.approx(0.0241129110990919, rel=1e-6)
    blocks = rows.drop_duplicates("b_block").sort_values(["b_pair", "b_block"])
    # as published: the labels of each pair are shuffled, so a pair with both treated stays as it is
    rng = np.random.default_rng(3)
    shuffled = [
        rng.permuted(np.tile(arms.to_numpy(np.int8), (9_999, 1)), axis=1).T
        for _, arms in blocks.groupby("b_pair")["b_treat"]
    ]
    names_drawn = tuple(blocks["b_block"].astype(str))
    published = Assignments(names_drawn, np.vstack(shuffled), exact=False)
    # as the study drew: half of each pair, one of three or two of three
    drawn = redraw(blocks, Draw("b_block", "b_pair", seed=1), draws=9_999, seed=3)
    for assignments in (published, drawn):
        (test,) = randomisation_test([problem], assignments)
        assert test.p_value == pytest.approx(0.107, abs=0.02)
        assert test.conf_low < found.estimate < 0 < test.conf_high
