"""The registers against the forms, and a register started from any form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from survey_tools.errors import ParamsError
from survey_tools.kobo import Form
from survey_tools.kobo.form.xlsform import read_xlsform, rename_question
from survey_tools.params import Workspace, open_workspace
from survey_tools.register import PERSONAL_DATA, Question, read_lines, read_register
from survey_tools.run.registers.check import (
    NEXT_STEPS,
    check_register,
    compare,
    findings_text,
    has_errors,
)
from survey_tools.run.registers.draft import draft_questions, draft_register

ROOT = Path(__file__).parents[2]
FORMS = ROOT / "params" / "forms"
RECORDED = ROOT / "tests" / "fixtures" / "kobo"
CONTENTS = {
    "special": RECORDED / "forms" / "special_questions.json",
    "pilot": RECORDED / "recorded" / "pilot" / "14_asset_v2.json",
    "instrument": RECORDED / "recorded" / "instrument" / "household" / "version.json",
}


def _content(name: str) -> dict:
    said = json.loads(CONTENTS[name].read_text(encoding="utf-8"))
    return said.get("content", said)


def _change(ws: Workspace, old: str, new: str, form: str = "household") -> None:
    path = ws.root / "params" / "register" / f"{form}.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _without(ws: Workspace, name: str) -> None:
    path = ws.root / "params" / "register" / "household.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(f"{name},")]
    assert len(kept) == len(lines) - 1
    path.write_text("".join(kept), encoding="utf-8")


def test_check_register__ours_fit_our_forms(ws):
    findings = check_register(ws)
    assert findings.empty
    assert not has_errors(findings)
    assert "fit" in findings_text(findings)


@pytest.mark.parametrize(
    ("old", "new", "kind", "question"),
    [
        ("main/f_person/qr30,", "main/g_buy/qr30,", "path_differs", "qr30"),
        ("main,select_one yesno,Ông", "roster,select_one yesno,Ông", "table_differs", "consent"),
        ("main,integer,7 ngày", "main,decimal,7 ngày", "type_differs", "qr7_n"),
        ("alone|help|no", "alone|no", "choice_unknown", "sk_app"),
        ("alone|help|no", "alone|help|no|never", "choice_gone", "sk_app"),
        (",0..100,", ",0..50,", "limits_differ", "qr7_n"),
        ("Do you use an e-wallet?", "Do you use a wallet?", "label_differs", "wallet"),
        (",none,outcome,f_person", ",,outcome,f_person", "unclassed", "acct_when"),
        (",none,outcome,f_person", ",none,finding,f_person", "fault", "acct_when"),
        ("${qr30} = 'yes',none", "${qr30} = 'no',none", "asked_if_differs", "qr7_n"),
    ],
)
def test_check_register__finds(ws, old, new, kind, question):
    _change(ws, old, new)
    findings = check_register(ws, "household")
    assert kind in set(findings["kind"])
    mine = findings.loc[findings["kind"] == kind].iloc[0]
    assert mine["question"] == question
    assert mine["version"] == ("" if kind in ("unclassed", "fault") else "xlsform")
    assert mine["next_step"] == NEXT_STEPS[kind]
    assert has_errors(findings)
    assert mine["next_step"] in findings_text(findings)


def test_check_register__finds_a_row_less(ws):
    _without(ws, "qr30")
    findings = check_register(ws)
    assert findings[["kind", "form", "question"]].values.tolist() == [
        ["not_in_register", "household", "qr30"]
    ]


def test_check_register__finds_a_question_that_is_gone(ws):
    row = "gone,main/z/gone,main,integer,,,,,,,,,none,outcome,z,,,\n"
    path = ws.root / "params" / "register" / "household.csv"
    path.write_text(path.read_text(encoding="utf-8") + row, encoding="utf-8")
    findings = check_register(ws)
    assert findings[["kind", "question", "severity"]].values.tolist() == [
        ["not_in_form", "gone", "error"]
    ]


def test_check_register__a_row_to_look_at_is_a_hint(ws):
    _change(ws, "primary outcome 5", "check: the label")
    findings = check_register(ws)
    assert findings[["kind", "question"]].values.tolist() == [["to_check", "qr30"]]
    assert not has_errors(findings)


def test_check_register__refuses_a_form_that_the_study_has_not(ws):
    with pytest.raises(ParamsError, match="no such form"):
        check_register(ws, "village")


@pytest.mark.slow
def test_check_register__fits_the_versions_deployed(workspace):
    findings = check_register(open_workspace(workspace / "params" / "study.yml"))
    assert not has_errors(findings), findings_text(findings)


def _versions() -> tuple[dict[int, Question], dict, dict]:
    newest = read_xlsform(FORMS / "household.xlsx")
    rows = read_lines(ROOT / "params" / "register" / "household.csv")
    return rows, newest, rename_question(newest, "qr30", "pay_qr")


def test_compare__a_renaming_of_the_study_is_no_finding():
    rows, newest, older = _versions()
    forms = {"v1": Form.from_content(older, "v1"), "v2": Form.from_content(newest, "v2")}
    renames = {"main/f_person/pay_qr": "main/f_person/qr30"}
    assert list(compare(rows, forms, renames)) == []
    found = list(compare(rows, forms, {}))
    assert ("v1", "not_in_register", "pay_qr") in {(v, f[0], f[1]) for v, f in found}
    assert ("v2", "not_in_older", "qr30") in {(v, f[0], f[1]) for v, f in found}


def test_compare__a_question_that_only_an_older_version_has_keeps_its_row():
    rows, newest, _ = _versions()
    fewer = {**newest, "survey": [r for r in newest["survey"] if r.get("name") != "comment"]}
    forms = {"v1": Form.from_content(newest, "v1"), "v2": Form.from_content(fewer, "v2")}
    assert [f[:2] for _, f in compare(rows, forms, {})] == [("not_in_newest", "comment")]


def test_compare__a_code_that_one_version_has_is_not_gone():
    rows, newest, _ = _versions()
    kept = [r for r in newest["choices"] if (r["list_name"], r["name"]) != ("can", "help")]
    older = Form.from_content({**newest, "choices": kept}, "v1")
    forms = {"v1": older, "v2": Form.from_content(newest, "v2")}
    assert list(compare(rows, forms, {})) == []
    assert "choice_gone" in {f[0] for _, f in compare(rows, {"v1": older}, {})}


@pytest.mark.parametrize("name", ["household", "team_log", "site", *CONTENTS])
def test_draft_register__only_asks_to_be_checked(tmp_path, name):
    given = FORMS / f"{name}.xlsx" if name not in CONTENTS else _content(name)
    path = tmp_path / f"{name}.csv"
    path.write_text(draft_register(given), encoding="utf-8")
    assert read_register(path).questions
    content = read_xlsform(given) if isinstance(given, Path) else given
    form = Form.from_content(content, "v")
    found = [finding for _, finding in compare(read_lines(path), {"v": form}, {})]
    assert {kind for kind, *_ in found} <= {"to_check"}


@pytest.mark.parametrize("form", ["household", "team_log", "site"])
def test_draft_questions__never_guesses_less_personal_than_a_person_did(form):
    register = read_register(ROOT / "params" / "register" / f"{form}.csv")
    guessed = draft_questions(FORMS / f"{form}.xlsx")
    weaker = [
        (q.name, q.personal_data)
        for q in guessed
        if PERSONAL_DATA.index(q.personal_data)
        < PERSONAL_DATA.index(register[q.name].personal_data)
    ]
    assert weaker == []


def _form(survey: list[dict], choices: list[dict] | None = None) -> dict:
    return {"survey": survey, "choices": choices or [], "translations": [None]}


@pytest.mark.parametrize(
    ("type_", "name", "label", "wanted", "sure"),
    [
        ("text", "q1", "Số điện thoại của ông/bà", "direct_identifier", False),
        ("text", "phone_2", None, "direct_identifier", True),
        ("integer", "sdt", None, "direct_identifier", True),
        ("text", "ho_ten", "Họ và tên chủ hộ", "direct_identifier", True),
        ("text", "respName", None, "direct_identifier", True),
        ("text", "x7", "Full name", "direct_identifier", False),
        ("text", "cccd", None, "direct_identifier", True),
        ("text", "q9", "Địa chỉ nhà", "direct_identifier", False),
        ("text", "remarks", "Other remarks", "free_text", False),
        ("text", "q3", None, "free_text", False),
        ("geopoint", "house", None, "location", True),
        ("geotrace", "walk", None, "location", True),
        ("start-geopoint", "g", None, "location", True),
        ("decimal", "lat", None, "location", False),
        ("image", "front", None, "direct_identifier", True),
        ("audio", "talk", None, "direct_identifier", True),
        ("barcode", "card", None, "direct_identifier", False),
        ("deviceid", "deviceid", None, "direct_identifier", True),
        ("text", "enumerator_code", None, "staff_code", False),
        ("integer", "income", "Monthly income", "sensitive", False),
        ("integer", "age", "Tuổi", "quasi_identifier", False),
        ("integer", "q4", None, "direct_identifier", False),
        ("integer", "q6", "Number", "direct_identifier", False),
        ("integer", "so_dt", "Số ĐT", "direct_identifier", False),
        ("text", "so_dt", "Số ĐT", "direct_identifier", False),
        ("integer", "lh", "ĐT liên hệ của trưởng thôn", "direct_identifier", False),
        ("integer", "q1", "Số di động của ông/bà trong xã", "direct_identifier", False),
        ("integer", "q2", "Contact number of the village head", "direct_identifier", False),
        ("integer", "q3", "Mobile, at work", "direct_identifier", False),
        ("integer", "q5", "Work number", "direct_identifier", False),
        ("integer", "q7", "Cell no. of the school", "direct_identifier", False),
        ("integer", "sdt1", "Tuổi và SĐT1", "direct_identifier", False),
        ("integer", "stk", "STK nhận lương", "direct_identifier", False),
        ("integer", "acc", "Account no.", "direct_identifier", False),
        ("integer", "q8", "Số CMT do tỉnh cấp", "direct_identifier", False),
        ("integer", "momo", "Momo, for the transfer", "direct_identifier", False),
        ("integer", "dt", "Diện tích (m2)", "quasi_identifier", False),
        ("text", "dt", None, "direct_identifier", False),
        ("date", "born", "Ngày sinh", "quasi_identifier", False),
        ("today", "today", None, "none", True),
        ("a_type_of_next_year", "q5", None, "free_text", False),
    ],
)
def test_draft_questions__guesses_the_class(type_, name, label, wanted, sure):
    row = {"type": type_, "name": name, **({"label": [label]} if label else {})}
    (question,) = draft_questions(_form([row]))
    assert question.personal_data == wanted
    assert ("class" not in question.note) is sure


@pytest.mark.parametrize(
    ("constraint", "wanted"),
    [
        (". >= 0 and . <= 99999", "quasi_identifier"),
        (". >= 0 and . <= 100000", "direct_identifier"),
        (". >= 0", "direct_identifier"),
    ],
)
def test_draft_questions__a_number_that_may_be_long_may_be_a_phone(constraint, wanted):
    row = {"type": "integer", "name": "q4", "label": ["Cows"], "constraint": constraint}
    (question,) = draft_questions(_form([row]))
    assert question.personal_data == wanted
    assert question.note == "check: class of personal data, role"


def test_draft_questions__a_form_without_groups_is_not_paradata():
    survey = [
        {"type": "start", "name": "begun"},
        {"type": "text", "name": "end", "label": ["When it ended"]},
        {"type": "integer", "name": "age", "label": ["Age"]},
        {"type": "text", "name": "remarks", "label": ["Remarks"]},
        {"type": "text", "name": "phone"},
        {"type": "begin_group", "name": "meta"},
        {"type": "calculate", "name": "version", "calculation": "'v1'"},
        {"type": "end_group"},
    ]
    rows = {q.name: q for q in draft_questions(_form(survey))}
    assert {name: q.role for name, q in rows.items()} == {
        "begun": "paradata", "end": "paradata", "age": "descriptive", "remarks": "descriptive",
        "phone": "contact", "version": "paradata",
    }  # fmt: skip
    assert [name for name, q in rows.items() if "role" in q.note] == ["age", "remarks"]


def test_draft_questions__a_calculation_is_as_personal_as_what_it_reads():
    survey = [
        {"type": "text", "name": "first_name"},
        {"type": "integer", "name": "age"},
        {"type": "calculate", "name": "card", "calculation": "concat(${first_name}, '-', ${age})"},
        {"type": "calculate", "name": "old", "calculation": "if(${age} > 60, 1, 0)"},
        {"type": "calculate", "name": "again", "calculation": "concat(${card}, 'x')"},
        {"type": "calculate", "name": "outside", "calculation": "pulldata('list', 'name', 'k', 1)"},
    ]
    found = {q.name: q.personal_data for q in draft_questions(_form(survey))}
    assert found["card"] == found["again"] == found["outside"] == "direct_identifier"
    assert found["old"] == "quasi_identifier"


def test_draft_questions__one_name_in_two_groups_and_a_repeat():
    survey = [
        {"type": "begin_group", "name": "a"},
        {"type": "integer", "name": "n", "constraint": ". > 0 and . < 9"},
        {"type": "end_group"},
        {"type": "begin_repeat", "name": "members", "relevant": "${x} = 1"},
        {"type": "integer", "name": "n", "constraint": ". >= 1 or . = -9"},
        {"type": "select_one", "name": "s", "select_from_list_name": "yn", "required": True},
        {"type": "end_repeat"},
    ]
    choices = [{"list_name": "yn", "name": code} for code in ("y", "n", "dk")]
    first, second, third = draft_questions(_form(survey, choices))
    assert (first.name, first.path, first.values) == ("a/n", "a/n", "1..8")
    assert (second.name, second.table, second.values) == ("members/n", "members", "")
    assert (third.values, third.missing, third.required) == ("y|n|dk", "dk", "yes")
    assert third.asked_if == "${x} = 1"


def test_draft_register__leaves_very_long_lists_out_and_says_so():
    survey = [{"type": "select_one", "name": "village", "select_from_list_name": "v"}]
    choices = [{"list_name": "v", "name": str(n)} for n in range(2000)]
    (question,) = draft_questions(_form(survey, choices))
    assert question.values == ""
    assert "not held" in question.note
