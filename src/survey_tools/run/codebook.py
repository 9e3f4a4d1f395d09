"""Gather what the registers, the forms and the data say of every variable, and write the codebook.

Not here: what describes a variable (`codebook_sources`), what of the data may be shown
(`report.distributions`), or how the pages look (`report.codebook`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pandas as pd

import survey_tools
from survey_tools.files import digest_file
from survey_tools.params import Workspace
from survey_tools.register.question import NUMBERS
from survey_tools.report.codebook.distributions import Answers, Kind, spreads
from survey_tools.report.codebook.entry import ALL_WAVES, Entry
from survey_tools.report.codebook.pages import FILES, TABLE, write_codebook
from survey_tools.run.codebook_sources import NOT_DESCRIBED, TABLES, Described, Sources
from survey_tools.run.files import read_json, write_json
from survey_tools.run.gate import Gate, open_gate

MARK = ".codebook.json"
"""File beside a codebook that says what it was made from."""

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

Columns = dict[str, list[str]]
"""Wave -> columns of a variable; the wave is empty where a table has a column or rows of waves."""


def make_codebook(ws: Workspace, folder: Path, gate: Gate | None = None) -> tuple[Path, Path]:
    """Write the codebook of all clean and analysis tables: a page a language, and a CSV.

    Each file is scanned for personal data before anything of it is written.

    Parameters
    ----------
    ws : Workspace
        What was not cleaned or constructed yet is described without numbers.
    folder : Path
        Made if it is not there.
    gate : Gate, optional
        Of a batch; without it one is made.

    Returns
    -------
    html, csv : Path
        The page in the first language of the study (the others lie beside it), and the table.

    Raises
    ------
    ParamsError
        When a register, the outcomes or the list of derived variables is missing or says what cannot be.
    KoboError, StoreError
        When a form or its store cannot be read.
    RunError
        When a file cannot be written.
    DisclosureError
        When a file holds personal data; it is held back.
    """
    gate = gate or open_gate(ws, folder)
    made_from = _inputs(ws)
    (folder / MARK).unlink(missing_ok=True)
    written = write_codebook(ws.study, codebook_entries(ws), folder, gate)
    write_json(folder / MARK, {"made_from": made_from, "files": _files(folder)})
    return written


def codebook_is_current(ws: Workspace, folder: Path) -> bool:
    """Whether the codebook in a folder is whole and made from what the workspace holds now."""
    mark = read_json(folder / MARK) or {}
    return bool(mark) and mark == {"made_from": _inputs(ws), "files": _files(folder)}


def remove_codebook(folder: Path) -> None:
    """Remove the codebook from a folder, so that an old one is not taken for a new one."""
    for name in (*FILES.values(), TABLE, MARK):
        (folder / name).unlink(missing_ok=True)


def _inputs(ws: Workspace) -> str:
    """Digest of all that a codebook depends on: rows, forms, parameters and the code of the package."""
    package = Path(survey_tools.__file__).parent
    paths = [p for folder in (ws.clean, ws.analysis) for p in folder.glob("*.parquet")]
    paths += [p for p in (ws.root / "params").rglob("*") if p.is_file()]
    paths += [p for p in package.rglob("*") if p.suffix in {".py", ".yml", ".css", ".csv"}]
    paths += [p for form in ws.study.forms if (p := ws.store(form)).is_file()]
    return _digest(sorted(paths))


def _files(folder: Path) -> str:
    """Digest of the codebook's own files."""
    return _digest(path for name in (*FILES.values(), TABLE) if (path := folder / name).is_file())


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\0{digest_file(path)}\n".encode())
    return digest.hexdigest()


def codebook_entries(ws: Workspace) -> list[Entry]:
    """Describe every variable of the clean and analysis tables, in the order of tables and forms."""
    sources = Sources(ws)
    return [entry for table in TABLES for entry in _counted(sources, table)]


def undescribed(entries: list[Entry]) -> list[str]:
    """Name the variables that neither a register, the outcomes nor the derived variables describe."""
    return [f"{one.table}.{one.name}" for one in entries if one.type == NOT_DESCRIBED]


