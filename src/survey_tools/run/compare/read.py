"""Read a finished page: its traced numbers, sentences, tables and figures.

Code folds, navigation, items that are a link alone, and the section on where the figures come from are
left out: they name run and moment, or pages beside this one. Pictures are kept as a digest. Not here:
what is kept (survey_tools.run.compare.contents), or comparing it.
"""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from survey_tools.errors import RunError
from survey_tools.run.compare.contents import MARK, Block, Contents, Exhibit, Number, Picture

PROVENANCE = "provenance"
"""Address of the section that says where the figures come from."""

_NAME = re.compile(r"(?P<code>[^.]+)(\.(?P<lang>[a-z]{2}))?\.html")
_LANG = re.compile(rb"<html[^>]*\blang=\"([a-z]{2})")
_PICTURE = re.compile(r"(?<=src=\")data:[^\"]*")
_BLOCKS = frozenset({
    "p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "figcaption", "caption", "dt", "dd", "th", "td", "summary",
    "pre", "div", "ul", "ol", "dl", "section", "tr", "table", "figure", "details", "blockquote", "main",
})  # fmt: skip
_ABOUT = re.compile(r"(?:\b(?:khoảng|about)|≈)\s*$", re.IGNORECASE)
"""Words before an estimate that was rounded because few answered; in a cell it has `FEW_MARK` behind it."""
FEW_MARK = "*"
_SILENT = frozenset({"script", "style"})


def page_of(name: str) -> tuple[str, str | None] | None:
    """Part the name of a file into the page's code and its language; None where it is no page."""
    found = _NAME.fullmatch(name)
    return (found["code"], found["lang"]) if found else None


