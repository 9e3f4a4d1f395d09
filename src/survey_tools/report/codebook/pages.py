"""Write the codebook: a page a language that opens offline, and a CSV with one row a variable.

Counts nothing: what of the answers may be shown comes from `distributions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from survey_tools.params import Study
from survey_tools.report import markup
from survey_tools.report.codebook.distributions import UNCOUNTED, YES, Spread
from survey_tools.report.codebook.entry import ALL_WAVES, Code, Entry, write_table
from survey_tools.report.numbers import MISSING, Lang
from survey_tools.report.shell import (
    TEMPLATE,
    Gate,
    foot,
    head,
    other_languages,
    synthetic_banner,
    write_page,
)
from survey_tools.report.small_cells import FEW
from survey_tools.report.wording import Wording, entries

FILES = {"vi": "codebook.html", "en": "codebook.en.html"}
TABLE = "codebook.csv"

FACTS = ("columns", "path", "type", "unit", "respondent", "values", "missing_codes", "personal_data", "role",
         "formula", "made_of", "alternative_to", "indicator", "source", "note")  # fmt: skip
"""What a page says of a variable, in this order; empty ones are left out. `asked_if` follows `respondent`."""

ENGLISH = ("unit", "respondent", "formula", "indicator", "source", "note")
"""What registers say in English alone."""


def write_codebook(
    study: Study, codebook: Sequence[Entry], folder: Path, gate: Gate | None = None
) -> tuple[Path, Path]:
    """Write `codebook.html` (Vietnamese), `codebook.en.html` and `codebook.csv`.

    Parameters
    ----------
    study : Study
    codebook : sequence of Entry
        In the order in which they are shown; entries of one table together.
    folder : Path
    gate : callable, optional
        See `shell.write_page`.

    Returns
    -------
    html, csv : Path
        The page in the first language of the study, and the table.
    """
    pages = [
        write_page(folder / FILES[lang], _Page(study, codebook, lang).source(), gate)
        for lang in study.report.languages
    ]
    return pages[0], write_table(codebook, folder / TABLE, gate)


class _Words(Wording):
    """Sentences of the pages and of the codebook."""

    def __init__(self, lang: Lang) -> None:
        super().__init__(lang)
        self._entries = {**self._entries, **entries(f"codebook_{lang}")}


class _Page:
    """The codebook in one language."""

    def __init__(self, study: Study, codebook: Sequence[Entry], lang: Lang) -> None:
        self.study, self.codebook, self.lang = study, codebook, lang
        self.words = _Words(lang)
        self.numbers = self.words.numbers
        self.other: Lang = "en" if lang == "vi" else "vi"

    def source(self) -> str:
        card, words = self.study.study, self.words
        name = card.title_vi if self.lang == "vi" else card.title_en
        links = other_languages(self.lang, self.study.report.languages, FILES)
        css = (TEMPLATE / "codebook.css").read_text("utf-8")
        return "\n".join(
            [
                head(words, f"{words('title')} – {name}", links, extra_css=css),
                synthetic_banner(words) if card.synthetic else "",
                markup.title(words("title")).source,
                markup.paragraphs(
                    [name, words("intro", count=len(self.codebook)), self._note()]
                ).source,
                f'<div class="book">\n{self._index()}\n<div>',
                *self._tables(),
                "</div></div>",
                foot(),
            ]
        )

    def _note(self) -> str:
        rules = self.study.disclosure
        return self.words(
            "note_hidden",
            round_from=rules.round_from,
            show_from=rules.show_from,
            low=1,
            high=rules.hide_counts_to,
        )

    def _index(self) -> str:
        title = escape(self.words("index"))
        parts = [f'<nav class="index" aria-label="{title}"><h2>{title}</h2>']
        for place, (table, group) in enumerate(_by_table(self.codebook)):
            items = "".join(
                f'<li><a href="#{escape(one.key)}">{escape(one.name)}</a></li>' for one in group
            )
            name = escape(self.words(f"table_{table}"))
            is_open = " open" if place == 0 else ""
            parts.append(f"<details{is_open}><summary>{name}</summary><ul>{items}</ul></details>")
        return "\n".join([*parts, "</nav>"])

    def _tables(self) -> Iterator[str]:
        for table, group in _by_table(self.codebook):
            yield markup.heading(f"table-{table}", self.words(f"table_{table}")).source
            said = [self.words("stage", stage=group[0].stage, table=table)]
            said += [self.words(key) for key in (f"also_{table}",) if key in self.words]
            said += [] if group[0].counted else [self.words("not_counted")]
            yield markup.paragraphs(said).source
            parted = any(one.section_vi for one in group)
            for section, part in groupby(group, key=self._section):
                if parted:
                    yield f'<h3 class="section">{escape(section)}</h3>'
                yield from (self._entry(one, level=4 if parted else 3) for one in part)

    def _section(self, one: Entry) -> str:
        """Name the group of the form that a question stands in."""
        named = one.section_vi if self.lang == "vi" else one.section_en
        return named or self.words("section_other")

    def _entry(self, one: Entry, level: int) -> str:
        label, other = one.label(self.lang), one.label(self.other)
        heading = f"<code>{escape(one.name)}</code>" + (f" {escape(label)}" if label else "")
        parts = [
            '<section class="entry">',
            f'<h{level} id="{escape(one.key)}">{heading}</h{level}>',
        ]
        if other:
            parts.append(f'<p class="other" lang="{self.other}">{escape(other)}</p>')
        parts += [self._facts(one), *self._answers(one), "</section>"]
        return "\n".join(parts)

    def _facts(self, one: Entry) -> str:
        if not one.role:
            return markup.paragraphs([self.words("not_described")]).source
        said = {name: str(getattr(one, name)) for name in FACTS}
        said["personal_data"] = self.words(f"class_{one.personal_data}")
        said["role"] = self.words(f"role_{one.role}")
        if f"type_{one.type}" in self.words:
            said["type"] = self.words(f"type_{one.type}")
        if one.path:
            asked = (
                " · ".join(one.asked_if.split(" ; "))
                if one.asked_if
                else self.words("asked_always")
            )
            at = list(said).index("values")
            items = list(said.items())
            said = dict([*items[:at], ("asked_if", asked), *items[at:]])
        rows = "".join(
            f"<dt>{escape(self.words(name))}</dt><dd{self._language(name)}>{escape(text)}</dd>"
            for name, text in said.items()
            if text
        )
        return f"<dl>{rows}</dl>"

    def _language(self, name: str) -> str:
        return ' lang="en"' if name in ENGLISH and self.lang != "en" else ""

    def _answers(self, one: Entry) -> Iterator[str]:
        if one.split_off:
            yield self._note_of("split_off")
            return
        if one.codes and not any(spread.shares for spread in one.spreads.values()):
            codes = markup.bullets(self._code(code) for code in one.codes).source
            summary = self.words("many_codes", count=len(one.codes))
            yield f"<details><summary>{escape(summary)}</summary>{codes}</details>"
        if not one.spreads:
            if one.counted or not one.in_data:
                yield self._note_of("no_data")
            return
        yield self._table(one)._repr_html_()
        if one.personal_data in UNCOUNTED:
            yield self._note_of("uncounted")

    def _note_of(self, key: str) -> str:
        return f'<p class="note">{escape(self.words(key))}</p>'

    def _table(self, one: Entry) -> markup.Table:
        words, spreads = self.words, list(one.spreads.values())
        waves = [self._wave(wave) for wave in one.spreads]
        rows = [(words("rows"), *(self._count(s.rows) for s in spreads))]
        for name in ("answered", "missing"):
            rows.append((words(name), *(self._told(s, name) for s in spreads)))
        rows += self._shares(one, spreads)
        rows += self._quantiles(one, spreads)
        caption = words("by_wave", name=one.name)
        return markup.Table(caption, (words("answer"), *waves), tuple(rows))

    def _wave(self, wave: str) -> str:
        if wave == ALL_WAVES:
            return self.words("all_waves")
        keys = {
            self.study.waves.baseline: "wave_baseline",
            self.study.waves.endline: "wave_endline",
        }
        return f"{self.words(keys[wave])} ({wave})" if wave in keys else wave

    def _count(self, count: int | None) -> str:
        return MISSING if count is None else self.numbers.count(count)

    def _told(self, spread: Spread, name: str) -> str:
        count = getattr(spread, name)
        if spread.few == name:
            return self.words("under", limit=self.study.disclosure.hide_counts_to + 1)
        if spread.rounded and count is not None:
            return self.words("about", count=count)
        return self._count(count)

    def _shares(self, one: Entry, spreads: Sequence[Spread]) -> list[tuple[str, ...]]:
        names = {code.code: self._code(code) for code in one.codes}
        by_wave = [{code: (x, status) for code, x, status in s.shares} for s in spreads]
        codes = dict.fromkeys(code for shares in by_wave for code in shares)
        rows = []
        for code in codes:
            name = (
                self.words("share_yes") if code == YES and not one.codes else names.get(code, code)
            )
            rows.append((name, *(self._share(*shares.get(code, (None, ""))) for shares in by_wave)))
        return rows

    def _share(self, value: float | None, status: str) -> str:
        return self.numbers.percent(value) + ("*" if status == FEW and value is not None else "")

    def _quantiles(self, one: Entry, spreads: Sequence[Spread]) -> list[tuple[str, ...]]:
        by_wave = [dict(spread.quantiles) for spread in spreads]
        wanted = sorted({p for quantiles in by_wave for p in quantiles})
        return [
            (self._quantile_name(p), *(self._value(quantiles.get(p)) for quantiles in by_wave))
            for p in wanted
        ]

    def _quantile_name(self, p: float) -> str:
        if p == 0.5:
            return self.words("median")
        return self.words("quantile", share=self.numbers.percent(p))

    def _value(self, value: float | str | None) -> str:
        if isinstance(value, str):
            year, _, month = value.partition("-")
            return f"{month}/{year}" if self.lang == "vi" else value
        if value is None:
            return MISSING
        digits = 0 if float(value).is_integer() else len(f"{value:.10g}".partition(".")[2])
        return self.numbers.number(value, digits)

    def _code(self, code: Code) -> str:
        label = code.label_vi if self.lang == "vi" else code.label_en
        text = f"{label} ({code.code})" if label else code.code
        return f"{text} – {self.words('means_missing')}" if code.missing else text


def _by_table(codebook: Iterable[Entry]) -> list[tuple[str, list[Entry]]]:
    return [(table, list(group)) for table, group in groupby(codebook, key=lambda one: one.table)]
