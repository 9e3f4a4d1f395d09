"""A form whose commune codes are of another list is known by the names that it gives them."""

from pathlib import Path

import pandas as pd
import pytest

from survey_tools.areas import read_areas
from survey_tools.clean.area_names import check_area_names
from survey_tools.errors import AreaError

AREAS = read_areas(Path(__file__).parents[2] / "params" / "areas.csv")


def labels(list_, lang="vi", variable="commune_code"):
    rows = [(variable, unit.code, lang, unit.name(lang)) for unit in AREAS.of(list_)]
    return pd.DataFrame(rows, columns=["variable", "code", "lang", "label"], dtype="str")


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("list_", AREAS.lists())
def test_check_area_names__takes_the_studys_list_and_refuses_the_others(list_, lang):
    check_area_names(labels(list_, lang), AREAS, list_)
    for other in set(AREAS.lists()) - {list_}:
        with pytest.raises(AreaError, match="names of another list") as caught:
            check_area_names(labels(other, lang), AREAS, list_)
        assert other in str(caught.value.found)


@pytest.mark.parametrize("code", ["10273", "10291", "10312", "10318", "10330", "10342"])
def test_check_area_names__one_code_under_its_later_name_is_enough(code):
    later = next(u for u in reversed(AREAS.units) if u.code == code)
    table = labels("2024")
    table.loc[table["code"].eq(code), "label"] = later.name_vi
    with pytest.raises(AreaError) as caught:
        check_area_names(table, AREAS, "2024")
    assert code in str(caught.value)


def test_check_area_names__labels_that_prove_nothing_pass():
    table = labels("2024").assign(label="Đại Thắng (thôn 3)")
    check_area_names(table, AREAS, "2024")
    check_area_names(labels("2025-07", variable="site_code"), AREAS, "2024")
