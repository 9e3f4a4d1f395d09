"""Design-based estimation against R survey 4.1-1 on the Californian school samples (Lumley 2010)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reference_support import table
from survey_tools.estimate.levels import (
    SurveySample,
    proportion_interval,
    survey_mean,
    survey_ratio,
    survey_regression,
    survey_total,
)

DIGITS = 1e-8


def codes(frame, column):
    return pd.factorize(frame[column], sort=True)[0]


@pytest.fixture(scope="module")
def strat():
    frame = table("apistrat")
    rows = np.arange(len(frame))
    return frame, SurveySample(
        frame.pw.to_numpy(), codes(frame, "stype"), rows, frame.fpc.to_numpy(float)
    )


@pytest.fixture(scope="module")
def clus1():
    frame = table("apiclus1")
    one = np.zeros(len(frame), dtype=int)
    return frame, SurveySample(
        frame.pw.to_numpy(), one, codes(frame, "dnum"), frame.fpc.to_numpy(float)
    )


def holds(found, value, error, deff=None):
    assert found.value[0] == pytest.approx(value, rel=DIGITS)
    assert found.std_error[0] == pytest.approx(error, rel=DIGITS)
    if deff is not None:
        assert found.deff[0] == pytest.approx(deff, rel=DIGITS)


def test_a15_stratified_mean(strat):
    frame, sample = strat
    found = survey_mean(sample, frame.api00.to_numpy(float))
    holds(found, 662.287363159321, 9.40894080278458, 1.20445726853772)


def test_a15_stratified_total(strat):
    frame, sample = strat
    found = survey_total(sample, frame.enroll.to_numpy(float))
    holds(found, 3687177.53243828, 114641.71610078)


def test_a15_ratio(strat):
    frame, sample = strat
    found = survey_ratio(sample, frame["api.stu"].to_numpy(float), frame.enroll.to_numpy(float))
    holds(found, 0.836956886940522, 0.00775710316663788)


def test_a15_shares(strat):
    frame, sample = strat
    both = np.column_stack([frame.awards == "No", frame.awards == "Yes"]).astype(float)
    found = survey_mean(sample, both)
    assert found.value == pytest.approx([0.361063935949422, 0.638936064050578], rel=DIGITS)
    assert found.std_error == pytest.approx([0.0344059179972689] * 2, rel=DIGITS)


def test_a15_cluster_mean(clus1):
    frame, sample = clus1
    found = survey_mean(sample, frame.api00.to_numpy(float))
    holds(found, 644.169398907104, 23.542240693781, 9.34586945059095)


def test_a15_cluster_total(clus1):
    frame, sample = clus1
    found = survey_total(sample, frame.enroll.to_numpy(float))
    holds(found, 3404940.13452911, 932235.027041215)


def test_a15_two_stage_mean():
    frame = table("apiclus2")
    sample = SurveySample(
        frame.pw.to_numpy(),
        np.zeros(len(frame), dtype=int),
        codes(frame, "dnum"),
        frame.fpc1.to_numpy(float),
        codes(frame, "snum"),
        frame.fpc2.to_numpy(float),
    )
    found = survey_mean(sample, frame.api00.to_numpy(float))
    holds(found, 670.811808118081, 30.0990273768366)


def test_a15_share_logit_interval(clus1):
    frame, sample = clus1
    found = survey_mean(sample, (frame.awards == "Yes").to_numpy(float))
    assert found.value[0] == pytest.approx(0.710382513660853, rel=DIGITS)
    # svyciprop stops iterating its logistic fit at about nine digits
    expected = (0.634839191610184, 0.775816511445812)
    assert proportion_interval(found, kind="logit") == pytest.approx(expected, rel=DIGITS)


def test_a15_domains(clus1):
    frame, sample = clus1
    y = frame.api00.to_numpy(float)
    expected = {
        "E": (648.868055555556, 22.3624088938319),
        "H": (618.571428571429, 38.0202493574075),
        "M": (631.44, 31.6094652272455),
    }
    for level, (value, error) in expected.items():
        holds(survey_mean(sample, y, domain=(frame.stype == level).to_numpy()), value, error)


def regression(frame, sample):
    x = np.column_stack([np.ones(len(frame)), frame.ell, frame.meals, frame.mobility])
    return survey_regression(sample, frame.api00.to_numpy(float), x)


def test_a15_stratified_regression(strat):
    found = regression(*strat)
    slopes = [820.887315905623, -0.480586612171951, -3.14153530998456, 0.225713210229637]
    errors = [10.0777359498854, 0.391973403222528, 0.283946506416502, 0.393218362022529]
    assert found.value == pytest.approx(slopes, rel=DIGITS)
    assert found.std_error == pytest.approx(errors, rel=DIGITS)
    assert (strat[1].df(), found.df) == (197, 194)


def test_a15_cluster_regression(clus1):
    found = regression(*clus1)
    slopes = [819.279051139125, -0.51672177968348, -3.12320426489935, -0.168919682187167]
    errors = [21.3899712651521, 0.324003944965413, 0.278083043760884, 0.444918419151202]
    assert found.value == pytest.approx(slopes, rel=DIGITS)
    assert found.std_error == pytest.approx(errors, rel=DIGITS)
    assert (clus1[1].df(), found.df) == (14, 11)
