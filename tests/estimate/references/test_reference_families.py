"""Corrections for many tests on the 15 p-values of Benjamini and Hochberg (1995)."""

from __future__ import annotations

import numpy as np
import pytest

from survey_tools.estimate.inference import benjamini_hochberg, holm, sharpened_q

# Benjamini and Hochberg 1995, section 4.1: myocardial infarction, Neuhaus et al.
P_VALUES = np.r_[
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
    0.4262, 0.5719, 0.6528, 0.7590, 1.0,
]  # fmt: skip


def test_a27_benjamini_hochberg():
    """R p.adjust(method = "BH"); the paper rejects the first four at .05."""
    found = benjamini_hochberg(P_VALUES)
    expected = [0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.0638571428571429, 0.0638571428571429]
    expected += [0.0645, 0.0765, 0.486, 0.581181818181818, 0.714875, 0.753230769230769]
    assert found == pytest.approx([*expected, 0.813214285714286, 1.0], rel=1e-12)
    assert (found <= 0.05).sum() == 4


def test_a27_holm():
    """R p.adjust(method = "holm")."""
    expected = [0.0015, 0.0056, 0.0247, 0.114, 0.2211, 0.278, 0.278, 0.278, 0.3213, *[1.0] * 6]
    assert holm(P_VALUES) == pytest.approx(expected, rel=1e-12)


def test_a27_sharpened_q_rounded_up_is_andersons():
    """Anderson's algorithm (2008; Stata code fdr_sharpened_qvalues) run in R, in steps of .001."""
    expected = [2, 3, 9, 30, 47, 50, 50, 50, 60, 242, 303, 401, 432, 483, 667]
    assert np.ceil(sharpened_q(P_VALUES) * 1000 - 1e-9).astype(int).tolist() == expected
