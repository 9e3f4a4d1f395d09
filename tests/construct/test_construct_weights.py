"""Survey weights: what is kept, what is met, what is cut, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from construct_frames import code
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_tools.construct import add_weights, effective_sample, survey_weights
from survey_tools.construct.weights import CENSUS, SIZES, join_sizes, trim
from survey_tools.errors import ContractError

TEAMS = pd.DataFrame(
    {
        "team_id": ["10291-T01", "10291-T02", "10291-T03", "10270-T01"],
        "commune_code": ["10291", "10291", "10291", "10270"],
        "households": [200, 100, 60, 80],
    }
)
COMMUNES = pd.DataFrame(
    {"code": ["10291", "10270"], **{c: [40, 10] for c in CENSUS}}
).assign(hh_size_2=[120, 20])  # fmt: skip


def interviews(counts, sizes=(1, 2, 3, 4, 5, 6, 8), wave="w1"):
    """`counts` says how many interviews each team has; sizes go round."""
    rows = [
        (code(k + 1, team), wave, team, team[:5], float(sizes[k % len(sizes)]))
        for team, number in counts.items()
        for k in range(number)
    ]
    return pd.DataFrame(rows, columns=["hhid", "wave", "team_id", "commune_code", "hh_size"])


def weigh(panel, **options):
    return survey_weights(panel, TEAMS, COMMUNES, **options)


def of(weights, commune, wave="w1"):
    return weights.summary.set_index(["wave", "commune_code"]).loc[(wave, commune)]


FULL = {"10291-T01": 14, "10291-T02": 14, "10291-T03": 7, "10270-T01": 7}


def test_survey_weights__base_is_households_of_the_team_over_its_interviews():
    found = weigh(interviews(FULL)).rows
    base = found.set_index("hhid")["weight_base"]
    assert base[code(1, "10291-T01")] == 200 / 14
    assert base[code(3, "10291-T03")] == 60 / 7


def test_survey_weights__both_margins_are_met_where_nothing_is_cut():
    panel = interviews(FULL)
    found = weigh(panel, least_in_size=1, trim_at=1000.0)
    weight = add_weights(panel, found)
    here = weight.loc[weight["commune_code"] == "10291"]
    by_team = here.groupby("team_id")["weight"].sum()
    np.testing.assert_allclose(by_team, [200, 100, 60], rtol=1e-10)
    shares = COMMUNES.set_index("code").loc["10291", list(CENSUS)].astype(float)
    by_size = here.groupby(here["hh_size"].clip(upper=7))["weight"].sum()
    np.testing.assert_allclose(by_size, 360 * shares / shares.sum(), rtol=1e-10)
    assert of(found, "10291")["gap"] < 1e-11


def test_survey_weights__a_size_that_is_not_known_keeps_its_team_and_leaves_the_sizes_alone():
    panel = interviews(FULL)
    panel.loc[panel.index[:3], "hh_size"] = [np.nan, np.nan, 0.0]
    found = weigh(panel, least_in_size=1, trim_at=1000.0).rows
    here = panel["commune_code"] == "10291"
    assert found.loc[here & panel["team_id"].eq("10291-T01"), "weight"].sum() == pytest.approx(200)
    unknown = found.loc[panel.index[:3]]
    assert unknown["weight"].sum() == pytest.approx(unknown["weight_base"].sum(), rel=1e-9)


def test_survey_weights__a_team_without_interview_is_carried_by_the_others():
    found = weigh(interviews({**FULL, "10291-T03": 0}))
    row = of(found, "10291")
    assert row["n_teams"] == 2
    assert "1 team(s) without interview" in row["note"]
    here = found.rows.loc[found.rows["hhid"].str.startswith("10291")]
    assert here["weight"].sum() == pytest.approx(360)
    base = here.groupby(here["hhid"].str.slice(0, 9))["weight_base"].sum()
    np.testing.assert_allclose(base, [240, 120])


def test_survey_weights__a_commune_without_interview_has_its_row_and_no_weight():
    found = weigh(interviews({"10291-T01": 14}))
    row = of(found, "10270")
    assert (row["n"], row["n_eff"], row["note"]) == (0, 0, "no interview")
    assert np.isnan(row["deff"])


def test_survey_weights__margins_that_cannot_both_be_met_join_sizes():
    """Team 2 has interviews of size 1 only, and more households than the commune has of that size."""
    panel = pd.concat([interviews({"10291-T01": 14}, sizes=(2, 3)),
                       interviews({"10291-T02": 14}, sizes=(1,))], ignore_index=True)  # fmt: skip
    found = weigh(panel, least_in_size=1)
    row = of(found, "10291")
    assert row["gap"] < 1e-11
    assert row["sizes"] == "1-7plus"
    assert "sizes of household not used" in row["note"]
    assert (found.rows["weight"] > 0).all()


def test_survey_weights__a_size_that_the_census_does_not_have_joins_another():
    communes = COMMUNES.assign(hh_size_6=0, hh_size_7plus=0)
    panel = interviews(FULL)
    found = survey_weights(panel, TEAMS, communes, least_in_size=1)
    assert of(found, "10291")["sizes"].endswith("5-7plus")
    assert (found.rows["weight"] > 0).all()


def test_survey_weights__waves_and_communes_do_not_touch_each_other():
    first, second = interviews(FULL), interviews({"10291-T01": 14, "10270-T01": 3}, wave="w3")
    both = weigh(pd.concat([second, first], ignore_index=True)).rows
    alone = pd.concat([weigh(second).rows, weigh(first).rows], ignore_index=True)
    pd.testing.assert_frame_equal(both, alone)


@settings(max_examples=50, deadline=None)
@given(
    counts=st.tuples(*[st.integers(0, 14)] * 4).filter(any),
    sizes=st.lists(st.sampled_from([*range(1, 9), np.nan]), min_size=1, max_size=14),
    least=st.integers(1, 8),
    at=st.floats(1.05, 5),
)
def test_survey_weights__the_commune_keeps_its_households_whatever_happens(
    counts, sizes, least, at
):
    panel = interviews(dict(zip(TEAMS["team_id"], counts, strict=True)), sizes)
    found = weigh(panel, least_in_size=least, trim_at=at)
    assert (found.rows["weight"] > 0).all()
    for commune, households in (("10291", 360.0), ("10270", 80.0)):
        mine = found.rows.loc[panel["commune_code"] == commune, ["weight_base", "weight"]]
        if len(mine):
            np.testing.assert_allclose(mine.sum(), households, rtol=1e-9)
            assert mine["weight"].max() <= at * households / len(mine) * (1 + 1e-9)
            row = of(found, commune)
            assert row["trimmed"] or row["gap"] < 1e-11
            assert row["n_eff"] <= row["n"] * (1 + 1e-12)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(1e-3, 1e4), min_size=1, max_size=40), st.floats(1.01, 10))
def test_trim__keeps_the_sum_the_order_and_the_limit(weights, at):
    weight = np.array(weights)
    found, cut = trim(weight, at)
    limit = at * weight.mean()
    assert found.sum() == pytest.approx(weight.sum(), rel=1e-9)
    assert found.max() <= limit * (1 + 1e-9)
    assert bool(cut) == bool((weight > limit).any())
    assert cut <= int(np.isclose(found, limit, rtol=1e-9).sum())
    order = np.argsort(weight, kind="stable")
    assert (np.diff(found[order]) >= -1e-9 * limit).all()
    if weight.max() <= limit:
        np.testing.assert_array_equal(found, weight)


def test_trim__half_of_the_weight_in_a_tenth_of_the_rows():
    """Most weights are far below the mean: a limit by the median could not keep the sum."""
    found, cut = trim(np.array([1.0] * 3 + [100.0] * 2), 2.0)
    limit = 2 * 203 / 5
    np.testing.assert_allclose(found, [(203 - 2 * limit) / 3] * 3 + [limit] * 2)
    assert cut == 2


def test_trim__a_limit_at_the_mean_is_refused():
    with pytest.raises(ValueError, match="mean or below"):
        trim(np.array([1.0, 3.0]), 1.0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=7, max_size=7), st.integers(1, 12))
def test_join_sizes__neighbours_only_and_each_has_enough(counts, least):
    groups = join_sizes(np.array(counts), least, np.ones(7))
    assert [k for group in groups for k in group] == list(range(len(SIZES)))
    sums = [sum(counts[k] for k in group) for group in groups]
    assert len(groups) == 1 or min(sums) >= least


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([2.0] * 7, 7.0), ([1.0, 3.0], 1.6), ([5.0], 1.0), ([1.0, 1.0, 2.0], 16 / 6), ([], 0.0)],
)
def test_effective_sample__equals_kish_by_hand(weights, expected):
    assert effective_sample(pd.Series(weights, dtype=float)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("teams", "communes", "said"),
    [
        (TEAMS.iloc[1:], COMMUNES, "team(s) of interviews outside"),
        (TEAMS, COMMUNES.iloc[1:], "commune(s) of teams outside"),
        (TEAMS.assign(households=0), COMMUNES, "no households"),
        (TEAMS, COMMUNES.drop(columns="hh_size_3"), "hh_size_3"),
    ],
)
def test_survey_weights__lists_that_lack_something_are_refused(teams, communes, said):
    with pytest.raises(ContractError) as error:
        survey_weights(interviews(FULL), teams, communes)
    assert said in str(error.value)
    assert "-H0" not in str(error.value)