def _counted(sources: Sources, table: str) -> list[Entry]:
    """Describe and count one table: no more than one is in memory."""
    found = list(_Table(sources, table).entries())
    answers = [one for _, by_wave in found for one in by_wave.values()]
    counted = iter(spreads(answers, sources.ws.study.disclosure))
    return [
        entry.with_spreads({wave: next(counted) for wave in by_wave}) for entry, by_wave in found
    ]


class _Table:
    """One table with its variables."""

    def __init__(self, sources: Sources, name: str) -> None:
        self.sources, self.name, self.place = sources, name, TABLES[name]
        self.register = sources.registers[self.place.form]
        self.waves = sources.ws.study.waves.all

    @cached_property
    def frame(self) -> pd.DataFrame:
        ws = self.sources.ws
        folder = ws.clean if self.place.stage == "clean" else ws.analysis
        path = folder / f"{self.name}.parquet"
        return pd.read_parquet(path) if path.is_file() else pd.DataFrame()

    def entries(self) -> Iterator[tuple[Entry, dict[str, Answers]]]:
        """Yield variables with their answers by wave: questions as in the form, then what is derived."""
        columns = self._columns()
        if self.place.whole:
            for question in self.register.of_table(self.place.part):
                yield self._entry(question.name, columns.pop(question.name, {}))
        for name, by_wave in columns.items():
            yield self._entry(name, by_wave)

    def _columns(self) -> dict[str, Columns]:
        """Gather the columns of each variable, by wave where a table has one column a wave."""
        found: dict[str, Columns] = {}
        for column in self.frame.columns:
            match = _BY_WAVE.fullmatch(column)
            question = self.register.of_column(column)
            if match and match[2] in self.waves and question is None:
                found.setdefault(match[1], {}).setdefault(match[2], []).append(column)
            else:
                name = question.name if question else column
                found.setdefault(name, {}).setdefault("", []).append(column)
        return found

    def _entry(self, name: str, columns: Columns) -> tuple[Entry, dict[str, Answers]]:
        known = self.sources.describe(self.name, name)
        entry = self.sources.entry(self.name, name, known)
        entry = replace(
            entry,
            columns=_named(entry, columns),
            in_data=bool(columns),
            counted=self.place.counted,
        )
        return entry, self._answers(entry, known, columns)

    def _answers(self, entry: Entry, known: Described, columns: Columns) -> dict[str, Answers]:
        if not columns or entry.split_off or not entry.counted:
            return {}
        kind = kind_of(entry)
        asked_of_all = known.question is not None and len(known.question.conditions) < 2
        codes = [code.code for code in entry.codes]
        found = {}
        for wave, frame in _by_wave(self.frame, columns, self.waves):
            if kind == "many":
                frame = frame.rename(columns=lambda name: str(name).removeprefix(f"{entry.name}__"))
            found[wave] = Answers(
                frame, kind, codes, entry.personal_data, conditional=not asked_of_all
            )
        return found


def kind_of(entry: Entry) -> Kind:
    """Say how the answers of a variable are counted; `none` where they are only there or missing."""
    if len(entry.codes) > MOST_CODES:
        return "none"
    base = entry.type.split(" ")[0]
    if base == "calculate":
        return "codes" if entry.codes else ("number" if ".." in entry.values else "none")
    return KINDS.get(base, "none")


def _named(entry: Entry, columns: Columns) -> str:
    """Name the columns of a variable where they are not called as it is."""
    names = [name for of_wave in columns.values() for name in of_wave]
    if names == [entry.name]:
        return ""
    if "" in columns:
        return f"{entry.name}__<code>"
    return ", ".join(names)


def _by_wave(
    frame: pd.DataFrame, columns: Columns, waves: tuple[str, ...]
) -> Iterator[tuple[str, pd.DataFrame]]:
    for wave, names in columns.items():
        if wave or "wave" not in frame:
            yield wave or ALL_WAVES, frame[names]
        else:
            yield from ((w, frame.loc[frame["wave"].eq(w).fillna(False), names]) for w in waves)
