"""Every check has words in both languages, and every flag a sentence."""

from string import Formatter

import pytest
from sheet_frames import REGISTERS, WS, make_choices, make_flags

from survey_tools.clean.answers import columns, problems
from survey_tools.clean.answers import held as answers
from survey_tools.clean.checks import CHECKS as RUN
from survey_tools.clean.checks import answers as answer_checks
from survey_tools.clean.checks import backcheck, ids
from survey_tools.clean.personal_data import text as personal_text
from survey_tools.params import CheckSettings
from survey_tools.report.sheets import flags as sheet_flags
from survey_tools.report.sheets.flags import CERTAIN, CHECKS, NO_QUESTION, FlagWords
from survey_tools.report.sheets.words import SheetWords
from survey_tools.report.wording import entries

VI, EN = entries("checks_vi"), entries("checks_en")


def told(lang, **changes):
    """The one flag that `changes` make of a flag about a row."""
    row = ("logic", "new", "w1", "10291-T01", "E05", 101, None, None, "")
    flags = make_flags([row], **changes)
    return next(FlagWords(WS.study, REGISTERS, make_choices(), lang).tell(flags))


def holes(text):
    return {hole for _, hole, _, _ in Formatter().parse(text) if hole}


def test_wording__every_check_has_title_meaning_and_what_to_do_in_both_languages():
    switched = {name for name in CheckSettings.model_fields if name != "zone"}
    assert {"answer_unreadable", "choice_unknown", "question_unknown"} <= switched
    assert set(CHECKS) == switched == set(VI["checks"]) == set(EN["checks"])
    for words in (VI, EN):
        for name, said in words["checks"].items():
            assert all(said[part].strip() for part in ("title", "means", "do")), name


def test_wording__both_languages_have_the_same_keys_and_values():
    assert set(VI) == set(EN)
    for name, said in VI["checks"].items():
        other = EN["checks"][name]
        assert set(said) == set(other), name
        for part in ("cases", "messages"):
            assert set(said.get(part, {})) == set(other.get(part, {})), name
        assert holes(said.get("found", "")) == holes(other.get("found", "")), name
    for part in ("types", "units"):
        assert set(VI[part]) == set(EN[part])


def test_wording__sheets_have_the_same_sentences_and_values():
    vi, en = entries("sheets_vi"), entries("sheets_en")
    assert set(vi) == set(en)
    assert not set(vi) & {*entries("vi"), *entries("evidence_vi")}
    for key in vi:
        texts = [
            entry.values() if isinstance(entry, dict) else [entry] for entry in (vi[key], en[key])
        ]
        found = [set().union(*map(holes, part)) for part in texts]
        assert found[0] == found[1], key


def test_wording__no_check_uses_a_value_that_no_flag_has():
    known = {"a", "b", "item", "choice", "gate", "case", "type"}
    for said in VI["checks"].values():
        assert holes(said.get("found", "")) <= known
        assert not holes(said.get("plain", ""))


def test_wording__titles_tell_checks_apart():
    for words in (VI, EN):
        titles = [said["title"] for said in words["checks"].values()]
        assert len(titles) == len(set(titles))


def test_wording__every_check_that_runs_is_known():
    assert set(RUN) <= set(CHECKS)
    assert set(CHECKS) >= CERTAIN
    assert set(CHECKS) >= NO_QUESTION


def test_wording__knows_every_sentence_of_checks_that_differ_by_it_alone():
    unreadable = {columns.READ_NUMBER, columns.NO_NUMBER, columns.NO_DAY, columns.NO_TIME}
    unreadable |= {text for kind, text in problems.MESSAGES.items() if kind not in problems.CHECKS}
    assert unreadable <= set(VI["checks"]["answer_unreadable"]["messages"])
    assert {f"Taken out: {reason}." for reason in ids.REASONS} == set(
        VI["checks"]["dropped"]["messages"]
    )
    assert set(answers.MESSAGES) <= set(CHECKS)


def test_wording__knows_every_case():
    assert set(VI["checks"]["personal_text"]["cases"]) == set(personal_text.KINDS)
    kinds = {"irrelevant_answered", "type", "choice", "constraint", "repeat_count", "unknown_key"}
    assert {*kinds, answer_checks.UNANSWERED} == set(VI["checks"]["constraint"]["cases"])
    assert set(VI["types"]) == {str(kind) for kind in backcheck.TYPES}


