"""What a page may show, and attacks on it: subtract what is shown from totals that are shown."""

import numpy as np
import pandas as pd
import pytest
from disclosure_support import open_statuses

from survey_tools.errors import AreaError, ContractError
from survey_tools.params import DisclosureSettings, open_workspace
from survey_tools.report.disclosure import (
    PAIRS,
    disclose_choices,
    disclose_communes,
    disclose_levels,
    open_levels,
    open_results,
)

RULES = DisclosureSettings(show_from=30, round_from=10, hide_counts_to=4)


def levels(*cells, outcome="qr"):
    """Cells (area, group, numerator, n) of one wave."""
    frame = pd.DataFrame(cells, columns=["area", "group", "numerator", "n"])
    share = frame["numerator"] / frame["n"]
    low, high = (share - 0.12).clip(0), (share + 0.12).clip(upper=1)
    return frame.assign(wave="w3", outcome=outcome, estimate=share, conf_low=low, conf_high=high)


def status(frame, area, group="all"):
    return frame.query("area == @area and group == @group")["status"].item()


@pytest.mark.parametrize(
    ("numerator", "n", "wanted"),
    [
        (15, 30, "shown"),
        (15, 29, "few"),
        (5, 10, "few"),
        (5, 9, "hidden"),
        (0, 40, "shown"),
        (40, 40, "shown"),
        (1, 40, "hidden"),
        (4, 40, "hidden"),
        (5, 40, "shown"),
        (36, 40, "hidden"),
        (39, 40, "hidden"),
        (35, 40, "shown"),
        (0, 0, "hidden"),
    ],
)
def test_disclose_levels__status_at_each_border(numerator, n, wanted):
    shown = disclose_levels(levels(("district", "all", numerator, n)), RULES)
    assert shown["status"].item() == wanted


def test_disclose_levels__hidden_cells_hold_no_number():
    shown = disclose_levels(levels(("district", "all", 3, 50)), RULES)
    numbers = ["estimate", "conf_low", "conf_high", "n", "numerator", "shown"]
    assert shown[numbers].isna().all(axis=None)


def test_disclose_levels__few_are_rounded_outwards_and_lose_their_count():
    shown = disclose_levels(levels(("district", "all", 8, 23)), RULES).iloc[0]
    assert shown["shown"] == pytest.approx(0.35)
    assert (shown["conf_low"], shown["conf_high"]) == pytest.approx((0.2, 0.5))
    assert np.isnan(shown["numerator"])
    assert not {8 / 23, 8 / 23 - 0.12} & set(shown[["estimate", "conf_low"]])


def test_disclose_levels__second_group_hidden_where_subtraction_would_tell():
    cells = [("a", "all", 20, 48), ("a", "women", 17, 36), ("a", "men", 3, 12)]
    shown = disclose_levels(levels(*cells, ("b", "all", 20, 40)), RULES)
    assert status(shown, "a", "all") == "shown"
    assert status(shown, "a", "men") == status(shown, "a", "women") == "hidden"


def test_disclose_levels__group_hidden_whose_unpublished_rest_is_small():
    shown = disclose_levels(levels(("a", "all", 20, 48), ("a", "age60", 17, 36)), RULES)
    assert status(shown, "a", "age60") == "hidden"


def test_disclose_levels__means_are_hidden_by_the_number_of_answers_alone():
    frame = levels(("a", "all", 2, 48), ("a", "women", 1, 41), ("a", "men", 1, 7))
    frame = frame.assign(numerator=np.nan)
    shown = disclose_levels(frame, RULES, {"qr": "index"})
    assert status(shown, "a", "all") == "shown"
    assert status(shown, "a", "women") == status(shown, "a", "men") == "hidden"


def test_disclose_levels__smallest_commune_joins_a_single_hidden_one():
    cells = [("district", "all", 43, 160), ("a", "all", 3, 40), ("b", "all", 20, 45)]
    shown = disclose_levels(levels(*cells, ("c", "all", 20, 75)), RULES)
    assert [status(shown, area) for area in "abc"] == ["hidden", "hidden", "shown"]


def test_disclose_levels__two_hidden_that_add_up_to_an_unsafe_count_take_a_third():
    cells = [("district", "all", 43, 205), ("a", "all", 1, 40), ("b", "all", 2, 45)]
    shown = disclose_levels(levels(*cells, ("c", "all", 20, 50), ("d", "all", 20, 70)), RULES)
    assert [status(shown, area) for area in "abcd"] == ["hidden", "hidden", "hidden", "shown"]


def test_disclose_levels__groups_hidden_where_they_add_up_to_a_hidden_commune():
    cells = [("district", "all", 43, 160), ("a", "all", 3, 40), ("c", "all", 20, 75)]
    halves = [("b", "all", 20, 45), ("b", "intensive", 10, 22), ("b", "regular", 10, 23)]
    shown = disclose_levels(levels(*cells, *halves), RULES)
    assert {status(shown, "b", g) for g in ("all", "intensive", "regular")} == {"hidden"}


