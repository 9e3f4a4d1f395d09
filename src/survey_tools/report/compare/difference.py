"""What can differ between the pages of two runs: the parts of a comparison.

Run A is the earlier one or the one held against, run B the one that is looked at. Values and texts are
those of the pages. Of a number that run B does not show, or shows rounded, nothing is kept of run A.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

NumberKind = Literal["changed", "decimals", "appeared", "vanished", "hidden", "unhidden", "rounded"]
"""`decimals`: the value differs, but not as it is written. `hidden`, `unhidden`: suppressed in B, in A.
`rounded`: in B rounded because few answered, in A not."""

CauseKind = Literal["study", "data", "params", "code", "options", "versions"]


@dataclass(frozen=True)
class NumberChange:
    """A number that differs; the same number on several pages is one.

    Attributes
    ----------
    old, new : str
        Values as the pages hold them; empty where hidden or not there.
    texts : mapping
        Language -> how A and B write it.
    difference, relative : float or None
        B less A in the unit that is written, and relative to A; None where there are not two numbers.
    digits : int
        Decimals that are written.
    pages : tuple of str
        Codes of the pages where it stands.
    """

    kind: NumberKind
    source: str
    old: str
    new: str
    texts: Mapping[str, tuple[str, str]]
    pages: tuple[str, ...]
    difference: float | None = None
    relative: float | None = None
    digits: int = 0


@dataclass(frozen=True)
class ExhibitChange:
    """A table or figure that differs; `what` counts by kind what of it does.

    Kinds of a table: `appeared`, `vanished`, `caption`, `columns`, `rows_new`, `rows_gone`, `order`,
    `numbers` (traced ones), `cells` (whatever else is written). Of a figure: `appeared`, `vanished`,
    `caption`, `description`, `picture`.
    """

    exhibit: Literal["table", "figure"]
    lang: str
    section: str
    caption: str
    what: Mapping[str, int]
    pages: tuple[str, ...]


@dataclass(frozen=True)
class WordingChange:
    """A sentence that differs, with `…` in place of its traced numbers; empty where it is not there.

    In that of A `…` also stands for any other number that the one of B does not hold.
    `with_numbers`: one of the numbers in it differs too.
    """

    lang: str
    section: str
    old: str
    new: str
    with_numbers: bool
    pages: tuple[str, ...]


@dataclass(frozen=True)
class PageChange:
    """A page in only one of the runs: which run has it, and how its making went in the other."""

    code: str
    lang: str
    only_in: Literal["a", "b"]
    status: str


@dataclass(frozen=True)
class Fault:
    """What is wrong within one run, whatever the other says.

    Kinds: `languages` (the languages of a page carry different numbers), `values` (one number has two
    values), `altered` (a page is not as it was written), `unfinished`, `damaged` (the record), `no_record`.
    """

    kind: str
    run: Literal["a", "b"]
    what: str
    pages: tuple[str, ...]


@dataclass(frozen=True)
class Cause:
    """Something that the runs were made from and that differs; `key` names the sentence about it."""

    kind: CauseKind
    key: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reasons:
    """Why pages may differ: all that is recorded and differs, and what is not recorded."""

    causes: tuple[Cause, ...] = ()
    not_recorded: tuple[str, ...] = ()
    facts: tuple[tuple[str, Mapping[str, Any], str, str], ...] = ()
    """What each run was made from: key of its name, values for it, as A has it, as B has it."""

    @cached_property
    def kinds(self) -> tuple[CauseKind, ...]:
        """Kinds of causes, in the order of the way from answers to pages."""
        return tuple(dict.fromkeys(cause.kind for cause in self.causes))


@dataclass(frozen=True)
class Comparison:
    """All that differs between two runs. `pages` and `total` count pages and numbers of both together.

    `name_a` and `name_b` can stand in names of files, `label_a` and `label_b` are for a reader.
    """

    name_a: str
    name_b: str
    label_a: str
    label_b: str
    pages: int
    total: int
    synthetic: bool = False
    whole: bool = True
    """Whether both sides are pages; a list of numbers has no tables, figures and sentences."""
    numbers: tuple[NumberChange, ...] = ()
    exhibits: tuple[ExhibitChange, ...] = ()
    wording: tuple[WordingChange, ...] = ()
    only: tuple[PageChange, ...] = ()
    faults: tuple[Fault, ...] = ()
    reasons: Reasons = Reasons()

    @property
    def differs(self) -> bool:
        """Whether anything differs, or is wrong within a run."""
        return self.pages_differ or bool(self.faults)

    @property
    def pages_differ(self) -> bool:
        """Whether anything differs between the runs."""
        return bool(self.numbers or self.exhibits or self.wording or self.only)

    def of(self, *kinds: NumberKind) -> tuple[NumberChange, ...]:
        """Return the numbers that differ in one of these ways."""
        return tuple(one for one in self.numbers if one.kind in kinds)

    @cached_property
    def differing(self) -> int:
        """Count numbers that differ."""
        return len({one.source for one in self.numbers})

    def tables(self, lang: str) -> int:
        """Count tables that differ in a language; see `count`."""
        return count(lang, (one for one in self.exhibits if one.exhibit == "table"))

    def figures(self, lang: str) -> int:
        """Count figures that differ in a language; see `count`."""
        return count(lang, (one for one in self.exhibits if one.exhibit == "figure"))

    @cached_property
    def touched(self) -> int:
        """Count pages on which something differs."""
        found = {one.code for one in self.only}
        for one in self.numbers:
            found.update(one.pages)
        for exhibit in self.exhibits:
            found.update(exhibit.pages)
        for sentence in self.wording:
            found.update(sentence.pages)
        return len(found)


def count(lang: str, changes: Iterable[ExhibitChange | WordingChange]) -> int:
    """Count changes in a language; of the one that has the most where the pages have it not."""
    by_lang = Counter(one.lang for one in changes)
    return by_lang[lang] if lang in by_lang else max(by_lang.values(), default=0)
