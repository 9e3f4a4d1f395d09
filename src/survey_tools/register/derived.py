"""Read what the variables mean that no question asks: `params/register/derived.csv`; makes none.

Outcomes are not among them: they stand in `params/outcomes.csv`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from survey_tools.errors import ParamsError
from survey_tools.register.question import PERSONAL_DATA, ROLES

EVERY = "*"
"""Table of a variable that means the same wherever it stands."""


@dataclass(frozen=True)
class Derived:
    """One row: a variable of a clean or analysis table, and how it is made.

    Attributes
    ----------
    table : str
        Name of the table; `clean` or `analysis` for all tables of the stage; `*` for every table.
    type : str
        `binary` (0 or 1), `number`, `date`, `text`, or `as <question>` for the codes of a question.
    formula : str
        How it is made, naming the questions it is made of.
    """

    name: str
    table: str
    type: str
    label_vi: str
    label_en: str
    unit: str
    formula: str
    personal_data: str
    role: str


def read_derived(path: Path) -> dict[tuple[str, str], Derived]:
    """Read the file by table and name; a table of `*` stands for every table.

    Raises
    ------
    ParamsError
        When the file or a column is missing, a variable stands twice, or its class or role is unknown.
    """
    if not path.is_file():
        raise ParamsError("The list of derived variables is missing.", where=path.name)
    found: dict[tuple[str, str], Derived] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        wanted = tuple(Derived.__dataclass_fields__)
        if missing := [name for name in wanted if name not in (reader.fieldnames or ())]:
            raise ParamsError(
                "The list of derived variables lacks columns.",
                expected=", ".join(missing),
                where=path.name,
            )
        for row in reader:
            one = Derived(**{name: (row[name] or "").strip() for name in wanted})
            _check(one, found, f"{path.name}, line {reader.line_num}")
            found[one.table, one.name] = one
    return found


def _check(one: Derived, known: dict[tuple[str, str], Derived], where: str) -> None:
    if (one.table, one.name) in known:
        raise ParamsError("A derived variable stands twice.", found=one.name, where=where)
    for said, allowed in ((one.personal_data, PERSONAL_DATA), (one.role, ROLES)):
        if said not in allowed:
            raise ParamsError(
                "A derived variable has no known class of personal data or role.",
                expected=" or ".join(allowed),
                found=f"{one.name}: {said!r}",
                where=where,
            )
