"""Search all files of a workspace for given texts, inside compressed files too.

Changes nothing. What is drawn or encrypted (pictures, PDF) cannot be searched.
"""

from __future__ import annotations

import gzip
import mmap
import os
import re
import sqlite3
import zipfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet

from survey_tools.errors import RunError

PROGRAM = frozenset({".git", ".venv", "src", "tests", "bench", "scripts"})
"""Folders of the workspace itself that hold a program and its history, never rows."""

CACHES = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"})

ZIPPED = frozenset({".zip", ".xlsx", ".xlsm", ".docx", ".pptx", ".odt", ".ods", ".npz"})


def workspace_files(root: Path) -> Iterator[Path]:
    """Yield the files below `root`, hidden ones too, in order; the program and its caches are left out.

    Links to folders are followed, each folder once: `data/` may lie on another disk.
    """
    seen = set()
    for folder, names, files in os.walk(root, followlinks=True):
        here = Path(folder)
        seen.add(here.resolve())
        kept = [n for n in names if n not in CACHES and not _of_program(root, here / n)]
        names[:] = sorted(n for n in kept if (here / n).resolve() not in seen)
        yield from (here / name for name in sorted(files))


def find_traces(
    root: Path, marks: Collection[str], *, leave_out: Collection[Path] = ()
) -> list[Path]:
    """Name the files that hold one of `marks`, in whatever case.

    Parquet, SQLite, zip (so xlsx, docx) and gzip files are searched as they are and by what is packed in
    them. UTF-8 and UTF-16 are looked for.

    Parameters
    ----------
    root : Path
    marks : collection of str
        Plain ASCII.
    leave_out : collection of Path
        Files not to look at.

    Raises
    ------
    RunError
        When a file cannot be read: nothing can be said then.
    """
    spelled = [mark.encode(name) for mark in marks for name in ("utf-8", "utf-16-le", "utf-16-be")]
    if not spelled:
        return []
    pattern = re.compile(b"|".join(map(re.escape, spelled)), re.IGNORECASE)
    return [
        path
        for path in workspace_files(root)
        if path not in leave_out and _holds(path, pattern, marks)
    ]


def _of_program(root: Path, folder: Path) -> bool:
    if folder.parent != root:
        return False
    return folder.name in PROGRAM or (folder / "pyvenv.cfg").is_file()


def _holds(path: Path, pattern: re.Pattern[bytes], marks: Collection[str]) -> bool:
    try:
        # An empty file is not opened: it may be a lock that closing it would drop.
        return path.stat().st_size > 0 and (_raw(path, pattern) or _unpacked(path, pattern, marks))
    except FileNotFoundError:
        return False  # gone since it was listed
    except OSError as error:
        raise RunError(
            "A file cannot be searched.",
            found=error.strerror or type(error).__name__,
            where=str(path),
            next_step="make it readable, or take it out of the workspace",
        ) from error


def _raw(path: Path, pattern: re.Pattern[bytes]) -> bool:
    with (
        path.open("rb") as file,
        closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as m,
    ):
        return pattern.search(m) is not None


def _unpacked(path: Path, pattern: re.Pattern[bytes], marks: Collection[str]) -> bool:
    with path.open("rb") as file:
        head = file.read(16)
    if head[:4] == b"PAR1":
        return _in_parquet(path, marks)
    if head == b"SQLite format 3\0":
        return _in_sqlite(path, marks)
    if head[:2] == b"PK" or path.suffix in ZIPPED:
        return _in_zip(path, pattern)
    if head[:2] == b"\x1f\x8b":
        with gzip.open(path) as packed:
            return pattern.search(packed.read()) is not None
    return False


def _in_zip(path: Path, pattern: re.Pattern[bytes]) -> bool:
    try:
        with zipfile.ZipFile(path) as packed:
            return any(
                pattern.search(packed.read(name)) or pattern.search(name.encode())
                for name in packed.namelist()
            )
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return False  # none, or encrypted


def _in_parquet(path: Path, marks: Collection[str]) -> bool:
    try:
        table = parquet.read_table(path)
    except pa.ArrowInvalid:
        return False
    columns: Iterable[pa.ChunkedArray] = table.columns
    return any(_in_column(column, mark) for column in columns for mark in marks)


def _in_column(column: pa.ChunkedArray, mark: str) -> bool:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return False
    found = pc.match_substring(column, mark, ignore_case=True)
    return bool(pc.any(found, min_count=0).as_py())


def _in_sqlite(path: Path, marks: Collection[str]) -> bool:
    """Look through every text of a database: in the file a long one may lie in pieces."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
            return any(_in_table(db, name, marks) for (name,) in tables)
    except sqlite3.DatabaseError:
        return False


def _in_table(db: sqlite3.Connection, table: str, marks: Collection[str]) -> bool:
    quoted = _quoted(table)
    names = [row[1] for row in db.execute(f"PRAGMA table_info({quoted})")]
    where = " OR ".join(f"instr(lower({_quoted(name)}), lower(?))" for name in names)
    query = f"SELECT 1 FROM {quoted} WHERE {where} LIMIT 1"  # noqa: S608 - names of the file itself
    return any(db.execute(query, [mark] * len(names)).fetchone() for mark in marks)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
