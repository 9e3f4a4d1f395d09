"""Find what identifies a person in text that was typed: numbers, addresses, positions, likely names.

Decides nothing and shows nothing: it says where something stands and of what kind it is. Names are found by
likelihood: of 480 remarks with names that the finder was not tuned on, 405 are found; 59 of 60 full names, 32
of 60 given names in small letters after a title. `docs/privacy.md` says how that was measured.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from survey_tools.clean.personal_data.names import find_names

KINDS = {
    "household_code": "household code",
    "email": "email address",
    "position": "position",
    "identity_number": "identity number",
    "phone": "phone number",
    "account_number": "account number",
    "address": "address",
    "name": "name",
}
"""Kinds of personal data, and what they are called in a message."""


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of a text, `text[start:end]`, and the kind of personal data that it seems to be."""

    start: int
    end: int
    kind: str


def find_personal_text(
    text: str, *, places: Collection[str] = (), names: bool = True, bare_numbers: bool = True
) -> list[Span]:
    """Find personal data in a text.

    Letters may be composed or not (NFC, NFD), with or without diacritics, in capitals or not; digits may
    be parted by spaces, points, hyphens or signs that are not seen.

    Parameters
    ----------
    text : str
    places : collection of str
        Names of places that are not taken for people, folded by `name_words.fold`.
    names : bool
        Whether to look for names, too.
    bare_numbers : bool
        Whether nine digits without a word before are taken for an old identity card; they may as well
        be the number of a submission.

    Returns
    -------
    list of Span
        In order, none overlapping another; positions are those of `text` as it was given.

    Examples
    --------
    >>> find_personal_text("Gọi 0301 234 567 gặp chị Lan")
    [Span(start=4, end=16, kind='phone'), Span(start=25, end=28, kind='name')]
    """
    plain, origin = _composed(text)
    masked = _HARMLESS.sub(_blank, plain)
    found: list[Span] = []
    for kind, find in _FINDERS if _MAY_HOLD_NUMBER.search(masked) else ():
        if find is _find_old_cards and not bare_numbers:
            continue
        for start, end in find(masked):
            found.append(Span(origin[start], origin[end - 1] + 1, kind))
            masked = masked[:start] + _blanks(end - start) + masked[end:]
    if names:
        for start, end in find_names(masked, places):
            found.append(Span(origin[start], origin[end - 1] + 1, "name"))
    return sorted(_with_marks(text, span) for span in found)


def kinds_in(text: str, *, places: Collection[str] = ()) -> tuple[str, ...]:
    """Name the kinds of personal data in a text, each once, in the order of `KINDS`."""
    seen = {span.kind for span in find_personal_text(text, places=places)}
    return tuple(kind for kind in KINDS if kind in seen)


def masked(text: str, spans: Iterable[Span]) -> str:
    """Write a text with `[kind]` in place of what was found; of spans that overlap the last one stands.

    >>> masked("Gọi 0301 234 567", find_personal_text("Gọi 0301 234 567"))
    'Gọi [phone]'
    """
    first = len(text)
    for span in sorted(spans, reverse=True):
        if span.end <= first:
            text = f"{text[: span.start]}[{span.kind}]{text[span.end :]}"
            first = span.start
    return text


# --------------------------------------------------------------------------------- letters and digits


_SAME_LENGTH = str.maketrans("\u00a0\u202f\u2009\t\u00d0\u00f0", "    Đđ")
"""Spaces that are not plain, and Eth, which is taken for D with a stroke."""

_ODD = re.compile(
    r"[^\D0-9]|[\u00ad\u0300-\u036f\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Digits of other scripts, marks that belong to the letter before, and signs that are not seen."""


def _composed(text: str) -> tuple[str, Sequence[int]]:
    """Compose letters, drop what is not seen, write digits as 0-9; where each letter came from."""
    text = text.translate(_SAME_LENGTH)
    if text.isascii() or not (_ODD.search(text) or not unicodedata.is_normalized("NFC", text)):
        return text, range(len(text))
    letters: list[str] = []
    origin: list[int] = []
    for place, letter in enumerate(text):
        if unicodedata.combining(letter) and letters:
            joined = unicodedata.normalize("NFC", letters[-1] + letter)
            letters[-1] = joined[0] if len(joined) == 1 else letters[-1]
        elif unicodedata.category(letter) != "Cf":
            letters.append(_plain(letter))
            origin.append(place)
    return "".join(letters), origin


def _plain(letter: str) -> str:
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    return unicodedata.normalize("NFC", letter)[0]


def _with_marks(text: str, span: Span) -> Span:
    """Take in the combining marks that follow the last letter."""
    end = span.end
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return Span(span.start, end, span.kind)


def _blanks(length: int) -> str:
    return "\x1f" * length


def _blank(match: re.Match[str]) -> str:
    return _blanks(len(match[0]))


# ------------------------------------------------------------------------------------------- patterns

_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_HARMLESS = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\b(?=\d*[a-f])[0-9a-f]{16,}\b|\b\d{32,}\b"
    r"|\b(?:19|20)\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    rf"|\b{_DAY}[./-]{_MONTH}[./-](?:19|20)\d\d\b",
    re.IGNORECASE,
)
"""Numbers of machines, and days: never a person's."""

