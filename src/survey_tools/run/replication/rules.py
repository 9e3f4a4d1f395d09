"""Read what git is told to leave out: `.gitignore` of the project and its folders, `.git/info/exclude`.

Only simple lines are known: names, `*`, `?`, `[abc]`, a `/` at the beginning, between or at the end, and `!`.
A line with anything else is refused. Not here: which files go (survey_tools.run.replication.project), or a
person's own list for all projects (`core.excludesFile`), which is not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from survey_tools.errors import RunError

IGNORE = ".gitignore"
_UNKNOWN = ("**", "\\", "[^", "[:")
_POINTER = "gitdir:"


@dataclass(frozen=True)
class Rule:
    """One line of a list; `within` is the folder of the list, empty where that is the project's."""

    pattern: str
    folders_only: bool
    anchored: bool
    again: bool
    """Whether it takes back what an earlier line ignores."""
    within: str = ""

    def fits(self, name: str, *, folder: bool) -> bool:
        """Whether the line speaks of a path, given from the folder of the project."""
        if self.folders_only and not folder:
            return False
        if self.within:
            if not name.startswith(f"{self.within}/"):
                return False
            name = name.removeprefix(f"{self.within}/")
        if not self.anchored:
            return fnmatchcase(PurePosixPath(name).name, self.pattern)
        parts, wanted = name.split("/"), self.pattern.split("/")
        return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def read_rules(path: Path, within: str = "") -> tuple[Rule, ...]:
    """Read the lines of a list; none where there is no such file.

    Parameters
    ----------
    path : Path
    within : str
        Folder that the lines speak of, from that of the project.

    Raises
    ------
    RunError
        When it cannot be read, or has a line that is not understood.
    """
    where = f"{within}/{path.name}" if within else path.name
    try:
        lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        raise _not_understood(type(error).__name__, where) from error
    rules = []
    for line in (text.rstrip() for text in lines):
        if not line or line.startswith("#"):
            continue
        if line != line.lstrip() or any(sign in line for sign in _UNKNOWN):
            raise _not_understood(line, where)
        again = line.startswith("!")
        text = line.removeprefix("!").rstrip("/")
        rules.append(Rule(text.lstrip("/"), line.endswith("/"), "/" in text, again, within))
    return tuple(rules)


def rules_at(base: Path, folder: str) -> tuple[Rule, ...]:
    """Read the lists that hold at a folder, the weakest first: of the copy, of the project, of each folder.

    Parameters
    ----------
    base : Path
        Folder of the project.
    folder : str
        From that of the project; empty for itself. Its own list counts.
    """
    rules = [*read_rules(_exclude(base)), *read_rules(base / IGNORE)]
    parts = PurePosixPath(folder).parts
    for count in range(1, len(parts) + 1):
        within = "/".join(parts[:count])
        rules += read_rules(base / within / IGNORE, within)
    return tuple(rules)


def ignored(name: str, rules: Sequence[Rule], *, folder: bool = False) -> bool:
    """Whether the last line that speaks of a path ignores it."""
    verdicts = [not rule.again for rule in rules if rule.fits(name, folder=folder)]
    return bool(verdicts) and verdicts[-1]


def _exclude(base: Path) -> Path:
    """Path of the list that only this copy has; a second copy of a repository points to the first one."""
    git = base / ".git"
    try:
        if git.is_file():
            git = base / git.read_text("utf-8").strip().removeprefix(_POINTER).strip()
            common = git / "commondir"
            git = git / common.read_text("utf-8").strip() if common.is_file() else git
    except (OSError, UnicodeDecodeError) as error:
        raise _not_understood(type(error).__name__, ".git") from error
    return git / "info" / "exclude"


def _not_understood(found: str, where: str) -> RunError:
    return RunError(
        "A list of what git leaves out is not understood, so that a private file could go along.",
        expected="one name or pattern a line; of signs only * ? [abc] / and ! in front",
        found=found,
        where=where,
        next_step="write the line in a simpler way, such as the name of the folder",
    )
