"""What the statements need beyond the outcomes: each code by hand, and rows as the panel has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey_tools.construct.claim_answers import (
    VARIABLES,
    build_claim_answers,
    build_team_months,
)
from survey_tools.construct.sites import build_sites
from survey_tools.params import read_claims
from survey_tools.register import read_derived

PARAMS = Path(__file__).resolve().parents[2] / "params"


def made(name, **answers):
    return VARIABLES[name](pd.DataFrame(answers)).tolist()


def same(found, wanted):
    np.testing.assert_array_equal(np.array(found, float), np.array(wanted, float))


NO = np.nan


@pytest.mark.parametrize(
    ("name", "answers", "wanted"),
    [
        ("otp_kept", {"kn_otp": ["no", "yes", None]}, [1, 0, NO]),
        ("trust_points", {"trust_pay": ["1", "5", "dk", None]}, [1, 5, NO, NO]),
        ("gap_narrowed", {"gap_view": ["3", "4", "5", "dk"]}, [0, 1, 1, NO]),
        ("zalo_weekly", {"zalo_group": ["no", "rare", "week", "day"]}, [0, 0, 1, 1]),
        ("zalo_member", {"zalo_group": ["no", "rare", "week", "day"]}, [0, 1, 1, 1]),
        ("hands_on", {"team_how": ["told", "showed", "did", "practice", None]}, [0, 1, 0, 1, NO]),
        ("home_fibre", {"net_fibre": ["yes", "no", "dk"]}, [1, 0, NO]),
        ("home_signal", {"mobile_signal": ["g45", "g3", "none"]}, [1, 1, 0]),
        ("cashed_out", {"transfer_cashout": ["all", "part", "use", "save", "dk"]}, [1, 0, 0, 0, NO]),
        ("older_cashless", {"eld_how": ["alone", "helped", "team", "cash", None]}, [1, 1, 1, 0, NO]),
        ("qr_times_week", {"qr30": ["yes", "no", "yes"], "qr7_n": [4, NO, NO]}, [4, 0, NO]),
        ("biz_qr_bakery", {"biz_type": ["bakery", "bakery", "house", None],
                           "biz_qr": ["yes", "no", "yes", None]}, [1, 0, NO, NO]),
        ("account_june_2024", {"acct": ["yes", "yes", "no", "yes"],
                               "acct_when": ["jun2024", "y2023", None, "dk"]}, [1, 0, 0, NO]),
        ("farms", {"sells__rice": [1, 0, 0], "sells__livestock": [0, 1, 0]}, [1, 1, 0]),
        ("campaign_part", {"campaign__open": [0, 0], "campaign__elec": [0, 0],
                           "campaign__other": [1, 0]}, [1, 0]),
        ("any_channel", {"loudspeaker": ["never", "never", "week"], "zalo_group": ["no", "no", "no"],
                         "channels__none": [1, 0, 1]}, [0, 1, 1]),
        ("school_fee_58", {"tuition_method": ["bankapp", "bankapp", "cash_point"],
                           "school_level__none": [0, 0, 0], "school_level__preschool": [0, 1, 0],
                           "school_level__lowsec": [0, 0, 1]}, [NO, 1, 0]),
    ],
)  # fmt: skip
def test_variables__each_code_by_hand(name, answers, wanted):
    same(made(name, **answers), wanted)


def test_skill_points__two_for_alone_one_with_help_and_missing_where_one_is():
    answers = {
        name: ["alone", "help", "no", "alone"] for name in ("sk_app", "sk_pay", "sk_qr", "sk_order")
    }
    same(made("skill_points", **answers, sk_safe=["alone", "help", "no", None]), [10, 5, 0, NO])


def test_variables__a_question_that_nobody_was_asked_is_missing():
    same(made("home_fibre", _id=[1, 2]), [NO, NO])
    same(made("heard_portal", _id=[1, 2]), [NO, NO])


def frames():
    household = pd.DataFrame(
        {
            "_id": [12, 11],
            "hhid": ["10291-T01-H002-2", "10291-T01-H001-1"],
            "wave": ["w1", "w1"],
            "kn_otp": ["no", "yes"],
        }
    )
    roster = pd.DataFrame(
        {
            "_id": [11, 11, 11, 12, 12],
            "m_age": [40, 9, 12, 70, 68],
            "m_phone": ["smart", "smart", "none", "basic", None],
        }
    )
    panel = pd.DataFrame(
        {
            "hhid": ["10291-T01-H001-1", "10291-T01-H002-2"],
            "wave": ["w1", "w1"],
            "commune_code": "10291",
            "team_id": "10291-T01",
            "resp_edu": ["upsec", "primary"],
        }
    )
    return household, roster, panel


def test_build_claim_answers__one_row_an_interview_of_the_panel_in_its_order():
    household, roster, panel = frames()
    before = household.copy()
    found = build_claim_answers(household, roster, panel)
    pd.testing.assert_frame_equal(household, before)
    assert found["hhid"].tolist() == panel["hhid"].tolist()
    same(found["otp_kept"], [0, 1])
    same(found["upper_secondary"], [1, 0])
    same(
        found["persons_10"], [2, 1]
    )  # a child of nine, and a member without an answer, do not count
    same(found["smartphones_10"], [1, 0])


def test_build_team_months__june_stands_beside_and_remarks_are_gone():
    log = pd.DataFrame(
        {
            "team_id": "10291-T01",
            "commune_code": "10291",
            "month": pd.to_datetime(["2026-06-01", "2026-05-01"]),
            "acct_opened": [3, 2],
            "problem": ["x", "y"],
        }
    )
    found = build_team_months(log)
    assert "problem" not in found
    same(found["acct_opened"], [2, 3])
    same(found["acct_opened_june"], [NO, 3])


def test_build_sites__flags_say_yes_and_no_where_the_form_asks():
    site = pd.DataFrame(
        {
            "site_type": ["commune", "commune", "school", "school"],
            "fibre_centre": ["yes", "no", None, None],
            "welfare_acct": [5, 0, None, None],
            "welfare_all": [9, 4, None, None],
            "school_cashless": [None, None, "yes", "no"],
            "smart_school__none": [None, None, True, False],
        }
    )
    found = build_sites(site)
    same(found["centre_fibre"], [1, 0, NO, NO])
    same(found["pays_accounts"], [1, 0, NO, NO])
    same(found["collects_cashless"], [NO, NO, 1, 0])
    same(found["smart_school_any"], [NO, NO, 0, 1])


def test_readings__every_variable_is_made_and_described():
    """A reading names columns of the outcomes, the panel, or what is described as derived."""
    readings = read_claims(PARAMS / "claims.csv", PARAMS / "claim_readings.csv").readings
    derived = {name for _, name in read_derived(PARAMS / "register" / "derived.csv")}
    lists = [pd.read_csv(PARAMS / f"{name}.csv") for name in ("outcomes", "outcomes_alternative")]
    outcomes = {name for table in lists for name in table["outcome"]}
    forms = [pd.read_csv(PARAMS / "register" / f"{form}.csv") for form in ("site", "team_log")]
    asked = {name for table in forms for name in table["name"]}
    named = {name for one in readings for name in one.variable.split("/")} | {
        one.group for one in readings if one.group
    }
    assert named - derived - outcomes - asked == set()
    assert set(VARIABLES) <= derived
    assert set(VARIABLES) - named == set(), "made for no statement"
