"""Look for what the field team should look at again; changes no row and drops none.

To add a check: write a function that takes a `Fieldwork` and returns flags (`_flags`), and name it in
`CHECKS`. A message never holds a name, a phone, a position or a household code; `row_id` finds the row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from survey_tools import contracts
from survey_tools.clean.codes import household_code_ok
from survey_tools.clean.duplicates import heads
from survey_tools.clean.enumerators import unusual_shares
from survey_tools.clean.household import NOT_IN_SAMPLE, SENT_TWICE, TWO_UNDER_ONE_CODE

COLUMNS = ["check", "wave", "team_id", "enumerator_id", "row_id", "variable", "message"]
SKILLS = ("sk_app", "sk_pay", "sk_qr", "sk_order", "sk_safe")
OPINIONS = ("trust_pay", "gap_view", "life_view")


@dataclass(frozen=True)
class CheckRules:
    """Thresholds of the field checks.

    Attributes
    ----------
    short_minutes : float
        An interview shorter than this is flagged; the form says about 40 minutes.
    head_age_years : float
        A head's age may differ by this much from the one expected from the wave before.
    progress : float
        Share of the drawn households below which a team is behind.
    enumerator_rows : int
        From so many rows in a wave an enumerator is compared with the others.
    enumerator_z : float
        Robust distances from the median enumerator beyond which a share is unusual.
    enumerator_gap : float
        And at least this far from the median, as a share.
    """

    short_minutes: float = 15.0
    head_age_years: float = 3.0
    progress: float = 0.8
    enumerator_rows: int = 20
    enumerator_z: float = 4.0
    enumerator_gap: float = 0.15


@dataclass(frozen=True)
class Fieldwork:
    """What the checks look at; frames as `clean_household` and `clean_team_log` return them."""

    household: pd.DataFrame
    visits: pd.DataFrame
    roster: pd.DataFrame
    teams: pd.DataFrame
    team_log: pd.DataFrame | None
    sample: pd.DataFrame | None
    dropped: pd.DataFrame | None
    households_per_team: int
    rules: CheckRules


def field_checks(
    household: pd.DataFrame,
    visits: pd.DataFrame,
    roster: pd.DataFrame,
    team_log: pd.DataFrame | None = None,
    teams: pd.DataFrame | None = None,
    sample: pd.DataFrame | None = None,
    *,
    dropped: pd.DataFrame | None = None,
    households_per_team: int = 12,
    rules: CheckRules | None = None,
) -> pd.DataFrame:
    """Run every check and return the flags.

    Parameters
    ----------
    household, visits, roster, team_log : DataFrame
        Cleaned tables.
    teams : DataFrame, optional
        `team_id`; without it the teams seen in `visits`.
    sample : DataFrame, optional
        `hhid, team_id` of the drawn households; without it `households_per_team` is the target.
    dropped : DataFrame, optional
        Submissions that cleaning took out, for the flags on duplicates and codes.
    households_per_team : int
        Households drawn in a team.
    rules : CheckRules, optional
        Thresholds.

    Returns
    -------
    DataFrame
        Contract `flags`, sorted by check, wave and team.
    """
    fieldwork = Fieldwork(
        household=household,
        visits=visits,
        roster=roster,
        teams=visits[["team_id"]].drop_duplicates() if teams is None else teams,
        team_log=team_log,
        sample=sample,
        dropped=dropped,
        households_per_team=households_per_team,
        rules=rules or CheckRules(),
    )
    found = pd.concat([check(fieldwork) for check in CHECKS], ignore_index=True)
    order = ["check", "wave", "team_id", "enumerator_id", "row_id"]
    flags = _typed(found).sort_values(order, ignore_index=True, kind="stable")
    return contracts.validate(flags, "flags")


def dropped_codes(work: Fieldwork) -> pd.DataFrame:
    """Flag the submissions that cleaning took out for their code or as a copy."""
    if work.dropped is None:
        return _flags("dropped", work.visits.iloc[:0], "")
    reasons = [SENT_TWICE, TWO_UNDER_ONE_CODE, NOT_IN_SAMPLE, "malformed household code",
               "code, team and commune do not fit together"]  # fmt: skip
    rows = work.dropped.loc[work.dropped["reason"].isin(reasons)]
    flags = _flags("dropped", rows, "", variable="hhid")
    return flags.assign(message=("Taken out: " + rows["reason"] + ".").to_numpy())


def code_not_in_sample(work: Fieldwork) -> pd.DataFrame:
    """Flag visits that are still there though their code is malformed or not drawn."""
    ok = household_code_ok(work.visits["hhid"])
    if work.sample is not None:
        ok &= work.visits["hhid"].isin(work.sample["hhid"])
    message = "The household code is malformed or not in the sample."
    return _flags("household_code", work.visits.loc[~ok], message, variable="hhid")


def short_interview(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews that took less than `short_minutes`, or have no duration."""
    minutes = work.household["duration_min"]
    rows = work.household.loc[~(minutes >= work.rules.short_minutes)]
    message = f"The interview took less than {work.rules.short_minutes:.0f} minutes."
    return _flags("short_interview", rows, message, variable="duration_min")


