"""Gather the files of the project that go into a pack: what git would list, found without git.

A file goes when its top folder is one of `TOPS`, no list of git's leaves it out, it is in no environment of
Python, and it is no archive. The first condition alone keeps `data/` and `reports/` at home. A key or
password is refused. Not here: how the lists are read (survey_tools.run.replication.rules), or personal data.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import survey_tools
from survey_tools.errors import RunError
from survey_tools.params import Workspace
from survey_tools.run.replication.rules import IGNORE, Rule, ignored, read_rules, rules_at
from survey_tools.run.replication.secrets import refuse_secrets

TOPS = (
    ".ci", ".gitignore", ".pre-commit-config.yaml", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md",
    "LICENSE", "LICENSE.md", "LICENSE.txt", "Makefile", "README.md", "bench", "data/README.md", "docs",
    "environment.yml", "notebooks", "params", "pyproject.toml", "requirements.lock", "scripts", "src",
    "tests",
)  # fmt: skip
"""What goes, where it is there; a folder with all that is in it."""

NEEDED = ("Makefile", "README.md", "pyproject.toml", "requirements.lock", "src", "tests")
OF_WORKSPACE = ("notebooks", "params")
"""Folders that are taken from the workspace where it is not the folder of the project."""

ARCHIVES = frozenset({".zip", ".tar", ".gz", ".7z"})
"""Endings of files that are never taken: packs that somebody left in a folder."""

ENVIRONMENT = "pyvenv.cfg"
"""File by which a folder is an environment of Python."""

_EXECUTABLE = 0o111


@dataclass(frozen=True)
class ProjectFile:
    """One file: its content, and whether it is run as a program."""

    content: bytes = field(repr=False)
    executable: bool = False


def project_root() -> Path:
    """Folder of the project that this program runs from.

    Raises
    ------
    RunError
        When the program was installed without its project: there is no test and no lock to hand on.
    """
    root = Path(survey_tools.__file__).resolve().parents[2]
    missing = [name for name in NEEDED if not (root / name).exists()]
    if missing:
        raise RunError(
            "The program does not run from a copy of its project, so that its code cannot be handed on.",
            expected=f"a folder with {', '.join(NEEDED)}",
            found=f"without {', '.join(missing)}",
            next_step="take a copy of the project, and run it from there (make demo sets it up)",
        )
    return root


def project_files(
    root: Path, ws: Workspace, *, leave_out: Sequence[Path] = ()
) -> dict[str, ProjectFile]:
    """Read the files that go, by path within the project; notebooks lose their outputs.

    Parameters
    ----------
    root : Path
        Folder of the project.
    ws : Workspace
        Its `notebooks/` and `params/` go.
    leave_out : sequence of Path
        Files that do not, such as the pack itself.

    Raises
    ------
    RunError
        When a link is met, which could lead anywhere, a file cannot be read, or a list of what git leaves
        out is not understood.
    DisclosureError
        When a file is a private key or holds a password.
    """
    rules = rules_at(root, "")
    away = {path.resolve() for path in leave_out}
    found: dict[str, ProjectFile] = {}
    for top in TOPS:
        base = ws.root if top in OF_WORKSPACE else root
        for path in _walk(base / top, base, rules):
            if path.resolve() not in away:
                name = path.relative_to(base).as_posix()
                file = found[name] = _read(path, base)
                refuse_secrets(name, file.content)
    return dict(sorted(found.items()))


def _walk(top: Path, base: Path, rules: Sequence[Rule]) -> Iterator[Path]:
    """Yield the files of a folder that are not ignored, in order; or the one file.

    `rules` are those of the project; lists within the folder `base` add to them.
    """
    name = top.relative_to(base).as_posix()
    if top.is_symlink():
        raise _link(top, base)
    above = (*rules, *rules_at(base, top.parent.relative_to(base).as_posix()))
    if ignored(name, above, folder=top.is_dir()):
        return
    if top.is_file():
        yield top
        return
    known = {top.parent: above}
    for here, folders, files in os.walk(top):
        folder = Path(here)
        within = folder.relative_to(base).as_posix()
        own = known[folder] = (*known[folder.parent], *read_rules(folder / IGNORE, within))
        folders[:] = sorted(
            name
            for name in folders
            if not ignored(f"{within}/{name}", own, folder=True)
            and not (folder / name / ENVIRONMENT).is_file()
        )
        for path in (
            *(folder / name for name in folders),
            *(folder / name for name in sorted(files)),
        ):
            if ignored(path.relative_to(base).as_posix(), own) or path.suffix in ARCHIVES:
                continue
            if path.is_symlink():
                raise _link(path, base)
            if path.is_file():
                yield path


def _link(path: Path, base: Path) -> RunError:
    return RunError(
        "A link stands among the files that would go, and could lead to anything.",
        expected="files and folders",
        where=path.relative_to(base).as_posix(),
        next_step="put the file itself there, or take the link away",
    )


def _read(path: Path, base: Path) -> ProjectFile:
    try:
        content = path.read_bytes()
        executable = bool(path.stat().st_mode & _EXECUTABLE)
    except OSError as error:
        raise RunError(
            "A file of the project cannot be read.",
            found=error.strerror or type(error).__name__,
            where=path.relative_to(base).as_posix(),
        ) from error
    return ProjectFile(
        _silent(content, path, base) if path.suffix == ".ipynb" else content, executable
    )


def _silent(content: bytes, path: Path, base: Path) -> bytes:
    """Take the outputs out of a notebook, where it has any: they may show rows."""
    try:
        notebook = json.loads(content)
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        if re.match(r"(tests|bench)/", path.relative_to(base).as_posix()):
            return content  # made broken for a test
        raise RunError(
            "A notebook cannot be read.", where=path.relative_to(base).as_posix()
        ) from error
    if not any(cell.get("outputs") or cell.get("execution_count") for cell in cells):
        return content
    for cell in cells:
        cell |= {"outputs": [], "execution_count": None}
    return (json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode(
        "utf-8"
    )
