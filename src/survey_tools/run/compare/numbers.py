"""List the numbers that the pages of a run carry, and read such a list.

Not here: which numbers differ (survey_tools.run.compare.match).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import pandas as pd

from survey_tools.errors import RunError
from survey_tools.run.compare.contents import Contents, Number

COLUMNS = ("page", "source", "value", "text", "langs", "rounded")
_YES = "yes"
_NEEDED = COLUMNS[:-1]


def numbers_of_run(folder: Path, only: Collection[str] | None = None) -> pd.DataFrame:
    """List the traced numbers of all pages in a folder.

    Parameters
    ----------
    folder : Path
        `reports/<run>/`, or a copy of its pages.
    only : collection of str, optional
        Names of the files that count; by default every page in the folder.

    Returns
    -------
    DataFrame
        One row a page, source, value and way of writing, all text: `page` (code), `source` (table, row and
        column of the results), `value` (at most four decimals; empty where the cell is hidden), `text` (as
        it is written), `langs` (languages that write it so, with spaces between), `rounded` (`yes` where
        the page marks it as rounded because few answered).

    Raises
    ------
    RunError
        When there are no pages, or one cannot be read.
    """
    from survey_tools.run.compare.sides import open_side

    side = open_side(None, f"{folder}/").keep(only)
    rows = [row for code in sorted(side.codes) for row in _rows(code, side.read(code).values())]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=str)


def read_numbers(path: Path) -> dict[str, dict[str, Contents]]:
    """Read a list as `numbers_of_run` makes it: what each page carries by code and language.

    Raises
    ------
    RunError
        When it cannot be read, or lacks a column.
    """
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise _not_a_list(path, type(error).__name__) from error
    if not set(_NEEDED) <= set(frame.columns) or frame.empty:
        raise _not_a_list(path, ", ".join(map(str, frame.columns)) or "nothing")
    found: dict[str, dict[str, list[Number]]] = {}
    for row in frame.reindex(columns=list(COLUMNS), fill_value="").itertuples(index=False):
        for lang in str(row.langs).split():
            numbers = found.setdefault(str(row.page), {}).setdefault(lang, [])
            source, value, text = str(row.source), str(row.value), str(row.text)
            numbers.append(Number(source, value, text, str(row.rounded) == _YES))
    return {
        code: {lang: _listed(code, lang, numbers) for lang, numbers in by_lang.items()}
        for code, by_lang in found.items()
    }


def _rows(code: str, pages: Iterable[Contents]) -> list[tuple[str, ...]]:
    found: dict[Number, dict[str, None]] = {}
    for page in pages:
        for number in page.numbers:
            found.setdefault(number, {})[page.lang] = None
    return [
        (code, one.source, one.value, one.text, " ".join(sorted(langs)), _YES * one.rounded)
        for one, langs in found.items()
    ]


def _listed(code: str, lang: str, numbers: list[Number]) -> Contents:
    return Contents(code, lang, "", tuple(numbers), (), (), ())


def _not_a_list(path: Path, found: str) -> RunError:
    return RunError(
        "The list of numbers cannot be read.",
        expected=f"a CSV file with the columns {', '.join(_NEEDED)} and at least one row",
        found=found,
        where=path.name,
    )
