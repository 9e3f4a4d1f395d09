"""Communes by code and date."""

from __future__ import annotations

import csv
from datetime import date, datetime
from itertools import combinations
from pathlib import Path

import pytest

from survey_tools.areas import AreaKey, plain, read_areas
from survey_tools.errors import AreaError

ROOT = Path(__file__).parents[2]
PATH = ROOT / "params" / "areas.csv"
AREAS = read_areas(PATH)
RENAMED = ("10273", "10291", "10312", "10318", "10330", "10342")
"""Codes with another name in a later list; the seventh, 10282, had another one before 2020."""

GREW = ("10276", "10279")
"""Codes that kept their name, and name a larger place."""


def test_lists__have_27_then_23_then_4_units():
    assert {name: len(AREAS.of(name)) for name in AREAS.lists()} == {
        "2024": 27,
        "2025-01": 23,
        "2025-07": 4,
    }


def test_get__one_code_is_another_place_on_another_date():
    assert AREAS.get("10291", "2024").name_vi == "Xã Đại Thắng"
    assert AREAS.get("10291", "2025-01").name_vi == "Xã Văn Hoàng"


@pytest.mark.parametrize(
    "spelling", [10291, "10291", "Xã Đại Thắng", "đại thắng", "Dai Thang", "dai thang commune"]
)
def test_get__takes_number_code_and_name_with_or_without_diacritics(spelling):
    assert AREAS.get(spelling, "2024").code == "10291"


def test_get__unknown_commune_names_the_near_ones():
    with pytest.raises(AreaError, match="did you mean 10291"):
        AREAS.get("Đại Thằnh", "2024")


def test_get__code_of_a_later_list_is_refused_where_it_means_nothing():
    with pytest.raises(AreaError):
        AREAS.get("10288", "2025-01")


def test_successor__every_2024_unit_lies_in_one_unit_of_each_list():
    for name in AREAS.lists():
        members = [code for unit in AREAS.of(name) for code in unit.codes_2024]
        assert sorted(members) == sorted(unit.code for unit in AREAS.of("2024"))
    assert AREAS.successor("10306", "2025-01").name_vi == "Xã Quang Hà"


def test_plain__maps_the_letter_that_has_no_decomposition():
    assert plain("Thị trấn Phú Xuyên – Đồng") == "thi tran phu xuyen – dong"


def test_areas__codes_that_name_another_place_are_the_known_ones():
    renamed, grew = set(), set()
    for older, newer in combinations(AREAS.lists(), 2):
        after = {unit.code: unit for unit in AREAS.of(newer)}
        for unit in AREAS.of(older):
            later = after.get(unit.code)
            if later and plain(later.name_vi) != plain(unit.name_vi):
                renamed.add(unit.code)
            elif later and set(later.codes_2024) != set(unit.codes_2024):
                grew.add(unit.code)
    assert renamed == set(RENAMED)
    assert grew - renamed == set(GREW)


@pytest.mark.parametrize("code", RENAMED + GREW)
def test_key__one_code_in_two_lists_is_two_identities(code):
    keys = {unit.key for unit in AREAS.units if unit.code == code}
    assert len(keys) == len({key.area_list for key in keys}) > 1
    assert AreaKey("2024", code) != AreaKey("2025-07", code)


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        ("2020-03-01", "2024"),
        ("2024-12-31", "2024"),
        ("2025-01-01", "2025-01"),
        ("2025-06-30", "2025-01"),
        ("2025-07-01", "2025-07"),
        (date(2031, 1, 1), "2025-07"),
        (datetime(2025, 6, 30, 23, 59), "2025-01"),
    ],
)
def test_list_at__first_and_last_days_and_the_open_end(day, wanted):
    assert AREAS.list_at(day) == wanted


def test_list_at__before_the_first_list_nothing_is_known():
    with pytest.raises(AreaError, match="No list of areas") as caught:
        AREAS.list_at("2020-02-29")
    assert caught.value.expected == "a day from 2020-03-01 on"
    with pytest.raises(AreaError, match="no date"):
        AREAS.list_at("July 2025")


