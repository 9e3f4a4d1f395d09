"""Numbers, sentences that agree with them, and what a finding may say."""

import re
from dataclasses import replace
from pathlib import Path
from string import Formatter

import numpy as np
import pandas as pd
import pytest
import yaml

from survey_tools.errors import ParamsError
from survey_tools.report import sentences
from survey_tools.report.disclosure import open_results
from survey_tools.report.numbers import Numbers
from survey_tools.report.wording import Wording, entries

ROOT = Path(__file__).parents[2]
VI, EN = Numbers("vi"), Numbers("en")


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (VI.number(1234.5, 1), "1.234,5"),
        (EN.number(1234.5, 1), "1,234.5"),
        (EN.number(-0.0001, 1), "0.0"),
        (VI.percent(0.5), "50%"),
        (VI.percent(0.926, 1), "92,6%"),
        (VI.difference(0.084, "binary"), "+8,4 điểm phần trăm"),
        (EN.difference(-0.021, "share"), "−2.1 percentage points"),
        (EN.difference(0.123, "index"), "+0.12 standard deviations"),
        (VI.value(1.25, "amount"), "1,2 triệu đồng"),
        (VI.interval(0.12, 0.3, "binary"), "từ 12% đến 30%"),
        (EN.difference_interval(-0.01, 0.09, "binary"), "from −1.0 to +9.0"),
        (VI.p_value(0.0004), "p < 0,001"),
        (EN.difference_interval(-np.inf, 0.09, "binary"), "from −∞ to +9.0"),
        (VI.difference_interval(-0.01, np.inf, "index"), "từ −0,01 đến +∞"),
        (EN.p_value(0.25), "p = 0.250"),
        (VI.count(1848), "1.848"),
        (EN.moment("2026-11-20T08:05:59+07:00"), "20 November 2026, 01:05 UTC"),
        (VI.moment("yesterday"), "yesterday"),
    ],
)
def test_numbers__as_the_language_writes_them(written, wanted):
    assert written == wanted


@pytest.mark.parametrize("value", [None, np.nan, pd.NA, np.inf])
def test_numbers__missing_is_a_dash(value):
    assert {VI.number(value), VI.percent(value), VI.value(value, "amount")} == {"—"}
    assert VI.interval(value, 0.2, "binary") == VI.difference(value, "binary") == "—"


def _holes(entry):
    texts = entry.values() if isinstance(entry, dict) else [entry]
    return {part[1] for text in texts for part in Formatter().parse(text) if part[1]}


def test_wording__both_languages_have_the_same_sentences_and_values():
    assert set(entries("vi")) == set(entries("en"))
    for key in entries("vi"):
        assert _holes(entries("vi")[key]) == _holes(entries("en")[key]), key


def test_wording__agrees_with_its_number():
    words = Wording("en")
    texts = [words("index_failed", count=n).split(";")[0] for n in (0, 1, 1200)]
    assert texts[0].startswith("Every page")
    assert texts[1:] == ["1 page could not be made", "1,200 pages could not be made"]


@pytest.mark.parametrize(
    ("key", "values"),
    [("no_such_sentence", {}), ("wave_other", {}), ("wave_other", {"name": 0.123456})],
)
def test_wording__refuses_unknown_missing_and_unwritten(key, values):
    with pytest.raises(ParamsError):
        Wording("vi")(key, **values)


@pytest.mark.parametrize(
    ("estimate", "low", "high", "wanted"),
    [
        (0.05, 0.01, 0.09, "raised it by 5.0 percentage points"),
        (-0.05, -0.09, -0.01, "lowered it by 5.0 percentage points"),
        (0.05, -0.01, 0.11, "no clear effect"),
        (0.05, 0.0, 0.10, "no clear effect"),
        (np.nan, np.nan, np.nan, "too few answers to say"),
        (0.05, np.nan, np.nan, "too few answers to say"),
    ],
)
def test_effect__says_no_more_than_its_interval(ws, estimate, low, high, wanted):
    results = open_results(ws, "en")
    rows = results.effects.assign(shown=estimate, conf_low=low, conf_high=high)
    text = sentences.effect(replace(results, effects=rows), "qr_shop_30d")
    assert wanted in text
    assert ("raised" in text) == (low > 0)
    assert ("lowered" in text) == (high < 0)


@pytest.mark.parametrize(("p", "clear"), [(0.049, True), (0.05, False), (np.nan, True)])
def test_effect__the_lot_drawn_again_has_to_agree_with_the_interval(ws, p, clear):
    results = open_results(ws, "en")
    rows = results.effects.assign(shown=0.05, conf_low=0.01, conf_high=0.09, p_randomisation=p)
    results = replace(results, effects=rows)
    text = sentences.effect(results, "qr_shop_30d")
    assert ("raised it by 5.0" in text) == clear
    assert ("not clear" in text) != clear
    assert ("5.0" in sentences.big_effect(results).source.split("</p>")[0]) == clear


