"""Set apart typed texts that seem to name or locate a person, and let through only the others.

Changes no text and deletes none; what is found is the work of `text`.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import pandas as pd

from survey_tools.clean.personal_data.name_words import fold
from survey_tools.clean.personal_data.text import kinds_in
from survey_tools.errors import ContractError
from survey_tools.params import Workspace

BETWEEN_KINDS = ", "

PLACE_TABLES = ("communes", "areas", "teams")
"""Tables of `params/` that name places."""

_UNIT = re.compile(
    r"^(?:(?:tổ dân phố|tổ|thôn|xóm|làng|khu|cụm|ấp|bản|xã|phường|thị trấn|thị xã|huyện|quận|tỉnh"
    r"|thành phố|team|số)\b[\s.:]*|\d+\s*)+|\s+(?:commune|town|ward|village|district)s?$"
)


def screen(free_text: pd.DataFrame, places: Collection[str] = ()) -> pd.DataFrame:
    """Say of each text whether it seems to hold personal data, and of what kind.

    Parameters
    ----------
    free_text : DataFrame
        With the column `text`; not changed.
    places : collection of str
        Names that are not taken for people, from `place_names`.

    Returns
    -------
    DataFrame
        The same rows with `kinds` (text; kinds of `personal_text.KINDS` with commas between, empty where
        nothing is seen) and `quarantined` (bool).
    """
    codes, seen = pd.factorize(free_text["text"].astype("str"), use_na_sentinel=False)
    kinds = [
        "" if pd.isna(text) else BETWEEN_KINDS.join(kinds_in(text, places=places)) for text in seen
    ]
    found = pd.Series(kinds, dtype="str").take(codes).set_axis(free_text.index)
    return free_text.assign(kinds=found, quarantined=found.ne(""))


def readable(free_text: pd.DataFrame) -> pd.DataFrame:
    """Return the texts in which nothing personal was seen: the only ones that anybody may be shown.

    How many personal texts the screening misses stands in `docs/privacy.md`.

    Parameters
    ----------
    free_text : DataFrame
        From `screen`.

    Raises
    ------
    ContractError
        When the texts have not been screened.
    """
    if "quarantined" not in free_text:
        raise ContractError(
            "These texts have not been screened for personal data.",
            expected="the column «quarantined»",
            next_step="take data/private/free_text.parquet, or call clean.screen first",
        )
    seen = free_text["quarantined"].fillna(True).astype(bool)
    return free_text.loc[~seen].drop(columns=["kinds", "quarantined"], errors="ignore")


def place_names(ws: Workspace) -> frozenset[str]:
    """Name the communes, villages and other places of `params/`, folded and without «Xã», «Thôn»."""
    found: set[str] = set()
    for table in PLACE_TABLES:
        frame = ws.table(table)
        for column in frame.columns.intersection(["name_vi", "name_en"]):
            for name in frame[column].dropna().unique():
                found |= set(_parts(str(name)))
    return frozenset(found - {""})


def _parts(name: str) -> list[str]:
    """Name the places of a text such as «Tổ 01 – Thị trấn Phú Minh».

    >>> _parts("Tổ 01 – Thị trấn Phú Minh"), _parts("Hong Minh commune")
    (['', 'phu minh'], ['hong minh'])
    """
    return [
        fold(_UNIT.sub("", part.strip().lower()).strip()) for part in re.split(r"[–—,;()/]", name)
    ]
