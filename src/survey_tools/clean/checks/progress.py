"""Check progress of teams, monthly logs, and consent; touches no answer."""

from __future__ import annotations

import pandas as pd

from survey_tools.clean.checks.base import Fieldwork, flags, joined, nothing, present


def progress(work: Fieldwork) -> pd.DataFrame:
    """Flag teams that are behind in a wave that has begun."""
    teams = _at_work(work)
    if work.sample is None:
        target = pd.Series(work.households_per_team, index=teams)
    else:
        target = work.sample.groupby("team_id").size().reindex(teams, fill_value=0)
    waves = sorted(work.visits["wave"].dropna().unique())
    grid = pd.MultiIndex.from_product([waves, target.index], names=["wave", "team_id"])
    done = work.household.groupby(["wave", "team_id"]).size().reindex(grid, fill_value=0)
    wanted = target.reindex(grid.get_level_values("team_id")).to_numpy()
    table = done.rename("done").reset_index().assign(wanted=wanted)
    rows = table.loc[table["done"] < work.rules.progress.share * table["wanted"]]
    done_of, of = rows["done"].astype("str"), rows["wanted"].astype("str")
    message = "Interviewed " + done_of + " of " + of + " drawn households."
    return flags("progress", rows, message, detail=done_of + " / " + of)


def missing_month(work: Fieldwork) -> pd.DataFrame:
    """Flag months between the first and the last report of the district that a team left out."""
    log = work.given("team_log")
    if log.empty:
        return nothing("missing_month")
    months = pd.date_range(log["month"].min(), log["month"].max(), freq="MS")
    grid = pd.MultiIndex.from_product([_at_work(work), months])
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
    parts = present(frame, [name]) or [c for c in frame.columns if c.startswith(f"{name}__")]
    rows = frame.loc[refused & frame[parts].notna().any(axis=1)]
    message = "Answered without the consent that the question needs."
    return flags("consent", rows, message, detail=gate, variable=name)


def _at_work(work: Fieldwork) -> pd.Index:
    """Return the teams in which households were drawn; all where no list of them is given."""
    teams = pd.Index(work.teams["team_id"])
    if work.sample is None:
        return teams
    return teams[teams.isin(work.sample["team_id"])]
