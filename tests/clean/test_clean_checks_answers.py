"""Checks of answers and texts: for each one interview that is flagged and one that is not."""

from __future__ import annotations

import pandas as pd
import pytest
from check_frames import TEAM, fieldwork, found, household, roster, rows_of

from survey_tools.errors import ParamsError

LABELS = pd.DataFrame(
    {"variable": "biz_type", "code": ["bakery", "stall", "other"], "lang": "vi",
     "label": ["Tiệm bánh, kẹo", "Sạp chợ", "Khác"]}
)  # fmt: skip


def many(number, **answers):
    """Interviews numbered from 1; an answer may be a list, one for each."""
    rows = [{"_id": i + 1} for i in range(number)]
    for name, values in answers.items():
        given = values if isinstance(values, list) else [values] * number
        rows = [row | {name: value} for row, value in zip(rows, given, strict=True)]
    return household(*rows)


def findings(kind, variable, _id=1):
    return pd.DataFrame({"_id": [_id], "kind": kind, "variable": variable})


def problems(check, variable="hh_size", _id=1, form="household"):
    return pd.DataFrame(
        {"check": check, "wave": None, "team_id": None, "enumerator_id": None, "row_id": [_id],
         "variable": variable, "message": "What stands there.", "form": form}
    ).astype({"row_id": "Int64"})  # fmt: skip


def texts(text, variable="enum_note", _id=1, form="household", **screened):
    return pd.DataFrame(
        {"_id": [_id], "variable": variable, "text": text, "form": form, **screened}
    )


def test_required__an_answer_that_is_not_there():
    frame = many(2, acct=[None, "yes"])
    rules = {"required": {"variables": ("acct",)}}
    assert rows_of(fieldwork(frame, rules=rules), "required") == [1]


def test_required__a_question_with_several_choices_counts_where_all_are_missing():
    frame = many(2, channels__tv=[None, True], channels__none=[None, None])
    rules = {"required": {"variables": ("channels",)}}
    assert rows_of(fieldwork(frame.astype({"channels__tv": "boolean"}), rules=rules),
                   "required") == [1]  # fmt: skip


def test_required__what_the_form_requires_too_and_each_once():
    frame = many(2, acct=[None, "yes"])
    rules = {"required": {"variables": ("acct",)}}
    both = pd.concat(
        [findings("missing_required", "acct"), findings("missing_required", "m_sex[2]", 2)]
    )
    flags = found(fieldwork(frame, rules=rules, findings=both), "required")
    assert flags[["row_id", "variable"]].to_numpy().tolist() == [[1, "acct"], [2, "m_sex[2]"]]


@pytest.mark.parametrize(("unknown", "flagged"), [(20, True), (7, False), (0, False)])
def test_missing__surely_more_than_the_share(unknown, flagged):
    frame = many(40, acct=["dk"] * unknown + ["yes"] * (40 - unknown))
    flags = found(fieldwork(frame), "missing")
    assert flags["variable"].tolist() == (["acct"] if flagged else [])


def test_missing__few_answers_are_left_alone():
    frame = many(29, acct="dk")
    assert found(fieldwork(frame), "missing").empty


def test_outlier__far_from_the_median():
    amounts = [100 + i for i in range(39)] + [90_000]
    frame = many(40, amount=amounts)
    rules = {"outlier": {"variables": ("amount",), "logs": ("amount",)}}
    flags = found(fieldwork(frame, rules=rules), "outlier")
    assert flags["row_id"].tolist() == [40]
    assert "90" not in flags["message"].iloc[0]
    near = frame.assign(amount=[100 + i for i in range(40)])
    assert found(fieldwork(near, rules=rules), "outlier").empty


def test_outlier__more_than_half_equal():
    rules = {"outlier": {"variables": ("visits",), "logs": ()}}
    frame = many(40, visits=[0] * 35 + [1, 1, 1, 2, 60])
    assert rows_of(fieldwork(frame, rules=rules), "outlier") == [40]


def test_constraint__what_the_form_does_not_allow_in_rows_that_stayed():
    frame = many(2)
    both = pd.concat([findings("constraint", "hh_size"), findings("constraint", "hh_size", 99)])
    flags = found(fieldwork(frame, findings=both), "constraint")
    assert flags[["row_id", "variable", "detail"]].to_numpy().tolist() == [
        [1, "hh_size", "constraint"]
    ]
    assert found(fieldwork(frame, findings=findings("unknown", "hh_size")), "constraint").empty


@pytest.mark.parametrize(("kind", "flagged"), [("constraint", 0), ("irrelevant_answered", 1)])
def test_constraint__what_cleaning_has_flagged_is_not_flagged_again(kind, flagged):
    work = fieldwork(many(1), findings=findings(kind, "hh_size"),
                     problems=problems("answer_outside_limits"))  # fmt: skip
    assert len(found(work, "constraint")) == flagged
    assert len(found(work, "answer_outside_limits")) == 1


