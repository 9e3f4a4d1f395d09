"""Remember an erasure from its first step to its last, so that one that was killed can be finished.

Not here: erasing. While it is there the journal holds the code in clear, mode 0600, beside the other
personal data: what is half erased can be found again by nothing less. It is the last trace to go.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from survey_tools.errors import RunError
from survey_tools.params import Workspace
from survey_tools.run.files import write_text

NAME = "erasing.json"


@dataclass(frozen=True)
class Journal:
    """What an erasure that has begun was going to do.

    Attributes
    ----------
    number : str
        Of the receipt; drawn at random.
    code : str
        Household code.
    by, basis : str
        Who asked (staff code, may be empty) and why.
    begun : str
        UTC.
    stores : dict of str to list of int
        Store, below the workspace -> `_id` of the rows that go; also stores in which the code only has
        to be taken out of other rows.
    sandboxes : dict of str to (dict of str to list of int)
        Folder of a sandbox -> uid of the form -> `_id`.
    rows : dict of str to list of int
        The same rows by form, of the study's own server; by them private lists and corrections name them.
    flags : list of str
        Keys of flags about those rows.
    marks : list of str
        What identifies the household's rows besides the code: uuids, phones. Looked for at the end.
    lines : list of dict
        What goes, by place: `place, what, before, gone`.
    server : list of dict
        What the owner of a server has to do there: `server, form, delete, edit`.
    stages, runs, reports : list of str, dict of str to dict, list of str
        Stages, report pages, and files below `reports/` that were there.
    """

    number: str
    code: str = field(repr=False)
    by: str
    basis: str
    begun: str
    stores: dict[str, list[int]]
    sandboxes: dict[str, dict[str, list[int]]]
    rows: dict[str, list[int]]
    flags: list[str]
    marks: list[str] = field(repr=False)
    lines: list[dict[str, Any]]
    server: list[dict[str, Any]]
    stages: list[str]
    runs: dict[str, dict[str, Any]]
    reports: list[str]


def journal_path(ws: Workspace) -> Path:
    """Return where the journal is while an erasure is not finished."""
    return ws.private / NAME


def unfinished(ws: Workspace) -> bool:
    """Whether an erasure has begun and is not finished."""
    return journal_path(ws).is_file()


def refuse_unfinished(ws: Workspace) -> None:
    """Refuse to work on rows that are half erased.

    Raises
    ------
    RunError
        When an erasure is not finished.
    """
    if unfinished(ws):
        raise RunError(
            "An erasure has begun and is not finished.",
            where=f"data/private/{NAME}",
            next_step="survey-tools erase, without a code, goes on with it",
        )


def read_journal(ws: Workspace) -> Journal | None:
    """Read the journal, if there is one.

    Raises
    ------
    RunError
        When it is damaged.
    """
    path = journal_path(ws)
    if not path.is_file():
        return None
    try:
        return Journal(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise RunError(
            "The journal of an erasure is damaged.",
            where=f"data/private/{NAME}",
            next_step="delete that file, then erase the same code again",
        ) from error


def write_journal(ws: Workspace, journal: Journal) -> None:
    """Write the journal and wait until the disk has it: from here on the erasure has begun."""
    path = journal_path(ws)
    write_text(path, json.dumps(asdict(journal), ensure_ascii=False))
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    _settle(path.parent)


def drop_journal(ws: Workspace) -> None:
    """Take the journal away: the erasure is finished."""
    journal_path(ws).unlink()
    _settle(ws.private)


def _settle(folder: Path) -> None:
    """Wait until the disk knows which files are in a folder; other systems than POSIX have no such wait."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
