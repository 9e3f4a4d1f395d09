"""Registers of the three forms."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from survey_tools.errors import ParamsError
from survey_tools.register import SPLIT_OFF, read_register

PARAMS = Path(__file__).parents[2] / "params"


@pytest.mark.parametrize("form", ["household", "team_log", "site"])
def test_read_register__has_exactly_the_questions_of_the_form(form):
    register = read_register(PARAMS / "register" / f"{form}.csv")
    sheet = openpyxl.load_workbook(PARAMS / "forms" / f"{form}.xlsx", read_only=True)["survey"]
    rows = list(sheet.iter_rows(values_only=True))
    head = {name: place for place, name in enumerate(rows[0])}
    skipped = {"begin_group", "end_group", "begin_repeat", "end_repeat", "note", None}
    asked = {row[head["name"]] for row in rows[1:] if row[head["type"]] not in skipped}
    assert set(register.questions) == asked


def test_read_register__phone_position_and_free_text_are_split_off():
    register = read_register(PARAMS / "register" / "household.csv")
    assert set(register.of_class(*SPLIT_OFF)) == {"phone_recontact", "gps", "comment", "enum_note"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",none,outcome", ",nothing,outcome", "no known class of personal data"),
        ("\nqr30,", "\nqr7_n,", "stands twice"),
        ("personal_data", "personal", "lacks columns"),
    ],
)
def test_read_register__refuses(tmp_path, old, new, message):
    text = (PARAMS / "register" / "household.csv").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "household.csv"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ParamsError, match=message):
        read_register(path)
