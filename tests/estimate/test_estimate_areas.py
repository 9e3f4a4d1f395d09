"""Levels by the units of any list, from the same rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey_tools.areas import read_areas
from survey_tools.contracts import validate
from survey_tools.errors import AreaError, DesignError
from survey_tools.estimate import Design, choices, icc, in_list, levels, levels_by_area
from survey_tools.estimate.levels.means import wilson

AREAS = read_areas(Path(__file__).parents[2] / "params" / "areas.csv")
OUTCOMES = pd.DataFrame({"outcome": ["y", "z"], "scale": ["binary", "amount"]})
KEY = ["wave", "group", "outcome"]
DESIGN = Design(
    treatment="intensive",
    cluster="team_id",
    stratum="commune_code",
    controls=(),
    baseline="w1",
    endline="w3",
    reached="reached",
)
SEVEN = ("10273", "10282", "10291", "10312", "10318", "10330", "10342")


@pytest.fixture(scope="module")
def panel(households, panel_of):
    """Panel of the simulated district under the codes of the 27 units of 2024, some teams left out."""
    codes = sorted(households["commune_code"].unique())
    names = dict(zip(codes, (unit.code for unit in AREAS.of("2024")), strict=True))
    own = households["commune_code"].map(names)
    for column in ("team_id", "hhid"):
        households = households.assign(**{column: own + households[column].str.slice(5)})
    rows = panel_of(households.assign(commune_code=own)).assign(area_list="2024")
    few = rows["commune_code"].isin(["10270", "10291"]) & ~rows["team_id"].str.endswith("T01")
    return rows[~few].reset_index(drop=True)


@pytest.fixture(scope="module")
def found(panel):
    return levels_by_area(panel, DESIGN, OUTCOMES, AREAS)


def test_levels_by_area__fits_the_contract_with_27_23_and_4_units(found):
    validate(found, "levels_by_area")
    units = found.groupby("area_list")["area_code"].nunique()
    assert units.to_dict() == {"2024": 27, "2025-01": 23, "2025-07": 4}
    assert len(found) == (27 + 23 + 4) * 3 * 8 * 2


def test_levels_by_area__in_the_panels_own_list_are_the_communes_of_levels(panel, found):
    own = found[found["area_list"].eq("2024")].drop(columns="area_list")
    own = own.rename(columns={"area_code": "area"}).reset_index(drop=True)
    communes = levels(panel, DESIGN, OUTCOMES).query("area != 'district'")
    communes = communes.drop(columns="area_list").reset_index(drop=True)
    pd.testing.assert_frame_equal(own, communes, check_exact=True)


@pytest.mark.parametrize("list_", AREAS.lists())
def test_levels_by_area__units_add_up_to_the_district(panel, found, list_):
    district = levels(panel, DESIGN, OUTCOMES).query("area == 'district'").set_index(KEY)
    of_list = found[found["area_list"].eq(list_)]
    sums = of_list.groupby(KEY)[["n", "n_teams"]].sum()
    pd.testing.assert_frame_equal(
        sums, district[["n", "n_teams"]].sort_index(), check_exact=True, check_like=True
    )
    counts = of_list[of_list["outcome"].eq("y")].groupby(KEY)["numerator"].sum()
    assert counts.equals(district.query("outcome == 'y'")["numerator"].sort_index())
    weighted = (
        (of_list["estimate"].fillna(0) * of_list["n"]).groupby([of_list[k] for k in KEY]).sum()
    )
    mean = (weighted / sums["n"]).reindex(district.index)
    np.testing.assert_allclose(mean, district["estimate"], rtol=0, atol=1e-10)


@pytest.mark.parametrize("group", ["all", "regular", "women"])
@pytest.mark.parametrize("outcome", ["y", "z"])
def test_levels_by_area__four_units_are_the_weighted_communes(panel, found, group, outcome):
    """Computed from the rows without the estimators: the mean of a unit weighs its communes by answers."""
    mask = {
        "all": panel["poor"] >= 0,
        "regular": panel["intensive"] == 0,
        "women": panel["women"] == 1,
    }
    rows = panel[mask[group] & panel["wave"].eq("w3")].dropna(subset=outcome)
    cells = found.query("area_list == '2025-07' and wave == 'w3' and group == @group")
    cells = cells[cells["outcome"].eq(outcome)].set_index("area_code")
    assert len(cells) == 4
    for unit in AREAS.of("2025-07"):
        mean, answers = 0.0, 0
        for code in unit.codes_2024:
            values = rows.loc[rows["commune_code"].eq(code), outcome].tolist()
            mean += len(values) * (sum(values) / len(values)) if values else 0.0
            answers += len(values)
        cell = cells.loc[unit.code]
        assert cell["estimate"] == pytest.approx(mean / answers, rel=0, abs=1e-10)
        assert cell["n"] == answers
        teams = rows.loc[rows["commune_code"].isin(unit.codes_2024), "team_id"].nunique()
        assert cell["n_teams"] == teams


def test_levels_by_area__interval_takes_teams_within_the_communes_of_the_draw(panel, found):
    rows = panel[panel["wave"].eq("w1")]
    within = icc(
        panel["y"], panel["team_id"] + panel["wave"], panel["commune_code"] + panel["wave"]
    )
    unit = AREAS.get("10273", "2025-07")
    values = rows.loc[rows["commune_code"].isin(unit.codes_2024)]
    sizes = values.groupby("team_id")["y"].size()
    deff = 1 + ((sizes**2).sum() / sizes.sum() - 1) * within
    low, high = wilson(np.array([values["y"].mean()]), np.array([len(values) / deff]), 0.025)
    keys = ["area_list", "area_code", "wave", "group", "outcome"]
    cell = found.set_index(keys).loc[("2025-07", "10273", "w1", "all", "y")]
    assert deff > 1
    assert (cell["conf_low"], cell["conf_high"]) == pytest.approx((low[0], high[0]), abs=1e-10)


def test_levels_by_area__only_the_lists_asked_for_and_the_frame_stays(panel):
    before = panel.copy(deep=True)
    some = levels_by_area(panel, DESIGN, ["y"], AREAS, ["2025-01"], ["all"])
    assert set(some["area_list"]) == {"2025-01"}
    assert len(some) == 23 * 3
    pd.testing.assert_frame_equal(panel, before)


def test_levels_by_area__units_without_interviews_are_left_out(panel):
    one = panel[panel["commune_code"].eq("10288")]
    found = levels_by_area(one, DESIGN, ["y"], AREAS, groups=["all"])
    pairs = found[["area_list", "area_code"]].drop_duplicates().itertuples(index=False, name=None)
    assert list(pairs) == [("2024", "10288"), ("2025-01", "10276"), ("2025-07", "10279")]


def test_levels_by_area__panel_that_does_not_say_its_list_is_refused(panel):
    with pytest.raises(AreaError, match="does not say of which list"):
        levels_by_area(panel.drop(columns="area_list"), DESIGN, ["y"], AREAS)
    with pytest.raises(DesignError):
        levels_by_area(panel.drop(columns="commune_code"), DESIGN, ["y"], AREAS)


def test_levels_by_area__an_older_list_cannot_be_told(panel):
    later = panel.assign(commune_code=in_list(panel["commune_code"], AREAS, "2024", "2025-07"))
    later = later.assign(area_list="2025-07")
    found = levels_by_area(later, DESIGN, ["y"], AREAS, groups=["all"])
    assert set(found["area_list"]) == {"2025-07"}
    with pytest.raises(AreaError, match="cannot be told"):
        levels_by_area(later, DESIGN, ["y"], AREAS, ["2024"])


@pytest.mark.parametrize("code", SEVEN)
@pytest.mark.parametrize("list_", AREAS.lists())
def test_in_list__follows_each_of_the_seven_codes_to_its_place(code, list_):
    put = in_list(pd.Series([code, None], name="commune_code"), AREAS, "2024", list_)
    assert put.isna().tolist() == [False, True]
    assert put.name == "commune_code"
    assert code in AREAS.get(put[0], list_).codes_2024


def test_in_list__back_is_refused_and_so_is_a_code_of_no_unit():
    with pytest.raises(AreaError, match="cannot be told"):
        in_list(pd.Series(["10273"]), AREAS, "2025-07", "2024")
    with pytest.raises(AreaError, match="said to be of") as caught:
        in_list(pd.Series(["10288", "10273"]), AREAS, "2025-01", "2025-07")
    assert "10288" in str(caught.value.found)
    assert "10273" not in str(caught.value.found)


def test_choices__by_another_list_add_up_to_the_district(panel):
    rng = np.random.default_rng(1)
    answers = panel[["hhid", "wave", "commune_code", "team_id"]].assign(
        variable="wish", choice="app", chosen=rng.integers(0, 2, len(panel))
    )
    area = in_list(answers["commune_code"], AREAS, "2024", "2025-07")
    found = choices(answers.assign(area_2025=area), stratum="area_2025")
    total = found.query("area == 'district'").set_index("wave")
    parts = found.query("area != 'district'").groupby("wave")[["numerator", "n"]].sum()
    assert found["area"].nunique() == 5
    assert parts.equals(total[["numerator", "n"]])


def test_results__carry_the_list_of_the_rows_that_they_are_made_from(panel):
    assert set(levels(panel, DESIGN, ["y"], ["all"])["area_list"]) == {"2024"}
    assert "area_list" not in levels(panel.drop(columns="area_list"), DESIGN, ["y"], ["all"])
