"""Tables of a commune's page: figures with interval and number of answers, «too few» where that is so.

No stars, no ranking, no p-value; what may be shown was decided before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import pandas as pd

from survey_tools.report.commune import rows, sentences
from survey_tools.report.markup import Cell, Table
from survey_tools.report.numbers import MISSING, SHARES, is_missing, unit_key
from survey_tools.report.pick import rows_where
from survey_tools.report.results import Results
from survey_tools.report.small_cells import FEW
from survey_tools.report.tables import mark, unit_note

MOST_CHOICES = 6
"""Choices of a question that a page has room for."""


def fieldwork_table(results: Results) -> Table:
    """Tabulate when households were interviewed, and how many of those drawn, by wave."""
    found = [(wave, rows.fieldwork(results, wave)) for wave in results.study.waves.all]
    cells = [_fieldwork(results, wave, row) for wave, row in found]
    known = [row for _, row in found if row is not None and not is_missing(row["interviews"])]
    notes = [results.words("note_hidden")] if len(known) < len(found) else []
    if any(row["first_week"] or row["last_week"] for row in known):
        fewest = results.study.disclosure.hide_counts_to + 1
        notes.append(results.words("commune_note_week", count=fewest))
    names = ("col_wave", "col_n", "commune_col_drawn", "commune_col_first", "commune_col_last")
    return _table(results, "commune_caption_fieldwork", names, cells, notes)


def changes_table(results: Results, outcomes: Sequence[str] | None = None) -> Table:
    """Tabulate outcomes at baseline and endline, the change with interval, and what it came to."""
    baseline, cells, seen = results.study.waves.baseline, [], []
    for outcome in outcomes or results.study.report.main_outcomes:
        levels = [rows.level(results, outcome, wave=baseline), rows.level(results, outcome)]
        change = rows.change(results, outcome)
        seen += levels
        cells.append(
            (
                (results.outcome(outcome), unit_note(results, outcome)),
                *(_level(results, row, outcome) for row in levels),
                _difference(results, change, outcome),
                sentences.finding(results, outcome),
            )
        )
    names = ("col_outcome", "wave_baseline", "wave_endline", "col_change", "commune_col_finding")
    return _table(results, "commune_caption_changes", names, cells, _notes(results, seen))


def teams_table(results: Results) -> Table:
    """Tabulate main outcomes at the endline in the two groups of teams."""
    cells, seen = [], []
    for outcome in results.study.report.main_outcomes:
        levels = [rows.level(results, outcome, group=arm) for arm in ("regular", "intensive")]
        seen += levels
        label = (results.outcome(outcome), unit_note(results, outcome))
        cells.append((label, *(_level(results, row, outcome) for row in levels)))
    names = ("col_outcome", "arm_regular", "arm_intensive")
    return _table(results, "commune_caption_teams", names, cells, _notes(results, seen))


def effects_table(results: Results) -> Table:
    """Tabulate the district's effect on each main outcome and, after a lot, this place's pooled one."""
    cells = []
    for outcome in results.study.report.main_outcomes:
        district, own = results.effect(outcome), rows.own_effect(results, outcome)
        scale = results.scale(outcome)
        pooled: tuple[Cell, ...] = ()
        if results.by_lot:
            weight = None if own is None else own["weight_own"]
            smallest = None if own is None else own.get("smallest_detectable")
            mine = own is None or own["status"] != "too_few"
            pooled = (
                _effect(results, own, scale) if mine else results.words("commune_own_no_data"),
                results.numbers.percent(weight),
                results.numbers.bare_difference(smallest, scale, sign=False),
            )
        unit = "" if scale in SHARES else results.words(unit_key(scale))
        cells.append(((results.outcome(outcome), unit), _effect(results, district, scale), *pooled))
    names = ["col_outcome", "commune_col_district_effect"]
    if results.by_lot:
        names += ["commune_col_own_effect", "col_weight", "commune_col_smallest"]
    notes = [results.words("commune_note_points")]
    return _table(results, "commune_caption_effects", names, cells, notes)


def groups_table(results: Results) -> Table:
    """Tabulate main outcomes and visits by the team in each group beside everybody."""
    groups = (rows.EVERYBODY, *rows.GROUPS)
    named = [*results.study.report.main_outcomes]
    reached = results.study.design.reached
    named += [reached] if reached in results.study.report.outreach else []
    cells, seen = [], []
    for name in named:
        levels = [rows.level(results, name, group=group) for group in groups]
        seen += levels
        cells.append(
            (
                (results.outcome(name), unit_note(results, name)),
                *(_level(results, row, name) for row in levels),
            )
        )
    names = ("col_outcome", *(f"commune_group_{group}" for group in groups))
    return _table(results, "commune_caption_groups", names, cells, _notes(results, seen))


def outreach_table(results: Results) -> Table:
    """Tabulate outreach received: baseline, endline, the two groups of teams, the district."""
    baseline, cells, seen = results.study.waves.baseline, [], []
    for name in results.study.report.outreach:
        levels = [
            rows.level(results, name, wave=baseline),
            rows.level(results, name),
            rows.level(results, name, group="regular"),
            rows.level(results, name, group="intensive"),
            rows.level(results, name, area=rows.DISTRICT),
        ]
        seen += levels
        cells.append((results.outcome(name), *(_level(results, row, name) for row in levels)))
    names = (
        "commune_col_outreach", "wave_baseline", "wave_endline", "commune_col_regular",
        "commune_col_intensive", "commune_col_district",
    )  # fmt: skip
    return _table(results, "commune_caption_outreach", names, cells, _notes(results, seen))


def choices_table(results: Results, variable: str) -> Table:
    """Tabulate the choices made most often, with interval, and the district's shares."""
    found = results.rows("choices", rows.choices(results, variable).head(MOST_CHOICES))
    wave = results.study.waves.endline
    of_district = rows_where(results.choices, area=rows.DISTRICT, variable=variable, wave=wave)
    cells, seen = [], []
    for _, row in found.iterrows():
        both = of_district[of_district["choice"].eq(row["choice"])]
        district = None if both.empty else results.row("choices", both)
        seen += [row, district]
        label = results.choice(variable, str(row["choice"]))
        cells.append(
            (label, _share(results, row), _interval(results, row), _share(results, district))
        )
    notes = [*_notes(results, seen), results.words("commune_note_choices")]
    names = ("col_choice", "commune_col_here", "col_interval", "commune_col_district")
    caption = results.words("caption_choices", question=results.question(variable))
    columns = tuple(results.words(name, confidence=results.confidence) for name in names)
    return Table(caption, columns, tuple(cells), tuple(notes) if cells else ())


