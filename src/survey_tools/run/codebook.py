"""Gather what the registers, the forms and the data say of every variable, and write the codebook.

Not here: what of the data may be shown (`report.distributions`), or how the pages look (`report.codebook`).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from survey_tools.kobo.form.model import Labels
from survey_tools.kobo.tables.catalogue import build_catalogue
from survey_tools.params import Workspace
from survey_tools.register import PERSONAL_DATA, Question, Register, read_derived, read_register
from survey_tools.register.derived import EVERY, Derived
from survey_tools.register.question import MAIN, NUMBERS, SPLIT_OFF
from survey_tools.report.codebook import write_codebook
from survey_tools.report.codebook_entry import ALL_WAVES, Code, Entry
from survey_tools.report.distributions import Answers, Kind, spreads
from survey_tools.run.registers import form_versions

TABLES = {
    "household": ("clean", "household", MAIN),
    "roster": ("clean", "household", "roster"),
    "visits": ("clean", "household", MAIN),
    "team_log": ("clean", "team_log", MAIN),
    "site": ("clean", "site", MAIN),
    "panel": ("analysis", "household", MAIN),
    "households": ("analysis", "household", MAIN),
    "teams": ("analysis", "household", MAIN),
    "answers": ("analysis", "household", MAIN),
    "sites": ("analysis", "site", MAIN),
}
"""Table -> its stage, the form whose questions it holds, and that form's table."""

WHOLE_FORM = ("household", "roster", "team_log", "site")
"""Tables that list all questions of their form, also those that were split off."""

MOST_CODES = 40
"""A question with more codes has no distribution."""

KINDS: dict[str, Kind] = {
    "select_one": "codes",
    "select_multiple": "many",
    **dict.fromkeys((*NUMBERS, "number", "share", "amount", "index"), "number"),
    **dict.fromkeys(("date", "today", "start", "end", "dateTime", "datetime"), "date"),
    "binary": "yes_no",
}
"""Type of a question or a derived variable, or scale of an outcome -> how it is counted."""

_BY_WAVE = re.compile(r"(.+)__(w\d+)")
NOT_DESCRIBED = "not described"


def make_codebook(ws: Workspace, folder: Path) -> tuple[Path, Path]:
    """Write the codebook of all clean and analysis tables: a page a language, and a CSV.

    Parameters
    ----------
    ws : Workspace
        What was not cleaned or constructed yet is described without numbers.
    folder : Path
        Made if it is not there.

    Returns
    -------
    html, csv : Path
        The page in the first language of the study (the others lie beside it), and the table.

    Raises
    ------
    ParamsError
        When a register, the outcomes or the list of derived variables is missing or says what cannot be.
    RunError
        When a file cannot be written.
    """
    return write_codebook(ws.study, codebook_entries(ws), folder)


def codebook_entries(ws: Workspace) -> list[Entry]:
    """Describe every variable of the clean and analysis tables, in the order of tables and forms."""
    sources = _Sources(ws)
    found = [pair for table in TABLES for pair in _Table(sources, table).entries()]
    counted = iter(
        spreads([one for _, by_wave in found for one in by_wave.values()], ws.study.disclosure)
    )
    return [
        entry.with_spreads({wave: next(counted) for wave in by_wave}) for entry, by_wave in found
    ]


def undescribed(entries: list[Entry]) -> list[str]:
    """Name the variables that neither a register, the outcomes nor the derived variables describe."""
    return [f"{one.table}.{one.name}" for one in entries if one.type == NOT_DESCRIBED]


_Pair = tuple[Entry, dict[str, Answers]]


class _Sources:
    """All that describes variables, read once."""

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self.registers = {
            str(form): read_register(ws.root / settings.register_)
            for form, settings in ws.study.forms.items()
        }
        register = ws.root / ws.study.forms["household"].register_
        self.derived = read_derived(register.with_name("derived.csv"))
        rows = ws.table("outcomes").fillna("").to_dict("records")
        self.outcomes = {str(row["outcome"]): row for row in rows}
        self.choices: dict[str, dict[str, Mapping[str, Labels]]] = {}
        self.modules: dict[str, dict[str, Labels]] = {}
        for form in self.registers:
            forms = list(form_versions(ws, form).values())
            catalogue = build_catalogue(forms, ws.study.renames(form), ())
            self.choices[form] = {path: v.choices for path, v in catalogue.variables.items()}
            groups = forms[-1].groups
            self.modules[form] = {p.rpartition("/")[2]: g.labels for p, g in groups.items()}


@dataclass(frozen=True)
class _Described:
    """What is known of a variable besides its answers."""

    question: Question | None = None
    derived: Derived | None = None
    outcome: Mapping[Hashable, Any] | None = None


