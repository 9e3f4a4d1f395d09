"""Draw a tile map as a list: each commune roughly where it lies, coloured by one figure, told in words too.

Colour is never alone: the figure stands in the tile, a tile whose figure is unsure is a frame, one without a
figure is dashed, and a line below the map, on pointing or on focus, gives the interval. No ranking. Not here:
what may be shown (survey_tools.report.site.measures has it from `disclosure`).
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from survey_tools.params import open_workspace
from survey_tools.report.markup import Html
from survey_tools.report.numbers import SHARES, Lang, Numbers, unit_key
from survey_tools.report.pick import rows_where
from survey_tools.report.results import Results, rows_of
from survey_tools.report.site.measures import (
    BREAKS,
    CLASSES,
    MARKS,
    Cell,
    Measure,
    caption_of,
    effect_cell,
)
from survey_tools.report.traced import html, plain, trace
from survey_tools.report.wording import Wording

PLACE = ["tile_row", "tile_col"]
"""Columns of the list of communes that say where a tile stands."""

CLOSED = "✕"
"""Sign in a tile that leads to no page."""

_UNSURE = {"few", "wide", "zero", "borrowed"}
"""What makes a tile a frame."""


def have_places(communes: pd.DataFrame) -> bool:
    """Whether every commune has a place of its own on the map; many have none, in a whole country."""
    return (
        set(PLACE) <= set(communes)
        and bool(communes[PLACE].notna().all(axis=None))
        and not communes.duplicated(PLACE).any()
    )


def effects_map(results: Results, study: str) -> Html:
    """Draw the partially pooled effect on the first main outcome, for the district's page.

    Parameters
    ----------
    results : Results
        Of the district.
    study : str
        Path of the study file; its list of communes says where tiles stand.

    Returns
    -------
    Html
        Map with caption and legend; a sentence where communes have no place of their own, or no figure.
    """
    communes = open_workspace(study).table("communes").sort_values("code")
    outcome = results.study.report.main_outcomes[0]
    if not have_places(communes):
        return Html(f"<p>{escape(results.words('site_no_map'))}</p>")
    rows = rows_of(trace(rows_where(results.communes, outcome=outcome), "communes"))
    scale = results.scale(outcome)
    cells = {str(row.commune_code): effect_cell(row, scale, results.numbers) for row in rows}
    measure = Measure("effect", outcome, results.outcome(outcome), scale, cells)
    return Html(draw_map(communes, measure, results.words, results.confidence))


def draw_map(
    communes: pd.DataFrame,
    measure: Measure,
    words: Wording,
    confidence: str,
    pages: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    hidden: bool = False,
) -> str:
    """Draw the map of one figure with its caption and legend.

    Parameters
    ----------
    communes : DataFrame
        `code`, `name_vi`, `name_en` and `PLACE`, in order of code.
    measure : Measure
    words : Wording
    confidence : str
        Coverage of the intervals, written.
    pages : mapping, optional
        Page of each commune by code: `link` (file, None where there is none) and `status` in words. With
        it a tile leads to its page.
    hidden : bool
        Whether the map waits to be chosen.
    """
    drawing = _Drawing(measure, words, confidence, pages)
    tiles = "\n".join(drawing.tile(row) for row in communes.itertuples())
    columns, rows = (int(communes[name].max()) + 1 for name in reversed(PLACE))
    closed = pages is not None and any(not pages[code]["link"] for code in communes["code"])
    caption = caption_of(words, measure)
    key = f"map-{measure.key}"
    return (
        f'<figure class="map" id="{escape(key)}"{" hidden" if hidden else ""}>\n'
        f'<figcaption id="{escape(key)}-name">{escape(caption)}</figcaption>\n'
        f'<div class="field"><ul class="tiles" aria-labelledby="{escape(key)}-name" '
        f'style="--columns:{columns};--rows:{rows}">\n{tiles}\n</ul>\n'
        f'<p class="hint" aria-hidden="true">{escape(words("site_hint"))}</p></div>\n'
        f"{legend(measure, words, closed=closed)}{_note(measure, words)}</figure>"
    )


class _Drawing:
    """What the tiles of one map share."""

    def __init__(
        self,
        measure: Measure,
        words: Wording,
        confidence: str,
        pages: Mapping[str, Mapping[str, Any]] | None,
    ) -> None:
        self.measure, self.words, self.confidence, self.pages = measure, words, confidence, pages
        self.lang: Lang = words.lang

    def tile(self, row: Any) -> str:
        """Draw one commune."""
        name = str(row.name_vi if self.lang == "vi" else row.name_en)
        cell = self.measure.cell(row.code)
        page = (self.pages or {}).get(row.code)
        told = self._told(cell)
        missing = page is not None and not page["link"]
        status = f" – {page['status']}" if page is not None and missing else ""
        inside = (
            f'<span class="name">{escape(short(name))}</span> <b>{html(cell.text)}</b>'
            f'<span class="told"><strong>{escape(name)}</strong>: {html(told + status)}</span>'
        )
        label = f'aria-label="{escape(plain(f"{name}: {told}{status}"))}"'
        if page is not None and page["link"]:
            inside = f'<a href="{escape(page["link"])}" {label}>{inside}</a>'
        else:
            cross = f"<i>{CLOSED}</i>" if missing else ""
            inside = f'<span class="still" role="img" {label}>{inside}{cross}</span>'
        place = f"grid-row:{row.tile_row + 1};grid-column:{row.tile_col + 1}"
        code = f' data-code="{escape(row.code)}"' if self.pages is not None else ""
        return f'<li class="{_kind(cell)}" style="{place}"{code}>{inside}</li>'

    def _told(self, cell: Cell) -> str:
        """Write a figure with its interval, on how many households it rests, and what to mind."""
        if not cell.shown:
            return f"{cell.text} ({self.words('site_mind_hidden')})"
        figure = self.words(
            "site_told",
            figure=cell.text,
            unit=_unit(self.measure, self.words),
            confidence=self.confidence,
            interval=cell.interval,
            n=cell.count,
        )
        minds = [self.words(f"site_mind_{one}") for one in cell.mind]
        return "; ".join([figure, *minds])


def legend(measure: Measure, words: Wording, *, closed: bool = False) -> str:
    """Explain colours, frames, dashes and signs of a map, in words; `closed` where a tile has no page."""
    entries = [(f"tile {colour}", text) for colour, text in _classes(measure, words)]
    frame = "tile unsure plain"
    if measure.kind == "level":
        entries += [(frame, words("site_legend_unsure_level"))]
    else:
        entries += [(frame, words("site_legend_unsure_difference"))]
    if measure.kind == "effect":
        entries += [("sign", words("site_legend_borrowed", sign=MARKS["borrowed"]))]
    entries += [("tile none", words("site_legend_hidden"))]
    if closed:
        entries += [("sign", words("site_legend_closed", sign=CLOSED))]
    items = "".join(
        f'<li><span class="{kind}" aria-hidden="true"></span>{escape(text)}</li>'
        if kind != "sign"
        else f"<li>{escape(text)}</li>"
        for kind, text in entries
    )
    return f'<ul class="legend" aria-label="{escape(words("index_legend"))}">{items}</ul>\n'


def _note(measure: Measure, words: Wording) -> str:
    """Say what a figure is not, or what it rests on; a level needs no more words."""
    key = {"change": "change_not_effect", "effect": "site_note_effect"}.get(measure.kind)
    return f'<p class="note">{escape(words(key))}</p>\n' if key else ""


def _classes(measure: Measure, words: Wording) -> list[tuple[str, str]]:
    """Return the class and the range of each colour; a level that is no share has no colours."""
    numbers = Numbers(words.lang)
    if measure.kind == "level":
        if measure.scale not in SHARES:
            return []
        ends = [numbers.number(100 * step / CLASSES) for step in range(CLASSES + 1)]
        return [(f"level{i}", f"{ends[i]}–{ends[i + 1]}%") for i in range(CLASSES)]
    step, share = BREAKS[measure.scale], measure.scale in SHARES
    one, two = (numbers.number(n * step * (100 if share else 1), 0 if share else 1) for n in (1, 2))
    unit = words(unit_key(measure.scale))
    keys = ("less3", "less2", "less1", "more1", "more2", "more3")
    return [(key, words(f"site_legend_{key}", one=one, two=two, unit=unit)) for key in keys]


def _kind(cell: Cell) -> str:
    if not cell.shown:
        return "tile none"
    return f"tile {cell.colour}" + (" unsure" if _UNSURE & set(cell.mind) else "")


def _unit(measure: Measure, words: Wording) -> str:
    """Return the unit behind a figure; a percentage has its own sign."""
    if measure.kind == "level" and measure.scale in SHARES:
        return ""
    return f" {words(unit_key(measure.scale))}"


def short(name: str) -> str:
    """Leave out «Xã», «Thị trấn», «commune», «town»: the tile has no room for them."""
    for word in ("Xã ", "Thị trấn ", "Phường "):
        name = name.removeprefix(word)
    for word in (" commune", " town", " ward"):
        name = name.removesuffix(word)
    return name
