"""Power and sample size against R."""

from __future__ import annotations

import pytest
from statsmodels.stats.power import TTestIndPower
from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail

from survey_tools.estimate.power import (
    PowerDesign,
    clusters_needed,
    power_at,
    share_sd,
    smallest_detectable,
)


@pytest.mark.parametrize(
    ("clusters", "per_cluster", "expected"),
    [(154, 30, 0.0692769072793828), (27, 170, 0.150304012039376), (6, 30, 0.462714232560702)],
)
def test_a28_smallest_detectable_effect(clusters, per_cluster, expected):
    # R 4.2.2: (qt(.975, J - 2) + qt(.8, J - 2)) * sd * sqrt(4 / J * deff / m), icc .08, sd sqrt(.21)
    numbers = PowerDesign(clusters=clusters, per_cluster=per_cluster, icc=0.08)
    assert smallest_detectable(numbers, share_sd(0.3)) == pytest.approx(expected, rel=1e-12)


def test_a29_two_means():
    # R 4.2.2: power.t.test(delta = .2, sd = 1, power = .8)
    n = 393.406656226381
    library = TTestIndPower().solve_power(effect_size=0.2, alpha=0.05, power=0.8)
    assert library == pytest.approx(n, rel=1e-4)
    # own code with clusters of one household and no strata is the same test
    for each, power in ((393, 0.7996), (394, 0.8006)):
        alone = PowerDesign(clusters=2 * each, per_cluster=1, icc=0.0)
        assert power_at(alone, 1.0, 0.2) == pytest.approx(power, abs=1e-4)
        expected = TTestIndPower().power(0.2, each, 0.05)
        assert power_at(alone, 1.0, 0.2) == pytest.approx(expected, abs=1e-9)


def test_a29_two_shares():
    # R 4.2.2: power.prop.test(p1 = .2, p2 = .3, power = .8), n = 293.151 in each group; it takes one variance
    # under the null and another under the alternative, the formula here that of the mean share for both
    n = 293.151285813647
    found = samplesize_proportions_2indep_onetail(0.1, 0.2, power=0.8, alpha=0.05)
    assert found == pytest.approx(n, rel=1e-4)
    alone = PowerDesign(clusters=2, per_cluster=1, icc=0.0)
    clusters = clusters_needed(alone, share_sd(0.25), 0.1)
    assert clusters / 2 == pytest.approx(n, rel=0.02)
