"""Show levels by the units of later lists of areas, and which old units each new one holds.

Made from disclosed results only; no effect, no ranking, no interval of a difference between units.
"""

from __future__ import annotations

import pandas as pd

from survey_tools.areas import Area
from survey_tools.report.markup import Cell, Html, Table
from survey_tools.report.results import Results, within
from survey_tools.report.small_cells import HIDDEN
from survey_tools.report.tables import count_cell, level_cell, notes_of, unit_note

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
    outside = [_outside(results, unit) for unit in _units(results) if unit.outside(results.lang)]
    return [words("areas", own=results.study.areas.list_), [*lists, *outside]]


def levels_table(results: Results) -> Table | Html:
    """Tabulate the main outcomes at the endline for each unit: level, interval, households, teams."""
    if not results.lists:
        return Html("")
    rows: list[tuple[Cell, ...]] = []
    for unit in _units(results):
        for outcome in results.study.report.main_outcomes:
            row = _row(results, unit, outcome)
            label = (results.outcome(outcome), unit_note(results, outcome))
            rows.append(
                (
                    (_name(results, unit), ", ".join(text for text in label if text)),
                    level_cell(results, row, results.scale(outcome)),
                    count_cell(results, row),
                    results.numbers.count(None if row is None else row["n_teams"]),
                )
            )
    endline = results.wave(results.study.waves.endline)
    columns = (
        results.words("col_area"),
        endline,
        results.words("col_n"),
        results.words("col_teams"),
    )
    caption = results.words("caption_areas", period=_periods(results))
    return Table(caption, columns, tuple(rows), notes_of(results, rows))


def crosswalk_table(results: Results) -> Table | Html:
    """Tabulate which units of the study's own list each unit holds, with its code and teams."""
    if not results.lists:
        return Html("")
    rows: list[tuple[Cell, ...]] = []
    for unit in _units(results):
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
    caption = results.words("caption_crosswalk", period=_periods(results))
    return Table(caption, columns, tuple(rows), text_columns=2)


def _name(results: Results, unit: Area) -> str:
    """Write the name of a unit, with the period of its list where the page has several."""
    name = unit.name(results.lang)
    if len(results.lists) == 1:
        return name
    return results.words("areas_unit", place=name, period=_period(results, unit))


def _units(results: Results) -> list[Area]:
    return [unit for units in results.lists.values() for unit in sorted(units, key=_by_code)]


def _by_code(unit: Area) -> str:
    return unit.code


def _row(results: Results, unit: Area, outcome: str) -> pd.Series | None:
    """Find the level of a unit at the endline; None where it is hidden or there is none."""
    frame, wave = results.by_list, results.study.waves.endline
    rows = frame[
        frame["area_list"].eq(unit.list)
        & frame["area_code"].eq(unit.code)
        & frame["outcome"].eq(outcome)
        & frame["wave"].eq(wave)
        & frame["status"].ne(HIDDEN)
    ]
    return None if rows.empty else rows.iloc[0]


def _period(results: Results, unit: Area) -> str:
    """Write from when to when the list of a unit is in force; its name where that is not known."""
    if unit.valid_from is None:
        return unit.list
    first = results.numbers.day(unit.valid_from)
    if unit.valid_to is None:
        return results.words("areas_period_open", first=first)
    return results.words("areas_period", first=first, last=results.numbers.day(unit.valid_to))


def _periods(results: Results) -> str:
    return "; ".join(_period(results, units[0]) for units in results.lists.values())


def _outside(results: Results, unit: Area) -> str:
    period = _period(results, unit)
    place = results.words("areas_unit", place=unit.name(results.lang), period=period)
    values = {"place": place, "outside": unit.outside(results.lang)}
    share = results.shares_inside.get(unit.key)
    if share is None:
        return results.words("areas_outside_unknown", **values)
    rounded = round(share * SHARE_STEP) / SHARE_STEP
    return results.words("areas_outside", **values, share=results.numbers.percent(rounded))
