"""Tables of the evidence, made from disclosed results: no stars, every null shown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from survey_tools.report.evidence.rows import (
    HARM,
    evidence,
    interval,
    label,
    p_value,
    row_of,
    term,
    with_interval,
)
from survey_tools.report.markup import Cell, Table
from survey_tools.report.numbers import MISSING, unit_key
from survey_tools.report.results import Results, rows_of
from survey_tools.report.tables import notes_of

Rows = list[tuple[Cell, ...]]
ESTIMATORS = {
    "itt": "adjusted",
    "itt_unadjusted": "unadjusted",
    "itt_lin": "lin",
    "did": "did",
    "itt_weighted": "weighted",
    "itt_ipw_attrition": "response",
    "aipw_att": "aipw_att",
    "aipw_ate": "aipw_ate",
    "att_staggered": "att_staggered",
    "att_dynamic": "att_dynamic",
    "att_imputation": "att_imputation",
    "att_sunab": "att_sunab",
}
"""Estimands that a table sets side by side, with the key of their label."""

THREATS = ("effect", "bounds", "unseen", "placebo", "leave")
"""Rows of the table of threats; where nothing was drawn only the effect and the unseen cause are of use."""


def inference_table(results: Results) -> Table:
    """Tabulate p-value and interval of the effect on the main outcomes by four ways."""
    rows: Rows = []
    for outcome in results.study.report.main_outcomes:
        cells = [
            _p_with_interval(results, outcome, method)
            for method in ("cr2", "randomisation", "wild", "cr1")
        ]
        effect = with_interval(results, results.effect(outcome), results.scale(outcome))
        rows.append((label(results, outcome), effect[0], *cells))
    names = ("outcome", "effect", "cr2", "p_randomisation", "wild", "cr1")
    return _table(results, "inference", names, rows)


def families_table(results: Results) -> Table:
    """Tabulate all outcomes by family, with p-values corrected within it."""
    rows: Rows = []
    for row in rows_of(evidence(results, "families")):
        itt, series = results.effect(row.outcome), pd.Series(row._asdict())
        drawn = row_of(results, "inference", outcome=row.outcome, method="randomisation")
        family = term(results, "family", row.family)
        unit = results.words(unit_key(results.scale(row.outcome)))
        rows.append(
            (
                (results.outcome(row.outcome), f"{family}, {unit}"),
                with_interval(results, itt, results.scale(row.outcome)),
                p_value(results, drawn),
                p_value(results, series, "p_romano_wolf"),
                p_value(results, series, "q_sharpened"),
                results.numbers.count(None if itt is None else itt["n"]),
                results.numbers.count(None if itt is None else itt["n_teams"]),
            )
        )
    names = ("outcome", "effect", "p", "p_family", "q", "n", "teams")
    return _table(results, "families", names, rows)


def harm_table(results: Results) -> Table:
    """Tabulate the outcomes of the family of harms, whatever they say."""
    outcomes = list(results.outcomes.index[results.outcomes["family"].eq(HARM)])
    rows: Rows = []
    for outcome in outcomes:
        effect, scale = results.effect(outcome), results.scale(outcome)
        drawn = row_of(results, "inference", outcome=outcome, method="randomisation")
        rows.append(
            (
                label(results, outcome),
                results.numbers.bare_value(
                    None if effect is None else effect["mean_regular"], scale
                ),
                with_interval(results, effect, scale),
                p_value(results, drawn if results.by_lot else effect),
                results.numbers.count(None if effect is None else effect["n"]),
                results.numbers.count(None if effect is None else effect["n_teams"]),
            )
        )
    level, n = ("untreated", "n_interviews") if results.by_start else ("regular", "n")
    return _table(results, "harm", ("outcome", level, "effect", "p", n, "teams"), rows)


def robust_table(results: Results) -> Table:
    """Tabulate the main effect and those that the plan sets beside it for robustness, one a row."""
    main = results.plan.main_estimand
    beside = [
        one.analysis
        for one in results.plan.analyses
        if one.table == "effects" and one.role == "robustness" and one.analysis in ESTIMATORS
    ]
    rows: Rows = []
    for estimand in (main, *(one for one in beside if one != main)):
        name = "effect" if estimand == main else ESTIMATORS[estimand]
        cells = [
            with_interval(results, results.effect(outcome, estimand), results.scale(outcome))
            for outcome in results.study.report.main_outcomes
        ]
        rows.append((results.words(f"col_{name}"), *cells))
    return _by_outcome(results, "robust", "estimator", rows)


def through_table(results: Results) -> Table:
    """Tabulate the effect on those guided because of the lot, with the Anderson–Rubin interval."""
    rows: Rows = []
    for outcome in results.study.report.main_outcomes:
        late, scale = results.effect(outcome, "late"), results.scale(outcome)
        strength = None if late is None else late.get("first_stage_f")
        rows.append(
            (
                label(results, outcome),
                with_interval(results, late, scale),
                interval(results, late, scale, ("ar_low", "ar_high")),
                results.numbers.number(strength, 1),
                results.numbers.count(None if late is None else late["n"]),
                results.numbers.count(None if late is None else late["n_teams"]),
            )
        )
    return _table(results, "through", ("outcome", "late", "ar", "f", "n", "teams"), rows)


def exposure_table(results: Results) -> Table:
    """Tabulate comparisons by dose and by being guided, which nobody drew, beside those through the lot."""
    estimands = ("naive", "aipw_att", "dose_slope", "dose_iv")
    return _by_estimand(
        results, "exposure", estimands, ("outcome", "naive", "aipw", "dose", "dose_iv")
    )


def groups_table(results: Results) -> Table:
    """Tabulate effects on the main outcomes inside and outside each group stated beforehand."""
    frame = evidence(results, "heterogeneity")
    main = results.study.report.main_outcomes
    rows: Rows = []
    for _, row in frame[frame["outcome"].isin(main)].iterrows() if len(frame) else ():
        scale = results.scale(row["outcome"])
        inside = ("estimate_in", "conf_low_in", "conf_high_in")
        outside = ("estimate_out", "conf_low_out", "conf_high_out")
        between = ("interaction", "conf_low", "conf_high")
        rows.append(
            (
                (term(results, "group", row["group"]), results.outcome(row["outcome"])),
                with_interval(results, row, scale, inside),
                with_interval(results, row, scale, outside),
                with_interval(results, row, scale, between),
                p_value(results, row, "p_adjusted"),
                results.numbers.count(row["n_in"]),
                results.numbers.count(row["n_teams_in"]),
            )
        )
    names = ("group", "inside", "outside", "interaction", "p_groups", "n_in", "teams_in")
    return _table(results, "groups", names, rows)


def threats_table(results: Results) -> Table:
    """Tabulate what attrition, an unseen cause or one commune could do to the main outcomes, one a row."""
    outcomes = results.study.report.main_outcomes
    first = results.study.waves.baseline
    shown = THREATS if results.by_lot else ("effect", "unseen")
    cells: dict[str, list[Cell]] = {name: [] for name in THREATS}
    for outcome in outcomes:
        scale = results.scale(outcome)
        lee = row_of(results, "lee_bounds", outcome=outcome)
        unseen = row_of(results, "sensitivity", outcome=outcome)
        strength = None if unseen is None else unseen["robustness_value"]
        before = results.effect(outcome, "placebo_baseline", wave=first)
        cells["effect"].append(with_interval(results, results.effect(outcome), scale))
        cells["bounds"].append(interval(results, lee, scale, ("lower", "upper")))
        cells["unseen"].append(results.numbers.percent(strength, 1))
        cells["placebo"].append(with_interval(results, before, scale))
        cells["leave"].append(_range(results, outcome, scale))
    rows: Rows = [(results.words(f"col_{name}"), *cells[name]) for name in shown]
    return _by_outcome(results, "threats", "threat", rows)


def overlap_table(results: Results) -> Table:
    """Tabulate whether the households of either group have counterparts in the other."""
    percent, count = results.numbers.percent, results.numbers.count
    arms = {"treated": "arm_intensive", "untreated": "arm_regular"}
    rows: Rows = [
        (
            results.outcome(row.outcome),
            results.words(arms[row.arm]),
            percent(row.mean_score),
            percent(row.share_below),
            percent(row.share_above),
            count(row.n),
            count(row.effective_n),
            count(row.n_teams),
        )
        for row in rows_of(evidence(results, "overlap"))
    ]
    names = ("outcome", "arm", "score", "score_low", "score_high", "n", "worth", "teams")
    return _table(results, "overlap", names, rows, text_columns=2)


def power_table(results: Results) -> Table:
    """Tabulate the smallest effects that the study can find."""
    rows: Rows = []
    for row in rows_of(evidence(results, "detectable")):
        scale, number = results.scale(row.outcome), results.numbers
        smallest = (row.mde, row.mde_family, row.mde_takeup)
        cells = [number.bare_difference(x, scale, sign=False) for x in smallest]
        rows.append(
            (
                label(results, row.outcome),
                number.number(row.icc, 3),
                *cells,
                number.count(row.teams),
            )
        )
    names = ("outcome", "icc", "mde", "mde_family", "mde_reached", "teams")
    return _table(results, "power", names, rows)


def plan_table(results: Results) -> Table | None:
    """Tabulate what was planned and not run, run and not planned; None where nothing departs."""
    frame = evidence(results, "plan")
    rows: Rows = []
    for row in rows_of(frame[frame["state"].ne("as_planned")] if len(frame) else frame):
        outcome = term(results, "event", row.outcome)
        state = results.words(f"plan_{row.state}")
        rows.append((f"{row.table}: {row.analysis}", outcome, state))
    if not rows:
        return None
    names = ("analysis", "outcome", "departure")
    return _table(results, "plan", names, rows, text_columns=3)


def _range(results: Results, outcome: str, scale: str) -> str:
    frame = evidence(results, "leave_out")
    if frame.empty:
        return MISSING
    found = frame.loc[frame["outcome"].eq(outcome), "estimate"].astype("float64")
    low = results.summed(found.min(), "leave_out", "least", outcome=outcome)
    high = results.summed(found.max(), "leave_out", "greatest", outcome=outcome)
    return results.numbers.difference_interval(low, high, scale)


def _p_with_interval(results: Results, outcome: str, method: str) -> Cell:
    row = row_of(results, "inference", outcome=outcome, method=method)
    if row is None or pd.isna(row["p_value"]):
        return MISSING
    between = interval(results, row, results.scale(outcome))
    return results.numbers.p_value(row["p_value"]), between


def _by_outcome(results: Results, caption: str, first: str, rows: Rows) -> Table:
    """Lay out a table with a column for each main outcome."""
    main = results.study.report.main_outcomes
    columns = [results.words(f"col_{first}")]
    for outcome in main:
        columns.append(
            f"{results.outcome(outcome)} ({results.words(unit_key(results.scale(outcome)))})"
        )
    notes = notes_of(results, rows)
    return Table(results.of_design(f"caption_{caption}"), tuple(columns), tuple(rows), notes)


def _by_estimand(
    results: Results, caption: str, estimands: Sequence[str], names: Sequence[str]
) -> Table:
    rows: Rows = []
    for outcome in results.study.report.main_outcomes:
        scale = results.scale(outcome)
        cells = [with_interval(results, results.effect(outcome, e), scale) for e in estimands]
        rows.append((label(results, outcome), *cells))
    return _table(results, caption, names, rows)


def _table(
    results: Results, caption: str, names: Sequence[str], rows: Rows, text_columns: int = 1
) -> Table:
    columns = _columns(results, names)
    notes = notes_of(results, rows)
    return Table(results.words(f"caption_{caption}"), columns, tuple(rows), notes, text_columns)


def _columns(results: Results, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(results.words(f"col_{name}") for name in names)
