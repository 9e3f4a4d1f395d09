"""Read a notebook's `parameters` cell and hold given values to it before any kernel starts.

Not here: running the notebook, or knowing what a parameter means.
"""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey_tools.errors import ParamsError, RunError

Value = str | int | float | bool
_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


@dataclass(frozen=True)
class Parameter:
    """One line of the cell: `name: type = default`."""

    name: str
    type: type
    default: Value


def read_parameters(notebook: Path) -> dict[str, Parameter]:
    """Read the cell tagged `parameters`, without running it.

    Parameters
    ----------
    notebook : Path

    Returns
    -------
    dict
        Parameters by name, in the order of the cell.

    Raises
    ------
    RunError
        When the file is no notebook or has no such cell.
    ParamsError
        When a line is no plain assignment of a text, a number or a truth value.
    """
    source = _parameters_source(notebook)
    where = f"{notebook.name}, the parameters cell"
    try:
        lines = ast.parse(source).body
    except SyntaxError as error:
        raise ParamsError(
            "The parameters cell is not valid Python.",
            found=f"{error.msg} in line {error.lineno}",
            where=where,
        ) from error
    found = [_parameter(line, where) for line in lines if not _is_docstring(line)]
    return {parameter.name: parameter for parameter in found}


def check_parameters(notebook: Path, given: Mapping[str, Any]) -> dict[str, Value]:
    """Hold `given` to the notebook's parameters: names and types.

    A whole number given for a text is turned into text, so that a commune's code survives a command
    line that reads 10291 as a number; a whole number is also accepted for a decimal one.

    Returns
    -------
    dict
        The given parameters, each of the type that the cell states.

    Raises
    ------
    RunError
        When the notebook has no parameters cell.
    ParamsError
        When a name is unknown (the nearest one is named) or a value has the wrong type.
    """
    known = read_parameters(notebook)
    return {name: _checked(name, value, known, notebook) for name, value in given.items()}


def read_cells(notebook: Path) -> list[dict[str, Any]]:
    """Read the cells of a notebook as its file has them.

    Raises
    ------
    RunError
        When there is no such file, or it is no notebook.
    """
    try:
        return list(json.loads(notebook.read_text(encoding="utf-8"))["cells"])
    except FileNotFoundError as error:
        raise RunError(
            "There is no such notebook.",
            expected=notebook.name,
            where=notebook.parent.name,
            next_step="restore it, or go to the workspace that has it",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            "The file is no Jupyter notebook.", expected="JSON with cells", where=notebook.name
        ) from error


def cell_text(cell: Mapping[str, Any]) -> str:
    """Return the source of a cell as one text."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _parameters_source(notebook: Path) -> str:
    for cell in read_cells(notebook):
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            return cell_text(cell)
    raise RunError(
        "The notebook has no parameters cell, so nothing can be handed to it.",
        expected="one code cell with the tag «parameters»",
        where=notebook.name,
        next_step="add the tag in JupyterLab: Property Inspector, Cell Tags",
    )


def _is_docstring(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


def _parameter(line: ast.stmt, where: str) -> Parameter:
    if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value:
        name, annotation = line.target.id, ast.unparse(line.annotation)
    elif isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
        name, annotation = line.targets[0].id, ""
    else:
        raise ParamsError(
            "A line of the parameters cell is no plain assignment.",
            expected='name: str = "value"',
            found=ast.unparse(line).splitlines()[0],
            where=where,
        )
    return _typed(name, annotation, _literal(line.value, name, where), where)


def _literal(node: ast.expr | None, name: str, where: str) -> Value:
    try:
        value = ast.literal_eval(node) if node is not None else None
    except ValueError:
        value = None
    if isinstance(value, str | int | float | bool):
        return value
    raise ParamsError(
        f"The default of the parameter «{name}» is no plain value.",
        expected="a text, a number, True or False",
        where=where,
    )


def _typed(name: str, annotation: str, default: Value, where: str) -> Parameter:
    kind = _TYPES.get(annotation) if annotation else type(default)
    if kind is None or not _fits(default, kind):
        raise ParamsError(
            f"The parameter «{name}» has a type that does not go with its default.",
            expected=" or ".join(_TYPES),
            found=f"{annotation} with a default of type {type(default).__name__}",
            where=where,
        )
    return Parameter(name, kind, default)


def _fits(value: object, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _checked(name: str, value: Any, known: Mapping[str, Parameter], notebook: Path) -> Value:
    if name not in known:
        near = difflib.get_close_matches(name, list(known), n=1)
        raise ParamsError(
            f"The notebook has no parameter «{name}».",
            expected=", ".join(known),
            where=notebook.name,
            next_step=f"did you mean «{near[0]}»?" if near else "take one of these names",
        )
    kind = known[name].type
    if kind is str and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not _fits(value, kind):
        raise ParamsError(
            f"The parameter «{name}» has a value of the wrong type.",
            expected=kind.__name__,
            found=type(value).__name__,
            where=notebook.name,
        )
    return kind(value)
