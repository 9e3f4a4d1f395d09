"""Write the index of a run: search, a map by a chosen figure, a list of its pages, where the data come from.

It opens from a disk without a network. Without scripts it has everything but search, the choice of a figure
and the switch of colours. Shows a figure only as `disclosure` passes it; makes no page of a commune.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from survey_tools.params import Workspace
from survey_tools.report import markup
from survey_tools.report.numbers import MISSING, Lang, Numbers
from survey_tools.report.sentences import pulls
from survey_tools.report.shell import (
    INDEX,
    TEMPLATE,
    THEME,
    Gate,
    foot,
    head,
    other_languages,
    synthetic_banner,
    tiles_css,
    write_page,
)
from survey_tools.report.site.flags import DISTRICT, Flags
from survey_tools.report.site.links import Beside
from survey_tools.report.site.listing import Listing, downloads, entries_of
from survey_tools.report.site.measures import Measure, read_measures
from survey_tools.report.site.reading import Shown, read_shown
from survey_tools.report.site.tiles import draw_map, have_places
from survey_tools.report.traced import html
from survey_tools.report.wording import Wording

_KINDS = ("level", "change", "effect")


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
        `failed`, `skipped`, `stopped`, `too_few`), file and error.
    gate : callable, optional
        See `shell.write_page`.

    Returns
    -------
    tuple of Path
        One file a language of the study.

    Raises
    ------
    ContractError
        When a table of results is broken.
    RunError
        When a page cannot be written.
    """
    shown, beside = read_shown(ws), Beside(ws, run)
    written = []
    for lang in ws.study.report.languages:
        index = _Index(ws, run, record, lang, shown, beside)
        written.append(write_page(ws.reports(run) / INDEX[lang], index.page(), gate))
    return tuple(written)


