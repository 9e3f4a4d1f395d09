"""Weighting held against the training programme evaluated with survey controls.

NSW treated against CPS controls: Dehejia and Wahba (1999, 2002); figures to more digits from R 4.2.2, `glm`
and `lm`, sandwich HC0. The package ships incomes in single precision, hence six digits.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reference_support
from survey_tools.estimate.effects import ipw_att, logit_scores
from survey_tools.estimate.regression import Problem
from survey_tools.estimate.regression.regressors import Columns

NAIVE = -8497.516142637  # published -8,498
IPW, IPW_ERROR = 1343.01120512287, 715.922935401105
ADJUSTED = 699.13177624478
COVARIATES = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]


@pytest.fixture(scope="module")
def lalonde():
    nsw, cps = reference_support.table("nsw"), reference_support.table("cps_controls")
    both = pd.concat([nsw[nsw.treat == 1], cps], ignore_index=True)
    return both.drop(columns="data_id").astype(float)  # shipped as int8, whose squares overflow


def regression(frame: pd.DataFrame, others: list[str]) -> float:
    alone = np.zeros(len(frame), dtype=np.int64)
    names = tuple(str(i) for i in range(len(frame)))
    y, d = frame.re78.to_numpy(float), frame.treat.to_numpy(float)
    rest = frame[others].to_numpy(float)
    return Problem(y, d, rest, alone, np.arange(len(frame)), names).estimate


def test_a14_naive_nsw_cps(lalonde):
    assert regression(lalonde, []) == pytest.approx(NAIVE, rel=1e-8)


def test_a14_least_squares_nsw_cps(lalonde):
    assert regression(lalonde, COVARIATES) == pytest.approx(ADJUSTED, rel=1e-6)


def test_a14_ipw_att_nsw_cps(lalonde):
    squares = lalonde.assign(age2=lalonde.age**2, educ2=lalonde.educ**2)
    names = (*COVARIATES, "age2", "educ2")
    columns = Columns(squares[list(names)].to_numpy(float), names)
    treated, y = lalonde.treat.to_numpy(float), lalonde.re78.to_numpy(float)
    found = ipw_att(y, treated, logit_scores(treated, columns))
    assert found.estimate == pytest.approx(IPW, rel=1e-6)
    assert found.std_error == pytest.approx(IPW_ERROR, rel=1e-6)
