"""Read what was typed: numbers with separators, days, times.

Decides nothing about a row: whoever asks flags what cannot be read.
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pandas as pd

_GROUPED_DOTS = re.compile(r"^[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]+)?$")
_GROUPED_COMMAS = re.compile(
    r"^[+-]?[1-9][0-9]{0,2}(,[0-9]{3}){2,}(\.[0-9]+)?$|^[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+\.[0-9]+$"
)
_GROUPED_SPACES = re.compile(r"^[+-]?[1-9][0-9]{0,2}( [0-9]{3})+(,[0-9]+)?$")
_PLAIN = re.compile(r"^[+-]?[0-9]+([.,][0-9]+)?$")
_AMBIGUOUS = re.compile(r"^[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}$")

TOO_LARGE = 2.0**53
"""From here on a float no longer tells whole numbers apart."""


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
    if any(unicodedata.category(sign) == "No" for sign in text):
        return None  # 10² is not 102
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
    return None if whole and (not value.is_integer() or abs(value) >= TOO_LARGE) else value


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
    plain = [re.fullmatch(r"[+-]?[0-9]+", one) is not None for one in seen]
    read = [read_number(one, whole=whole) for one in seen]
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
