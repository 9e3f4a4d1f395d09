"""Gather the numbers that differ between two runs, page by page, each number once.

Not here: tables, figures and sentences (survey_tools.run.compare.exhibits).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from survey_tools.report.compare.difference import Fault, NumberChange, NumberKind
from survey_tools.report.traced import parts_of
from survey_tools.run.compare.contents import Contents
from survey_tools.run.compare.texts import differ_as_written, gap, pick, turned

Page = Mapping[str, Contents]
"""A page by language."""

Texts = dict[str, set[str]]
"""Ways in which a number is written, by language."""

EXACT = frozenset({"n"})
"""Columns of a row that stay as they are where its estimate is rounded."""

_UNTOLD = frozenset({"hidden", "vanished", "rounded"})
"""Kinds of differences of which no value of A is told."""

BETWEEN = " / "
"""Stands between values where one number has several on one page."""


@dataclass
class State:
    """A number on one page: its value and how it is written."""

    values: dict[str, None] = field(default_factory=dict)
    texts: Texts = field(default_factory=dict)
    rounded: bool = False

    @property
    def value(self) -> str:
        """The value; a number that is faulty has several."""
        return BETWEEN.join(sorted(self.values))


@dataclass
class _Found:
    """A difference of one number, gathered over pages."""

    old: Texts = field(default_factory=dict)
    new: Texts = field(default_factory=dict)
    pages: dict[str, None] = field(default_factory=dict)


class Numbers:
    """All numbers that differ; fed with one page of both runs after the other."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str | None, str | None], _Found] = {}
        self._sources: set[str] = set()
        self._rounded_old: set[str] = set()
        self._rounded_new: set[str] = set()

    @property
    def total(self) -> int:
        """Count the numbers of both runs together."""
        return len(self._sources)

    def add(self, code: str, old: Mapping[str, State], new: Mapping[str, State]) -> frozenset[str]:
        """Compare one page, and return the sources of the numbers that differ on it."""
        differing = set()
        self._sources.update(old, new)
        for states, rounded in ((old, self._rounded_old), (new, self._rounded_new)):
            rounded.update(r for s, one in states.items() if one.rounded for r in _rows(s))
        for source in dict.fromkeys((*old, *new)):
            before, after = old.get(source), new.get(source)
            if before is not None and after is not None and not _differ(before, after):
                continue
            differing.add(source)
            key = (source, before.value if before else None, after.value if after else None)
            found = self._found.setdefault(key, _Found())
            found.pages[code] = None
            for state, texts in ((before, found.old), (after, found.new)):
                for lang, written in (state.texts if state else {}).items():
                    texts.setdefault(lang, set()).update(written)
        return frozenset(differing)

    def changes(self) -> tuple[NumberChange, ...]:
        """Return the differences by source; to be asked when all pages were added."""
        coarser = self._rounded_new - self._rounded_old
        order = sorted(self._found, key=lambda key: (key[0], key[1] or "", key[2] or ""))
        return tuple(
            _change(key, self._found[key], rounded=not coarser.isdisjoint(_rows(key[0])))
            for key in order
        )


class Checks:
    """What is wrong within one run: numbers that contradict each other."""

    def __init__(self, run: Literal["a", "b"]) -> None:
        self._run: Literal["a", "b"] = run
        self._values: dict[str, tuple[str, str]] = {}
        self._faults: dict[tuple[str, str], dict[str, None]] = {}

    def add(self, code: str, page: Page, states: Mapping[str, State]) -> None:
        """Look at one page: whether its languages agree, and it with the pages before."""
        if len(page) > 1:
            for source in _unequal(page):
                self._tell("languages", source, code)
        for source, state in states.items():
            value, first = self._values.setdefault(source, (state.value, code))
            if len(state.values) > 1 and not self._told("languages", source, code):
                self._tell("values", source, code)
            elif value != state.value:
                self._tell("values", source, first, code)

    def faults(self) -> tuple[Fault, ...]:
        """Return what was found."""
        return tuple(
            Fault(kind, self._run, what, tuple(pages))
            for (kind, what), pages in self._faults.items()
        )

    def _tell(self, kind: str, what: str, *codes: str) -> None:
        self._faults.setdefault((kind, what), {}).update(dict.fromkeys(codes))

    def _told(self, kind: str, what: str, code: str) -> bool:
        return code in self._faults.get((kind, what), {})


def states_of(page: Page) -> dict[str, State]:
    """Return the numbers of a page by source, all languages together."""
    found: dict[str, State] = {}
    for lang, contents in page.items():
        for number in contents.numbers:
            state = found.setdefault(number.source, State())
            state.values[number.value] = None
            state.texts.setdefault(lang, set()).add(number.text)
            state.rounded = state.rounded or number.rounded
    return found


def _unequal(page: Page) -> Iterable[str]:
    """Name the sources whose values are not the same in all languages."""
    by_lang = []
    for contents in page.values():
        values: dict[str, set[str]] = {}
        for number in contents.numbers:
            values.setdefault(number.source, set()).add(number.value)
        by_lang.append(values)
    for source in dict.fromkeys(source for values in by_lang for source in values):
        if any(values.get(source) != by_lang[0].get(source) for values in by_lang[1:]):
            yield source


def _differ(old: State, new: State) -> bool:
    return old.values.keys() != new.values.keys() or _shown(old.texts, new.texts)


def _shown(old: Texts, new: Texts) -> bool:
    """Whether a number differs as it is written in a language that both runs have."""
    return any(differ_as_written(old[lang], new[lang]) for lang in old if lang in new)


def _rows(source: str) -> tuple[str, ...]:
    """Name the rows of a table whose cells are rounded together; a count of answers is not rounded."""
    cells = (cell.rpartition("#") for cell in parts_of(source)[0])
    return tuple(row for row, _, column in cells if column not in EXACT)


def _change(
    key: tuple[str, str | None, str | None], found: _Found, *, rounded: bool
) -> NumberChange:
    source, old, new = key
    kind = _kind(old, new, found)
    if rounded and kind in ("changed", "decimals"):
        kind = "rounded"
    texts = _texts(kind, found)
    difference, relative, digits = None, None, 0
    if kind == "changed" and texts:
        lang, (before, after) = next(iter(texts.items()))
        difference, relative, digits = gap(before, after, lang)
    return NumberChange(
        kind=kind,
        source=source,
        old="" if kind in _UNTOLD else old or "",
        new=new or "",
        texts=texts,
        pages=tuple(found.pages),
        difference=difference,
        relative=relative,
        digits=digits,
    )


def _kind(old: str | None, new: str | None, found: _Found) -> NumberKind:
    if old is None or new is None:
        return "appeared" if old is None else "vanished"
    if old != new and "" in (old, new):
        return "unhidden" if old == "" else "hidden"
    common = any(lang in found.new for lang in found.old)
    if not common or turned(old, new) or _shown(found.old, found.new):
        return "changed"
    return "decimals"


def _texts(kind: NumberKind, found: _Found) -> dict[str, tuple[str, str]]:
    """Choose by language what is shown of A and B: of a number that B hides or rounds, none of A."""
    if kind in ("hidden", "vanished"):
        return {}
    if kind in ("appeared", "unhidden", "rounded"):
        return {lang: ("", pick(new)) for lang, new in sorted(found.new.items())}
    langs = sorted(set(found.old) & set(found.new))
    return {
        lang: (
            pick(found.old[lang], found.new[lang]),
            pick(found.new[lang], found.old[lang]),
        )
        for lang in langs
    }
