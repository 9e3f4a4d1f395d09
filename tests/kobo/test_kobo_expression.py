import math
from datetime import date, datetime

import pytest

from survey_tools.errors import KoboError
from survey_tools.kobo import Form
from survey_tools.kobo.form.expression import parse
from survey_tools.kobo.form.submission import Submission

FORM = Form.from_content(
    {
        "survey": [
            {"type": "text", "name": "a"},
            {"type": "text", "name": "b"},
            {"type": "text", "name": "words"},
            {"type": "date", "name": "day"},
            {"type": "integer", "name": "line"},
            {"type": "text", "name": "never", "relevant": "false()"},
            {"type": "begin_repeat", "name": "member"},
            {"type": "integer", "name": "age"},
            {"type": "text", "name": "sex"},
            {"type": "begin_repeat", "name": "phone"},
            {"type": "text", "name": "brand"},
            {"type": "end_repeat"},
            {"type": "end_repeat"},
        ]
    },
    "v1",
)
ROW = {
    "a": "7",
    "words": "qr bank none",
    "day": "2026-03-01",
    "line": "2",
    "never": "12",
    "member": [
        {"member/age": "40", "member/sex": "f", "member/phone": [{"member/phone/brand": "x"}]},
        {
            "member/age": "9",
            "member/phone": [{"member/phone/brand": "y"}, {"member/phone/brand": "z"}],
        },
    ],
}
NOW = datetime(2026, 3, 2, 12, 0)


def value(source, path="b", at=(), row=ROW):
    return parse(source).evaluate(
        Submission(FORM, row, now=NOW, rng=lambda: 0.25).context(path, at)
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("-2 + 5", 3),
        ("- ${a} * 2", -14),
        ("7 div 2", 3.5),
        ("12 mod 7", 5),
        ("-7 mod 3", -1),
        ("1 div 0", math.inf),
        ("2 - 1 - 1", 0),
        ("${a} + 1", 8),
        ("int(2.9)", 2),
        ("int(-2.9)", -2),
        ("round(2.5)", 3),
        ("round(2.345, 2)", 2.35),
        ("number('007')", 7),
        ("string-length('Đào')", 3),
        ("count-selected(${words})", 3),
        ("count(${age})", 2),
        ("count(${member})", 2),
        ("sum(${age})", 49),
        ("min(${age})", 9),
        ("max(${age}, 50)", 50),
        ("random()", 0.25),
        ("int(random() * 8) + 1", 3),
    ],
)
def test_evaluate__numbers(source, expected):
    assert value(source) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("concat(${a}, '_', 'x')", "7_x"),
        ("substr('10270-T01-H012-5', 11, 14)", "012"),
        ("substr('abc', 1)", "bc"),
        ("substr('abc', -2)", "bc"),
        ("coalesce(${b}, 'none')", "none"),
        ("coalesce(${a}, 'none')", "7"),
        ("selected-at(${words}, 1)", "bank"),
        ("selected-at(${words}, 9)", ""),
        ("if(${a} = 7, 'yes', 'no')", "yes"),
        ("indexed-repeat(${age}, ${member}, ${line})", "9"),
        ("indexed-repeat(${age}, ${member}, 3)", ""),
        ("indexed-repeat(${brand}, ${member}, 2, ${phone}, 2)", "z"),
    ],
)
def test_evaluate__text(source, expected):
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("${a} = 7 and ${a} = '7'", True),
        ("${a} = '07'", False),
        ("${a} > 6 and ${a} >= 7 and ${a} < 8 and ${a} <= 7", True),
        ("1 = 2 or 2 = 2", True),
        ("1 = 1 or 1 = 1 and 1 = 2", True),
        ("not(${a} = 7)", False),
        ("selected(${words}, 'qr')", True),
        ("selected(${words}, 'q')", False),
        ("selected(${b}, 'qr')", False),
        ("contains('abc', 'bc') and starts-with('abc', 'ab')", True),
        ("regex('E12', '^E[0-9]{2}$')", True),
        ("regex('xE12', 'E[0-9]{2}')", False),
        ("true() and not(false())", True),
        ("${day} <= today()", True),
        ("${day} > today()", False),
        ("${day} = date('2026-03-01')", True),
        ("today() - ${day} = 1", True),
        ("now() > today()", True),
        ("${age} = 40", True),
    ],
)
def test_evaluate__truth(source, expected):
    assert value(source) is expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("${b} = ''", True),
        ("${b} != 'none'", True),
        ("${b} = 'none'", False),
        ("${b} < 10", False),
        ("${b} > 10", False),
        ("${b} = 0", False),
        ("${b} != 0", True),
        ("not(${b})", True),
        ("not(selected(${b}, 'none'))", True),
        ("${never} = ''", True),
    ],
)
def test_evaluate__empty_and_irrelevant_answers(source, expected):
    assert value(source) is expected


def test_evaluate__repeat_without_instances_counts_as_empty():
    row = {"a": "7"}
    assert value("${age} != 1", row=row) is True
    assert value("${age} > 1", row=row) is False
    assert value("count(${member})", row=row) == 0
    assert value("sum(${age})", row=row) == 0


def test_evaluate__empty_number_is_nan():
    assert math.isnan(value("${b} + 1"))


def test_evaluate__inside_a_repeat_the_same_instance_is_meant():
    assert value("${age} >= 18", "member/sex", (1,)) is True
    assert value("${age} >= 18", "member/sex", (2,)) is False
    assert value("position(..)", "member/sex", (2,)) == 2
    assert value("../age", "member/sex", (2,))[0].text == "9"
    assert value("count(${member})", "member/sex", (2,)) == 2
    assert value("count(${brand})", "member/sex", (2,)) == 2
    assert value("${age}", "member/phone/brand", (1, 1))[0].text == "40"


def test_evaluate__dot_is_the_questions_own_answer():
    assert value(". >= 0 and . <= 50", "member/age", (1,)) is True
    assert value(". >= 0 and . <= 30", "member/age", (1,)) is False


def test_evaluate__once_keeps_what_is_there():
    assert value("once(random())", "a") == "7"
    assert value("once(random())", "b") == 0.25


def test_evaluate__today_and_now():
    assert value("today()") == date(2026, 3, 2)
    assert value("now()") == NOW


def test_evaluate__unknown_question_is_named():
    submission = Submission(FORM, ROW, now=NOW)
    with pytest.raises(KoboError, match="does not have") as caught:
        submission.expression("${nobody} = 1", "b")
    assert "nobody" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("pulldata('f', 'a')", r"pulldata\(\)"),
        ("selected(.)", "1 arguments"),
        ("1 +", "missing"),
        ("(1", "lacks"),
        ("1 2", "goes on"),
        ("${a} # 1", "no meaning"),
        ("${member}[1]", "goes on"),
    ],
)
def test_parse__errors_name_the_question(source, words):
    with pytest.raises(KoboError, match=words) as caught:
        parse(source, "hh/age")
    assert "hh/age" in str(caught.value)
    assert caught.value.found == source
