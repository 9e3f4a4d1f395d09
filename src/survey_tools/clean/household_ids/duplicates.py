"""Find forms that were sent twice and interviews that share one household code; drops nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

AGE_TOLERANCE = 2.0
"""Years by which an age may differ from the one expected and still agree."""

SECONDS_A_YEAR = 365.25 * 24 * 3600


def sent_twice(main: pd.DataFrame, roster: pd.DataFrame | None = None) -> pd.Series:
    """Name, for every form that was sent more than once, the first of its copies.

    Copies have the same answers, the same start and end and the same members; they differ at most in
    what the server and the device add (columns that begin with `_` or `meta/`, and `deviceid`).

    Returns
    -------
    Series of Int64
        Index as `main`: the lowest `_id` of the copies, missing for a form that was sent once.
    """
    times = [c for c in ("start", "end") if c in main]
    some = main.loc[main.duplicated(times, keep=False)] if times else main
    added = [c for c in some.columns if c.startswith(("_", "meta/")) or c == "deviceid"]
    answers = some.drop(columns=added).astype("str").fillna("")
    if roster is not None and not roster.empty:
        members = roster.loc[roster["_id"].isin(some["_id"])]
        answers = answers.assign(_members=some["_id"].map(_fingerprint(members)).fillna(0))
    rows = pd.Series(list(answers.itertuples(index=False, name=None)), index=some.index)
    ids = some["_id"].groupby(rows.to_numpy())
    first = ids.transform("min").where(ids.transform("size") > 1)
    return first.reindex(main.index).astype("Int64")


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
    Where that decides nothing, the one with the larger share of members who agree in the same way;
    without other waves, or where members too agree alike, the earliest.

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
    pairs = _pairs(rivals, others)
    ranked = rivals.assign(
        head=rivals["_id"].map(_heads_agree(pairs)).fillna(0),
        members=rivals["_id"].map(members_agree(pairs, roster)).fillna(0),
    ).sort_values(["head", "members", "start", "_id"], ascending=[False, False, True, True])
    losing = ranked.loc[ranked.duplicated(["hhid", "wave"], keep="first"), "_id"]
    return main["_id"].isin(losing)


def members_agree(pairs: pd.DataFrame, roster: pd.DataFrame) -> pd.Series:
    """Return, by `_id`, the mean share of members that agree with the interviews `_id_other`.

    A member agrees who has one of the same sex and the age expected after `years`, within 2 years.

    Parameters
    ----------
    pairs : DataFrame
        `_id, _id_other, years` from the other interview to this one.
    roster : DataFrame
        `_id, roster_no, m_sex, m_age`.
    """
    members = roster[["_id", "roster_no", "m_sex", "m_age"]]
    own = pairs[["_id", "_id_other", "years"]].merge(members, on="_id", validate="m:m")
    other = members.rename(columns={"_id": "_id_other"})
    both = own.merge(other, on="_id_other", suffixes=("", "_other"), validate="m:m")
    agrees = _agree(
        both["m_sex"], both["m_age"], both["m_sex_other"], both["m_age_other"], both["years"]
    )
    met = both.loc[agrees]
    pair = ["_id", "_id_other"]
    matched = (
        met.groupby(pair)["roster_no"].nunique() + met.groupby(pair)["roster_no_other"].nunique()
    )
    size = members.groupby("_id").size()
    people = pairs["_id"].map(size) + pairs["_id_other"].map(size)
    people.index = pd.MultiIndex.from_frame(pairs[pair])
    share = matched.reindex(people.index).fillna(0) / people
    return share.groupby(level="_id").mean()


def _pairs(rivals: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    pairs = rivals.merge(others, on="hhid", suffixes=("", "_other"), validate="m:m")
    years = (pairs["start"] - pairs["start_other"]).dt.total_seconds() / SECONDS_A_YEAR
    return pairs.assign(years=years)


def _agree(
    sex: pd.Series, age: pd.Series, sex_other: pd.Series, age_other: pd.Series, years: pd.Series
) -> pd.Series:
    gap = (age - age_other).astype("float64") - years
    return sex.eq(sex_other).fillna(False).astype(bool) & (gap.abs() <= AGE_TOLERANCE)


def _heads_agree(pairs: pd.DataFrame) -> pd.Series:
    agrees = _agree(
        pairs["head_sex"], pairs["head_age"], pairs["head_sex_other"], pairs["head_age_other"],
        pairs["years"],
    )  # fmt: skip
    return agrees.astype("int64").groupby(pairs["_id"]).sum()


def _fingerprint(roster: pd.DataFrame) -> pd.Series:
    answers = roster.drop(columns="_id").astype("str").fillna("")
    hashes = pd.util.hash_pandas_object(answers, index=False).to_numpy(dtype=np.uint64)
    return pd.Series(hashes, index=roster["_id"]).groupby(level=0).sum()
