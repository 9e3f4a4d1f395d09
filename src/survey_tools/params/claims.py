"""The statements of the news item and how each is measured, as typed, frozen models; measures nothing.

Two tables of `params/`: `claims.csv` has one row a statement, `claim_readings.csv` one row a way in which
a statement is measured. A column or a value that is unknown or missing is an error that names file, line
and column.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from unicodedata import normalize

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from survey_tools.errors import ParamsError
from survey_tools.params.model import Model, Text

Figure = Annotated[float | None, BeforeValidator(lambda value: value or None)]
State = Literal["measured", "source_card", "elsewhere", "not_measured"]
Source = Literal["households", "sites", "logs"]
Statistic = Literal[
    "level",
    "ratio",
    "change",
    "gap",
    "between",
    "between_change",
    "units",
    "share",
    "total",
    "mean",
]
Test = Literal["none", "over", "equal", "all", "up", "down", "differ", "other_base"]

STATISTICS: dict[str, tuple[str, ...]] = {
    "households": ("level", "ratio", "change", "gap", "between", "between_change"),
    "sites": ("units", "share", "total"),
    "logs": ("total", "mean"),
}
"""What can be made of the answers of households, the officers' site form and the teams' monthly logs."""

DIFFERENCES = ("change", "gap", "between_change")
"""Statistics that are held against 0."""

_WITH_FIGURE = ("over", "equal", "all", "other_base")
_WITH_WAVE = ("level", "ratio", "gap", "between")


class Claim(Model):
    """A statement of the news item.

    Attributes
    ----------
    id : str
        S01 to S99, in the order of the news item.
    kind : str
        What sort of statement it is; the page groups by it.
    statement_vi, statement_en : str
        As printed, and its translation.
    state : {'measured', 'source_card', 'elsewhere', 'not_measured'}
        Whether it has readings, and where not, why not.
    note_vi, note_en : str
        What cannot be said and why; empty only where it is measured.
    """

    id: Annotated[str, Field(pattern=r"^S[0-9]{2}$")]
    kind: Text
    statement_vi: Text
    statement_en: Text
    state: State
    note_vi: str
    note_en: str

    @model_validator(mode="after")
    def _says_why(self) -> Claim:
        if self.state != "measured" and not (self.note_vi and self.note_en):
            raise ValueError(f"a statement that is {self.state} needs note_vi and note_en")
        return self


class Reading(Model):
    """A way in which a statement is measured.

    Attributes
    ----------
    claim, reading : str
        The statement, and a letter for each of its readings.
    label_vi, label_en : str
        What the figure is.
    source : {'households', 'sites', 'logs'}
        Answers of households, the officers' site form, or the teams' monthly logs.
    variable : str
        Column of the analysis tables; `part/whole` for a ratio or a share.
    population : str
        Of households a group of `estimate.GROUPS`; of sites their type; of logs `all`.
    statistic : str
        Of `STATISTICS`.
    group : str
        0/1 column whose two sides a gap is between, else empty.
    wave : {'baseline', 'endline', ''}
        Empty for what spans waves, and for reports.
    scale : {'binary', 'share', 'amount', 'units', 'number'}
        How the figure is written; `units` counts units out of all.
    unit : str
        What is counted; decides with which rules a small count is hidden.
    figure : float or None
        The figure that the source gives, as a share of one or a count.
    test : str
        What the figure, or the change, is held against.
    """

    claim: Annotated[str, Field(pattern=r"^S[0-9]{2}$")]
    reading: Annotated[str, Field(pattern=r"^[a-z]$")]
    label_vi: Text
    label_en: Text
    source: Source
    variable: Annotated[str, Field(pattern=r"^[a-z0-9_]+(/[a-z0-9_]+)?$")]
    population: Text
    statistic: Statistic
    group: str
    wave: Literal["baseline", "endline", ""]
    scale: Literal["binary", "share", "amount", "units", "number"]
    unit: Text
    figure: Figure
    test: Test

    @model_validator(mode="after")
    def _hangs_together(self) -> Reading:
        statistic, difference = self.statistic, self.statistic in DIFFERENCES
        for wrong, why in (
            (statistic not in STATISTICS[self.source], f"{self.source} have no {statistic}"),
            (("/" in self.variable) != (statistic in ("ratio", "share")),
             "a ratio or share is of two columns part/whole, and nothing else is"),
            ((statistic == "gap") != bool(self.group), "a gap needs a group, and nothing else does"),
            ((statistic in _WITH_WAVE) != bool(self.wave), f"wave does not fit {statistic}"),
            ((self.test in _WITH_FIGURE) != (self.figure is not None),
             f"test {self.test} and the figure do not fit"),
            (self.test in ("up", "down", "differ") and not difference,
             f"{statistic} is no difference"),
            (difference and self.test not in ("up", "down", "differ"),
             f"a {statistic} is tested by up, down or differ"),
        ):  # fmt: skip
            if wrong:
                raise ValueError(why)
        return self


@dataclass(frozen=True)
class Claims:
    """All statements and their readings, in the order of the files."""

    claims: tuple[Claim, ...]
    readings: tuple[Reading, ...]

    def readings_of(self, claim: str) -> tuple[Reading, ...]:
        """Return the readings of a statement, none where it has none."""
        return tuple(one for one in self.readings if one.claim == claim)


def read_claims(claims: Path, readings: Path) -> Claims:
    """Read the statements and their readings.

    Raises
    ------
    ParamsError
        When a file is missing, a column or a value is unknown, missing or wrong, a statement or reading
        stands twice, or readings and statements do not fit each other.
    """
    known = tuple(one for _, one in _rows(claims, Claim))
    rows = list(_rows(readings, Reading))
    found = Claims(known, tuple(one for _, one in rows))
    _refuse_twice((one.id for one in known), claims, "id")
    _refuse_twice((f"{one.claim}{one.reading}" for one in found.readings), readings, "reading")
    measured = {one.id for one in known if one.state == "measured"}
    for line, one in rows:
        if one.claim not in measured:
            raise _wrong(readings, line, "claim", f"{one.claim} is no measured statement")
    if silent := sorted(measured - {one.claim for one in found.readings}):
        raise ParamsError(
            "Statements are said to be measured and have no reading.",
            expected="a row for each of them",
            found=", ".join(silent),
            where=_name(readings),
            next_step=f"write their readings, or another state with its note in {_name(claims)}",
        )
    return found


Row = TypeVar("Row", Claim, Reading)


def _rows(path: Path, model: type[Row]) -> Iterable[tuple[int, Row]]:
    """Yield each row with the line on which it ends."""
    if not path.is_file():
        raise ParamsError(
            "A table of the statements is missing.",
            expected="a CSV file",
            where=_name(path),
            next_step="write it, or correct files: in the study file",
        )
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restkey="…")
        _refuse_columns(list(reader.fieldnames or []), list(model.model_fields), path)
        for row in reader:
            yield reader.line_num, _row(row, model, path, reader.line_num)


def _row(row: dict[str, Any], model: type[Row], path: Path, line: int) -> Row:
    if "…" in row or None in row.values():
        raise _wrong(path, line, "…", "more or fewer cells than the header has columns")
    cells = {name: normalize("NFC", value.strip()) for name, value in row.items()}
    try:
        return model.model_validate(cells)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"])) or "the row"
        found = f", found {problem['input']!r}" if problem["loc"] else ""
        raise _wrong(path, line, place, f"{problem['msg']}{found}") from error


def _refuse_columns(found: list[str], wanted: list[str], path: Path) -> None:
    problems = [f"«{name}» is missing" for name in wanted if name not in found]
    problems += [f"«{name}» is unknown" for name in found if name not in wanted]
    problems += [f"«{name}» stands twice" for name, times in Counter(found).items() if times > 1]
    if problems:
        raise _wrong(path, 1, "header", "; ".join(problems))


def _refuse_twice(names: Iterable[str], path: Path, column: str) -> None:
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise ParamsError(
            "A statement or reading stands twice.",
            expected="one row each",
            found=", ".join(twice),
            where=f"{_name(path)}, column {column}",
        )


def _wrong(path: Path, line: int, column: str, why: str) -> ParamsError:
    return ParamsError(
        f"A table of the statements is wrong: {why}.",
        where=f"{_name(path)}, line {line}, column {column}",
        next_step="correct that line; docs/claims.md explains the columns",
    )


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
