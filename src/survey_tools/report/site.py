"""Write the index of a run: a tile map of the communes, a table of its pages, where the data come from.

Shows a figure of a commune only as `disclosure` passes it; makes no page of a commune.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from survey_tools.errors import ContractError
from survey_tools.params import Workspace
from survey_tools.report import markup
from survey_tools.report.codebook.pages import FILES as CODEBOOK
from survey_tools.report.disclosure import open_levels
from survey_tools.report.numbers import MISSING, SHARES, Lang, Numbers
from survey_tools.report.results import rows_of
from survey_tools.report.sentences import pulls
from survey_tools.report.shell import (
    INDEX,
    TEMPLATE,
    Gate,
    foot,
    head,
    synthetic_banner,
    write_page,
)
from survey_tools.report.small_cells import FEW, HIDDEN
from survey_tools.report.wording import Wording

CLASSES = 5
"""Colour classes of the map: equal steps from 0 to 100 %, the same for every run."""


def write_index(
    ws: Workspace, run: str, record: Mapping[str, Any], gate: Gate | None = None
) -> tuple[Path, ...]:
    """Write `reports/<run>/index.html` (Vietnamese) and `index.en.html`.

    Parameters
    ----------
    ws : Workspace
    run : str
    record : mapping
        Content of `run.json`: started, finished, commit, pulls, and pages with code, lang, status (`ok`,
        `failed`, `skipped`), file and error.
    gate : callable, optional
        See `shell.write_page`.

    Returns
    -------
    tuple of Path
        One file a language of the study.
    """
    levels = _main_levels(ws)
    written = []
    for lang in ws.study.report.languages:
        index = _Index(ws, run, record, lang, levels)
        written.append(write_page(ws.reports(run) / INDEX[lang], index.page(), gate))
    return tuple(written)


def _main_levels(ws: Workspace) -> dict[str, Any]:
    """Read endline levels of the first main outcome by commune; none where there are no results."""
    outcome, wave = ws.study.report.main_outcomes[0], ws.study.waves.endline
    try:
        levels = open_levels(ws, group="all", outcome=outcome, wave=wave)
    except ContractError:
        return {}
    return {str(row.area): row for row in rows_of(levels)}


class _Index:
    """The index in one language."""

    def __init__(
        self,
        ws: Workspace,
        run: str,
        record: Mapping[str, Any],
        lang: Lang,
        levels: Mapping[str, Any],
    ) -> None:
        self.ws, self.run, self.record, self.lang, self.levels = ws, run, record, lang, levels
        self.words, self.numbers = Wording(lang), Numbers(lang)
        self.communes = ws.table("communes").sort_values("code")
        outcomes = ws.table("outcomes").set_index("outcome")
        main = outcomes.loc[ws.study.report.main_outcomes[0]]
        self.scale, self.label = str(main["scale"]), str(main[f"label_{lang}"])
        self.pages = {
            str(page["code"]): page for page in record.get("pages", []) if page["lang"] == lang
        }

    def page(self) -> str:
        study = self.ws.study.study
        title = study.title_vi if self.lang == "vi" else study.title_en
        others = [lang for lang in self.ws.study.report.languages if lang != self.lang]
        links = [(Wording(lang)("lang_name"), INDEX[lang], lang) for lang in others]
        css = (TEMPLATE / "index.css").read_text("utf-8")
        parts = [
            head(self.words, title, links, extra_css=css),
            synthetic_banner(self.words) if study.synthetic else "",
            markup.title(title).source,
            *self._general_pages(),
            *(self._map() if self._has_tiles() else []),
            self._section("index_table"),
            markup.paragraphs([self.words("index_failed", count=self._failures())]).source,
            self._table(),
            *self._provenance(),
            foot(),
        ]
        return "\n".join(parts)

    def _section(self, key: str) -> str:
        return markup.heading(key, self.words(key)).source

    def _failures(self) -> int:
        return sum(page["status"] == "failed" for page in self.pages.values())

    def _general_pages(self) -> list[str]:
        codes = set(self.communes["code"])
        items = []
        for code, page in self.pages.items():
            if code not in codes:
                name = self.words("index_district") if code == "district" else code
                text = self._link(page, name)
                failed = page["status"] == "failed"
                note = f" – {escape(self._status(page))}" if failed else ""
                items.append(f"<li>{text}{note}</li>")
        if (self.ws.reports(self.run) / CODEBOOK[self.lang]).is_file():
            link = f'<a href="{CODEBOOK[self.lang]}">{escape(self.words("index_codebook"))}</a>'
            items.append(f"<li>{link}</li>")
        if not items:
            return []
        return [self._section("index_pages"), f"<ul>{''.join(items)}</ul>"]

    def _has_tiles(self) -> bool:
        """Whether every commune has a place of its own on the map; many have none, in a whole country."""
        place = ["tile_row", "tile_col"]
        return set(place) <= set(self.communes) and not self.communes.duplicated(place).any()

    def _map(self) -> list[str]:
        parts = [self._section("index_map")]
        if not self.levels:
            parts.append(markup.paragraphs([self.words("index_no_results")]).source)
        else:
            wave = self.words("wave_endline").lower()
            label = self.label
            intro = self.words("index_intro", outcome=label, wave=wave)
            parts.append(markup.paragraphs([intro]).source)
        tiles = "\n".join(self._tile(row) for row in self.communes.itertuples())
        parts.append(f'<div class="map"><ul class="tiles">\n{tiles}\n</ul></div>')
        return [*parts, self._legend()]

    def _tile(self, row: Any) -> str:
        name = str(row.name_vi if self.lang == "vi" else row.name_en)
        figure, kind = self._figure(row.code)
        text = f"<span>{escape(_short(name))}</span><b>{escape(figure)}</b>"
        page = self.pages.get(row.code)
        status = "" if page and page["status"] != "failed" else f", {self._status(page)}"
        label = f'aria-label="{escape(f"{name}: {figure}{status}")}"'
        if page and page["status"] != "failed" and page.get("file"):
            text = f'<a href="{escape(Path(page["file"]).name)}" {label}>{text}</a>'
        else:
            text = f'<span class="dead" role="img" {label}>{text}<i>✕</i></span>'
        place = f"grid-row:{row.tile_row + 1};grid-column:{row.tile_col + 1}"
        return f'<li class="{kind}" style="{place}">{text}</li>'

    def _figure(self, code: str) -> tuple[str, str]:
        """Return the figure of a commune as text, and the class that colours its tile."""
        row = self.levels.get(code)
        if row is None or row.status == HIDDEN:
            return MISSING, "hidden"
        text = self.numbers.bare_value(row.shown, self.scale)
        few = row.status == FEW
        if self.scale not in SHARES:
            return text + "*" * few, "few" * few or "c0"
        kind = f"c{min(CLASSES - 1, int(CLASSES * row.shown))}"
        return text + "*" * few, f"{kind} few" if few else kind

    def _legend(self) -> str:
        items = [
            ("hidden", self.words("index_legend_hidden")),
            ("few", self.words("index_legend_few")),
        ]
        if self.scale in SHARES:
            step = 100 // CLASSES
            items += [(f"c{i}", f"{i * step}–{(i + 1) * step}%") for i in range(CLASSES)]
        marks = "".join(f'<li><span class="{k}"></span>{escape(t)}</li>' for k, t in items)
        return f'<ul class="legend" aria-label="{escape(self.words("index_legend"))}">{marks}</ul>'

    def _table(self) -> str:
        confidence = self.numbers.percent(self.ws.study.design.interval)
        columns = (
            self.words("col_commune"),
            self.words("wave_endline"),
            self.words("col_interval", confidence=confidence),
            self.words("col_n"),
        )
        status = f'<th scope="col" class="text">{escape(self.words("col_status"))}</th>'
        caption = self.label
        head_ = markup.column_heads(columns)
        rows = "\n".join(self._row(row) for row in self.communes.itertuples())
        return (
            f'<div class="table" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
            f"<caption>{escape(caption)}</caption>\n<thead><tr>{head_}{status}</tr></thead>\n"
            f"<tbody>\n{rows}\n</tbody></table></div>"
        )

    def _row(self, row: Any) -> str:
        name = str(row.name_vi if self.lang == "vi" else row.name_en)
        page = self.pages.get(row.code)
        link = self._link(page, name) if page else escape(name)
        figure, _ = self._figure(row.code)
        interval, n = MISSING, MISSING
        if figure != MISSING:
            level = self.levels[row.code]
            interval = self.numbers.interval(level.conf_low, level.conf_high, self.scale)
            n = self.numbers.count(level.n)
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in (figure, interval, n))
        status = escape(self._status(page))
        return f'<tr><th scope="row">{link}</th>{cells}<td class="text">{status}</td></tr>'

    def _link(self, page: Mapping[str, Any], name: str) -> str:
        if page["status"] == "failed" or not page.get("file"):
            return escape(name)
        return f'<a href="{escape(Path(page["file"]).name)}">{escape(name)}</a>'

    def _status(self, page: Mapping[str, Any] | None) -> str:
        if page is None:
            return self.words("status_missing")
        if page["status"] == "failed":
            return self.words("status_failed", error=_first_line(page.get("error")))
        return self.words(f"status_{page['status']}")

    def _provenance(self) -> list[str]:
        words, record = self.words, self.record
        run = words(
            "index_run",
            run=self.run,
            started=self.numbers.moment(record.get("started")),
            finished=self.numbers.moment(record.get("finished")),
        )
        texts = [words("provenance_run", study=self.ws.study.study.id, run=self.run), run]
        texts += pulls(words, record.get("pulls") or [])
        if record.get("commit"):
            texts.append(words("provenance_commit", commit=str(record["commit"])[:12]))
        heading = markup.heading("provenance", words("heading_provenance")).source
        return [heading, markup.bullets(texts).source]


def _short(name: str) -> str:
    """Leave out «Xã», «Thị trấn», «commune», «town»: the tile has no room for them."""
    for word in ("Xã ", "Thị trấn "):
        name = name.removeprefix(word)
    return name.removesuffix(" commune").removesuffix(" town")


def _first_line(error: object, length: int = 160) -> str:
    """Cut an error to what a reader can use; a whole traceback could hold answers."""
    lines = [line for line in str(error or MISSING).splitlines() if line.strip()]
    text = lines[0].strip() if lines else MISSING
    return text if len(text) <= length else text[: length - 1] + "…"
