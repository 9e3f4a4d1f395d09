"""Identify a commune by code and dated list, and follow it through the mergers; touches no rows.

A code alone is no identity: seven GSO codes of the 2024 list name another place in the list before it or
in a later one, and two more kept code and name but grew.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from survey_tools.errors import AreaError


@dataclass(frozen=True, order=True)
class AreaKey:
    """What identifies a unit: its code and the dated list that the code is of."""

    area_list: str
    area_code: str

    def __str__(self) -> str:
        return f"{self.area_code} (list {self.area_list})"


@dataclass(frozen=True)
class Area:
    """A unit of one dated list, with the codes of the 2024 units that it consists of.

    Attributes
    ----------
    valid_from, valid_to : date or None
        First and last day of the list; None: not known, or in force until further notice.
    people : int or None
        Registered residents when the list came into force, land outside the study included.
    outside_vi, outside_en : str
        Land of the unit that lies outside the study; empty where there is none.
    """

    list: str
    code: str
    name_vi: str
    name_en: str
    codes_2024: tuple[str, ...]
    valid_from: date | None = None
    valid_to: date | None = None
    people: int | None = None
    outside_vi: str = ""
    outside_en: str = ""

    @property
    def key(self) -> AreaKey:
        """Code and list together."""
        return AreaKey(self.list, self.code)

    def name(self, lang: str) -> str:
        """Name in `vi` or `en`."""
        return self.name_vi if lang == "vi" else self.name_en

    def outside(self, lang: str) -> str:
        """Land outside the study, in `vi` or `en`; empty where there is none."""
        return self.outside_vi if lang == "vi" else self.outside_en


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

    def list_at(self, day: date | str) -> str:
        """Name the list that was in force on a day (a date, or `2025-07-01`).

        Raises
        ------
        AreaError
            When no list is known for the day: it is before the first list, or no date at all.
        """
        wanted = _day(day)
        for name in self.lists():
            first, last = self.of(name)[0].valid_from, self.of(name)[0].valid_to
            if first and first <= wanted and (last is None or wanted <= last):
                return name
        starts = [unit.valid_from for unit in self.units if unit.valid_from]
        raise AreaError(
            "No list of areas is known for this day.",
            expected=f"a day from {min(starts)} on" if starts else "lists with dates",
            found=str(wanted),
            where="params/areas.csv, valid_from and valid_to",
            next_step="add the list that was in force then, or correct the date",
        )

    def get(self, code: str | int, list_: str) -> Area:
        """Find a unit by its code or its name, with or without diacritics.

        A number is taken as the code it prints as: papermill turns `-p commune 10291` into one.

        Raises
        ------
        AreaError
            When the list has no such unit; the message names the nearest ones, or which list has it.
        """
        wanted = str(code).strip()
        units = self.of(list_)
        by_code = next((unit for unit in units if unit.code == wanted), None)
        if by_code is not None:
            return by_code
        name = plain(wanted)
        for unit in units:
            if name in _spellings(unit):
                return unit
        raise AreaError(
            "There is no such commune.",
            expected=f"a code or name of the {list_} list ({len(units)} units)",
            found=repr(code),
            where="params/areas.csv",
            next_step=self._elsewhere(wanted, list_) or _suggestion(wanted, units),
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

    def crosswalk(self, list_from: str, list_to: str) -> dict[str, Area]:
        """Map each code of one list to the unit of another that the place lies in wholly.

        Raises
        ------
        AreaError
            When a unit of `list_from` is spread over several of `list_to`, as when going back to an older
            list: nothing tells which of its households belong where.
        """
        around_code = {code: new for new in self.of(list_to) for code in new.codes_2024}
        found = {}
        for old in self.of(list_from):
            around = {around_code.get(code) for code in old.codes_2024}
            unit = around.pop() if len(around) == 1 else None
            if unit is None:
                raise AreaError(
                    f"The list {list_from} cannot be told in the list {list_to}.",
                    expected="each unit wholly within one unit, as from an older list to a later one",
                    found=f"{old.key}: spread over several units or outside of all",
                    where="params/areas.csv",
                    next_step="start from the list that the codes of the survey are of",
                )
            found[old.code] = unit
        return found

    def lists_calling(self, code: str, name: str) -> tuple[str, ...]:
        """Name the lists in which a code stands for a unit of this name.

        Names are compared whole («Xã Phú Xuyên» is not «Thị trấn Phú Xuyên»), with or without
        diacritics, in Vietnamese or English.
        """
        wanted = plain(name)
        return tuple(
            unit.list
            for unit in self.units
            if unit.code == code and wanted in (plain(unit.name_vi), plain(unit.name_en))
        )

    def share_inside(self, unit: Area, people_2019: Mapping[str, int]) -> float | None:
        """Return the share of a unit's people who live within the study; 1 where no land lies outside.

        An approximation for a unit with land outside: the people of its 2024 units by the census of
        2019, grown like those of the list's units that lie wholly inside, over its registered people.
        None where people are not known of all these units.

        Parameters
        ----------
        unit : Area
        people_2019 : mapping of str to int
            People of each 2024 unit by the census of 2019.
        """
        if not unit.outside_vi:
            return 1.0
        whole = [u for u in self.of(unit.list) if u.people and not u.outside_vi]
        if not all(code in people_2019 for u in (unit, *whole) for code in u.codes_2024):
            return None
        before = sum(_people(u, people_2019) for u in whole)
        if not unit.people or not before:
            return None
        growth = sum(u.people or 0 for u in whole) / before
        return min(1.0, growth * _people(unit, people_2019) / unit.people)

    def _elsewhere(self, code: str, list_: str) -> str:
        """Say what a code is in other lists; empty where none has it."""
        known = [unit for unit in self.units if unit.code == code and unit.list != list_]
        places = ", ".join(f"{unit.name_vi} in the list {unit.list}" for unit in known)
        return f"{code} is {places}; take the code of the list {list_}" if known else ""


def plain(text: str) -> str:
    """Lower-case `text` and strip Vietnamese diacritics.

    >>> plain("Xã Đại Thắng")
    'xa dai thang'
    """
    return without_marks(text).casefold().strip()


def without_marks(text: str) -> str:
    """Strip Vietnamese diacritics; đ has no decomposition and is mapped by hand.

    >>> without_marks("Xã Đại Thắng")
    'Xa Dai Thang'
    """
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in letters if not unicodedata.combining(c))


def _day(day: date | str) -> date:
    if isinstance(day, datetime):
        return day.date()
    try:
        return day if isinstance(day, date) else date.fromisoformat(day)
    except ValueError as error:
        raise AreaError(
            "This is no date.", expected="a day like 2025-07-01", found=repr(day)
        ) from error


def _people(unit: Area, people_2019: Mapping[str, int]) -> int:
    return sum(people_2019[code] for code in unit.codes_2024)


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
