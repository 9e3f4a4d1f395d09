"""Read what may be published although it looks personal; each line says why.

Allows no private value of this workspace: a list that does is refused.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from survey_tools.clean.personal_data.name_words import fold
from survey_tools.clean.personal_data.text import KINDS, find_personal_text, national_digits
from survey_tools.errors import ParamsError
from survey_tools.run.scan.known import Known

ALLOW_FILE = "params/scan_allow.csv"
COLUMNS = ("kind", "text", "where", "reason")
KNOWN_KINDS = (*KINDS, "token")

NEVER = ("data", "reports")
"""Folders for which nothing is allowed by pattern."""

_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Entry:
    """One line: a kind, a text (may hold `*` and `?`), the files that it is allowed in, and the reason."""

    kind: str
    text: str
    where: str
    reason: str
    line: int = 0

    @property
    def plain(self) -> str:
        """Text as it is compared."""
        return comparable(self.kind, self.text)

    @property
    def is_pattern(self) -> bool:
        """Whether the text stands for many."""
        return bool(_WILD.search(self.text))

    def allows(self, kind: str, text: str, file: str) -> bool:
        """Whether it allows `text` of `kind` in `file`."""
        if kind != self.kind or not fnmatchcase(file, self.where or "*"):
            return False
        plain = comparable(kind, text)
        return fnmatchcase(plain, self.plain) if self.is_pattern else plain == self.plain


@dataclass(frozen=True)
class Allowed:
    """What may be published although it looks personal.

    `invented` says that the study is simulated: then a value that is known may stand in files that an
    entry names, such as the program that invents it.
    """

    entries: tuple[Entry, ...] = ()
    invented: bool = False

    def allows(self, kind: str, text: str, file: str, *, known: bool = False) -> bool:
        """Whether a finding may stand; one that is known only where the study is simulated."""
        if known and not self.invented:
            return False
        here = [entry for entry in self.entries if entry.where or not known]
        if file == ALLOW_FILE:
            return any(entry.plain == comparable(entry.kind, text) for entry in here)
        return any(entry.allows(kind, text, file) for entry in here)


def comparable(kind: str, text: str) -> str:
    """Write a text so that two ways of writing it are alike.

    >>> comparable("phone", "0301 234 567"), comparable("name", "Nguyễn  Văn A")
    ('0301234567', 'nguyen van a')
    """
    if kind == "phone" and not _WILD.search(text):
        return national_digits(text)
    if kind in ("phone", "identity_number", "account_number", "household_code"):
        return re.sub(r"[^0-9a-z*?\[\]!]", "", text.lower())
    return " ".join(fold(text).split())


def read_allowed(root: Path, known: Known, *, invented: bool) -> Allowed:
    """Read `params/scan_allow.csv` of a workspace; nothing is allowed without it.

    Raises
    ------
    ParamsError
        Names the line without a known kind, a text or a reason; the one with a pattern that names no
        files, or files below `data/` or `reports/`; and the one that allows a private value of this
        workspace.
    """
    path = root / ALLOW_FILE
    if not path.is_file():
        return Allowed(invented=invented)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
            raise ParamsError(
                "The list of what may be published lacks columns.",
                expected=", ".join(missing),
                where=f"{ALLOW_FILE}, line 1",
            )
        entries = [
            Entry(**{name: (row[name] or "").strip() for name in COLUMNS}, line=reader.line_num)
            for row in reader
        ]
    for entry in entries:
        for what, expected in _faults(entry, known, invented=invented):
            raise ParamsError(what, expected=expected, where=f"{ALLOW_FILE}, line {entry.line}")
    return Allowed(tuple(entries), invented)


def _faults(entry: Entry, known: Known, *, invented: bool) -> Iterator[tuple[str, str]]:
    if entry.kind not in KNOWN_KINDS:
        yield "A line allows no known kind of personal data.", " or ".join(KNOWN_KINDS)
    if not entry.text or not entry.reason:
        yield "A line says not what it allows, or not why.", "text and reason"
    top = entry.where.split("/")[0]
    if entry.is_pattern and (not top or top in NEVER or _WILD.search(top)):
        yield (
            "A pattern is allowed everywhere.",
            f"where: files of the project, not below {' or '.join(NEVER)}",
        )
    if not entry.is_pattern and _is_known(entry, known) and not (invented and entry.where):
        yield "A line allows what is a private value of this workspace.", "values that are public"


def _is_known(entry: Entry, known: Known) -> bool:
    texts = {entry.text, *(entry.text[s.start : s.end] for s in find_personal_text(entry.text))}
    return any(True for text in texts for _ in known.find(text))
