"""Know of each question its type, unit, labels, role and class of personal data; touches no rows."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from survey_tools.errors import ParamsError

PERSONAL_DATA = (
    "none",
    "quasi_identifier",
    "sensitive",
    "pseudonym",
    "staff_code",
    "free_text",
    "direct_identifier",
    "location",
)
"""Classes of personal data, from harmless to most harmful."""

SPLIT_OFF = ("free_text", "direct_identifier", "location")
"""Classes that leave the row tables on arrival."""


@dataclass(frozen=True)
class Question:
    """One row of a register."""

    name: str
    type: str
    module: str
    label_vi: str
    label_en: str
    unit: str
    respondent: str
    indicator: str
    source: str
    personal_data: str
    role: str

    @property
    def base_type(self) -> str:
        """Type without the name of its list of choices."""
        return self.type.split(" ")[0]


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

    def of_type(self, *types: str) -> tuple[str, ...]:
        """Names of the questions of the given types (`select_one`, `integer`, …)."""
        return tuple(q.name for q in self.questions.values() if q.base_type in types)


def read_register(path: Path) -> Register:
    """Read `params/register/<form>.csv`.

    Raises
    ------
    ParamsError
        When a column is missing, a name stands twice, or a class of personal data is unknown.
    """
    questions: dict[str, Question] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        wanted = set(Question.__dataclass_fields__)
        missing = wanted - set(reader.fieldnames or ())
        if missing:
            raise ParamsError(
                "The register lacks columns.", expected=", ".join(sorted(missing)), where=path.name
            )
        for line, row in enumerate(reader, start=2):
            question = Question(**{name: row[name] for name in wanted})
            _check(question, questions, f"{path.name}, line {line}")
            questions[question.name] = question
    return Register(questions)


def _check(question: Question, known: dict[str, Question], where: str) -> None:
    if question.name in known:
        raise ParamsError(
            "A question stands twice in the register.", found=question.name, where=where
        )
    if question.personal_data not in PERSONAL_DATA:
        raise ParamsError(
            "A question has no known class of personal data.",
            expected=" or ".join(PERSONAL_DATA),
            found=f"{question.name}: {question.personal_data!r}",
            where=where,
        )
