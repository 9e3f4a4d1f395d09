"""Find personal data in stretches of text: what is known of this workspace, and what looks like it.

Never tells a value: only where it stands and of what kind it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from survey_tools.clean.personal_data.screen import place_names
from survey_tools.clean.personal_data.text import KINDS, Span, find_personal_text, masked
from survey_tools.params import Workspace
from survey_tools.run.scan.allowed import Allowed, read_allowed
from survey_tools.run.scan.known import Known, read_known
from survey_tools.run.scan.markup import APART
from survey_tools.run.scan.readers import NotRead, Piece, read_bytes

WORDS = {**KINDS, "token": "server token"}
"""Kinds of findings, and what they are called in a message."""

REMEMBERED = 200_000
"""Lines whose findings are kept in mind."""

_TOKEN = re.compile(r"\btoken\b[\s:=\"'`]{1,4}([0-9a-f]{40})\b", re.IGNORECASE)
_LINE = re.compile(rf"[^\n{APART}]+")


@dataclass(frozen=True, order=True)
class Finding:
    """Something personal: the file, the place in it, the kind, and whether the very value is known."""

    file: str
    place: str
    kind: str
    known: bool

    def __str__(self) -> str:
        """Say where and what, not the value."""
        where = f"{self.file}: {self.place}" if self.place else self.file
        word = WORDS[self.kind]
        article = "an" if word[0] in "aeiou" else "a"
        return f"{where}: {'a known' if self.known else f'what looks like {article}'} {word}"


@dataclass(frozen=True)
class Unread:
    """A file, or a part of it, that could not be read, and why."""

    file: str
    place: str
    why: str

    def __str__(self) -> str:
        """Say where and why."""
        where = f"{self.file}: {self.place}" if self.place else self.file
        return f"{where}: not read ({self.why})"


T = TypeVar("T", Finding, Unread)


@dataclass(frozen=True)
class Scanner:
    """Finds personal data in text and files; loaded once for many pages.

    Attributes
    ----------
    known : Known
        Private values of the workspace.
    allowed : Allowed
        What may be published although it looks personal.
    places : frozenset of str
        Names that are no people.
    """

    known: Known = field(default_factory=Known, repr=False)
    allowed: Allowed = field(default_factory=Allowed, repr=False)
    places: frozenset[str] = frozenset()
    _seen: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict, repr=False)

    def scan(self, file: str, content: bytes) -> tuple[list[Finding], list[Unread]]:
        """Scan the content of one file.

        Parameters
        ----------
        file : str
            Its name, as findings call it and as the list of what is allowed knows it.
        content : bytes

        Returns
        -------
        findings, unread : list of Finding, list of Unread
            Each place and kind once, in the order of the file.
        """
        findings: dict[Finding, None] = {}
        unread: dict[Unread, None] = {}
        for part in (Piece("name of the file", file, lines=False), *read_bytes(file, content)):
            if isinstance(part, NotRead):
                unread[Unread(file, part.place, part.why)] = None
                part = Piece(part.place, part.content.decode("latin-1"), lines=False, words=False)
            findings |= dict.fromkeys(self._piece(file, part))
        return self._told(findings), self._told(unread)

    def _told(self, told: Iterable[T]) -> list[T]:
        """Blot names of files and of parts of files, too."""
        return [replace(one, file=self.blot(one.file), place=self.blot(one.place)) for one in told]

    def blot(self, text: str) -> str:
        """Write `[kind]` in place of what is personal, whatever is allowed.

        >>> Scanner().blot("KeyError: '0301234567'")
        "KeyError: '[phone]'"
        """
        spans = [Span(*known) for known in self.known.find(text)]
        for line in _LINE.finditer(text):
            for span in find_personal_text(line[0], places=self.places, bare_numbers=False):
                spans.append(Span(line.start() + span.start, line.start() + span.end, span.kind))
        spans += [Span(*match.span(1), "token") for match in _TOKEN.finditer(text)]
        return masked(text, spans)

    def _piece(self, file: str, piece: Piece) -> Iterator[Finding]:
        told = set()
        for start, end, kind in self.known.find(piece.text, alone=not piece.words):
            if not self.allowed.allows(kind, piece.text[start:end], file, known=True):
                told.add((place := _place(piece, start), kind))
                yield Finding(file, place, kind, known=True)
        if piece.words:
            for start, kind, text in self._likely(piece.text):
                place = _place(piece, start)
                if (place, kind) not in told and not self.allowed.allows(kind, text, file):
                    yield Finding(file, place, kind, known=False)

    def _likely(self, text: str) -> Iterator[tuple[int, str, str]]:
        """Yield what looks personal: where its line begins, its kind and the text."""
        for match in _TOKEN.finditer(text):
            yield match.start(), "token", match[1]
        for line in _LINE.finditer(text):
            for kind, found in self._in_line(line[0]):
                yield line.start(), kind, found

    def _in_line(self, line: str) -> tuple[tuple[str, str], ...]:
        """Look at a line, once for all pages that have it."""
        found = self._seen.get(line)
        if found is None:
            spans = find_personal_text(line, places=self.places, bare_numbers=False)
            found = tuple((span.kind, line[span.start : span.end]) for span in spans)
            if len(self._seen) < REMEMBERED:
                self._seen[line] = found
        return found


def _place(piece: Piece, start: int) -> str:
    if not piece.lines:
        return piece.place
    line = f"line {piece.text.count(chr(10), 0, start) + 1}"
    return f"{piece.place}, {line}" if piece.place else line


def open_scanner(ws: Workspace) -> Scanner:
    """Load what is known of a workspace, what it allows, and its places.

    Raises
    ------
    ParamsError
        When the list of what may be published is wrong; see `read_allowed`.
    DisclosureError
        When a table of `data/private/` cannot be read.
    """
    places = place_names(ws)
    known = read_known(ws, places)
    allowed = read_allowed(ws.root, known, invented=ws.study.study.synthetic)
    return Scanner(known, allowed, places)
