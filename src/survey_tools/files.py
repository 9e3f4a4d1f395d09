"""Write a file whole or not at all: under another name in its folder, then renamed.

Not here: what stands in it.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from survey_tools.errors import RunError, SurveyToolsError

PRIVATE = 0o600
PUBLIC = 0o644

_TEMPORARY = re.compile(r"\..+(-[A-Za-z0-9_]{8}|\.new)")
"""Names that files have while they are written."""


@contextmanager
def replacing(
    path: Path,
    what: str = "A file could not be written",
    *,
    mode: int = PRIVATE,
    error: type[SurveyToolsError] = RunError,
) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; it takes the place of `path` at the end.

    Parameters
    ----------
    path : Path
        Its folder is made if it is not there.
    what : str
        How an error begins.
    mode : int
        Rights of the file.
    error : type
        Raised in place of an `OSError`.

    Raises
    ------
    SurveyToolsError
        When the disk is full or the folder cannot be written; the old file stays as it was.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as problem:
        raise error(
            f"{what}; the one there before is untouched.",
            found=problem.strerror or type(problem).__name__,
            where=f"{path.parent.name}/{path.name}",
            next_step="free space on the disk or make the folder writable, then run again",
        ) from problem
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex digits.

    Raises
    ------
    OSError
        When it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_temporary(path: Path) -> bool:
    """Whether a write that was killed left the file."""
    return path.is_file() and _TEMPORARY.fullmatch(path.name) is not None


def remove_temporary(folder: Path) -> None:
    """Delete what writes that were killed left in a folder."""
    for path in folder.glob(".*"):
        if is_temporary(path):
            path.unlink()
