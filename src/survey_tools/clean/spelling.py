"""Read what was typed: numbers with separators, days, and words that may name a person.

Decides nothing about a row: whoever asks flags what cannot be read.
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pandas as pd

_GROUPED_DOTS = re.compile(r"^[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?$")
_GROUPED_COMMAS = re.compile(
    r"^[+-]?[1-9]\d{0,2}(,\d{3}){2,}(\.\d+)?$|^[+-]?[1-9]\d{0,2}(,\d{3})+\.\d+$"
)
_GROUPED_SPACES = re.compile(r"^[+-]?[1-9]\d{0,2}( \d{3})+(,\d+)?$")
_PLAIN = re.compile(r"^[+-]?\d+([.,]\d+)?$")
_AMBIGUOUS = re.compile(r"^[+-]?[1-9]\d{0,2}[.,]\d{3}$")


def read_number(text: str, *, whole: bool) -> float | None:
    """Read one number as it is typed in Viet Nam: point between thousands, comma before decimals.

    Groups that only the English habit allows (`1,234,567`) are read so. One mark with three digits
    behind it is read as thousands with a point in a whole number; elsewhere it may mean either, and so it
    is not read.

    Parameters
    ----------
    text : str
    whole : bool
        Whether the question asks for a whole number.

    Returns
    -------
    float or None
        None where the text is no number, may be read in two ways, or is not whole though it must be.

    Examples
    --------
    >>> read_number("1.234,5", whole=False), read_number("1.234", whole=True)
    (1234.5, 1234.0)
    >>> read_number("1.234", whole=False), read_number("một trăm", whole=True)
    (None, None)
    """
    text = re.sub(r"[\u00a0\u202f]", " ", unicodedata.normalize("NFKC", text)).strip()
    if _AMBIGUOUS.match(text) and not (whole and "." in text):
        return None
    if _GROUPED_DOTS.match(text):
        plain = text.replace(".", "").replace(",", ".")
    elif _GROUPED_COMMAS.match(text):
        plain = text.replace(",", "")
    elif _GROUPED_SPACES.match(text):
        plain = text.replace(" ", "").replace(",", ".")
    elif _PLAIN.match(text):
        plain = text.replace(",", ".")
    else:
        return None
    value = float(plain)
    return None if whole and not value.is_integer() else value


def read_numbers(values: pd.Series, *, whole: bool) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Read a column of typed numbers, each distinct text once.

    Returns
    -------
    (Series of Float64, Series of bool, Series of bool)
        Numbers; where separators or signs were read; where text could not be read (missing there).
    """
    text = values.astype("str").str.strip()
    text = text.mask(text.isin(["", "NaN", "nan", "<NA>", "None"]))
    codes, seen = pd.factorize(text, use_na_sentinel=True)
    plain = [re.fullmatch(r"[+-]?\d+", one) is not None for one in seen]
    read = [float(one) if ok else read_number(one, whole=whole)
            for one, ok in zip(seen, plain, strict=True)]  # fmt: skip
    lookup = np.array([*(np.nan if one is None else one for one in read), np.nan])
    numbers = pd.Series(lookup[codes], index=values.index)
    simple = np.array([*plain, True])[codes]
    unread = numbers.isna() & text.notna()
    return numbers.astype("Float64"), pd.Series(~simple, index=values.index) & ~unread, unread


def read_days(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Read days given as text: only year-month-day, since 03/04 may mean either day.

    Returns
    -------
    (Series of datetime64[us], Series of bool)
        Days; where text could not be read (missing there).
    """
    text = values.astype("str").str.strip()
    text = text.mask(text.isin(["", "NaT", "NaN", "nan", "None", "<NA>"]))
    iso = text.str.extract(r"^(\d{4}-\d{2}-\d{2})(?:$|[T ])", expand=False)
    days = pd.to_datetime(iso, format="%Y-%m-%d", errors="coerce").astype("datetime64[us]")
    return days, (days.isna() & text.notna()).astype(bool)


def read_times(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Read times given as text; each needs its own distance from UTC, else it may be any hour.

    Returns
    -------
    (Series of datetime64[us, UTC], Series of bool)
        Times in UTC; where text could not be read (missing there).
    """
    text = values.astype("str").str.strip()
    text = text.mask(text.isin(["", "NaT", "NaN", "nan", "None", "<NA>"]))
    zoned = text.where(text.str.contains(r"T?.*(?:Z|[+-]\d{2}:?\d{2})$", na=False))
    times = pd.to_datetime(zoned, utc=True, errors="coerce", format="ISO8601")
    return times.astype("datetime64[us, UTC]"), (times.isna() & text.notna()).astype(bool)


def personal_kind(text: str) -> str | None:
    """Say what personal data a short text seems to hold, None if nothing is seen.

    Examples
    --------
    >>> personal_kind("gọi 0912 345 678"), personal_kind("checked on the card")
    ('phone number', None)
    """
    words = unicodedata.normalize("NFC", text)
    for kind, pattern in _PERSONAL.items():
        if pattern.search(words):
            return kind
    return None


_CAPITAL = r"[A-ZÀ-ÝĂĐĨŨƠƯẠ-Ỹ]"
_SYLLABLE = _CAPITAL + r"[^\W\d_]*"
_TITLE = r"(?:[Ôô]ng|[Bb]à|[Aa]nh|[Cc]hị|[Cc]ô|[Cc]hú|[Bb]ác|[Ee]m|[Mm]r|[Mm]rs|[Mm]s)\.?"
_SURNAME = (
    r"(?:Nguyễn|Nguyen|Trần|Tran|Lê|Phạm|Pham|Hoàng|Hoang|Huỳnh|Phan|Vũ|Võ|Đặng|Bùi|Đỗ|Hồ|Ngô"
    r"|Dương|Đào)"
)
_PERSONAL = {
    "household code": re.compile(r"\b\d{5}-T\d{2}-H\d{3}-\d\b"),
    "phone number": re.compile(r"(?<!\d)(?:\+?84|0084|0)(?:[ .\-]?\d){8,10}(?!\d)"),
    "identity number": re.compile(r"(?<!\d)(?:\d{9}|\d{12})(?!\d)"),
    "email address": re.compile(r"\b[\w.+-]+@[\w-]+\.\w+"),
    "position": re.compile(r"\b\d{1,2}\.\d{3,}\s*[,; ]\s*\d{2,3}\.\d{3,}"),
    "name": re.compile(rf"\b{_TITLE}\s+{_SYLLABLE}|\b{_SURNAME}(?:\s+{_SYLLABLE}){{1,3}}"),
}