_GAP = r"(?: | ?[.\-–)(,_] ?)?"
_FREE = r"(?<!\d)(?<!\d[.,])"
_DIGIT_WORD = (
    r"(?:không|một|mốt|hai|ba|bốn|tư|năm|lăm|sáu|bảy|bẩy|tám|chín|khong|mot|bon|sau|bay|tam|chin)"
)
_GROUPS = rf"\d{{2,}}(?:{_GAP}\d{{2,}}){{0,9}}"
_PHONE = re.compile(
    rf"{_FREE}(?:(?:\+|00) ?84{_GAP}(?:\(0\) ?)?{_GROUPS}"
    rf"|84{_GAP}(?=[235789]){_GROUPS}"
    rf"|\(?0 ?\)?{_GROUPS})(?!\d)(?![.,]\d)",
)
_SPELT_DIGITS = re.compile(
    r"(?<![\d.,])0([ .\-])\d(?:\1\d){8}(?![\d])(?!\1\d)"
    rf"|\b(?:không|khong)(?:[ ,.\-]+{_DIGIT_WORD}){{8,10}}\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?:0(?:[35789]\d{8}|1[2689]\d{8}|2\d{8,9}))$")

_PROVINCE = (
    r"(?:001|002|004|006|008|01[0-2]|014|015|017|019|020|022|02[4-7]|03[01]|03[3-8]|040|042|04[4-6]"
    r"|048|049|051|052|054|056|058|060|062|064|06[6-8]|070|072|074|075|077|079|080|08[2-4]|086|087|089"
    r"|09[1-6])"
)
_MONEY = r"(?! ?(?:đồng|đ\b|vnđ|vnd|dong|triệu|tỷ|nghìn|k\b))"
_CITIZEN = re.compile(
    rf"{_FREE}{_PROVINCE}[ .\-]?[0-3][ .\-]?\d{{2}}[ .\-]?\d{{3}}[ .\-]?\d{{3}}(?!\d){_MONEY}",
    re.IGNORECASE,
)
_OLD_CARD = re.compile(rf"{_FREE}(?!\d{{6}}000)\d{{9}}(?!\d)(?![.,]\d){_MONEY}", re.IGNORECASE)
_CARD_WORD = (
    r"\b(?:cmnd|cccd|cmt|cmtnd|căn cước|can cuoc|chứng minh|chung minh|hộ chiếu|ho chieu|passport"
    r"|bhxh|bhyt|mã số thuế|mst)\b"
)
_CARD = re.compile(
    rf"{_CARD_WORD}[^\d\n]{{0,20}}?((?:[A-Z]{{1,2}} ?)?\d(?:[ .\-]?\d){{6,14}})(?!\d)",
    re.IGNORECASE,
)
_HEALTH_CARD = re.compile(r"\b([A-Z]{2}[ -]?[1-5][ -]?\d{2}[ -]?\d{10})\b")
_BANK_WORD = (
    r"\b(?:stk|số tk|so tk|tk|số tài khoản|so tai khoan|tài khoản|tai khoan|số thẻ|so the|account"
    r"|vietcombank|vcb|bidv|agribank|vietinbank|techcombank|mb ?bank|vpbank|acb|sacombank|tpbank)\b"
)
_ACCOUNT = re.compile(
    rf"{_BANK_WORD}[^\d\n]{{0,25}}(\d(?:[ .\-]?\d){{5,18}})(?!\d)(?![.,]\d){_MONEY}", re.IGNORECASE
)
_LONG_NUMBER = re.compile(r"(?<![\d.,])\d{4}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?!\d)(?![.,]\d)")

_MAY_HOLD_NUMBER = re.compile(r"\d|@|\(at\)|\[at\]|\(a còng\)|kh[ôo]ng\b", re.IGNORECASE)
"""What every text has in which a finder of `_FINDERS` finds something."""

