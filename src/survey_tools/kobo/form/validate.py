"""Check one submission against the version of the form that it was filled in with.

Not here: plausibility beyond what the form itself demands, or changing an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from survey_tools.kobo.form.model import Form, Group, Question
from survey_tools.kobo.form.submission import At, Submission
from survey_tools.kobo.form.values import read_date, to_number

INTEGER = re.compile(r"[+-]?\d+")
DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
# Questions that nobody answers: never missing.
UNASKED = frozenset({"note", "calculate", "hidden", "xml-external", "audit"})


@dataclass(frozen=True)
class Finding:
    """Something in a submission that the form does not allow.

    Attributes
    ----------
    kind : str
        ``unknown_key``, ``missing_required``, ``irrelevant_answered``, ``constraint``, ``type``,
        ``choice`` or ``repeat_count``.
    path : str
        The question, with positions in repeats: ``hh/member[2]/age``.
    message : str
        What is wrong, without the answer.
    """

    kind: str
    path: str
    message: str


def validate_submission(
    form: Form, row: Mapping[str, Any], *, now: datetime | None = None
) -> list[Finding]:
    """Check a row for what its form would not have let through.

    Relevance (also of the groups around a question), constraints, types, choices (also filtered
    ones), required questions and the number of repeat instances are checked, in every instance.

    Parameters
    ----------
    form : Form
        The version that the row names in ``__version__``.
    row : mapping
        As the API gives it.
    now : datetime, optional
        The moment for ``today()`` and ``now()``; by default the row's own ``end``.

    Returns
    -------
    list of Finding
        Empty for a row that the form allows; in the form's order, unknown keys first.

    Raises
    ------
    KoboError
        If an expression of the form cannot be evaluated.
    """
    submission = Submission(form, row, now=now)
    findings = [
        Finding("unknown_key", _shown(form, path, at), "The form has no such question.")
        for path, at in submission.unknown
    ]
    for group in form.groups.values():
        if group.repeat and group.repeat_count:
            findings += _check_repeat(submission, group)
    for question, at in submission.questions():
        findings += _check_question(submission, question, at)
    return findings


def asked_questions(
    form: Form, row: Mapping[str, Any], *, now: datetime | None = None
) -> dict[tuple[str, tuple[int, ...]], bool]:
    """Say of every question whether it was to be asked.

    Parameters
    ----------
    form, row, now
        As in `validate_submission`.

    Returns
    -------
    dict
        Path and positions in its repeats (from 1, outermost first) to whether it was relevant: an
        absent answer is "not asked" where false, "unanswered" where true.
    """
    submission = Submission(form, row, now=now)
    return {(q.path, at): submission.asked(q.path, at) for q, at in submission.questions()}


def _check_question(submission: Submission, question: Question, at: At) -> list[Finding]:
    value = submission.answers.get((question.path, at))
    if value is None:
        return _check_missing(submission, question, at)

    def finding(kind: str, message: str) -> list[Finding]:
        return [Finding(kind, _shown(submission.form, question.path, at), message)]

    if not submission.asked(question.path, at):
        return finding("irrelevant_answered", "Answered though it was not to be asked.")
    if not isinstance(value, str):
        return finding("type", "Not text; the server gives every answer as text.")
    if not _fits(question, value):
        return finding("type", f"Not of the type {question.type}.")
    wrong = _wrong_choices(submission, question, at, value)
    if wrong:
        return finding("choice", wrong)
    if question.constraint:
        test = submission.expression(question.constraint, question.path)
        if not test.truth(submission.context(question.path, at)):
            return finding("constraint", f"Against the constraint: {question.constraint}")
    return []


def _check_missing(submission: Submission, question: Question, at: At) -> list[Finding]:
    if not question.required or question.type in UNASKED:
        return []
    if not submission.asked(question.path, at):
        return []
    test = submission.expression(question.required, question.path)
    if not test.truth(submission.context(question.path, at)):
        return []
    shown = _shown(submission.form, question.path, at)
    return [Finding("missing_required", shown, "Required, asked, and not answered.")]


def _check_repeat(submission: Submission, group: Group) -> list[Finding]:
    form = submission.form
    outer = form.enclosing_repeats(group.parent) if group.parent else ()
    findings = []
    for at in submission.places(group.parent, outer):
        if not submission.asked(group.path, at):
            continue
        test = submission.expression(group.repeat_count, group.path)
        wanted = to_number(test.evaluate(submission.context(group.path, at)))
        instances = submission.instances.get(group.path, [])
        found = sum(1 for one in instances if one[:-1] == at)
        # The server drops instances that were left blank, which questions not required allow.
        if found > wanted or (found < wanted and _never_blank(form, group)):
            shown = _shown(form, group.path, at)
            findings.append(
                Finding("repeat_count", shown, f"Not as many as the form asks: {found}.")
            )
    return findings


def _never_blank(form: Form, group: Group) -> bool:
    inside = (q for q in form.questions.values() if q.parent == group.path and not q.relevant)
    return any(q.required == "true()" or q.type == "calculate" for q in inside)


def _wrong_choices(submission: Submission, question: Question, at: At, value: str) -> str:
    choices = submission.form.choices_of(question)
    if not choices:
        return ""
    words = [value] if question.type == "select_one" else value.split()
    if any(word not in choices for word in words):
        return f"Not in the list {question.list_name}."
    if len(words) != len(set(words)):
        return "The same choice twice."
    if question.choice_filter:
        allowed = _allowed(submission, question, at)
        if any(word not in allowed for word in words):
            return f"In the list {question.list_name}, but not offered here by the choice filter."
    return ""


def _allowed(submission: Submission, question: Question, at: At) -> set[str]:
    test = submission.expression(question.choice_filter, question.path)
    rows = submission.form.choice_rows.get(question.list_name, ())
    allowed = {
        str(row["name"]) for row in rows if test.truth(submission.context(question.path, at, row))
    }
    return allowed | ({"other"} if question.or_other else set())


def _fits(question: Question, value: str) -> bool:
    test = _TESTS.get(question.type)
    return test is None or test(value)


def _is_date(value: str) -> bool:
    return len(value) == 10 and read_date(value) is not None


def _is_datetime(value: str) -> bool:
    return len(value) > 10 and read_date(value) is not None


def _is_time(value: str) -> bool:
    try:
        time.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_point(value: str) -> bool:
    parts = value.split()
    if not 2 <= len(parts) <= 4 or not all(DECIMAL.fullmatch(part) for part in parts):
        return False
    return abs(float(parts[0])) <= 90 and abs(float(parts[1])) <= 180


def _is_line(value: str) -> bool:
    points = [point for point in value.split(";") if point.strip()]
    return bool(points) and all(_is_point(point) for point in points)


_TESTS: dict[str, Callable[[str], bool]] = {
    "integer": lambda value: INTEGER.fullmatch(value) is not None,
    "decimal": lambda value: DECIMAL.fullmatch(value) is not None,
    "range": lambda value: DECIMAL.fullmatch(value) is not None,
    "date": _is_date,
    "today": _is_date,
    "dateTime": _is_datetime,
    "datetime": _is_datetime,
    "start": _is_datetime,
    "end": _is_datetime,
    "time": _is_time,
    "geopoint": _is_point,
    "geotrace": _is_line,
    "geoshape": _is_line,
}


def _shown(form: Form, path: str, at: At) -> str:
    """Write a path with the positions in its repeats: ``hh/member[2]/age``."""
    left, shown = list(at), ""
    for name in path.split("/"):
        shown = f"{shown}/{name}" if shown else name
        plain = re.sub(r"\[\d+\]", "", shown)
        if left and plain in form.groups and form.groups[plain].repeat:
            shown += f"[{left.pop(0)}]"
    return shown
