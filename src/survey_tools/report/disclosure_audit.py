"""Find hidden counts that all published ones together still tell; a part of `disclosure`.

The rules of `disclosure_cells` look at one sum at a time. An attacker has all of them at once: groups that
make up everybody in each commune, communes that make up the district for each group, and that nobody is in a
group without being in everybody. The least and greatest count of a hidden cell that goes with all of that
are two linear programs (Fischetti and Salazar 2001; Hundepool et al. 2012, Statistical Disclosure Control,
section 4.4, who call it the audit of a suppression pattern). Where they leave an unsafe cell one count only,
or only counts that must not be known, one more cell is hidden, and all is looked at again.

How many answered is taken as known of every cell, hidden ones too. A count of nobody or everybody is never
looked for: the rules publish such cells, and with them what lies inside. Not here: means, which add up over
unbounded answers, so that two hidden ones never tell each other. Nor tables of more communes than
`MOST_AREAS`: there the programs would take hours, and a sum over thousands of communes leaves so many hidden
ones that it tells little; the rules of `disclosure_cells` hold there as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import csr_array

from survey_tools.params import DisclosureSettings
from survey_tools.report.small_cells import is_unsafe

EVERYBODY, DISTRICT = "all", "district"

MOST_AREAS = 300
"""Areas of a table that is looked through."""

_ROUNDS = 6
"""Programs that move all cells of a table at once, before one is made for each that did not move."""

_TRIED = 12
"""Cells that are tried for one that must be hidden further, before the nearest is taken."""

_EPSILON = 1e-6


def hide_what_is_told(
    frame: pd.DataFrame,
    hidden: pd.Series,
    pairs: tuple[tuple[str, str], ...],
    rules: DisclosureSettings,
) -> pd.Series:
    """Hide one more cell in each table of one wave and outcome that still tells a hidden one.

    Parameters
    ----------
    frame : DataFrame
        `area`, `wave`, `outcome`, `group`, `n`, `numerator`.
    hidden : Series of bool
    pairs : tuple
        Groups that make up everybody between them.
    rules : DisclosureSettings

    Returns
    -------
    Series of bool
        `hidden` itself where nothing is told.
    """
    counted = frame[frame["n"].gt(0) & frame["numerator"].notna()]
    more = []
    for _, rows in counted.groupby(["wave", "outcome"], sort=False):
        if hidden.loc[rows.index].any() and rows["area"].nunique() <= MOST_AREAS:
            table = _Table(rows, hidden.loc[rows.index].to_numpy(), pairs, rules)
            more += [rows.index[place] for place in table.to_hide()]
    if not more:
        return hidden
    after = hidden.copy()
    after.loc[more] = True
    return after


@dataclass(frozen=True)
class _Target:
    """A count that must not be told: a hidden cell, or everybody without it."""

    cell: int
    factors: tuple[tuple[int, float], ...]
    n: float
    count: float


class _Table:
    """The cells of one wave and outcome, and what adds up among them."""

    def __init__(
        self,
        rows: pd.DataFrame,
        hidden: np.ndarray,
        pairs: tuple[tuple[str, str], ...],
        rules: DisclosureSettings,
    ) -> None:
        self.areas, self.groups = rows["area"].to_numpy(str), rows["group"].to_numpy(str)
        self.n, self.count = rows["n"].to_numpy(float), rows["numerator"].to_numpy(float)
        self.hidden, self.rules = hidden.copy(), rules
        cells = zip(self.areas, self.groups, strict=True)
        self.place = {cell: i for i, cell in enumerate(cells)}
        self.equal = [*self._pairs(pairs), *self._areas()]
        self.inside = list(self._inside())

    def to_hide(self) -> list[int]:
        """Return the place of one more cell to hide; none where nothing is told."""
        told = self._first_told()
        if told is None:
            return []
        candidates = self._candidates(told)
        for place in candidates[:_TRIED]:
            self.hidden[place] = True
            resolved = not self._is_told(told, *self._bounds(told, self._program()))
            self.hidden[place] = False
            if resolved:
                return [place]
        return candidates[:1]

    def _pairs(self, pairs: tuple[tuple[str, str], ...]) -> Iterator[list[tuple[int, float]]]:
        """Yield groups that make up everybody, in each area; a group without a cell has nobody."""
        for area in dict.fromkeys(self.areas):
            for pair in pairs:
                parts = [self.place[area, g] for g in pair if (area, g) in self.place]
                whole = self.place.get((area, EVERYBODY))
                if parts and whole is not None and self.n[parts].sum() == self.n[whole]:
                    yield [*((part, 1.0) for part in parts), (whole, -1.0)]

    def _areas(self) -> Iterator[list[tuple[int, float]]]:
        """Yield communes that make up the district, for each group."""
        for group in dict.fromkeys(self.groups):
            whole = self.place.get((DISTRICT, group))
            parts = np.flatnonzero((self.groups == group) & (self.areas != DISTRICT))
            if whole is not None and self.n[parts].sum() == self.n[whole]:
                yield [*((int(part), 1.0) for part in parts), (whole, -1.0)]

    def _inside(self) -> Iterator[tuple[int, int, float]]:
        """Yield groups inside everybody, with how many answers the others have."""
        for i, (area, group) in enumerate(zip(self.areas, self.groups, strict=True)):
            whole = self.place.get((area, EVERYBODY))
            if group != EVERYBODY and whole is not None:
                yield i, whole, self.n[whole] - self.n[i]

    def _targets(self) -> list[_Target]:
        found = []
        for i in np.flatnonzero(self.hidden):
            found.append(_Target(int(i), ((int(i), 1.0),), self.n[i], self.count[i]))
            whole = self.place.get((self.areas[i], EVERYBODY))
            if whole is not None and whole != i:
                rest = self.n[whole] - self.n[i], self.count[whole] - self.count[i]
                found.append(_Target(int(i), ((whole, 1.0), (int(i), -1.0)), *rest))
        return [
            one
            for one in found
            if is_unsafe(one.n, one.count, self.rules) and 0 < one.count < one.n
        ]

    def _first_told(self) -> _Target | None:
        """Return a target that is told; most are cleared together by a few programs."""
        left = self._targets()
        if not left:
            return None
        program, random = self._program(), np.random.default_rng(0)
        low = np.array([one.count for one in left])
        high = low.copy()
        for turn in range(_ROUNDS):
            signs = random.choice([-1.0, 1.0], len(left)) if turn > 1 else np.full(len(left), 1.0)
            goal = np.zeros(len(self.n))
            for sign, one in zip(signs * (-1) ** turn, left, strict=True):
                for place, factor in one.factors:
                    goal[place] += sign * factor
            values = program.solve(goal)
            now = np.array([sum(f * values[p] for p, f in one.factors) for one in left])
            low, high = np.minimum(low, now), np.maximum(high, now)
            open_ = [self._is_told(*parts) for parts in zip(left, low, high, strict=True)]
            left = [one for one, told in zip(left, open_, strict=True) if told]
            low, high = low[open_], high[open_]
            if not left:
                return None
        return next((one for one in left if self._is_told(one, *self._bounds(one, program))), None)

    def _bounds(self, one: _Target, program: _Program) -> tuple[float, float]:
        goal = np.zeros(len(self.n))
        for place, factor in one.factors:
            goal[place] = factor
        least, most = program.solve(goal), program.solve(-goal)
        return float(goal @ least), float(goal @ most)

    def _is_told(self, one: _Target, low: float, high: float) -> bool:
        """Whether counts from `low` to `high` are one count, or only ones that must not be known."""
        least, most = np.ceil(low - _EPSILON), np.floor(high + _EPSILON)
        top = self.rules.hide_counts_to
        some = least >= 1 and most <= one.n - 1
        return bool(least >= most or (some and (most <= top or least >= one.n - top)))

    def _candidates(self, told: _Target) -> list[int]:
        """Order published cells: those in one sum with the told one first, then the smallest."""
        near = (self.areas == self.areas[told.cell]) | (self.groups == self.groups[told.cell])
        places = np.flatnonzero(~self.hidden)
        return sorted(
            (int(i) for i in places),
            key=lambda i: (
                not near[i],
                self.areas[i] == DISTRICT,
                self.n[i],
                self.areas[i],
                self.groups[i],
            ),
        )

    def _program(self) -> _Program:
        return _Program(self)


class _Program:
    """Linear program over the hidden cells of a table; published ones are put in as the numbers they are."""

    def __init__(self, table: _Table) -> None:
        self.known = np.where(table.hidden, 0.0, table.count)
        self.free = np.flatnonzero(table.hidden)
        column = {int(place): i for i, place in enumerate(self.free)}
        self.bounds = np.column_stack([np.zeros(len(self.free)), table.n[self.free]])
        equal = [row for row in table.equal if any(place in column for place, _ in row)]
        self.a_eq, self.b_eq = self._rows(equal, column, np.zeros(len(equal)))
        inside = [
            (row, bound)
            for part, whole, rest in table.inside
            if part in column or whole in column
            for row, bound in (
                ([(part, 1.0), (whole, -1.0)], 0.0),
                ([(whole, 1.0), (part, -1.0)], rest),
            )
        ]
        limits = np.array([bound for _, bound in inside])
        self.a_ub, self.b_ub = self._rows([row for row, _ in inside], column, limits)

    def _rows(
        self, rows: list[list[tuple[int, float]]], column: dict[int, int], right: np.ndarray
    ) -> tuple[csr_array | None, np.ndarray | None]:
        if not rows:
            return None, None
        entries = [
            (i, column[place], factor)
            for i, row in enumerate(rows)
            for place, factor in row
            if place in column
        ]
        known = [sum(f * self.known[place] for place, f in row) for row in rows]
        i, j, factor = zip(*entries, strict=True)
        return csr_array((factor, (i, j)), shape=(len(rows), len(column))), right - known

    def solve(self, goal: np.ndarray) -> np.ndarray:
        """Return the counts of all cells, shape (cells,), for which the sum `goal` is least."""
        done = linprog(
            goal[self.free],
            A_ub=self.a_ub,
            b_ub=self.b_ub,
            A_eq=self.a_eq,
            b_eq=self.b_eq,
            bounds=self.bounds,
            method="highs",
        )
        values = self.known.copy()
        if done.status != 0:  # the true counts always fit, so this is a matter of rounding
            raise ArithmeticError(f"the audit of hidden counts found no solution: {done.message}")
        values[self.free] = done.x
        return values
