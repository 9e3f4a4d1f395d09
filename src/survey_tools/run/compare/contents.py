"""What a finished page shows, as far as it is compared: numbers, sentences, tables and figures.

Not here: reading it (survey_tools.run.compare.read).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MARK = "\ufffc"
"""Stands in a template where a traced number stands in the text."""


@dataclass(frozen=True, slots=True)
class Number:
    """A traced number: where it comes from, its value (empty where hidden), and how it is written.

    `rounded`: the page marks it as rounded because few answered, by `*` behind it or «about» before it.
    """

    source: str
    value: str
    text: str
    rounded: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A sentence, heading or note; `template` has `MARK` in place of each traced number."""

    section: str
    template: str
    numbers: tuple[Number, ...] = ()


@dataclass(frozen=True)
class Exhibit:
    """A table of a page: caption, column heads, and rows of cells as templates, by their heading."""

    section: str
    caption: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]
    sources: frozenset[str]


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure: what it is said to show, and a digest of the picture."""

    section: str
    caption: str
    alt: str
    digest: str


@dataclass(frozen=True)
class Contents:
    """What a page in one language shows. `sections` are headings by their address."""

    code: str
    lang: str
    digest: str
    numbers: tuple[Number, ...]
    blocks: tuple[Block, ...]
    tables: tuple[Exhibit, ...]
    pictures: tuple[Picture, ...]
    sections: Mapping[str, str] = field(default_factory=dict)
