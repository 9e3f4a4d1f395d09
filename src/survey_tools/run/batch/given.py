"""Read the parameters that a command line hands to the report notebooks, as `NAME=VALUE`.

Not here: what a cell of parameters says (`survey_tools.run.kernels.parameters`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from survey_tools.errors import ParamsError
from survey_tools.params import Workspace
from survey_tools.run.batch.plan import COMMUNE_NOTEBOOK, DISTRICT_NOTEBOOK
from survey_tools.run.batch.problems import Problems
from survey_tools.run.kernels.failure import server_tokens
from survey_tools.run.kernels.parameters import (
    Parameter,
    Value,
    check_parameters,
    read_parameters,
)

SET_BY_THE_RUN = {"commune": "--communes", "lang": "--lang", "run": "--run", "study": "--study"}
"""Parameters that a run hands to notebooks itself, and the option that says with which value."""

REPORTS = {COMMUNE_NOTEBOOK: ("commune", "lang", "run", "study"),
           DISTRICT_NOTEBOOK: ("lang", "run", "study")}  # fmt: skip
"""Notebooks of pages and the parameters that a run hands to them."""

_TOKEN = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{40}(?![0-9a-fA-F])")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def given_parameters(ws: Workspace, lines: Iterable[str]) -> dict[str, dict[str, Value]]:
    """Read `NAME=VALUE` as typed on a command line, by the types that the report notebooks state.

    A text stays as it was typed: `00013` and `1e3` are no numbers for a parameter that is a text.

    Parameters
    ----------
    ws : Workspace
    lines : iterable of str

    Returns
    -------
    dict of str to dict
        Values by file name of the notebook; each goes only to the notebooks that have the parameter.

    Raises
    ------
    SurveyToolsError
        When a line is no `NAME=VALUE`, no report notebook has the name, the run itself sets it, the
        value has the wrong type or may be a token; a RunError that lists them where there are several.
    """
    found: dict[str, dict[str, Value]] = {}
    lines = list(lines)
    if not lines:
        return found
    known = {name: read_parameters(ws.notebooks / name) for name in REPORTS}
    problems, seen = Problems(), set()
    for line in lines:
        with problems.noted():
            name, text = _parted(line)
            _refuse_name(name, known, repeated=name in seen)
            seen.add(name)
            for notebook, parameters in known.items():
                if name in parameters:
                    value = _converted(parameters[name], text, notebook)
                    found.setdefault(notebook, {})[name] = value
    problems.tell()
    return found


def check_extra(ws: Workspace, notebook: str, values: Mapping[str, Any]) -> None:
    """Hold values that are already typed to a notebook, by the same rules as `given_parameters`.

    Raises
    ------
    ParamsError, RunError
        See `given_parameters`.
    """
    path = ws.notebooks / notebook
    known = {notebook: read_parameters(path)}
    for name, value in values.items():
        _refuse_secret(name, str(value))
        _refuse_name(name, known)
    check_parameters(path, values)


def _parted(line: str) -> tuple[str, str]:
    name, sign, text = line.partition("=")
    _refuse_secret(name.strip(), line)
    if not sign or not name.strip():
        raise ParamsError(
            "A parameter is given by name and value.", expected="NAME=VALUE", found=repr(line)
        )
    return name.strip(), text


def _refuse_secret(name: str, text: str) -> None:
    """Refuse what may be a token: parameters stand in clear in notebooks and in the record."""
    if _secret(text):
        raise ParamsError(
            "A parameter seems to hold a token; it would stand in clear in every notebook.",
            expected="nothing secret",
            where="-p" if _secret(name) else f"-p {name}",
            next_step="give the server's token in the environment, as KOBO_TOKEN or KOBO_TOKEN_FILE",
        )


def _secret(text: str) -> bool:
    return bool(_TOKEN.search(text)) or any(token in text for token in server_tokens())


def _refuse_name(
    name: str, known: Mapping[str, Mapping[str, Parameter]], *, repeated: bool = False
) -> None:
    if name in SET_BY_THE_RUN:
        raise ParamsError(
            f"The parameter «{name}» is set by the run itself.",
            where=f"-p {name}",
            next_step=f"give it with the option {SET_BY_THE_RUN[name]}",
        )
    names = dict.fromkeys(n for one in known.values() for n in one if n not in SET_BY_THE_RUN)
    if name not in names:
        near = difflib.get_close_matches(name, [*names, *SET_BY_THE_RUN], n=1)
        raise ParamsError(
            f"No report notebook has the parameter «{name}».",
            expected=" or ".join(names) or "none: the notebooks have no further parameters",
            where=", ".join(known),
            next_step=f"did you mean «{near[0]}»?" if near else "add it to the parameters cell",
        )
    if repeated:
        raise ParamsError(f"The parameter «{name}» is given twice.", where=f"-p {name}")


def _converted(parameter: Parameter, text: str, notebook: str) -> Value:
    expected, read = _READERS[parameter.type]
    value = read(text)
    if value is None:
        raise ParamsError(
            f"The parameter «{parameter.name}» has a value of the wrong type.",
            expected=expected,
            found=repr(text),
            where=f"{notebook}, which states {parameter.name}: {parameter.type.__name__}",
        )
    return value


_READERS: dict[type, tuple[str, Callable[[str], Value | None]]] = {
    str: ("a text", lambda text: text),
    int: ("a whole number, such as 5", lambda t: int(t) if _WHOLE.fullmatch(t.strip()) else None),
    float: (
        "a number with a point, such as 0.5",
        lambda t: float(t) if _NUMBER.fullmatch(t.strip()) else None,
    ),
    bool: ("true or false", lambda t: _TRUTH.get(t.strip().lower())),
}
