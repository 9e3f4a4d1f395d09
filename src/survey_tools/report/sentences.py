"""Choose the sentence that a result deserves, never one that says more than its interval.

Writes no sentence itself: those are in `wording/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from survey_tools.report.markup import Html, key_figure
from survey_tools.report.numbers import MISSING, unit_key
from survey_tools.report.pick import rows_where
from survey_tools.report.results import Results
from survey_tools.report.small_cells import HIDDEN
from survey_tools.report.wording import Wording


def by_team(results: Results) -> str:
    """Say how many teams the page's commune has, and that their difference is no effect."""
    here = rows_where(results.levels, area=results.code)
    groups = here[here["group"].isin(["intensive", "regular"])]
    if not groups["status"].ne(HIDDEN).any():
        return results.words("by_team_none", place=results.place_within)
    teams = results.teams[results.teams["commune_code"].eq(results.code)]
    mine = {"commune_code": results.code}
    return results.words(
        "by_team",
        place=results.place_within,
        teams=results.counted(len(teams), "teams", **mine),
        intensive=results.counted(int(teams["intensive"].sum()), "teams", **mine, intensive="1"),
    )


def effect(results: Results, outcome: str) -> str:
    """Say what the outreach did to one outcome: raised, lowered, no clear effect, or too few to say."""
    return _effect_sentence(results, outcome, None, _EFFECT_KEYS)


def effects(results: Results) -> list[str]:
    """Say it for each main outcome."""
    return [effect(results, outcome) for outcome in results.study.report.main_outcomes]


def big_effect(results: Results) -> Html:
    """Show the effect on the first main outcome in large type; no figure where none is clear."""
    outcome = results.study.report.main_outcomes[0]
    row = results.effect(outcome)
    finding = _finding(row, results.plan.alpha)
    values = {} if row is None else _effect_values(results, row, outcome)
    figure = {
        "up": "big_up",
        "down": "big_up",
        "unclear": "big_unclear",
        "doubtful": "big_unclear",
    }.get(finding, "big_hidden")
    caption = "big_caption_hidden" if finding == "hidden" else "big_caption"
    label = {"outcome": results.outcome(outcome)}
    return key_figure(
        results.of_design(figure, **values), results.of_design(caption, **(values | label))
    )


def chance_findings(results: Results) -> str:
    """Warn how many intervals would leave out zero by chance alone."""
    count = int(results.effects["estimand"].eq(results.plan.main_estimand).sum())
    expected = results.numbers.number(count * (1 - results.study.design.interval), 1)
    return results.words("effect_many", count=count, expected=expected)


def late(results: Results) -> list[str]:
    """Say what being guided in person did to the households so guided because of the lot."""
    outcomes = results.study.report.main_outcomes
    return [_effect_sentence(results, outcome, "late", _LATE_KEYS) for outcome in outcomes]


def naive(results: Results) -> list[str]:
    """Set the naive comparison beside the one by lot, and say why it misleads."""
    sentences = []
    for outcome in results.study.report.main_outcomes:
        simple, itt = results.effect(outcome, "naive"), results.effect(outcome, "itt")
        if _finding(simple) == "hidden" or _finding(itt) == "hidden":
            continue
        scale = results.scale(outcome)
        sentences.append(
            results.words(
                "naive",
                outcome=results.outcome(outcome),
                naive=results.numbers.difference(simple["shown"], scale),  # type: ignore[index]
                itt=results.numbers.difference(itt["shown"], scale),  # type: ignore[index]
            )
        )
    return [*sentences, results.words("naive_why")]


def reach(results: Results) -> str:
    """Say how many households were guided in person, and how many more because of the lot."""
    row = results.effect(results.study.design.reached, "first_stage")
    finding = _finding(row, results.plan.alpha)
    if row is None or finding == "hidden":
        return results.words("reach_hidden")
    values = _effect_values(results, row, results.study.design.reached)
    values["regular"] = results.numbers.percent(row["mean_regular"])
    if finding == "up":
        values["size"] = results.numbers.difference(row["shown"], "binary", sign=False)
    keys = {"up": "reach", "down": "reach_down", "unclear": "reach_unclear"}
    return results.words(keys[finding], **values)


def balance(results: Results) -> list[str]:
    """Introduce the balance table, with the joint test where there is one."""
    sentences = [results.of_design("balance")]
    if (
        not results.by_lot
        or results.balance_joint.empty
        or results.balance_joint["p_value"].isna().iloc[0]
    ):
        return sentences
    row = results.row("balance_joint", results.balance_joint)
    numbers = results.numbers
    p_value = row["p_value"]
    sentences.append(
        results.words(
            "balance_joint",
            df1=numbers.number(row["df1"]),
            df2=numbers.number(row["df2"]),
            statistic=numbers.number(row["statistic"], 2),
            p=numbers.p_value(p_value),
            households=numbers.count(row["n"]),
            teams=numbers.count(row["n_teams"]),
        )
    )
    low = p_value < 1 - results.study.design.interval
    return [*sentences, results.words("balance_joint_low" if low else "balance_joint_high")]


