"""Read the dated lists of units from `params/areas.csv` and refuse lists that contradict themselves."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from survey_tools.areas.units import Area, Areas
from survey_tools.errors import AreaError

_OF_UNIT = ("name_vi", "name_en", "valid_from", "valid_to", "people", "outside_vi", "outside_en")
_OPTIONAL = ("people", "outside_vi", "outside_en")


def read_areas(path: Path) -> Areas:
    """Read `params/areas.csv` (one row a 2024 unit and list).

    Raises
    ------
    AreaError
        When a column is missing, rows of one unit or one list differ in what they say of it, a list does
        not hold every 2024 unit exactly once, or the dates of the lists overlap or leave days out.
    """
    members: dict[tuple[str, str], list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        wanted = {"list", "code", "code_2024", *_OF_UNIT} - set(_OPTIONAL)
        if missing := sorted(wanted - set(reader.fieldnames or ())):
            raise AreaError(
                "The lists of areas lack columns.", expected=", ".join(missing), where=path.name
            )
        for row in reader:
            members.setdefault((row["list"], row["code"]), []).append(row)
    areas = Areas(tuple(_unit(rows, path.name) for rows in members.values()))
    _check_members(areas, path.name)
    _check_dates(areas, path.name)
    return areas


def _unit(rows: list[dict[str, str]], where: str) -> Area:
    first = {name: rows[0].get(name) or "" for name in ("list", "code", *_OF_UNIT)}
    for name in _OF_UNIT:
        said = {row.get(name) or "" for row in rows}
        if len(said) > 1:
            raise AreaError(
                "Rows of one unit differ in what they say of it.",
                expected=f"one {name} in all rows of the unit",
                found=f"{first['code']} (list {first['list']}): " + " and ".join(sorted(said)),
                where=where,
            )
    return Area(
        list=first["list"],
        code=first["code"],
        name_vi=first["name_vi"],
        name_en=first["name_en"],
        codes_2024=tuple(row["code_2024"] for row in rows),
        valid_from=_date(first["valid_from"], where),
        valid_to=_date(first["valid_to"], where),
        people=int(first["people"]) if first["people"] else None,
        outside_vi=first["outside_vi"],
        outside_en=first["outside_en"],
    )


def _date(text: str, where: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise AreaError(
            "A date of a list of areas is none.",
            expected="a day like 2025-07-01",
            found=repr(text),
            where=f"{where}, valid_from or valid_to",
        ) from error


def _check_members(areas: Areas, where: str) -> None:
    """Assert that every list holds the same 2024 units, each in one unit."""
    known = {code for unit in areas.units for code in unit.codes_2024}
    for name in areas.lists():
        held = Counter(code for unit in areas.of(name) for code in unit.codes_2024)
        twice = sorted(code for code, times in held.items() if times > 1)
        absent = sorted(known - held.keys())
        if twice or absent:
            raise AreaError(
                f"The list {name} does not hold every 2024 unit once.",
                expected=f"{len(known)} 2024 units, each in one unit of the list",
                found=f"twice: {', '.join(twice) or 'none'}; absent: {', '.join(absent) or 'none'}",
                where=where,
            )


def _check_dates(areas: Areas, where: str) -> None:
    """Assert that the lists follow each other day by day, oldest first."""
    periods = {}
    for name in areas.lists():
        said = {(unit.valid_from, unit.valid_to) for unit in areas.of(name)}
        if len(said) > 1 or next(iter(said))[0] is None:
            raise AreaError(
                f"The units of the list {name} are not of one period.",
                expected="one valid_from and one valid_to for the whole list",
                where=where,
            )
        periods[name] = next(iter(said))
    for (older, (_, end)), (newer, (start, _)) in pairwise(periods.items()):
        if end is None or start != end + timedelta(days=1):
            raise AreaError(
                f"The lists {older} and {newer} overlap or leave days out.",
                expected=f"{newer} to begin the day after {older} ends",
                found=f"{older} ends {end}, {newer} begins {start}",
                where=where,
            )
