"""Start a register from any form, with a guess at what is personal; the guess errs on the safe side.

Not here: holding a register against a form (`check`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from survey_tools.areas import without_marks
from survey_tools.kobo import Form
from survey_tools.kobo.form.xlsform import read_xlsform
from survey_tools.register import COLUMNS, PERSONAL_DATA, Question
from survey_tools.register.question import NUMBERS, SELECTS
from survey_tools.run.registers.facts import facts_of, names_over

CHECK = "check"
"""Begins the note of a row that a person must look at."""

NO_ANSWER = ("dk", "ref", "dontknow", "dont_know", "refuse", "refused", "no_answer", "noanswer", "na",
             "n_a", "khong_biet", "tu_choi", "-88", "-99", "-98", "-97", "-77", "98", "99", "888", "999",
             "9999")  # fmt: skip
"""Codes that usually carry no answer."""

OUTSIDE = "pulldata()"
"""Stands for a calculation that cannot be seen, as if it brought something in from outside."""

BY_TYPE = {
    "start": "none",
    "end": "none",
    "today": "none",
    "audit": "none",
    "start-geopoint": "location",
    "geopoint": "location",
    "geotrace": "location",
    "geoshape": "location",
    "image": "direct_identifier",
    "audio": "direct_identifier",
    "background-audio": "direct_identifier",
    "video": "direct_identifier",
    "file": "direct_identifier",
    "barcode": "direct_identifier",
    "deviceid": "direct_identifier",
    "phonenumber": "direct_identifier",
    "simserial": "direct_identifier",
    "subscriberid": "direct_identifier",
    "email": "direct_identifier",
    "username": "staff_code",
}
"""Class by type alone."""

_PHONE = "phone|telephone|tel|mobile number|sdt|dien thoai|so may|whatsapp|zalo|viber"
_NAME = "name|names|surname|first name|last name|full name|ho ten|ho va ten|ten|nguoi tra loi"
_NUMBERS_OF_ID = (
    "cccd|cmnd|can cuoc|chung minh|passport|ho chieu|national id|id card|id number|identity|nid|tax code|"
    "ma so thue|bhxh|bhyt|bank account number|so tai khoan|email|e mail|facebook|signature|chu ky|"
    "photo|anh chup|license plate|bien so"
)
_MAYBE = (
    r"(?:\w*phone\w*|sdt|so ?dt|dt(?!.*\bdien tich)|dtdd|dienthoai|sodienthoai|di dong|didong|"
    r"mobil\w*|cell\w*|msisdn|sim|hotline|contact|(?:contact|call\w*|work|home|office) n\w+|"
    r"lien he|lien lac|stk|so tk|account (?:no|nr|num|number)|iban|card (?:no|nr|num|number)|so the|"
    r"momo|m ?pesa|so vi dien tu|(?:so )?cmt\w*|dinh danh)\d*"
)
"""Words of phones, cards and accounts that may mean something else too: never sure."""

_PLACE = "gps|latitude|longitude|coordinates|toa do|vi do|kinh do|plus code|what3words"
_PLACE_NAMES = "lat|lon|lng|long|x|y"
"""Too short to be told from other words in a label."""

_ADDRESS = "address|dia chi|so nha|street|duong pho"
_STAFF = (
    "enumerator|interviewer|surveyor|supervisor|enum id|dieu tra vien|dtv|giam sat|username|staff"
)
_CODE = "hhid|household id|household code|hh id|ma ho|case id|caseid|respondent id|member id|uuid|pid|id"
_SENSITIVE = (
    "income|salary|wage|earn|debt|loan|savings|asset|thu nhap|luong|khoan no|vay|tiet kiem|poor|ngheo|"
    "benefit|transfer|welfare|tro cap|chi tra|wallet|vi dien tu|health|"
    "disease|ill|sick|disab|hiv|pregnan|suc khoe|benh|khuyet tat|religion|ton giao|ethnic|dan toc|"
    "politic|party|dang vien|sexual|violence|bao luc|crime|scam|lua dao|account|tai khoan|consumption"
)
_QUASI = (
    "age|tuoi|birth|ngay sinh|nam sinh|dob|sex|gender|gioi tinh|marital|hon nhan|education|edu|hoc van|"
    "school|occupation|job|work|nghe|household size|hh size|members|nhan khau|village|commune|ward|"
    "district|province|hamlet|region|area|location|xa|thon|phuong|huyen|tinh|ap|team|relation|quan he|"
    "dien tich"
)
_WORDS: dict[str, re.Pattern[str]] = {}


def draft_register(
    form: Form | Mapping[str, Any] | str | Path,
    older: Mapping[str, Form] | None = None,
    renames: Mapping[str, str] | None = None,
) -> str:
    """Start a register from a form.

    Parameters
    ----------
    form : Form, mapping, str or Path
        A version of a form, its content as the API gives it, or the path of an XLSForm workbook.
    older : mapping, optional
        Older versions by uid, oldest first: what only they ask gets a row, what only they offer a code.
    renames : mapping, optional
        Path in older versions to path now.

    Returns
    -------
    str
        CSV with the columns of a register, ready for `params/register/<form>.csv`. Class of personal
        data, role and missing codes are guesses from type, name and label. Where they do not say enough
        the stricter class stands, and the note begins with ``check`` and says what to look at.

    Raises
    ------
    KoboError
        When the form cannot be read.
    """
    lines = io.StringIO()
    writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for question in draft_questions(form, older, renames):
        writer.writerow({name: asdict(question)[name] for name in COLUMNS})
    return lines.getvalue()


def draft_questions(
    form: Form | Mapping[str, Any] | str | Path,
    older: Mapping[str, Form] | None = None,
    renames: Mapping[str, str] | None = None,
) -> list[Question]:
    """Return the rows of `draft_register`: those of the newest version first, each in its form's order."""
    if isinstance(form, str | Path):
        form = read_xlsform(form)
    if not isinstance(form, Form):
        form = Form.from_content(form)
    renames = renames or {}
    names = names_over({**(older or {}), form.uid: form}, renames)
    rows: list[Question] = []
    for path, (fact, version) in _facts_over(form, older or {}, renames, names).items():
        groups = {group.rpartition("/")[2] for group in version.groups}
        asked = version.questions.get(path)
        calculation = asked.calculation if asked else OUTSIDE
        row = _guessed(fact, calculation, rows, groups)
        rows.append(row if version is form else _only_older(row))
    return rows


