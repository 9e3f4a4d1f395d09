"""Read the figures that colour the map: levels at the endline, changes, partially pooled effects.

Each commune's figure is what `disclosure` passes, written with its interval and what to mind about it. Not
here: drawing it (survey_tools.report.site.tiles), or what may be shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pandas as pd

from survey_tools.params import Workspace
from survey_tools.report.numbers import MISSING, SHARES, Numbers
from survey_tools.report.pick import rows_where
from survey_tools.report.results import rows_of
from survey_tools.report.site.reading import Shown
from survey_tools.report.small_cells import FEW, HIDDEN
from survey_tools.report.traced import trace
from survey_tools.report.wording import Wording

CLASSES = 5
"""Colour classes of a level: equal steps from 0 to 100 %, the same for every run."""

WIDE = 2 / CLASSES
"""An interval wider than this covers so many classes that the colour says little."""

BY_LOT = "stratified_cluster_randomised"
_COLUMNS = (
    "area", "commune_code", "wave", "group", "outcome", "shown", "conf_low", "conf_high", "n", "status",
    "disclosure", "about",
)  # fmt: skip
BREAKS = {"binary": 0.05, "share": 0.05, "amount": 0.5, "index": 0.1}
"""A difference is coloured by its sign and by whether it is above once or twice this, by scale."""


@dataclass(frozen=True)
class Cell:
    """A commune's figure, written; `colour` is a class of the map, `mind` keys of what to mind about it."""

    text: str = MISSING
    interval: str = MISSING
    count: str = MISSING
    colour: str = "none"
    mind: tuple[str, ...] = ()

    @property
    def shown(self) -> bool:
        """Whether there is a figure that may be shown."""
        return "hidden" not in self.mind


HIDE = ("hidden",)
NOTHING = Cell(mind=HIDE)
MARKS = {"few": "*", "borrowed": "°"}
"""Sign behind a figure, by what is to be minded."""


@dataclass(frozen=True)
class Measure:
    """One figure of all communes."""

    kind: str
    """`level`, `change` or `effect`: how it is worded and coloured."""
    outcome: str
    label: str
    """Of the outcome, in the language of the page."""
    scale: str
    cells: Mapping[str, Cell] = field(default_factory=dict)
    """By code of the commune."""

    @property
    def key(self) -> str:
        """Name in addresses and identifiers."""
        return f"{self.kind}-{self.outcome}"

    def cell(self, code: str) -> Cell:
        """Return the figure of a commune; a dash where there is none."""
        return self.cells.get(code, NOTHING)


def read_measures(
    ws: Workspace, words: Wording, shown: Shown, *, first_only: bool = False
) -> list[Measure]:
    """Make the figures that a map can be coloured by, the first main outcome's level first.

    Parameters
    ----------
    ws : Workspace
    words : Wording
    shown : mapping of str to DataFrame
        From `reading.read_shown`.
    first_only : bool
        Make the first figure alone, where there is no map.
    """
    made = _measures(ws, words, shown)
    return list(islice(made, 1) if first_only else made)


def _measures(ws: Workspace, words: Wording, shown: Shown) -> Iterator[Measure]:
    outcomes = ws.table("outcomes").set_index("outcome")
    main = [one for one in ws.study.report.main_outcomes if one in outcomes.index]
    scales = {one: str(outcomes.loc[one, "scale"]) for one in main}
    labels = {one: str(outcomes.loc[one, f"label_{words.lang}"]) for one in main}
    reached, drawn = ws.study.design.reached, ws.study.design.kind == BY_LOT
    reach = {reached: words(f"variable_{reached}")} if f"variable_{reached}" in words else {}
    for name, kind, chosen, write in (
        ("levels", "level", labels, _level),
        ("outreach", "level", reach, _level),
        ("changes", "change", labels, _change),
        ("communes", "effect", labels if drawn else {}, effect_cell),  # else the pages give none
    ):
        rows = shown.get(name)
        for outcome, label in chosen.items():
            if rows is None:
                continue
            scale = scales.get(outcome, "binary")
            area = "commune_code" if name == "communes" else "area"
            mine = rows_of(trace(_of_everybody(rows[rows["outcome"].eq(outcome)]), name))
            cells = {str(getattr(row, area)): write(row, scale, words.numbers) for row in mine}
            if cells:
                yield Measure(kind, outcome, label, scale, cells)


def _of_everybody(rows: pd.DataFrame) -> pd.DataFrame:
    kept = [name for name in _COLUMNS if name in rows]
    return (rows_where(rows, group="all") if "group" in rows else rows)[kept]


def effect_cell(row: Any, scale: str, numbers: Numbers) -> Cell:
    """Write a partially pooled effect; one that rests on other communes alone is marked."""
    borrowed = ("borrowed",) if row.status == "too_few" else ()
    return _difference(row, scale, numbers, row.disclosure == HIDDEN, borrowed)


def colour_of_difference(value: float, scale: str) -> str:
    """Class of a difference: `less3` to `less1` below zero, `more1` to `more3` from zero on."""
    step = min(3, 1 + math.floor(abs(value) / BREAKS[scale] + 1e-9))
    return f"{'less' if value < 0 else 'more'}{step}"


def _level(row: Any, scale: str, numbers: Numbers) -> Cell:
    if row.status == HIDDEN:
        return Cell(numbers.bare_value(row.shown, scale), mind=HIDE)
    mind = ["few"] if row.status == FEW else []
    if scale in SHARES and row.conf_high - row.conf_low > WIDE:
        mind.append("wide")
    colour = f"level{min(CLASSES - 1, int(CLASSES * row.shown))}" if scale in SHARES else "plain"
    return Cell(
        text=numbers.bare_value(row.shown, scale) + marks_of(mind),
        interval=numbers.interval(row.conf_low, row.conf_high, scale),
        count=numbers.base(row.n, getattr(row, "about", False)),
        colour=colour,
        mind=tuple(mind),
    )


def _change(row: Any, scale: str, numbers: Numbers) -> Cell:
    return _difference(row, scale, numbers, row.status == HIDDEN)


def _difference(
    row: Any, scale: str, numbers: Numbers, hidden: bool, mind: tuple[str, ...] = ()
) -> Cell:
    if hidden or pd.isna(row.shown):
        return Cell(numbers.bare_difference(row.shown, scale), mind=HIDE)
    if row.conf_low <= 0 <= row.conf_high:
        mind = (*mind, "zero")
    return Cell(
        text=numbers.bare_difference(row.shown, scale) + marks_of(mind),
        interval=numbers.difference_interval(row.conf_low, row.conf_high, scale),
        count=numbers.base(row.n, getattr(row, "about", False)),
        colour=colour_of_difference(row.shown, scale),
        mind=mind,
    )


def marks_of(mind: Iterable[str]) -> str:
    """Return the signs that stand behind a figure."""
    return "".join(MARKS.get(one, "") for one in mind)


def caption_of(words: Wording, measure: Measure) -> str:
    """Say which figure it is: «Endline level: Bought online in 12 months»."""
    return words(f"site_measure_{measure.kind}", outcome=measure.label)
