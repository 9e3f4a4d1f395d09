"""What a reader of finished pages reads: numbers as the language has them, agreement, no overclaiming.

`SURVEY_TOOLS_PAGES=reports/main` looks at the pages of that folder instead of a small run's own.
"""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import pytest

from browser_support import given_pages, none_of

pytestmark = [pytest.mark.slow]

BLOCKS = frozenset({
    "p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th", "tr", "caption", "figcaption", "div", "br",
    "dt", "dd", "summary", "small", "table", "ul", "section", "nav", "text",
})  # fmt: skip
SILENT = frozenset({"head", "style", "pre", "code", "script"})
VOID = frozenset({"br", "img", "meta", "link", "hr", "col", "input", "wbr"})

# A p-value of one is «1,000» in Vietnamese.
# «0.4» on a Vietnamese page, «0,4» on an English one. Three digits after it make a thousand of either.
FOREIGN_DECIMALS = {"vi": r"\d\.(\d{1,2}|\d{4,})(?!\d|\.\d)", "en": r"\d,(\d{1,2}|\d{4,})(?!\d)"}
FOREIGN_THOUSANDS = {
    "vi": r"\b(?!1,000\b)[1-9]\d{0,2}(,\d{3})+(?!\d)",
    "en": r"\b[1-9]\d{0,2}(\.\d{3}){2,}(?!\d)",
}
NOT_OF_A_NUMBER = re.compile(r"[Cc]hợ thông minh 4\.0|[\d.]+\.\.[\d.]+")
"""A name of a market; limits of a question as the form writes them."""

COUNTED = (
    "household|team|commune|page|interview|answer|wave|village|person|visit|district|number|row|cell|town"
    "|unit|outcome|form|test|analysis|table|figure"
)
PLURAL_ONE = re.compile(rf"(?<![\d.,–−-])\b1 (?:more |further |other )?(?:{COUNTED})e?s\b")
SINGULAR_MANY = re.compile(
    rf"(?:\b[2-9]|\d{{2,}}|\b0) (?:{COUNTED})\b(?!['’-]| (?:page|code|number|leader|member|level))"
)
IS_MANY = re.compile(rf"(?<!than )(?:\b[2-9]|\d{{2,}}|\b0) (?:{COUNTED})e?s (?:is|was|has)\b")


NUMBER = r"[+−-]?[\d.,]*\d|[+−]∞"
CLAIM = {"en": re.compile(r"\b(raised|lowered)\b"), "vi": re.compile(r"làm (tăng|giảm)")}
NEGATED = {
    "en": re.compile(r"neither|\bnot\b|n't|\bno\b|whether|may have"),
    "vi": re.compile(r"không|chưa|liệu"),
}
INTERVAL = {
    "en": re.compile(rf"from ({NUMBER})%? to ({NUMBER})"),
    "vi": re.compile(rf"từ ({NUMBER})%? đến ({NUMBER})"),
}


class Visible(HTMLParser):
    """Text of a page, a block a line, in the page's own language and without folded code and provenance."""

    def __init__(self, lang: str) -> None:
        super().__init__()
        self.lang, self.text = lang, ""
        self.open: list[tuple[str, bool]] = []
        self.provenance = False

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("h1", "h2"):
            self.provenance = given.get("id") == "provenance"
        if tag in BLOCKS:
            self.text += "\n"
        if tag not in VOID:
            code = tag == "details" and "code" in (given.get("class") or "")
            foreign = given.get("lang") not in (None, self.lang)
            self.open.append((tag, tag in SILENT or code or foreign))

    def handle_endtag(self, tag):
        while self.open and self.open[-1][0] != tag and tag in [name for name, _ in self.open]:
            self.open.pop()
        if self.open and self.open[-1][0] == tag:
            self.open.pop()
        if tag in BLOCKS:
            self.text += "\n"

    def handle_data(self, data):
        if not self.provenance and not any(silent for _, silent in self.open):
            self.text += data

    def lines(self):
        lines = (re.sub(r"\s+", " ", line).strip() for line in self.text.split("\n"))
        return [NOT_OF_A_NUMBER.sub("", line) for line in lines if line]


def visible(page: str, lang: str) -> list[str]:
    reader = Visible(lang)
    reader.feed(page)
    return reader.lines()


def language(path: Path) -> str:
    return "en" if path.stem.endswith(".en") else "vi"


@pytest.fixture(scope="module")
def pages(request) -> dict[Path, list[str]]:
    """Lines of every page of the run."""
    folder = given_pages() or request.getfixturevalue("workspace") / "reports" / "main"
    found = {p: visible(p.read_text("utf-8"), language(p)) for p in sorted(folder.glob("*.html"))}
    assert len(found) > 8
    assert min(len(lines) for lines in found.values()) > 20
    return found


