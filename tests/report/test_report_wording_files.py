"""All files of wording: the same sentences in both languages, the terms of the glossary, well-formed text."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from survey_tools.params.read import load_yaml
from survey_tools.report.wording import FOLDER, Wording, entries

ROOT = Path(__file__).parents[2]
PARTS = sorted(path.name.removesuffix("vi.yml") for path in FOLDER.glob("*vi.yml"))
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
DIACRITICS = re.compile(
    r"[ăâđêôơưạảãàáắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ]", re.IGNORECASE
)

FORBIDDEN = {
    "vi": {
        r"trực tuyến|online|qua mạng": "trên mạng",
        r"phi tiền mặt|(?<!dùng )không tiền mặt": "không dùng tiền mặt",
        r"thanh toán số|thanh toán điện tử": "thanh toán không dùng tiền mặt",
        r"hướng dẫn thông thường|hướng dẫn bình thường": "hướng dẫn thường xuyên",
        r"(nhóm|hộ|tổ) (đối )?chứng|nhóm can thiệp|can thiệp": "hướng dẫn tăng cường, thường xuyên",
        r"rút thăm|ngẫu nhiên hóa|ngẫu nhiên hoá": "bốc thăm",
        r"khoảng (ước lượng|tin tưởng|dao động)": "khoảng tin cậy",
        r"điểm %|phần trăm điểm": "điểm phần trăm",
        r"biến kết quả|chỉ báo|chỉ tiêu kết quả": "chỉ số kết quả",
        r"khảo sát (ban )?đầu vào|khảo sát đầu ra|điều tra cơ bản": "đầu kỳ, cuối kỳ",
        r"mất mẫu|rụng mẫu|bỏ cuộc": "hộ không theo dõi được",
        r"\b[Tt]ổ CNSCĐ|tổ chuyển đổi số": "Tổ công nghệ số cộng đồng",
        r"có ý nghĩa thống kê": "rõ, chưa rõ",
        r"bình quân gộp|ước lượng co": "ước lượng gộp một phần",
        r"giá trị p (đã )?điều chỉnh": "giá trị p hiệu chỉnh",
        r"(đến|gặp) (để )?hướng dẫn|được (Tổ )?(đến|gặp|tiếp cận)\b": "được Tổ trực tiếp hướng dẫn",
        r"nhờ (hướng dẫn )?tăng cường|chỉ vì hướng dẫn": "nhờ bốc thăm",
        r"(?<!khoảng )một nửa số Tổ": "khoảng một nửa số Tổ",
    },
    "en": {
        r"treatment (group|arm|team)s?|control (group|arm|team)s?": "intensive, regular outreach",
        r"interventions?|treated (household|team|group)s?": "intensive outreach",
        r"(ordinary|usual|standard|normal) (outreach|teams?)": "regular outreach",
        r"impacts?": "effect",
        r"statistically significant|significan\w+": "clear, not clear",
        r"follow-up (survey|wave|interview)s?": "midline, endline",
        r"drop-?outs?|loss to follow-up": "attrition",
        r"\bpp\b|p\.p\.|%-points?|percent points?": "percentage points",
        r"confidence bands?|\bCIs?\b|credible": "confidence interval",
        r"lottery|raffle": "lot",
        r"digital payments?|electronic payments?|non-cash": "payment without cash",
        r"over the internet|on the internet|web shops?": "online",
        r"shrunken|shrinkage|empirical bayes": "partially pooled",
        r"adjusted p-values?": "corrected p-value",
        r"minimum detectable": "smallest detectable",
        r"(households?|those|people) (were |was )?(not )?(un)?visited|(un)?visited (by the team|because|only)"
        r"|the (un)?visited|visits by the team|(met|reached) by (the team|it)|met and guided|teams? reached"
        r"|visited or not": "guided in person by the team",
        r"because of it\b|because of (the )?more intensive outreach": "because of the lot",
        r"(?<!about )\bhalf of the teams": "about half of the teams",
        r"small sellers": "households with something to sell",
    },
}
"""Words that are not the glossary's -> what it says."""

