"""Hold the registers against the forms: those deployed on the server, or before a first pull the XLSForms.

Not here: starting a register (`draft`), or the answers (`survey_tools.register.schema`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from survey_tools.errors import ParamsError
from survey_tools.kobo import Form, Store
from survey_tools.kobo.form.xlsform import read_xlsform
from survey_tools.params import Workspace
from survey_tools.register import Question, read_lines
from survey_tools.run.registers.facts import facts_of, names_over, same_text

COLUMNS = ["kind", "form", "version", "question", "expected", "found", "next_step", "severity"]
ERROR, HINT = "error", "hint"
XLSFORM = "xlsform"
"""Stands for the version where the form was never pulled."""

NEXT_STEPS = {
    "not_in_register": "add a row: survey-tools register draft writes it",
    "not_in_form": "delete the row, or deploy the form again with the question",
    "not_in_older": "nothing: answers of that version are missing, for it was not asked",
    "not_in_newest": "keep the row while answers of an older version are in the data",
    "path_differs": "correct the path in the register; if it was renamed on the server, add a line to "
    "renamed_questions in the study file",
    "name_differs": "correct the name in the register",
    "table_differs": "correct the table in the register, and look at what reads the question",
    "type_differs": "correct the type in the register, and look at what reads the question",
    "choice_unknown": "add the code to values, and to missing if it carries no answer; then look at the "
    "outcomes that read the question",
    "choice_gone": "delete the code from values, and from missing",
    "limits_differ": "correct values in the register",
    "required_differs": "correct required in the register",
    "asked_if_differs": "correct asked_if in the register, and look at who is counted in what reads it",
    "label_differs": "copy the label that the form has now",
    "unclassed": "give a class of personal data; until then cleaning stops",
    "fault": "correct the row",
    "to_check": "look at the row, correct it, and take «check» out of its note",
}
"""Kind of finding -> what to do about it."""

_OLDER = ("label_differs", "limits_differ", "required_differs", "asked_if_differs", "type_differs",
          "choice_gone")  # fmt: skip
"""What an older version may do otherwise without anything being wrong."""

AN_OLDER_ONE = "nothing if it is meant: an older version of the form says otherwise than the newest"

_FACTS = {
    "name": "name_differs",
    "table": "table_differs",
    "required": "required_differs",
    "asked_if": "asked_if_differs",
}

Found = tuple[str, str, str, str]
"""Kind, question, expected, found."""


@dataclass(frozen=True)
class _Version:
    """What one version of a form says of its questions, by path."""

    uid: str
    facts: Mapping[str, Question]
    newest: bool


def check_register(ws: Workspace, form: str | None = None) -> pd.DataFrame:
    """Hold the register of each form, or of one, against the versions of it that were deployed.

    Parameters
    ----------
    ws : Workspace
    form : str, optional
        A form of the study; without it all are looked at.

    Returns
    -------
    DataFrame
        One line a finding: ``kind, form, version, question, expected, found, next_step, severity``.
        `kind` is one of `NEXT_STEPS`; `version` is empty for what concerns the register alone, and
        ``xlsform`` where the form was never pulled. `severity` is ``error`` (something is to be done) or
        ``hint`` (an older version did it otherwise, or a row still asks to be looked at).

    Raises
    ------
    ParamsError
        When the study has no such form, or the register is missing or lacks columns.
    KoboError, StoreError
        When the XLSForm or the store cannot be read.
    """
    if form is not None and form not in ws.study.forms:
        raise ParamsError(
            "The study has no such form.", expected=", ".join(ws.study.forms), found=form
        )
    names = [str(name) for name in ws.study.forms if form in (None, name)]
    found = [line for name in names for line in _findings(ws, name)]
    return pd.DataFrame(found, columns=COLUMNS).astype("str")


def has_errors(findings: pd.DataFrame) -> bool:
    """Tell whether something is to be done before the register and the form fit."""
    return bool(findings["severity"].eq(ERROR).any())


def findings_text(findings: pd.DataFrame) -> str:
    """Lay findings out as text: errors first, one block a kind, with what to do."""
    if findings.empty:
        return "The registers fit the forms."
    blocks = []
    for (severity, kind, form), group in findings.groupby(["severity", "kind", "form"], sort=True):
        lines = [f"{severity}: {kind}, form {form} ({len(group)})"]
        lines += [f"  {_line(row)}" for _, row in group.iterrows()]
        blocks.append("\n".join([*lines, f"  next: {group['next_step'].iloc[0]}"]))
    return "\n".join(blocks)


def form_versions(ws: Workspace, form: str) -> dict[str, Form]:
    """Return the deployed versions of a form by uid, oldest first; its XLSForm if it was never pulled."""
    if ws.store(form).is_file():
        with Store.read(ws.store(form)) as store:
            if forms := store.form_versions():
                return forms
    path = ws.root / ws.study.forms[form].xlsform  # type: ignore[index]
    return {XLSFORM: Form.from_content(read_xlsform(path), XLSFORM)}


def compare(
    questions: Mapping[int, Question], forms: Mapping[str, Form], renames: Mapping[str, str]
) -> Iterator[tuple[str, Found]]:
    """Yield what differs between the rows of a register and the versions of a form, with its version.

    Parameters
    ----------
    questions : mapping
        Rows of the register by line.
    forms : mapping
        Versions by uid, oldest first.
    renames : mapping
        Path in older versions to path now.
    """
    newest, names = list(forms)[-1], names_over(forms, renames)
    versions = [
        _Version(uid, facts_of(form, renames if uid != newest else None, names), uid == newest)
        for uid, form in forms.items()
    ]
    for found in _alone(questions):
        yield "", found
    known = {question.path or f"?{question.name}": question for question in questions.values()}
    moved = dict(_moved(known, versions[-1].facts))
    for version in versions:
        for found in _against(known, version, moved):
            yield version.uid, found
    for found in _whole(known, versions, moved):
        yield versions[-1].uid, found


def _findings(ws: Workspace, form: str) -> Iterator[tuple[str, ...]]:
    settings = ws.study.forms[form]  # type: ignore[index]
    questions = read_lines(ws.root / settings.register_)
    forms = form_versions(ws, form)
    newest = list(forms)[-1]
    for version, (kind, *said) in compare(questions, forms, ws.study.renames(form)):
        older = version not in ("", newest) and kind in _OLDER
        hint = older or kind in ("to_check", "not_in_older", "not_in_newest")
        next_step = AN_OLDER_ONE if older else NEXT_STEPS[kind]
        yield (kind, form, version, *said, next_step, HINT if hint else ERROR)


def _alone(questions: Mapping[int, Question]) -> Iterator[Found]:
    """Yield what is wrong with rows whatever the form says."""
    seen: set[str] = set()
    for question in questions.values():
        if question.name in seen:
            yield "fault", question.name, "one row a question", "a second row"
        seen.add(question.name)
        for what, expected, found in question.faults():
            kind = "unclassed" if "class of personal data" in what else "fault"
            yield kind, question.name, expected, found or "nothing"
        if question.note.startswith("check"):
            yield "to_check", question.name, "", question.note


def _moved(
    known: Mapping[str, Question], facts: Mapping[str, Question]
) -> Iterator[tuple[str, str]]:
    """Yield the path in the register and in the form of questions that moved: known by their name."""
    by_name: dict[str, list[str]] = {}
    for path in facts:
        if path not in known:
            by_name.setdefault(path.rpartition("/")[2], []).append(path)
    for path, question in known.items():
        candidates = by_name.get(question.name.rpartition("/")[2], [])
        if path not in facts and len(candidates) == 1:
            yield path, candidates[0]


def _against(
    known: Mapping[str, Question], version: _Version, moved: Mapping[str, str]
) -> Iterator[Found]:
    back = {new: old for old, new in moved.items()}
    for path, fact in version.facts.items():
        row = known.get(path) or known.get(back.get(path, ""))
        if row is None:
            yield "not_in_register", fact.name, path, "no row"
            continue
        if row.path != path:
            yield "path_differs", row.name, path, row.path or "no path"
        yield from _differences(row, fact)


def _whole(
    known: Mapping[str, Question], versions: list[_Version], moved: Mapping[str, str]
) -> Iterator[Found]:
    """Yield questions that some versions or all of them lack, and codes that no version has."""
    for path, row in known.items():
        now = moved.get(path, path)
        holders = [version for version in versions if now in version.facts]
        if not holders:
            yield "not_in_form", row.name, "a question of the form", path or "no path"
            continue
        lacking = [version.uid for version in versions if version not in holders]
        if not holders[-1].newest:
            yield "not_in_newest", row.name, path, "not in version " + lacking[-1]
        elif lacking:
            yield "not_in_older", row.name, path, "not in version " + ", ".join(lacking)
        facts = [version.facts[now] for version in holders]
        codes = {code for fact in facts for code in fact.codes}
        gone = [code for code in row.codes if code not in codes]
        if gone and all(fact.codes for fact in facts):
            yield "choice_gone", row.name, "codes of the form", ", ".join(gone)


def _differences(row: Question, fact: Question) -> Iterator[Found]:
    if row.base_type != fact.base_type:
        yield "type_differs", row.name, fact.type, row.type
        return
    came = [code for code in fact.codes if code not in row.codes]
    if came:
        yield "choice_unknown", row.name, ", ".join(came), "not among values"
    if fact.values and not fact.codes and not _same_bounds(row, fact):
        yield "limits_differ", row.name, fact.values, row.values or "nothing"
    for field, kind in _FACTS.items():
        said, says = getattr(row, field), getattr(fact, field)
        if not same_text(said, says):
            yield kind, row.name, says or "nothing", said or "nothing"
    for lang in ("vi", "en"):
        said, says = getattr(row, f"label_{lang}"), getattr(fact, f"label_{lang}")
        if not same_text(said, says):
            yield "label_differs", row.name, f"{lang}: {says}", f"{lang}: {said}"


def _same_bounds(row: Question, fact: Question) -> bool:
    return row.values == fact.values or (row.limits is not None and row.limits == fact.limits)


def _line(row: pd.Series) -> str:
    where = f" (version {row['version']})" if row["version"] else ""
    expected = f"expected {row['expected']}; " if row["expected"] else ""
    return f"{row['question']}{where}: {expected}found {row['found']}"