@pytest.mark.parametrize(
    ("changes", "vi", "en"),
    [
        ({"check": "missing", "detail": "20 % / 35"}, "20% trong 35 người được hỏi không biết hoặc từ chối.",
         "20% of 35 asked do not know or refuse."),
        ({"check": "outlier", "detail": "8.2 SD"}, "Cách số ở giữa 8,2 lần độ lệch chuẩn.",
         "8.2 standard deviations from the middle."),
        ({"check": "constraint", "detail": "constraint"}, "Nằm ngoài giới hạn của phiếu.",
         "Outside of the form's limits."),
        ({"check": "logic", "item": "one_head"}, "Bảng thành viên không có đúng một chủ hộ.",
         "The roster does not have exactly one head."),
        ({"check": "other_listed", "variable": "biz_type", "detail": "grocery"},
         "Lựa chọn có sẵn là «Tạp hóa».", "The choice on the list is «Grocery»."),
        ({"check": "short_interview", "detail": "–"}, "Không tính được thời gian phỏng vấn.",
         "The length of the interview is unknown."),
        ({"check": "group_time", "detail": "0.5 s"}, "Trung bình 0,5 giây một câu.",
         "0.5 seconds a question on average."),
        ({"check": "odd_hour", "detail": "5 h"}, "Bắt đầu lúc 5 giờ.", "Began at 5 h."),
        ({"check": "overlap", "detail": "1234.5 min"}, "Chồng lên cuộc trước 1.234,5 phút.",
         "Overlaps the one before by 1,234.5 minutes."),
        ({"check": "form_version", "detail": "157 d"}, "Bản phiếu này đã được thay trước đó 157 ngày.",
         "The version had been replaced 157 days before."),
        ({"check": "consent", "detail": "consent_sensitive"},
         "Có câu trả lời khi chưa đồng ý với: «Đồng ý trả lời các câu hỏi nhạy cảm (thu nhập, lừa đảo)?»",
         "Answered without consent to: «Agree to the sensitive questions (income, scams)?»"),
        ({"check": "consent", "detail": ""}, "Đã gặp hộ nhưng không ghi hộ có đồng ý hay không.",
         "Somebody was met, but consent was not recorded."),
        ({"check": "enumerator_effect", "detail": "-61 pp, q = 0.0000"},
         "Tỷ lệ chênh −61 điểm phần trăm so với các điều tra viên khác.",
         "The share differs by −61 percentage points from the other enumerators'."),
        ({"check": "enumerator_effect", "detail": "+61 pp, q = 0.0000"},
         "Tỷ lệ chênh +61 điểm phần trăm so với các điều tra viên khác.",
         "The share differs by +61 percentage points from the other enumerators'."),
        ({"check": "gps_far", "detail": "31.9 km"}, "Cách khu vực của Tổ 31,9 km.",
         "31.9 km from the team's area."),
        ({"check": "missing_month", "detail": "2026-02", "item": "2026-02"}, "Thiếu tháng 02/2026.",
         "Missing: 02/2026."),
        ({"check": "near_identical", "detail": "90 % / 52", "item": "1223"},
         "90% của 52 câu trả lời trùng với phiếu số 1223.",
         "90% of 52 answers are those of submission 1223."),
        ({"check": "backcheck", "detail": "type 1"}, "Câu loại 1, không bao giờ được khác.",
         "Question of type 1, which should never differ."),
        ({"check": "backcheck", "detail": ""},
         "Phiếu phúc tra không có phỏng vấn lần đầu cùng mã hộ; kiểm tra lại mã.",
         "The back-check has no first interview under this household code; look at the code."),
        ({"check": "backcheck_rate", "detail": "25 % / 40", "item": "type 2"},
         "Khác nhau 25% trong 40 lần so sánh, với câu loại 2, cần kỹ năng của điều tra viên.",
         "25% of 40 comparisons differ, questions of type 2, which asks skill of the enumerator."),
        ({"check": "duplicate", "detail": "copy", "item": "12-13"}, "Gửi hai lần, bản này đã bị loại.",
         "Sent twice, this copy was taken out."),
        ({"check": "personal_text", "detail": "phone, name"},
         "Dường như có: số điện thoại, tên người.", "Seems to hold: phone number, name."),
        ({"check": "dropped", "message": "Taken out: malformed household code."}, "Mã hộ viết sai quy cách.",
         "The household code is malformed."),
        ({"check": "refusals", "detail": "a share"}, "", ""),
    ],
)  # fmt: skip
def test_tell__what_was_found_in_both_languages(changes, vi, en):
    assert told("vi", **changes).found == vi
    assert told("en", **changes).found == en


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"check": "outlier", "variable": "hh_size"}, "(hh_size)"),
        ({"check": "answer_unreadable", "variable": "m_age[2]"}, "Tuổi tròn (m_age), dòng 2"),
        (
            {"check": "answer_unreadable", "variable": "month", "form": "team_log"},
            "Tháng báo cáo (month)",
        ),
        ({"check": "question_unknown", "variable": "other/path"}, "other/path"),
        ({"check": "question_unknown", "variable": "x0912345678"}, ""),
        ({"check": "question_unknown", "variable": "Chị Hoa"}, ""),
        ({"check": "short_interview", "variable": "duration_min"}, ""),
    ],
)
def test_tell__the_question_by_its_label(changes, wanted):
    found = told("vi", **changes).question
    assert found.endswith(wanted)
    assert bool(found) == bool(wanted)


@pytest.mark.parametrize(
    "detail", ["0912345678", "0912 345 678", "1234567 km", "3.14159 km", "Hoa", "x / 0912345678"]
)
def test_tell__passes_on_no_long_number_and_no_text(detail):
    for check in ("gps_far", "progress", "near_identical", "personal_text"):
        assert told("en", check=check, detail=detail, item="0912345678").found == ""


@pytest.mark.parametrize("item", ["0912345678", "+84912345678", "Hoa", "1 2"])
def test_tell__names_the_other_submission_by_a_number_only(item):
    assert told("en", check="near_identical", detail="90 % / 52", item=item).found == ""


def test_ordered__by_state_then_by_what_is_certain():
    flags = sheet_flags.ordered(make_flags())
    certain = flags["check"].isin(CERTAIN)
    rank = flags["state"].map(sheet_flags.STATES.index) * 2 + ~certain
    assert rank.is_monotonic_increasing
    assert flags["check"].iloc[0] == "dropped"
    assert len(flags) == len(make_flags())


def test_wave__by_its_name():
    words, waves = SheetWords("vi"), WS.study.waves
    assert [words.wave(waves, wave) for wave in waves.all] == ["Đầu kỳ", "Giữa kỳ", "Cuối kỳ"]
    assert words.wave(waves, "w9") == "Đợt w9"
    assert words.wave(waves, "") == ""