UNFIT_FOR_TOWNS = {
    "vi": r"Công an (xã|thị trấn)|nhà văn hóa (thôn|xã)|\bthôn\b(?!, tổ dân phố)|sàn của huyện",
    "en": r"commune police|village hall|\bvillage\b(?! or street group)|the district (e-commerce )?platform",
}
"""Words of next steps that fit villages only, or a district that is no more."""


def _leaves(entry: Any, key: str = "") -> dict[str, str]:
    """Texts of an entry by dotted key; the files of checks and sheets are nested."""
    if isinstance(entry, dict):
        return {k: v for name, e in entry.items() for k, v in _leaves(e, f"{key}.{name}").items()}
    if isinstance(entry, list):
        return {k: v for n, e in enumerate(entry) for k, v in _leaves(e, f"{key}.{n}").items()}
    return {key.lstrip("."): str(entry)}


def _holes(text: str) -> set[str]:
    return {part[1] for part in Formatter().parse(text) if part[1]}


TEXTS = {(part, lang): _leaves(entries(f"{part}{lang}")) for part in PARTS for lang in ("vi", "en")}
ALL = {
    lang: {k: v for part in PARTS for k, v in TEXTS[part, lang].items()} for lang in ("vi", "en")
}


def test_files__come_in_pairs():
    names = {path.name for path in FOLDER.glob("*.yml")}
    assert names == {f"{part}{lang}.yml" for part in PARTS for lang in ("vi", "en")}
    assert len(PARTS) >= 5


def _base(key: str) -> str:
    """Key without a form of number: Vietnamese has no plural, so that English may have `one` besides."""
    return re.sub(r"\.(one|many)$", "", key)


@pytest.mark.parametrize("part", PARTS)
def test_files__have_the_same_sentences_and_values(part):
    vi, en = TEXTS[part, "vi"], TEXTS[part, "en"]
    assert {_base(key) for key in vi} == {_base(key) for key in en}
    for key in {_base(key) for key in vi}:
        held = [
            {hole for name, text in texts.items() if _base(name) == key for hole in _holes(text)}
            for texts in (vi, en)
        ]
        assert held[0] == held[1], key


def test_files__no_sentence_of_the_pages_stands_in_two():
    joined = [part for part in PARTS if all(key in Wording("en") for key in entries(f"{part}en"))]
    counts = Counter(key for part in joined for key in entries(f"{part}en"))
    assert {key: n for key, n in counts.items() if n > 1} == {}
    assert "evidence_" in joined


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_texts__are_well_formed(lang):
    wrong = {}
    for key, text in ALL[lang].items():
        if (
            unicodedata.normalize("NFC", text) != text
            or text != text.strip()
            or re.search(r"  | [,.;:!?](\s|$)|[\u200b\u00ad\ufeff\ue000-\uf8ff]|\bTODO\b", text)
            or text.count("(") != text.count(")")
            or text.count("«") != text.count("»")
        ):
            wrong[key] = text
    assert wrong == {}


def test_texts__vietnamese_has_diacritics_and_english_has_none():
    """A Vietnamese sentence of three words and more has one; short ones may be symbols or names."""
    names = re.compile(r"Phú Xuyên|Hà Nội|Tiếng Việt|«[^»]*»|Tổ công nghệ số cộng đồng|Zalo|TT&TT")
    plain = {
        key: text
        for key, text in ALL["vi"].items()
        if len(re.findall(r"[^\W\d_]{2,}", re.sub(r"\{\w+\}", "", text))) > 2
        and not DIACRITICS.search(text)
    }
    assert plain == {}
    foreign = {k: t for k, t in ALL["en"].items() if DIACRITICS.search(names.sub("", t))}
    assert foreign == {}


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_texts__use_the_terms_of_the_glossary(lang):
    wrong = [
        f"{key}: «{found.group(0)}», say «{term}»"
        for key, text in ALL[lang].items()
        for pattern, term in FORBIDDEN[lang].items()
        if (found := re.search(pattern, text, re.IGNORECASE))
    ]
    assert wrong == []


