"""Files of corrections are read, held against what a line may say, and accounted for line by line."""

import unicodedata
from datetime import date
from types import SimpleNamespace

import pytest
from clean_frames import code
from corrections_frames import OKAY, clean, lines, refused

from survey_tools import clean as room
from survey_tools.clean import corrections_log, read_corrections
from survey_tools.clean.corrections.read import PRIVATE_FILE
from survey_tools.errors import ContractError


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"wave": "w2"}, "another wave"),
        ({"wave": ""}, "another wave"),
        ({"reason": ""}, "no reason"),
        ({"decided_by": ""}, "who decided"),
        ({"decided_by": "Nguyễn Thị Lan"}, "who decided"),
        ({"decided_on": "01/02/2026"}, "no date"),
        ({"decided_on": "2026-13-01"}, "no date"),
        ({"decided_on": "20260201"}, "no date"),
        ({"decided_on": "2999-01-01"}, "future"),
        ({"reason": "gọi lại 0301 234 567"}, "phone number"),
        ({"reason": "bà Hạnh xác nhận"}, "a name"),
        ({"reason": "Trần Văn Bình nhầm tuổi"}, "a name"),
        ({"reason": "xem 10291-T01-H001-1"}, "household code"),
        ({"reason": "viết cho abc@example.vn"}, "email"),
    ],
)
def test_read_corrections__a_decision_is_whole_and_names_nobody(register, given, part):
    message = refused(register, OKAY, **given)
    assert part in message
    assert "line 2" in message
    assert "0301" not in message
    assert "Hạnh" not in message


@pytest.mark.parametrize("reason", ["Đã xem lại phiếu giấy ở Tổ 03", "lệch 2 tuổi so với đợt 1",
                                    "Xã Đại Thắng báo nhầm tháng 6/2026"])  # fmt: skip
def test_read_corrections__plain_reasons_pass(reason):
    assert len(read_corrections(lines(OKAY, reason=reason), "household")) == 1


def test_read_corrections__a_decision_of_today_passes_and_of_tomorrow_does_not():
    table = lines(OKAY, decided_on="2026-02-02")
    assert read_corrections(table, "household", today=date(2026, 2, 2))
    with pytest.raises(ContractError, match="future"):
        read_corrections(table, "household", today=date(2026, 2, 1))


def test_read_corrections__a_missing_column_is_named():
    with pytest.raises(ContractError, match="lacks columns") as error:
        read_corrections(lines(OKAY).drop(columns="wave"), "household")
    assert "wave" in str(error.value)


def test_corrections_log__holds_every_line_and_values_only_of_harmless_questions(register):
    table = lines(
        ("household", "1", "elec_method", "bankapp", "replace", "ewallet"),
        ("team_log", "5", "hh_visited", "3", "okay", ""),
        ("household", "1", "hh_size", "2", "replace", "3"),
        ("household", "2", "", "", "drop", ""),
    )
    log = corrections_log(table, clean(register, table).corrections)
    assert log["line"].tolist() == [2, 3, 4, 5]
    assert log["status"].tolist() == ["replaced", "not used: its form was not cleaned", "replaced",
                                      "row dropped"]  # fmt: skip
    assert log.loc[0, ["old_value", "new_value"]].tolist() == ["bankapp", "ewallet"]
    assert log.loc[1:, ["old_value", "new_value"]].isna().all(axis=None)


def test_corrections_log__a_log_given_twice_is_refused(register):
    table = lines(OKAY)
    log = clean(register, table).corrections
    with pytest.raises(ContractError, match="every line once"):
        corrections_log(table, log, log)


def test_corrections_log__no_corrections_give_an_empty_log(register):
    assert corrections_log(lines(), clean(register, lines()).corrections).empty


def test_gather_corrections__the_private_file_comes_second_with_its_own_lines(tmp_path):
    (tmp_path / "data" / "private").mkdir(parents=True)
    lines(("household", "2", "hhid", code(2), "replace", code(9))).to_csv(
        tmp_path / PRIVATE_FILE, index=False
    )
    public = tmp_path / "corrections.csv"
    lines(OKAY).to_csv(public, index=False)
    ws = SimpleNamespace(root=tmp_path, file=lambda name: public)
    table = room.gather_corrections(ws)
    assert table[["file", "line"]].to_numpy().tolist() == [
        ["params/corrections.csv", 2],
        [PRIVATE_FILE, 2],
    ]
    assert [c.column for c in read_corrections(table, "household")] == ["hh_size", "hhid"]


