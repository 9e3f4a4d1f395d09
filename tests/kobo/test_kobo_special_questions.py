"""Ranks, scores, matrices and or_other: the server names their answers unlike the form."""

import json

import pandas as pd
import pytest
from kobo_fakes import RECORDED

from survey_tools.kobo import Form, flatten, validate_submission
from survey_tools.kobo.tables.asked import missing_reasons

FIXTURE = RECORDED.parent / "forms" / "special_questions.json"


@pytest.fixture(scope="module")
def special():
    return json.loads(FIXTURE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def form(special):
    return Form.from_content(special["content"], "vSpecial")


@pytest.fixture
def tables(special, form):
    return flatten(special["rows"], {"vSpecial": form})


def column(frame, name):
    return frame[name].astype(object).where(frame[name].notna(), None).tolist()


def test_flatten__every_answer_of_special_questions_has_its_column(tables):
    main = tables.frames["main"]
    expected = {
        "rk_1": ["qr", "cash"],
        "rk_2": ["cash", "qr"],
        "sc_a": ["3", "2"],
        "sc_b": ["1", "2"],
        "edu": ["other", "sec"],
        "edu_other": ["Trung cấp nghề", None],
        "mx_momo_used": ["yes", "no"],
        "mx_momo_freq": [3, None],
        "mx_momo_what__bill": [True, None],
        "mx_momo_what__shop": [True, None],
        "mx_zalopay_used": ["no", "yes"],
        "inner_market_remark": ["Chợ huyện", None],
        "walk": ["20.7 105.9 0 0;20.8 105.9 0 0", None],
        "clock": [pd.Timedelta(hours=9, minutes=30), None],
    }
    assert {name: column(main, name) for name in expected} == expected
    assert set(tables.report["kind"]) == {"system"}
    assert len(tables.misfits) == 0


def test_flatten__special_questions_inside_nested_repeats(tables):
    member = tables.frames["member"]
    assert column(member, "mm_momo_has") == ["yes", None, "no"]
    assert column(member, "mr_1") == ["card", "qr", "cash"]
    assert tables.frames["device"][["_id", "member_no", "device_no", "d_type"]].astype(
        str
    ).to_numpy().tolist() == [
        ["1", "1", "1", "smart"],
        ["1", "1", "2", "pc"],
        ["2", "1", "1", "pc"],
    ]


@pytest.mark.parametrize(
    ("lang", "name", "question", "first"),
    [
        ("vi", "rk_1", "Thứ nhất", "Quét QR"),
        ("en", "rk_1", "1st choice", "QR code"),
        ("vi", "sc_a", "Tổ công nghệ số", "Tốt"),
        ("en", "sc_a", "The team", "Good"),
        ("vi", "mx_momo_used", "MoMo – Đã dùng", "Có"),
        ("en", "mx_momo_used", "MoMo – Used", "Yes"),
        ("vi", "edu", "Học vấn", "Khác"),
        ("en", "edu", "Education", "Other"),
    ],
)
def test_labelled__special_questions(tables, lang, name, question, first):
    assert tables.column_labels(lang)[name] == question
    assert tables.labelled(lang)["main"][name].iloc[0] == first


def test_column_labels__matrix_cells_say_item_and_column(tables):
    labels = tables.column_labels("en")
    assert labels["mx_zalopay_what__bill"] == "ZaloPay – What for – Bills"
    assert labels["inner_market_remark"] == "Market – remark"
    assert tables.column_labels("vi")["inner_market_remark"] == "Chợ – Ghi chú"
    assert tables.column_labels("vi")["edu_other"] == "Học vấn – Khác"
    assert tables.column_labels("vi", "member")["mm_momo_has"] == "MoMo – Có"


def test_from_content__rank_levels_differ_and_score_rows_are_required(form):
    first, second = form.questions["g/rk/rk_1"], form.questions["g/rk/rk_2"]
    assert (first.list_name, first.constraint, first.required) == ("method", "", "true()")
    assert second.constraint == "${rk_2} != ${rk_1}"
    assert form.questions["g/sc/sc_b"].required == "true()"


def test_from_content__expression_of_a_matrix_column_means_the_cell_beside_it(form):
    assert form.questions["mx_momo/mx_momo_freq"].relevant == "${mx_momo_used} = 'yes'"


def test_validate_submission__special_rows_as_sent_have_no_finding(special, form):
    assert [validate_submission(form, row) for row in special["rows"]] == [[], []]


def test_validate_submission__rank_that_names_an_item_twice(special, form):
    row = {**special["rows"][0], "g/rk/rk_2": "qr"}
    assert [f.kind for f in validate_submission(form, row)] == ["constraint"]


def test_missing_reasons__matrix_cells_and_or_other(special, form):
    main = missing_reasons(special["rows"], {"vSpecial": form})["main"]
    assert main["mx_momo_freq"].tolist() == ["answered", "not_asked"]
    assert main["mx_zalopay_freq"].tolist() == ["not_asked", "unanswered"]
    assert main["edu_other"].tolist() == ["answered", "not_asked"]
    assert main["inner_market_remark"].tolist() == ["answered", "unanswered"]
