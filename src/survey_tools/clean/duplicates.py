"""Find forms that were sent twice and interviews that share one household code; drops nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

AGE_TOLERANCE = 2.0
"""Years by which a head's age may differ from the one expected and still agree."""


def sent_twice(main: pd.DataFrame, roster: pd.DataFrame | None = None) -> pd.Series:
    """Mark every copy but the first of a form that was sent more than once.

    Copies have the same answers, the same start and end and the same members; they differ at most in
    what the server and the device add (columns that begin with `_` or `meta/`, and `deviceid`).

    Returns
    -------
    Series of bool
        Index as `main`; the first one by `_id` is not marked.
    """
    ordered = main.sort_values("_id")
    added = [c for c in ordered.columns if c.startswith(("_", "meta/")) or c == "deviceid"]
    answers = ordered.drop(columns=added)
    if roster is not None and not roster.empty:
        answers = answers.assign(_members=ordered["_id"].map(_fingerprint(roster)).fillna(0))
    return answers.duplicated(keep="first").reindex(main.index).astype(bool)


def heads(main: pd.DataFrame, roster: pd.DataFrame) -> pd.DataFrame:
    """Return sex and age of the head of each interview.

    Returns
    -------
    DataFrame
        `_id, hhid, wave, start, head_sex, head_age`, one row an interview; the first head of the
        roster counts, missing where it names none.
    """
    head = roster.loc[roster["m_rel"].eq("head").fillna(False)]
    head = head.sort_values(["_id", "roster_no"]).drop_duplicates("_id")
    head = head[["_id", "m_sex", "m_age"]].rename(
        columns={"m_sex": "head_sex", "m_age": "head_age"}
    )
    merged = main[["_id", "hhid", "wave", "start"]].merge(
        head, on="_id", how="left", validate="1:1"
    )
    return merged.astype({"head_age": "Float64"})


def not_the_household(main: pd.DataFrame, roster: pd.DataFrame) -> pd.Series:
    """Mark the interviews that lose where several stand under one code in one wave.

    Kept is the one whose head's sex and age agree with more of the household's other waves (age as
    expected from the time between, within 2 years; only waves with a single interview are asked).
    Without other waves, or where they agree with all or none alike, the earliest counts.

    Parameters
    ----------
    main : DataFrame
        Consented interviews: `_id, hhid, wave, start`.
    roster : DataFrame
        Their members: `_id, roster_no, m_rel, m_sex, m_age`.

    Returns
    -------
    Series of bool
        Index as `main`.
    """
    several = main.duplicated(["hhid", "wave"], keep=False)
    if not several.any():
        return several
    everyone = heads(main, roster)
    rivals = everyone.loc[everyone["_id"].isin(main.loc[several, "_id"])]
    others = everyone.loc[~everyone["_id"].isin(rivals["_id"])]
    score = _agreement(rivals, others)
    ranked = rivals.assign(score=rivals["_id"].map(score).fillna(0)).sort_values(
        ["score", "start", "_id"], ascending=[False, True, True]
    )
    losing = ranked.loc[ranked.duplicated(["hhid", "wave"], keep="first"), "_id"]
    return main["_id"].isin(losing)


def _agreement(rivals: pd.DataFrame, others: pd.DataFrame) -> pd.Series:
    pairs = rivals.merge(others, on="hhid", suffixes=("", "_other"), validate="m:m")
    years = (pairs["start"] - pairs["start_other"]).dt.total_seconds() / (365.25 * 24 * 3600)
    gap = (pairs["head_age"] - pairs["head_age_other"]).astype("float64") - years
    same = pairs["head_sex"].eq(pairs["head_sex_other"]).fillna(False).astype(bool)
    agrees = same & (gap.abs() <= AGE_TOLERANCE)
    return agrees.astype("int64").groupby(pairs["_id"]).sum()


def _fingerprint(roster: pd.DataFrame) -> pd.Series:
    answers = roster.drop(columns="_id").astype("str").fillna("")
    hashes = pd.util.hash_pandas_object(answers, index=False).to_numpy(dtype=np.uint64)
    return pd.Series(hashes, index=roster["_id"]).groupby(level=0).sum()
