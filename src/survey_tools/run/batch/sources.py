"""Notice that what pages are made from changed while they were made.

A notebook that writes there through Python is stopped (survey_tools.run.kernels.guard); this sees what a
program that it started, or somebody with an editor, did. Not here: what a page depends on
(survey_tools.run.batch.fingerprint).
"""

from __future__ import annotations

from pathlib import Path

import survey_tools
from survey_tools.params import Workspace

Marks = dict[str, tuple[int, int]]
"""Files with their size and time of change."""

_LEFT_OUT = {"__pycache__", ".ipynb_checkpoints"}


def marks(ws: Workspace) -> Marks:
    """Look at the files that pages are made from: parameters, notebooks, results and the package."""
    package = Path(survey_tools.__file__).parent
    found: Marks = {}
    for folder in (ws.root / "params", ws.notebooks, ws.results, package):
        for path in folder.rglob("*"):
            if _LEFT_OUT.isdisjoint(path.parts) and path.is_file():
                stat = path.stat()
                name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
                found[name] = (stat.st_size, stat.st_mtime_ns)
    return found


def changed(before: Marks, now: Marks) -> tuple[str, ...]:
    """Name the files that are new, gone or different."""
    return tuple(
        sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    )
