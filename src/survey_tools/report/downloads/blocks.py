"""What a page consists of, as plain values: headings, paragraphs, lists, tables with their numbers, pictures.

Not here: reading them from a page (`content`), or writing them to a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from survey_tools.report.numbers import MISSING, Lang


@dataclass(frozen=True)
class Number:
    """A number as the page shows it, with the value and the source that its `<data>` names.

    `value` is empty where the number is hidden or missing.
    """

    text: str
    value: str
    source: str


@dataclass(frozen=True)
class Line:
    """A line of a table cell: texts and numbers in their order; a small line stands below a figure."""

    pieces: tuple[str | Number, ...]
    small: bool = False

    @property
    def text(self) -> str:
        """What a reader sees."""
        return "".join(p if isinstance(p, str) else p.text for p in self.pieces).strip()

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Its numbers, the hidden ones among them."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Number))

    @property
    def words(self) -> str:
        """What is no number."""
        return " ".join(piece for piece in self.pieces if isinstance(piece, str))


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """Its lines, one below the other."""
        return "\n".join(line.text for line in self.lines)

    @property
    def numbers(self) -> tuple[Number, ...]:
        """The numbers of all lines."""
        return tuple(number for line in self.lines for number in line.numbers)

    @property
    def hidden(self) -> bool:
        """Whether it shows nothing but the sign for a missing number."""
        return self.text == MISSING


@dataclass(frozen=True)
class Heading:
    """A heading, its level (1 is the page's) and its address in the page."""

    text: str
    level: int
    key: str = ""


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; a `banner` is the notice above a page, a `note` small print, `big` a key figure."""

    text: str
    kind: Literal["text", "banner", "note", "big"] = "text"


@dataclass(frozen=True)
class Bullets:
    """A list, with numbers or without."""

    items: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Table:
    """A table, one heading a column; `texts` says which columns hold text."""

    caption: str
    heads: tuple[str, ...]
    texts: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A figure as PNG; `width` in CSS pixels, 0 where the page does not say."""

    png: bytes = field(repr=False)
    alt: str
    caption: str
    width: int = 0


Block = Heading | Paragraph | Bullets | Table | Picture


@dataclass(frozen=True)
class Content:
    """A page: its language and title, what it says of itself (`FACTS`), and its blocks in order."""

    lang: Lang
    title: str
    facts: dict[str, str]
    blocks: tuple[Block, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """Its tables in order."""
        return tuple(block for block in self.blocks if isinstance(block, Table))
