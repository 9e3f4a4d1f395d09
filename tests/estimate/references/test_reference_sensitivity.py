"""Sensitivity held against the Darfur example of Cinelli and Hazlett (2020).

Published: .097 (.023), robustness value 13.9 %, at 5 % 7.6 %, partial R² 2.2 %; more digits and the
bounds from the R package sensemakr 0.1.6.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import reference_support
from survey_tools.estimate.regression import Problem
from survey_tools.estimate.threats import Confoundable, benchmark_strength

COVARIATES = ["age", "farmer_dar", "herder_dar", "pastvoted", "hhsize_darfur", "female"]
BOUNDS = {  # r2_treatment, r2_outcome, estimate, error, interval
    1: (
        0.00916428667504857,
        0.12464092303637,
        0.0752202712144499,
        0.0218733277437569,
        0.0322829657274461,
        0.118157576701454,
    ),
    2: (
        0.0183285733500971,
        0.249324064199975,
        0.052915172384453,
        0.0203500620779634,
        0.012968034831485,
        0.0928623099374209,
    ),
    3: (
        0.0274928600251457,
        0.374050471038095,
        0.0303960234641564,
        0.0186700648170921,
        -0.00625328229785563,
        0.0670453292261685,
    ),
}


@pytest.fixture(scope="module")
def darfur() -> Problem:
    frame = reference_support.table("darfur")
    villages = np.unique(frame.village, return_inverse=True)[1].astype(np.int64)
    rows = np.arange(len(frame))
    return Problem(
        frame.peacefactor.to_numpy(float),
        frame.directlyharmed.to_numpy(float),
        frame[COVARIATES].to_numpy(float),
        villages,
        rows,
        tuple(map(str, rows)),
    )


def test_a18_estimate_and_error_darfur(darfur):
    fit = Confoundable.of(darfur, errors="classical")
    assert fit.df == 783
    assert fit.estimate == pytest.approx(0.0973158192849558, rel=1e-10)
    assert fit.classical_error == pytest.approx(0.023256537809811, rel=1e-10)


def test_a18_partial_r2_darfur(darfur):
    fit = Confoundable.of(darfur, errors="classical")
    assert fit.partial_r2 == pytest.approx(0.0218730933411097, rel=1e-10)


def test_a18_robustness_values_darfur(darfur):
    fit = Confoundable.of(darfur, errors="classical")
    assert fit.robustness_value() == pytest.approx(0.138776353893588, rel=1e-10)
    assert fit.robustness_value(alpha=0.05) == pytest.approx(0.0762579655448573, rel=1e-10)


@pytest.mark.parametrize("multiple", [1, 2, 3])
def test_a18_bounds_by_female_darfur(darfur, multiple):
    fit = Confoundable.of(darfur, errors="classical")
    reduced = replace(darfur, others=darfur.others[:, :-1])
    strength = benchmark_strength(darfur, reduced, multiple)
    left = fit.adjusted(*strength)
    half = stats.t.ppf(0.975, fit.df) * left.std_error  # sensemakr's; here one degree less is left
    interval = left.estimate - half, left.estimate + half
    found = (*strength, left.estimate, left.std_error, *interval)
    assert found == pytest.approx(BOUNDS[multiple], rel=1e-8)
    assert left.df == 782
    assert (left.conf_low, left.conf_high) == pytest.approx(interval, abs=1e-6)