_EMAIL = re.compile(
    r"[\w.+-]+(?:@| ?(?:\(at\)|\[at\]|\(a còng\)) ?)[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b"
    r"|[\w.+-]+ ?@ ?[\w-]+(?:\.[\w-]+)*\.(?:com|vn|net|org|edu|gov|info)\b",
    re.IGNORECASE,
)
_LAT, _LON = r"(?:8|9|1\d|2[0-4])[.,]\d{1,9}", r"(?:10[2-9]|11[0-8])[.,]\d{1,9}"
_LAT_FINE, _LON_FINE = _LAT.replace("{1,", "{2,"), _LON.replace("{1,", "{2,")
_BETWEEN = r" ?°? ?[NBEĐ]? ?[,;/] ?"
_POSITION = re.compile(
    rf"(?<![\d.,])(?:{_LAT_FINE}{_BETWEEN}{_LON}|{_LAT}{_BETWEEN}{_LON_FINE}"
    rf"|{_LON_FINE}{_BETWEEN}{_LAT}|{_LON}{_BETWEEN}{_LAT_FINE}"
    rf"|{_LAT_FINE}(?:°? ?[NBEĐ]?) {_LON_FINE}|{_LON_FINE}(?:°? ?[NBEĐ]?) {_LAT_FINE})"
    r"(?!\d)(?![.,]\d)"
    r"|\d{1,3} ?° ?\d{1,2} ?['’′] ?\d{1,2}(?:[.,]\d+)? ?(?:\"|”|″|'')? ?[NSEWBĐ]\b"
)
_ADDRESS = re.compile(
    r"\b(?:số nhà|nhà số|so nha|nha so) ?:? ?\d+[a-z]?(?:/\d+[a-z]?)*"
    r"|\b(?:(?:số|so|nhà|nha) )?\d+[a-z]?(?:/\d+[a-z]?)* (?:đường|phố|ngõ|ngách|hẻm|duong|pho|ngo|ngach|hem)"
    r" [^\W\d_]\w*(?: [^\W\d_]\w*)?"
    r"|\b(?:ngõ|ngách|hẻm|kiệt|ngo|ngach|hem) (?:số |so )?\d+[a-z]?(?:/\d+)*",
    re.IGNORECASE,
)
_HOUSEHOLD = re.compile(r"(?<!\d)[0-9]{5}-?T[0-9]{2}-?H[0-9]{3}-?[0-6](?!\d)", re.IGNORECASE)

Found = Iterator[tuple[int, int]]


def _whole(*patterns: re.Pattern[str]) -> Callable[[str], list[tuple[int, int]]]:
    return lambda text: [m.span() for p in patterns for m in p.finditer(text)]


def _find_phones(text: str) -> list[tuple[int, int]]:
    spans = [span for m in _PHONE.finditer(text) for span in _numbers(m[0], m.start())]
    spelt = [m.span() for m in _SPELT_DIGITS.finditer(text)]
    return spans + [s for s in spelt if not any(a < s[1] and s[0] < b for a, b in spans)]


def _numbers(run: str, start: int) -> list[tuple[int, int]]:
    """Take a run of groups of digits apart into phone numbers: the whole of it, or one after another."""
    if _NUMBER.match(national_digits(run)):
        return [(start, start + len(run))]
    ends = [m.end() for m in re.finditer(r"\d+", run)]
    for end in ends[:-1]:
        if _NUMBER.match(national_digits(run[:end])):
            rest = re.search(r"[+(]*\d.*", run[end:])
            after = _numbers(rest[0], start + end + rest.start()) if rest else []
            return [(start, start + end), *after]
    return []


def national_digits(number: str) -> str:
    """Write a phone number as dialled inside the country, digits alone.

    >>> national_digits("+84 (0) 987 654 321")
    '0987654321'
    """
    digits = re.sub(r"\D", "", number)
    for prefix in ("0084", "84"):
        if digits.startswith(prefix) and len(digits) - len(prefix) >= 9:
            return "0" + digits.removeprefix(prefix).lstrip("0")
    return digits


def _find_cards(text: str) -> list[tuple[int, int]]:
    spans = [m.span(1) for p in (_HEALTH_CARD, _CARD) for m in p.finditer(text)]
    return _apart(spans + [m.span() for m in _CITIZEN.finditer(text)])


def _find_accounts(text: str) -> list[tuple[int, int]]:
    named = [m.span(1) for m in _ACCOUNT.finditer(text)]
    cards = [m.span() for m in _LONG_NUMBER.finditer(text) if _luhn(re.sub(r"\D", "", m[0]))]
    return _apart(named + cards)


def _luhn(digits: str) -> bool:
    """Whether a number is built like that of a bank card (ISO/IEC 7812)."""
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Keep of spans that overlap the first."""
    kept: list[tuple[int, int]] = []
    for start, end in spans:
        if not any(a < end and start < b for a, b in kept):
            kept.append((start, end))
    return kept


_find_old_cards = _whole(_OLD_CARD)

_FINDERS: tuple[tuple[str, Callable[[str], list[tuple[int, int]]]], ...] = (
    ("household_code", _whole(_HOUSEHOLD)),
    ("email", _whole(_EMAIL)),
    ("position", _whole(_POSITION)),
    ("phone", _find_phones),
    ("identity_number", _find_cards),
    ("identity_number", _find_old_cards),
    ("account_number", _find_accounts),
    ("address", _whole(_ADDRESS)),
)
"""In this order: what one has found, the next do not see."""
