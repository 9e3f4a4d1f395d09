"""Take a household out of private lists, corrections, flags and notebooks, file by file.

Each function may be called again on a file that it has already been through. Not here: the stores.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from survey_tools import contracts
from survey_tools.errors import RunError
from survey_tools.files import is_temporary, replacing
from survey_tools.kobo.store.upkeep import ERASED
from survey_tools.params import Workspace
from survey_tools.run.erasing.find import QUESTION, plain_code
from survey_tools.run.erasing.traces import workspace_files

ROW_IDS = ("row_id", "_id")
"""Columns that name a submission; with a column `form` it counts only for that form."""

GROUP = "group"
"""Column of the list of duplicates: the numbers of all submissions of the group, hyphens between."""

KEY = "key"
"""Column that names a flag."""


@dataclass(frozen=True)
class Household:
    """What lines of lists may name a household by: its code, its submissions by form, its flags."""

    code: str
    rows: Mapping[str, Collection[int]]
    flags: Collection[str] = ()

    def owns(self, record: Mapping[str, str]) -> bool:
        """Whether a line of a list is about the household."""
        if plain_code(record.get(QUESTION, "")) == self.code:
            return True
        ids = {str(row_id) for form, some in self.rows.items()
               if record.get("form", form) == form for row_id in some}  # fmt: skip
        named = {record[name].strip() for name in ROW_IDS if name in record}
        if GROUP in record and re.fullmatch(r"\d+(-\d+)+", record[GROUP]):
            named |= set(record[GROUP].split("-"))
        return bool(ids & named) or record.get(KEY, "") in self.flags


def lists(ws: Workspace) -> list[Path]:
    """Name the lists that people keep: all of `data/private/`, the sample, the corrections."""
    found = {path for path in ws.private.rglob("*.csv") if not is_temporary(path)}
    kept = {ws.file("sample"), ws.file("corrections")}
    return sorted(found | {path for path in kept if path.is_file()})


def count_lines(path: Path, household: Household) -> tuple[int, int]:
    """Count the lines of a list (without its head), and those that are about the household or name it."""
    text, _ = _read(path)
    lines = _lines(path, text)[1:]
    about = [household.owns(cells) or household.code in line.upper() for line, cells in lines]
    return len(about), sum(about)


def erase_lines(path: Path, household: Household) -> None:
    """Take the lines about a household out of a list, and its code out of the other lines."""
    text, encoding = _read(path)
    code = re.compile(re.escape(household.code), re.IGNORECASE)
    kept = [
        code.sub(ERASED, line)
        for number, (line, cells) in enumerate(_lines(path, text))
        if number == 0 or not household.owns(cells)
    ]
    if "".join(kept) == text:
        return
    mode, path = path.stat().st_mode & 0o777, path.resolve()
    with replacing(path, "A list could not be written", mode=mode) as temporary:
        temporary.write_bytes("".join(kept).encode(encoding))


def flags_about(path: Path, household: Household) -> pd.Series:
    """Say of each flag of a table whether it is about the household, or about another row beside its."""
    flags = pd.read_parquet(path)
    about = pd.Series(False, index=flags.index)
    for form, some in household.rows.items():
        of_form = flags["form"].eq(form) if "form" in flags else ~about
        about |= (of_form & flags["row_id"].isin(some)).fillna(False).astype(bool)
    ids = {row_id for some in household.rows.values() for row_id in some}
    if "item" in flags and ids:
        beside = rf"(?<!\d)(?:{'|'.join(map(str, sorted(ids)))})(?!\d)"
        about |= flags["item"].astype("str").str.contains(beside, regex=True).fillna(False)
    return about


def flag_keys(path: Path, household: Household) -> list[str]:
    """Return the keys of the flags about the household, by which answers to flags name them."""
    if not path.is_file():
        return []
    flags = pd.read_parquet(path)
    return sorted(flags.loc[flags_about(path, household), KEY]) if KEY in flags else []


def erase_flags(path: Path, household: Household) -> None:
    """Take the flags about a household out of the table; the others keep the day they were first seen."""
    about = flags_about(path, household)
    if about.any():
        flags = pd.read_parquet(path).loc[~about].reset_index(drop=True)
        contracts.write_parquet(flags, path)


def notebooks_with_outputs(root: Path, leave_out: Path) -> list[Path]:
    """Name the notebooks with outputs below `root`, but for those in the folder `leave_out`."""
    return [
        path
        for path in workspace_files(root)
        if path.suffix == ".ipynb" and leave_out not in path.parents and _outputs(_notebook(path))
    ]


def clear_outputs(path: Path) -> None:
    """Empty the outputs of a notebook; its cells stay as they are."""
    content = _notebook(path)
    for cell in _outputs(content):
        cell["outputs"], cell["execution_count"] = [], None
    mode, path = path.stat().st_mode & 0o777, path.resolve()
    with replacing(path, "A notebook could not be written", mode=mode) as temporary:
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _notebook(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _outputs(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in content.get("cells", ()) if cell.get("outputs")]


def _read(path: Path) -> tuple[str, str]:
    """Return the text of a list and its encoding; a byte order mark stays at the beginning of the text."""
    content = path.read_bytes()
    try:
        return content.decode(), "utf-8"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "latin-1"


def _lines(path: Path, text: str) -> list[tuple[str, dict[str, str]]]:
    """Return each line of a list as it stands, with its cells by name; a cell may hold line breaks."""
    physical = list(io.StringIO(text, newline=""))
    head = physical[0].lstrip("\ufeff") if physical else ""
    reader = csv.reader(physical, delimiter=max(",;\t", key=head.count), strict=True)
    found: list[tuple[str, dict[str, str]]] = []
    names: Sequence[str] = ()
    done = 0
    try:
        for cells in reader:
            names = names or [cell.strip().lstrip("\ufeff") for cell in cells]
            line = "".join(physical[done : reader.line_num])
            found.append((line, dict(zip(names, cells, strict=False))))
            done = reader.line_num
    except csv.Error as error:
        raise RunError(
            "A list cannot be read line by line, so that nothing can be taken out of it.",
            expected="CSV with closed quotation marks",
            where=f"{path.parent.name}/{path.name}, line {done + 1}",
            next_step="mend that line, then erase again",
        ) from error
    return found
