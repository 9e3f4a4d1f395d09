"""Tables of a page, made from disclosed results: estimate, interval, households, teams.

No stars, no ranking of communes, no p-value of a commune; a hidden cell is «—» with a note.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from survey_tools.report.markup import Cell, Table
from survey_tools.report.numbers import MISSING, is_missing, unit_key
from survey_tools.report.pick import rows_where
from survey_tools.report.results import Results, rows_of
from survey_tools.report.small_cells import FEW, HIDDEN
from survey_tools.report.traced import plain


def levels_table(
    results: Results,
    outcomes: Sequence[str] | None = None,
    waves: Sequence[str] | None = None,
) -> Table:
    """Tabulate levels of the two groups of teams; by default main outcomes at the endline."""
    waves = waves or (results.study.waves.endline,)
    rows: list[tuple[Cell, ...]] = []
    for outcome in outcomes or results.study.report.main_outcomes:
        for wave in waves:
            cells: list[Cell] = [results.wave(wave)] if len(waves) > 1 else []
            for group in ("regular", "intensive"):
                row = results.level(outcome, wave, area=results.code, group=group)
                cells += [
                    level_cell(results, row, results.scale(outcome)),
                    count_cell(results, row),
                ]
            rows.append(((results.outcome(outcome), unit_note(results, outcome)), *cells))
    words = results.words
    texts = ("col_outcome", "col_wave") if len(waves) > 1 else ("col_outcome",)
    columns = (*texts, "arm_regular", "col_n", "arm_intensive", "col_n")
    key = "caption_levels" if results.area is None else "caption_by_team"
    return Table(
        words(key, place=results.place_within),
        tuple(words(column) for column in columns),
        tuple(rows),
        notes_of(results, rows),
        text_columns=len(texts),
    )


def effects_table(results: Results, outcomes: Sequence[str] | None = None) -> Table:
    """Tabulate main effects: estimate, interval, households, teams; where there was a lot, the naive one."""
    rows: list[tuple[Cell, ...]] = []
    for outcome in outcomes or _outcomes_with(results, results.plan.main_estimand):
        effect = results.effect(outcome)
        scale = results.scale(outcome)
        regular = None if effect is None else effect["mean_regular"]
        simple = [_effect(results, results.effect(outcome, "naive"), scale)] * results.by_lot
        rows.append(
            (
                (results.outcome(outcome), results.words(unit_key(scale))),
                results.numbers.bare_value(regular, scale),
                _effect(results, effect, scale),
                results.numbers.count(None if effect is None else effect["n"]),
                results.numbers.count(None if effect is None else effect["n_teams"]),
                *simple,
            )
        )
    level, n = ("untreated", "n_interviews") if results.by_start else ("regular", "n")
    names = ("outcome", level, "effect", n, "teams", *["naive"] * results.by_lot)
    return _table(results, "caption_effects", names, rows)


def compare_table(results: Results, outcomes: Sequence[str] | None = None) -> Table:
    """Tabulate four comparisons side by side: by lot, by lot unadjusted, naive, and for those guided."""
    rows: list[tuple[Cell, ...]] = []
    for outcome in outcomes or results.study.report.main_outcomes:
        scale = results.scale(outcome)
        cells = [
            _effect(results, results.effect(outcome, estimand), scale)
            for estimand in ("itt", "itt_unadjusted", "naive", "late")
        ]
        rows.append(((results.outcome(outcome), results.words(unit_key(scale))), *cells))
    names = ("outcome", "effect", "unadjusted", "naive", "late")
    return _table(results, "caption_compare", names, rows)


def balance_table(results: Results) -> Table:
    """Tabulate baseline characteristics of the two groups with their difference."""
    number = results.numbers.number
    rows: list[tuple[Cell, ...]] = [
        (
            results.outcome(row.variable),
            number(row.mean_regular, 2),
            number(row.mean_intensive, 2),
            (
                number(row.estimate, 2, sign=True),
                results.numbers.difference_interval(row.conf_low, row.conf_high, "index"),
            ),
            number(row.normalised_difference, 2, sign=True),
            number(row.n),
            number(row.n_teams),
        )
        for row in rows_of(results.rows("balance", results.balance))
    ]
    names = ("variable", "regular", "intensive", "difference", "std_difference", "n", "teams")
    return _table(results, "caption_balance", names, rows)


def attrition_table(results: Results) -> Table:
    """Tabulate households drawn and interviewed, by wave and group of teams."""
    numbers = results.numbers
    frame = results.rows("attrition", results.attrition.sort_values(["wave", "arm"]))
    rows: list[tuple[Cell, ...]] = [
        (
            results.wave(row.wave),
            results.words(f"arm_{row.arm}"),
            numbers.count(row.drawn),
            numbers.count(row.interviewed),
            numbers.percent(row.interviewed / row.drawn if row.drawn else None, 1),
        )
        for row in rows_of(frame)
    ]
    names = ("wave", "arm", "drawn", "interviewed", "share")
    return _table(results, "caption_attrition", names, rows, text_columns=2)


def flow_table(results: Results) -> Table:
    """Tabulate how many rows left and why; steps at which none left are left out."""
    flow = results.flow
    counts = ~flow["step"].isin([0, 1]) & (flow["dropped"] == 0)
    last = flow["step"] == flow.groupby("wave")["step"].transform("max")
    flow = results.rows("flow", flow[~counts | last])
    rows: list[tuple[Cell, ...]] = [
        (
            results.flow_term("stage", str(row.stage)),
            results.wave(str(row.wave)),
            results.flow_term("reason", str(row.reason)),
            results.numbers.count(row.dropped),
            results.numbers.count(row.remaining),
        )
        for row in rows_of(flow)
    ]
    names = ("stage", "wave", "reason", "dropped", "remaining")
    return _table(results, "caption_flow", names, rows, text_columns=3)


def communes_table(results: Results, outcome: str | None = None) -> Table:
    """Tabulate partially pooled effects of the communes, ordered by code."""
    outcome = outcome or results.study.report.main_outcomes[0]
    scale = results.scale(outcome)
    frame = rows_where(results.communes, outcome=outcome).sort_values("commune_code")
    frame = results.rows("communes", frame)
    rows: list[tuple[Cell, ...]] = [
        (
            results.units[str(row.commune_code)].name(results.lang),
            _effect(results, pd.Series(row._asdict()), scale),
            results.numbers.percent(row.weight_own),
            results.numbers.bare_difference(row.smallest_detectable, scale, sign=False),
            results.numbers.count(row.n),
            results.numbers.count(row.n_teams),
        )
        for row in rows_of(frame)
    ]
    names = ("commune", "effect", "weight", "mde_commune", "n", "teams")
    caption = results.words("caption_communes", outcome=results.outcome(outcome))
    return Table(caption, _columns(results, names), tuple(rows), notes_of(results, rows))


def mark(text: str, status: str) -> str:
    """Mark a figure that rests on few answers."""
    return f"{text}*" if status == FEW else text


def _table(
    results: Results,
    caption: str,
    names: Sequence[str],
    rows: Sequence[tuple[Cell, ...]],
    text_columns: int = 1,
) -> Table:
    return Table(
        results.of_design(caption),
        _columns(results, names),
        tuple(rows),
        notes_of(results, rows),
        text_columns,
    )


def _columns(results: Results, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(results.of_design(f"col_{name}") for name in names)


def notes_of(results: Results, rows: Sequence[tuple[Cell, ...]]) -> tuple[str, ...]:
    """Explain the marks that stand in the cells of a table."""
    cells = [plain(c if isinstance(c, str) else c[0]) for row in rows for c in row[1:]]
    few = any(cell.endswith("*") for cell in cells)
    show = results.study.disclosure.show_from
    notes = [results.words("note_few", show=show)] if few else []
    if any(cell == MISSING for cell in cells):
        notes.append(results.words("note_hidden"))
    return tuple(notes)


def level_cell(results: Results, row: pd.Series | None, scale: str) -> Cell:
    """Write a level with its interval below."""
    if row is None or row["status"] == HIDDEN:
        return _bare_level(results, row, scale)
    return (_bare_level(results, row, scale), _level_interval(results, row, scale))


def _bare_level(results: Results, row: pd.Series | None, scale: str) -> str:
    if row is None:
        return MISSING
    return mark(results.numbers.bare_value(row["shown"], scale), row["status"])


def _level_interval(results: Results, row: pd.Series | None, scale: str) -> str:
    if row is None or row["status"] == HIDDEN:
        return MISSING
    return results.numbers.interval(row["conf_low"], row["conf_high"], scale)


def count_cell(results: Results, row: pd.Series | None) -> str:
    """Write the number of households behind a level."""
    return results.numbers.count(None if row is None else row["n"])


def _effect(results: Results, row: pd.Series | None, scale: str) -> Cell:
    if row is None or is_missing(row["shown"]):
        return results.numbers.number(None if row is None else row["shown"])
    numbers = results.numbers
    interval = numbers.difference_interval(row["conf_low"], row["conf_high"], scale)
    return (numbers.bare_difference(row["shown"], scale), interval)


def unit_note(results: Results, outcome: str) -> str:
    """Name the unit of a level unless it is a percentage or the label names it."""
    return results.words("unit_index") if results.scale(outcome) == "index" else ""


def _outcomes_with(results: Results, estimand: str) -> list[str]:
    rows = results.effects[results.effects["estimand"].eq(estimand)]
    return list(dict.fromkeys(rows["outcome"]))
