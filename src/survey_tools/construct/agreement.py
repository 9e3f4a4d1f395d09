"""Set three accounts of outreach side by side and say how far they agree; calls none of them true.

The accounts: households' answers, the teams' monthly logs, and the officers' site form.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.params import Study

ASKED_MONTHS = 6
"""The form asks for contacts in the last six months."""

LEAST_UNITS = 5
"""Teams or communes below which no agreement is computed."""

SOURCES = ("reached_share_6m", "contacts_per_100_answers_6m", "visits_per_100_log_6m",
           "teams_active_share_site")  # fmt: skip
PAIRS = (
    ("reached_share_6m", "visits_per_100_log_6m", "team"),
    ("contacts_per_100_answers_6m", "visits_per_100_log_6m", "team"),
    ("reached_share_6m", "teams_active_share_site", "commune"),
    ("visits_per_100_log_6m", "teams_active_share_site", "commune"),
)
AGREEMENT = ["left", "right", "unit", "n", "pearson", "spearman", "kappa", "note"]


def exposure_sources(
    panel: pd.DataFrame,
    team_log: pd.DataFrame | None,
    sites: pd.DataFrame | None,
    teams: pd.DataFrame,
    study: Study,
) -> pd.DataFrame:
    """Lay the three accounts of each team's outreach before the endline side by side.

    Parameters
    ----------
    panel : DataFrame
        Contract `panel`.
    team_log : DataFrame or None
        Contract `team_log`.
    sites : DataFrame or None
        Contract `sites`; the site form knows communes, not teams.
    teams : DataFrame
        `team_id, commune_code, households`.
    study : Study
        Names the endline.

    Returns
    -------
    DataFrame
        Contract `exposure`: one row a team. Answers: `answers` (households asked), share reached and
        contacts per 100 households in 6 months. Log: `months_reported` of the six before the team's first
        endline interview, and visits per 100 households over those six (a month without report counts
        as an average one). Site form: share of the commune's teams that are active, last reference
        month up to the last endline interview. Missing where an account is silent.
    """
    contracts.same_list(panel=panel, team_log=team_log, sites=sites, teams=teams)
    contracts.same_list(panel=panel, team_log=team_log, sites=sites, teams=teams)
    endline = panel.loc[panel["wave"] == study.waves.endline]
    table = teams[["team_id", "commune_code", "households"]].reset_index(drop=True)
    table = table.merge(_answers(endline), on="team_id", how="left", validate="1:1")
    table = table.merge(_log(endline, team_log, teams), on="team_id", how="left", validate="1:1")
    table["teams_active_share_site"] = table["commune_code"].map(_site(endline, sites))
    counts = ["answers", "months_reported"]
    table[counts] = table[counts].fillna(0).astype("int64")
    return contracts.validate(table.astype(dict.fromkeys(SOURCES, "float64")), "exposure")


def agreement(sources: pd.DataFrame) -> pd.DataFrame:
    """Measure how far two accounts agree, over teams, or over communes where one knows no teams.

    Parameters
    ----------
    sources : DataFrame
        From `exposure_sources`.

    Returns
    -------
    DataFrame
        Contract `agreement`. One row a pair: `left, right, unit, n`; correlations of Pearson and Spearman;
        Cohen's kappa (1960) of "above the median" in both, the median of the units that have both;
        missing, with a note, where fewer than five units have both or an account says the same of all.
        Of a commune the mean of its teams counts.
    """
    communes = sources.groupby("commune_code")[list(SOURCES)].mean()
    rows = []
    for left, right, unit in PAIRS:
        units = sources if unit == "team" else communes
        rows.append({"left": left, "right": right, "unit": unit, **_agree(units[[left, right]])})
    table = pd.DataFrame(rows, columns=AGREEMENT).astype({"n": "int64", "note": "str"})
    return contracts.validate(table, "agreement")


def kappa(left: pd.Series, right: pd.Series) -> float:
    """Return Cohen's kappa of two 0/1 ratings of the same units (Cohen 1960).

    Observed agreement above the agreement of chance, by the most that it could be above; missing where
    both say the same of all. Own code: statsmodels has it, and takes three seconds to load.

    >>> round(kappa(pd.Series([1, 1, 0, 0]), pd.Series([1, 0, 0, 0])), 3)
    0.5
    """
    observed = float((left == right).mean())
    p, q = float(left.mean()), float(right.mean())
    chance = p * q + (1 - p) * (1 - q)
    return float("nan") if chance == 1 else (observed - chance) / (1 - chance)


def _answers(endline: pd.DataFrame) -> pd.DataFrame:
    asked = endline.dropna(subset="reached")
    by_team = asked.groupby("team_id").agg(
        answers=("reached", "size"), reached_share_6m=("reached", "mean"),
        contacts=("contacts", "mean"),
    )  # fmt: skip
    contacts = 100 * by_team.pop("contacts")
    return by_team.assign(contacts_per_100_answers_6m=contacts).reset_index()


def _log(endline: pd.DataFrame, team_log: pd.DataFrame | None, teams: pd.DataFrame) -> pd.DataFrame:
    columns = ["team_id", "months_reported", "visits_per_100_log_6m"]
    first = endline.groupby("team_id")["interview_date"].min().dropna()
    if team_log is None or first.empty:
        return pd.DataFrame(columns=columns).astype({"team_id": "str"})
    log = team_log[["team_id", "month", "hh_visited"]].merge(
        first.dt.to_period("M").dt.to_timestamp().rename("until"), on="team_id", validate="m:1"
    )
    since = log["until"] - pd.DateOffset(months=ASKED_MONTHS)
    inside = log.loc[(log["month"] >= since) & (log["month"] < log["until"])]
    inside = inside.astype({"hh_visited": "float64"}).dropna(subset="hh_visited")
    by_team = inside.groupby("team_id")["hh_visited"].agg(["size", "mean"]).reset_index()
    households = by_team["team_id"].map(teams.set_index("team_id")["households"]).astype("float64")
    dose = 100 * ASKED_MONTHS * by_team["mean"] / households.where(households > 0)
    return by_team.assign(months_reported=by_team["size"], visits_per_100_log_6m=dose)[columns]


def _site(endline: pd.DataFrame, sites: pd.DataFrame | None) -> pd.Series:
    if sites is None or endline.empty or "share_teams_active" not in sites:
        return pd.Series(dtype="float64")
    rows = sites.loc[sites["site_type"] == "commune"].dropna(subset="share_teams_active")
    rows = rows.loc[rows["ref_month"] <= endline["interview_date"].max()]
    last = rows.sort_values("ref_month").drop_duplicates("commune_code", keep="last")
    return last.set_index("commune_code")["share_teams_active"].astype("float64")


def _agree(pair: pd.DataFrame) -> dict[str, object]:
    both = pair.dropna()
    left, right = both.iloc[:, 0], both.iloc[:, 1]
    found: dict[str, object] = {"n": len(both), "pearson": np.nan, "spearman": np.nan,
                                "kappa": np.nan, "note": ""}  # fmt: skip
    if len(both) < LEAST_UNITS:
        return found | {"note": "too few units with both accounts"}
    if left.nunique() < 2 or right.nunique() < 2:
        return found | {"note": "an account says the same of all units"}
    high = (both > both.median()).astype("int64")
    return found | {
        "pearson": float(left.corr(right)),
        "spearman": float(left.rank().corr(right.rank())),
        "kappa": kappa(high.iloc[:, 0], high.iloc[:, 1]),
    }
