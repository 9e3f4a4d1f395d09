"""Write the comparison of two runs: a page in each language for a reviewer, and the list of all of it.

Computes nothing; quotes what the pages show, and of a number that run B does not show, or rounds, nothing
of A.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from survey_tools.params import Workspace
from survey_tools.report import markup
from survey_tools.report.compare.difference import (
    Comparison,
    ExhibitChange,
    NumberChange,
    WordingChange,
)
from survey_tools.report.compare.frame import LISTED, Frame
from survey_tools.report.compare.names import table_of
from survey_tools.report.compare.summary import summary
from survey_tools.report.compare.table import write_table
from survey_tools.report.markup import Cell
from survey_tools.report.numbers import MISSING, Lang
from survey_tools.report.shell import (
    Gate,
    foot,
    head,
    other_languages,
    synthetic_banner,
    write_page,
)
from survey_tools.report.wording import Wording

WIDE = "main, body > header { max-width: 76rem; }\nth small { overflow-wrap: anywhere; }\n"
"""Rules of this page: more room for tables with sources in them."""

LANGS: tuple[Lang, ...] = ("vi", "en")


def write_comparison(
    ws: Workspace | None, comparison: Comparison, folder: Path, gate: Gate | None = None
) -> tuple[tuple[Path, ...], Path]:
    """Write `compare-<A>.<lang>.html`, one a language of the study, and `compare-<A>.csv`.

    Parameters
    ----------
    ws : Workspace or None
        Names outcomes and communes; without it there are codes.
    comparison : Comparison
    folder : Path
    gate : callable, optional
        See `shell.write_page`.

    Returns
    -------
    pages, table : tuple of Path, Path

    Raises
    ------
    RunError
        When a file cannot be written.
    """
    name = f"compare-{comparison.name_a}"
    langs = ws.study.report.languages if ws else LANGS
    pages = tuple(
        write_page(
            folder / f"{name}.{lang}.html", _Page(ws, comparison, lang, langs).source(), gate
        )
        for lang in langs
    )
    return pages, write_table(comparison, folder / f"{name}.csv", gate)


class _Page(Frame):
    """The comparison in one language."""

    def source(self) -> str:
        found, words = self.found, self.words
        labels = {"a": found.label_a, "b": found.label_b}
        title = words("compare_title", **labels)
        files: dict[str, str] = {lang: f"compare-{found.name_a}.{lang}.html" for lang in self.langs}
        links = other_languages(self.lang, self.langs, files)
        parts = [
            head(words, title, links, extra_css=WIDE),
            synthetic_banner(words) if found.synthetic else "",
            markup.title(title).source,
            self.say(*summary(found, self.lang)),
            self.say(words("compare_intro", **labels)),
            self._list_of_all(),
            *self._faults(),
            *self._why(),
        ]
        if found.pages_differ:
            parts += [*self._numbers(), *self._exhibits(), *self._hidden()]
            parts += [*self._wording(), *self._only()]
        return "\n".join([*parts, foot()])

    def _list_of_all(self) -> str:
        file = escape(f"compare-{self.found.name_a}.csv")
        told = escape(self.words("compare_all", file="\0"))
        return "<p>" + told.replace("\0", f'<a href="{file}">{file}</a>') + "</p>"

    def _faults(self) -> Iterator[str]:
        if not self.found.faults:
            return
        yield self.heading("faults")
        rows = [
            (
                self.words(f"compare_fault_{f.kind}", run=f.run.upper(), what=f.what),
                self.on(f.pages),
            )
            for f in self.found.faults
        ]
        yield self.table("compare_faults", ("col_what", "col_pages"), rows, texts=2)

    def _why(self) -> Iterator[str]:
        reasons, words = self.found.reasons, self.words
        yield self.heading("why")
        told = [words(f"compare_why_{cause.key}", **cause.values) for cause in reasons.causes]
        told += [words(f"compare_not_recorded_{key}") for key in reasons.not_recorded]
        if not told:
            told = [words("compare_no_cause")]
        yield markup.bullets(told).source
        if reasons.causes and not self.found.pages_differ:
            yield self.say(words("compare_idle"))
        elif len(reasons.kinds) > 1:
            yield self.say(words("compare_several"))
        rows = [
            (words(f"compare_fact_{key}", **values), self._fact(key, a), self._fact(key, b))
            for key, values, a, b in reasons.facts
        ]
        if rows:
            columns = (words("compare_fact"), self.a, self.b)
            table = markup.Table(words("compare_facts"), columns, tuple(rows), text_columns=3)
            yield table._repr_html_()

    def _fact(self, key: str, text: str) -> str:
        return self.numbers.moment(text) if key == "finished" else text or MISSING

    def _numbers(self) -> Iterator[str]:
        yield self.heading("numbers")
        changed = self.found.of("changed")
        if not changed:
            yield self.say(self.words("compare_no_numbers"))
        for table, group in groupby(changed, key=lambda one: table_of(one.source)):
            yield self._changes(table, list(group))
        if decimals := self.found.of("decimals"):
            yield self.say(self.words("compare_decimals", count=len(decimals)))
        for kind in ("appeared", "vanished"):
            if some := [one for one in self.found.numbers if one.kind == kind]:
                caption = self.words(f"compare_{kind}", count=len(some))
                yield self._listed(caption, some, lambda one: (self._texts(one)[1],))

    def _changes(self, table: str, some: Sequence[NumberChange]) -> str:
        caption = self.words("compare_of_table", table=self.names.table(table), count=len(some))
        names = ("col_what", "col_column", "col_pages")
        columns = tuple(self.words(f"compare_{name}") for name in names)
        columns += (
            self.a,
            self.b,
            *(self.words(f"compare_col_{n}") for n in ("difference", "relative")),
        )
        rows = [
            (*self._named(one), *self._texts(one), self._difference(one), self._relative(one))
            for one in some[:LISTED]
        ]
        return self.capped(markup.Table(caption, columns, tuple(rows), text_columns=3), len(some))

    def _listed(
        self,
        caption: str,
        some: Sequence[NumberChange],
        more: Callable[[NumberChange], tuple[str, ...]],
        *heads: str,
    ) -> str:
        names = ("col_what", "col_column", "col_pages", *heads)
        columns = (*(self.words(f"compare_{name}") for name in names), self.b)
        rows = tuple((*self._named(one), *more(one)) for one in some[:LISTED])
        table = markup.Table(caption, columns, rows, text_columns=3 + len(heads))
        return self.capped(table, len(some))

    def _named(self, one: NumberChange) -> tuple[Cell, Cell, Cell]:
        return (
            (self.names.row(one.source), one.source),
            self.names.column(one.source),
            self.on(one.pages),
        )

    def _texts(self, one: NumberChange) -> tuple[str, str]:
        """Return a number as A and B write it, in this language where both runs have it."""
        first = next(iter(one.texts.values()), (one.old, one.new))
        old, new = one.texts.get(self.lang, first)
        return old or MISSING, new or MISSING

    def _difference(self, one: NumberChange) -> str:
        text = self.numbers.number(one.difference, one.digits, sign=True)
        share = "%" in self._texts(one)[1]
        return self.numbers.unit("share").format(text) if share and text != MISSING else text

    def _relative(self, one: NumberChange) -> str:
        if one.relative is None:
            return MISSING
        return f"{self.numbers.number(100 * one.relative, 1, sign=True)}%"

    def _exhibits(self) -> Iterator[str]:
        if not self.found.whole:
            yield self.say(self.words("compare_numbers_alone"))
            return
        for kind in ("table", "figure"):
            yield self.heading(f"{kind}s")
            some = [one for one in self.found.exhibits if one.exhibit == kind]
            own = [one for one in some if one.lang == self.lang] or some
            if not own:
                yield self.say(self.words(f"compare_no_{kind}s"))
                continue
            rows = [
                (one.section, one.caption or MISSING, self._what(one), self.on(one.pages))
                for one in own
            ]
            columns = ("col_section", "col_caption", "col_differs", "col_pages")
            yield self.table(f"compare_{kind}s", columns, rows, texts=4)

    def _what(self, one: ExhibitChange) -> str:
        told = (self.words(f"compare_what_{name}", count=count) for name, count in one.what.items())
        return "; ".join(told)

    def _hidden(self) -> Iterator[str]:
        yield self.heading("hidden")
        some = self.found.of("hidden", "unhidden", "rounded")
        if not some:
            yield self.say(self.words("compare_no_hidden"))
            return
        yield self.say(self.words("compare_hidden_note"))
        yield self._listed(self.words("compare_hidden"), some, self._now, "col_kind")

    def _now(self, one: NumberChange) -> tuple[str, str]:
        """Say what became of a cell, and how B writes it, if it does."""
        return self.words(f"compare_is_{one.kind}"), self._texts(one)[1]

    def _wording(self) -> Iterator[str]:
        if not self.found.whole:
            return
        yield self.heading("wording")
        own = [one for one in self.found.wording if one.lang == self.lang]
        if not own:
            yield self.say(self.words("compare_no_wording"))
        else:
            yield self.say(self.words("compare_wording_note"))
        for with_numbers, caption in ((False, "wording_words"), (True, "wording_numbers")):
            if some := [one for one in own if one.with_numbers == with_numbers]:
                yield self._sentences(self.words(f"compare_{caption}", count=len(some)), some)
        for lang in sorted({one.lang for one in self.found.wording} - {self.lang}):
            count = sum(one.lang == lang for one in self.found.wording)
            name = Wording(lang)("lang_name") if lang in LANGS else lang
            yield self.say(self.words("compare_other_language", lang=name, count=count))

    def _sentences(self, caption: str, some: Sequence[WordingChange]) -> str:
        columns = (
            self.words("compare_col_section"),
            self.words("compare_col_pages"),
            self.a,
            self.b,
        )
        rows = tuple(
            (one.section or MISSING, self.on(one.pages), one.old or MISSING, one.new or MISSING)
            for one in some[:LISTED]
        )
        return self.capped(markup.Table(caption, columns, rows, text_columns=4), len(some))

    def _only(self) -> Iterator[str]:
        if not self.found.only:
            return
        yield self.heading("only")
        names = {"a": self.found.label_a, "b": self.found.label_b}
        rows = [
            (
                self.names.page(one.code),
                one.lang,
                self.words(f"compare_only_{one.only_in}", name=names[one.only_in]),
                self._status(one.status),
            )
            for one in self.found.only
        ]
        columns = ("col_pages", "col_lang", "col_kind", "col_status")
        yield self.table("compare_only", columns, rows, texts=4)

    def _status(self, status: str) -> str:
        key = f"compare_status_{status}"
        return self.words(key) if key in self.words else MISSING