@pytest.mark.parametrize(
    "check",
    [
        "answer_unreadable",
        "answer_outside_limits",
        "answer_malformed",
        "choice_unknown",
        "question_unknown",
    ],
)
def test_problems__come_with_team_and_enumerator_of_their_row(check):
    flags = found(fieldwork(many(1), problems=problems(check)), check)
    assert flags[["row_id", "team_id", "enumerator_id", "wave"]].to_numpy().tolist() == [
        [1, TEAM, "E01", "w1"]
    ]
    other = "choice_unknown" if check != "choice_unknown" else "answer_malformed"
    assert found(fieldwork(many(1), problems=problems(other)), check).empty


def test_problems__of_another_form_do_not_take_the_team_of_an_interview():
    flags = found(
        fieldwork(many(1), problems=problems("choice_unknown", form="site")), "choice_unknown"
    )
    assert flags["team_id"].isna().all()
    assert flags["form"].tolist() == ["site"]


RULE = {
    "name": "size",
    "when": "hh_size != n_members",
    "variable": "hh_size",
    "vi": "–",
    "en": "Differs",
}


def test_logic__answers_that_contradict_each_other():
    frame = many(3, hh_size=[1, 2, None]).astype({"hh_size": "Int64"})
    flags = found(fieldwork(frame, rules={"logic": {"rules": [RULE]}}), "logic")
    assert flags[["row_id", "item", "message"]].to_numpy().tolist() == [[2, "size", "Differs."]]


def test_logic__an_interview_without_roster_has_no_member():
    frame = many(2, hh_size=1).astype({"hh_size": "Int64"})
    work = fieldwork(frame, roster=roster(frame).iloc[:1], rules={"logic": {"rules": [RULE]}})
    assert rows_of(work, "logic") == [2]


def test_logic__a_rule_that_cannot_be_read_is_named():
    rule = RULE | {"when": "no_such_column > 1"}
    with pytest.raises(ParamsError, match="cannot be read") as caught:
        found(fieldwork(many(1), rules={"logic": {"rules": [rule]}}), "logic")
    assert "no_such_column" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("biz_type: tiem banh", ["bakery"]),
        ("biz_type: Tiệm bánh ở đầu ngõ\nkhách vui", ["bakery"]),
        ("biz_type: sửa xe", []),
        ("tiệm bánh", []),
        ("biz_type: khác", []),
    ],
)
def test_other_listed__a_note_that_names_a_choice_of_the_list(text, codes):
    work = fieldwork(many(1), labels=LABELS, free_text=texts(text),
                     rules={"other_listed": {"notes": ("enum_note",)}})  # fmt: skip
    flags = found(work, "other_listed")
    assert flags["detail"].tolist() == codes
    assert flags["variable"].tolist() == ["biz_type"] * len(codes)


def test_other_listed__a_text_question_of_its_own():
    work = fieldwork(many(1), labels=LABELS, free_text=texts("Sạp chợ Lịm", "biz_type_other"))
    flags = found(work, "other_listed")
    assert flags["detail"].tolist() == ["stall"]
    assert not flags.astype("str").apply(lambda c: c.str.contains("Lịm")).any(axis=None)


@pytest.mark.parametrize(("others", "flagged"), [(20, True), (6, False)])
def test_other_share__surely_more_than_the_share(others, flagged):
    frame = many(40, why=["other"] * others + ["cost"] * (40 - others))
    assert found(fieldwork(frame), "other_share")["variable"].tolist() == ["why"] * flagged
    ticks = many(40, why__other=[True] * others + [False] * (40 - others)).astype(
        {"why__other": "boolean"}
    )
    assert found(fieldwork(ticks), "other_share")["variable"].tolist() == ["why"] * flagged


def test_personal_text__row_question_and_kind_but_not_the_text():
    seen = texts("Gọi bà Hạnh 0301234567", kinds="phone, name", quarantined=True)
    flags = found(fieldwork(many(1), free_text=seen), "personal_text")
    assert flags[["row_id", "variable", "detail"]].to_numpy().tolist() == [
        [1, "enum_note", "phone, name"]
    ]
    assert not flags.astype("str").apply(lambda c: c.str.contains("Hạnh|0301")).any(axis=None)
    clean = texts("Khách vui", kinds="", quarantined=False)
    assert found(fieldwork(many(1), free_text=clean), "personal_text").empty


def test_personal_text__a_team_log_has_the_team_of_the_log():
    log = pd.DataFrame({"_id": [1], "team_id": ["10291-T02"], "month": pd.Timestamp("2026-01-01")})
    seen = texts("0301234567", "problem", form="team_log", kinds="phone", quarantined=True)
    flags = found(fieldwork(many(1), team_log=log, free_text=seen), "personal_text")
    assert flags[["form", "team_id"]].to_numpy().tolist() == [["team_log", "10291-T02"]]
    assert flags["enumerator_id"].isna().all()