def _facts_over(
    form: Form, older: Mapping[str, Form], renames: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, tuple[Question, Form]]:
    """Return the facts of the newest version that asks a question, with the codes of all versions."""
    found = {path: (fact, form) for path, fact in facts_of(form, None, names).items()}
    for version in reversed(list(older.values())):
        for path, fact in facts_of(version, renames, names).items():
            known, home = found.setdefault(path, (fact, version))
            both = known.codes and fact.codes and known.base_type == fact.base_type
            codes = dict.fromkeys((*known.codes, *fact.codes))
            found[path] = (replace(known, values="|".join(codes)) if both else known), home
    return found


def _only_older(row: Question) -> Question:
    said = f"{row.note}; " if row.note else f"{CHECK}: "
    return replace(row, note=f"{said}only an older version of the form asks it")


def guess_class(question: Question) -> tuple[str, bool]:
    """Guess the class of personal data of a question that is asked, and whether the guess is sure.

    Sure is only what the type says, and a word for something that identifies a person by itself. A
    calculated field is not asked: `draft_questions` takes the strictest class of what it is made of. A
    number that may be long, and of which no word says what it counts, may be that of a phone or a card.
    """
    kind = question.base_type
    if kind in BY_TYPE:
        return BY_TYPE[kind], kind not in ("barcode", "file", "audit", "username")
    name = _plain(question.name.rpartition("/")[2])
    text = _plain(f"{name} {question.label_vi} {question.label_en}")
    for words, personal_data in _identifying(question):
        if _has(words, text):
            return personal_data, words not in (_STAFF, _CODE, _MAYBE) and _has(words, name)
    if _has(_PLACE_NAMES, name) and kind in NUMBERS:
        return "location", False
    if kind not in (*SELECTS, *NUMBERS, *_MOMENTS):
        return "free_text", False
    if _has(_SENSITIVE, text):
        return "sensitive", False
    return ("quasi_identifier" if _has(_QUASI, text) else _without_words(question)), False


