"""Write the field supervisor's sheets: a page and a workbook a team, an enumerator, and one list of all.

A supervisor in a commune has a phone and Excel. A page of HTML opens on the phone without network and
prints on A4. Of workbooks there is one a team and one an enumerator, not one with hundreds of tabs: on a
phone nobody finds the right one of 180 tabs, and a file that is sent to one supervisor must not show
what was found about the people of another. Who follows the whole survey has `field.<lang>.xlsx`: a
list of all sheets, and all flags in one table to filter and to answer.

Checks nothing and follows no flag from run to run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from survey_tools.params import Study
from survey_tools.register import Register
from survey_tools.report.numbers import Lang
from survey_tools.report.sheets.data import FieldData, Progress, gather
from survey_tools.report.sheets.flags import STATES, FlagWords
from survey_tools.report.sheets.folder import KEPT, Replaced, replacing_folder
from survey_tools.report.sheets.pages import SheetPages
from survey_tools.report.sheets.words import ENUMERATOR, TEAM, SheetWords
from survey_tools.report.shell import Gate, write_page

INDEX = "index"
SUMMARY = "field"


@dataclass(frozen=True)
class Sheets:
    """What was written.

    Attributes
    ----------
    folder : Path
    index : Path
        The list of all sheets, in the first language.
    pages, books : tuple of Path
        HTML files and workbooks.
    removed : tuple of str
        Files that were there before and are not any more, as seen from `folder`.
    kept : tuple of str
        Files in `kept/` that somebody had changed or added since they were written.
    """

    folder: Path
    index: Path
    pages: tuple[Path, ...]
    books: tuple[Path, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]


def write_sheets(
    study: Study,
    flags: pd.DataFrame,
    *,
    teams: pd.DataFrame,
    communes: pd.DataFrame,
    interviews: pd.DataFrame,
    drawn: pd.DataFrame,
    registers: Mapping[str, Register],
    folder: Path,
    day: date,
    choices: pd.DataFrame | None = None,
    langs: Sequence[Lang] | None = None,
    gate: Gate | None = None,
) -> Sheets:
    """Write `index`, `team/<team_id>` and `enumerator/<code>` in every language, and `field.<lang>.xlsx`.

    The folder is made anew and takes the place of the one before: whole or not at all, and a team or an
    enumerator that has vanished has no sheet any more. What somebody has changed or added there since
    (answers typed into a workbook) goes to `kept/` and is never deleted.

    Parameters
    ----------
    study : Study
        Waves, languages, rules of the check on contradictions.
    flags : DataFrame
        Contract `flags` with `key, state, first_seen, last_seen`; a column `form` names the form of a row
        other than the household form. Of its texts only codes and figures are shown, never `message`.
    teams, communes : DataFrame
        `team_id, commune_code, name_vi, name_en`; `code, name_vi, name_en`.
    interviews : DataFrame
        `wave, team_id, enumerator_id, interviews`: how many interviews.
    drawn : DataFrame
        `team_id, drawn`: how many households were drawn.
    registers : mapping of str to Register
        By form, the household form first: labels of questions, and how an enumerator's code is written.
    folder : Path
        Its content is replaced, so it should hold nothing else.
    day : date
        Of the check.
    choices : DataFrame, optional
        Contract `labels`.
    langs : sequence of {'vi', 'en'}, optional
        All languages of the study by default.
    gate : callable, optional
        Called with the name and the content of every file that was written, before the folder takes
        its place; what it raises leaves the old folder as it was. See `shell.write_page`.

    Raises
    ------
    ContractError
        When a table lacks columns, or the flags break their contract.
    ParamsError
        When a check has no words.
    RunError
        When the folder cannot be written; the one there before is untouched.
    """
    data = gather(
        study, flags, teams=teams, communes=communes, interviews=interviews, drawn=drawn,
        registers=registers, day=day,
    )  # fmt: skip
    written = tuple(langs or study.report.languages)
    with replacing_folder(folder) as place:
        for lang in written:
            told = FlagWords(study, registers, choices, lang)
            _write(data, told, place)
        if gate is not None:
            _pass(place.new, gate)
    files = sorted(folder / name for name in place.written)
    return Sheets(
        folder=folder,
        index=folder / f"{INDEX}.{written[0]}.html",
        pages=tuple(path for path in files if path.suffix == ".html"),
        books=tuple(path for path in files if path.suffix == ".xlsx"),
        removed=tuple(place.removed),
        kept=tuple(place.kept),
    )


def _pass(folder: Path, gate: Gate) -> None:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] != KEPT:
            gate(name.as_posix(), path.read_bytes())


def _write(data: FieldData, told: FlagWords, place: Replaced) -> None:
    """Write everything in one language."""
    from survey_tools.report.sheets.books import SheetBooks  # openpyxl takes a third of a second

    pages, books = SheetPages(data, told, len(place.kept)), SheetBooks(data, SheetWords(told.lang))
    by = {TEAM: data.flags_by("team_id"), ENUMERATOR: data.flags_by("enumerator_id")}
    for kind, code, flags, progress in _all(data, by):
        stem = place.new / kind / f"{code}.{told.lang}"
        write_page(_with(stem, ".html"), pages.sheet(kind, code, flags, progress))
        books.sheet(_with(stem, ".xlsx"), kind, told.tell(flags), progress)
    write_page(place.new / f"{INDEX}.{told.lang}.html", pages.index(by[TEAM], by[ENUMERATOR]))
    standing = data.flags.loc[data.flags["state"].ne(STATES[-1])]
    books.summary(place.new / f"{SUMMARY}.{told.lang}.xlsx", told.tell(standing), by)


def _all(
    data: FieldData, by: Mapping[str, Mapping[str, pd.DataFrame]]
) -> Iterator[tuple[str, str, pd.DataFrame, tuple[Progress, ...]]]:
    """Yield kind, code, flags and progress of every sheet."""
    none = data.flags.iloc[:0]
    for code in data.team_codes:
        yield TEAM, code, by[TEAM].get(code, none), data.team_progress[code]
    for code in data.enumerator_codes:
        yield ENUMERATOR, code, by[ENUMERATOR].get(code, none), data.enumerator_progress[code]


def _with(stem: Path, ending: str) -> Path:
    return stem.with_name(stem.name + ending)
