"""Choose the sentences of the evidence, never one that says more than its interval or its p-value."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from survey_tools.report.evidence.rows import HARM, evidence, interval, row_of, term
from survey_tools.report.results import Results


def inference(results: Results) -> list[str]:
    """Say how the p-values were made, and what the teams are worth."""
    frame = evidence(results, "inference")
    tested = frame[frame["p_value"].notna()] if len(frame) else frame
    if tested.empty:
        return [results.words("inference_none")]
    drawn = tested.loc[tested["method"].eq("randomisation"), "draws"]
    draws = results.numbers.count(drawn.max())
    sentences = [results.words("inference", draws=draws)] if len(drawn) else []
    first = row_of(
        results, "inference", outcome=results.study.report.main_outcomes[0], method="cr2"
    )
    if first is not None and pd.notna(first["teams_effective"]):
        effective = results.numbers.number(first["teams_effective"])
        teams = results.numbers.count(first["n_teams"])
        sentences.append(results.words("inference_effective", teams=teams, effective=effective))
    return sentences


def families(results: Results) -> list[str]:
    """Say for each family how many of its outcomes still show an effect after the correction.

    Harm is judged by its uncorrected p-values: to overlook it is the graver mistake.
    """
    frame = evidence(results, "families")
    sentences = []
    for family, rows in frame.groupby("family", sort=False) if len(frame) else ():
        name = term(results, "family", str(family))
        tested = rows[rows["p_romano_wolf"].notna()]
        if tested.empty:
            sentences.append(results.words("family_none", family=name))
            continue
        harm = family == HARM
        p_value = "p_value" if harm else "p_romano_wolf"
        clear = tested[tested[p_value] < results.plan.alpha]
        sentences.append(
            results.words(
                "harm_finding" if harm else "family_finding",
                family=name,
                count=results.counted(
                    len(clear),
                    "families",
                    family=str(family),
                    **{p_value: f"<{results.plan.alpha}"},
                ),
                names=_listed(results, clear["outcome"]),
                alpha=results.numbers.percent(results.plan.alpha),
            )
        )
    return sentences


def groups(results: Results) -> list[str]:
    """Say for each main outcome in which groups the effect clearly differs."""
    frame = evidence(results, "heterogeneity")
    sentences = []
    for outcome in results.study.report.main_outcomes:
        rows = frame[frame["outcome"].eq(outcome)] if len(frame) else frame
        label = results.outcome(outcome)
        if rows.empty or rows["p_adjusted"].isna().all():
            sentences.append(results.words("groups_none", outcome=label))
            continue
        clear = rows.loc[rows["p_adjusted"] < results.plan.alpha, "group"]
        names = ", ".join(term(results, "group", name) for name in clear)
        sentences.append(
            results.words("groups_finding", outcome=label, count=len(clear), names=names)
        )
    return sentences


def spillover(results: Results) -> list[str]:
    """Say for each main outcome whether neighbouring teams matter, as far as can be told."""
    return [_spillover(results, outcome) for outcome in results.study.report.main_outcomes]


def pretrends(results: Results) -> list[str]:
    """Say for each main outcome how the groups of teams moved apart before the start, where it was seen.

    Nothing where teams were drawn: no assumption rests on it.
    """
    if results.by_lot:
        return []
    frame = evidence(results, "event_study")
    if len(frame):
        early = frame["estimator"].eq("callaway_santanna") & frame["event_time"].lt(-1)
        frame = frame[early & frame["conf_low"].notna()]
    if frame.empty:
        return [results.words("pretrend_none")]
    sentences = []
    for _, row in frame[frame["outcome"].isin(results.study.report.main_outcomes)].iterrows():
        values = _size(results, row, results.scale(row["outcome"]))
        waves = -1 - int(row["event_time"])
        label = results.outcome(row["outcome"])
        sentences.append(results.words("pretrend_seen", outcome=label, count=waves, **values))
    return sentences


def honest(results: Results) -> list[str]:
    """Say how much drift between the groups the estimates by recalled dates would bear."""
    frame = evidence(results, "honest")
    sentences = []
    for outcome, rows in frame.groupby("outcome", sort=False) if len(frame) else ():
        label, wanted = term(results, "event", str(outcome)), rows[rows["m"].eq(1.0)]
        if wanted.empty or wanted["conf_low"].isna().all():
            sentences.append(results.words("honest_none", outcome=label))
            continue
        row = wanted.iloc[0]
        values = {"m": results.numbers.number(row["m"]), "confidence": results.confidence}
        between = interval(results, row, "binary")
        sentences.append(results.words("honest_holds", outcome=label, interval=between, **values))
    return sentences


def attrition(results: Results) -> list[str]:
    """Say for each wave whether the groups differ in who was interviewed, and what follows where they do."""
    waves, words = results.study.waves, results.words
    gaps = {wave: row_of(results, "attrition_test", wave=wave) for wave in waves.all}
    tested = {w: row for w, row in gaps.items() if row is not None and pd.notna(row["conf_low"])}
    if not tested:
        return [words("attrition_untested")]
    differ = {wave for wave, row in tested.items() if _beyond_zero(row)}
    sentences = []
    for wave, row in tested.items():
        values = _size(results, row, "binary") | {"wave": results.wave(wave)}
        sentences.append(
            words("attrition_differs" if wave in differ else "attrition_alike", **values)
        )
    if waves.baseline in differ:
        sentences.append(words("attrition_before"))
    if differ:
        sentences.append(words("attrition_follows"))
    if differ and results.by_lot:
        sentences.append(words("attrition_bounds", section=words("heading_threats")))
    return sentences


def threats(results: Results) -> list[str]:
    """Explain the columns of the table of threats, and say what the placebos show."""
    words = results.words
    names = ("lee", "unseen", "placebo", "leave") if results.by_lot else ("unseen",)
    sentences = [results.of_design(f"threat_{name}") for name in names]
    rows = results.effects[results.effects["estimand"].eq("placebo_baseline")]
    rows = rows[rows["conf_low"].notna()]
    if len(rows) and results.by_lot:
        found = int((rows["conf_low"].gt(0) | rows["conf_high"].lt(0)).sum())
        expected = len(rows) * (1 - results.study.design.interval)
        sentences.append(
            words(
                "threat_dropped",
                count=results.counted(len(rows), "effects", estimand="placebo_baseline"),
                found=results.counted(
                    found, "effects", estimand="placebo_baseline", zero="outside"
                ),
                expected=results.numbers.number(expected, 1),
            )
        )
    return sentences


def plan(results: Results) -> list[str]:
    """Say when the plan was registered, how much of it was done, and whether anything departs."""
    frame = evidence(results, "plan")
    if frame.empty:
        return []
    planned = frame[frame["state"].ne("not_planned")]
    total = results.counted(len(planned), "plan")
    as_planned = int(planned["state"].eq("as_planned").sum())
    done = results.counted(as_planned, "plan", state="as_planned")
    departs = frame["state"].ne("as_planned").any()
    day: date = results.plan.registered
    return [
        results.words("plan_registered", day=results.numbers.day(day), count=total, done=done),
        results.words("plan_changes", count=len(results.plan.changes)),
        results.words("plan_departures" if departs else "plan_as_planned"),
    ]


def _spillover(results: Results, outcome: str) -> str:
    row, label = results.effect(outcome, "spillover"), results.outcome(outcome)
    if row is None or row[["shown", "conf_low", "conf_high"]].isna().any():
        return results.words("spillover_none", outcome=label)
    values = _size(results, row, results.scale(outcome)) | {"outcome": label}
    if not _beyond_zero(row):
        return results.words("spillover_unclear", **values)
    p_value = row.get("p_randomisation", float("nan"))
    if pd.isna(p_value):
        return results.words("spillover_undrawn", **values)
    key = "spillover_clear" if p_value < results.plan.alpha else "spillover_doubtful"
    return results.words(key, **values, p=results.numbers.p_value(p_value))


def _beyond_zero(row: pd.Series) -> bool:
    """Whether the interval of an estimate leaves out zero."""
    return bool(row["conf_low"] > 0 or row["conf_high"] < 0)


def _size(results: Results, row: pd.Series, scale: str) -> dict[str, Any]:
    return {
        "size": results.numbers.difference(row["estimate"], scale),
        "interval": interval(results, row, scale),
        "confidence": results.confidence,
    }


def _listed(results: Results, outcomes: pd.Series) -> str:
    return ", ".join(results.outcome(outcome) for outcome in outcomes)
