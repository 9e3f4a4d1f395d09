"""Forms read from workbooks equal the same forms as a real server answered them."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

from survey_tools.errors import KoboError
from survey_tools.kobo.form.xlsform import read_xlsform, rename_question

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests/fixtures/kobo/recorded/instrument"


def _without_kuid(content):
    rows = {
        sheet: [{k: v for k, v in row.items() if k != "$kuid"} for row in content[sheet]]
        for sheet in ("survey", "choices")
    }
    return {**content, **rows}


def _workbook(path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("form", ["household", "team_log", "site"])
def test_read_xlsform__equals_the_server(form):
    server = json.loads((RECORDED / form / "version.json").read_text())["content"]
    ours = read_xlsform(ROOT / f"params/forms/{form}.xlsx")
    assert _without_kuid(ours) == _without_kuid(server)
    assert list(ours) == list(server)
    for sheet in ("survey", "choices"):
        assert [list(row) for row in ours[sheet]] == [list(row) for row in server[sheet]]


def test_read_xlsform__kuids_are_stable_and_distinct():
    path = ROOT / "params/forms/household.xlsx"
    first, second = read_xlsform(path), read_xlsform(path)
    assert first == second
    kuids = [row["$kuid"] for row in first["survey"] + first["choices"]]
    assert len(set(kuids)) == len(kuids)
    assert {len(kuid) for kuid in kuids} == {9}


def test_read_xlsform__or_other_spaced_types_numbers_and_a_missing_translation(tmp_path):
    path = _workbook(
        tmp_path / "form.xlsx",
        {
            "survey": [
                ["type", "name", "label:Tiếng Việt (vi)", "label:English (en)", "required"],
                ["begin repeat", "member", "Thành viên", None, None],
                ["select_one edu or_other", "edu", "Học vấn", "Education", "true()"],
                ["end repeat", None, None, None, None],
            ],
            "choices": [["list name", "name", "label:Tiếng Việt (vi)"], ["edu", 1.0, "Tiểu học"]],
        },
    )
    content = read_xlsform(path)
    repeat, question, end = content["survey"]
    assert (repeat["type"], repeat["label"]) == ("begin_repeat", ["Thành viên", None])
    assert question["$xpath"] == "member/edu"
    assert (question["type"], question["select_from_list_name"]) == ("select_one", "edu")
    assert question["_or_other"] is True
    assert question["required"] is True
    assert set(end) == {"type", "$kuid"}
    assert content["choices"][0]["name"] == "1"
    assert content["settings"] == {}


def test_read_xlsform__one_untranslated_language(tmp_path):
    path = _workbook(
        tmp_path / "form.xlsx", {"survey": [["type", "name", "label"], ["text", "a", "A?"]]}
    )
    content = read_xlsform(path)
    assert content["translations"] == [None]
    assert content["survey"][0]["label"] == ["A?"]


@pytest.mark.parametrize(
    ("sheets", "expected"),
    [
        ({"Sheet1": [["a"]]}, "sheet named survey"),
        ({"survey": [["type", "label"]]}, "type, name"),
        ({"survey": [["type", "name"]], "choices": [["name"]]}, "list_name, name"),
    ],
)
def test_read_xlsform__refuses_other_workbooks(tmp_path, sheets, expected):
    path = _workbook(tmp_path / "form.xlsx", sheets)
    with pytest.raises(KoboError, match="not an XLSForm") as caught:
        read_xlsform(path)
    assert expected in caught.value.expected
    assert caught.value.found
    assert str(path) in caught.value.where


def test_read_xlsform__refuses_what_is_no_workbook(tmp_path):
    (tmp_path / "form.xlsx").write_text("type,name")
    with pytest.raises(KoboError, match="not an Excel workbook"):
        read_xlsform(tmp_path / "form.xlsx")
    with pytest.raises(KoboError, match="does not exist"):
        read_xlsform(tmp_path / "none.xlsx")


def test_rename_question__everywhere():
    content = read_xlsform(ROOT / "params/forms/household.xlsx")
    renamed = rename_question(content, "team_id", "team_code")
    text = json.dumps(renamed)
    assert "${team_id}" in json.dumps(content)
    assert "${team_id}" not in text
    row = next(row for row in renamed["survey"] if row.get("name") == "team_code")
    assert row["$xpath"] == "a_id/team_code"
    assert row["$autoname"] == "team_code"
    hhid = next(row for row in renamed["survey"] if row.get("name") == "hhid")
    assert "starts-with(., ${team_code})" in hhid["constraint"]


def test_rename_question__group_moves_its_questions_and_settings_follow():
    content = read_xlsform(ROOT / "params/forms/household.xlsx")
    before = json.dumps(content)
    renamed = rename_question(rename_question(content, "a_id", "a_key"), "hhid", "hh_code")
    assert json.dumps(content) == before
    paths = [row["$xpath"] for row in renamed["survey"] if "$xpath" in row]
    assert "a_key/hh_code" in paths
    assert not [path for path in paths if path.startswith("a_id")]
    assert "${hh_code}" in renamed["settings"]["instance_name"]


@pytest.mark.parametrize(("old", "new"), [("nothing", "x"), ("hhid", "team_id")])
def test_rename_question__refuses_missing_and_taken_names(old, new):
    content = read_xlsform(ROOT / "params/forms/household.xlsx")
    with pytest.raises(KoboError):
        rename_question(content, old, new)
