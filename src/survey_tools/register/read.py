"""Read the registers of forms from `params/register/<form>.csv`; knows no form itself."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from survey_tools.errors import ParamsError
from survey_tools.register.question import POINT_PARTS, Question

COLUMNS = (
    "name",
    "path",
    "table",
    "type",
    "label_vi",
    "label_en",
    "unit",
    "respondent",
    "values",
    "missing",
    "required",
    "asked_if",
    "personal_data",
    "role",
    "module",
    "indicator",
    "source",
    "note",
)
"""Columns of a register, in the order in which the files have them."""


@dataclass(frozen=True)
class Register:
    """All questions of one form, by name."""

    questions: dict[str, Question]

    def __getitem__(self, name: str) -> Question:
        return self.questions[name]

    def __contains__(self, name: object) -> bool:
        return name in self.questions

    def of_class(self, *classes: str) -> tuple[str, ...]:
        """Names of the questions in the given classes of personal data."""
        return tuple(q.name for q in self.questions.values() if q.personal_data in classes)

    def of_role(self, *roles: str) -> tuple[str, ...]:
        """Names of the questions with the given roles."""
        return tuple(q.name for q in self.questions.values() if q.role in roles)

    def of_table(self, table: str) -> tuple[Question, ...]:
        """Questions of the main table or of a repeat, in the order of the form."""
        return tuple(q for q in self.questions.values() if q.table == table)

    def of_column(self, column: str) -> Question | None:
        """Question that a column holds answers of, also one for a code that the register lacks."""
        if column in self.questions:
            return self.questions[column]
        stems = [column[:at] for at in range(1, len(column)) if column.startswith("__", at)]
        stems += [column.removesuffix(part) for part in POINT_PARTS if column.endswith(part)]
        wanted = ("select_multiple", "geopoint")
        found = (self.questions[stem] for stem in reversed(stems) if stem in self.questions)
        return next((q for q in found if q.base_type in wanted), None)


def read_register(path: Path) -> Register:
    """Read `params/register/<form>.csv`.

    Raises
    ------
    ParamsError
        When a column is missing, a name or a path stands twice, or a row says what cannot be: no known
        class of personal data or role, limits that are none, a missing code that is no code.
    """
    questions: dict[str, Question] = {}
    paths: set[str] = set()
    for line, question in read_lines(path).items():
        where = f"{path.name}, line {line}"
        if question.name in questions or (question.path and question.path in paths):
            raise ParamsError(
                "A question stands twice in the register.", found=question.name, where=where
            )
        for what, expected, found in question.faults():
            said = f"{question.name}: {found!r}"
            raise ParamsError(what, expected=expected, found=said, where=where)
        questions[question.name] = question
        paths.add(question.path)
    return Register(questions)


def read_lines(path: Path) -> dict[int, Question]:
    """Read the rows of a register by line, whatever they say.

    Raises
    ------
    ParamsError
        When there is no such file, or a column is missing.
    """
    if not path.is_file():
        raise ParamsError(
            "There is no such register.",
            expected="a CSV file",
            where=f"{path.parent.name}/{path.name}",
            next_step="survey-tools register draft starts one from a form",
        )
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ParamsError(
                "The register lacks columns.", expected=", ".join(missing), where=path.name
            )
        found = {}
        for row in reader:
            cells = {name: normalize("NFC", row[name] or "").strip() for name in COLUMNS}
            found[reader.line_num] = Question(**cells)
        return found
