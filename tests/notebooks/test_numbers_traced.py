"""Read finished pages back: every number stands in a table of results, at the place that the page names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl

import pandas as pd
import pytest
import yaml

from survey_tools import report
from survey_tools.params import open_workspace
from survey_tools.report.disclosure import open_results
from survey_tools.report.shown import shown_tables

pytestmark = [pytest.mark.slow]

STEPS = {"amount": 0.5, "count": 0.5, "index": 0.1}
"""Figures from few answers are shown in steps of so much; shares in steps of 5 points."""
WORDING = Path(report.__file__).parent / "wording"
LIMITS = ("col_score_", "overlap")
"""Words that name the limits of a score, which a method sets."""
MOST_A_DAY = 5
"""From so many interviews on a day is named."""
VOID = {"meta", "link", "img", "br", "hr", "input", "wbr"}
SKIPPED = {"style", "script", "details", "nav", "header", "title"}


@dataclass
class Page(HTMLParser):
    """Numbers of a page with their sources, and its text without them, by section."""

    numbers: list[tuple[str, str, str]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        super().__init__()
        self.section, self.skipped, self.data = "", [], None

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in SKIPPED and tag not in VOID:
            self.skipped.append(tag)
        elif tag == "data" and not self.skipped:
            self.data = [given["value"], given["data-source"], ""]
        elif tag == "h2" and not self.skipped:
            self.section = given.get("id", "")

    def handle_endtag(self, tag):
        if self.skipped and tag == self.skipped[-1]:
            self.skipped.pop()
        elif tag == "data" and self.data:
            self.numbers.append(tuple(self.data))
            self.data = None
        elif tag in {"p", "li", "td", "th", "caption", "figcaption", "h1", "h2"}:
            self._add("\n")

    def handle_data(self, text):
        if self.skipped:
            return
        if self.data is not None:
            self.data[2] += text
        else:
            self._add(text)

    def _add(self, text):
        self.texts[self.section] = self.texts.get(self.section, "") + text


def read(path):
    page = Page()
    page.feed(path.read_text("utf-8"))
    return page


class Sources:
    """Look a source up in the tables of results, as a reader would who was told where to look."""

    def __init__(self, ws):
        self.ws, self.tables, self.shown = ws, {}, None

    def table(self, name):
        if name not in self.tables:
            path = self.ws.results / f"{name}.parquet"
            self.tables[name] = (
                pd.read_parquet(path) if path.is_file() else self.ws.table(name).astype(str)
            )
        return self.tables[name]

    def rows(self, source):
        name, rest = source.split("?", 1)
        keys, column = rest.rsplit("#", 1)
        table = self.table(name)
        found = pd.Series(True, index=table.index)
        for key, value in parse_qsl(keys, keep_blank_values=True):
            if (key, value) == ("zero", "outside"):
                found &= table["conf_low"].gt(0) | table["conf_high"].lt(0)
            elif value.startswith("<"):
                found &= table[key].lt(float(value[1:]))
            else:
                found &= table[key].map(str).eq(value)
        return table[found], column

    def cell(self, source):
        if re.fullmatch(r"-?\d+(\.\d+)?", source):
            return float(source)
        rows, column = self.rows(source)
        if column == "rows":
            return float(len(rows))
        if column in ("least", "greatest"):
            ends = rows["estimate"].agg(["min", "max"])
            return round(float(ends.iloc[int(column == "greatest")]), 3)
        assert len(rows) == 1, f"{source}: {len(rows)} rows"
        return float(rows[column].iloc[0])

    def value(self, source):
        first, *rest = re.split(r" ([-+/]) ", source)
        value = self.cell(first)
        for sign, other in zip(rest[::2], rest[1::2], strict=True):
            other = self.cell(other)
            value = {"+": value + other, "-": value - other}.get(sign, value / (other or 1))
        return value

    def few(self, source):
        """Whether any of the figures rests on so few answers that it is shown rounded."""
        rules = self.ws.study.disclosure
        for part in re.split(r" [-+/] ", source):
            if "?" in part and not part.endswith("#rows"):
                rows, _ = self.rows(part)
                if "n" in rows and rows["n"].lt(rules.show_from).any():
                    return True
        return False

    def coarse(self, source):
        """Whether any of the figures has a base that is told coarsely (`report.disclosure_bases`)."""
        if self.shown is None:
            self.shown = shown_tables(self.ws)
            self.shown["levels_by_area"] = open_results(self.ws, "en").by_list
        for part in re.split(r" [-+/] ", source):
            name, _, rest = part.partition("?")
            if "about" in self.shown.get(name, ()):
                table = self.shown[name]
                here = table["about"]
                for key, value in parse_qsl(rest.rsplit("#", 1)[0], keep_blank_values=True):
                    here = here & table[key].map(str).eq(value)
                if here.any():
                    return True
        return False

    def step(self, source):
        """Step to which a figure from few answers is rounded."""
        if source.startswith("claims?"):
            rows, _ = self.rows(source)
            return STEPS.get(rows["scale"].iloc[0], 0.05)
        outcomes = self.ws.table("outcomes").set_index("outcome")["scale"].to_dict()
        scales = {**outcomes, **self.ws.study.report.outreach}
        outcome = dict(parse_qsl(source.split("?", 1)[1].rsplit("#", 1)[0])).get("outcome")
        return STEPS.get(scales.get(outcome), 0.05)


def number_in(text, lang):
    """Read a number back from its text; how many decimals it was written with."""
    clean = text.strip("+%*< ~").replace("\u2212", "-").replace("\u202f", "")
    thousands, decimal = (".", ",") if lang == "vi" else (",", ".")
    clean = clean.replace(thousands, "").replace(decimal, ".")
    return float(clean), len(clean.partition(".")[2])


def pages_of(workspace):
    return sorted((workspace / "reports" / "main").glob("[1d]*.??.html"))


def test_numbers__every_one_is_in_its_table_of_results(workspace):
    ws = open_workspace(workspace / "params" / "study.yml")
    sources = Sources(ws)
    paths = pages_of(workspace)
    assert len(paths) == 6
    for path in paths:
        page = read(path)
        assert len(page.numbers) > 100, path.name
        for value, source, text in page.numbers:
            told = f"{path.name}: {text} from {source}"
            if not value:
                assert text == "—", told
                continue
            found, shown = sources.value(source), float(value)
            if shown >= 0 and not text.startswith("\u2212"):
                found = abs(found) if abs(found + shown) < 1e-4 else found
            if abs(found - shown) > 6e-5 and sources.coarse(source):
                most = max(0.1, sources.step(source))
                if source.endswith(("#n", "#n_baseline")):
                    most = 2
                elif source.endswith(("#conf_low", "#conf_high")):  # of the least base it may have
                    most *= 2
                assert abs(found - shown) <= most + 1e-4, told
            elif source.endswith("#n") and abs(found - shown) > 1e-4:  # «about», a multiple of five
                assert abs(found - shown) <= 2, told
                assert shown % 5 == 0, told
            elif "outcome=contacts" in source and abs(found - shown) > 1e-4:
                assert abs(found - shown) <= sources.step(source) + 1e-4, told
                assert abs(10 * shown - round(10 * shown)) < 1e-6, told
            elif sources.few(source) and abs(found - shown) > 1e-4:
                step = sources.step(source)
                assert abs(found - shown) <= step + 1e-4, told
                assert abs(shown / step - round(shown / step)) < 1e-6, told
            elif abs(shown) != float("inf"):
                assert found == pytest.approx(shown, abs=6e-5), told


def test_numbers__the_text_says_the_value(workspace):
    for path in pages_of(workspace):
        lang = path.name.split(".")[1]
        for value, source, text in read(path).numbers:
            if not value or "∞" in text:
                continue
            said, decimals = number_in(text, lang)
            units = (float(value), 100 * float(value))
            nearest = min(abs(said - unit) for unit in units)
            told = f"{path.name}: {text} for {value} from {source}"
            if text.startswith("<"):
                assert float(value) < said, told
            else:
                assert nearest <= 0.5 * 10**-decimals + 0.00501, told


def test_numbers__outside_the_results_only_names_dates_and_rules(workspace):
    """What is left when traced numbers, labels, and what the study file says are taken away has no digit."""
    ws = open_workspace(workspace / "params" / "study.yml")
    for path in pages_of(workspace):
        if path.name.startswith("district"):
            continue
        lang = path.name.split(".")[1]
        page = read(path)
        for section, text in page.texts.items():
            if section in {"provenance", "how_shown"}:
                continue
            left = text
            for name in labels_of(ws, lang):
                left = left.replace(name, "").replace(name[:1].lower() + name[1:], "")
            for allowed in allowed_of(ws, lang):
                left = re.sub(allowed, "", left)
            lines = [line.strip() for line in left.splitlines() if re.search(r"\d", line)]
            assert not lines, f"{path.name}, {section}: {lines}"


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_wording__types_no_figure(lang):
    """Numbers in sentences are periods, ages, dates of the programme and rules; none is a result."""
    for part in ("", "commune_", "evidence_", "claims_", "site_"):
        for key, text in yaml.safe_load((WORDING / f"{part}{lang}.yml").read_text("utf-8")).items():
            for one in _strings(text) if not key.startswith(LIMITS) else ():
                plain = re.sub(r"\{[^}]*\}|\b(0|100) ?%|4\.0", "", one)
                assert not re.search(r"\d+([.,]\d+)?\s?%|\d[.,]\d", plain), key


def labels_of(ws, lang):
    """Names of outcomes, questions and answers, and texts of the study, longest first."""
    labels = pd.read_parquet(ws.clean / "labels.parquet")
    register = pd.read_csv(ws.root / ws.study.forms["household"].register_, dtype=str)
    texts = {*ws.table("outcomes")[f"label_{lang}"], *labels["label"].dropna()}
    texts |= {*register[f"label_{lang}"].dropna()}
    words = yaml.safe_load((WORDING / f"commune_{lang}.yml").read_text("utf-8"))
    texts |= {text for key, text in words.items() if key.startswith("variable_")}
    steps = ws.root / "params" / "next_steps.yml"
    if steps.is_file():
        texts |= set(_strings(yaml.safe_load(steps.read_text("utf-8"))))
    return sorted((text for text in texts if re.search(r"\d", text)), key=len, reverse=True)


def allowed_of(ws, lang):
    """Patterns of what no result is: days, the confidence level, rules of what may be shown, ages."""
    rules, mark = ws.study.disclosure, "," if lang == "vi" else "."
    days = r"\d{2}/\d{2}/\d{4}" if lang == "vi" else r"\d{1,2} [A-Z][a-z]+ \d{4}"
    level = f"{100 * ws.study.design.interval:g}".replace(".", mark) + "%"
    thresholds = [f"(dưới|under|fewer than|less than) {n}" for n in (rules.show_from, MOST_A_DAY)]
    ages = ["[Tt]ừ 60 tuổi", "60 tuổi trở lên", "60 (or|and) over"]
    steps = yaml.safe_load((ws.root / "params" / "next_steps.yml").read_text("utf-8"))
    shares = {f"{100 * x:g}%".replace(".", mark) for x in _floats(steps)}
    rule = f"(trên|dưới|above|below|over|under) ({'|'.join(map(re.escape, sorted(shares)))})"
    return [days, re.escape(level), *thresholds, *ages, rule, r"\bsố 0\b"]


def _strings(content):
    if isinstance(content, dict):
        content = list(content.values())
    if isinstance(content, list):
        return [text for one in content for text in _strings(one)]
    return [content] if isinstance(content, str) else []


def _floats(content):
    if isinstance(content, dict):
        content = list(content.values())
    if isinstance(content, list):
        return [number for one in content for number in _floats(one)]
    return [content] if isinstance(content, float) else []