def harm_table(results: Results) -> Table:
    """Tabulate scams met and money lost as `changes_table` does, whatever they say."""
    return changes_table(results, sentences.harms(results))


def _fieldwork(results: Results, wave: str, row: pd.Series | None) -> tuple[Cell, ...]:
    name, numbers = results.wave(wave), results.numbers
    if row is None or is_missing(row["interviews"]):
        return (name, MISSING, MISSING, MISSING, MISSING)
    share = (
        None if is_missing(row["drawn"]) or not row["drawn"] else row["interviews"] / row["drawn"]
    )
    return (
        name,
        numbers.count(row["interviews"]),
        (numbers.count(row["drawn"]), "" if share is None else numbers.percent(share)),
        _day(results, row, "first"),
        _day(results, row, "last"),
    )


def _day(results: Results, row: pd.Series, end: str) -> Cell:
    text = row[f"{end}_day"]
    if pd.isna(text):
        return MISSING
    day = results.numbers.day(date.fromisoformat(str(text)))
    return (day, results.words(f"commune_week_{end}")) if row[f"{end}_week"] else day


def _level(results: Results, row: pd.Series | None, name: str) -> Cell:
    """Write a level, and below it its interval and the number of answers."""
    if not rows.is_shown(row):
        return results.words("commune_too_few")
    scale, numbers = rows.scale(results, name), results.numbers
    low, high = (numbers.bare_value(row[end], scale) for end in ("conf_low", "conf_high"))
    n = numbers.base(row["n"], row.get("about", False))
    return (
        _value(results, row, name),
        results.words("commune_interval_n", low=low, high=high, n=n),
    )


def _value(results: Results, row: pd.Series, name: str) -> str:
    return mark(results.numbers.bare_value(row["shown"], rows.scale(results, name)), row["status"])


def _share(results: Results, row: pd.Series | None) -> Cell:
    if not rows.is_shown(row):
        return results.words("commune_too_few")
    return mark(results.numbers.percent(row["shown"]), row["status"])


def _interval(results: Results, row: pd.Series) -> Cell:
    """Write the interval of a share, which results of an older version have not."""
    if "conf_low" not in row:
        return MISSING
    return results.numbers.interval(row["conf_low"], row["conf_high"], "share")


def _difference(results: Results, row: pd.Series | None, outcome: str) -> Cell:
    if not rows.is_shown(row):
        return MISSING
    return _effect(results, row, results.scale(outcome))


def _effect(results: Results, row: pd.Series | None, scale: str) -> Cell:
    if row is None or is_missing(row["shown"]):
        return results.words("commune_too_few")
    numbers = results.numbers
    interval = numbers.difference_interval(row["conf_low"], row["conf_high"], scale)
    return (numbers.bare_difference(row["shown"], scale), interval)


def _notes(results: Results, levels: Iterable[pd.Series | None]) -> list[str]:
    """Explain the mark of few answers where it stands."""
    few = any(rows.is_shown(row) and row["status"] == FEW for row in levels)
    return [results.words("note_few", show=results.study.disclosure.show_from)] if few else []


def _table(
    results: Results,
    caption: str,
    names: Sequence[str],
    cells: Sequence[tuple[Cell, ...]],
    notes: Sequence[str],
) -> Table:
    place = {"place": results.place_within, "confidence": results.confidence}
    columns = tuple(results.words(name) for name in names)
    return Table(results.words(caption, **place), columns, tuple(cells), tuple(notes))
