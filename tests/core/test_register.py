"""Registers of the three forms."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

import openpyxl
import pytest

from survey_tools.errors import ParamsError
from survey_tools.register import (
    COLUMNS,
    SPLIT_OFF,
    Question,
    read_derived,
    read_lines,
    read_register,
)

PARAMS = Path(__file__).parents[2] / "params"
FORMS = ("household", "team_log", "site")
PLAIN = Question(*[""] * 11)


@pytest.mark.parametrize("form", ["household", "team_log", "site"])
def test_read_register__has_exactly_the_questions_of_the_form(form):
    register = read_register(PARAMS / "register" / f"{form}.csv")
    sheet = openpyxl.load_workbook(PARAMS / "forms" / f"{form}.xlsx", read_only=True)["survey"]
    rows = list(sheet.iter_rows(values_only=True))
    head = {name: place for place, name in enumerate(rows[0])}
    skipped = {"begin_group", "end_group", "begin_repeat", "end_repeat", "note", None}
    asked = {row[head["name"]] for row in rows[1:] if row[head["type"]] not in skipped}
    assert set(register.questions) == asked


@pytest.mark.parametrize("form", ["household", "team_log", "site"])
def test_read_register__has_exactly_the_choices_of_the_form(form):
    register = read_register(PARAMS / "register" / f"{form}.csv")
    sheet = openpyxl.load_workbook(PARAMS / "forms" / f"{form}.xlsx", read_only=True)["choices"]
    head, *rows = sheet.iter_rows(values_only=True)
    lists: dict[str, list[str]] = {}
    for row in rows:
        if row[head.index("list_name")]:
            code = str(row[head.index("name")])
            lists.setdefault(str(row[head.index("list_name")]), []).append(code)
    coded = [q for q in register.questions.values() if q.base_type.startswith("select_")]
    assert coded
    for question in coded:
        assert list(question.codes) == lists[question.type.split(" ")[1]], question.name


def test_read_register__phone_position_and_free_text_are_split_off():
    register = read_register(PARAMS / "register" / "household.csv")
    assert set(register.of_class(*SPLIT_OFF)) == {"phone_recontact", "gps", "comment", "enum_note"}


def test_read_register__knows_the_place_of_a_question():
    register = read_register(PARAMS / "register" / "household.csv")
    assert register["qr30"].path == "main/f_person/qr30"
    assert register["m_age"].path == "main/c_roster/roster/m_age"
    assert register["m_age"].table == "roster"
    assert register["qr7_n"].conditions == ("${consent} = 'yes'", "${qr30} = 'yes'")
    assert register["qr7_n"].limits == (0, 100)
    assert register["m_edu"].missing_codes == ("dk",)
    assert "qr30" in register.of_role("outcome")


def _register_with(tmp_path: Path, old: str, new: str) -> Path:
    text = (PARAMS / "register" / "household.csv").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "household.csv"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",none,outcome", ",nothing,outcome", "no known class of personal data"),
        (",none,outcome", ",none,result", "no known role"),
        ("\nqr30,", "\nqr7_n,", "stands twice"),
        ("\nqr30,main/f_person/qr30", "\nqr31,main/f_person/qr7_n", "stands twice"),
        ("personal_data", "personal", "lacks columns"),
        ("yes|no|dk,dk,", "yes|no,dk,", "no code of the question"),
        (",0..100,", ",0-100,", "no limits"),
        (",^E[0-9]{2}$,", ",^E[0-9{2}$,", "no regular expression"),
    ],
)
def test_read_register__refuses(tmp_path, old, new, message):
    with pytest.raises(ParamsError, match=message):
        read_register(_register_with(tmp_path, old, new))


def test_read_lines__says_where_the_register_should_be(tmp_path):
    with pytest.raises(ParamsError, match="no such register"):
        read_lines(tmp_path / "register" / "visits.csv")


def test_read_lines__reads_what_read_register_refuses(tmp_path):
    path = _register_with(tmp_path, ",none,outcome", ",nothing,outcome")
    assert "nothing" in {question.personal_data for question in read_lines(path).values()}


def test_columns__are_the_fields_of_a_question():
    assert set(COLUMNS) == set(Question.__dataclass_fields__)


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("qr30", "qr30"),
        ("why_cash__trust", "why_cash"),
        ("why_cash__a_code_never_seen", "why_cash"),
        ("gps_lat", "gps"),
        ("__version__", None),
        ("qr30__x", None),
        ("interviewed__w1", None),
    ],
)
def test_of_column__finds_the_question(column, name):
    register = read_register(PARAMS / "register" / "household.csv")
    found = register.of_column(column)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("type_", "values", "limits", "codes", "pattern"),
    [
        ("integer", "0..", (0, None), (), ""),
        ("decimal", "..1.5", (None, 1.5), (), ""),
        ("integer", "-5..5", (-5, 5), (), ""),
        ("calculate", "0..1", (0, 1), (), ""),
        ("calculate", "0.0..1.0", (0, 1), (), ""),
        ("calculate", "male|female", None, ("male", "female"), ""),
        ("select_one scale", "1|2|dk", None, ("1", "2", "dk"), ""),
        ("text", "^0[0-9]{9}$", None, (), "^0[0-9]{9}$"),
        ("text", "", None, (), ""),
    ],
)
def test_question__values_mean_what_the_type_says(type_, values, limits, codes, pattern):
    question = replace(PLAIN, name="q", type=type_, values=values)
    assert (question.limits, question.codes, question.pattern) == (limits, codes, pattern)


def test_read_derived__refuses_an_unknown_class(tmp_path):
    text = (PARAMS / "register" / "derived.csv").read_text(encoding="utf-8")
    path = tmp_path / "derived.csv"
    path.write_text(text.replace(",pseudonym,id", ",code,id", 1), encoding="utf-8")
    with pytest.raises(ParamsError, match="no known class"):
        read_derived(path)


def test_read_derived__names_questions_that_exist():
    register = read_register(PARAMS / "register" / "household.csv")
    derived = read_derived(PARAMS / "register" / "derived.csv")
    assert all(d.label_vi and d.label_en and d.formula for d in derived.values())
    borrowed = [d.type[3:] for d in derived.values() if d.type.startswith("as ")]
    assert borrowed
    assert all(name in register for name in borrowed)


def test_import__register_loads_no_pandas():
    code = "import sys, survey_tools.register; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_read_register__the_label_of_a_question_stands_nowhere_else():
    """Pages and codebook take it from the register; what is written twice comes apart."""
    root = PARAMS.parent
    stages = ("clean", "construct", "estimate", "report", "run")
    files = [path for room in stages for path in (root / "src" / "survey_tools" / room).rglob("*")]
    files += list((root / "notebooks").glob("*.ipynb"))
    texts = [
        p.read_text(encoding="utf-8") for p in files if p.suffix in (".py", ".yml", ".j2", ".ipynb")
    ]
    registers = [read_register(PARAMS / "register" / f"{form}.csv") for form in FORMS]
    labels = {
        label
        for register in registers
        for question in register.questions.values()
        for label in (question.label_vi, question.label_en)
        if len(label) > 20
    }
    assert len(labels) > 100
    assert [label for label in labels for text in texts if label in text] == []


def test_read_register__codes_in_another_unicode_form_are_the_same(tmp_path):
    path = _register_with(tmp_path, ",alone|help|no,", f",{normalize('NFD', 'được|không')},")
    assert read_register(path)["sk_app"].codes == ("được", "không")


@pytest.mark.parametrize(
    ("type_", "values", "whole"),
    [("integer", "", True), ("decimal", "0..1", False), ("calculate", "0..1", True),
     ("calculate", "0.0..1", False), ("calculate", "", False), ("calculate", "a|b", False)],
)  # fmt: skip
def test_question__whole_says_whether_a_number_has_decimals(type_, values, whole):
    assert replace(PLAIN, name="q", type=type_, values=values).whole is whole
