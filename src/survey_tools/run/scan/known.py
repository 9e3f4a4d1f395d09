"""Know the private values of this workspace, and find them in text however they are written.

Guesses nothing: every value is one that stands in `data/private/` or in the environment. Shows none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from survey_tools.clean.personal_data.name_words import fold
from survey_tools.clean.personal_data.text import find_personal_text, national_digits
from survey_tools.errors import DisclosureError
from survey_tools.params import Workspace
from survey_tools.run.kernels.failure import server_tokens

DECIMALS = 4
"""Decimals from which on a latitude and a longitude are a home and no figure."""

NEAR = 60
"""Letters within which the one follows the other."""

TOKEN = 16
"""Letters that a token has at least; no server gives shorter ones."""

WORDS = 2
"""Words that a known name has at least; shorter ones stand in any text."""

CODE_LISTS = ("sample.csv", "duplicates.csv")
"""Tables of `data/private/` that list household codes."""

_PHONE = re.compile(
    r"(?<!\d)(?=((?:(?:\+|00)?84|\(?0)(?:[ .\-–()/,_'\u00a0\u202f\u200b]{0,3}\d){8,10})(?!\d))"
)
_PLAIN_PHONE = re.compile(r"0\d{8,10}")
_NUMBER = re.compile(r"(?<!\d)(?<!\d\.)(\d{8,14})(?:\.0+)?(?!\d|\.\d)")
"""A whole number that stands by itself, maybe with zeros behind the point; no digits of a fraction."""

_RUN = re.compile(r"(?<![\d.,])\d{10,}")
_DECIMAL = re.compile(rf"(?<!\d)(\d{{1,3}})[.,](\d{{{DECIMALS},}})(?!\d)")
_CODE = re.compile(
    r"(?<!\d)(?=(\d{5}[ \-–_]?T\d{2}[ \-–_]?H\d{3}[ \-–_]?[0-6])(?!\d))", re.IGNORECASE
)
_GROUPS = re.compile(r"\d+(?:[ .\-]\d+)*")
_LETTERED = re.compile(r"[A-Za-z]{1,2} ?\d{6,}")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_WORD = re.compile(r"[^\W\d_]+")

Found = tuple[int, int, str]


@dataclass(frozen=True)
class Known:
    """Private values, in the form in which text is held against them.

    Attributes
    ----------
    phones : set of str
        As dialled inside the country.
    positions : dict of str to set of str
        Latitude -> its longitudes, and the other way round; point before decimals, no zeros at the end.
    codes : set of str
        Household codes in capitals, without hyphens.
    numbers : dict of str to str
        Identity and account numbers without separators -> kind.
    emails : set of str
    names : dict of str to set of tuple of str
        First word, folded -> names as words in small letters.
    tokens : set of str
        The server's token.
    """

    phones: frozenset[str] = field(default=frozenset(), repr=False)
    positions: dict[str, set[str]] = field(default_factory=dict, repr=False)
    codes: frozenset[str] = field(default=frozenset(), repr=False)
    numbers: dict[str, str] = field(default_factory=dict, repr=False)
    emails: frozenset[str] = field(default=frozenset(), repr=False)
    names: dict[str, set[tuple[str, ...]]] = field(default_factory=dict, repr=False)
    tokens: frozenset[str] = field(default=frozenset(), repr=False)

    def __len__(self) -> int:
        """Count all values."""
        sets = (self.phones, self.positions, self.codes, self.numbers, self.emails, self.tokens)
        return sum(map(len, sets)) + sum(map(len, self.names.values()))

    def find(self, text: str, *, alone: bool = False) -> Iterator[Found]:
        """Yield where a known value stands in a text: start, end and kind.

        Phones, positions, codes and numbers are found with whatever separators and country code; phones
        also as a number that lost its 0, as tables write it (`398123457`, `398123457.0`); names in
        whatever case, and from three words on also without diacritics.

        Parameters
        ----------
        text : str
        alone : bool
            Whether a latitude without its longitude counts, as in a column of numbers. In prose it may
            be any figure: with a hundred thousand households every latitude of the district is one.
        """
        if self.phones:
            yield from self._phones(text)
        if self.positions:
            yield from self._positions(text, alone)
        if self.codes:
            yield from ((m.start(1), m.end(1), "household_code") for m in _CODE.finditer(text)
                        if _bare(m[1]).upper() in self.codes)  # fmt: skip
        if self.numbers:
            yield from ((start, end, self.numbers[number]) for start, end, number in _numbers(text)
                        if number in self.numbers)  # fmt: skip
        if self.emails:
            yield from ((*m.span(), "email") for m in _EMAIL.finditer(text)
                        if m[0].lower() in self.emails)  # fmt: skip
        for token in self.tokens:
            yield from ((at, at + len(token), "token") for at in _places(text, token))
        if self.names:
            yield from self._names(text)

    def _phones(self, text: str) -> Iterator[Found]:
        ends = set()
        for match in _PHONE.finditer(text):
            if national_digits(match[1]) in self.phones:
                ends.add(match.end(1))
                yield match.start(1), match.end(1), "phone"
        for match in _NUMBER.finditer(text):
            if match.end(1) not in ends and self._is_phone(match[1]):
                yield match.start(1), match.end(1), "phone"
        for match in _RUN.finditer(text):
            digits = match[0]
            for at in _places(digits, "0"):
                for length in (10, 11):
                    if digits[at : at + length] in self.phones and len(digits) > length:
                        yield match.start() + at, match.start() + at + length, "phone"

    def _is_phone(self, digits: str) -> bool:
        return f"0{digits}" in self.phones or national_digits(digits) in self.phones

    def _positions(self, text: str, alone: bool) -> Iterator[Found]:
        last: tuple[str, int, int] | None = None
        for match in _DECIMAL.finditer(text):
            number = _decimal(match)
            if number not in self.positions:
                continue
            if alone:
                yield *match.span(), "position"
            elif last and match.start() - last[2] <= NEAR and last[0] in self.positions[number]:
                yield last[1], match.end(), "position"
            last = (number, *match.span())

    def _names(self, text: str) -> Iterator[Found]:
        words = list(_WORD.finditer(text))
        low = [word[0].lower() for word in words]
        for at, word in enumerate(low):
            for name in self.names.get(fold(word), ()):
                last = at + len(name) - 1
                if last < len(words) and _same(low[at : last + 1], name):
                    gaps = words[last].start() - words[at].start() - sum(map(len, name[:-1]))
                    if gaps <= 3 * (len(name) - 1):
                        yield words[at].start(), words[last].end(), "name"


def read_known(ws: Workspace, places: Collection[str] = ()) -> Known:
    """Read the private values of a workspace; what is not there yet is not known.

    Parameters
    ----------
    ws : Workspace
        `contacts`, `locations`, `free_text` and the lists of codes of `data/private/`; the token of the
        environment.
    places : collection of str
        Names that are no people, from `clean.place_names`.

    Raises
    ------
    DisclosureError
        When one of these tables is damaged.
    """
    of_kind: dict[str, set[str]] = {}
    for table, column in (("free_text", "text"), ("contacts", "value")):
        for kind, text in _in_texts(_values(ws.private / f"{table}.parquet", column), places):
            of_kind.setdefault(kind, set()).add(text)
    numbers = {
        _bare(text): kind
        for kind in ("identity_number", "account_number")
        for text in of_kind.get(kind, ())
    }
    return Known(
        phones=frozenset(map(national_digits, of_kind.get("phone", ()))),
        positions=_partners(
            [*_coordinates(ws.private / "locations.parquet"), *of_kind.get("position", ())]
        ),
        codes=frozenset(_codes(ws)),
        numbers=numbers,
        emails=frozenset(text.lower() for text in of_kind.get("email", ())),
        names=_by_first_word(of_kind.get("name", ())),
        tokens=frozenset(token for token in server_tokens() if len(token) >= TOKEN),
    )


def _in_texts(texts: Iterable[str], places: Collection[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        if _PLAIN_PHONE.fullmatch(text):
            yield "phone", text
            continue
        for span in find_personal_text(text, places=places):
            yield span.kind, text[span.start : span.end]


def _values(path: Path, column: str) -> list[str]:
    table = _table(path)
    return [] if table is None else [str(value) for value in table[column].dropna().unique()]


def _table(path: Path) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are among them
        raise DisclosureError(
            "A private table cannot be read, so that nothing can be held against it.",
            found=type(error).__name__,
            where=f"data/private/{path.name}",
            next_step="survey-tools run --from 20_clean makes it anew",
        ) from error


def _coordinates(path: Path) -> Iterator[str]:
    """Write each position as text, latitude first."""
    frame = _table(path)
    if frame is None:
        return
    for column in [c for c in frame.columns if c.endswith("_lat")]:
        pair = frame[[column, column.removesuffix("_lat") + "_lon"]].dropna().drop_duplicates()
        yield from (f"{float(lat)!r} {float(lon)!r}" for lat, lon in pair.to_numpy())


def _partners(positions: Iterable[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for text in positions:
        pair = [_decimal(match) for match in _DECIMAL.finditer(text)]
        if len(pair) == 2:
            for one, other in (pair, reversed(pair)):
                found.setdefault(one, set()).add(other)
    return found


def _decimal(match: re.Match[str]) -> str:
    return f"{match[1]}.{match[2].rstrip('0')}"


def _codes(ws: Workspace) -> Iterator[str]:
    files = [ws.file("sample"), *(ws.private / name for name in CODE_LISTS)]
    for path in dict.fromkeys(files):
        if path.is_file():
            frame = pd.read_csv(path, dtype=str, encoding="utf-8-sig")
            if "hhid" in frame:
                yield from (_bare(code).upper() for code in frame["hhid"].dropna().unique())


def _by_first_word(names: Iterable[str]) -> dict[str, set[tuple[str, ...]]]:
    found: dict[str, set[tuple[str, ...]]] = {}
    for name in names:
        words = tuple(word.lower() for word in _WORD.findall(name))
        if len(words) >= WORDS:
            found.setdefault(fold(words[0]), set()).add(words)
    return found


def _same(words: list[str], name: tuple[str, ...]) -> bool:
    if tuple(words) == name:
        return True
    return len(name) > WORDS and list(map(fold, words)) == list(map(fold, name))


def _numbers(text: str) -> Iterator[tuple[int, int, str]]:
    """Numbers of 6 to 19 digits, in groups or not, and those with letters before; start, end, digits."""
    for run in _GROUPS.finditer(text):
        groups = list(re.finditer(r"\d+", run[0]))
        for at, first in enumerate(groups):
            digits = ""
            for group in groups[at:]:
                digits += group[0]
                if len(digits) > 19:
                    break
                if len(digits) >= 6:
                    yield run.start() + first.start(), run.start() + group.end(), digits
    for match in _LETTERED.finditer(text):
        yield *match.span(), _bare(match[0])


def _bare(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", text)


def _places(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)
