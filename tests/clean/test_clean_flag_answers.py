"""The file of answers: what a line must say, and that its reason goes nowhere."""

from __future__ import annotations

from datetime import date

import pytest

from survey_tools.clean import read_flag_answers
from survey_tools.errors import ContractError

HEAD = "key,answer,reason,decided_by,decided_on"
GOOD = "0123456789abcdef,okay,one old lady living alone,S04,2026-02-03"
TODAY = date(2026, 2, 10)


def read(tmp_path, *lines, head=HEAD):
    path = tmp_path / "flag_answers.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return read_flag_answers(path, today=TODAY)


def test_read_flag_answers__no_file_no_answers(tmp_path):
    answers = read_flag_answers(tmp_path / "none.csv")
    assert answers.empty
    assert list(answers) == ["key", "decided_on", "line"]


def test_read_flag_answers__key_day_and_line(tmp_path):
    answers = read(tmp_path, GOOD, GOOD.replace("okay", "follow_up"))
    assert answers.to_numpy().tolist() == [
        ["0123456789abcdef", "2026-02-03", 2], ["0123456789abcdef", "2026-02-03", 3],
    ]  # fmt: skip


def test_read_flag_answers__the_reason_stays_in_the_file(tmp_path):
    assert "old lady" not in read(tmp_path, GOOD).to_csv()


def test_read_flag_answers__a_line_without_an_answer_is_passed_over(tmp_path):
    assert read(tmp_path, "0123456789abcdef,,,,", GOOD)["line"].tolist() == [3]


def test_read_flag_answers__as_excel_writes_it_in_vietnam(tmp_path):
    path = tmp_path / "flag_answers.csv"
    path.write_text("\n".join([HEAD, GOOD]).replace(",", ";"), encoding="utf-8-sig")
    assert len(read_flag_answers(path, today=TODAY)) == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("okay", "fine", "answer to a flag is unknown"),
        ("0123456789abcdef", "", "names no flag"),
        ("one old lady living alone", "", "gives no reason"),
        ("S04", "", "who decided"),
        ("S04", "Nguyễn Văn An", "who decided"),
        ("2026-02-03", "3/2/2026", "has no day"),
        ("2026-02-03", "2026-02-31", "has no day"),
        ("2026-02-03", "2026-02-11", "in the future"),
    ],
)
def test_read_flag_answers__names_the_line_that_is_wrong(tmp_path, old, new, message):
    with pytest.raises(ContractError, match=message) as caught:
        read(tmp_path, GOOD, GOOD.replace(old, new))
    assert "line 3" in str(caught.value)
    assert "Nguyễn" not in str(caught.value)


def test_read_flag_answers__lacking_columns_are_named(tmp_path):
    with pytest.raises(ContractError, match="lacks columns") as caught:
        read(tmp_path, head="key,answer,reason")
    assert "decided_by, decided_on" in str(caught.value)