def read_page(path: Path) -> Contents:
    """Read one page.

    Raises
    ------
    RunError
        When the file cannot be read, or is no whole page of this package.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise _broken(path, error.strerror or type(error).__name__) from error
    return parse_page(path, source)


def parse_page(path: Path, source: bytes) -> Contents:
    """Read the content of one page; `path` gives its code and stands in errors. See `read_page`."""
    start, end = source.find(b"<main"), source.rfind(b"</main>")
    lang, name = _LANG.search(source[:2000]), page_of(path.name)
    if name is None or lang is None or start < 0 or end < start or b"</html>" not in source[end:]:
        raise _broken(path, "a file without its beginning or its end")
    try:
        text = source[start:end].decode("utf-8")
    except UnicodeDecodeError as error:
        raise _broken(path, "bytes that are no UTF-8") from error
    reader = _Reader()
    reader.feed(_PICTURE.sub(lambda found: _digest(found[0].encode()), text))
    reader.close()
    reader.flush()
    if reader.unclosed:
        raise _broken(path, f"<{reader.unclosed}> that is not closed")
    return Contents(
        code=name[0],
        lang=lang[1].decode(),
        digest=hashlib.sha256(source).hexdigest(),
        numbers=tuple(reader.numbers),
        blocks=tuple(reader.blocks),
        tables=tuple(reader.tables),
        pictures=tuple(reader.pictures),
        sections=reader.sections,
    )


class _Reader(HTMLParser):
    """Walk through the main part of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.numbers: list[Number] = []
        self.blocks: list[Block] = []
        self.tables: list[Exhibit] = []
        self.pictures: list[Picture] = []
        self.sections: dict[str, str] = {}
        self._section = ""
        self._text: list[str] = []
        self._held: list[Number] = []
        self._number: tuple[str, str] | None = None
        self._written: list[str] = []
        self._about = self._ended = False
        self._fold, self._silent = 0, False
        self._in_link, self._linked, self._said = False, False, False
        self._table: _TableReader | None = None
        self._image: tuple[str, str] | None = None

    @property
    def unclosed(self) -> str:
        """What was begun and not ended; empty where all was."""
        return "data" * (self._number is not None) or "table" * (self._table is not None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent, self._ended = tag in _SILENT, False
        if self._fold or tag == "details":
            self._skip(tag, attrs)
            if self._fold:
                return
        given = dict(attrs)
        if tag == "data":
            # one text a source, however many pages it stands on
            source = sys.intern(given.get("data-source") or "")
            self._number, self._written = (source, given.get("value") or ""), []
            before = self._text[-1] if self._text else ""
            self._about = source.endswith("#estimate") and bool(_ABOUT.search(before))
        elif tag == "img":
            self._image = (given.get("alt") or "", given.get("src") or "")
        elif tag == "a":
            self._in_link = self._linked = True
        elif tag == "br":
            self._text.append(" ")
        elif tag in _BLOCKS:
            self.flush()
            self._open(tag, given)

    def _open(self, tag: str, given: dict[str, str | None]) -> None:
        if tag == "h2":
            self._section = given.get("id") or ""
        elif tag == "table":
            self._table = _TableReader(self._section)
        elif self._table is not None and tag in ("tr", "th", "td"):
            self._table.open(tag, given)

    def handle_endtag(self, tag: str) -> None:
        self._silent = self._ended = False
        if self._fold:
            self._fold -= tag == "details"
            return
        if tag == "data" and self._number is not None:
            number = Number(*self._number, "".join(self._written).strip(), self._about)
            self._number, self._ended = None, True
            self._held.append(number)
            self.numbers.append(number)
            self._text.append(MARK)
        elif tag == "a":
            self._in_link = False
        elif tag in _BLOCKS:
            self.flush(tag)
            if tag == "figure" and self._image is not None:
                self.pictures.append(Picture(self._section, "", *self._image))
                self._image = None
            elif tag == "table" and self._table is not None:
                self.tables.append(self._table.exhibit())
                self._table = None

    def handle_data(self, data: str) -> None:
        if self._fold or self._silent:
            return
        if self._ended and data.startswith(FEW_MARK):
            self.numbers[-1] = self._held[-1] = replace(self.numbers[-1], rounded=True)
        self._ended = False
        self._said = self._said or not (self._in_link or data.isspace())
        (self._text if self._number is None else self._written).append(data)

    def flush(self, tag: str = "") -> None:
        """End the block that is being read; `tag` closes it, if any does."""
        template = " ".join("".join(self._text).split())
        numbers, self._text, self._held = tuple(self._held), [], []
        only_links = self._linked and not self._said and not numbers
        self._linked = self._said = False
        if self._table is not None and tag in ("th", "td", "caption"):
            self._table.add(tag, template, numbers)
            return
        if not template or only_links:
            return
        if tag == "h2" and self._section:
            self.sections[self._section] = template
        if tag == "figcaption" and self._image is not None:
            self.pictures.append(Picture(self._section, template, *self._image))
            self._image = None
        if self._section != PROVENANCE:
            self.blocks.append(Block(self._section, template, numbers))

    def _skip(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count how deep a fold of code is."""
        if self._fold:
            self._fold += tag == "details"
        elif "code" in (dict(attrs).get("class") or "").split():
            self.flush()
            self._fold = 1


class _TableReader:
    """Gather one table."""

    def __init__(self, section: str) -> None:
        self.section, self.caption = section, ""
        self.columns: list[str] = []
        self.rows: dict[str, tuple[str, ...]] = {}
        self.sources: set[str] = set()
        self._key: list[str] = []
        self._cells: list[str] = []
        self._kind = ""

    def open(self, tag: str, given: dict[str, str | None]) -> None:
        """Begin a row or a cell."""
        if tag == "tr":
            self._end_row()
        elif given.get("scope") == "col":
            self._kind = "column"
        elif tag == "th" or "text" in (given.get("class") or "").split():
            self._kind = "key"
        else:
            self._kind = "cell"

    def add(self, tag: str, template: str, numbers: tuple[Number, ...]) -> None:
        """End a cell or the caption."""
        self.sources.update(number.source for number in numbers)
        if tag == "caption":
            self.caption = template
        elif self._kind == "column":
            self.columns.append(template)
        else:
            (self._key if self._kind == "key" else self._cells).append(template)

    def exhibit(self) -> Exhibit:
        """Return the table."""
        self._end_row()
        return Exhibit(
            self.section, self.caption, tuple(self.columns), self.rows, frozenset(self.sources)
        )

    def _end_row(self) -> None:
        if self._key or self._cells:
            key = name = " | ".join(self._key)
            times = 1
            while key in self.rows:
                times += 1
                key = f"{name} ({times})"
            self.rows[key] = tuple(self._cells)
        self._key, self._cells = [], []


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _broken(path: Path, found: str) -> RunError:
    return RunError(
        "A page cannot be read.",
        expected="a whole HTML page of a run",
        found=found,
        where=f"{path.parent.name}/{path.name}",
        next_step="make the page again (survey-tools report --force), or fetch the copy again",
    )