def head_changed(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews whose head has another sex or age than in the wave before."""
    rows = heads(work.household, work.roster).merge(
        work.household[["_id", "team_id", "enumerator_id"]], on="_id", validate="1:1"
    )
    rows = rows.sort_values(["hhid", "wave"])
    before = rows.groupby("hhid")[["head_sex", "head_age", "start"]].shift()
    years = (rows["start"] - before["start"]).dt.total_seconds() / (365.25 * 24 * 3600)
    gap = (rows["head_age"] - before["head_age"]).astype("float64") - years
    sexes = rows["head_sex"].notna() & before["head_sex"].notna()
    other_sex = sexes & (rows["head_sex"] != before["head_sex"])
    message = "The head has another sex or age than in the wave before: the right household?"
    changed = other_sex | (gap.abs() > work.rules.head_age_years)
    return _flags("head_changed", rows.loc[changed], message, variable="m_age")


def refusals(work: Fieldwork) -> pd.DataFrame:
    """Flag enumerators with an unusual share of refusals."""
    met = work.visits.loc[work.visits["visit_result"] == "contact"]
    refused = (met["consent"] != "yes").astype("float64")
    return _enumerators(work, met, refused, "refusals", "consent", "refusals")


def straight_lining(work: Fieldwork) -> pd.DataFrame:
    """Flag enumerators with an unusual share of interviews that answer a whole battery alike.

    Alike: the same answer to all five skills and the same one to all three opinions.
    """
    alike = pd.Series(1.0, index=work.household.index)
    for battery in (SKILLS, OPINIONS):
        answers = work.household.reindex(columns=list(battery))
        same = answers.eq(answers.iloc[:, 0], axis=0).all(axis=1)
        alike = (alike * same).where(answers.notna().any(axis=1))
    text = "interviews that answer every item alike"
    return _enumerators(work, work.household, alike, "straight_lining", "sk_app", text)


def age_heaping(work: Fieldwork) -> pd.DataFrame:
    """Flag enumerators with an unusual share of ages that end in 0 or 5."""
    adults = work.roster.loc[work.roster["m_age"].ge(15).fillna(False), ["_id", "m_age"]]
    rows = adults.merge(work.household[["_id", "wave", "enumerator_id"]], on="_id", validate="m:1")
    round_age = (rows["m_age"] % 5 == 0).astype("float64")
    return _enumerators(work, rows, round_age, "age_heaping", "m_age", "ages that end in 0 or 5")


def progress(work: Fieldwork) -> pd.DataFrame:
    """Flag teams that are behind in a wave that has begun."""
    if work.sample is None:
        target = pd.Series(work.households_per_team, index=work.teams["team_id"])
    else:
        target = work.sample.groupby("team_id").size().reindex(work.teams["team_id"], fill_value=0)
    waves = sorted(work.visits["wave"].dropna().unique())
    grid = pd.MultiIndex.from_product([waves, target.index], names=["wave", "team_id"])
    done = work.household.groupby(["wave", "team_id"]).size().reindex(grid, fill_value=0)
    wanted = target.reindex(grid.get_level_values("team_id")).to_numpy()
    table = done.rename("done").reset_index().assign(wanted=wanted)
    rows = table.loc[table["done"] < work.rules.progress * table["wanted"]]
    message = rows["done"].astype("str") + " of " + rows["wanted"].astype("str")
    flags = _flags("progress", rows, "")
    return flags.assign(message=("Interviewed " + message + " drawn households.").to_numpy())


def missing_months(work: Fieldwork) -> pd.DataFrame:
    """Flag months between the first and the last report of the district that a team left out."""
    if work.team_log is None or work.team_log.empty:
        return _flags("missing_month", work.visits.iloc[:0], "")
    months = pd.date_range(work.team_log["month"].min(), work.team_log["month"].max(), freq="MS")
    grid = pd.MultiIndex.from_product([work.teams["team_id"], months])
    seen = pd.MultiIndex.from_frame(work.team_log[["team_id", "month"]])
    gone = grid.difference(seen).to_frame(index=False, name=["team_id", "month"])
    flags = _flags("missing_month", gone, "", variable="month")
    month = gone["month"].dt.strftime("%Y-%m")
    return flags.assign(message=("No report for " + month + ".").to_numpy())


CHECKS: tuple[Callable[[Fieldwork], pd.DataFrame], ...] = (
    dropped_codes,
    code_not_in_sample,
    short_interview,
    head_changed,
    refusals,
    straight_lining,
    age_heaping,
    progress,
    missing_months,
)
"""All checks, in the order in which they run."""


def _enumerators(
    work: Fieldwork, rows: pd.DataFrame, value: pd.Series, check: str, variable: str, text: str
) -> pd.DataFrame:
    unusual = unusual_shares(
        rows.assign(value=value),
        least=work.rules.enumerator_rows,
        z=work.rules.enumerator_z,
        gap=work.rules.enumerator_gap,
    )
    flags = _flags(check, unusual, "", variable=variable)
    share = (100 * unusual["share"]).round().astype("int64").astype("str")
    median = (100 * unusual["median"]).round().astype("int64").astype("str")
    message = "Share of " + text + ": " + share + " %, the median enumerator " + median + " %."
    return flags.assign(message=message.to_numpy())


def _flags(
    check: str, rows: pd.DataFrame, message: str, *, variable: str | None = None
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "check": check,
            "wave": rows.get("wave"),
            "team_id": rows.get("team_id"),
            "enumerator_id": rows.get("enumerator_id"),
            "row_id": rows.get("_id"),
            "variable": variable,
            "message": message,
        },
        index=rows.index,
        columns=COLUMNS,
    )


def _typed(flags: pd.DataFrame) -> pd.DataFrame:
    text = dict.fromkeys([c for c in COLUMNS if c != "row_id"], "str")
    return flags.astype({**text, "row_id": "Int64"})
