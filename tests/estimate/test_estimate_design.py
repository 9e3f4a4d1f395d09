from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey_tools.errors import DesignError
from survey_tools.estimate import Design, effects, itt
from survey_tools.estimate.design import numeric
from survey_tools.params import open_workspace

STUDY = Path(__file__).parents[2] / "params" / "study.yml"


def test_from_study__takes_what_the_study_file_says():
    design = Design.from_study(open_workspace(STUDY).study)
    assert (design.treatment, design.cluster, design.stratum) == (
        "intensive",
        "team_id",
        "commune_code",
    )
    assert design.at_endline("qr_shop_30d") == "qr_shop_30d__w3"
    assert design.at_baseline("qr_shop_30d") == "qr_shop_30d__w1"
    assert design.tail == pytest.approx(0.025)


def test_check__accepts_a_sound_table(households, design):
    assert design.check(households) is None


def _break_cluster_gap(h):
    h.loc[3, "team_id"] = None


def _break_stratum_gap(h):
    h.loc[3, "commune_code"] = None


def _break_treatment_gap(h):
    h["intensive"] = h["intensive"].astype(float)
    h.loc[3, "intensive"] = float("nan")


def _break_treatment_value(h):
    h.loc[h.team_id == h.team_id[0], "intensive"] = 2


def _break_two_strata(h):
    h.loc[3, "commune_code"] = h.commune_code.iloc[-1]


def _break_within_cluster(h):
    h.loc[3, "intensive"] = 1 - h.loc[3, "intensive"]


def _break_empty_arm(h):
    h["intensive"] = 0


@pytest.mark.parametrize(
    ("breaking", "says"),
    [
        (_break_cluster_gap, "1 of 1944 rows without one"),
        (_break_stratum_gap, "commune_code"),
        (_break_treatment_gap, "column intensive"),
        (_break_treatment_value, "neither 0 nor 1"),
        (_break_two_strata, "more than one stratum"),
        (_break_within_cluster, "varies within a cluster"),
        (_break_empty_arm, "An arm is empty"),
    ],
)
def test_check__refuses(households, design, breaking, says):
    broken = households.copy()
    breaking(broken)
    with pytest.raises(DesignError) as caught:
        effects(broken, design, ["y"])
    assert says in str(caught.value)


def test_check__refuses_one_cluster_in_an_arm(households, design):
    first = households.loc[households.intensive == 1, "team_id"].iloc[0]
    few = households[(households.intensive == 0) | (households.team_id == first)]
    with pytest.raises(DesignError, match="too few clusters"):
        design.check(few)


def test_check__names_the_absent_column(households, design):
    with pytest.raises(DesignError, match="team_id"):
        design.check(households.drop(columns="team_id"))
    with pytest.raises(DesignError, match="income"):
        itt(households, replace(design, controls=("income",)), "y")
    with pytest.raises(DesignError, match="nothing__w3"):
        itt(households, design, "nothing")


def test_check__refuses_text_and_infinite_controls(households, design):
    text = households.assign(poor="no")
    with pytest.raises(DesignError, match="not numeric"):
        itt(text, design, "y")
    endless = households.assign(poor=float("inf"))
    with pytest.raises(DesignError, match="infinite"):
        itt(endless, design, "y")


def test_one_armed_strata__names_them(design):
    frame = pd.DataFrame(
        {"team_id": list("abcd"), "commune_code": list("xxyy"), "intensive": [0, 1, 1, 1]}
    )
    assert design.one_armed_strata(frame) == ("y",)


def test_check__refuses_a_household_in_several_rows(households, design):
    twice = pd.concat([households, households.iloc[:2]])
    with pytest.raises(DesignError, match="stands in several rows") as caught:
        design.check(twice)
    assert "2 repeated" in str(caught.value)
    assert households.hhid.iloc[0] not in str(caught.value)
    design.check(twice.drop(columns="hhid"))


@pytest.mark.parametrize("text", ["object", "str"])
def test_numeric__refuses_digits_written_as_text_but_no_empty_column(households, text):
    digits = households.assign(y__w3=households.y__w3.fillna(0).astype(int).astype(str))
    with pytest.raises(DesignError, match="not numeric"):
        numeric(digits.astype({"y__w3": text}), "y__w3")
    empty = households.assign(y__w3=pd.Series(np.nan, index=households.index, dtype=text))
    assert np.isnan(numeric(empty, "y__w3")).all()