def _found(pages, patterns):
    """Lines of each page in which the pattern of its language is found, with what surrounds it."""
    wrong: dict[str, list[str]] = {}
    for path, lines in pages.items():
        pattern = patterns[language(path)] if isinstance(patterns, dict) else patterns
        if pattern is None:
            continue
        for line in lines:
            if hit := re.search(pattern, line):
                wrong.setdefault(path.name, []).append(
                    line[max(0, hit.start() - 40) : hit.end() + 40]
                )
    return {name: lines[:3] for name, lines in wrong.items()}


def test_pages__numbers_are_written_as_the_language_writes_them(pages):
    none_of(_found(pages, FOREIGN_DECIMALS))
    none_of(_found(pages, FOREIGN_THOUSANDS))


def test_pages__have_numbers_of_their_own_language(pages):
    """Otherwise the test above would pass on empty pages."""
    text = {"vi": "", "en": ""}
    for path, lines in pages.items():
        text[language(path)] += "\n".join(lines)
    assert re.search(r"\d,\d(?!\d{2})", text["vi"])
    assert re.search(r"\d\.\d(?!\d{2})", text["en"])


@pytest.mark.parametrize("pattern", [PLURAL_ONE, SINGULAR_MANY, IS_MANY])
def test_pages__english_nouns_agree_with_their_number(pages, pattern):
    none_of(_found(pages, {"vi": None, "en": pattern}))


def test_pages__vietnamese_is_composed_and_no_hole_is_left_unfilled(pages):
    holes = r"(?<!\$)\{[a-z_]*\}|[\ue000-\uf8ff]|\bnan\b|\bNaN\b|<NA>"
    none_of(_found(pages, holes))
    none_of(
        {
            p.name: ls
            for p, ls in pages.items()
            if "".join(ls) != unicodedata.normalize("NFC", "".join(ls))
        }
    )


def _value(text: str, lang: str) -> float:
    bare = text.replace("−", "-").replace("∞", "inf")
    bare = bare.replace(".", "").replace(",", ".") if lang == "vi" else bare.replace(",", "")
    return float(bare)


def overclaims(lines: list[str], lang: str) -> list[str]:
    """Sentences that say something rose or fell although an interval beside it includes zero."""
    wrong = []
    for line in lines:
        for sentence in re.split(r"(?<=[.;]) (?=[A-ZĐÀ-Ỹ«])", line):
            if not CLAIM[lang].search(sentence) or NEGATED[lang].search(sentence):
                continue
            for low, high in INTERVAL[lang].findall(sentence):
                if _value(low, lang) <= 0 <= _value(high, lang):
                    wrong.append(sentence)
    return wrong


def test_pages__nothing_is_said_to_have_risen_or_fallen_beside_an_interval_with_zero(pages):
    none_of({path.name: overclaims(lines, language(path)) for path, lines in pages.items()})


@pytest.mark.parametrize(
    ("line", "lang", "wrong"),
    [
        ("Outreach raised it by 2.0 points (95% interval from −1.0 to +5.0).", "en", True),
        ("Outreach lowered it by 2.0 points (from −5.0 to 0.0).", "en", True),
        ("Outreach raised it by 8.2 points (from +3.2 to +13.2).", "en", False),
        ("It neither raised nor lowered it: from −1.0 to +5.0.", "en", False),
        ("Hướng dẫn làm tăng 2,0 điểm phần trăm (từ −1,0 đến +5,0).", "vi", True),
        ("Hướng dẫn làm tăng 1.234,5 (từ +1,0 đến +2.345,6).", "vi", False),
    ],
)
def test_overclaims__finds_what_it_is_for(line, lang, wrong):
    assert bool(overclaims([line], lang)) == wrong


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (FOREIGN_DECIMALS["vi"], "tăng 0.4 điểm", True),
        (FOREIGN_DECIMALS["vi"], "1.612 hộ, 8,2 điểm", False),
        (FOREIGN_DECIMALS["en"], "up 0,4 points", True),
        (FOREIGN_DECIMALS["en"], "1,612 households, 8.2 points", False),
        (FOREIGN_THOUSANDS["vi"], "1,612 hộ", True),
        (FOREIGN_THOUSANDS["vi"], "0,612", False),
        (PLURAL_ONE, "only 1 households", True),
        (PLURAL_ONE, "21 households, 1 household", False),
        (SINGULAR_MANY, "30 household answered", True),
        (SINGULAR_MANY, "11 team", True),
        (SINGULAR_MANY, "1 team, 2 teams", False),
        (IS_MANY, "12 teams was", True),
        (IS_MANY, "12 teams were", False),
    ],
)
def test_patterns__find_what_they_are_for(pattern, text, found):
    assert bool(re.search(pattern, text)) == found


def test_visible__leaves_out_code_provenance_and_other_languages():
    page = (
        '<html><head><title>0.1</title></head><body><h2 id="a">A</h2><p>b <b>c</b>'
        '<span lang="en">0.2</span></p><details class="code"><pre>0.3</pre></details>'
        '<h2 id="provenance">P</h2><p>0.4</p><h2>Z</h2><p>z</p></body></html>'
    )
    assert visible(page, "vi") == ["A", "b c", "Z", "z"]
