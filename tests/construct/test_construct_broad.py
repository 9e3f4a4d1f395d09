"""Wider definitions: every answer, the file that documents them, and how they compare."""

import numpy as np
import pandas as pd
import pytest
from construct_frames import ROOT
from test_construct_outcomes import frame

from survey_tools.construct import BROAD, OUTCOMES, add_broad, compare_definitions
from survey_tools.construct.anderson import INDICES
from survey_tools.params import open_workspace

NAN = np.nan
WS = open_workspace(ROOT / "params" / "study.yml")


def check(name, expected, **columns):
    found = BROAD[name](frame(**columns)).tolist()
    np.testing.assert_array_equal(np.array(found, float), np.array(expected, float))


def test_outcomes_alternative__are_those_that_are_made_in_their_order():
    rows = WS.table("outcomes_alternative")
    assert rows.loc[rows["scale"] != "index", "outcome"].tolist() == list(BROAD)
    assert rows.loc[rows["scale"] == "index", "outcome"].tolist() == list(INDICES)


def test_outcomes_alternative__each_stands_for_an_outcome_of_the_same_family_and_scale():
    rows, used = WS.table("outcomes_alternative"), WS.table("outcomes").set_index("outcome")
    assert rows["outcome"].is_unique
    assert not set(rows["outcome"]) & set(used.index)
    for row in rows.itertuples():
        assert (row.family, row.scale) == tuple(used.loc[row.alternative_to, ["family", "scale"]])
        for cell in (row.label_vi, row.label_en, row.asked_in, row.definition, row.unit):
            assert isinstance(cell, str)
            assert cell.strip()


def test_outcomes_alternative__binary_ones_name_the_questions_they_are_made_of():
    from survey_tools.register import read_register

    register = read_register(WS.root / WS.study.forms["household"].register_)
    rows = WS.table("outcomes_alternative")
    for asked_in in rows.loc[rows["scale"] == "binary", "asked_in"]:
        assert all(name.strip() in register for name in asked_in.split(","))


@pytest.mark.parametrize("name", [*OUTCOMES, *BROAD])
def test_outcomes__reference_period_stands_in_the_name(name):
    assert name.removesuffix("__broad").endswith(("_last", "_last10", "_1m", "_12m", "_30d"))


@pytest.mark.parametrize(
    ("answer", "value"),
    [("autodebit", 1), ("bankapp", 1), ("ewallet", 1), ("family", 1), ("agent", 1),
     ("cash_collector", 0), ("cash_point", 0), ("nobill", NAN), ("dk", NAN), (None, NAN)],
)  # fmt: skip
def test_elec_cashless_last__broad_counts_who_had_it_paid(answer, value):
    check("elec_cashless_last__broad", [value], elec_method=[answer])


def test_water_cashless_last__broad_keeps_the_base_of_the_strict_one():
    check("water_cashless_last__broad", [1, 1, 0, NAN],
          water_piped=["yes", "yes", "yes", "no"],
          water_method=["family", "bankapp", "cash_point", "family"])  # fmt: skip


def test_school_fee_cashless_last__broad_keeps_the_base_of_the_strict_one():
    check("school_fee_cashless_last__broad", [1, 0, NAN],
          school_level__none=[False, False, True],
          tuition_method=["agent", "cash_point", "agent"])  # fmt: skip


def test_qr_shop_12m__broad_is_30_days_or_a_year():
    check("qr_shop_12m__broad", [1, 1, 1, 0, NAN, 1, NAN],
          qr30=["yes", "no", "no", "no", "no", None, None],
          pay12__shop=[False, True, False, False, None, True, False],
          pay12__market=[False, False, True, False, None, None, False])  # fmt: skip


def test_bought_online_12m__broad_is_ordered_or_paid():
    check("bought_online_12m__broad", [1, 1, 0, NAN, 1],
          buy_when=["m3", "never", "older", "never", None],
          pay12__online=[False, True, False, None, True])  # fmt: skip


def test_add_broad__a_form_without_the_questions_gives_missing_not_zero():
    table = add_broad(pd.DataFrame({"_id": [1, 2]}, index=[5, 3]))
    assert table.index.tolist() == [5, 3]
    assert table[list(BROAD)].isna().all(axis=None)


def test_compare_definitions__counts_over_those_with_both():
    panel = pd.DataFrame(
        {"wave": "w1", "a": [0, 1, 0, 1, NAN, 0], "b": [1, 1, 0, 1, 1, NAN]}, dtype=object
    ).astype({"a": float, "b": float})
    names = pd.DataFrame({"outcome": ["b"], "alternative_to": ["a"]})
    row = compare_definitions(panel, names).iloc[0]
    assert (row["n"], row["higher"], row["lower"]) == (4, 1, 0)
    assert (row["mean_used"], row["mean_alternative"]) == (0.5, 0.75)
    assert row["correlation"] == pytest.approx(np.corrcoef([0, 1, 0, 1], [1, 1, 0, 1])[0, 1])


def test_compare_definitions__what_does_not_vary_has_no_correlation(recwarn):
    panel = pd.DataFrame({"wave": ["w1", "w1"], "a": [0.0, 1.0], "b": [1.0, 1.0]})
    names = pd.DataFrame({"outcome": ["b"], "alternative_to": ["a"]})
    assert np.isnan(compare_definitions(panel, names)["correlation"][0])
    assert len(recwarn) == 0
