"""An attacker who has every published figure, knows the rules, and sets up all that adds up.

For each cell that is hidden the least and the greatest count that goes with everything published is found by
linear programming. The attacker is given more than pages give: how many answered in every cell, hidden ones
too (a design of 12 households a team nearly tells), and the count behind every rounded percentage (a
percentage of 10 to 19 answers, rounded to 5 points, gives it back; so does one with four decimals of any n).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import coo_array

from survey_tools.estimate.levels.proportions import wilson
from survey_tools.params import DisclosureSettings
from survey_tools.report.disclosure_bases import coarsen
from survey_tools.report.disclosure_cells import DISTRICT, PAIRS
from survey_tools.report.small_cells import FEW, HIDDEN, SHOWN, is_unsafe

ALL = "all"
Cell = tuple[str, str]
"""Area and group."""

Sum = dict[Cell, float]
"""Cells with their factors."""


@dataclass
class Book:
    """What the attacker knows of one wave and outcome: bounds of each count, and sums of them.

    `n` and `count` are the truth, of which he has `n`; `hidden` are the cells that he is after.
    """

    n: dict[Cell, float]
    count: dict[Cell, float]
    hidden: set[Cell]
    equal: list[tuple[Sum, float]] = field(default_factory=list)
    at_most: list[tuple[Sum, float]] = field(default_factory=list)

    def bounds(self, wanted: Sum) -> tuple[float, float]:
        """Return the least and greatest value of a sum of cells that goes with all that is known."""
        cells = list(self.n)
        place = {cell: i for i, cell in enumerate(cells)}
        limits = [
            (0, self.n[cell]) if cell in self.hidden else (self.count[cell], self.count[cell])
            for cell in cells
        ]
        objective = np.zeros(len(cells))
        for cell, factor in wanted.items():
            objective[place[cell]] = factor
        rows = {
            "A_eq": _matrix([s for s, _ in self.equal], place),
            "b_eq": [v for _, v in self.equal] or None,
            "A_ub": _matrix([s for s, _ in self.at_most], place),
            "b_ub": [v for _, v in self.at_most] or None,
        }
        found = []
        for sign in (1, -1):
            done = linprog(sign * objective, bounds=limits, method="highs", **rows)
            assert done.status == 0, done.message
            found.append(sign * done.fun)
        low, high = found
        return float(np.ceil(low - 1e-6)), float(np.floor(high + 1e-6))


def _matrix(sums: list[Sum], place: Mapping[Cell, int]) -> coo_array | None:
    if not sums:
        return None
    entries = [(i, place[cell], f) for i, s in enumerate(sums) for cell, f in s.items()]
    row, column, factor = zip(*entries, strict=True)
    return coo_array((factor, (row, column)), shape=(len(sums), len(place))).tocsr()


def open_books(
    raw: pd.DataFrame,
    shown: pd.DataFrame,
    by: list[str],
    by_list: pd.DataFrame | None = None,
    inside: Mapping[tuple[str, str], frozenset[str]] | None = None,
) -> Iterator[tuple[tuple[str, ...], Book]]:
    """Set up what is known of every table: one a wave and outcome (`by`).

    Parameters
    ----------
    raw : DataFrame
        `area`, `group`, `n`, `numerator` and the columns `by`.
    shown : DataFrame
        The same rows with `status`.
    by_list : DataFrame, optional
        What is shown of larger units: `area_list`, `area_code`, `numerator`, `status` and the columns `by`.
    inside : mapping, optional
        Communes of each of these units, by list and code.
    """
    keys = [*by, "area", "group"]
    both = raw.merge(shown[[*keys, "status"]], on=keys, validate="1:1")
    both = both[both["numerator"].notna()]
    for key, rows in both.groupby(by, sort=False):
        book = _book(rows)
        if by_list is not None:
            same = (by_list[by] == pd.Series(dict(zip(by, key, strict=True)))).all(axis=1)
            for row in by_list[same & by_list["status"].ne(HIDDEN)].itertuples():
                parts = {(c, ALL): 1.0 for c in inside[row.area_list, row.area_code]}
                known = {cell: f for cell, f in parts.items() if cell in book.n}
                truth = sum(book.count[cell] for cell in known)
                book.equal.append((known, truth))
        yield key, book


def _book(rows: pd.DataFrame) -> Book:
    cells = list(zip(rows["area"], rows["group"], strict=True))
    book = Book(
        n=dict(zip(cells, rows["n"].astype(float), strict=True)),
        count=dict(zip(cells, rows["numerator"].astype(float), strict=True)),
        hidden={c for c, s in zip(cells, rows["status"], strict=True) if s == HIDDEN},
    )
    areas = list(dict.fromkeys(area for area, _ in cells))
    groups = list(dict.fromkeys(group for _, group in cells))
    for area in areas:
        for a, b in PAIRS:
            if {(area, a), (area, b), (area, ALL)} <= book.n.keys():
                book.equal.append(({(area, a): 1, (area, b): 1, (area, ALL): -1}, 0))
        for group in groups:
            if group != ALL and {(area, group), (area, ALL)} <= book.n.keys():
                rest = book.n[area, ALL] - book.n[area, group]
                book.at_most.append(({(area, group): 1, (area, ALL): -1}, 0))
                book.at_most.append(({(area, ALL): 1, (area, group): -1}, rest))
    for group in groups:
        parts = {
            (area, group): 1.0 for area in areas if area != DISTRICT and (area, group) in book.n
        }
        if (DISTRICT, group) in book.n and parts:
            book.equal.append(({**parts, (DISTRICT, group): -1}, 0))
    return book


@dataclass(frozen=True)
class Told:
    """A cell, or what is left of everybody without it, that what is published tells."""

    cell: Cell
    rest: bool
    n: float
    count: float
    low: float
    high: float


def told(book: Book, rules: DisclosureSettings) -> list[Told]:
    """Find the unsafe cells and remainders that can have one count only, or only small ones.

    A count of nobody or everybody is told with each safe one of nobody or everybody that holds the cell:
    the rules let those be shown, so they are no finding.
    """
    found = []
    for cell in sorted(book.hidden):
        area, group = cell
        wanted = [(False, {cell: 1.0}, book.n[cell], book.count[cell])]
        if group != ALL and (area, ALL) in book.n:
            n, count = (of[area, ALL] - of[cell] for of in (book.n, book.count))
            wanted.append((True, {(area, ALL): 1.0, cell: -1.0}, n, count))
        for rest, sum_, n, count in wanted:
            if not is_unsafe(n, count, rules) or count in (0, n):
                continue
            low, high = book.bounds(sum_)
            if low == high or _small(low, high, n, rules):
                found.append(Told(cell, rest, n, count, low, high))
    return found


def _small(low: float, high: float, n: float, rules: DisclosureSettings) -> bool:
    """Whether the count is known to be one of those that are hidden, or all but one of those."""
    top = rules.hide_counts_to
    some = low >= 1 and high <= n - 1
    return some and (high <= top or low >= n - top)


GROUPS = (ALL, "intensive", "regular", "women", "men", "age60", "poor", "sellers")


def draw_levels(seed: int) -> pd.DataFrame:
    """Draw households of a small district that is hard to keep secrets in, and count answers by cell.

    Few communes of very unequal size, answers that are rare, frequent or depend on commune and group, and
    groups from none to nearly all.
    """
    rng = np.random.default_rng(seed)
    communes = [f"c{i}" for i in range(rng.integers(2, 8))]
    sizes = rng.choice([4, 9, 11, 15, 24, 40, 60], len(communes))
    area = np.repeat(communes, sizes)
    n = len(area)
    member = {
        "intensive": rng.random(n) < rng.choice([0.15, 0.5, 0.8]),
        "women": rng.random(n) < rng.choice([0.1, 0.45, 0.9]),
        "age60": rng.random(n) < rng.choice([0.05, 0.3, 0.9]),
        "poor": rng.random(n) < rng.choice([0.03, 0.2]),
        "sellers": rng.random(n) < rng.choice([0.3, 0.7]),
    }
    member |= {"regular": ~member["intensive"], "men": ~member["women"], ALL: np.ones(n, bool)}
    share = np.repeat(rng.choice([0.02, 0.1, 0.3, 0.6, 0.95], len(communes)), sizes)
    answer = rng.random(n) < np.clip(share + 0.3 * member["women"] * rng.integers(-1, 2), 0, 1)
    asked = rng.random(n) < rng.choice([0.5, 0.9, 1.0])
    rows = [
        (
            place,
            group,
            *_count(answer, asked & member[group] & (True if place == DISTRICT else area == place)),
        )
        for place in (DISTRICT, *communes)
        for group in GROUPS
    ]
    frame = pd.DataFrame(rows, columns=["area", "group", "n", "numerator"])
    share = frame["numerator"] / frame["n"].where(frame["n"] > 0)
    return frame.assign(
        wave="w3", outcome="qr", estimate=share, conf_low=share, conf_high=share, n_teams=2
    )


def _count(answer: np.ndarray, members: np.ndarray) -> tuple[int, float]:
    return int(members.sum()), float((answer & members).sum())


def put_through(
    households: Iterable[int], rules: DisclosureSettings, deff: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put every base up to 12 below so many households, and every count that may be shown, through `coarsen`.

    Returns the cells as they were counted, with `everybody`, and as they are told.
    """
    cells = [
        (everybody, base, count)
        for everybody in households
        for base in range(max(rules.round_from, everybody - 12), everybody + 1)
        for count in range(base + 1)
        if not is_unsafe(base, count, rules)
    ]
    raw = pd.DataFrame(cells, columns=["everybody", "n", "numerator"])
    raw = raw.assign(area=raw.index.astype(str), wave="w3", group="all", outcome="x")
    raw["estimate"] = raw["numerator"] / raw["n"]
    raw["conf_low"], raw["conf_high"] = wilson(raw["estimate"].to_numpy(), raw["n"] / deff, 0.025)
    asked = raw.set_index(["area", "wave", "group"])["everybody"].astype(float)
    shown = raw.assign(status=np.where(raw["n"].lt(rules.show_from), FEW, SHOWN))
    return raw, coarsen(shown, raw, asked, "outcome", {"x"}, rules)
