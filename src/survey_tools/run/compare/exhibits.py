"""Gather the tables, figures and sentences that differ between two runs, the same difference once.

Captions, headings and sentences are compared with their traced numbers taken out; of those of run A no other
number is quoted either, unless it stands in the one of run B beside it. Not here: the numbers
(survey_tools.run.compare.match).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal, TypeVar

from survey_tools.report.compare.difference import ExhibitChange, WordingChange
from survey_tools.run.compare.contents import MARK, Block, Contents, Exhibit, Picture

HOLE = "…"
"""Stands in a sentence where a traced number stands, or one that B does not write."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")

One = TypeVar("One", Exhibit, Picture)
What = dict[str, int]
Kind = Literal["table", "figure"]


class Exhibits:
    """All tables, figures and sentences that differ; fed with one page of both runs after the other."""

    def __init__(self) -> None:
        self._exhibits: dict[Hashable, tuple[ExhibitChange, dict[str, None]]] = {}
        self._wording: dict[WordingChange, dict[str, None]] = {}

    def add(self, code: str, old: Contents, new: Contents, differing: frozenset[str]) -> None:
        """Compare one page in one language; `differing` are the sources of numbers that differ on it."""
        for place, one, what in _changes(
            old.tables, new.tables, lambda a, b: _table(a, b, differing)
        ):
            self._exhibit("table", code, new, place, one, what)
        for place, shown, what in _changes(old.pictures, new.pictures, _picture):
            self._exhibit("figure", code, new, place, shown, what)
        if old.blocks != new.blocks:
            for before, after in _replaced(old.blocks, new.blocks):
                self._sentence(code, old, new, before, after, differing)

    def exhibits(self) -> tuple[ExhibitChange, ...]:
        """Return tables and figures in the order of the pages."""
        return tuple(replace(one, pages=tuple(pages)) for one, pages in self._exhibits.values())

    def wording(self) -> tuple[WordingChange, ...]:
        """Return sentences in the order of the pages."""
        return tuple(replace(one, pages=tuple(pages)) for one, pages in self._wording.items())

    def _exhibit(
        self, kind: Kind, code: str, page: Contents, place: int, one: Exhibit | Picture, what: What
    ) -> None:
        section = page.sections.get(one.section, one.section)
        caption = readable(one.caption)
        if "vanished" in what:
            caption = without_numbers(caption)
        key = (kind, page.lang, one.section, place, tuple(sorted(what.items())))
        change = ExhibitChange(kind, page.lang, readable(section), caption, what, ())
        self._exhibits.setdefault(key, (change, {}))[1][code] = None

    def _sentence(
        self,
        code: str,
        old: Contents,
        new: Contents,
        before: Block | None,
        after: Block | None,
        differing: frozenset[str],
    ) -> None:
        block = after or before
        numbers = [n for one in (before, after) if one is not None for n in one.numbers]
        address = "" if block is None else block.section
        heading = without_numbers(readable(old.sections.get(address, address)))
        beside = readable(after.template) if after else ""
        change = WordingChange(
            lang=new.lang,
            section=readable(new.sections[address]) if address in new.sections else heading,
            old=without_numbers(readable(before.template), beside) if before else "",
            new=beside,
            with_numbers=any(number.source in differing for number in numbers),
            pages=(),
        )
        self._wording.setdefault(change, {})[code] = None


def readable(template: str) -> str:
    """Write a template for a reader."""
    return template.replace(MARK, HOLE)


def without_numbers(text: str, beside: str = "") -> str:
    """Take the numbers out of a text of A; those stay that B writes in the text beside it.

    >>> without_numbers("In 30 days 7 of 12", "In 30 days")
    'In 30 days … of …'
    """
    known = set(_NUMBER.findall(beside))
    return _NUMBER.sub(lambda found: found[0] if found[0] in known else HOLE, text)


def _changes(
    old: Sequence[One], new: Sequence[One], compare: Callable[[One, One], What]
) -> Iterator[tuple[int, One, What]]:
    """Pair exhibits section by section, and yield those that differ with their place in the section."""
    for section in dict.fromkeys(one.section for one in (*old, *new)):
        before = [one for one in old if one.section == section]
        after = [one for one in new if one.section == section]
        for place, (a, b) in enumerate(_pairs(before, after)):
            if a is None or b is None:
                one = a or b
                assert one is not None  # noqa: S101 - one of a pair is there
                yield place, one, {"appeared" if a is None else "vanished": 1}
            elif what := compare(a, b):
                yield place, b, what


def _pairs(old: list[One], new: list[One]) -> Iterator[tuple[One | None, One | None]]:
    """Pair exhibits with the same caption in order, then what is left over in order."""
    rest, unpaired = list(old), []
    for one in new:
        same = next((other for other in rest if other.caption == one.caption), None)
        if same is None:
            unpaired.append(one)
        else:
            rest.remove(same)
            yield same, one
    yield from zip_longest(rest, unpaired)


def _table(old: Exhibit, new: Exhibit, differing: frozenset[str]) -> What:
    both = [key for key in old.rows if key in new.rows]
    what = {
        "caption": int(old.caption != new.caption),
        "columns": int(old.columns != new.columns),
        "rows_new": sum(key not in old.rows for key in new.rows),
        "rows_gone": sum(key not in new.rows for key in old.rows),
        "order": int(both != [key for key in new.rows if key in old.rows]),
        "numbers": len((old.sources | new.sources) & differing),
        "cells": sum(_cells(old.rows[key], new.rows[key]) for key in both),
    }
    return {name: count for name, count in what.items() if count}


def _cells(old: tuple[str, ...], new: tuple[str, ...]) -> int:
    return sum(a != b for a, b in zip_longest(old, new))


def _picture(old: Picture, new: Picture) -> What:
    what = {
        "caption": int(old.caption != new.caption),
        "description": _pieces(old.alt, new.alt) if old.alt != new.alt else 0,
        "picture": int(old.digest != new.digest),
    }
    return {name: count for name, count in what.items() if count}


def _pieces(old: str, new: str) -> int:
    """Count the statements of a description that differ; one number more or less is one."""
    before, after = (Counter(text.replace(". ", "; ").split("; ")) for text in (old, new))
    return max((before - after).total(), (after - before).total(), 1)


def _replaced(
    old: Sequence[Block], new: Sequence[Block]
) -> Iterator[tuple[Block | None, Block | None]]:
    """Yield blocks whose words differ, old beside new; None where there is none."""
    before = [(one.section, one.template) for one in old]
    after = [(one.section, one.template) for one in new]
    if before == after:
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from _beside(old[i1:i2], new[j1:j2])


def _beside(
    old: Sequence[Block], new: Sequence[Block]
) -> Iterator[tuple[Block | None, Block | None]]:
    """Pair blocks of the same section in order."""
    for section in dict.fromkeys(one.section for one in (*old, *new)):
        yield from zip_longest(
            [one for one in old if one.section == section],
            [one for one in new if one.section == section],
        )
