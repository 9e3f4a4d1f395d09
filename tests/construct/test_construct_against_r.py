"""Weights, indices and agreement against R and its package survey, stored with the script that made them.

Tolerance 1e-10, relative: both sides work in double precision and rake to 1e-12 or nearer.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from construct_frames import STUDY

from survey_tools import construct

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "construct"
CODES = {"commune_code": str, "code": str}
SAME = {"rtol": 1e-10, "atol": 1e-10}


def read(name):
    frame = pd.read_csv(FOLDER / f"{name}.csv", dtype=CODES)
    dates = [c for c in ("interview_date", "month", "ref_month") if c in frame]
    return frame.assign(**{c: pd.to_datetime(frame[c]) for c in dates})


@pytest.fixture(scope="module")
def panel():
    return read("interviews")


@pytest.fixture(scope="module")
def weights(panel):
    return construct.survey_weights(panel, read("teams"), read("communes"))


def beside(found, expected, keys):
    """Lay both out by the same keys; every row of one is a row of the other."""
    left, right = found.set_index(keys), expected.set_index(keys)
    assert set(left.index) == set(right.index)
    return left, right.loc[left.index]


@pytest.mark.parametrize("column", ["weight_base", "weight_raked", "weight"])
def test_survey_weights__equal_those_of_survey_rake(weights, column):
    found, expected = beside(weights.rows, read("expected_weights"), ["hhid", "wave"])
    np.testing.assert_allclose(found[column], expected[column], **SAME)


def test_survey_weights__frozen_answers_hold_every_hard_case(panel, weights):
    assert panel["hh_size"].isna().any()
    assert weights.summary["trimmed"].max() > 0
    assert weights.summary["note"].str.contains("without interview").any()
    assert weights.summary["sizes"].str.contains("-").any()


def test_survey_weights__effective_sample_equals_kish(weights):
    keys = ["wave", "commune_code"]
    found, expected = beside(weights.summary, read("expected_n_eff"), keys)
    np.testing.assert_allclose(found["n_eff"], expected["n_eff"], **SAME)
    np.testing.assert_allclose(found["deff"], expected["deff"], **SAME)


def test_anderson_weights__equal_those_of_r(panel):
    found = construct.anderson_weights(panel, "w1")
    found, expected = beside(found, read("expected_index_weights"), ["index", "outcome"])
    for column in ("n", "mean", "sd", "weight"):
        np.testing.assert_allclose(found[column], expected[column], **SAME)
    assert (found["weight"] == 0).any()


def test_indices__both_kinds_equal_those_of_r(panel):
    weights = construct.anderson_weights(panel, "w1")
    both = construct.add_indices(panel).assign(
        **dict(construct.anderson_indices(panel, weights).items())
    )
    found, expected = beside(both, read("expected_indices"), ["hhid", "wave"])
    for column in expected:
        np.testing.assert_allclose(found[column], expected[column], **SAME)
        assert expected[column].notna().sum() > 100


@pytest.fixture(scope="module")
def sources(panel):
    sites = construct.build_sites(read("site"))
    return construct.exposure_sources(panel, read("team_log"), sites, read("teams"), STUDY)


def test_exposure_sources__equal_those_of_r(sources):
    found, expected = beside(sources, read("expected_exposure"), ["team_id"])
    for column in expected:
        np.testing.assert_allclose(found[column].astype(float), expected[column], **SAME)


def test_agreement__correlations_and_kappa_equal_those_of_r(sources):
    found = construct.agreement(sources).query("unit == 'team'")
    found, expected = beside(found, read("expected_agreement"), ["left", "right"])
    for column in ("n", "pearson", "spearman", "kappa"):
        np.testing.assert_allclose(found[column], expected[column], **SAME)
