import unicodedata

import pandas as pd
import pytest
from clean_frames import TEAMS

from survey_tools import contracts
from survey_tools.clean import check_all_rows, clean_site, clean_team_log, labels_table
from survey_tools.clean.answers.columns import typed
from survey_tools.clean.answers.problems import located, misfit_flags, sort_flags
from survey_tools.clean.answers.spelling import read_number
from survey_tools.errors import ContractError


def log(_id, team="10291-T01", month="2026-03-15", sent="2026-04-01", visited=10, **more):
    return {
        "_id": _id,
        "_submission_time": pd.Timestamp(sent, tz="UTC"),
        "month": pd.Timestamp(month),
        "commune_code": "10291",
        "team_id": team,
        "hh_visited": visited,
        "problem": None,
        **more,
    }


def test_clean_team_log__the_last_report_of_a_month_counts(log_register):
    rows = [
        log(1, month="2026-03-20", sent="2026-04-05", visited=12),
        log(2, month="2026-03-01", sent="2026-04-02", visited=10),
        log(3, team="10291-T02"),
    ]
    result = clean_team_log(pd.DataFrame(rows), register=log_register, teams=TEAMS)
    assert result.table[["team_id", "hh_visited"]].to_numpy().tolist() == [
        ["10291-T01", 12],
        ["10291-T02", 10],
    ]
    assert result.table["month"].eq(pd.Timestamp("2026-03-01")).all()
    assert result.dropped["_id"].tolist() == [2]
    assert result.flow["remaining"].tolist()[-1] == 2


def test_clean_team_log__unknown_team_leaves_and_text_is_split_off(log_register):
    rows = [log(1, problem="Sóng yếu"), log(2, team="10291-T99")]
    result = clean_team_log(pd.DataFrame(rows), register=log_register, teams=TEAMS)
    assert result.table["_id"].tolist() == [1]
    assert "problem" not in result.table
    assert result.free_text["text"].tolist() == ["Sóng yếu"]


def test_clean_site__one_row_a_site_and_month_and_the_platform_has_no_commune(site_register):
    row = {"_submission_time": pd.Timestamp("2026-04-01", tz="UTC"), "site_id": "S001",
           "ref_month": pd.Timestamp("2026-03-01")}  # fmt: skip
    rows = pd.DataFrame(
        [
            {"_id": 1, "site_type": "platform", "commune_code": None, **row},
            {"_id": 2, "site_type": "platform", "commune_code": None, **row},
            {"_id": 3, "site_type": "school", "commune_code": "10291", **row, "site_id": "S002"},
        ]
    ).astype({"site_type": "category", "commune_code": "category"})
    result = clean_site(rows, register=site_register)
    assert sorted(result.table["_id"]) == [2, 3]


def test_labels_table__languages_are_short_and_the_first_form_counts():
    one = pd.DataFrame(
        {"variable": ["v", "v"], "code": ["a", "a"], "lang": ["Tiếng Việt (vi)", "en"],
         "label": ["Có", "Yes"]}
    )  # fmt: skip
    two = one.assign(label=["Khác", "Other"]).iloc[:1]
    table = labels_table(one, two)
    assert table[["lang", "label"]].to_numpy().tolist() == [["vi", "Có"], ["en", "Yes"]]
    assert table["order"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("text", "whole", "value"),
    [
        ("1.234,5", False, 1234.5), ("1.234.567", True, 1234567), ("1.234", True, 1234),
        ("1 234,5", False, 1234.5), ("12,5", False, 12.5), ("0,125", False, 0.125),
        ("1,234,567", True, 1234567), ("1,234.5", False, 1234.5), ("１２", True, 12), ("-3", True, -3),
        ("0.125", False, 0.125), ("1.234", False, None), ("1,234", False, None),
        ("1,234", True, None), ("12,5", True, None), ("3 con", True, None), ("1.23.4", False, None),
        ("", True, None),
    ],
)  # fmt: skip
def test_read_number__as_it_is_typed_in_viet_nam(text, whole, value):
    assert read_number(text, whole=whole) == value


