"""Check progress of teams, monthly logs, and consent; touches no answer."""

from __future__ import annotations

import pandas as pd

from survey_tools.clean.checks.base import Fieldwork, columns_of, flags, joined, nothing

_EVIDENCE = ("consent_at", "consent_version")
"""When and to what was agreed: no consent of its own."""


def progress(work: Fieldwork) -> pd.DataFrame:
    """Flag teams that are behind in a wave that has begun."""
    table = progress_table(work)
    rows = table.loc[table["interviews"] < work.rules.progress.share * table["drawn"]]
    done, drawn = rows["interviews"].astype("str"), rows["drawn"].astype("str")
    message = "Interviewed " + done + " of " + drawn + " drawn households."
    return flags("progress", rows, message, detail=done + " / " + drawn)


def progress_table(work: Fieldwork) -> pd.DataFrame:
    """Count interviews of each team against the households drawn there, in the waves that have begun.

    Returns
    -------
    DataFrame
        `wave, team_id, interviews, drawn`, one row a wave and team at work.
    """
    drawn = drawn_households(work)
    waves = sorted(work.visits["wave"].dropna().unique())
    grid = pd.MultiIndex.from_product([waves, drawn.index], names=["wave", "team_id"])
    done = work.household.groupby(["wave", "team_id"]).size().reindex(grid, fill_value=0)
    of = drawn.reindex(grid.get_level_values("team_id")).to_numpy()
    return done.rename("interviews").reset_index().assign(drawn=of)


def drawn_households(work: Fieldwork) -> pd.Series:
    """Return how many households were drawn in each team at work; without a list, what the design says."""
    teams = pd.Index(work.teams["team_id"])
    if work.sample is None:
        return pd.Series(work.households_per_team, index=teams)
    drawn = work.sample.groupby("team_id").size()
    return drawn.reindex(teams[teams.isin(drawn.index)]).astype("int64")


def consent_table(work: Fieldwork) -> pd.DataFrame:
    """Count, by wave, households met, those that agreed or refused, and what they agreed to besides.

    Returns
    -------
    DataFrame
        By `wave`: `met, agreed, refused, not_recorded, share_refused`, and the share of interviews that
        gave each further consent (`consent_...`) that the form asks for.
    """
    met = work.visits.loc[work.visits["visit_result"].eq("contact")]
    said = met["consent"].astype("str").fillna("not_recorded")
    kinds = said.replace({"yes": "agreed", "no": "refused"})
    columns = ["agreed", "refused", "not_recorded"]
    counts = pd.crosstab(met["wave"], kinds).reindex(columns=columns, fill_value=0)
    counts = counts.rename_axis(columns=None)
    asked = (str(c) for c in work.household.columns)
    further = [c for c in asked if c.startswith("consent_") and c not in _EVIDENCE]
    agreed = (work.household[further] == "yes").groupby(work.household["wave"]).mean()
    return counts.assign(met=counts.sum(axis=1)).pipe(
        lambda table: table.assign(share_refused=table["refused"] / table["met"]).join(agreed)
    )[["met", *columns, "share_refused", *further]]


def missing_month(work: Fieldwork) -> pd.DataFrame:
    """Flag months between the first and the last report of the district that a team left out."""
    log = work.given("team_log")
    if log.empty:
        return nothing("missing_month")
    months = pd.date_range(log["month"].min(), log["month"].max(), freq="MS")
    grid = pd.MultiIndex.from_product([drawn_households(work).index, months])
    seen = pd.MultiIndex.from_frame(log[["team_id", "month"]])
    gone = grid.difference(seen).to_frame(index=False, name=["team_id", "month"])
    month = gone["month"].dt.strftime("%Y-%m").astype("str")
    message = "No report for " + month + "."
    return flags("missing_month", gone, message, detail=month, variable="month", item=month)


def consent(work: Fieldwork) -> pd.DataFrame:
    """Flag contacts without a word on consent, and answers given without the consent that they need."""
    met = work.visits.loc[work.visits["visit_result"].eq("contact") & work.visits["consent"].isna()]
    found = [
        flags("consent", met, "Somebody was met, but consent was not recorded.", variable="consent")
    ]
    for gate, names in work.rules.consent.gated.items():
        if gate in work.household:
            refused = ~work.household[gate].eq("yes").fillna(False)
            found += [_ungated(work.household, refused, gate, name) for name in names]
    return joined("consent", found)


def _ungated(frame: pd.DataFrame, refused: pd.Series, gate: str, name: str) -> pd.DataFrame:
    rows = frame.loc[refused & frame[columns_of(frame, name)].notna().any(axis=1)]
    message = "Answered without the consent that the question needs."
    return flags("consent", rows, message, detail=gate, variable=name, item=gate)
