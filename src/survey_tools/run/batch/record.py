"""Keep the record of a run, `run.json`: what was made, from what, with which versions, and how it went.

While a batch is at work every page that is done is one line of a journal beside the record; the
record is written when it begins and when it ends. `docs/run.schema.json` says what each field means.
Not here: the pages themselves, or what stands in its head (survey_tools.run.batch.facts). The record holds no
row, no person and no token; of machines only the names of a cluster's workers, each with the pages it made.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from survey_tools.errors import RunError
from survey_tools.params import Workspace
from survey_tools.run.batch.facts import made_on
from survey_tools.run.files import read_json, write_json
from survey_tools.run.kernels.failure import without_token
from survey_tools.run.progress import say

RECORD = "run.json"
JOURNAL = ".run.journal.jsonl"
DAMAGED = "run.json.damaged"

THERE = ("ok", "skipped")
"""States of a page that is there: made now, or left as it was."""

Pages = dict[tuple[str, str], dict[str, Any]]
"""Entries by code and language."""

_PAGE: dict[str, Any] = {
    "code": "",
    "lang": "",
    "notebook": None,
    "status": "",
    "file": None,
    "error": None,
    "cell": None,
    "log": None,
    "reason": "",
    "seconds": {},
    "peak_mb": None,
    "attempts": 0,
    "warnings": [],
    "host": "",
    "parameters": {},
    "files": {},
    "hashes": {},
}
"""Every field of a page's entry and what it is where nothing is known."""

_SECRETS = re.compile(r"(?<=://)[^/\s]*@|\?\S*")
"""User and password, and the query, of an address."""


class Record:
    """The record of one run.

    Reading it changes no file, so that anybody may look. The first `set_page` begins to write: whoever
    does that holds the run (`survey_tools.run.occupied.holding`). Every page put down survives the death
    of the process.

    Parameters
    ----------
    ws : Workspace
    run : str
    parameters : mapping, optional
        Options that the batch was started with; user names and passwords in addresses, and the
        server's token, are taken out.

    Raises
    ------
    ParamsError
        When the name of the run cannot be used.
    """

    def __init__(
        self, ws: Workspace, run: str, parameters: Mapping[str, Any] | None = None
    ) -> None:
        self._ws, self._run = ws, run
        self._folder = ws.reports(run)
        self._parameters = _without_secrets(dict(parameters or {}))
        self._started = now()
        self._finished: str | None = None
        self._pages = _pages(self._folder)
        self._head: dict[str, Any] | None = None
        self._journal: FileIO | None = None
        self._lock = threading.Lock()

    def page(self, code: str, lang: str) -> dict[str, Any] | None:
        """Return what is put down of a page, or None."""
        return self._pages.get((code, lang))

    def set_page(self, page: Mapping[str, Any]) -> None:
        """Put down how a page went; fields that are not given are empty.

        Parameters
        ----------
        page : mapping
            Fields of an entry, `code`, `lang` and `status` among them.

        Raises
        ------
        RunError
            When the disk is full or the folder cannot be written.
        """
        entry = _entry(page)
        text = json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n"
        line = text.encode("utf-8")
        with self._lock, _told(self._folder):
            journal = self._journal or self._begin()
            self._pages[entry["code"], entry["lang"]] = entry
            before = journal.seek(0, os.SEEK_END)
            if journal.write(line) != len(line):
                journal.truncate(before)
                raise OSError("the line was not written whole")

    def finish(self) -> dict[str, Any]:
        """Put down the end of the run, write the record, and return it.

        Raises
        ------
        RunError
            When it cannot be written; the journal is kept and counts when the record is read.
        """
        with self._lock, _told(self._folder):
            self._finished = now()
            return self._fold()

    def _begin(self) -> FileIO:
        """Write what is known into the record, and begin a journal."""
        self._fold()
        path = self._folder / JOURNAL
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC, 0o600)
        self._journal = FileIO(handle, "ab")
        return self._journal

    def _fold(self) -> dict[str, Any]:
        """Write everything into the record; only then is the journal done with."""
        if _damaged(self._folder / RECORD):
            (self._folder / RECORD).replace(self._folder / DAMAGED)
            say(
                f"The record of the run was damaged; it is kept as {DAMAGED}, and a new one begins."
            )
        content = self._content()
        write_json(self._folder / RECORD, content)
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        (self._folder / JOURNAL).unlink(missing_ok=True)
        return content

    def _content(self) -> dict[str, Any]:
        self._head = self._head or made_on(self._ws)
        return {
            "run": self._run,
            "started": self._started,
            "finished": self._finished,
            "study": self._ws.study.study.id,
            "synthetic": self._ws.study.study.synthetic,
            **self._head,
            "parameters": self._parameters,
            "counts": _counts(self._pages),
            "pages": [self._pages[key] for key in sorted(self._pages)],
        }


