"""Sentences of a commune's page: what is, what changed, who is behind; never more than an interval says.

The wording is in `report/wording/commune_*.yml`. Not here: what the teams may do next (`steps`).
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from survey_tools.report import sentences as common
from survey_tools.report.commune import rows
from survey_tools.report.numbers import MISSING, is_missing
from survey_tools.report.results import Results, lowered
from survey_tools.report.small_cells import FEW


def key_figures(results: Results) -> list[str]:
    """Say of each main outcome where it stands, with interval and number of answers."""
    return [_key_figure(results, outcome) for outcome in results.study.report.main_outcomes]


def finding(results: Results, outcome: str) -> str:
    """Say in a few words what a change came to: rose, fell, not clear, too few to say.

    An index, which is scaled anew in every wave, has none.
    """
    row = rows.change(results, outcome)
    if results.scale(outcome) == "index":
        return MISSING
    if not rows.is_shown(row):
        return results.words("commune_too_few")
    if not rows.is_clear(row):
        return results.words("commune_unclear")
    return results.words("commune_rose" if row["shown"] > 0 else "commune_fell")


def own_data(results: Results) -> list[str]:
    """Say what the place's own data could tell of the effect and what not, on one main outcome.

    On the first of which an estimate may be shown; where there is none, that is said.
    """
    outcomes = results.study.report.main_outcomes
    known = [one for one in outcomes if rows.is_estimated(rows.own_effect(results, one))]
    outcome = next(iter(known), outcomes[0])
    row, district = rows.own_effect(results, outcome), results.effect(outcome)
    mine = {"commune_code": results.code}
    teams = int(results.teams["commune_code"].eq(results.code).sum())
    counted = results.numbers.count(results.counted(teams, "teams", **mine))
    noise = results.words("commune_own_noise", teams=counted, place=results.place_within)
    if row is None or is_missing(row["shown"]):
        return [noise, results.words("commune_own_none", place=results.place_within)]
    smallest = row.get("smallest_detectable")
    if row["status"] == "too_few" or smallest is None or is_missing(smallest):
        return [noise, results.words("commune_own_teams", place=results.place_within)]
    if district is None or is_missing(district["shown"]):
        return [noise]
    scale = results.scale(outcome)
    could = abs(float(district["shown"])) >= float(smallest)
    told = results.words(
        "commune_own_could" if could else "commune_own_could_not",
        place=results.place_within,
        outcome=lowered(results.outcome(outcome)),
        smallest=results.numbers.difference(smallest, scale, sign=False),
        district=results.numbers.difference(district["shown"], scale),
        weight=results.numbers.percent(row["weight_own"]),
    )
    return [noise, told]


def left_behind(results: Results) -> list[str]:
    """Say which groups are clearly above or below everybody, and of which too few answered to say."""
    outcomes = results.study.report.main_outcomes
    gaps = {group: [rows.gap(results, o, group) for o in outcomes] for group in rows.GROUPS}
    clear = [
        _gap(results, group, outcome, row)
        for group, found in gaps.items()
        for outcome, row in zip(outcomes, found, strict=True)
        if rows.is_clear(row)
    ]
    unknown = [group for group, found in gaps.items() if not any(map(rows.is_shown, found))]
    names = [results.words(f"group_{group}") for group in unknown]
    if len(unknown) == len(gaps):
        return [results.words("commune_gap_none_known")]
    texts = clear or [results.words("commune_gap_none")]
    if names:
        listed = ", ".join([names[0], *map(lowered, names[1:])])
        texts.append(results.words("commune_gap_unknown", groups=listed))
    return texts


def left_behind_district(results: Results) -> list[str]:
    """Say which groups are clearly above or below everybody over the district, where far more answered."""
    found = [
        (group, outcome, rows.gap(results, outcome, group, rows.DISTRICT))
        for group in rows.GROUPS
        for outcome in results.study.report.main_outcomes
    ]
    clear = [
        _gap(results, group, outcome, row) for group, outcome, row in found if rows.is_clear(row)
    ]
    return clear or [results.words("commune_gap_none")]


def choices(results: Results, variable: str) -> str:
    """Introduce a question with several answers: the question, and how many answered."""
    found = rows.choices(results, variable)
    values: dict[str, Any] = {
        "question": results.question(variable),
        "place": results.place_within,
    }
    if found.empty:
        return results.words("choices_none", **values)
    row = results.row("choices", found)
    n = results.numbers.base(row["n"], row.get("about", False))
    return results.words("commune_choices", **values, n=n)


def harm_effects(results: Results) -> list[str]:
    """Say what more intensive outreach did to each harm over the district."""
    return [common.effect(results, outcome) for outcome in harms(results)]


def harms(results: Results) -> list[str]:
    """Outcomes of the study that are harms, in the order of the list."""
    outcomes = results.outcomes
    return [str(name) for name in outcomes.index[outcomes["family"].eq("harm")]]


def how_shown(results: Results) -> list[str]:
    """Say from how many answers a figure is shown, and how a change is told."""
    change = results.words("commune_how_change", confidence=results.confidence)
    return [common.how_shown(results), change]


def _key_figure(results: Results, outcome: str) -> str:
    row, scale = rows.level(results, outcome), results.scale(outcome)
    if not rows.is_shown(row):
        return results.words("commune_key_hidden", outcome=results.outcome(outcome))
    numbers = results.numbers
    return results.words(
        "commune_key_few" if row["status"] == FEW else "commune_key",
        outcome=results.outcome(outcome),
        now=numbers.value(row["shown"], scale),
        interval=numbers.interval(row["conf_low"], row["conf_high"], scale),
        n=numbers.base(row["n"], row.get("about", False)),
    )


def _gap(results: Results, group: str, outcome: str, row: pd.Series) -> str:
    scale, numbers = results.scale(outcome), results.numbers
    return results.words(
        "commune_gap_above" if row["shown"] > 0 else "commune_gap_below",
        group=results.words(f"group_{group}"),
        outcome=lowered(results.outcome(outcome)),
        size=numbers.difference(abs(row["shown"]), scale, sign=False),
        interval=numbers.difference_interval(row["conf_low"], row["conf_high"], scale),
        confidence=results.confidence,
    )


def chance_findings(results: Results) -> list[str]:
    """Warn how many of the place's intervals of changes and gaps would leave out zero by chance alone.

    Counted are those that are not hidden: the changes of both tables, and the gaps of every group, whether
    the page names them or not.
    """
    main = results.study.report.main_outcomes
    both = dict.fromkeys([*main, *harms(results)])
    looked = [outcome for outcome in both if results.scale(outcome) != "index"]
    where = {"area": results.code, "wave": results.study.waves.endline}
    shown = [
        results.counted(1, "changes", **where, group=rows.EVERYBODY, outcome=outcome)
        for outcome in looked
        if rows.is_shown(rows.change(results, outcome))
    ]
    shown += [
        results.counted(1, "gaps", **where, group=group, outcome=outcome)
        for group in rows.GROUPS
        for outcome in main
        if rows.is_shown(rows.gap(results, outcome, group))
    ]
    if not shown:
        return []
    count: float = shown[0]
    for one in shown[1:]:
        count = count + one
    one_in = round(1 / (1 - results.study.design.interval), 6)
    expected = results.numbers.number(count / one_in, 1)
    return [results.words("commune_many", count=count, expected=expected)]
