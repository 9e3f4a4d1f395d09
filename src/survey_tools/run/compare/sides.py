"""Find the pages of a run: by its name, in a folder elsewhere, or as a list of numbers.

Not here: reading a page (survey_tools.run.compare.read).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from survey_tools.errors import ParamsError, RunError
from survey_tools.params import Workspace
from survey_tools.params.workspace import FIELD
from survey_tools.run.compare.contents import Contents
from survey_tools.run.compare.numbers import read_numbers
from survey_tools.run.compare.read import page_of, read_page
from survey_tools.run.compare.record import sound_record

FIRST_LANG = "vi"
"""Language of a page whose name tells none: `index.html`."""

_LEFT_OUT = re.compile(r"(triage|review)(\..+)?|compare-.+")
"""Pages for the team, which are no results."""


@dataclass(frozen=True)
class Side:
    """One of the two that are compared.

    `files` are the pages' files by code, `listed` the numbers by code where there are no pages,
    `record` the content of `run.json`, `damaged` whether it is there and cannot be read, `named` whether
    it was found by its name in `reports/`, where every run has a record.
    """

    name: str
    label: str
    folder: Path | None = None
    files: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    listed: Mapping[str, Mapping[str, Contents]] | None = None
    record: dict[str, Any] | None = None
    damaged: bool = False
    named: bool = False

    @property
    def codes(self) -> frozenset[str]:
        """Codes of its pages."""
        return frozenset(self.files if self.listed is None else self.listed)

    def names(self, code: str) -> dict[str, str]:
        """Return the files of a page by language."""
        if self.listed is not None:
            return {lang: f"{code}.{lang}.html" for lang in self.listed.get(code, ())}
        found = {path.name: page_of(path.name) for path in self.files.get(code, ())}
        return {(page and page[1]) or FIRST_LANG: name for name, page in found.items()}

    def keep(self, only: Collection[str] | None) -> Side:
        """Return it with these files alone; with all where none are named."""
        if only is None:
            return self
        kept = {c: tuple(p for p in paths if p.name in only) for c, paths in self.files.items()}
        return replace(self, files={code: paths for code, paths in kept.items() if paths})

    def read(self, code: str) -> Mapping[str, Contents]:
        """Read a page in all its languages; see `read_page` for errors."""
        if self.listed is not None:
            return self.listed.get(code, {})
        pages = [read_page(path) for path in self.files.get(code, ())]
        return {page.lang: page for page in pages}


def open_side(ws: Workspace | None, given: str) -> Side:
    """Find a run.

    Parameters
    ----------
    ws : Workspace or None
        Where runs are looked for by name.
    given : str
        Name of a run; or the path of a folder with pages, or of a list of numbers ending in `.csv`. A record
        `run.json` beside the list counts as its own.

    Raises
    ------
    RunError
        When there is no such run, folder or list, or no page in it.
    """
    folder = _run_folder(ws, given)
    path = folder or Path(given)
    if path.is_file() and path.suffix == ".csv":
        name = _slug(path.resolve().parent.name if path.name == "numbers.csv" else path.stem)
        record, damaged = sound_record(path.parent)
        listed = read_numbers(path)
        return Side(name, path.name, listed=listed, record=record, damaged=damaged)
    files = _pages(path)
    if not files:
        raise _missing(ws, given, path)
    record, damaged = sound_record(path)
    name = given if folder else str((record or {}).get("run") or path.resolve().name)
    label = given if folder else "/".join(path.resolve().parts[-2:]).strip("/")
    named = folder is not None
    return Side(_slug(name), label, path, files, record=record, damaged=damaged, named=named)


def _run_folder(ws: Workspace | None, given: str) -> Path | None:
    if ws is None or "/" in given:
        return None
    try:
        folder = ws.reports(given)
    except ParamsError:
        return None
    return folder if folder.is_dir() else None


def _pages(folder: Path) -> dict[str, tuple[Path, ...]]:
    """List the pages of a folder by code."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.html")):
        page = page_of(path.name)
        if page is not None and not _LEFT_OUT.fullmatch(path.stem):
            found.setdefault(page[0], []).append(path)
    return {code: tuple(paths) for code, paths in found.items()}


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"


def _missing(ws: Workspace | None, given: str, path: Path) -> RunError:
    known = [] if ws is None else list(_runs(ws))
    there = path.is_dir()
    return RunError(
        "There are no pages in this folder." if there else "There is no such run.",
        expected=f"a run ({', '.join(known) or 'there is none here'}), "
        "a folder with the pages of one, or a list numbers.csv",
        found=given,
        next_step="make the pages (survey-tools report --run NAME), or give another name or path",
    )


def _runs(ws: Workspace) -> Iterable[str]:
    """Name the runs of a workspace that have pages."""
    for folder in sorted((ws.root / "reports").glob("*")):
        if folder.is_dir() and not folder.name.endswith(FIELD) and _pages(folder):
            yield folder.name
