"""The ledger of consents: all who were met, what for, by which text, when."""

from __future__ import annotations

import pandas as pd
import pytest
from check_frames import fieldwork, found
from clean_frames import TEAMS, code, main_frame, roster_frame, submission

from survey_tools import contracts
from survey_tools.clean import clean_household
from survey_tools.clean.answers.columns import typed
from survey_tools.clean.personal_data.consents import consent_ledger
from survey_tools.errors import ContractError

PURPOSES = ["gps", "interview", "recontact", "sensitive"]
START = pd.Timestamp("2026-01-15T08:01:00Z")


def ledger(register, *rows):
    main = main_frame(*({"consent_sensitive": None, **row} for row in rows))
    return consent_ledger(typed(main, register).frame, register)


def said(table, _id=1):
    return table.loc[table["_id"] == _id].set_index("purpose")["given"].to_dict()


def test_consent_ledger__one_row_a_submission_and_purpose(register):
    row = submission(1, consent_sensitive="yes", consent_gps="no", consent_recontact="yes",
                     consent_at="2026-01-15T15:02:03.000+07:00", consent_version="CONSENT-2026-01",
                     __version__="v7")  # fmt: skip
    table = ledger(register, row)
    assert table["purpose"].tolist() == PURPOSES
    assert said(table) == {"interview": "yes", "sensitive": "yes", "gps": "no", "recontact": "yes"}
    assert table["hhid"].unique().tolist() == [code(1)]
    assert table["at"].unique().tolist() == [pd.Timestamp("2026-01-15T08:02:03Z")]
    assert table["at_from"].unique().tolist() == ["consent_at"]
    assert table["version"].unique().tolist() == ["CONSENT-2026-01"]
    assert table["form_version"].unique().tolist() == ["v7"]
    assert table.set_index("purpose")["how"].to_dict() == {
        "interview": "consent",
        "sensitive": "consent_sensitive",
        "gps": "consent_gps",
        "recontact": "consent_recontact",
    }


def test_consent_ledger__a_refusal_is_proof_too(register):
    gone = dict.fromkeys(("consent_sensitive", "consent_gps", "consent_recontact"))
    table = ledger(register, submission(1, consent="no", refuse_reason="busy", **gone))
    others = dict.fromkeys(("sensitive", "gps", "recontact"), "missing")
    assert said(table) == {"interview": "no", **others}


def test_consent_ledger__met_but_nothing_recorded(register):
    gone = dict.fromkeys(("consent_sensitive", "consent_gps", "consent_recontact"))
    assert set(said(ledger(register, submission(1, consent=None, **gone))).values()) == {"missing"}


def test_consent_ledger__who_was_not_met_and_training_are_left_out(register):
    gone = dict.fromkeys(("consent", "consent_sensitive", "consent_gps", "consent_recontact"))
    rows = [
        submission(1, visit_result="absent", **gone),
        submission(2, visit_type="training"),
        submission(3, visit_type="backcheck"),
        submission(4, hhid="no code"),
        submission(5, wave=None),
    ]
    assert ledger(register, *rows)["_id"].unique().tolist() == [3, 4, 5]


def test_consent_ledger__without_its_own_time_the_end_counts(register):
    rows = [submission(1), submission(2, end=pd.NaT)]
    table = ledger(register, *rows).drop_duplicates("_id")
    assert table["at_from"].tolist() == ["end", "start"]
    assert table["at"].tolist() == [
        START + pd.Timedelta(minutes=40),
        START + pd.Timedelta(minutes=1),
    ]


def test_consent_ledger__an_answer_that_is_none_of_the_choices_is_no_consent(register):
    assert said(ledger(register, submission(1, consent="perhaps")))["interview"] == "missing"


def test_consent_ledger__two_rows_of_a_purpose_break_the_contract(register):
    table = ledger(register, submission(1))
    with pytest.raises(ContractError, match="consents"):
        contracts.validate(pd.concat([table, table]), "consents")


def test_consent_ledger__nobody_met(register):
    gone = dict.fromkeys(("consent", "consent_sensitive", "consent_gps", "consent_recontact"))
    assert ledger(register, submission(1, visit_result="absent", **gone)).empty


def test_consent_ledger__answers_without_the_consent_of_their_purpose_are_found(register):
    rows = [
        submission(1, 1, consent_sensitive="yes", income_band="i1"),
        submission(2, 2, consent_sensitive="no", income_band="i1"),
        submission(3, 3, consent_sensitive=None, income_band="i2"),
        submission(4, 4, consent_sensitive="no", income_band=None),
        submission(5, 5, consent="no", refuse_reason="busy", consent_sensitive=None),
    ]
    roster = roster_frame({row["_id"]: ("male", 50) for row in rows})
    result = clean_household(main_frame(*rows), roster, register=register, teams=TEAMS)
    rules = {"consent": {"gated": {"consent_sensitive": ("income_band",)}}}
    flags = found(fieldwork(result.household, visits=result.visits, rules=rules), "consent")
    assert sorted(flags["row_id"]) == [2, 3]
    given = result.consents.query("purpose == 'sensitive'").set_index("_id")["given"]
    assert given.to_dict() == {1: "yes", 2: "no", 3: "missing", 4: "no", 5: "missing"}