def rows(**columns):
    frame = pd.DataFrame(columns)
    return frame.assign(_id=range(1, len(frame) + 1), wave="w1", team_id="10291-T01")


def test_typed__numbers_typed_as_text_are_read_or_flagged(register):
    table = typed(rows(buy_amount=["1.500", "250", "1,500", "hai trăm", None]), register)
    assert table.frame["buy_amount"].tolist() == [1500, 250, pd.NA, pd.NA, pd.NA]
    assert table.frame["buy_amount"].dtype == "Int64"
    assert table.problems["row_id"].tolist() == [1, 3, 4]
    assert table.problems["message"].str.contains("missing").tolist() == [False, True, True]
    assert not table.problems["message"].str.contains("1.500|trăm").any()
    contracts.validate(table.problems, "problems")


def test_typed__days_in_another_order_are_flagged_not_guessed(register):
    table = typed(
        rows(team_last=["2026-03-04", "04/03/2026", None, "2026-03-04T00:00:00"]), register
    )
    day = pd.Timestamp("2026-03-04")
    assert table.frame["team_last"].tolist() == [day, pd.NaT, pd.NaT, day]
    assert table.problems["row_id"].tolist() == [2]


def test_typed__times_of_several_zones_are_one_clock(register):
    starts = ["2026-01-15T08:00:00+07:00", "2026-01-15T01:00:00Z", "2026-01-15 08:00:00", None]
    table = typed(rows(start=starts), register)
    same = pd.Timestamp("2026-01-15T01:00:00Z")
    assert table.frame["start"].tolist() == [same, same, pd.NaT, pd.NaT]
    assert table.problems["row_id"].tolist() == [3]


def test_typed__times_without_a_zone_are_refused(register):
    with pytest.raises(ContractError, match="distance from UTC"):
        typed(rows(start=pd.to_datetime(["2026-01-15 08:00"])), register)


def test_typed__text_that_is_not_nfc_becomes_so(register):
    composed, apart = "Đã trả tiền mặt", unicodedata.normalize("NFD", "Đã trả tiền mặt")
    assert composed != apart
    frame = typed(rows(comment=[apart, composed, None], hhid=["a", None, "b"]), register).frame
    assert frame["comment"].tolist()[:2] == [composed, composed]
    assert frame["comment"].isna().tolist() == [False, False, True]
    assert frame["hhid"].isna().tolist() == [False, True, False]


def test_misfit_flags__what_has_no_place_is_flagged_without_the_answer():
    misfits = pd.DataFrame(
        {"table": ["", "roster", ""], "_id": [2, 2, 1], "positions": ["", "2", ""],
         "variable": ["elec_method", "m_age", ""], "path": ["a/elec_method", "a/m_age", "x/secret"],
         "value": ["bitcoin", "0301234567", "Bà Hạnh"], "kind": ["choice", "type", "unknown_key"]}
    )  # fmt: skip
    main = pd.DataFrame({"_id": [1, 2], "wave": ["w1", "w2"], "team_id": "10291-T01"})
    flags = contracts.validate(sort_flags(located(misfit_flags(misfits), main)), "problems")
    assert flags[["check", "wave", "row_id", "variable"]].to_numpy().tolist() == [
        ["question_unknown", "w1", 1, "x/secret"],
        ["answer_unreadable", "w2", 2, "m_age[2]"],
    ]
    assert not flags["message"].str.contains("bitcoin|0301|Hạnh").any()


def test_check_all_rows__a_row_in_neither_table_is_found():
    received, dropped = pd.Series([1, 2, 3]), pd.DataFrame({"_id": [2], "reason": ["no consent"]})
    check_all_rows(received, pd.Series([1, 3]), dropped)
    for kept, wrong in ([[1], dropped], [[1, 2, 3], dropped], [[1, 3, 4], dropped],
                        [[1, 3], dropped.assign(reason="")]):  # fmt: skip
        with pytest.raises(ContractError, match="do not add up"):
            check_all_rows(received, pd.Series(kept), wrong)
