from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Draw
from survey_tools.estimate.effects import itt
from survey_tools.estimate.effects.sample import prepare
from survey_tools.estimate.inference.clusters import effective_clusters
from survey_tools.estimate.inference.randomisation import randomisation_test
from survey_tools.estimate.inference.redraw import redraw
from survey_tools.estimate.inference.table import METHODS, inference_table, with_randomisation_p
from survey_tools.estimate.inference.wild import wild_bootstrap
from survey_tools.estimate.regression.least_squares import ols

DRAW = Draw("team_id", "commune_code", seed=1)


def teams_of(households: pd.DataFrame) -> pd.DataFrame:
    return households.drop_duplicates("team_id")[["team_id", "commune_code", "intensive"]]


@pytest.fixture(scope="module")
def small(simulate):
    return simulate(3, communes=6, teams_per_commune=5)


def table_of(households, design, **given):
    given = {"draw": DRAW, "teams": teams_of(households), "draws": 299, "seed": 5} | given
    return inference_table(households, design, ["y", "z"], **given)


def test_inference_table__has_one_row_an_outcome_and_method_of_one_estimate(small, design):
    table = table_of(small, design)
    pairs = [(outcome, method) for outcome in ("y", "z") for method in METHODS]
    assert list(zip(table["outcome"], table["method"], strict=True)) == pairs
    for outcome, rows in table.groupby("outcome"):
        expected = itt(small, design, outcome).iloc[0]
        assert rows["estimate"].to_numpy() == pytest.approx(expected["estimate"], rel=1e-12)
        assert set(rows["n"]) == {expected["n"]}
        assert set(rows["n_teams"]) == {30}
    assert (table["conf_low"] < table["estimate"]).all()
    assert (table["estimate"] < table["conf_high"]).all()
    assert (table["df"].notna() == table["method"].isin(["cr2", "cr1", "hc2"])).all()
    assert (table["draws"].notna() == table["method"].isin(["randomisation", "wild"])).all()


def test_inference_table__holds_what_each_method_gives_by_itself(small, design):
    table = table_of(small, design).set_index(["outcome", "method"])
    problem = prepare(small, design, "y", baseline="y").problem
    numbers = ["p_value", "conf_low", "conf_high"]

    def of(found):
        return [getattr(found, name) for name in numbers]

    assignments = redraw(teams_of(small), DRAW, draws=299, seed=5)
    expected = {
        "randomisation": randomisation_test([problem], assignments)[0],
        "wild": wild_bootstrap(problem, draws=299, seed=5),
        "cr2": ols(problem, errors="CR2"),
        "cr1": ols(problem, errors="CR1"),
        "hc2": ols(problem, errors="HC2"),
    }
    for method, found in expected.items():
        assert table.loc[("y", method), numbers].tolist() == pytest.approx(of(found), rel=1e-9)
    assert (table.loc["y", "teams_effective"] == effective_clusters(problem)).all()
    assert table.loc[("y", "cr2"), "df"] == pytest.approx(expected["cr2"].df)


def test_inference_table__gives_the_same_numbers_for_rows_in_any_order(small, design):
    methods = ("randomisation", "cr2", "cr1", "hc2")
    shuffled = small.sample(frac=1, random_state=2)
    one, other = (table_of(rows, design, methods=methods) for rows in (small, shuffled))
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)
    assert (one["p_value"] == other["p_value"])[one["method"] == "randomisation"].all()


def test_inference_table__redraws_over_teams_without_answers_too(small, design):
    silent = small.copy()
    lost = silent["team_id"].isin(sorted(silent["team_id"].unique())[:3])
    fewer = silent[~lost]
    table = table_of(fewer, design, teams=teams_of(small), methods=["randomisation"])
    problem = prepare(fewer, design, "y", baseline="y").problem
    assignments = redraw(teams_of(small), DRAW, draws=299, seed=5)
    (expected,) = randomisation_test([problem], assignments)
    assert table.loc[0, "p_value"] == expected.p_value
    assert table.loc[0, "n_teams"] == 27


def test_inference_table__says_the_smallest_p_value_of_few_teams(simulate, design):
    few = simulate(2, communes=1, teams_per_commune=6, effect=0.4)
    design = dataclasses.replace(design, controls=())
    row = table_of(few, design, methods=["randomisation"], draws=999).iloc[0]
    assert (bool(row["exact"]), row["draws"]) == (True, 20)
    assert row["p_value"] >= 0.1
    assert "no p-value below 0.1 is possible" in row["note"]


def test_inference_table__keeps_a_row_with_a_reason_where_there_is_no_estimate(small, design):
    constant = small.assign(y__w3=1.0)
    table = table_of(constant, design)
    rows = table[table["outcome"] == "y"]
    assert rows[["estimate", "p_value", "conf_low", "conf_high"]].isna().all(axis=None)
    assert rows["note"].str.contains("the outcome does not vary").all()
    assert table[table["outcome"] == "z"]["p_value"].notna().all()


def test_inference_table__refuses_data_that_disagree_with_the_draw(small, design):
    teams = teams_of(small)
    first = teams.groupby("commune_code").head(5)[:5]
    swapped = teams.copy()
    for arm in (0, 1):
        name = first.loc[first["intensive"] == arm, "team_id"].iloc[0]
        swapped.loc[swapped["team_id"] == name, "intensive"] = 1 - arm
    with pytest.raises(DesignError, match="disagree about who was assigned"):
        table_of(small, design, teams=swapped)
    with pytest.raises(DesignError, match="none that the draw could have given"):
        table_of(small, design, draw=dataclasses.replace(DRAW, share=0.25))
    with pytest.raises(DesignError, match="not among those"):
        table_of(small, design, teams=teams[5:])
    with pytest.raises(DesignError, match="method is unknown"):
        table_of(small, design, methods=["bayes"])


def test_with_randomisation_p__stands_beside_the_effects_that_it_tests():
    effects = pd.DataFrame(
        {
            "outcome": ["y", "y", "z", "y"],
            "estimand": ["itt", "late", "itt", "spillover"],
            "p_randomisation": [np.nan, np.nan, np.nan, 0.4],
        }
    )
    inference = pd.DataFrame(
        {
            "outcome": ["y", "y", "z"],
            "estimand": "itt",
            "method": ["randomisation", "cr2", "cr2"],
            "p_value": [0.03, 0.9, 0.8],
        }
    )
    found = with_randomisation_p(effects, inference)["p_randomisation"]
    np.testing.assert_array_equal(found, [0.03, np.nan, np.nan, 0.4])