def _without_words(question: Question) -> str:
    """Return the class of a choice, number or moment of which no known word says what it is."""
    kind = question.base_type
    if kind in NUMBERS:
        return "quasi_identifier" if _is_short(question) else "direct_identifier"
    said = bool(question.label_vi or question.label_en)
    return "quasi_identifier" if kind == "date" or (said and kind in SELECTS) else "sensitive"


def _is_short(question: Question) -> bool:
    """Tell whether the limits of a number leave no room for that of a phone or a card."""
    top = question.limits[1] if question.limits else None
    return top is not None and top <= _SHORTEST


_MOMENTS = ("date", "dateTime", "datetime", "time")
_LONG = ((_PLACE, "location"), (_PHONE, "direct_identifier"), (_NUMBERS_OF_ID, "direct_identifier"),
         (_MAYBE, "direct_identifier"))  # fmt: skip
"""What a number without narrow limits may be; the first that its words fit."""

_TYPED = ((_ADDRESS, "direct_identifier"), (_NAME, "direct_identifier"), (_STAFF, "staff_code"),
          (_CODE, "direct_identifier"))  # fmt: skip
"""What a text may be besides."""

_SHORTEST = 99_999
"""Highest number that is too short for a phone or an identity card."""


def _identifying(question: Question) -> tuple[tuple[str, str], ...]:
    kind = question.base_type
    if kind in SELECTS:
        return ((_STAFF, "staff_code"),)
    if kind in _MOMENTS:
        return ()
    if kind in NUMBERS:
        return () if _is_short(question) else _LONG
    return (*_LONG, *_TYPED)


def _guessed(
    fact: Question, calculation: str, before: list[Question], groups: set[str]
) -> Question:
    notes = []
    if fact.base_type == "calculate":
        personal_data, sure = _calculated(calculation, before, groups)
        notes.append("values, if it holds numbers or codes")
    else:
        personal_data, sure = guess_class(fact)
    if not sure:
        notes.append("class of personal data")
    role = _role(fact, personal_data)
    if role in ("descriptive", "consent") or (role == "contact" and not sure):
        notes.append("role")
    missing = "|".join(code for code in fact.codes if code.lower() in NO_ANSWER)
    if missing:
        notes.append("missing codes")
    if fact.base_type in SELECTS and not fact.codes:
        notes.append("codes are not listed here and not held")
    note = f"{CHECK}: {', '.join(notes)}" if notes else ""
    return replace(fact, personal_data=personal_data, role=role, missing=missing, note=note)


def _calculated(calculation: str, before: list[Question], groups: set[str]) -> tuple[str, bool]:
    """Return the strictest class of what a calculation reads; what it brings in from outside is text."""
    names = set(re.findall(r"\$\{\s*([^}]+?)\s*\}", calculation)) - groups
    read = [q for q in before if q.name.rpartition("/")[2] in names]
    outside = re.search(r"\b(?:pulldata|instance|property|username|phonenumber)\b", calculation)
    if outside or names > {q.name.rpartition("/")[2] for q in read}:
        return "direct_identifier", False
    classes = [q.personal_data for q in read] or ["none"]
    return max(classes, key=PERSONAL_DATA.index), False


def _role(fact: Question, personal_data: str) -> str:
    of_the_device = fact.path in ("start", "end", "today") or fact.path.startswith("meta/")
    if of_the_device or fact.base_type in BY_TYPE or personal_data == "staff_code":
        return "paradata"
    text = _plain(f"{fact.name} {fact.label_vi} {fact.label_en}")
    if personal_data == "direct_identifier":
        return "contact"
    asks = fact.base_type in (*SELECTS, "acknowledge") and _has("consent|agree|dong y", text)
    return "consent" if asks else "descriptive"


def _plain(text: str) -> str:
    """Write words small, without accents, with single spaces: ``Số ĐT`` is ``so dt``.

    >>> _plain("phone_2 · Số điện thoại")
    'phone 2 so dien thoai'
    """
    spread = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return " ".join(re.sub(r"[\W_]+", " ", without_marks(spread.lower())).split())


def _has(words: str, text: str) -> bool:
    if words not in _WORDS:
        _WORDS[words] = re.compile(rf"\b(?:{words})\b")
    return _WORDS[words].search(text) is not None
