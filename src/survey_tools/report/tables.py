"""Tables of a page, made from disclosed results: estimate, interval, households, teams.

No stars, no ranking of communes, no p-value of a commune; a hidden cell is «—» with a note.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from survey_tools.report.markup import Cell, Table
from survey_tools.report.numbers import MISSING, unit_key
from survey_tools.report.pick import rows_where
from survey_tools.report.results import Results, rows_of
from survey_tools.report.small_cells import FEW, HIDDEN, SHOWN


def key_figures_table(results: Results, outcomes: Sequence[str] | None = None) -> Table:
    """Tabulate the page's main outcomes: baseline, endline with interval and n, and the change."""
    waves = results.study.waves
    rows: list[tuple[Cell, ...]] = []
    for outcome in outcomes or results.study.report.main_outcomes:
        scale = results.scale(outcome)
        first = results.level(outcome, waves.baseline, area=results.code)
        last = results.level(outcome, waves.endline, area=results.code)
        rows.append(
            (
                (results.outcome(outcome), unit_note(results, outcome)),
                _bare_level(results, first, scale),
                _bare_level(results, last, scale),
                _level_interval(results, last, scale),
                count_cell(results, last),
                _change(results, first, last, scale),
            )
        )
    words = results.words
    columns = (
        words("col_outcome"),
        words("col_level", wave=results.wave(waves.baseline)),
        words("col_level", wave=results.wave(waves.endline)),
        words("col_interval", confidence=results.confidence),
        words("col_n"),
        words("col_change"),
    )
    caption = words("caption_key", place=results.place_within)
    return Table(caption, columns, tuple(rows), notes=notes_of(results, rows))


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
    """Tabulate four comparisons side by side: by lot, by lot unadjusted, naive, and for the visited."""
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
        for row in rows_of(results.balance)
    ]
    names = ("variable", "regular", "intensive", "difference", "std_difference", "n", "teams")
    return _table(results, "caption_balance", names, rows)


def attrition_table(results: Results) -> Table:
    """Tabulate households drawn and interviewed, by wave and group of teams."""
    numbers = results.numbers
    frame = results.attrition.sort_values(["wave", "arm"])
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
    flow = flow[~counts | last]
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
    rows: list[tuple[Cell, ...]] = [
        (
            results.units[str(row.commune_code)].name(results.lang),
            _effect(results, pd.Series(row._asdict()), scale),
            results.numbers.percent(row.weight_own),
            results.numbers.bare_difference(row.smallest_detectable, scale).removeprefix("+"),
            results.numbers.count(row.n),
            results.numbers.count(row.n_teams),
        )
        for row in rows_of(frame)
    ]
    names = ("commune", "effect", "weight", "mde_commune", "n", "teams")
    caption = results.words("caption_communes", outcome=results.outcome(outcome))
    return Table(caption, _columns(results, names), tuple(rows), notes_of(results, rows))


def choices_table(results: Results, variable: str, wave: str | None = None) -> Table:
    """Tabulate what the page's households chose, most often chosen first; hidden choices last."""
    wave = wave or results.study.waves.endline
    frame = rows_where(results.choices, variable=variable, wave=wave)
    district = rows_where(frame, area="district").set_index("choice")
    here = rows_where(frame, area=results.code).sort_values(
        ["shown", "choice"], ascending=[False, True], na_position="last"
    )
    rows: list[tuple[Cell, ...]] = []
    for _, row in here.iterrows():
        cells = [_share(results, row)]
        if results.area is not None:
            cells.append(_share(results, district.loc[row["choice"]]))
        rows.append((results.choice(variable, row["choice"]), *cells))
    place = (results.place,) if results.area is None else (results.place, _district(results))
    caption = results.words("caption_choices", question=results.question(variable))
    columns = (results.words("col_choice"), *place)
    return Table(caption, columns, tuple(rows), notes_of(results, rows))


def mark(text: str, status: str) -> str:
    """Mark a figure that rests on few answers."""
    return f"{text}*" if status == FEW and text != MISSING else text


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
    cells = [c if isinstance(c, str) else c[0] for row in rows for c in row[1:]]
    few = any(cell.endswith("*") for cell in cells)
    show = results.study.disclosure.show_from
    notes = [results.words("note_few", show=show)] if few else []
    if any(cell == MISSING for cell in cells):
        notes.append(results.words("note_hidden"))
    return tuple(notes)


def level_cell(results: Results, row: pd.Series | None, scale: str) -> Cell:
    """Write a level with its interval below."""
    if row is None or row["status"] == HIDDEN:
        return MISSING
    return (_bare_level(results, row, scale), _level_interval(results, row, scale))


def _bare_level(results: Results, row: pd.Series | None, scale: str) -> str:
    if row is None or row["status"] == HIDDEN:
        return MISSING
    return mark(results.numbers.bare_value(row["shown"], scale), row["status"])


def _level_interval(results: Results, row: pd.Series | None, scale: str) -> str:
    if row is None or row["status"] == HIDDEN:
        return MISSING
    return results.numbers.interval(row["conf_low"], row["conf_high"], scale)


def count_cell(results: Results, row: pd.Series | None) -> str:
    """Write the number of households behind a level."""
    return results.numbers.count(None if row is None else row["n"])


def _change(results: Results, first: pd.Series | None, last: pd.Series | None, scale: str) -> str:
    if first is None or last is None or {first["status"], last["status"]} != {SHOWN}:
        return MISSING
    return results.numbers.bare_difference(last["shown"] - first["shown"], scale)


def _effect(results: Results, row: pd.Series | None, scale: str) -> Cell:
    if row is None or pd.isna(row["shown"]):
        return MISSING
    numbers = results.numbers
    interval = numbers.difference_interval(row["conf_low"], row["conf_high"], scale)
    return (numbers.bare_difference(row["shown"], scale), interval)


def _share(results: Results, row: pd.Series) -> str:
    return mark(results.numbers.percent(row["shown"]), row["status"])


def unit_note(results: Results, outcome: str) -> str:
    """Name the unit of a level unless it is a percentage or the label names it."""
    return results.words("unit_index") if results.scale(outcome) == "index" else ""


def _outcomes_with(results: Results, estimand: str) -> list[str]:
    rows = results.effects[results.effects["estimand"].eq(estimand)]
    return list(dict.fromkeys(rows["outcome"]))


def _district(results: Results) -> str:
    return results.words("col_district_share")