@pytest.mark.parametrize(("older", "newer"), list(combinations(AREAS.lists(), 2)))
def test_crosswalk__forward_every_unit_lies_wholly_in_one_and_back_is_refused(older, newer):
    found = AREAS.crosswalk(older, newer)
    assert list(found) == [unit.code for unit in AREAS.of(older)]
    assert set(found.values()) == set(AREAS.of(newer))
    for unit in AREAS.of(older):
        assert set(unit.codes_2024) <= set(found[unit.code].codes_2024)
    with pytest.raises(AreaError, match="cannot be told") as caught:
        AREAS.crosswalk(newer, older)
    assert caught.value.found
    assert caught.value.next_step


def test_crosswalk__in_two_steps_is_the_same_as_in_one():
    first, second = AREAS.crosswalk("2024", "2025-01"), AREAS.crosswalk("2025-01", "2025-07")
    for code, unit in AREAS.crosswalk("2024", "2025-07").items():
        assert second[first[code].code] == unit


def test_get__code_of_another_list_says_what_it_is_there():
    with pytest.raises(AreaError) as caught:
        AREAS.get("10288", "2025-07")
    assert "Xã Tri Trung in the list 2024" in str(caught.value)


@pytest.mark.parametrize("code", RENAMED)
def test_lists_calling__tells_the_lists_apart_by_the_name(code):
    of_2024 = AREAS.get(code, "2024")
    later = next(
        u for u in reversed(AREAS.units) if u.code == code and u.name_vi != of_2024.name_vi
    )
    for lang in ("vi", "en"):
        assert "2024" in AREAS.lists_calling(code, of_2024.name(lang))
        assert "2024" not in AREAS.lists_calling(code, later.name(lang))
        assert later.list in AREAS.lists_calling(code, plain(later.name(lang)))
    assert AREAS.lists_calling(code, "Xã Không Có") == ()


def test_share_inside__equals_the_computation_by_hand():
    with (ROOT / "params" / "communes.csv").open(encoding="utf-8") as file:
        people = {row["code"]: int(row["population_2019"]) for row in csv.DictReader(file)}
    shares = {unit.code: AREAS.share_inside(unit, people) for unit in AREAS.of("2025-07")}
    inside = sum(people[code] for code in AREAS.get("10273", "2025-07").codes_2024)
    growth = (60281 + 44859 + 74906) / (sum(people.values()) - inside)
    assert shares.pop("10273") == pytest.approx(growth * inside / 96635, abs=1e-12)
    assert set(shares.values()) == {1.0}
    assert all(AREAS.share_inside(unit, people) == 1 for unit in AREAS.of("2024"))


def test_share_inside__is_unknown_without_registered_people(tmp_path):
    areas = _changed(tmp_path, lambda rows: [row | {"people": ""} for row in rows])
    assert areas.share_inside(areas.get("10273", "2025-07"), {}) is None


def _first(rows, list_, **change):
    place = next(k for k, row in enumerate(rows) if row["list"] == list_)
    return [*rows[:place], rows[place] | change, *rows[place + 1 :]]


def _every(rows, list_, **change):
    return [row | change if row["list"] == list_ else row for row in rows]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda rows: _first(rows, "2025-07", name_vi="Xã Khác"), "differ"),
        (lambda rows: _first(rows, "2025-07", code_2024="10351"), "does not hold every 2024 unit"),
        (lambda rows: [row for row in rows if row["code"] != "10300"], "does not hold every"),
        (lambda rows: _every(rows, "2025-01", valid_to="2025-06-29"), "leave days out"),
        (lambda rows: _every(rows, "2025-01", valid_from="2024-12-31"), "overlap"),
        (lambda rows: _every(rows, "2025-01", valid_to=""), "overlap"),
        (lambda rows: _first(rows, "2024", valid_to="2024-12-30"), "not of one period"),
        (lambda rows: _every(rows, "2024", valid_from="1/3/2020"), "date of a list"),
        (lambda rows: [{k: v for k, v in r.items() if k != "valid_to"} for r in rows], "columns"),
    ],
)
def test_read_areas__lists_that_contradict_themselves_are_refused(tmp_path, change, problem):
    with pytest.raises(AreaError, match=problem):
        _changed(tmp_path, change)


def _changed(folder, change):
    with PATH.open(encoding="utf-8", newline="") as file:
        rows = change(list(csv.DictReader(file)))
    path = folder / "areas.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return read_areas(path)
