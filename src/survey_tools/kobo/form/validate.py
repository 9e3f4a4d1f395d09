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


@dataclass(frozen=True)
class Misfit:
    """Why an answer does not fit: kind and message of a `Finding`."""

    kind: str
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
            findings += check_repeat(submission, group)
    for question, at in submission.questions():
        findings += check_question(submission, question, at)
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


def check_question(submission: Submission, question: Question, at: At) -> list[Finding]:
    """List what one question's answer, or the lack of it, does not comply with."""
    value = submission.answers.get((question.path, at))
    if value is None:
        return _check_missing(submission, question, at)
    wrong: Misfit | None
    if not submission.asked(question.path, at):
        wrong = Misfit("irrelevant_answered", "Answered though it was not to be asked.")
    elif not isinstance(value, str):
        wrong = Misfit("type", "Not text; the server gives every answer as text.")
    else:
        wrong = misfit(submission.form, question, value) or against_rules(
            submission, question, at, value
        )
    if wrong is None:
        return []
    return [Finding(wrong.kind, _shown(submission.form, question.path, at), wrong.message)]


def misfit(form: Form, question: Question, value: str) -> Misfit | None:
    """Say whether an answer by itself is of its question's type and in its list; None where it is."""
    if not _fits(question, value):
        return Misfit("type", f"Not of the type {question.type}.")
    choices = form.choices_of(question)
    if not choices:
        return None
    words = _words(question, value)
    if any(word not in choices for word in words):
        return Misfit("choice", f"Not in the list {question.list_name}.")
    if len(words) != len(set(words)):
        return Misfit("choice", "The same choice twice.")
    return None


def against_rules(submission: Submission, question: Question, at: At, value: str) -> Misfit | None:
    """Say whether an answer that fits is against its question's choice filter or constraint."""
    words = _words(question, value) if submission.form.choices_of(question) else []
    if question.choice_filter and not all(
        _offered(submission, question, at, word) for word in words
    ):
        offer = "but not offered here by the choice filter."
        return Misfit("choice", f"In the list {question.list_name}, {offer}")
    if question.constraint:
        test = submission.expression(question.constraint, question.path)
        if not test.truth(submission.context(question.path, at)):
            return Misfit("constraint", f"Against the constraint: {question.constraint}")
    return None


def is_missing(submission: Submission, question: Question, at: At) -> bool:
    """Say whether a question that was asked and has no answer is required there."""
    test = submission.expression(question.required, question.path)
    return test.truth(submission.context(question.path, at))


def _check_missing(submission: Submission, question: Question, at: At) -> list[Finding]:
    if not question.required or question.type in UNASKED:
        return []
    if not submission.asked(question.path, at):
        return []
    if not is_missing(submission, question, at):
        return []
    shown = _shown(submission.form, question.path, at)
    return [Finding("missing_required", shown, "Required, asked, and not answered.")]


def check_repeat(submission: Submission, group: Group) -> list[Finding]:
    """List the places in which a repeat has not as many instances as its count says."""
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


def _words(question: Question, value: str) -> list[str]:
    return [value] if question.type == "select_one" else value.split()


def _offered(submission: Submission, question: Question, at: At, word: str) -> bool:
    """Say whether the choice filter offers a choice of the list."""
    if question.or_other and word == "other":
        return True
    test = submission.expression(question.choice_filter, question.path)
    rows = submission.form.choice_rows_by_name(question.list_name).get(word, ())
    return any(test.truth(submission.context(question.path, at, row)) for row in rows)


def _fits(question: Question, value: str) -> bool:
    test = TESTS.get(question.type)
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


TESTS: dict[str, Callable[[str], bool]] = {
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
