"""Check whether one enumerator is unlike the others; names no reason for a difference."""

from __future__ import annotations

import pandas as pd

from survey_tools.clean.checks.base import Fieldwork, flags, joined, nothing, percent, present
from survey_tools.clean.checks.enumerators import enumerator_effects, unusual_shares
from survey_tools.params import EnumeratorCheck


def refusals(work: Fieldwork) -> pd.DataFrame:
    """Flag enumerators with an unusual share of refusals."""
    met = work.visits.loc[work.visits["visit_result"] == "contact"]
    refused = (met["consent"] != "yes").astype("float64")
    return _unusual(work.rules.refusals, met, refused, "refusals", "consent", "refusals")


def dont_know(work: Fieldwork) -> pd.DataFrame:
    """Flag enumerators with an unusual share of «not known» and «refused» in their interviews.

    Counted are the questions that anybody answered so. The unit is the interview, since some respondents
    know little.
    """
    rule = work.rules.dont_know
    unknown, asked = pd.Series(0.0, index=work.household.index), 0.0
    texts: list[str] = list(work.household.select_dtypes("str").columns)
    for name in texts:
        codes = work.household[name].isin(rule.codes)
        if codes.any():
            unknown, asked = unknown + codes, asked + work.household[name].notna().astype("float64")
    share = unknown / asked if isinstance(asked, pd.Series) else unknown * float("nan")
    text = "answers not known or refused"
    return _unusual(rule, work.household, share, "dont_know", None, text, within=True)


def straight_lining(work: Fieldwork) -> pd.DataFrame:
    """Flag enumerators with an unusual share of interviews that answer every battery alike."""
    rule = work.rules.straight_lining
    alike = pd.Series(1.0, index=work.household.index)
    batteries = [names for names in rule.batteries if present(work.household, names)]
    if not batteries:
        return nothing("straight_lining")
    for names in batteries:
        answers = work.household.reindex(columns=list(names))
        same = answers.eq(answers.iloc[:, 0], axis=0).all(axis=1)
        alike = (alike * same).where(answers.notna().any(axis=1))
    text = "interviews that answer every item alike"
    variable = batteries[0][0]
    return _unusual(rule, work.household, alike, "straight_lining", variable, text)


def age_heaping(work: Fieldwork) -> pd.DataFrame:
    """Flag enumerators with an unusual share of numbers that end in 0 or 5 (digit preference)."""
    rule = work.rules.age_heaping
    found = []
    for name, above in rule.variables.items():
        rows = _numbers(work, name)
        rows = rows.loc[rows[name].ge(above).fillna(False)]
        rounded = (rows[name] % 5 == 0).astype("float64")
        text = "numbers that end in 0 or 5"
        found.append(_unusual(rule, rows, rounded, "age_heaping", name, text))
    return joined("age_heaping", found)


def enumerator_effect(work: Fieldwork) -> pd.DataFrame:
    """Flag enumerators whose outcomes differ from those of the others; see `enumerator_effects`."""
    rule = work.rules.enumerator_effect
    table = effects_table(work)
    found = table.loc[(table["q_value"] <= rule.alpha) & (table["difference"].abs() >= rule.gap)]
    points = (100 * found["difference"]).round().astype("int64").map("{:+d}".format).astype("str")
    q = found["q_value"].map(lambda v: f"q = {v:.4f}").astype("str")
    message = "Share differs by " + points + " points from the other enumerators' (" + q + ")."
    detail = points + " pp, " + q
    rows = found.drop(columns="wave", errors="ignore")
    return flags("enumerator_effect", rows, message, detail=detail, variable=found["variable"])


def effects_table(work: Fieldwork) -> pd.DataFrame:
    """Compare every enumerator with the others on every outcome of the study file.

    Returns
    -------
    DataFrame
        Of `enumerators.enumerator_effects`, for all outcomes; `q_value` over all of them.
    """
    rule = work.rules.enumerator_effect
    parts = []
    for name, codes in rule.outcomes.items():
        if name in work.household:
            rows = work.household.loc[work.household[name].notna()]
            value = rows[name].isin(codes).astype("float64")
            parts.append(rows[["wave", "team_id", "enumerator_id"]].assign(variable=name, y=value))
    columns = ["wave", "team_id", "enumerator_id", "variable", "y"]
    long = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return enumerator_effects(long, least=rule.least)


def _numbers(work: Fieldwork, name: str) -> pd.DataFrame:
    keys = ["wave", "enumerator_id"]
    if name in work.household:
        return work.household.loc[work.household[name].notna(), [*keys, name]]
    if name not in work.roster:
        return pd.DataFrame(columns=[*keys, name])
    members = work.roster.loc[work.roster[name].notna(), ["_id", name]]
    return members.merge(work.household[["_id", *keys]], on="_id", validate="m:1")


def _unusual(
    rule: EnumeratorCheck,
    rows: pd.DataFrame,
    value: pd.Series,
    check: str,
    variable: str | None,
    text: str,
    *,
    within: bool = False,
) -> pd.DataFrame:
    found = unusual_shares(
        rows.assign(value=value), least=rule.least, z=rule.z, gap=rule.gap, within=within
    )
    share, median = percent(found["share"]), percent(found["median"])
    message = "Share of " + text + ": " + share + ", the median enumerator " + median + "."
    return flags(check, found, message, detail=share + " / " + median, variable=variable)
