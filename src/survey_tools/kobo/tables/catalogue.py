"""Merge the versions of a form into one list of variables: tables, types, labels, choices.

Not here: the answers, or names of columns (`naming`). The newest version comes first in everything:
order, labels, choices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from survey_tools.errors import KoboError
from survey_tools.kobo.form.model import Form, Labels, Question
from survey_tools.kobo.tables.naming import leaf, name_variables

MAIN = "main"
META = (
    "_id",
    "_uuid",
    "_submission_time",
    "__version__",
    "_validation_status",
    "_submitted_by",
)
# What becomes of a question's type; all others are text.
KINDS = {
    "integer": "integer",
    "decimal": "decimal",
    "date": "date",
    "today": "date",
    "start": "moment",
    "end": "moment",
    "dateTime": "moment",
    "datetime": "moment",
    "time": "time",
    "geopoint": "point",
    "select_one": "one",
    "select_multiple": "many",
    "note": "none",
}


@dataclass(frozen=True)
class Variable:
    """A question over all versions of its form.

    Attributes
    ----------
    path, name : str
        Key of its answers, and name of its column (or of its columns' beginning).
    table : str
        Path of the innermost repeat around it; empty for the main table.
    kind : str
        ``integer``, ``decimal``, ``date``, ``moment``, ``time``, ``point``, ``one``, ``many``,
        ``text``, ``number`` (whole or not, as the answers are) or ``none`` (no column).
    choices : mapping
        Code to labels by language.
    """

    path: str
    name: str
    table: str
    kind: str
    type: str
    labels: Labels
    choices: Mapping[str, Labels] = field(default_factory=dict)


@dataclass(frozen=True)
class Catalogue:
    """All variables and tables of a form.

    Attributes
    ----------
    variables : mapping
        By path, in the newest version's order, then what only older ones have.
    tables : mapping
        Path of the repeat (empty for the main table) to name of the frame.
    repeats : mapping
        Path of a repeat to the repeats around it, outermost first, itself last.
    languages : tuple of str
        Short codes.
    retyped : tuple of str
        Paths whose type differs between versions so that only text can hold both.
    renamed_columns : tuple of str
        Paths whose columns are called otherwise because another column has the name.
    """

    variables: Mapping[str, Variable]
    tables: Mapping[str, str]
    repeats: Mapping[str, tuple[str, ...]]
    languages: tuple[str, ...]
    retyped: tuple[str, ...]
    renamed_columns: tuple[str, ...] = ()

    def keys(self, table: str) -> tuple[str, ...]:
        """Return the names of the columns that tell a table's rows apart."""
        around = self.repeats.get(table, ())
        return ("_id", *(f"{self.tables[path]}_no" for path in around)) if around else META

    def of_table(self, table: str) -> tuple[Variable, ...]:
        """Return the variables that have columns in a table, in order."""
        found = self.variables.values()
        return tuple(one for one in found if one.table == table and one.kind != "none")


def build_catalogue(
    forms: Sequence[Form], renames: Mapping[str, str], numbers: Sequence[str]
) -> Catalogue:
    """Merge versions.

    Parameters
    ----------
    forms : sequence of Form
        Oldest first.
    renames : mapping
        Path in older versions to path now; of questions or groups.
    numbers : sequence of str
        Names or paths of text variables to read as numbers.

    Returns
    -------
    Catalogue
        The merged form.

    Raises
    ------
    KoboError
        If a renaming leads nowhere or into another repeat, or a name in `numbers` does not exist.
    """
    newest_first = list(reversed(forms))
    repeats = _repeats(newest_first, renames)
    _check_renames(newest_first, renames)
    merged, retyped = _merge(newest_first, renames)
    languages = dict.fromkeys(lang for form in newest_first for lang in form.languages)
    tables = {"": MAIN, **_table_names(repeats)}
    unnamed = Catalogue(merged, tables, repeats, tuple(languages), tuple(retyped))
    names, moved = name_variables(merged, {table: unnamed.keys(table) for table in tables})
    named = {path: replace(variable, name=names[path]) for path, variable in merged.items()}
    variables = _read_as_numbers(named, numbers)
    return replace(unnamed, variables=variables, renamed_columns=moved)


def renamed(path: str, renames: Mapping[str, str]) -> str:
    """Return the path that a path has now; a renamed group takes along what is in it."""
    if path in renames:
        return renames[path]
    parts = path.split("/")
    for length in range(len(parts) - 1, 0, -1):
        head = "/".join(parts[:length])
        if head in renames:
            return "/".join([renames[head], *parts[length:]])
    return path


def _repeats(forms: Sequence[Form], renames: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for form in forms:
        for path in form.repeats:
            around = tuple(renamed(p, renames) for p in form.enclosing_repeats(path))
            found.setdefault(around[-1], around)
    return found


def follow_chains(renames: Mapping[str, str]) -> dict[str, str]:
    """Lead each renaming to its end: of ``a -> b`` and ``b -> c`` make ``a -> c`` and ``b -> c``.

    Raises
    ------
    KoboError
        If renamings lead in a circle.
    """
    found = {}
    for old in renames:
        new, seen = renames[old], {old}
        while new in renames:
            if new in seen:
                raise KoboError("Renamings lead in a circle.", found=" -> ".join([*seen, new]))
            seen.add(new)
            new = renames[new]
        found[old] = new
    return found


def _check_renames(forms: Sequence[Form], renames: Mapping[str, str]) -> None:
    for old, new in renames.items():
        if old in forms[0].questions or old in forms[0].groups:
            raise KoboError(
                "A renaming would move the answers of a question that the newest version has.",
                found=f"{old} -> {new}",
                next_step="Take the renaming back; answers under one path of two questions have to be "
                "told apart by __version__.",
            )
        homes = [form for form in forms if new in form.questions or new in form.groups]
        if not homes:
            raise KoboError(
                "A renaming leads to a question that no version of the form has.",
                found=f"{old} -> {new}",
                next_step="Correct the new path.",
            )
        home = homes[0].enclosing_repeats(new)
        for form in forms:
            around = form.enclosing_repeats(old)
            theirs = tuple(renamed(path, renames) for path in around)
            if (old in form.questions or old in form.groups) and theirs != home:
                raise KoboError(
                    "A renaming leads into another repeat, where the answers have no place.",
                    found=f"{old} -> {new}",
                )


def _merge(
    forms: Sequence[Form], renames: Mapping[str, str]
) -> tuple[dict[str, Variable], list[str]]:
    merged: dict[str, Variable] = {}
    retyped: dict[str, None] = {}
    for form in forms:
        for question in form.questions.values():
            path = renamed(question.path, renames)
            older = _variable(form, question, path, renames)
            newer = merged.get(path)
            if newer is None:
                merged[path] = older
                continue
            kind = _common_kind(newer.kind, older.kind)
            if kind == "text" and newer.kind != older.kind:
                retyped[path] = None
            merged[path] = replace(newer, kind=kind, choices=_with(newer.choices, older.choices))
    return merged, list(retyped)


def _with(newer: Mapping[str, Labels], older: Mapping[str, Labels]) -> dict[str, Labels]:
    return {**newer, **{code: labels for code, labels in older.items() if code not in newer}}


def _variable(form: Form, question: Question, path: str, renames: Mapping[str, str]) -> Variable:
    table = renamed(question.repeats[-1], renames) if question.repeats else ""
    kind = KINDS.get(question.type, "text")
    if question.type == "range":
        steps = (question.parameters.get(key, "1") for key in ("start", "end", "step"))
        kind = "integer" if all(step.lstrip("-").isdigit() for step in steps) else "decimal"
    if kind in ("one", "many") and not question.list_name:
        kind = "text"
    choices = form.choices_of(question) if kind in ("one", "many") else {}
    return Variable(path, "", table, kind, question.type, question.labels, choices)


def _common_kind(one: str, other: str) -> str:
    kinds = {one, other} - {"none"}
    if len(kinds) < 2:
        return kinds.pop() if kinds else "none"
    for wider, group in (("decimal", {"integer", "decimal"}), ("many", {"one", "many"})):
        if kinds <= group:
            return wider
    return "text"


def _table_names(repeats: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    leaves = Counter(leaf(path) for path in repeats)
    names = {path: leaf(path) if leaves[leaf(path)] == 1 else path for path in repeats}
    return {path: f"{name}_repeat" if name == MAIN else name for path, name in names.items()}


def _read_as_numbers(variables: dict[str, Variable], numbers: Sequence[str]) -> dict[str, Variable]:
    by_name = {variable.name: path for path, variable in variables.items()}
    found = dict(variables)
    for name in numbers:
        path = name if name in variables else by_name.get(name, "")
        if not path or variables[path].kind != "text":
            raise KoboError(
                "A variable to be read as a number is no text variable of the form.", found=name
            )
        found[path] = replace(variables[path], kind="number")
    return found
