"""Keep the record of a run, `run.json`: what was made, from what, with which versions, and how it went.

Not here: the pages themselves. The record holds no row, no person and no token.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import threading
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from survey_tools import __version__
from survey_tools.params import Workspace
from survey_tools.run.files import read_json, write_json

_LIBRARIES = ("pandas", "numpy", "statsmodels", "diff-diff", "papermill", "nbconvert")


class Record:
    """The record of one run; every page that is done is on the disk at once."""

    def __init__(self, ws: Workspace, run: str) -> None:
        self._path = ws.reports(run) / "run.json"
        self._lock = threading.Lock()
        before = read_json(self._path) or {}
        self._pages = {(p["code"], p["lang"]): p for p in before.get("pages", [])}
        self._head = {
            "run": run,
            "started": now(),
            "finished": None,
            "study": ws.study.study.id,
            "synthetic": ws.study.study.synthetic,
            **_commit(ws.root),
            "versions": _versions(),
            "pulls": (read_json(ws.results / "provenance.json") or {}).get("pulls", []),
        }

    def page(self, code: str, lang: str) -> dict[str, Any] | None:
        """Return what the last run says of a page, or None."""
        return self._pages.get((code, lang))

    def set_page(self, page: dict[str, Any]) -> None:
        """Put down how a page went, and save."""
        with self._lock:
            self._pages[page["code"], page["lang"]] = page
            self._save()

    def finish(self) -> dict[str, Any]:
        """Put down the end of the run, save, and return the whole record."""
        with self._lock:
            self._head["finished"] = now()
            self._save()
            return self._content()

    def _content(self) -> dict[str, Any]:
        return {**self._head, "pages": [self._pages[key] for key in sorted(self._pages)]}

    def _save(self) -> None:
        write_json(self._path, self._content())


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _versions() -> dict[str, str]:
    found = {"survey_tools": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _commit(root: Path) -> dict[str, Any]:
    """Commit of the workspace and whether files differ from it; None outside git."""
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain") if commit else None
    return {"commit": commit, "dirty": bool(changed) if commit else None}


def _git(root: Path, *arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            [git, "-C", str(root), *arguments], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
