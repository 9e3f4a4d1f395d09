"""Tables and sentences of the district's page by another list of areas."""

from dataclasses import replace

import pandas as pd
import pytest

from survey_tools.report import area_lists
from survey_tools.report.disclosure import open_results
from survey_tools.report.markup import Html
from survey_tools.report.numbers import MISSING

NEW = {
    "vi": ["Xã Phú Xuyên", "Xã Phượng Dực", "Xã Chuyên Mỹ", "Xã Đại Xuyên"],
    "en": ["Phu Xuyen commune", "Phuong Duc commune", "Chuyen My commune", "Dai Xuyen commune"],
}


@pytest.fixture(scope="module", params=["vi", "en"])
def results(request, ws):
    return open_results(ws, request.param)


@pytest.fixture(scope="module", params=["vi", "en"])
def july(request, ws):
    return open_results(_with_lists(ws, ("2025-07",)), request.param)


def _with_lists(ws, lists):
    report = ws.study.report.model_copy(update={"area_lists": lists})
    study = ws.study.model_copy(update={"report": report})
    return type(ws)(root=ws.root, study_path=ws.study_path, study=study)


def test_levels_tables__a_row_for_each_unit_of_each_list_in_the_order_of_codes(results):
    own, january, july = area_lists.levels_tables(results)
    assert [row[0] for row in own.rows] == [
        results.units[code].name(results.lang) for code in sorted(results.units)
    ]
    assert len(january.rows) == 23
    assert [row[0] for row in july.rows] == NEW[results.lang]
    for table in (own, january, july):
        assert len(table.columns) == 2 + len(results.study.report.main_outcomes)
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert table.columns[1:-1] == tuple(
            results.outcome(name) for name in results.study.report.main_outcomes
        )


@pytest.mark.parametrize(
    ("list_", "code", "place"), [("2025-07", "10342", 3), ("2024", "10270", 0)]
)
def test_levels_tables__show_the_figures_that_were_disclosed(results, list_, code, place):
    table = area_lists.levels_tables(results)[-1 if list_ == "2025-07" else 0]
    frame = results.by_list
    row = frame[
        frame["area_list"].eq(list_)
        & frame["area_code"].eq(code)
        & frame["wave"].eq("w3")
        & frame["outcome"].eq(results.study.report.main_outcomes[0])
    ]
    shown, numbers = row.iloc[0], results.numbers
    interval = numbers.interval(shown["conf_low"], shown["conf_high"], "binary")
    households = "hộ" if results.lang == "vi" else "households"
    assert table.rows[place][1] == (
        numbers.percent(shown["shown"]),
        f"{interval}; {numbers.count(shown['n'])} {households}",
    )
    assert table.rows[place][-1] == numbers.count(shown["n_teams"])


def test_levels_tables__own_list_is_what_the_commune_pages_show(results, ws):
    (own, *_), main = area_lists.levels_tables(results), results.study.report.main_outcomes
    for row, code in zip(own.rows, sorted(results.units), strict=True):
        page = open_results(ws, results.lang, code)
        for cell, outcome in zip(row[1:-1], main, strict=True):
            level = page.level(outcome, "w3", area=code)
            shown = MISSING if level is None else page.numbers.percent(level["shown"])
            if level is not None and level["status"] == "few":
                shown += "*"
            assert (cell if isinstance(cell, str) else cell[0]) == shown


def test_levels_tables__hidden_cells_are_dashes_with_a_note(results):
    hidden = results.by_list["area_code"].eq("10273") & results.by_list["area_list"].eq("2025-07")
    blanked = results.by_list.copy()
    blanked.loc[hidden, ["shown", "conf_low", "conf_high", "n", "n_teams"]] = None
    blanked.loc[hidden, "status"] = "hidden"
    table = area_lists.levels_tables(replace(results, by_list=blanked))[-1]
    assert set(table.rows[0][1:]) == {MISSING}
    assert results.words("note_hidden") in table.notes


def test_levels_tables__unit_without_interviews_is_a_dash(results):
    rest = results.by_list[results.by_list["area_code"].ne("10279")]
    table = area_lists.levels_tables(replace(results, by_list=rest))[-1]
    assert len(table.rows) == 4
    assert set(table.rows[1][1:]) == {MISSING}


def test_crosswalk_table__every_old_commune_stands_once_beside_its_new_one(july):
    results = july
    table = area_lists.crosswalk_table(results)
    assert [row[0][0] for row in table.rows] == NEW[results.lang]
    assert [row[0][1][-5:] for row in table.rows] == ["10273", "10279", "10330", "10342"]
    old = [name.lower() for row in table.rows for name in row[1].split(", ")]
    assert sorted(old) == sorted(unit.name(results.lang).lower() for unit in results.units.values())
    assert sum(int(row[2]) for row in table.rows) == len(results.teams)
    if results.lang == "vi":
        assert table.rows[0][1].startswith("Thị trấn Phú Minh, thị trấn Phú Xuyên, xã Nam Tiến")


def test_notes__say_which_list_and_which_commune_has_land_outside_the_study(july):
    results = july
    intro, points = area_lists.notes(results)
    assert "2024" in intro
    assert len(points) == 3
    assert ("31/12/2024" if results.lang == "vi" else "31 December 2024") in points[0]
    assert ("01/07/2025" if results.lang == "vi" else "1 July 2025") in points[1]
    assert NEW[results.lang][0] in points[2]
    assert ("Thường Tín" if results.lang == "vi" else "Thuong Tin") in points[2]
    assert "65%" in points[2]


def test_notes__without_a_known_share_none_is_given(july):
    results = july
    unknown = replace(results, shares_inside=dict.fromkeys(results.shares_inside))
    points = area_lists.notes(unknown)[1]
    assert "%" not in points[2]
    assert NEW[results.lang][0] in points[2]


def test_tables__two_later_lists_stand_below_each_other_and_say_when_they_are_in_force(ws):
    results = open_results(_with_lists(ws, ("2025-01", "2025-07")), "vi")
    tables = area_lists.levels_tables(results)
    assert [len(table.rows) for table in tables] == [27, 23, 4]
    assert "từ 01/01/2025 đến 30/06/2025" in tables[1].caption
    assert "từ 01/07/2025" in tables[2].caption
    crosswalk = area_lists.crosswalk_table(results)
    assert len(crosswalk.rows) == 27
    names = [row[0][0] for row in crosswalk.rows]
    assert "Xã Phượng Dực (từ 01/01/2025 đến 30/06/2025)" in names
    assert "Xã Phượng Dực (từ 01/07/2025)" in names
    assert len(area_lists.notes(results)[1]) == 4


def test_tables__without_further_lists_only_a_sentence_stands(ws):
    results = open_results(_with_lists(ws, ()), "en")
    assert area_lists.notes(results) == [results.words("areas_none")]
    assert area_lists.levels_tables(results) == []
    table = area_lists.crosswalk_table(results)
    assert isinstance(table, Html)
    assert table.source == ""


def test_levels_tables__few_answers_are_marked(results):
    some = results.by_list.copy()
    here = some["area_code"].eq("10330") & some["wave"].eq("w3")
    some.loc[here, "status"] = "few"
    table = area_lists.levels_tables(replace(results, by_list=some))[-1]
    cells = table.rows[2][1:-1]
    assert all(isinstance(cell, tuple) and cell[0].endswith("*") for cell in cells)
    assert any(note.startswith("*") for note in table.notes)
    assert isinstance(table.frame, pd.DataFrame)