class _Table:
    """One table with its variables."""

    def __init__(self, sources: _Sources, name: str) -> None:
        self.sources, self.name = sources, name
        self.stage, self.form, self.part = TABLES[name]
        self.register: Register = sources.registers[self.form]

    @cached_property
    def frame(self) -> pd.DataFrame:
        folder = self.sources.ws.clean if self.stage == "clean" else self.sources.ws.analysis
        path = folder / f"{self.name}.parquet"
        return pd.read_parquet(path) if path.is_file() else pd.DataFrame()

    def entries(self) -> Iterator[_Pair]:
        """Yield variables with their answers by wave: questions as in the form, then what is derived."""
        columns = self._columns()
        if self.name in WHOLE_FORM:
            for question in self.register.of_table(self.part):
                yield self._entry(question.name, columns.pop(question.name, {}))
        for name, by_wave in columns.items():
            yield self._entry(name, by_wave)

    def _columns(self) -> dict[str, dict[str, list[str]]]:
        """Gather the columns of each variable, by wave where a table has one column a wave."""
        found: dict[str, dict[str, list[str]]] = {}
        waves = self.sources.ws.study.waves.all
        for column in self.frame.columns:
            match = _BY_WAVE.fullmatch(column)
            question = self.register.of_column(column)
            if match and match[2] in waves and question is None:
                found.setdefault(match[1], {}).setdefault(match[2], []).append(column)
            else:
                name = question.name if question else column
                found.setdefault(name, {}).setdefault("", []).append(column)
        return found

    def _entry(self, name: str, columns: dict[str, list[str]]) -> _Pair:
        known = self._describe(name)
        if known.question is not None:
            entry = self._of_question(known.question)
        elif known.outcome is not None:
            entry = self._of_outcome(name, known.outcome)
        elif known.derived is not None:
            entry = self._of_derived(known.derived)
        else:
            entry = Entry(self.name, self.stage, name, type=NOT_DESCRIBED)
        return entry, self._answers(entry, known, columns)

    def _describe(self, name: str) -> _Described:
        derived = self.sources.derived
        outcomes = self.sources.outcomes
        for place in (self.name, self.stage):
            if (place, name) in derived:
                return _Described(derived=derived[place, name])
        if self.stage == "analysis" and name in outcomes:
            return _Described(outcome=outcomes[name])
        if name in self.register:
            return _Described(question=self.register[name])
        return _Described(derived=derived.get((EVERY, name)))

    def _of_question(self, question: Question) -> Entry:
        labels = self.sources.modules[self.form].get(question.module, {})
        return Entry(
            self.name, self.stage, question.name, question.label_vi, question.label_en,
            section_vi=labels.get("vi", ""),
            section_en=labels.get("en", ""),
            path=question.path,
            type=question.type,
            unit=question.unit,
            respondent=question.respondent,
            asked_if=question.asked_if,
            required=question.required,
            values="" if question.codes else question.values,
            codes=self._codes(question),
            personal_data=question.personal_data,
            role=question.role,
            indicator=question.indicator,
            source=question.source,
            note=question.note,
            split_off=question.personal_data in SPLIT_OFF,
        )  # fmt: skip

    def _codes(self, question: Question) -> tuple[Code, ...]:
        labels = self.sources.choices[self.form].get(question.path, {})
        return tuple(
            Code(code, said.get("vi", ""), said.get("en", ""), code in question.missing_codes)
            for code in question.codes
            for said in (labels.get(code, {}),)
        )

    def _of_outcome(self, name: str, row: Mapping[Hashable, Any]) -> Entry:
        asked_in = [part.strip() for part in str(row["asked_in"]).split(",")]
        read = [self.register[part] for part in asked_in if part in self.register]
        classes = [question.personal_data for question in read] or ["none"]
        return Entry(
            self.name, self.stage, name, str(row["label_vi"]), str(row["label_en"]),
            type=str(row["scale"]),
            unit=str(row["unit"]),
            personal_data=max(classes, key=PERSONAL_DATA.index),
            role="outcome",
            formula=str(row["definition"]),
            made_of=str(row["asked_in"]),
        )  # fmt: skip

    def _of_derived(self, derived: Derived) -> Entry:
        question = self.register[derived.type[3:]] if derived.type.startswith("as ") else None
        return Entry(
            self.name, self.stage, derived.name, derived.label_vi, derived.label_en,
            type=question.type if question else derived.type,
            unit=derived.unit,
            codes=self._codes(question) if question else (),
            personal_data=derived.personal_data,
            role=derived.role,
            formula=derived.formula,
        )  # fmt: skip

    def _answers(
        self, entry: Entry, known: _Described, columns: dict[str, list[str]]
    ) -> dict[str, Answers]:
        if not columns or entry.split_off:
            return {}
        kind = _kind(entry)
        asked_of_some = known.question is not None and len(known.question.conditions) > 1
        codes = [code.code for code in entry.codes]
        found = {}
        for wave, frame in _by_wave(self.frame, columns, self.sources.ws.study.waves.all):
            if kind == "many":
                frame = frame.rename(columns=lambda name: str(name).removeprefix(f"{entry.name}__"))
            found[wave] = Answers(frame, kind, codes, entry.personal_data, asked_of_some)
        return found


def _by_wave(
    frame: pd.DataFrame, columns: dict[str, list[str]], waves: tuple[str, ...]
) -> Iterator[tuple[str, pd.DataFrame]]:
    for wave, names in columns.items():
        if wave or "wave" not in frame:
            yield wave or ALL_WAVES, frame[names]
        else:
            yield from ((w, frame.loc[frame["wave"].eq(w).fillna(False), names]) for w in waves)


def _kind(entry: Entry) -> Kind:
    if len(entry.codes) > MOST_CODES:
        return "none"
    base = entry.type.split(" ")[0]
    if base == "calculate":
        return "codes" if entry.codes else ("number" if ".." in entry.values else "none")
    return KINDS.get(base, "none")
