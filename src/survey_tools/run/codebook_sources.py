"""Know what describes a variable: the registers, both lists of outcomes, the derived variables, the forms.

Reads no answers.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from survey_tools.kobo.form.model import Labels
from survey_tools.kobo.tables.catalogue import build_catalogue
from survey_tools.params import Workspace
from survey_tools.register import PERSONAL_DATA, Question, read_derived, read_register
from survey_tools.register.derived import EVERY, Derived
from survey_tools.register.question import MAIN, SPLIT_OFF
from survey_tools.report.codebook.distributions import UNCOUNTED
from survey_tools.report.codebook.entry import Code, Entry
from survey_tools.run.registers.check import form_versions


@dataclass(frozen=True)
class Place:
    """Where a table lies and what it holds.

    Attributes
    ----------
    stage : str
        `clean` or `analysis`.
    form, part : str
        Form whose questions it holds, and the table of that form.
    whole : bool
        Whether it lists all questions of its form, also those that were split off.
    counted : bool
        Whether distributions of its variables are shown; not of tables that keep the books.
    """

    stage: str
    form: str = "household"
    part: str = MAIN
    whole: bool = False
    counted: bool = True


TABLES = {
    "household": Place("clean", whole=True),
    "roster": Place("clean", part="roster", whole=True),
    "visits": Place("clean"),
    "team_log": Place("clean", form="team_log", whole=True),
    "site": Place("clean", form="site", whole=True),
    "panel": Place("analysis"),
    "households": Place("analysis"),
    "teams": Place("analysis"),
    "answers": Place("analysis"),
    "sites": Place("analysis", form="site"),
    "claim_answers": Place("analysis"),
    "team_months": Place("analysis", form="team_log"),
    "response": Place("analysis"),
    "weights": Place("analysis"),
    "exposure": Place("analysis"),
    "adoption": Place("analysis"),
    "agreement": Place("analysis", counted=False),
    "index_weights": Place("analysis", counted=False),
    "flow": Place("analysis", counted=False),
    "dropped": Place("clean", counted=False),
    "duplicates": Place("clean", counted=False),
    "identity": Place("clean", counted=False),
    "unmatched": Place("clean", counted=False),
    "corrections_log": Place("clean", counted=False),
    "problems": Place("clean", counted=False),
    "consents": Place("clean", counted=False),
    "flags": Place("clean", counted=False),
    "labels": Place("clean", counted=False),
}
"""Every table of the two stages, in the order in which they are described."""

TWINS = {("clean", "backchecks"): "household", ("clean", "flow"): "flow"}
"""Tables that have the same columns as another one."""

NOT_DESCRIBED = "not described"


@dataclass(frozen=True)
class Described:
    """What is known of a variable besides its answers.

    A question has a derived variable beside it where the form gives it no label, as of calculations.
    """

    question: Question | None = None
    derived: Derived | None = None
    outcome: Mapping[Hashable, Any] | None = None


class Sources:
    """All that describes variables, read once.

    Raises
    ------
    ParamsError
        When a register, a list of outcomes or the list of derived variables is missing or says what
        cannot be.
    """

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self.registers = {
            str(form): read_register(ws.root / settings.register_)
            for form, settings in ws.study.forms.items()
        }
        register = ws.root / ws.study.forms["household"].register_
        self.derived = read_derived(register.with_name("derived.csv"))
        lists = [ws.table(name).fillna("") for name in ("outcomes", "outcomes_alternative")]
        rows = [row for table in lists for row in table.to_dict("records")]
        self.outcomes = {str(row["outcome"]): row for row in rows}
        self.choices: dict[str, dict[str, Mapping[str, Labels]]] = {}
        self.modules: dict[str, dict[str, Labels]] = {}
        for form in self.registers:
            forms = list(form_versions(ws, form).values())
            catalogue = build_catalogue(forms, ws.study.renames(form), ())
            self.choices[form] = {path: v.choices for path, v in catalogue.variables.items()}
            groups = forms[-1].groups
            self.modules[form] = {p.rpartition("/")[2]: g.labels for p, g in groups.items()}

    def describe(self, table: str, name: str) -> Described:
        """Find what describes a variable of a table; nothing where it is in no list."""
        place = TABLES[table]
        for where in (table, place.stage):
            if (where, name) in self.derived:
                return Described(derived=self.derived[where, name])
        if place.stage == "analysis" and name in self.outcomes:
            return Described(outcome=self.outcomes[name])
        register, everywhere = self.registers[place.form], self.derived.get((EVERY, name))
        if name in register:
            named = register[name].label_vi and register[name].label_en
            return Described(register[name], None if named else everywhere)
        return Described(derived=everywhere)

    def entry(self, table: str, name: str, known: Described) -> Entry:
        """Make the entry of a variable, without its answers."""
        place = TABLES[table]
        if known.question is not None:
            entry = self._of_question(table, place, known.question)
            return entry if known.derived is None else _labelled(entry, known.derived)
        if known.outcome is not None:
            return self._of_outcome(table, place, name, known.outcome)
        if known.derived is not None:
            return self._of_derived(table, place, known.derived)
        return Entry(table, place.stage, name, type=NOT_DESCRIBED)

    def _of_question(self, table: str, place: Place, question: Question) -> Entry:
        labels = self.modules[place.form].get(question.module, {}) if place.whole else {}
        listed = bool(question.codes)
        return Entry(
            table, place.stage, question.name, question.label_vi, question.label_en,
            section_vi=labels.get("vi", ""),
            section_en=labels.get("en", ""),
            path=question.path,
            type=question.type,
            unit=question.unit,
            respondent=question.respondent,
            asked_if=question.asked_if,
            required=question.required,
            values="" if listed else question.values,
            codes=self._codes(place.form, question),
            personal_data=question.personal_data,
            role=question.role,
            indicator=question.indicator,
            source=question.source,
            note=question.note,
            split_off=question.personal_data in SPLIT_OFF,
        )  # fmt: skip

    def _codes(self, form: str, question: Question) -> tuple[Code, ...]:
        """Codes with their labels; those of staff and households are not listed: a label may be a name."""
        if question.personal_data in UNCOUNTED:
            return ()
        labels = self.choices[form].get(question.path, {})
        return tuple(
            Code(code, said.get("vi", ""), said.get("en", ""), code in question.missing_codes)
            for code in question.codes
            for said in (labels.get(code, {}),)
        )

    def _of_outcome(
        self, table: str, place: Place, name: str, row: Mapping[Hashable, Any]
    ) -> Entry:
        return Entry(
            table, place.stage, name, str(row["label_vi"]), str(row["label_en"]),
            type=str(row["scale"]),
            unit=str(row["unit"]),
            personal_data=self._class_of(place.form, row),
            role="outcome",
            formula=str(row["definition"]),
            made_of=str(row["asked_in"]),
            alternative_to=str(row.get("alternative_to", "")),
        )  # fmt: skip

    def _class_of(self, form: str, row: Mapping[Hashable, Any]) -> str:
        """Return the most harmful class of the questions read; of an index, of its family's outcomes."""
        if row["scale"] == "index":
            rows = [o for o in self.outcomes.values() if o["family"] == row["family"]]
            asked = [o["asked_in"] for o in rows if o["scale"] != "index"]
        else:
            asked = [row["asked_in"]]
        names = [name.strip() for text in asked for name in str(text).split(",")]
        register = self.registers[form]
        classes = [register[name].personal_data for name in names if name in register]
        return max(classes or ["none"], key=PERSONAL_DATA.index)

    def _of_derived(self, table: str, place: Place, derived: Derived) -> Entry:
        register = self.registers[place.form]
        question = register[derived.type[3:]] if derived.type.startswith("as ") else None
        return Entry(
            table, place.stage, derived.name, derived.label_vi, derived.label_en,
            type=question.type if question else derived.type,
            unit=derived.unit,
            codes=self._codes(place.form, question) if question else (),
            personal_data=derived.personal_data,
            role=derived.role,
            formula=derived.formula,
        )  # fmt: skip


def _labelled(entry: Entry, derived: Derived) -> Entry:
    """Return an entry of a question with the label, unit and formula that the form does not give."""
    return replace(
        entry,
        label_vi=entry.label_vi or derived.label_vi,
        label_en=entry.label_en or derived.label_en,
        unit=entry.unit or derived.unit,
        formula=derived.formula,
    )
