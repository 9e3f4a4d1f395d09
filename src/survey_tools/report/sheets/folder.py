"""Replace a folder whole or not at all, and keep what somebody has changed in it; knows no sheet.

No library does this; `survey_tools.files.replacing` does it for one file.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from survey_tools.errors import RunError
from survey_tools.files import PRIVATE, PUBLIC, digest_file

MANIFEST = ".written.json"
"""Digest of every file as it was written, by its path in the folder."""
KEPT = "kept"
PUBLIC_FOLDER = 0o755
PRIVATE_FOLDER = 0o700
NOBODYS = ("~$", ".")
"""How names begin that programs give to locks and traces of their own."""


@dataclass
class Replaced:
    """A folder being made anew.

    Attributes
    ----------
    new : Path
        Where to write; it takes the name of the folder at the end.
    kept : list of str
        Files that were changed or added since the folder was written, as seen from it, under `kept/`.
    written, removed : list of str
        Known at the end: all files that were written, and those of the old folder that have gone.
    """

    new: Path
    kept: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Replaced]:
    """Give a new folder beside `folder` to write to; it takes its place at the end.

    Whatever fails before that leaves the old folder as it was. Files in the old one that are not as they
    were written are copied to `kept/` in the new one, mode 0600; those that lie there already stay.

    Raises
    ------
    RunError
        When the disk is full or the folder cannot be written.
    """
    new: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _mend(folder)
        new = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
        place, before = Replaced(new), _manifest(folder)
        place.kept = _keep(folder, new, before)
        yield place
        digests = _digests(new)
        (new / MANIFEST).write_text(json.dumps(digests, indent=1), encoding="utf-8")
        _set_modes(new)
        place.written = sorted(digests)
        place.removed = sorted(set(before) - set(digests))
        _swap(folder, new)
    except OSError as problem:
        raise RunError(
            "The supervisor's sheets could not be written; those there before are untouched.",
            found=problem.strerror or type(problem).__name__,
            where=f"{folder.parent.name}/{folder.name}",
            next_step="free space on the disk, close the files of that folder, then run again",
        ) from problem
    finally:
        if new is not None:
            shutil.rmtree(new, ignore_errors=True)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.before")


def _mend(folder: Path) -> None:
    """Finish or take back a swap that was cut short."""
    old = _aside(folder)
    if old.is_dir():
        if folder.is_dir():
            shutil.rmtree(old)
        else:
            old.rename(folder)


def _swap(folder: Path, new: Path) -> None:
    old = _aside(folder)
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _manifest(folder: Path) -> dict[str, str]:
    try:
        digests: dict[str, str] = json.loads((folder / MANIFEST).read_text("utf-8"))
        return digests
    except (OSError, ValueError):
        return {}


def _digests(folder: Path) -> dict[str, str]:
    return {name: digest_file(path) for name, path in _files(folder) if not _is_kept(name)}


def _is_kept(name: str) -> bool:
    return name.startswith(f"{KEPT}/")


def _files(folder: Path) -> list[tuple[str, Path]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [
        (path.relative_to(folder).as_posix(), path)
        for path in files
        if not path.name.startswith(NOBODYS)
    ]


def _keep(folder: Path, new: Path, before: dict[str, str]) -> list[str]:
    """Copy what is not as it was written, and say which files `kept/` then holds."""
    for name, path in _files(folder):
        if _is_kept(name):
            _copy(path, new / name)
        elif before.get(name) != (digest := digest_file(path)):
            changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            version = f"{path.stem}.{changed:%Y%m%d}-{digest[:8]}{path.suffix}"
            _copy(path, new / KEPT / Path(name).with_name(version))
    return [name for name, _ in _files(new)]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _set_modes(folder: Path) -> None:
    folder.chmod(PUBLIC_FOLDER)
    for path in folder.rglob("*"):
        private = KEPT in path.relative_to(folder).parts[:1]
        if path.is_dir():
            path.chmod(PRIVATE_FOLDER if private else PUBLIC_FOLDER)
        else:
            path.chmod(PRIVATE if private else PUBLIC)
