"""Overlap of the arms: weights of known properties, and tables that count each row once."""

from __future__ import annotations

import numpy as np
import pytest

from survey_tools.estimate.effects import (
    logit_scores,
    overlap_balance,
    overlap_bins,
    overlap_table,
)
from survey_tools.estimate.effects.weighting import (
    balancing_weights,
    effective_number,
    within_bounds,
)
from survey_tools.estimate.regression.regressors import Columns


def test_bounds_of_the_score_follow_the_target():
    score = np.array([0.05, 0.1, 0.5, 0.9, 0.95])
    assert within_bounds(score, "ate", 0.1).tolist() == [False, True, True, True, False]
    assert within_bounds(score, "att", 0.1).tolist() == [True, True, True, True, False]
    assert within_bounds(score, "ato", 0.1).all()


def test_effective_number_of_equal_weights_is_their_number():
    assert effective_number(np.full(7, 0.3)) == pytest.approx(7)
    assert effective_number(np.array([1.0, 0, 0])) == 1
    assert effective_number(np.zeros(3)) == 0


def test_overlap_weights_balance_the_means_of_a_logit_exactly():
    """Li, Morgan and Zaslavsky (2018), theorem 3."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=500)
    treated = (rng.random(500) < 1 / (1 + np.exp(-x))).astype(float)
    score = logit_scores(treated, Columns(x[:, None], ("x",)))
    parts = balancing_weights(treated, score, "ato")
    means = [w @ x / w.sum() for w in (parts.treated, parts.untreated)]
    assert means[0] == pytest.approx(means[1], abs=1e-8)


def test_overlap_tables_count_every_row_once(households, design):
    settings = {"treatment": "reached__w3", "further": ["reached__w1"]}
    table = overlap_table(households, design, "y", **settings)
    bins = overlap_bins(households, design, "y", bins=4, **settings)
    assert bins.groupby("arm").n.sum().to_dict() == table.set_index("arm").n.to_dict()
    assert bins.groupby("arm").share.sum().tolist() == pytest.approx([1, 1])
    assert (table.effective_n <= table.n).all()


def test_weighting_brings_the_covariates_together(households, design):
    table = overlap_balance(households, design, "y", treatment="reached__w3").set_index("variable")
    got = households[households.y__w3.notna() & households.reached__w3.notna()]
    one, other = (got.loc[got.reached__w3 == arm, "resp_female"] for arm in (1, 0))
    expected = (one.mean() - other.mean()) / np.sqrt((one.var() + other.var()) / 2)
    assert table.loc["resp_female", "difference_before"] == pytest.approx(expected, abs=1e-10)
    assert table.difference_after.abs().max() < 0.02 < table.difference_before.abs().max()
