"""Write a release pack as a folder or a zip file, and read one back as a stranger would.

Not here: what is in the tables, or whether they may go.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pandas as pd

from survey_tools.errors import DisclosureError, RunError
from survey_tools.run.erasing.derived import PACK

README, CODEBOOK, SUMS = "README.txt", "codebook.csv", "SHA256SUMS"
HOUSEHOLDS, PANEL = "households.csv", "panel.csv"
DATA = (HOUSEHOLDS, PANEL)
FILES = (README, CODEBOOK, HOUSEHOLDS, PANEL, PACK, SUMS)
"""Files of a pack, all of them and no others."""

NO_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip file can bear; all of its files bear it."""


NO_RIGHTS = 0o600 << 16
"""Rights of every file in a zip file, whatever they were: what Python writes when it is told of none."""


@dataclass(frozen=True)
class ReadPack:
    """A pack as it was found.

    Attributes
    ----------
    files : dict of str to bytes
        Content by name.
    beside : tuple of str
        What a zip file or folder holds besides: dates, comments, extra fields, links, folders.
    """

    files: dict[str, bytes] = field(repr=False)
    beside: tuple[str, ...]

    def table(self, name: str) -> pd.DataFrame:
        """Read a table, every cell as text; an empty frame where it is not there or is none."""
        try:
            text = self.files[name].decode("utf-8")
            rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except (KeyError, UnicodeDecodeError, csv.Error):
            return pd.DataFrame()
        whole = [row for row in rows[1:] if len(row) == len(rows[0])]
        return pd.DataFrame(whole, columns=rows[0], dtype="str") if rows else pd.DataFrame()

    @property
    def manifest(self) -> dict[str, Any]:
        """What the pack says of itself; empty where it says nothing."""
        try:
            content = json.loads(self.files[PACK])
        except (KeyError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Write a table as CSV: UTF-8 without a mark, one line feed a row."""
    return table.to_csv(index=False, lineterminator="\n").encode("utf-8")


def sums(files: Mapping[str, bytes]) -> bytes:
    """List the SHA-256 of files as `sha256sum -c` reads it."""
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    return "".join(lines).encode()


@contextmanager
def building(out: Path) -> Iterator[Path]:
    """Give a place beside `out` for the pack; what `pack_up` put there takes its name at the end.

    Whatever goes wrong, nothing is left of it, and nothing appears under the name `out`.

    Raises
    ------
    RunError
        When there is something of that name, or it cannot be written.
    """
    if out.exists():
        raise RunError(
            "There is something of that name already.",
            where=out.name,
            next_step="choose another name, or take the older pack away: numbers are drawn anew each time",
        )
    place: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
        yield place / out.name
        (place / out.name).replace(out)
    except OSError as error:
        raise RunError(
            "The pack could not be written.",
            found=error.strerror or type(error).__name__,
            where=out.name,
            next_step="free space, or make the folder writable",
        ) from error
    finally:
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)


def pack_up(files: Mapping[str, bytes], path: Path) -> None:
    """Write files into a new folder, or a zip file where the name ends so; mode 0600.

    A zip file bears no dates, comments or name of the system, and the same rights for all.
    """
    if path.suffix != ".zip":
        path.mkdir(mode=0o700)
        for name, content in files.items():
            with _private(path / name) as file:
                file.write(content)
        return
    with _private(path) as file, zipfile.ZipFile(file, "w") as packed:
        for name, content in files.items():
            about = zipfile.ZipInfo(name, NO_DATE)
            about.compress_type, about.create_system = zipfile.ZIP_DEFLATED, 0
            about.external_attr = NO_RIGHTS
            packed.writestr(about, content)


def read_pack(path: Path) -> ReadPack:
    """Read a folder or zip file as it is.

    Raises
    ------
    DisclosureError
        When it is neither.
    """
    if path.is_dir():
        return _read_folder(path)
    try:
        with zipfile.ZipFile(path) as packed:
            files = {about.filename: packed.read(about) for about in packed.infolist()}
            beside = [told for about in packed.infolist() for told in _about(about)]
            beside += ["a comment of the zip file"] if packed.comment else []
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:
        raise DisclosureError(
            "That is no release pack.",
            expected="a folder or zip file that survey-tools release made",
            found=type(error).__name__,
            where=path.name,
        ) from error
    return ReadPack(files, tuple(beside))


def _read_folder(folder: Path) -> ReadPack:
    files, beside = {}, []
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.is_symlink():
            files[path.name] = path.read_bytes()
        else:
            beside.append(f"{path.name}: a folder or a link")
    return ReadPack(files, tuple(beside))


def _about(about: zipfile.ZipInfo) -> Iterator[str]:
    if about.date_time != NO_DATE:
        yield f"{about.filename}: a date"
    if about.extra or about.comment:
        yield f"{about.filename}: an extra field or comment"
    if about.external_attr != NO_RIGHTS or about.create_system:
        yield f"{about.filename}: rights, or the system that packed it"


def _private(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