@pytest.mark.parametrize(
    "row",
    [
        ("household", "1", "hh_size", "2", "okay", ""),
        ("household", "1", "hh_size", "2", "replace", "3"),
        ("household", "1", "", "", "drop", ""),
    ],
)
def test_read_corrections__a_line_that_stands_twice_is_refused(register, row):
    message = refused(register, row, row)
    assert "stands twice" in message
    assert "line 2" in message


def test_read_corrections__text_in_any_unicode_form_is_the_same():
    question = "Đã xem lại"
    (line,) = read_corrections(
        lines(("household", "1", "x", unicodedata.normalize("NFD", question), "replace", "y")),
        "household",
    )
    assert line.old_value == unicodedata.normalize("NFC", question)


@pytest.mark.parametrize("row_id", ["1 001", "1001.0", "²", "-1", "9" * 30, ""])
def test_read_corrections__a_row_id_is_a_plain_number(register, row_id):
    assert "no submission" in refused(register, ("household", row_id, *OKAY[2:]))


def test_read_corrections__blanks_around_a_row_id_are_no_trouble(register):
    row = ("household", " 1 ", " hh_size ", " 2", "replace ", " 3")
    assert clean(register, lines(row)).household["hh_size"].tolist() == [3, 2]


def test_read_corrections__shifted_columns_show_no_cell(register):
    for row in (("household", "1", "hh_size", "2", "gọi bà Hạnh 0300000001", ""),
                ("Bà Hạnh", "1", "hh_size", "2", "okay", ""),
                ("household", "1", "0300000001", "2", "okay", "")):  # fmt: skip
        message = refused(register, row)
        assert "Hạnh" not in message
        assert "0300000001" not in message


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_gather_corrections__reads_what_a_spreadsheet_saves(
    tmp_path, register, mark, end, encoding
):
    public = tmp_path / "corrections.csv"
    reason = unicodedata.normalize("NFD", "đã xem lại, hai lần")
    table = lines(("household", "1", "hh_size", "2", "replace", "3"), reason=reason)
    table.to_csv(public, index=False, sep=mark, lineterminator=end, encoding=encoding)
    with public.open("a", encoding="utf-8", newline="") as file:
        file.write(mark * 9 + end)  # a line that was emptied in a spreadsheet
    gathered = gather(public, tmp_path)
    assert gathered["line"].tolist() == [2]
    assert clean(register, gathered).household["hh_size"].tolist() == [3, 2]


def gather(public, root):
    return room.gather_corrections(SimpleNamespace(root=root, file=lambda name: public))


def test_gather_corrections__lines_are_those_of_the_file(tmp_path):
    public = tmp_path / "corrections.csv"
    head, row = lines(OKAY, reason='"một\nhai"').to_csv(index=False).split("\n", 1)
    public.write_text(f"{head}\n\n{row}{row}", encoding="utf-8")
    assert gather(public, tmp_path)["line"].tolist() == [4, 6]


def test_gather_corrections__another_encoding_is_refused(tmp_path):
    public = tmp_path / "corrections.csv"
    lines(OKAY, reason="đi xem").to_csv(public, index=False, encoding="cp1258")
    with pytest.raises(ContractError, match="UTF-8") as error:
        gather(public, tmp_path)
    assert "CSV UTF-8" in str(error.value)


def test_gather_corrections__a_comma_too_many_is_refused(tmp_path):
    public = tmp_path / "corrections.csv"
    text = lines(OKAY, reason="X").to_csv(index=False).replace("X", "xem, rồi gọi")
    public.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match="more cells") as error:
        gather(public, tmp_path)
    assert "params/corrections.csv, line 2" in str(error.value)
    assert "xem" not in str(error.value)


def test_gather_corrections__an_empty_file_has_no_columns(tmp_path):
    public = tmp_path / "corrections.csv"
    public.write_text("", encoding="utf-8")
    with pytest.raises(ContractError, match="lacks columns"):
        gather(public, tmp_path)
