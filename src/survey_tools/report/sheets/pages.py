"""Make the supervisor's pages: one a team, one an enumerator, and the list of them; writes no file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from html import escape

import pandas as pd

from survey_tools.report import markup
from survey_tools.report.sheets.data import FieldData, Progress, count_states
from survey_tools.report.sheets.flags import STATES, TO_DO, FlagWords
from survey_tools.report.sheets.tables import FlagTables, count_list, folded
from survey_tools.report.sheets.words import ENUMERATOR, TEAM, SheetWords
from survey_tools.report.shell import TEMPLATE, foot, head, synthetic_banner


class SheetPages:
    """All pages in one language.

    Parameters
    ----------
    data : FieldData
    told : FlagWords
        What is said of flags, in the language of the pages.
    kept : int
        Files that somebody had changed and that were kept.
    """

    def __init__(self, data: FieldData, told: FlagWords, kept: int = 0) -> None:
        self.data, self.told, self.kept = data, told, kept
        self.lang = told.lang
        self.words = SheetWords(told.lang)
        self.css = (TEMPLATE / "sheet.css").read_text("utf-8")

    def sheet(
        self, kind: str, code: str, flags: pd.DataFrame, progress: tuple[Progress, ...]
    ) -> str:
        """Make the page of a team or an enumerator.

        Parameters
        ----------
        kind : {'team', 'enumerator'}
        code : str
        flags : DataFrame
            Its flags, by urgency.
        progress : tuple of Progress
            By wave.
        """
        words, title = self.words, self.words.title(self.data, kind, code)
        links = [(words("back"), f"../index.{self.lang}.html", self.lang)]
        parts = [
            *self._start(title, links, code),
            markup.paragraphs(self._intro(kind, code)).source,
            count_list(words, count_states(flags), STATES),
            self._book_link(f"{code}.{self.lang}.xlsx", "book_link"),
            self._heading("heading_progress"),
            self._progress(kind, progress),
            *self._flags(flags, kind),
            *self._reading(),
            foot(),
        ]
        return "\n".join(parts)

    def index(
        self,
        of_team: dict[str, pd.DataFrame],
        of_enumerator: dict[str, pd.DataFrame],
    ) -> str:
        """Make the list of all sheets, with the flags about neither a team nor an enumerator."""
        words, data = self.words, self.data
        notes = [words("made_on", day=words.day(data.day)), words("for_whom")]
        if data.not_codes:
            notes.append(words("not_a_code", count=data.not_codes))
        if self.kept:
            notes.append(words("kept_note", count=self.kept))
        parts = [
            *self._start(words("index"), [], "index"),
            markup.paragraphs(notes).source,
            count_list(words, count_states(data.flags), STATES),
            self._book_link(f"field.{self.lang}.xlsx", "summary_link"),
            *self._of_survey(),
            self._heading("heading_enumerators"),
            self._enumerators(of_enumerator),
            self._heading("heading_teams"),
            self._teams(of_team),
            *self._reading(),
            foot(),
        ]
        return "\n".join(parts)

    def _start(self, title: str, links: Sequence[tuple[str, str, str]], stem: str) -> list[str]:
        study = self.data.study
        others = [
            (SheetWords(lang)("lang_name"), f"{stem}.{lang}.html", lang)
            for lang in study.report.languages
            if lang != self.lang
        ]
        return [
            head(self.words, title, [*links, *others], extra_css=self.css),
            synthetic_banner(self.words) if study.study.synthetic else "",
            markup.title(title).source,
        ]

    def _intro(self, kind: str, code: str) -> list[str]:
        words = self.words
        said = words("made_on", day=words.day(self.data.day))
        if kind == TEAM:
            place = words("team_line", code=code, commune=words.commune(self.data, code))
            said = f"{place} {said}"
        return [said, words("for_whom")]

    def _heading(self, key: str) -> str:
        return markup.heading(key.removeprefix("heading_"), self.words(key)).source

    def _book_link(self, address: str, key: str) -> str:
        return f'<p class="book"><a href="{escape(address)}">{escape(self.words(key))}</a></p>'

    def _progress(self, kind: str, progress: tuple[Progress, ...]) -> str:
        words = self.words
        names = ("wave", "interviews", "drawn", "share") if kind == TEAM else (
            "wave", "interviews", "teams")  # fmt: skip
        rows = tuple(tuple(row) for row in words.progress_rows(self.data, progress))
        columns = tuple(words(f"col_{name}") for name in names)
        return markup.Table(words(f"progress_{kind}"), columns, rows)._repr_html_()

    def _flags(self, flags: pd.DataFrame, kind: str) -> list[str]:
        tables = FlagTables(
            self.words,
            self.data.study.waves,
            lambda other, code: f"../{other}/{code}.{self.lang}.html",
            own=kind,
        )
        to_do, done, count = self._parted(tables, flags)
        nothing = markup.paragraphs([self.words("nothing_to_do")]).source
        return [
            self._heading("heading_to_do"),
            to_do or nothing,
            self._heading("heading_done"),
            folded(self.words, done, count),
        ]

    def _of_survey(self) -> list[str]:
        flags = self.data.of_survey
        if flags.empty:
            return []
        tables = FlagTables(self.words, self.data.study.waves, lambda kind, code: "")
        to_do, done, count = self._parted(tables, flags)
        end = [folded(self.words, done, count)] if count else []
        return [self._heading("heading_survey"), to_do, *end]

    def _parted(self, tables: FlagTables, flags: pd.DataFrame) -> tuple[str, str, int]:
        """Lay out the flags that need somebody, and those that do not, with the number of the latter."""
        told = list(self.told.tell(flags))
        done = [flag for flag in told if flag.state not in TO_DO]
        caption = self.words("heading_done")
        return (
            tables.blocks([flag for flag in told if flag.state in TO_DO]),
            tables.table(caption, done, titles=True) if done else "",
            len(done),
        )

    def _reading(self) -> list[str]:
        return [self._heading("heading_answer"), markup.bullets(self.words.reading()).source]

    def _enumerators(self, flags: dict[str, pd.DataFrame]) -> str:
        progress = self.data.enumerator_progress
        rows = [
            self._list_row(ENUMERATOR, code, code, flags.get(code), progress[code])
            for code in self.data.enumerator_codes
        ]
        return self._list("enumerators_caption", "col_enumerator", ["\n".join(rows)])

    def _teams(self, flags: dict[str, pd.DataFrame]) -> str:
        progress, bodies = self.data.team_progress, []
        communes: dict[str, list[str]] = {}
        for code in self.data.team_codes:
            communes.setdefault(self.words.commune(self.data, code), []).append(code)
        width = 1 + len(STATES) + len(self.data.study.waves.all)
        for commune, codes in communes.items():
            name = f'<th scope="rowgroup" colspan="{width}" class="text">{escape(commune)}</th>'
            rows = [
                self._list_row(TEAM, code, self._short(code), flags.get(code), progress[code])
                for code in codes
            ]
            bodies.append("\n".join([f'<tr class="group">{name}</tr>', *rows]))
        return self._list("teams_caption", "col_team", bodies)

    def _short(self, team: str) -> str:
        """Name a team without its commune, which stands above it."""
        name = self.words.title(self.data, TEAM, team)
        commune = self.words.commune(self.data, team)
        return name.removesuffix(commune).rstrip(" –,-") or name

    def _list(self, caption: str, first: str, bodies: Sequence[str]) -> str:
        words, waves = self.words, self.data.study.waves
        columns = [(words(first), "text")]
        columns += [(words(f"state_{state}"), self._width(state)) for state in STATES]
        columns += [(words.wave(waves, wave), self._width(wave)) for wave in waves.all]
        heads = "".join(
            f'<th scope="col" class="{kind}">{escape(name)}</th>' for name, kind in columns
        )
        text = escape(words(caption))
        body = "".join(f"<tbody>\n{part}\n</tbody>\n" for part in bodies)
        return (
            f'<div class="table list" role="region" tabindex="0" aria-label="{text}"><table>'
            f"<caption>{text}</caption>\n<thead><tr>{heads}</tr></thead>\n{body}</table></div>"
        )

    def _list_row(
        self,
        kind: str,
        code: str,
        name: str,
        flags: pd.DataFrame | None,
        progress: tuple[Progress, ...],
    ) -> str:
        words = self.words
        counts = (0,) * len(STATES) if flags is None else count_states(flags)
        figures = [(state, words.numbers.count(n)) for state, n in zip(STATES, counts, strict=True)]
        figures += [(one.wave, words.interviews(one)) for one in progress]
        cells = "".join(
            f'<td class="{self._width(name)}">'
            f"{f'<b>{escape(text)}</b>' if name in TO_DO and text != '0' else escape(text)}</td>"
            for name, text in figures
        )
        address = f"{kind}/{code}.{self.lang}.html"
        link = f'<a href="{escape(address)}">{escape(name)}</a>'
        return f'<tr><th scope="row" class="text">{link}</th>{cells}</tr>'

    def _width(self, column: str) -> str:
        """Mark a column that a phone leaves out: states that need nothing, and all waves but the newest."""
        return "" if column in (*TO_DO, self._latest) else "wide"

    @cached_property
    def _latest(self) -> str:
        """Newest wave that has begun, the first where none has."""
        waves = [wave for wave in self.data.study.waves.all if wave in self.data.begun]
        return waves[-1] if waves else self.data.study.waves.baseline
