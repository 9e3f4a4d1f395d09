"""Show levels by the units of each list of areas, and which old units each new one holds.

Made from disclosed results only; no effect, no ranking, no interval of a difference between units.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from survey_tools.areas import Area
from survey_tools.report.markup import Cell, Html, Table
from survey_tools.report.numbers import is_missing
from survey_tools.report.pick import rows_where
from survey_tools.report.results import Results, within
from survey_tools.report.tables import level_cell, notes_of, unit_note

SHARE_STEP = 20
"""A share of people within the study is an estimate, told in twentieths."""


def notes(results: Results) -> list[str | list[str]]:
    """Say what the tables by list are, which lists they are of, and which units have land outside."""
    words = results.words
    if not results.lists:
        return [words("areas_none")]
    lists = [
        words("areas_list", period=_period(results, units[0]), count=len(units))
        for units in results.lists.values()
    ]
    outside = [
        _outside(results, unit) for unit in _later_units(results) if unit.outside(results.lang)
    ]
    return [words("areas", own=results.study.areas.list_), [*lists, *outside]]


def levels_tables(results: Results) -> list[Table]:
    """Tabulate the main outcomes at the endline by unit, one table a list: level, interval, households."""
    return [_levels_table(results, units) for units in results.lists.values()]


def crosswalk_table(results: Results) -> Table | Html:
    """Tabulate which units of the study's own list each unit holds, with its code and teams."""
    if not results.lists:
        return Html("")
    rows: list[tuple[Cell, ...]] = []
    for unit in _later_units(results):
        held = [
            old for old in results.units.values() if set(old.codes_2024) <= set(unit.codes_2024)
        ]
        teams = results.teams["commune_code"].isin([old.code for old in held]).sum()
        first, *others = (old.name(results.lang) for old in held)
        rows.append(
            (
                (_name(results, unit), results.words("areas_code", code=unit.code)),
                ", ".join([first, *(within(name, results.lang) for name in others)]),
                results.numbers.count(int(teams)),
            )
        )
    own = results.study.areas.list_
    columns = tuple(
        results.words(f"col_{name}", own=own) for name in ("area", "old_units", "teams")
    )
    periods = dict.fromkeys(_period(results, unit) for unit in _later_units(results))
    caption = results.words("caption_crosswalk", period="; ".join(periods))
    return Table(caption, columns, tuple(rows), text_columns=2)


def _levels_table(results: Results, units: Sequence[Area]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    outcomes = results.study.report.main_outcomes
    for unit in sorted(units, key=_by_code):
        found = [_row(results, unit, outcome) for outcome in outcomes]
        cells = [
            _level(results, row, results.scale(outcome))
            for row, outcome in zip(found, outcomes, strict=True)
        ]
        known = [row["n_teams"] for row in found if row is not None]
        teams = max((n for n in known if not is_missing(n)), default=None)
        rows.append((unit.name(results.lang), *cells, results.numbers.count(teams)))
    labels = [" – ".join(filter(None, _label(results, outcome))) for outcome in outcomes]
    columns = (results.words("col_area_unit"), *labels, results.words("col_teams"))
    wave = results.wave(results.study.waves.endline)
    caption = results.words("caption_areas", wave=wave, period=_period(results, units[0]))
    return Table(caption, columns, tuple(rows), notes_of(results, rows))


def _level(results: Results, row: pd.Series | None, scale: str) -> Cell:
    """Write a level, and below it its interval and the households that it rests on."""
    cell = level_cell(results, row, scale)
    if row is None or isinstance(cell, str):
        return cell
    households = results.words(
        "areas_households", n=results.numbers.base(row["n"], row.get("about", False))
    )
    return cell[0], f"{cell[1]}; {households}"


def _label(results: Results, outcome: str) -> tuple[str, str]:
    return results.outcome(outcome), unit_note(results, outcome)


def _name(results: Results, unit: Area) -> str:
    """Write the name of a unit, with the period of its list where several later lists stand together."""
    name = unit.name(results.lang)
    if len(results.lists) == 2:
        return name
    return results.words("areas_unit", place=name, period=_period(results, unit))


def _later_units(results: Results) -> list[Area]:
    """Units of the lists that came after the study's own, in the order of codes."""
    own = results.study.areas.list_
    later = [units for name, units in results.lists.items() if name != own]
    return [unit for units in later for unit in sorted(units, key=_by_code)]


def _by_code(unit: Area) -> str:
    return unit.code


def _row(results: Results, unit: Area, outcome: str) -> pd.Series | None:
    """Find the level of a unit at the endline; None where there is none."""
    frame, wave = results.by_list, results.study.waves.endline
    where = {"area_list": unit.list, "area_code": unit.code, "outcome": outcome, "wave": wave}
    rows = rows_where(frame, **where)
    return None if rows.empty else results.row("levels_by_area", rows)


def _period(results: Results, unit: Area) -> str:
    """Write from when to when the list of a unit is in force; its name where that is not known."""
    if unit.valid_from is None:
        return unit.list
    first = results.numbers.day(unit.valid_from)
    if unit.valid_to is None:
        return results.words("areas_period_open", first=first)
    return results.words("areas_period", first=first, last=results.numbers.day(unit.valid_to))


def _outside(results: Results, unit: Area) -> str:
    period = _period(results, unit)
    place = results.words("areas_unit", place=unit.name(results.lang), period=period)
    values = {"place": place, "outside": unit.outside(results.lang)}
    share = results.shares_inside.get(unit.key)
    if share is None:
        return results.words("areas_outside_unknown", **values)
    rounded = round(share * SHARE_STEP) / SHARE_STEP
    return results.words("areas_outside", **values, share=results.numbers.percent(rounded))
