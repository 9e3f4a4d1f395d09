from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest
from clean_frames import TEAMS, code, main_frame, roster_frame, submission

from survey_tools import clean as room
from survey_tools.clean import clean_household, corrections_log, read_corrections
from survey_tools.clean.corrections import COLUMNS, PRIVATE_FILE
from survey_tools.errors import ContractError


def lines(*rows, file=None, **given):
    """Each row: form, row_id, variable, old_value, action, new_value."""
    full = [(f, i, given.get("wave", "w1" if f == "household" else ""), v, old, action, new,
             given.get("reason", "checked on the card"), given.get("decided_by", "TL"),
             given.get("decided_on", "2026-02-01")) for f, i, v, old, action, new in rows]  # fmt: skip
    table = pd.DataFrame(full, columns=list(COLUMNS), dtype="str")
    return table if file is None else table.assign(file=file, line=range(2, len(table) + 2))


def clean(register, corrections, *rows):
    rows = rows or (submission(1), submission(2, 2))
    roster = roster_frame({row["_id"]: ("male", 50) for row in rows})
    return clean_household(
        main_frame(*rows), roster, register=register, teams=TEAMS, corrections=corrections
    )


def refused(register, *rows, **given):
    with pytest.raises(ContractError) as error:
        clean(register, lines(*rows, **given))
    return str(error.value)


def test_apply_corrections__replaces_text_number_boolean_and_member(register):
    table = lines(
        ("household", "1", "elec_method", "bankapp", "replace", "ewallet"),
        ("household", "1", "hh_size", "2", "replace", "3"),
        ("household", "1", "channels__tv", "true", "replace", "false"),
        ("household", "1", "m_age[2]", "12", "replace", "13"),
    )
    result = clean(register, table)
    first = result.household.set_index("_id").loc[1]
    assert (first["elec_method"], first["hh_size"], first["channels__tv"]) == ("ewallet", 3, False)
    assert result.roster.loc[result.roster["_id"] == 1, "m_age"].tolist() == [50, 13]


def test_apply_corrections__leaves_the_pulled_frames_alone(register):
    rows = main_frame(submission(1))
    roster = roster_frame({1: ("male", 50)})
    before = rows.copy(), roster.copy()
    table = lines(
        ("household", "1", "hh_size", "2", "replace", "3"),
        ("household", "1", "m_age[2]", "12", "replace", "13"),
    )
    clean_household(rows, roster, register=register, teams=TEAMS, corrections=table)
    pd.testing.assert_frame_equal(rows, before[0])
    pd.testing.assert_frame_equal(roster, before[1])


def test_apply_corrections__a_household_code_stands_in_the_private_file_only(register):
    row = ("household", "2", "hhid", code(2), "replace", code(9))
    result = clean(register, lines(row, file=PRIVATE_FILE))
    assert result.household["hhid"].tolist() == [code(1), code(9)]
    log = result.corrections
    assert log[["old_value", "new_value"]].isna().all(axis=None)
    message = refused(register, row)
    assert PRIVATE_FILE in message
    assert code(9) not in message


def test_apply_corrections__blank_stands_for_missing(register):
    table = lines(
        ("household", "1", "refuse_reason", "", "okay", ""),
        ("household", "1", "elec_method", "bankapp", "replace", ""),
        ("household", "1", "hh_size", "2", "replace", ""),
    )
    household = clean(register, table).household
    assert household[["elec_method", "hh_size"]].isna().to_numpy().tolist() == [
        [True] * 2,
        [False] * 2,
    ]


def test_apply_corrections__drop_is_counted_in_the_flow(register):
    result = clean(register, lines(("household", "2", "", "", "drop", "")))
    assert result.household["_id"].tolist() == [1]
    step = result.flow.loc[result.flow["reason"] == "dropped by a documented correction"]
    assert step[["dropped", "remaining"]].to_numpy().tolist() == [[1, 1]]


def test_apply_corrections__a_second_line_builds_on_the_first(register):
    table = lines(
        ("household", "1", "hh_size", "2", "replace", "3"),
        ("household", "1", "hh_size", "3", "replace", "4"),
    )
    assert clean(register, table).household["hh_size"].tolist() == [4, 2]


def test_apply_corrections__without_its_line_the_answer_is_another(register):
    table = lines(("household", "1", "hh_size", "2", "replace", "3"))
    assert clean(register, table).household["hh_size"].tolist() == [3, 2]
    assert clean(register, table.iloc[:0]).household["hh_size"].tolist() == [2, 2]


def test_apply_corrections__a_wave_that_was_left_blank_can_be_given(register):
    rows = (submission(1), submission(2, 2, wave=None))
    table = lines(("household", "2", "wave", "", "replace", "w1"), wave="")
    assert clean(register, table, *rows).household["_id"].tolist() == [1, 2]


def test_apply_corrections__old_value_must_stand_there(register):
    good = ("household", "1", "hh_size", "2", "okay", "")
    message = refused(register, good, ("household", "1", "hh_size", "9", "replace", "3"))
    assert "line 3" in message
    assert "old value" in message


@pytest.mark.parametrize(
    ("row", "part"),
    [
        (("household", "77", "hh_size", "2", "okay", ""), "not there"),
        (("household", "1", "no_such", "2", "okay", ""), "not there"),
        (("household", "1", "_uuid", "u1", "replace", "u2"), "not there"),
        (("household", "1", "m_age[9]", "2", "okay", ""), "not there"),
        (("household", "1", "hh_size", "2", "amend", "3"), "action"),
        (("household", "1", "hh_size", "2", "replace", "2"), "by itself"),
        (("household", "1", "hh_size", "2", "okay", "3"), "new value"),
        (("household", "one", "hh_size", "2", "okay", ""), "no submission"),
        (("household", "1", "", "", "okay", ""), "no variable"),
        (("household", "1", "hh_size", "2", "replace", "three"), "new value"),
        (("household", "1", "comment", "", "replace", "x"), "Personal data"),
        (("household", "1", "phone_recontact", "", "okay", ""), "Personal data"),
        (("houshold", "1", "hh_size", "2", "okay", ""), "no known form"),
    ],
)
def test_apply_corrections__a_wrong_line_is_named(register, row, part):
    message = refused(register, row)
    assert part in message
    assert "corrections.csv, line 2" in message


OKAY = ("household", "1", "hh_size", "2", "okay", "")


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
    ws = SimpleNamespace(root=tmp_path, table=lambda name: lines(OKAY))
    table = room.gather_corrections(ws)
    assert table[["file", "line"]].to_numpy().tolist() == [
        ["params/corrections.csv", 2],
        [PRIVATE_FILE, 2],
    ]
    assert [c.column for c in read_corrections(table, "household")] == ["hh_size", "hhid"]
