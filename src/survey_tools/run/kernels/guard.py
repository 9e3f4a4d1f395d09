"""Keep a report's notebook from writing into the workspace: it shows results and makes none.

What is written through Python is refused with a clear message, and what a library in C or another program
writes by Linux itself, where it can (`landlock`); elsewhere `survey_tools.run.batch.sources` notices it.
Not here: reading.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from survey_tools.run.kernels.landlock import confine

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_TARGETS = {
    "os.remove": (0,), "os.rename": (0, 1), "os.rmdir": (0,), "os.mkdir": (0,), "os.link": (1,),
    "os.symlink": (1,), "os.truncate": (0,), "os.chmod": (0,), "shutil.rmtree": (0,),
}  # fmt: skip
"""Events of Python's audit hooks that change files, with the arguments that name them."""


def code(folders: Sequence[str]) -> str:
    """Return what a kernel has to run to be held to this; it leaves no name behind."""
    return f"__import__({__name__!r}, fromlist=['guard']).guard({list(folders)!r})"


def guard(folders: Sequence[str]) -> None:
    """Refuse, for the rest of this process, to change anything below `folders`.

    A change raises `PermissionError`. It cannot be undone: audit hooks stay.
    """
    real = {os.path.realpath(folder) for folder in folders}
    confine(real)
    kept = tuple(folder + os.sep for folder in real)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = set("wax+") & set(mode) if isinstance(mode, str) else (flags or 0) & _WRITES
            if writes:
                _refuse(path, kept)
        elif event in _TARGETS:
            for place in _TARGETS[event]:
                _refuse(arguments[place], kept)

    sys.addaudithook(hook)


def _refuse(path: object, kept: tuple[str, ...]) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        return
    full = os.path.realpath(os.fsdecode(path))
    if (full + os.sep).startswith(kept):
        raise PermissionError(
            f"A report may not write into the workspace: {os.path.basename(full)}"  # noqa: PTH119
        )