def test_effect__too_few_where_there_is_no_row(ws):
    assert "too few" in sentences.effect(open_results(ws, "en"), "no_such_outcome")


def test_big_effect__no_figure_in_large_type_unless_clear(ws):
    results = open_results(ws, "en")
    rows = results.effects.assign(shown=0.05, conf_low=-0.01, conf_high=0.11)
    large = sentences.big_effect(replace(results, effects=rows)).source.split("</p>")[0]
    assert "No clear effect" in large
    assert "5.0" not in large


def test_provenance__says_so_when_there_is_no_record(ws):
    results = replace(open_results(ws, "en"), provenance={})
    assert "no record" in sentences.provenance(results, "main", None)[0]


FILES = ("", "evidence_")
DESIGNS = ("difference_in_differences", "staggered", "observational", "assumed")
SOURCES = [
    *(ROOT / "src/survey_tools/report").rglob("*.py"),
    *(ROOT / "notebooks").glob("[67]0*.ipynb"),
]


@pytest.mark.parametrize("file", FILES)
def test_wording__each_file_has_the_same_keys_values_and_forms_in_both_languages(file):
    vi, en = entries(f"{file}vi"), entries(f"{file}en")
    assert set(vi) == set(en)
    for key, text in vi.items():
        assert _holes(text) == _holes(en[key]), key
        if "zero" in (text if isinstance(text, dict) else {}):
            assert "zero" in en[key], key


def test_wording__no_key_stands_in_two_files():
    assert not set(entries("en")) & set(entries("evidence_en"))


def _literals():
    """Texts in quotes of all sources, and the beginnings of keys that are put together."""
    text = "\n".join(path.read_text("utf-8").replace('\\"', '"') for path in SOURCES)
    terms = {f"{kind}_" for kind in re.findall(r'term\(results, "([a-z]+)"', text)}
    beginnings = set(re.findall(r'f"([a-z0-9_]+_)\{', text))
    return set(re.findall(r'"([a-z0-9_]+)"', text)), beginnings | terms


def test_wording__every_sentence_of_the_evidence_is_used():
    """A key is used as it stands, for a design, or as a beginning and an end that sources name."""
    literals, beginnings = _literals()
    ends = literals | set(open_names())
    unused = []
    for key in entries("evidence_en"):
        forms = {key, *(key.removesuffix(f"_{design}") for design in DESIGNS)}
        made = {form[len(one) :] for form in forms for one in beginnings if form.startswith(one)}
        if not forms & literals and not made & ends:
            unused.append(key)
    assert not unused


def open_names():
    """Names from tables of the project that are ends of keys: families, groups, events, states."""
    plan = yaml.safe_load((ROOT / "params/analysis_plan.yml").read_text("utf-8"))["analyses"]
    outcomes = pd.read_csv(ROOT / "params/outcomes.csv")
    states = {"not_run", "not_planned", "no_estimate"}
    events = {o for one in plan if not isinstance(one["outcomes"], str) for o in one["outcomes"]}
    return {one["analysis"] for one in plan} | set(outcomes["family"]) | {"index"} | states | events


def test_wording__the_names_of_the_plan_have_words():
    plan = yaml.safe_load((ROOT / "params/analysis_plan.yml").read_text("utf-8"))["analyses"]
    groups = [one["analysis"] for one in plan if one["table"] == "heterogeneity"]
    families = [*pd.read_csv(ROOT / "params/outcomes.csv")["family"].unique(), "index"]
    events = [o for one in plan if one["table"] == "honest" for o in one["outcomes"]]
    for lang in ("vi", "en"):
        words = Wording(lang)
        wanted = [f"group_{x}" for x in groups] + [f"family_{x}" for x in families]
        assert not [k for k in [*wanted, *(f"event_{x}" for x in events)] if k not in words]


SYMBOLS = {"col_p", "col_q", "col_f", "col_ar", "alt_event_point", "alt_event_alone"}


def test_wording__vietnamese_evidence_is_vietnamese_and_english_is_not():
    letters = re.compile(
        r"[ăâđêôơưạảãàáắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ]", re.IGNORECASE
    )
    for lang, wanted in (("vi", True), ("en", False)):
        for key, entry in entries(f"evidence_{lang}").items():
            texts = entry.values() if isinstance(entry, dict) else [entry]
            if key not in SYMBOLS:
                assert all(bool(letters.search(text)) == wanted for text in texts), (lang, key)
