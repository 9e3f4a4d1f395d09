"""Draw next steps for the teams from a commune's shown figures, by the rules of `params/next_steps.yml`.

A rule holds where a whole interval lies on one side of a threshold, or a choice is among the first. Nothing
is drawn from a figure that is hidden, and nothing from an effect: that of one commune is mostly noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from survey_tools.params.next_steps import (
    Beyond,
    ChoiceCondition,
    LevelCondition,
    NextStep,
)
from survey_tools.report.commune import rows
from survey_tools.report.markup import Html
from survey_tools.report.results import Results, lowered
from survey_tools.report.small_cells import SHOWN
from survey_tools.report.traced import html


@dataclass(frozen=True)
class Suggested:
    """A step whose rule holds, with the figure that it rests on."""

    step: NextStep
    row: pd.Series


@dataclass(frozen=True)
class Verdict:
    """Steps whose rule holds, most urgent first; how many rules there are, and how many cannot be judged."""

    holding: tuple[Suggested, ...]
    rules: int
    unknown: int


def judge(results: Results) -> Verdict:
    """Hold all rules against the page's figures; one about a choice that nobody was offered is unknown."""
    rules = () if results.next_steps is None else results.next_steps.ordered
    figures = [(step, _figure(results, step)) for step in rules]
    held = [
        Suggested(step, row)
        for step, row in figures
        if row is not None and _holds(results, step, row)
    ]
    return Verdict(tuple(held), len(rules), sum(row is None for _, row in figures))


def steps_list(results: Results) -> Html:
    """Show the steps with the figure that each rests on, or say that none follows or none can be judged."""
    if results.next_steps is None:
        return _paragraph(results.words("commune_steps_no_rules"))
    verdict = judge(results)
    if verdict.holding:
        most = verdict.holding[: results.next_steps.most]
        listed = "\n".join(_item(results, one) for one in most)
        parts = [f'<ol class="steps">\n{listed}\n</ol>']
    elif verdict.rules and verdict.unknown == verdict.rules:
        return _paragraph(results.words("commune_steps_unknown"))
    else:
        parts = [_paragraph(results.words("commune_steps_none")).source]
    if verdict.unknown:
        parts.append(_paragraph(results.words("commune_steps_some_unknown"), "note").source)
    return Html("\n".join(parts))


def _figure(results: Results, step: NextStep) -> pd.Series | None:
    """Return the figure that a rule looks at; None where it may not be shown or there is none."""
    when = step.when
    if isinstance(when, ChoiceCondition):
        return _choice(results, when)
    if isinstance(when, LevelCondition):
        row = rows.level(results, when.of, group=when.group)
    elif when.figure == "change":
        row = rows.change(results, when.of, when.group)
    else:
        row = rows.gap(results, when.of, when.group)
    return row if rows.is_shown(row) else None


def _choice(results: Results, when: ChoiceCondition) -> pd.Series | None:
    found = rows.choices(results, when.question)
    mine = found[found["choice"].eq(when.choice) & found["status"].eq(SHOWN)]
    return None if mine.empty else results.row("choices", mine)


def _holds(results: Results, step: NextStep, row: pd.Series) -> bool:
    when = step.when
    if isinstance(when, ChoiceCondition):
        if when.above is not None:
            return "conf_low" in row and bool(row["conf_low"] > when.above)
        shown = rows.choices(results, when.question)["shown"]
        return int(shown.gt(float(row["shown"])).sum()) < int(when.among_first or 0)
    if when.below is not None:
        return bool(row["conf_high"] < when.below)
    return bool(row["conf_low"] > when.above)


def _item(results: Results, one: Suggested) -> str:
    step = one.step.vi if results.lang == "vi" else one.step.en
    return f"<li>{html(step)}<br><small>{html(_why(results, one))}</small></li>"


def _why(results: Results, one: Suggested) -> str:
    when, row, numbers = one.step.when, one.row, results.numbers
    if isinstance(when, ChoiceCondition):
        return results.words(
            "commune_why_choice",
            question=results.question(when.question),
            choice=results.choice(when.question, when.choice),
            share=numbers.percent(row["shown"]),
            interval=numbers.interval(row.get("conf_low"), row.get("conf_high"), "binary"),
            confidence=results.confidence,
            n=numbers.base(row["n"], row.get("about", False)),
        )
    side = "below" if when.below is not None else "above"
    scale = rows.scale(results, when.of)
    values = {
        "what": results.outcome(when.of),
        "group": results.words(f"group_{when.group}"),
        "n": numbers.base(row["n"], row.get("about", False)),
        "confidence": results.confidence,
    }
    if isinstance(when, LevelCondition):
        return results.words(
            f"commune_why_level_{side}",
            **values,
            value=numbers.bare_value(row["shown"], scale),
            interval=numbers.interval(row["conf_low"], row["conf_high"], scale),
            threshold=numbers.bare_value(_threshold(when), scale),
        )
    return results.words(
        f"commune_why_{when.figure}_{side}",
        **(values | {"what": lowered(results.outcome(when.of))}),
        size=numbers.difference(row["shown"], scale),
        interval=numbers.difference_interval(row["conf_low"], row["conf_high"], scale),
    )


def _threshold(when: Beyond) -> float | None:
    return when.below if when.below is not None else when.above


def _paragraph(text: str, kind: str = "") -> Html:
    return Html(f'<p class="{kind}">{html(text)}</p>' if kind else f"<p>{html(text)}</p>")
