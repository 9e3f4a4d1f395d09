"""Restricted wild cluster bootstrap against fwildclusterboot: Grunfeld's investments of 10 firms."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.datasets import grunfeld

from survey_tools.estimate.design import codes_of
from survey_tools.estimate.inference import wild_bootstrap
from survey_tools.estimate.regression import Problem


def investment(focal: str, other: str) -> Problem:
    """Investment on `focal` and `other` with a constant, clustered by firm."""
    data = grunfeld.load_pandas().data
    data = data[data["firm"] != "American Steel"]  # the eleventh, in statsmodels' copy only
    clusters, firms = codes_of(data, "firm")
    return Problem(
        y=data["invest"].to_numpy(float),
        focal=data[focal].to_numpy(float),
        others=data[[other]].to_numpy(float),
        strata=np.zeros(len(data), dtype=np.int64),
        clusters=clusters,
        cluster_names=firms,
    )


def test_a21_wild_enumerated_grunfeld_capital():
    """R fwildclusterboot 0.14.3, all 1,024 sign vectors; pyfixest 0.60 and diff-diff 3.13 give the same p.

    The ends of its interval are solved to some 1e-5.
    """
    found = wild_bootstrap(investment("capital", "value"), seed=1)
    assert found.enumerated
    assert found.draws == 1024
    assert found.statistic == pytest.approx(2.71491500154239, rel=1e-12)
    assert found.p_value == 0.021484375
    assert found.conf_low == pytest.approx(0.031926889698581, abs=2e-5)
    assert found.conf_high == pytest.approx(0.369158766789661, abs=2e-5)


def test_a21_wild_enumerated_grunfeld_value():
    """R fwildclusterboot 0.14.3, all 1,024 sign vectors."""
    found = wild_bootstrap(investment("value", "capital"), seed=1)
    assert found.statistic == pytest.approx(7.27064983181356, rel=1e-12)
    assert found.p_value == 0.001953125
    assert found.conf_low == pytest.approx(0.0922206508473043, abs=2e-5)
    assert found.conf_high == pytest.approx(0.227960321419028, abs=2e-5)


def test_a21_interval_inverts_the_test_as_diff_diff_does():
    """diff-diff 3.13.0, `wild_bootstrap_se` with n_bootstrap=1024, which solves to some 1e-9."""
    capital = wild_bootstrap(investment("capital", "value"), seed=1)
    value = wild_bootstrap(investment("value", "capital"), seed=1)
    assert capital.conf_low == pytest.approx(0.03191963122767072, rel=1e-7)
    assert capital.conf_high == pytest.approx(0.36915873804841803, rel=1e-7)
    assert value.conf_low == pytest.approx(0.09222025800388997, rel=1e-7)
    assert value.conf_high == pytest.approx(0.2279554526189885, rel=1e-7)
