"""The supervisor's workbooks: no formula, days as days, easy to use, and what is typed there can be read."""

import csv
from datetime import date, datetime

import openpyxl
import pytest
from sheet_frames import DAY, ONE, OTHER_TEAM, TEAM, WS, make_flags, write

from survey_tools.clean.checks import flag_answers
from survey_tools.report.sheets import books as sheet_books
from survey_tools.report.sheets import words as sheet_words

NAMES = ['=HYPERLINK("x")', "+84", "-1", "@SUM(A1)", "\t=1+1", "plain"]


@pytest.fixture(scope="module")
def sheets(tmp_path_factory):
    return write(tmp_path_factory.mktemp("run") / "field")


def book(sheets, name):
    return openpyxl.load_workbook(sheets.folder / f"{name}.xlsx")


def table(page):
    """Rows of a worksheet as dicts by heading."""
    head, *rows = page.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_sheet__flags_of_a_team_with_what_to_do(sheets):
    found = book(sheets, f"team/{TEAM}.vi")
    assert found.sheetnames == ["Cảnh báo", "Tiến độ", "Hướng dẫn"]
    rows = table(found["Cảnh báo"])
    assert [row["Tình trạng"] for row in rows] == ["Mới"] * 3 + [
        "Chưa trả lời",
        "Đã trả lời",
        "Không còn",
    ]
    first = rows[0]
    assert first["Cảnh báo"] == "Phiếu bị loại"
    assert first["Mức độ"] == "Chắc chắn"
    assert first["Về"] == 103
    assert first["Tìm thấy"] == "Mã hộ không có trong danh sách hộ được chọn."
    assert first["Việc cần làm"].startswith("So phiếu với phiếu mẫu")
    assert first["key"] == "keyc2"
    assert table(found["Tiến độ"])[0] == {
        "Đợt": "Đầu kỳ", "Hộ đã phỏng vấn": "9", "Hộ được chọn": "12", "Tỷ lệ": "75%"
    }  # fmt: skip


def test_sheet__an_enumerators_flags_in_english(sheets):
    found = book(sheets, f"enumerator/{ONE}.en")
    assert found.sheetnames == ["Flags", "Progress", "Guide"]
    rows = table(found["Flags"])
    assert {row["Enumerator"] for row in rows} == {ONE}
    assert {row["About"] for row in rows} == {"All submissions", 101, 102, 105}
    assert "Simulated data." in found["Guide"]["A2"].value


def test_sheet__a_row_of_another_form_is_named_with_it(sheets):
    rows = table(book(sheets, f"team/{OTHER_TEAM}.en")["Flags"])
    assert "7 (team log)" in {row["About"] for row in rows}


def test_sheet__can_be_read_filtered_and_printed(sheets):
    for path in sheets.books:
        for page in openpyxl.load_workbook(path):
            assert page.freeze_panes == "A2"
            assert all(cell.font.bold for cell in page[1])
            assert all(page.column_dimensions[cell.column_letter].width > 8 for cell in page[1])
            assert page.page_setup.orientation == "landscape"
            assert str(page.page_setup.paperSize) == "9"
            if page.max_column > 1:
                assert page.auto_filter.ref == page.dimensions


def test_sheet__days_are_days(sheets):
    for lang, pattern in (("vi", "dd/mm/yyyy"), ("en", "yyyy-mm-dd")):
        page = book(sheets, f"team/{TEAM}.{lang}").worksheets[0]
        cells = [cell for cell in page[2] if cell.is_date and cell.value]
        assert [cell.value for cell in cells] == [datetime(2026, 6, 1), datetime(2026, 6, 7)]
        assert {cell.number_format for cell in cells} == {pattern}


