"""Find likely names of people in Vietnamese text, with or without diacritics.

Knows no person: it goes by titles, surnames, given names and capitals (`name_words`), so that it errs in both
directions.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from survey_tools.clean.personal_data.name_words import (
    BETWEEN,
    CALLS,
    GIVEN,
    GIVEN_ALONE,
    GIVEN_FOLDED,
    MIDDLE,
    NO_TITLE_AFTER,
    NOT_AFTER_TITLE,
    PLACE_BEFORE,
    PLACES,
    SHORTENED,
    SURNAMES,
    SURNAMES_FOLDED,
    SURNAMES_PLAIN,
    SURNAMES_SMALL,
    SURNAMES_SURE,
    TITLES,
    TITLES_ALONE,
    TITLES_FOLDED,
    fold,
)

LONGEST = 5
"""Syllables that a name has at most."""

_WORD = re.compile(r"[^\W\d_]+")


@dataclass(slots=True)
class _Word:
    text: str
    low: str
    folded: str
    start: int
    end: int
    gap: str
    """What stands between it and the word before."""

    @property
    def joined(self) -> bool:
        return self.gap == " "

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()


def find_names(text: str, places: Collection[str] = ()) -> list[tuple[int, int]]:
    """Find stretches that are likely names of people.

    Taken for a name: capitalised words after a title (`chị Lan`, `vợ là Lan`); a surname followed by
    capitalised words that end in a given name or have `Văn` or `Thị` between (`Trần Văn Bình`,
    `TRAN VAN BINH`), after some surnames any two; in small letters a surname, `văn` or `thị` and a given
    name, some surnames and two or three given names, and some given names after a title. Not taken: what
    follows a word such as xã, đường or trường, and names of places.

    Parameters
    ----------
    text : str
        Letters composed (NFC).
    places : collection of str
        Further names that are places, folded by `name_words.fold`.

    Returns
    -------
    list of (int, int)
        Without the title.
    """
    words = _split(text)
    shouting = text.upper() == text
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(words):
        length = _name_at(words, at, places, shouting=shouting, ascii_only=text.isascii())
        if length:
            found.append((words[at].start, words[at + length - 1].end))
        at += length or 1
    return found


def _split(text: str) -> list[_Word]:
    words: list[_Word] = []
    end = 0
    for match in _WORD.finditer(text):
        word, gap = match[0], text[end : match.start()] if words else ""
        if gap == ". " and len(words[-1].text) == 1:
            gap = " "  # an initial
        words.append(_Word(word, word.lower(), fold(word), match.start(), match.end(), gap))
        end = match.end()
    return words


def _name_at(
    words: list[_Word], at: int, places: Collection[str], *, shouting: bool, ascii_only: bool
) -> int:
    """Count the words of the name that begins at `at`; 0 where none does."""
    before = words[at - 1] if at > 0 and words[at].gap in (" ", ": ") else None
    if at > 0 and words[at].gap in (". ", ".") and words[at - 1].low in SHORTENED:
        before = words[at - 1]
    if before is not None and words[at].joined and before.low in PLACE_BEFORE:
        return 0
    length = _with_surname(words, at, places, shouting=shouting, ascii_only=ascii_only)
    if length or before is None:
        return length
    return _after_title(words, at, places, shouting=shouting, ascii_only=ascii_only)


def _run(words: list[_Word], at: int) -> list[_Word]:
    """Capitalised words in a row from `at`."""
    run = [words[at]]
    for word in words[at + 1 : at + LONGEST]:
        if not (word.joined and word.capital):
            break
        run.append(word)
    return run


def _is_place(run: list[_Word], places: Collection[str]) -> bool:
    name = " ".join(word.folded for word in run)
    return name in PLACES or name in places


def _with_surname(
    words: list[_Word], at: int, places: Collection[str], *, shouting: bool, ascii_only: bool
) -> int:
    first = words[at]
    middle = at + 1 < len(words) and words[at + 1].joined and words[at + 1].low in MIDDLE
    plain = SURNAMES_PLAIN if middle else SURNAMES_FOLDED
    if first.low not in SURNAMES and not (first.text.isascii() and first.folded in plain):
        return 0
    if not first.capital:
        return _in_small_letters(words, at)
    run = _run(words, at)
    while len(run) > 1 and run[-1].low in NOT_AFTER_TITLE and run[-1].low not in GIVEN:
        run.pop()
    for length in range(len(run), 1, -1):
        part = run[:length]
        if _is_place(part, places):
            return 0
        if _likely(part, shouting=shouting, ascii_only=ascii_only):
            return length
    return 0


def _likely(run: list[_Word], *, shouting: bool, ascii_only: bool) -> bool:
    if len(run) >= 3 and (run[1].low in MIDDLE or len(run[1].text) == 1):
        return True
    given = run[-1].low in GIVEN or (run[-1].text.isascii() and run[-1].folded in GIVEN_FOLDED)
    if len(run) in (3, 4) and not shouting and run[0].low in SURNAMES_SURE:
        return True
    if shouting or (ascii_only and run[0].low not in SURNAMES):
        # without the help of capitals or diacritics two words are too few
        return given and len(run) >= 3
    return given


def _in_small_letters(words: list[_Word], at: int) -> int:
    run = [words[at]]
    for word in words[at + 1 : at + 4]:
        if not word.joined:
            break
        run.append(word)
    for length in range(len(run), 2, -1):
        middle, last = run[1 : length - 1], run[length - 1]
        if not all(word.low in BETWEEN or word.low in MIDDLE for word in middle):
            continue
        if middle[0].low in MIDDLE and last.folded in GIVEN_FOLDED:
            return length
        if run[0].low in SURNAMES_SMALL and last.low in GIVEN:
            return length
    return 0


def _after_title(
    words: list[_Word], at: int, places: Collection[str], *, shouting: bool, ascii_only: bool
) -> int:
    first, place = words[at], at - 1
    if words[place].low in ("là", "la") and words[place].joined and place:
        place -= 1
    title = words[place]
    earlier = words[place - 1].low if place and title.joined else ""
    if earlier in NO_TITLE_AFTER or earlier in PLACE_BEFORE:
        return 0
    plain = ascii_only and title.folded in TITLES_FOLDED
    if title.low in CALLS and title.gap != "":
        run = _run(words, at)
        known = first.capital and not shouting and run[-1].low in GIVEN
        return len(run) if known and not _is_place(run, places) else 0
    if title.low not in TITLES and not plain:
        return 0
    if not first.capital:
        return int(title.low in TITLES_ALONE and first.low in GIVEN_ALONE and not plain)
    run = _run(words, at)
    shouting = shouting or all(word.text.isupper() for word in run)
    if first.low in NOT_AFTER_TITLE or _is_place(run, places) or len(first.text) < 2:
        return 0
    if (plain or shouting) and run[-1].folded not in GIVEN_FOLDED:
        return 0
    if shouting and len(run) < 2:
        return 0
    return len(run)
