"""Say whether a code stands for the same household in every wave, and list who is unmatched.

Drops nothing: a household that looks like another is for a person to judge.
"""

from __future__ import annotations

import pandas as pd

from survey_tools import contracts
from survey_tools.clean.household_ids.codes import among
from survey_tools.clean.household_ids.duplicates import SECONDS_A_YEAR, heads, members_agree
from survey_tools.errors import ContractError

SAME, HEAD, OTHER, UNKNOWN = "same", "head_changed", "another_household", "cannot_tell"
HEAD_YEARS = 3.0
"""Years by which a head's age may differ from the one expected: some people round their age."""

MEMBERS_AGREE = 0.5
"""Share of members that agree from which a changed head is a change within the same household."""

IDENTITY = ["_id", "_id_before", "hhid", "wave", "wave_before", "team_id", "enumerator_id",
            "other_sex", "age_gap", "members_agree", "status"]  # fmt: skip
UNMATCHED = ["kind", "wave", "hhid", "row_id", "team_id"]


def identity(household: pd.DataFrame, roster: pd.DataFrame) -> pd.DataFrame:
    """Compare each interview with the household's interview before.

    Parameters
    ----------
    household : DataFrame
        Accepted interviews: `_id, hhid, wave, start, team_id, enumerator_id`.
    roster : DataFrame
        Their members: `_id, roster_no, m_rel, m_sex, m_age`.

    Returns
    -------
    DataFrame
        One row an interview that has one before it. `age_gap`: years by which the head's age differs from
        the one expected from the time between (up to 3 pass); `members_agree`: share of members of both
        interviews who have one of the same sex and expected age (within 2 years) in the other.
        `status`: `same`; `head_changed` (another head, but half of the members agree);
        `another_household`;
        `cannot_tell` (a head without sex or age, and fewer than half agree).
    """
    pairs = followed(household, roster)
    agree = members_agree(
        pairs.rename(columns={"_id_before": "_id_other"})[["_id", "_id_other", "years"]], roster
    )
    gap = pairs["age_gap"]
    known = pairs["head_sex"].notna() & pairs["head_sex_before"].notna() & gap.notna()
    other_sex = pairs["head_sex"].ne(pairs["head_sex_before"]) & known
    agreeing = pairs["_id"].map(agree).astype("float64").fillna(0.0)
    head = (known & ~other_sex & (gap.abs() <= HEAD_YEARS)).astype(bool)
    found = pairs.assign(other_sex=other_sex.astype(bool), members_agree=agreeing)
    return found.assign(status=_status(head, known, agreeing))[IDENTITY].reset_index(drop=True)


def followed(household: pd.DataFrame, roster: pd.DataFrame) -> pd.DataFrame:
    """Set each interview beside the household's interview before.

    Returns
    -------
    DataFrame
        One row an interview that has one before it, by household and wave: `_id, hhid, wave, team_id,
        enumerator_id, start, head_sex, head_age`, the same of the interview before with the ending
        `_before`, the `years` between, and `age_gap`, by which the head's age differs from the one
        expected.
    """
    rows = heads(household, roster).sort_values(["hhid", "wave"])
    rows = rows.merge(
        household[["_id", "team_id", "enumerator_id"]], on="_id", how="left", validate="1:1"
    )
    before = rows.groupby("hhid")[["_id", "wave", "start", "head_sex", "head_age"]].shift()
    pairs = rows.join(before.add_suffix("_before")).dropna(subset="_id_before")
    years = (pairs["start"] - pairs["start_before"]).dt.total_seconds() / SECONDS_A_YEAR
    gap = (pairs["head_age"] - pairs["head_age_before"]).astype("float64") - years
    return pairs.astype({"_id_before": "int64"}).assign(years=years, age_gap=gap)


def check_identity(table: pd.DataFrame, *, allowed: float) -> None:
    """Assert that no more than a share of the followed-up interviews look like another household.

    Raises
    ------
    ContractError
        Says how many of how many; names no household.
    """
    others = int(table["status"].eq(OTHER).sum())
    if others > allowed * len(table):
        raise ContractError(
            "Too many codes stand for another household than in the wave before.",
            expected=f"at most {allowed:.0%} of {len(table)} followed-up interviews",
            found=str(others),
            where="the table `identity`, status another_household",
            next_step="look at those interviews; a wrong code is put right in "
            "data/private/corrections.csv",
        )


def unmatched(
    visits: pd.DataFrame, sample: pd.DataFrame, dropped: pd.DataFrame, not_in_sample: str
) -> pd.DataFrame:
    """List households that were drawn and never met, and interviews with households not drawn.

    Parameters
    ----------
    visits : DataFrame
        Accepted visits of drawn households: `hhid, wave, team_id, visit_result`.
    sample : DataFrame
        `hhid, team_id` of the drawn households.
    dropped : DataFrame
        Submissions that cleaning took out, with `reason`.
    not_in_sample : str
        The reason of those that met a household not drawn.

    Returns
    -------
    DataFrame
        `kind` (`drawn_not_visited`, `drawn_never_met`: in no wave; `met_not_drawn`), `wave` and `row_id`
        of the submission (only `met_not_drawn`), `hhid` (only drawn ones), `team_id`.
    """
    contracts.same_list(visits=visits, sample=sample)
    met = visits.loc[visits["visit_result"].eq("contact"), "hhid"]
    drawn = sample[["hhid", "team_id"]].drop_duplicates("hhid")
    never = drawn.loc[~among(drawn["hhid"], met)]
    visited = among(never["hhid"], visits["hhid"])
    never = never.assign(kind=visited.map({True: "drawn_never_met", False: "drawn_not_visited"}))
    foreign = dropped.loc[dropped["reason"] == not_in_sample]
    foreign = foreign.rename(columns={"_id": "row_id"}).assign(kind="met_not_drawn")
    table = pd.concat([never, foreign], ignore_index=True).reindex(columns=UNMATCHED)
    text = dict.fromkeys(("kind", "wave", "hhid", "team_id"), "str")
    return table.astype({**text, "row_id": "Int64"})


def _status(head: pd.Series, known: pd.Series, agreeing: pd.Series) -> pd.Series:
    status = pd.Series(OTHER, index=head.index, dtype="str")
    status = status.mask(~known.astype(bool), UNKNOWN)
    return status.mask(agreeing >= MEMBERS_AGREE, HEAD).mask(head, SAME)