class _Index:
    """The index in one language."""

    def __init__(
        self,
        ws: Workspace,
        run: str,
        record: Mapping[str, Any],
        lang: Lang,
        shown: Shown,
        beside: Beside,
    ) -> None:
        self.ws, self.run, self.record, self.lang, self.beside = ws, run, record, lang, beside
        self.words, self.numbers = Wording(lang), Numbers(lang)
        self.confidence = self.numbers.percent(ws.study.design.interval)
        self.communes = ws.table("communes").sort_values("code")
        self.mapped = have_places(self.communes)
        self.measures = read_measures(ws, self.words, shown, first_only=not self.mapped)
        self.flags = Flags(ws, self.words, shown)
        first = self.measures[0] if self.measures else None
        self.listing = Listing(self.words, first, self.confidence, self.flags, beside)
        pages = record.get("pages", [])
        self.pages = {str(page["code"]): page for page in pages if page["lang"] == lang}
        # a page that was made in another language is listed as missing, as one of a commune is
        codes = {str(page["code"]) for page in pages}
        self.general = codes - set(self.communes["code"])
        self.states = {code: self._state(code) for code in [*self.communes["code"], *codes]}

    def page(self) -> str:
        study = self.ws.study.study
        title = study.title_vi if self.lang == "vi" else study.title_en
        links = other_languages(self.lang, self.ws.study.report.languages, INDEX)
        css, script = ((TEMPLATE / f"index.{kind}").read_text("utf-8") for kind in ("css", "js"))
        css = tiles_css() + css + self.listing.css()
        parts = [
            head(self.words, title, links, extra_css=css, script=THEME + script),
            synthetic_banner(self.words) if study.synthetic else "",
            markup.title(title).source,
            self._search(),
            *self._general_pages(),
            *self._map(),
            *self._list(),
            *self._provenance(),
            foot(),
        ]
        return "\n".join(part for part in parts if part)

    def _search(self) -> str:
        """Make the search, which the script shows; what it announces waits in the page's language."""
        words = self.words
        zero, one, many = (words("site_found", count=count) for count in (0, 1, "#"))
        return (
            '<div class="tools" id="search" role="search" hidden>\n'
            f'<label for="wanted">{escape(words("site_search"))}</label>\n'
            '<input type="search" id="wanted" autocomplete="off" spellcheck="false" '
            'aria-describedby="search-hint found">\n'
            f'<p class="note" id="search-hint">{escape(words("site_search_hint"))}</p>\n'
            f'<p id="found" role="status" data-zero="{escape(zero)}" data-one="{escape(one)}" '
            f'data-many="{escape(many)}"></p>\n</div>'
        )

    def _general_pages(self) -> list[str]:
        items = []
        for code in self.general:
            name = self.words("index_district") if code == DISTRICT else code
            items.append((code != DISTRICT, code, self._general_page(code, name)))
        listed = [item for _, _, item in sorted(items)]
        for file, text in self.beside.pages(self.words):
            listed.append(f'<li><a href="{escape(file)}">{escape(text)}</a></li>')
        if not listed:
            return []
        return [self._section("index_pages"), f"<ul>{''.join(listed)}</ul>"]

    def _general_page(self, code: str, name: str) -> str:
        state = self.states[code]
        text = escape(name)
        if state["link"]:
            text = f'<a href="{escape(state["link"])}">{text}</a>'
        files = downloads(self.beside, state["link"])
        notes = [] if state["ok"] else [state["status"]]
        notes += self.flags.of(code) if code == DISTRICT else []
        minor = f"<ul>{''.join(f'<li>{html(note)}</li>' for note in notes)}</ul>" if notes else ""
        return f"<li>{text}{f' ({files})' if files else ''}{minor}</li>"

    def _map(self) -> list[str]:
        """Make a map for each figure; all but the first wait to be chosen."""
        parts = [self._section("index_map")]
        if not self.mapped:
            return [*parts, markup.paragraphs([self.words("site_no_map")]).source]
        measures = self.measures
        if not measures:
            parts.append(markup.paragraphs([self.words("index_no_results")]).source)
            measures = [self._no_measure()]
        else:
            parts.append(
                markup.paragraphs([self.words("site_map"), self.words("site_chance")]).source
            )
            parts.append(self._choice())
        parts += [
            draw_map(self.communes, one, self.words, self.confidence, self.states, hidden=place > 0)
            for place, one in enumerate(measures)
        ]
        return parts

    def _choice(self) -> str:
        """Make the choice of a figure, which the script shows."""
        groups = []
        for kind in _KINDS:
            options = "".join(
                f'<option value="{escape(one.key)}">{escape(one.label)}</option>'
                for one in self.measures
                if one.kind == kind
            )
            if options:
                label = escape(self.words(f"site_kind_{kind}"))
                groups.append(f'<optgroup label="{label}">{options}</optgroup>')
        return (
            f'<p class="tools" id="choose" hidden><label for="figure">'
            f'{escape(self.words("site_choose"))}</label>\n<select id="figure">{"".join(groups)}'
            "</select></p>"
        )

    def _no_measure(self) -> Measure:
        outcome = self.ws.study.report.main_outcomes[0]
        main = self.ws.table("outcomes").set_index("outcome").loc[outcome]
        return Measure("level", outcome, str(main[f"label_{self.lang}"]), str(main["scale"]))

    def _list(self) -> list[str]:
        rules = self.ws.study.disclosure
        said = [self.words("index_failed", count=self._failures()), self.words("site_list")]
        if self.measures:
            note = self.words(
                "site_list_notes",
                show=rules.show_from,
                share=self.numbers.percent(self.ws.study.report.low_response),
            )
            said.append(note)
        entries = entries_of(self.communes, self.states, self.lang)
        return [
            self._section("index_table"),
            markup.paragraphs(said).source,
            self.listing.html(entries),
        ]

    def _failures(self) -> int:
        return sum(page["status"] == "failed" for page in self.pages.values())

    def _section(self, key: str) -> str:
        return markup.heading(key, self.words(key)).source

    def _state(self, code: str) -> dict[str, Any]:
        """Say how a page is: where it can be opened, its status in words, and whether all is well."""
        page = self.pages.get(code)
        if page is None:
            return {"link": None, "status": self.words("status_missing"), "ok": False}
        status, file = page["status"], page.get("file")
        open_ = file and status not in ("failed", "stopped")
        values = {"error": _first_line(page.get("error"))} if status == "failed" else {}
        return {
            "link": Path(file).name if open_ else None,
            "status": self.words(f"status_{status}", **values),
            "ok": status in ("ok", "skipped"),
        }

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


def _first_line(error: object, length: int = 160) -> str:
    """Cut an error to what a reader can use; a whole traceback could hold answers."""
    lines = [line for line in str(error or MISSING).splitlines() if line.strip()]
    text = lines[0].strip() if lines else MISSING
    return text if len(text) <= length else text[: length - 1] + "…"
