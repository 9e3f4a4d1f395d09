"""Identify a commune by code and dated list, and follow it through the mergers; touches no rows.

A code alone is no identity: seven codes of the 2024 list name another place in a later one.
"""

from __future__ import annotations

import csv
import difflib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from survey_tools.errors import AreaError


@dataclass(frozen=True)
class Area:
    """A unit of one dated list, with the codes of the 2024 units that it consists of."""

    list: str
    code: str
    name_vi: str
    name_en: str
    codes_2024: tuple[str, ...]

    def name(self, lang: str) -> str:
        """Name in `vi` or `en`."""
        return self.name_vi if lang == "vi" else self.name_en


@dataclass(frozen=True)
class Areas:
    """All dated lists of units."""

    units: tuple[Area, ...]

    def lists(self) -> tuple[str, ...]:
        """Names of the lists, oldest first."""
        return tuple(dict.fromkeys(unit.list for unit in self.units))

    def of(self, list_: str) -> tuple[Area, ...]:
        """Units of one list, by code."""
        found = tuple(unit for unit in self.units if unit.list == list_)
        if not found:
            raise AreaError(
                "There is no such list of areas.",
                expected=" or ".join(self.lists()),
                found=repr(list_),
                where="params/areas.csv",
            )
        return found

    def get(self, code: str | int, list_: str) -> Area:
        """Find a unit by its code or its name, with or without diacritics.

        A number is taken as the code it prints as: papermill turns `-p commune 10291` into one.

        Raises
        ------
        AreaError
            When the list has no such unit; the message names the nearest ones.
        """
        wanted = str(code).strip()
        units = self.of(list_)
        for unit in units:
            if wanted == unit.code or plain(wanted) in _spellings(unit):
                return unit
        raise AreaError(
            "There is no such commune.",
            expected=f"a code or name of the {list_} list ({len(units)} units)",
            found=repr(code),
            where="params/areas.csv",
            next_step=_suggestion(wanted, units),
        )

    def successor(self, code_2024: str, list_: str) -> Area:
        """Find the unit of a later list that a 2024 unit belongs to."""
        for unit in self.of(list_):
            if code_2024 in unit.codes_2024:
                return unit
        raise AreaError(
            "No unit of that list contains this 2024 unit.",
            found=code_2024,
            where=f"params/areas.csv, list {list_}",
        )


def read_areas(path: Path) -> Areas:
    """Read `params/areas.csv` (one row a 2024 unit and list)."""
    members: dict[tuple[str, str], list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            members.setdefault((row["list"], row["code"]), []).append(row)
    return Areas(
        tuple(
            Area(
                list=list_,
                code=code,
                name_vi=rows[0]["name_vi"],
                name_en=rows[0]["name_en"],
                codes_2024=tuple(row["code_2024"] for row in rows),
            )
            for (list_, code), rows in members.items()
        )
    )


def plain(text: str) -> str:
    """Lower-case `text` and strip Vietnamese diacritics; đ has no decomposition and is mapped by hand.

    >>> plain("Xã Đại Thắng")
    'xa dai thang'
    """
    mapped = text.replace("đ", "d").replace("Đ", "D")
    letters = unicodedata.normalize("NFD", mapped)
    return "".join(c for c in letters if not unicodedata.combining(c)).casefold().strip()


def _spellings(unit: Area) -> set[str]:
    full = plain(unit.name_vi)
    bare = full.removeprefix("xa ").removeprefix("thi tran ")
    return {full, bare, plain(unit.name_en)}


def _suggestion(wanted: str, units: tuple[Area, ...]) -> str:
    names = {spelling: unit for unit in units for spelling in _spellings(unit)}
    names |= {unit.code: unit for unit in units}
    near = difflib.get_close_matches(plain(wanted), list(names), n=3, cutoff=0.5)
    found = dict.fromkeys(f"{names[key].code} ({names[key].name_vi})" for key in near)
    if found:
        return "did you mean " + " or ".join(found) + "?"
    return "take a code from " + ", ".join(unit.code for unit in units[:3]) + ", …"
