"""Say in one language what stands on the supervisor's sheets besides the flags; lays out no page."""

from __future__ import annotations

from datetime import date

from survey_tools.params import Waves
from survey_tools.report.numbers import MISSING, Lang
from survey_tools.report.sheets.data import HOUSEHOLD, FieldData, Progress
from survey_tools.report.sheets.flags import TO_DO, Flag
from survey_tools.report.wording import Wording, entries

TEAM, ENUMERATOR = "team", "enumerator"
SENT_TO = {"file": "data/private/flag_answers.csv"}
"""Where answers are read from (`survey_tools.clean.checks.flag_answers`)."""


class SheetWords(Wording):
    """Sentences of all pages and of the sheets."""

    def __init__(self, lang: Lang) -> None:
        super().__init__(lang)
        self._entries = {**self._entries, **entries(f"sheets_{lang}")}

    def day(self, day: date | str) -> str:
        """Write a day; a text has the form year-month-day."""
        moment = date.fromisoformat(day) if isinstance(day, str) else day
        if self.lang == "vi":
            return moment.strftime("%d/%m/%Y")
        return f"{moment.day} {moment:%b %Y}"

    def wave(self, waves: Waves, name: str) -> str:
        """Name a wave: baseline, endline, or one between."""
        if name == waves.baseline:
            return self("wave_baseline")
        if name == waves.endline:
            return self("wave_endline")
        between = [w for w in waves.all if w not in (waves.baseline, waves.endline)]
        if not name or between == [name]:
            return self("wave_midline") if name else ""
        return self("wave_other", name=name)

    def title(self, data: FieldData, kind: str, code: str) -> str:
        """Name a team or an enumerator."""
        if kind == ENUMERATOR:
            return self("title_enumerator", code=code)
        name = data.teams[f"name_{self.lang}"].get(code)
        return self("team_unknown", code=code) if name is None or name != name else str(name)

    def commune(self, data: FieldData, team: str) -> str:
        """Name the commune of a team."""
        name = data.teams[f"commune_{self.lang}"].get(team)
        return self("commune_unknown") if name is None or name != name else str(name)

    def since(self, flag: Flag) -> str:
        """Say since when a flag has stood, or when it was last seen."""
        if flag.state in TO_DO:
            return self("state_since", day=self.day(flag.since))
        return self("state_until", day=self.day(flag.last_seen))

    def about(self, flag: Flag) -> str:
        """Name what a flag is about: a submission by its number, or all of a team, enumerator or survey.

        Numbers mean something within a form only, so another form than that of the household is named.
        """
        if flag.row is None:
            holder = "team" if flag.team else "enumerator" if flag.enumerator else "survey"
            return self(f"about_{holder}")
        if flag.form in ("", HOUSEHOLD) or f"form_{flag.form}" not in self:
            return str(flag.row)
        return f"{flag.row} ({self(f'form_{flag.form}')})"

    def reading(self) -> list[str]:
        """Say how to read the sheets and how to answer a flag."""
        keys = ("sure", "row", "answer", "wrong", "privacy", "send")
        return [self(f"reading_{key}", **SENT_TO if key == "send" else {}) for key in keys]

    def interviews(self, progress: Progress) -> str:
        """Write interviews, of those drawn where that is known."""
        if not progress.begun:
            return MISSING
        done = self.numbers.count(progress.interviews)
        return done if progress.drawn is None else f"{done} / {self.numbers.count(progress.drawn)}"

    def progress_rows(self, data: FieldData, progress: tuple[Progress, ...]) -> list[list[str]]:
        """Write progress by wave: interviews, then drawn and share of a team, or teams of an enumerator."""
        return [
            [self.wave(data.study.waves, one.wave), *self._progress_cells(one)] for one in progress
        ]

    def _progress_cells(self, one: Progress) -> list[str]:
        if not one.begun:
            return [self("wave_not_begun"), *([MISSING] * (1 if one.drawn is None else 2))]
        count = self.numbers.count
        if one.drawn is None:
            return [count(one.interviews), count(one.teams)]
        share = one.interviews / one.drawn if one.drawn else None
        return [count(one.interviews), count(one.drawn), self.numbers.percent(share)]
