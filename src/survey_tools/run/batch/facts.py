"""Say on what a run was made: commit of the workspace, versions, machine, and the pulls behind the results.

Not here: the record that these facts stand in (survey_tools.run.batch.record).
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from survey_tools import __version__
from survey_tools.params import Workspace
from survey_tools.run.files import read_json
from survey_tools.run.inputs import inputs_of

_LIBRARIES = (
    "pandas", "numpy", "pyarrow", "statsmodels", "diff-diff", "seaborn", "matplotlib", "papermill",
    "nbclient", "nbconvert", "ipykernel", "jupyter_client", "distributed",
)  # fmt: skip


def made_on(ws: Workspace) -> dict[str, Any]:
    """Gather the facts of this moment, by the record's fields.

    Returns
    -------
    dict
        `commit` and `dirty`, None outside git; `versions` by library; `host` without a name; `pulls`;
        `inputs` now and `inputs_of_results` when the results were made, None where that is not known.
    """
    content = read_json(ws.results / "provenance.json")
    provenance = content if isinstance(content, dict) else {}
    return {
        **_commit(ws.root),
        "versions": _versions(),
        "host": {"platform": platform.platform(), "cpus": os.cpu_count()},
        "pulls": provenance.get("pulls", []),
        "inputs": inputs_of(ws),
        "inputs_of_results": provenance.get("inputs"),
    }


def versions_of(names: Iterable[str]) -> dict[str, str | None]:
    """Return the installed versions by name, None where a package is not installed."""
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _versions() -> dict[str, str]:
    own = {"survey_tools": __version__, "python": platform.python_version()}
    return own | {name: found for name, found in versions_of(_LIBRARIES).items() if found}


def _commit(root: Path) -> dict[str, Any]:
    """Commit of the workspace and whether files differ from it; None outside git."""
    lines = _git(root, "status", "--porcelain=v2", "--branch")
    heads = [line.split()[-1] for line in lines or () if line.startswith("# branch.oid ")]
    if lines is None or not heads or heads[0] == "(initial)":
        return {"commit": None, "dirty": None}
    return {"commit": heads[0], "dirty": any(not line.startswith("# ") for line in lines)}


def _git(root: Path, *arguments: str) -> list[str] | None:
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            [git, "--no-optional-locks", "-C", str(root), *arguments],
            capture_output=True, text=True, errors="replace", timeout=20,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.splitlines() if done.returncode == 0 else None