def read_record(folder: Path) -> dict[str, Any] | None:
    """Read the record of a run as it stands now, also of one that is at work or was killed.

    Parameters
    ----------
    folder : Path
        Folder of the run.

    Returns
    -------
    dict or None
        Content of `run.json` with what the journal adds; None where neither is there. A damaged record
        counts as none.
    """
    head, pages = _readable(folder / RECORD), _pages(folder)
    if head is None and not pages:
        return None
    return {
        **(head or {}),
        "counts": _counts(pages),
        "pages": [pages[key] for key in sorted(pages)],
    }


def record_of(ws: Workspace, run: str) -> dict[str, Any]:
    """Read the record of a run that has to be there; see `read_record`. Makes no folder.

    Raises
    ------
    RunError
        When there is no such run, or its record cannot be read.
    ParamsError
        When the name of the run cannot be used.
    """
    folder = ws.reports(run)
    if not folder.is_dir():
        known = sorted(path.parent.name for path in folder.parent.glob(f"*/{RECORD}"))
        raise RunError(
            "There is no such run.",
            expected=", ".join(known) or "a run in reports/",
            found=run,
            where="reports/",
            next_step="survey-tools status lists the runs",
        )
    record = read_record(folder)
    if record is None or _readable(folder / RECORD) is None:
        raise RunError(
            "The record of the run cannot be read, so nobody knows what its pages were made from.",
            expected="the record that the run wrote",
            where=f"reports/{run}/{RECORD}",
            next_step=f"survey-tools report --run {run} --force makes the pages anew",
        )
    return record


def name_of(entry: Mapping[str, Any]) -> str:
    """Name of a page by its entry, by which its files are called."""
    return f"{entry['code']}.{entry['lang']}"


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _pages(folder: Path) -> Pages:
    """Read the entries of the record, then those of a journal that is not yet folded into it."""
    told = [*(_readable(folder / RECORD) or {}).get("pages", []), *_journalled(folder / JOURNAL)]
    entries = [_entry(page) for page in told if isinstance(page, dict)]
    return {(entry["code"], entry["lang"]): entry for entry in entries if entry["code"]}


def _journalled(path: Path) -> Iterator[Any]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue  # the process died while it wrote the line


def _entry(page: Mapping[str, Any]) -> dict[str, Any]:
    """Give an entry all fields; one of an older version told its seconds as one number."""
    entry = {name: page.get(name, value) for name, value in _PAGE.items()}
    if isinstance(entry["seconds"], int | float):
        entry["seconds"] = {"total": entry["seconds"]}
    for name, value in _PAGE.items():
        if isinstance(value, dict):
            entry[name] = dict(entry[name] or {})
    return entry | {"warnings": list(entry["warnings"] or ())}


def _readable(path: Path) -> dict[str, Any] | None:
    content = read_json(path)
    if isinstance(content, dict) and isinstance(content.get("pages", []), list):
        return content
    return None


def _damaged(path: Path) -> bool:
    return path.is_file() and _readable(path) is None


def _counts(pages: Pages) -> dict[str, int]:
    return dict(sorted(Counter(page["status"] for page in pages.values()).items()))


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(
            "The record of the run could not be written.",
            found=error.strerror or str(error),
            where=f"reports/{folder.name}/{JOURNAL}",
            next_step="free space on the disk or make the folder writable, then run again",
        ) from error


def _without_secrets(value: Any) -> Any:
    """Take out of texts what could open a door: credentials in addresses, queries, the token."""
    if isinstance(value, Mapping):
        return {str(name): _without_secrets(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(one) for one in value]
    if isinstance(value, str):
        return without_token(_SECRETS.sub("", value) if "://" in value else value)
    return value
