"""Follow flags from run to run: new, open, answered, resolved; finds no flag and reads no file.

A flag is known by its key, a digest of the check, what it is about, the question and the item; not of its
message, so that a figure that moves makes no new flag.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import date

import numpy as np
import pandas as pd

from survey_tools.clean.checks.base import COLUMNS, typed

NEW, OPEN, ANSWERED, RESOLVED = "new", "open", "answered", "resolved"
STATES = (NEW, OPEN, ANSWERED, RESOLVED)
FOLLOWED = ["key", "state", "first_seen", "last_seen", "since"]
BY_ROW = ["check", "form", "row_id", "variable", "item"]
BY_GROUP = ["check", "form", "wave", "team_id", "enumerator_id", "variable", "item"]
ORDER = ["check", "wave", "team_id", "enumerator_id", "row_id", "variable", "item", "key"]
_PARTED = "\x1f"
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijkmnpqr")
"""A key is made of letters: a spreadsheet takes `1234e56` for a number, and ten digits look like a phone."""


def follow_flags(
    found: pd.DataFrame,
    before: pd.DataFrame | None,
    *,
    day: date,
    ran: Collection[str],
    answers: pd.DataFrame | None = None,
    corrected: Collection[str] = (),
) -> pd.DataFrame:
    """Put what was found together with what was known before.

    Parameters
    ----------
    found : DataFrame
        Flags of this run, from `run_checks`.
    before : DataFrame or None
        What the last run returned; None in the first.
    day : date
        Of this run, on the clock of the field.
    ran : collection of str
        Checks that ran. The flags of another check are kept as they are: it says nothing about them.
    answers : DataFrame, optional
        `key, decided_on` of the flags that a person has answered. A flag that went away and came back is
        open again: an answer from before counts no longer.
    corrected : collection of str
        Keys of the flags that a documented correction is about; see `corrected_flags`.

    Returns
    -------
    DataFrame
        Contract `flags`, one row a flag ever found: `new` (first seen this day), `open` (seen before, or come
        back), `answered` (still found, and a person has answered it), `resolved` (no longer found).
        `first_seen` and `last_seen` are days on which it was found, `since` the day from which it has been
        there without a break. The same data on the same day give the same table.
    """
    today = day.isoformat()
    now = with_keys(found)
    known = _known(before)
    gone = known.loc[~known["key"].isin(now["key"])]
    there = now.merge(known[["key", "state", "first_seen", "since"]], on="key", how="left")
    back = there["since"].isna() | there["state"].eq(RESOLVED)
    there = there.assign(
        first_seen=there["first_seen"].fillna(today),
        last_seen=today,
        since=there["since"].mask(back, today),
    )
    left = gone.assign(state=gone["state"].where(~gone["check"].isin(ran), RESOLVED))
    both = pd.concat([there, left], ignore_index=True) if len(left) else there
    state = pd.Series(
        np.select(
            [both["state"].eq(RESOLVED) & ~both["key"].isin(now["key"]),
             _answered(both, answers) | both["key"].isin(corrected),
             both["first_seen"] >= today],
            [RESOLVED, ANSWERED, NEW],
            OPEN,
        ),
        index=both.index,
        dtype="str",
    )  # fmt: skip
    followed = _typed(both.assign(state=state))
    return followed.sort_values(ORDER, ignore_index=True, kind="stable")


def with_keys(found: pd.DataFrame) -> pd.DataFrame:
    """Give flags their key; of two with one key the first stays.

    Of a flag about a submission the number of the submission counts, and not its wave, team or enumerator,
    which a correction may change.
    """
    frame = typed(found.reindex(columns=COLUMNS))
    text = frame.astype({"row_id": "str"})
    of_row = frame["row_id"].notna().to_numpy()
    keys = np.where(of_row, _digests(text[BY_ROW]), _digests(text[BY_GROUP]))
    return frame.assign(key=pd.array(keys, dtype="str")).drop_duplicates("key", ignore_index=True)


def _digests(columns: pd.DataFrame) -> list[str]:
    parts = columns.fillna("").itertuples(index=False, name=None)
    digests = (hashlib.sha256(_PARTED.join(part).encode()).hexdigest()[:16] for part in parts)
    return [digest.translate(_LETTERS) for digest in digests]


def _known(before: pd.DataFrame | None) -> pd.DataFrame:
    """Return earlier flags; a table without keys was written before flags were followed, and is forgotten."""
    if before is None or not set(FOLLOWED) <= set(before):
        return _typed(pd.DataFrame(columns=[*COLUMNS, *FOLLOWED]))
    return _typed(before)


def _answered(flags: pd.DataFrame, answers: pd.DataFrame | None) -> pd.Series:
    if answers is None or answers.empty:
        return pd.Series(False, index=flags.index)
    last = answers.groupby("key")["decided_on"].max()
    decided = flags["key"].map(last).astype("str")
    counts = flags["since"].eq(flags["first_seen"]) | (decided >= flags["since"])
    return (decided.notna() & counts.fillna(False)).astype(bool)


def _typed(flags: pd.DataFrame) -> pd.DataFrame:
    frame = flags.reindex(columns=[*COLUMNS, *FOLLOWED])
    return typed(frame).astype(dict.fromkeys(FOLLOWED, "str"))
