"""Gather the files of the project that go into a pack: what git would list, found without git.

A file goes when its top folder is one of `TOPS`, `.gitignore` does not name it, no tool keeps its folder out
of git, and it is no archive. The first condition alone keeps `data/` and `reports/` at home. Not here:
whether a file holds personal data.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import survey_tools
from survey_tools.errors import RunError
from survey_tools.params import Workspace

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
        When a link is met, which could lead anywhere, or a file cannot be read.
    """
    rules = read_rules(root / ".gitignore")
    away = {path.resolve() for path in leave_out}
    found: dict[str, ProjectFile] = {}
    for top in TOPS:
        base = ws.root if top in OF_WORKSPACE else root
        for path in _walk(base / top, base, rules):
            if path.resolve() not in away:
                found[path.relative_to(base).as_posix()] = _read(path, base)
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Rule:
    """One line of `.gitignore`."""

    pattern: str
    folders_only: bool
    anchored: bool
    again: bool
    """Whether it takes back what an earlier line ignores."""

    def fits(self, name: str, *, folder: bool) -> bool:
        """Whether the line speaks of a path below the folder of the file."""
        if self.folders_only and not folder:
            return False
        if not self.anchored:
            return fnmatchcase(PurePosixPath(name).name, self.pattern)
        parts, wanted = name.split("/"), self.pattern.split("/")
        return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Read the lines of a `.gitignore`; none where there is no such file. `**` is not known.

    Raises
    ------
    RunError
        When a line has `**`.
    """
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    rules = []
    for line in (text.strip() for text in lines):
        if not line or line.startswith("#"):
            continue
        if "**" in line:
            raise RunError("A line of .gitignore is not understood.", found=line, where=path.name)
        again = line.startswith("!")
        text = line.removeprefix("!").rstrip("/")
        rules.append(Rule(text.lstrip("/"), line.endswith("/"), "/" in text, again))
    return tuple(rules)


def ignored(name: str, rules: Sequence[Rule], *, folder: bool = False) -> bool:
    """Whether the last line that speaks of a path ignores it."""
    verdicts = [not rule.again for rule in rules if rule.fits(name, folder=folder)]
    return bool(verdicts) and verdicts[-1]


def _walk(top: Path, base: Path, rules: Sequence[Rule]) -> Iterator[Path]:
    """Yield the files of a folder that are not ignored, in order; or the one file."""
    if top.is_symlink():
        raise _link(top, base)
    if top.is_file():
        yield top
    for here, folders, files in os.walk(top):
        folder = Path(here)
        names = [(folder / name).relative_to(base).as_posix() for name in folders]
        folders[:] = sorted(
            Path(name).name
            for name in names
            if not ignored(name, rules, folder=True) and not _ignores_itself(base / name)
        )
        for path in (
            *(folder / name for name in folders),
            *(folder / name for name in sorted(files)),
        ):
            if ignored(path.relative_to(base).as_posix(), rules) or path.suffix in ARCHIVES:
                continue
            if path.is_symlink():
                raise _link(path, base)
            if path.is_file():
                yield path


def _ignores_itself(folder: Path) -> bool:
    """Whether a tool keeps a folder out of git: an environment of Python, or a cache."""
    own = folder / ".gitignore"
    if (folder / "pyvenv.cfg").is_file():
        return True
    return own.is_file() and "*" in own.read_text("utf-8", "replace").split()


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