def test_disclose_levels__order_of_rows_does_not_matter(raw_levels):
    shuffled = raw_levels.sample(frac=1, random_state=3)
    keys = ["area", "wave", "group", "outcome"]
    one, other = (
        disclose_levels(f, RULES).sort_values(keys)["status"].to_list()
        for f in (raw_levels, shuffled)
    )
    assert one == other


def test_disclose_levels__leaves_the_callers_frame_alone(raw_levels):
    before = raw_levels.copy(deep=True)
    disclose_levels(raw_levels, RULES)
    pd.testing.assert_frame_equal(raw_levels, before)


def test_disclose_levels__attack_by_subtracting_groups_fails(raw_levels):
    """Nobody can take a shown group from a shown total and find a cell that is unsafe."""
    shown = disclose_levels(raw_levels, RULES)
    for pair in PAIRS:
        for one, other in (pair, pair[::-1]):
            assert not any(_told_by_pair(raw_levels, shown, one, other))


def test_disclose_levels__attack_by_subtracting_communes_fails(raw_levels):
    """No set of hidden communes is one alone, nor adds up to a count that must not be known."""
    shown = disclose_levels(raw_levels, RULES)
    raw = raw_levels.reset_index(drop=True)
    parts = raw[raw["area"].ne("district") & raw["n"].gt(0)]
    hidden = shown.loc[parts.index, "status"].eq("hidden")
    sets = parts[hidden].groupby(["wave", "group", "outcome"])
    assert hidden.any()
    open_left = parts[~hidden].groupby(["wave", "group", "outcome"]).size()
    for key, cells in sets:
        if key in open_left.index:
            assert len(cells) > 1, key
            assert not _unsafe(cells["numerator"].sum(), cells["n"].sum()), key


def test_disclose_choices__shares_and_second_commune():
    frame = pd.DataFrame(
        [("district", 33, 120), ("a", 3, 40), ("b", 15, 38), ("c", 15, 42)],
        columns=["area", "numerator", "n"],
    ).assign(wave="w3", variable="wish", choice="app")
    shown = disclose_choices(frame, RULES).set_index("area")
    assert shown["status"].to_dict() == {
        "district": "shown",
        "a": "hidden",
        "b": "hidden",
        "c": "shown",
    }
    assert shown.loc["c", "shown"] == pytest.approx(15 / 42)


def test_disclose_communes__raw_difference_never_passes(ws):
    raw = pd.read_parquet(ws.results / "communes.parquet")
    shown = disclose_communes(raw.assign(n=[9, *raw["n"][1:]]), RULES)
    assert not {"raw", "raw_se"} & set(shown)
    assert np.isnan(shown["shown"].iloc[0])
    assert shown["shown"].iloc[1:].notna().all()


def test_open_results__page_sees_its_commune_and_the_district_only(ws):
    results = open_results(ws, "vi", 10291)
    assert set(results.levels["area"]) == set(results.choices["area"]) == {"district", "10291"}
    assert results.place == "Xã Đại Thắng"


def test_open_results__what_is_hidden_does_not_depend_on_the_page(ws):
    everything = open_levels(ws).query("area == '10288'")["status"].to_list()
    assert open_results(ws, "en", "10288").levels.query("area == '10288'")["status"].to_list() == (
        everything
    )


def test_open_statuses__every_cell_of_every_area(ws):
    statuses = open_statuses(ws)
    assert not statuses.duplicated(["area", "cell"]).any()
    assert set(statuses["status"]) == {"shown", "few", "hidden"}
    assert statuses["area"].nunique() == 28


def test_open_results__refuses_what_is_no_commune(ws):
    with pytest.raises(AreaError, match="no such commune"):
        open_results(ws, "vi", 99999)


def test_open_results__says_which_results_are_missing(tmp_path, ws):
    (tmp_path / "params").symlink_to(ws.root / "params")
    empty = open_workspace(ws.root / "params" / "study.yml")
    empty = type(empty)(root=tmp_path, study_path=empty.study_path, study=empty.study)
    with pytest.raises(ContractError, match="not there yet"):
        open_results(empty, "vi")


@pytest.fixture(scope="module")
def raw_levels(ws):
    """Levels of the whole district."""
    return pd.read_parquet(ws.results / "levels.parquet")


def _unsafe(numerator, n):
    count = not pd.isna(numerator) and (1 <= numerator <= 4 or 1 <= n - numerator <= 4)
    return 0 < n < 10 or count


def _told_by_pair(raw, shown, one, other):
    keys = ["area", "wave", "outcome"]
    table = raw.reset_index(drop=True).assign(status=shown["status"])
    cells = {g: table[table["group"].eq(g)].set_index(keys) for g in ("all", one, other)}
    everybody, known, secret = (cells[g] for g in ("all", one, other))
    open_ = everybody["status"].ne("hidden") & known["status"].ne("hidden")
    for key in open_.index[open_]:
        rest = everybody.loc[key, "n"] - known.loc[key, "n"]
        numerator = everybody.loc[key, "numerator"] - known.loc[key, "numerator"]
        yield _unsafe(numerator, rest) or (
            secret.loc[key, "status"] == "hidden" and secret.loc[key, "n"] > 0
        )
