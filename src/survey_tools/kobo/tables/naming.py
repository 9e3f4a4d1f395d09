"""Give the columns of a form's variables their names.

Not here: what a variable is, or columns made for codes that no version of the form has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING

from survey_tools.kobo.tables.columns import POINT

if TYPE_CHECKING:
    from survey_tools.kobo.tables.catalogue import Variable


def name_variables(
    variables: Mapping[str, Variable], keys: Mapping[str, Collection[str]]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Give every variable a name under which its columns differ from all others in its table.

    A variable bears its question's own name where that is unique over all tables, else its path. Where
    a column would still have the name of another (``a__b`` beside the choice ``b`` of ``a``), the
    variable with several columns gives way: to its path, then to its path and a number.

    Parameters
    ----------
    variables : mapping
        By path.
    keys : mapping
        Path of a table to the names of its own columns.

    Returns
    -------
    names : dict
        Path to name.
    moved : tuple of str
        Paths whose names gave way to another column.
    """
    leaves = Counter(leaf(path) for path, one in variables.items() if one.kind != "none")
    reserved = {name for names in keys.values() for name in names}
    taken = {table: set(names) for table, names in keys.items()}
    names: dict[str, str] = {}
    used: set[str] = set()
    moved = []
    for path in sorted(variables, key=lambda path: suffixes(variables[path]) != ("",)):
        if variables[path].kind == "none":
            names[path] = path
            continue
        own = leaf(path)
        usual = own if leaves[own] <= 1 and own not in reserved else path
        for name in _candidates(usual, path):
            columns = {f"{name}{suffix}" for suffix in suffixes(variables[path])}
            free = name not in used and name not in reserved
            if free and taken[variables[path].table].isdisjoint(columns):
                break
        names[path] = name
        used.add(name)
        taken[variables[path].table] |= columns
        if name != usual:
            moved.append(path)
    return names, tuple(moved)


def suffixes(variable: Variable) -> tuple[str, ...]:
    """Return what the names of a variable's columns add to its own name.

    Parameters
    ----------
    variable : Variable
        Its kind and choices count.

    Returns
    -------
    tuple of str
        Empty for a variable without a column.
    """
    if variable.kind == "none":
        return ()
    if variable.kind == "many":
        return tuple(f"__{code}" for code in variable.choices)
    return tuple(f"_{part}" for part in POINT) if variable.kind == "point" else ("",)


def leaf(path: str) -> str:
    """Return the last name of a path."""
    return path.rpartition("/")[2]


def _candidates(usual: str, path: str) -> Iterator[str]:
    yield usual
    yield path
    for number in count(2):
        yield f"{path}_{number}"
