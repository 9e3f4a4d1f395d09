"""Difference in differences of two waves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from survey_tools import contracts
from survey_tools.errors import DesignError
from survey_tools.estimate.effects.did import did


def test_two_arms_two_waves__closed_form(households, design):
    # one stratum: the difference of the mean changes
    one = households.assign(commune_code="10270")
    found = did(one, design, "y").iloc[0]
    change = (one.y__w3 - one.y__w1).groupby(one.intensive).mean()
    assert found.estimate == pytest.approx(change[1] - change[0], abs=1e-12)
    both = one[one.y__w3.notna() & one.y__w1.notna()]
    assert found.n == len(both)
    assert found.mean_regular == pytest.approx(both.y__w3[both.intensive == 0].mean())


def test_equals_the_long_regression_with_household_and_stratum_by_wave_effects(households, design):
    few = households[households.commune_code.isin(["10270", "10273"])]
    few = few[few.y__w3.notna()].reset_index(drop=True)
    long = pd.concat([few.assign(y=few[f"y__{w}"], late=float(w == "w3")) for w in ("w1", "w3")])
    long["treated"] = long.late * long.intensive
    fit = smf.ols("y ~ treated + C(hhid) + C(commune_code):late", long).fit()
    found = did(few, design, "y").iloc[0]
    assert found.estimate == pytest.approx(fit.params["treated"], abs=1e-10)


def test_row_holds_its_contract(households, design):
    row = did(households, design, "y")
    contracts.validate(row, "effects")
    assert row.estimand.tolist() == ["did"]
    assert row.conf_low[0] < row.estimate[0] < row.conf_high[0]
    assert "change from w1 to w3" in row.method[0]


def test_order_of_rows_and_their_labels_do_not_matter(households, design):
    shuffled = households.sample(frac=1, random_state=3)
    shuffled.index = np.zeros(len(shuffled), dtype=int)
    columns = ["estimate", "std_error", "n"]
    expected = did(households, design, "y")[columns].to_numpy()
    assert did(shuffled, design, "y")[columns].to_numpy() == pytest.approx(expected, rel=1e-12)


def test_without_a_baseline__a_row_that_says_so(households, design):
    row = did(households.drop(columns="y__w1"), design, "y").iloc[0]
    assert np.isnan(row.estimate)
    assert row.note == "no baseline measure"


def test_households_without_a_baseline_answer_are_counted(households, design):
    gaps = households.assign(y__w1=households.y__w1.where(households.index >= 7))
    row = did(gaps, design, "y").iloc[0]
    lost = int(households.y__w3[:7].notna().sum())
    assert f"{lost} households without a baseline answer left out" in row.note


def test_no_change_at_all__a_row_without_estimate(households, design):
    still = households.assign(y__w3=households.y__w1)
    row = did(still, design, "y").iloc[0]
    assert np.isnan(row.estimate)
    assert "does not vary" in row.note


def test_text_instead_of_numbers_is_refused(households, design):
    with pytest.raises(DesignError, match="not numeric"):
        did(households.assign(y__w1="yes"), design, "y")