def _labels_of_params(lang: str) -> dict[str, str]:
    """Texts that pages take from `params/`; what the team's log counts is named as its form does."""
    steps = load_yaml((ROOT / "params" / "next_steps.yml").read_text("utf-8"))["steps"]
    found = {f"next_steps {one['id']}": one[lang] for one in steps}
    for name, key in (("claim_readings", "variable"), ("register/derived", "name")):
        with (ROOT / "params" / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row[key] != "hh_visited"]
        found |= {
            f"{name} {number} {row[key]}": row[f"label_{lang}"] for number, row in enumerate(rows)
        }
    return found


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_params__pages_take_the_same_terms_from_them(lang):
    texts = _labels_of_params(lang)
    assert len(texts) > 200
    wanted = {"vi": "được Tổ trực tiếp hướng dẫn", "en": "guided in person"}[lang]
    assert sum(wanted.lower() in text.lower() for text in texts.values()) >= 4
    said = {"vi": "trực tiếp hướng dẫn", "en": "guided in person"}[lang]
    patterns = [p for p, term in FORBIDDEN[lang].items() if said in term]
    assert len(patterns) == 1
    wrong = {key: t for key, t in texts.items() for p in patterns if re.search(p, t, re.IGNORECASE)}
    assert wrong == {}


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_next_steps__fit_a_town_as_well_and_a_district_that_is_no_more(lang):
    texts = {k: t for k, t in _labels_of_params(lang).items() if k.startswith("next_steps ")}
    assert {k: t for k, t in texts.items() if re.search(UNFIT_FOR_TOWNS[lang], t)} == {}


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("vi", "Được Tổ đến hướng dẫn"),
        ("vi", "Được Tổ gặp hướng dẫn trong 6 tháng"),
        ("vi", "Số hộ được đến"),
        ("vi", "hộ được tiếp cận nhờ tăng cường"),
        ("vi", "một nửa số Tổ được bốc thăm"),
        ("en", "Visited by the team"),
        ("en", "Met and guided by the team"),
        ("en", "reached by the team"),
        ("en", "those not visited"),
        ("en", "For those guided because of it"),
        ("en", "half of the teams were drawn"),
        ("en", "Small sellers"),
    ],
)
def test_forbidden__finds_what_it_is_for(lang, text):
    assert any(re.search(pattern, text, re.IGNORECASE) for pattern in FORBIDDEN[lang])


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_forbidden__never_forbids_a_term_of_the_glossary(lang):
    rows = [row.split("|")[1:3] for row in GLOSSARY.splitlines() if row.startswith("| ")]
    terms = [row[0 if lang == "en" else 1].strip() for row in rows]
    assert len(terms) > 25
    for pattern in FORBIDDEN[lang]:
        assert [term for term in terms if re.search(pattern, term, re.IGNORECASE)] == [], pattern


def test_glossary__one_term_a_concept():
    rows = [row.split("|")[1:4] for row in GLOSSARY.splitlines() if row.startswith("| ")]
    for column in (0, 1):
        terms = [row[column].strip().lower() for row in rows]
        assert [term for term, n in Counter(terms).items() if n > 1] == []


def test_glossary__its_main_terms_are_those_of_the_pages():
    """What the pages call a thing is what the glossary says."""
    for lang, terms in {
        "vi": ("Tổ công nghệ số cộng đồng", "hướng dẫn tăng cường", "hướng dẫn thường xuyên",
               "khoảng tin cậy", "điểm phần trăm", "không dùng tiền mặt", "Đầu kỳ", "Cuối kỳ"),
        "en": ("community digital technology team", "intensive outreach", "regular", "confidence interval",
               "percentage point", "without cash", "Baseline", "Endline"),
    }.items():  # fmt: skip
        whole = "\n".join(ALL[lang].values())
        assert [term for term in terms if term not in whole] == []
        known = GLOSSARY.lower().replace("95 % interval", "confidence interval")
        assert [term for term in terms if term.lower() not in known] == []
