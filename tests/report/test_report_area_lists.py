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


def _with_lists(ws, lists):
    report = ws.study.report.model_copy(update={"area_lists": lists})
    study = ws.study.model_copy(update={"report": report})
    return type(ws)(root=ws.root, study_path=ws.study_path, study=study)


def test_levels_table__each_new_commune_with_each_outcome_in_the_order_of_codes(results):
    table = area_lists.levels_table(results)
    main = results.study.report.main_outcomes
    assert [row[0] for row in table.rows] == [
        (name, results.outcome(outcome)) for name in NEW[results.lang] for outcome in main
    ]
    assert len(table.columns) == 4
    assert all(len(row) == 4 for row in table.rows)


def test_levels_table__shows_the_figures_that_were_disclosed(results):
    table = area_lists.levels_table(results)
    outcome = results.study.report.main_outcomes[0]
    row = results.by_list.query("area_code == '10342' and wave == 'w3' and outcome == @outcome")
    cell = next(r for r in table.rows if r[0] == (NEW[results.lang][3], results.outcome(outcome)))
    shown = row.iloc[0]
    numbers = results.numbers
    interval = numbers.interval(shown["conf_low"], shown["conf_high"], "binary")
    assert cell[1] == (numbers.percent(shown["shown"]), interval)
    assert cell[2:] == (numbers.count(shown["n"]), numbers.count(shown["n_teams"]))


def test_levels_table__hidden_cells_are_dashes_with_a_note(results):
    hidden = results.by_list["area_code"].eq("10273")
    blanked = results.by_list.copy()
    blanked.loc[hidden, ["shown", "conf_low", "conf_high"]] = None
    blanked.loc[hidden, "status"] = "hidden"
    table = area_lists.levels_table(replace(results, by_list=blanked))
    assert all(row[1:] == (MISSING, MISSING, MISSING) for row in table.rows[:4])
    assert results.words("note_hidden") in table.notes


def test_levels_table__unit_without_interviews_is_a_dash(results):
    rest = results.by_list[results.by_list["area_code"].ne("10279")]
    table = area_lists.levels_table(replace(results, by_list=rest))
    assert len(table.rows) == 16
    assert all(row[1:] == (MISSING, MISSING, MISSING) for row in table.rows[4:8])


def test_crosswalk_table__every_old_commune_stands_once_beside_its_new_one(results):
    table = area_lists.crosswalk_table(results)
    assert [row[0][0] for row in table.rows] == NEW[results.lang]
    assert [row[0][1][-5:] for row in table.rows] == ["10273", "10279", "10330", "10342"]
    old = [name.lower() for row in table.rows for name in row[1].split(", ")]
    assert sorted(old) == sorted(unit.name(results.lang).lower() for unit in results.units.values())
    assert sum(int(row[2]) for row in table.rows) == len(results.teams)
    if results.lang == "vi":
        assert table.rows[0][1].startswith("Thị trấn Phú Minh, thị trấn Phú Xuyên, xã Nam Tiến")


def test_notes__say_which_list_and_which_commune_has_land_outside_the_study(results):
    intro, points = area_lists.notes(results)
    assert "2024" in intro
    assert len(points) == 2
    assert ("01/07/2025" if results.lang == "vi" else "1 July 2025") in points[0]
    assert NEW[results.lang][0] in points[1]
    assert ("Thường Tín" if results.lang == "vi" else "Thuong Tin") in points[1]
    assert "65%" in points[1]


def test_notes__without_a_known_share_none_is_given(results):
    unknown = replace(results, shares_inside=dict.fromkeys(results.shares_inside))
    points = area_lists.notes(unknown)[1]
    assert "%" not in points[1]
    assert NEW[results.lang][0] in points[1]


def test_tables__two_lists_stand_below_each_other_and_say_when_they_are_in_force(ws):
    results = open_results(_with_lists(ws, ("2025-01", "2025-07")), "vi")
    table = area_lists.levels_table(results)
    assert len(table.rows) == (23 + 4) * 4
    names = [row[0][0] for row in table.rows]
    assert "Xã Phượng Dực (từ 01/01/2025 đến 30/06/2025)" in names
    assert "Xã Phượng Dực (từ 01/07/2025)" in names
    assert len(area_lists.crosswalk_table(results).rows) == 27
    assert len(area_lists.notes(results)[1]) == 3


def test_tables__without_further_lists_only_a_sentence_stands(ws):
    results = open_results(_with_lists(ws, ()), "en")
    assert area_lists.notes(results) == [results.words("areas_none")]
    for table in (area_lists.levels_table(results), area_lists.crosswalk_table(results)):
        assert isinstance(table, Html)
        assert table.source == ""


def test_levels_table__few_answers_are_marked(results):
    some = results.by_list.copy()
    here = some["area_code"].eq("10330") & some["wave"].eq("w3")
    some.loc[here, "status"] = "few"
    table = area_lists.levels_table(replace(results, by_list=some))
    cells = [row[1] for row in table.rows[8:12]]
    assert all(isinstance(cell, tuple) and cell[0].endswith("*") for cell in cells)
    assert any(note.startswith("*") for note in table.notes)
    assert isinstance(table.frame, pd.DataFrame)
