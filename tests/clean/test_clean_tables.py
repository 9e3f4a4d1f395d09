import pandas as pd
from clean_frames import TEAMS

from survey_tools.clean import clean_site, clean_team_log, labels_table


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