def attrition(results: Results) -> list[str]:
    """Say which share of each group was interviewed at the endline."""
    rows = rows_where(results.attrition, wave=results.study.waves.endline)
    if set(rows["arm"]) != {"intensive", "regular"} or (rows["drawn"] == 0).any():
        return []
    both = {}
    for arm in ("intensive", "regular"):
        row = results.row("attrition", rows[rows["arm"].eq(arm)])
        both[arm] = results.numbers.percent(row["interviewed"] / row["drawn"], 1)
    return [results.words("attrition", **both)]


def how_shown(results: Results) -> str:
    """Say from how many answers a figure is shown, rounded or hidden."""
    rules = results.study.disclosure
    return results.words(
        "how_shown", show=rules.show_from, round=rules.round_from, count=rules.hide_counts_to
    )


def provenance(results: Results, run: str, commit: str | None) -> list[str]:
    """Say which data pull, which proof of completeness, which run and which program made the page."""
    words, record = results.words, results.provenance
    sentences = pulls(words, record.get("pulls") or [])
    if record.get("made"):
        sentences.append(words("provenance_made", made=results.numbers.moment(record["made"])))
    sentences.append(words("provenance_run", study=results.study.study.id, run=run))
    if commit:
        sentences.append(words("provenance_commit", commit=commit))
    return sentences


def pulls(words: Wording, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say of each form when it was pulled, from where, and what proves that nothing is missing."""
    return [_pull(words, record) for record in records] or [words("provenance_none")]


_EFFECT_KEYS = {
    "up": "effect_up",
    "down": "effect_down",
    "unclear": "effect_unclear",
    "doubtful": "effect_doubtful",
    "hidden": "effect_hidden",
}
_LATE_KEYS = {"up": "late", "down": "late", "unclear": "late_unclear", "hidden": "late_hidden"}


def _finding(row: pd.Series | None, alpha: float = 0.05) -> str:
    """Tell what may be said: `up`, `down`, `unclear`, `doubtful` or `hidden`.

    The interval decides; where the lot was drawn again, its p-value has to agree, or it is `doubtful`.
    """
    if row is None or row[["shown", "conf_low", "conf_high"]].isna().any():
        return "hidden"
    if row["conf_low"] <= 0 <= row["conf_high"]:
        return "unclear"
    if row.get("p_randomisation", np.nan) >= alpha:
        return "doubtful"
    return "up" if row["conf_low"] > 0 else "down"


def _effect_sentence(
    results: Results, outcome: str, estimand: str | None, keys: dict[str, str]
) -> str:
    row = results.effect(outcome, estimand)
    finding = _finding(row, results.plan.alpha)
    if row is None or finding == "hidden":
        return results.of_design(keys["hidden"], outcome=results.outcome(outcome))
    values = _effect_values(results, row, outcome)
    if finding == "doubtful":
        values["p"] = results.numbers.p_value(row["p_randomisation"])
    if estimand is None and finding in ("up", "down"):
        size = abs(row["shown"])
        values["size"] = results.numbers.difference(size, results.scale(outcome), sign=False)
    return results.of_design(keys[finding], **values)


def _effect_values(results: Results, row: pd.Series, outcome: str) -> dict[str, Any]:
    scale, numbers = results.scale(outcome), results.numbers
    return {
        "outcome": results.outcome(outcome),
        "size": numbers.difference(row["shown"], scale),
        "confidence": results.confidence,
        "interval": numbers.difference_interval(row["conf_low"], row["conf_high"], scale),
        "unit": results.words(unit_key(scale)),
        "basis": _basis(results, row),
    }


def _basis(results: Results, row: pd.Series) -> str:
    """Say how many households an effect rests on, or interviews where it follows a staggered start."""
    staggered = str(row.get("estimand", "")).startswith("att_")
    numbers = results.numbers
    return results.words(
        "basis_interviews" if staggered else "basis",
        n=numbers.count(row["n"]),
        teams=numbers.count(row["n_teams"]),
    )


def _pull(words: Wording, record: Mapping[str, Any]) -> str:
    form = f"form_{record.get('form')}"
    return words(
        "provenance_pull",
        form=words(form) if form in words else str(record.get("form") or MISSING),
        rows=words.numbers.count(record.get("rows")),
        counted=words.numbers.count(record.get("server_count")),
        finished=words.numbers.moment(record.get("finished")),
        server=str(record.get("server") or MISSING),
        proof=str(record.get("proof") or MISSING),
    )
