"""Describe one variable of one table, and lay all of them out as a CSV; draws no page and counts nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from survey_tools.files import PUBLIC, replacing
from survey_tools.report.codebook.distributions import Spread
from survey_tools.report.numbers import MISSING, Lang
from survey_tools.report.shell import Gate
from survey_tools.report.small_cells import FEW

ALL_WAVES = "all"
"""Stands for the wave in a table without waves."""

COLUMNS = ("table", "variable", "columns", "label_vi", "label_en", "path", "type", "unit", "respondent",
               "asked_if", "required", "values", "missing_codes", "personal_data", "role", "formula",
               "made_of", "alternative_to", "indicator", "source", "note")  # fmt: skip


@dataclass(frozen=True)
class Code:
    """A code of a question with its labels."""

    code: str
    label_vi: str
    label_en: str
    missing: bool = False


@dataclass(frozen=True)
class Entry:
    """One variable of one table.

    Attributes
    ----------
    columns : str
        Its columns, where they are not called as it is.
    split_off : bool
        Whether its answers lie in `data/private/` alone.
    in_data : bool
        Whether the table has it by now.
    counted : bool
        Whether its table is one of which distributions are made.
    spreads : mapping
        By wave, or by `ALL_WAVES` in a table without waves.
    """

    table: str
    stage: str
    name: str
    label_vi: str = ""
    label_en: str = ""
    section_vi: str = ""
    section_en: str = ""
    path: str = ""
    type: str = ""
    unit: str = ""
    respondent: str = ""
    asked_if: str = ""
    required: str = ""
    values: str = ""
    codes: tuple[Code, ...] = ()
    personal_data: str = "none"
    role: str = ""
    formula: str = ""
    made_of: str = ""
    alternative_to: str = ""
    indicator: str = ""
    source: str = ""
    note: str = ""
    columns: str = ""
    split_off: bool = False
    in_data: bool = True
    counted: bool = True
    spreads: Mapping[str, Spread] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Address of the entry in the page."""
        return f"{self.table}-{self.name}".replace("/", "-")

    @property
    def missing_codes(self) -> str:
        """Codes that carry no answer."""
        return ", ".join(code.code for code in self.codes if code.missing)

    def with_spreads(self, spreads: Mapping[str, Spread]) -> Entry:
        """Return the entry with what may be known of its answers."""
        return replace(self, spreads=dict(spreads))

    def label(self, lang: Lang) -> str:
        """Label in a language."""
        return self.label_vi if lang == "vi" else self.label_en


def write_table(codebook: Sequence[Entry], path: Path, gate: Gate | None = None) -> Path:
    """Write one row a variable with what may be known of it by wave; whole or not at all.

    Parameters
    ----------
    codebook : sequence of Entry
    path : Path
    gate : callable, optional
        See `shell.write_page`.
    """
    waves = list(dict.fromkeys(wave for one in codebook for wave in one.spreads))
    waves.sort(key=lambda wave: (wave == ALL_WAVES, wave))
    names = [
        f"{what}_{w}" for w in waves for what in ("rows", "answered", "missing", "distribution")
    ]
    rows = [
        [
            *(_cell(one, column) for column in COLUMNS),
            *(cell for wave in waves for cell in _told(one.spreads.get(wave))),
        ]
        for one in codebook
    ]
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows([[*COLUMNS, *names], *rows])
    if gate is not None:
        gate(path.name, lines.getvalue().encode("utf-8"))
    with replacing(path, "The codebook could not be written", mode=PUBLIC) as temporary:
        temporary.write_text(lines.getvalue(), encoding="utf-8-sig", newline="")
    return path


def _cell(one: Entry, column: str) -> str:
    if column == "variable":
        return one.name
    if column == "values" and one.codes:
        return " | ".join(f"{c.code} = {c.label_vi} / {c.label_en}" for c in one.codes)
    return str(getattr(one, column))


def _told(spread: Spread | None) -> tuple[str, str, str, str]:
    if spread is None:
        return "", "", "", ""
    counts = [
        "few" if spread.few == name else "" if count is None else str(count)
        for name, count in (("answered", spread.answered), ("missing", spread.missing))
    ]
    shares = [
        f"{code} {MISSING if x is None else f'{100 * x:.0f}%'}{'*' if status == FEW else ''}"
        for code, x, status in spread.shares
    ]
    quantiles = [
        f"p{100 * p:.0f} {x if isinstance(x, str) else f'{x:g}'}" for p, x in spread.quantiles
    ]
    rows = "" if spread.rows is None else str(spread.rows)
    return rows, counts[0], counts[1], "; ".join([*shares, *quantiles])
