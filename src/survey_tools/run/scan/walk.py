"""Scan files and folders, whatever git thinks of them.

Not here: what is looked for (`scanner`), or what of a file can be read (`readers`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from survey_tools.errors import DisclosureError
from survey_tools.run.erasing.traces import CACHES
from survey_tools.run.scan.scanner import Finding, Scanner, Unread

NOT_PUBLISHED = CACHES | {".git"}
"""Folders that are not looked into: the history of git, and what tools keep for themselves."""


@dataclass(frozen=True)
class Scan:
    """What a scan found and what it could not read, and of how many files."""

    files: int
    findings: tuple[Finding, ...]
    unread: tuple[Unread, ...]


def scan_paths(paths: Sequence[Path], scanner: Scanner, root: Path | None = None) -> Scan:
    """Scan files, and all files of folders.

    Parameters
    ----------
    paths : sequence of Path
    scanner : Scanner
    root : Path, optional
        Files below it are named from there.

    Raises
    ------
    DisclosureError
        When a path is not there or may not be read: nothing can be said then.
    """
    findings: list[Finding] = []
    unread: list[Unread] = []
    count = 0
    for path in dict.fromkeys(file for given in paths for file in _files(given)):
        name = _name(path, root)
        if path.is_symlink() and path.is_dir():
            unread.append(Unread(name, "", "a link to a folder"))
            continue
        found, missed = scanner.scan(name, _content(path))
        findings += found
        unread += missed
        count += 1
    return Scan(count, tuple(findings), tuple(unread))


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, files in os.walk(path, onerror=_refuse):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if _is_published(here / name))
        yield from (here / name for name in folders if (here / name).is_symlink())
        yield from (here / name for name in sorted(files))


def _is_published(folder: Path) -> bool:
    return folder.name not in NOT_PUBLISHED and not (folder / "pyvenv.cfg").is_file()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        _refuse(error)
        raise  # not reached


def _refuse(error: OSError) -> None:
    raise DisclosureError(
        "A file or folder could not be read, so that nothing can be said of it.",
        found=error.strerror or type(error).__name__,
        where=str(error.filename),
        next_step="correct the path, or make it readable",
    ) from error


def _name(path: Path, root: Path | None) -> str:
    resolved = path.resolve()
    if root is not None and resolved.is_relative_to(root.resolve()):
        return resolved.relative_to(root.resolve()).as_posix()
    return path.as_posix()