def test_sheet__no_cell_is_a_formula(tmp_path):
    teams = WS.table("teams")
    places = teams.index[teams["team_id"].isin([TEAM, OTHER_TEAM])]
    for name in NAMES:
        teams.loc[places, ["name_vi", "name_en"]] = name
        sheets = write(tmp_path / "field", teams=teams)
        cells = [
            cell for path in sheets.books for page in openpyxl.load_workbook(path)
            for row in page.iter_rows() for cell in row
        ]  # fmt: skip
        assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "n", "d"}
        named = [cell for cell in cells if cell.value == name]
        assert len(named) == 4
        assert {bool(cell.quotePrefix) for cell in named} == {
            name.startswith(sheet_books.FORMULA_BEGINS)
        }


def test_sheet__every_beginning_of_a_formula_is_escaped():
    page = openpyxl.Workbook(write_only=True).create_sheet("x")
    for name in NAMES[:-1]:
        cell = sheet_books.text_cell(page, name)
        assert (cell.data_type, bool(cell.quotePrefix), cell.value) == ("s", True, name)


def test_sheet__control_characters_do_not_break_the_file(tmp_path):
    teams = WS.table("teams")
    teams["name_en"] = "Team\x0b 1"
    rows = table(book(write(tmp_path / "field", teams=teams), "field.en")["List"])
    assert "Team 1" in {row["Name"] for row in rows}


def test_summary__lists_all_sheets_and_all_flags_that_stand(sheets):
    found = book(sheets, "field.en")
    assert found.sheetnames == ["List", "Flags", "Guide"]
    listed = {row["Code"]: row for row in table(found["List"])}
    assert set(listed) == {TEAM, OTHER_TEAM, "E05", "E06"}
    team = listed[TEAM]
    assert [team[name] for name in ("New", "Open", "Answered", "No longer found")] == [3, 1, 1, 1]
    assert (team["Commune or town"], team["Baseline"], team["Endline"]) == (
        "Dai Thang commune",
        "9 / 12",
        "—",
    )
    assert all((sheets.folder / row["File"]).is_file() for row in listed.values())
    standing = make_flags().query("state != 'resolved'")
    assert {row["key"] for row in table(found["Flags"])} == set(standing["key"])


def test_flags__columns_to_fill_in_are_those_of_the_file_of_answers(sheets):
    assert ("key", *sheet_books.ANSWER_COLUMNS) == flag_answers.COLUMNS
    assert sheet_words.SENT_TO["file"] == flag_answers.FILE
    assert f'"{",".join(flag_answers.ANSWERS_KNOWN)}"' == sheet_books.ANSWERS
    page = book(sheets, "field.vi")["Cảnh báo"]
    head = [cell.value for cell in page[1]]
    assert head[-5:] == list(flag_answers.COLUMNS)
    rules = {rule.type: str(rule.sqref) for rule in page.data_validations.dataValidation}
    last = page.max_row
    assert set(rules) == {"list", "date"}
    letters = {cell.value: cell.column_letter for cell in page[1]}
    assert rules["list"] == f"{letters['answer']}2:{letters['answer']}{last}"
    assert rules["date"] == f"{letters['decided_on']}2:{letters['decided_on']}{last}"


def test_flags__answers_typed_into_the_workbook_come_back_as_answers(sheets, tmp_path):
    page = book(sheets, "field.vi")["Cảnh báo"]
    letters = {cell.value: cell.column_letter for cell in page[1]}
    typed = {
        "answer": "okay",
        "reason": "đã hỏi lại",
        "decided_by": "TL",
        "decided_on": date(2026, 6, 6),
    }
    for name, value in typed.items():
        page[f"{letters[name]}3"] = value
    path = tmp_path / "flag_answers.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        shown = [["" if v is None else str(v)[:10] if isinstance(v, datetime | date) else v for v in row]
                 for row in page.iter_rows(values_only=True)]  # fmt: skip
        csv.writer(file, delimiter=";").writerows(shown)
    answered = flag_answers.read_flag_answers(path, today=DAY)
    assert answered[["key", "decided_on"]].values.tolist() == [
        [page[f"{letters['key']}3"].value, "2026-06-06"]
    ]


def test_flags__a_workbook_without_flags_is_whole(tmp_path):
    found = book(write(tmp_path / "field", make_flags([])), f"team/{TEAM}.en")
    assert table(found["Flags"]) == []
