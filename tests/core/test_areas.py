"""Communes by code and date."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey_tools.areas import plain, read_areas
from survey_tools.errors import AreaError

AREAS = read_areas(Path(__file__).parents[2] / "params" / "areas.csv")


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
