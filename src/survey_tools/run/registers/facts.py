"""Say what a form itself tells of each question, in the words of a register.

Not here: class of personal data and role, which only people can know (`draft` guesses).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace

from survey_tools.kobo import Form
from survey_tools.kobo.form.model import Labels
from survey_tools.kobo.form.model import Question as FormQuestion
from survey_tools.kobo.tables.catalogue import Variable, build_catalogue, renamed
from survey_tools.register import Question
from survey_tools.register.question import BETWEEN, NUMBERS, SELECTS

MOST_CODES = 500
"""A longer list of choices is not copied into the register."""

_LANGUAGES = {
    "vi": ("vi", "tiếng việt", "tieng viet", "vietnamese", "viet"),
    "en": ("en", "english", "anh", "tiếng anh"),
}
_COMPARISON = re.compile(r"\.\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)")
_REGEX = re.compile(r"""regex\(\s*\.\s*,\s*(['"])(.*)\1\s*\)""", re.DOTALL)


def facts_of(
    form: Form,
    renames: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
) -> dict[str, Question]:
    """Return what one version of a form says, by path; class and role are empty.

    Parameters
    ----------
    form : Form
    renames : mapping, optional
        Path in this version to path now.
    names : mapping, optional
        Path now to name, from `names_over` where the form has several versions.

    Notes
    -----
    Notes for the enumerator are no questions. A question's name is that of its column: its own where
    that is unique over the form, else its path.
    """
    moved = {old: new for old, new in (renames or {}).items() if new not in form.questions}
    catalogue = build_catalogue([form], {}, ())
    words = {_leaf(old): _leaf(new) for old, new in moved.items()}
    found = {}
    for path, variable in catalogue.variables.items():
        if variable.kind == "none":
            continue
        now = renamed(path, moved)
        name = (names or {}).get(now) or (_leaf(now) if now != path else variable.name)
        table = catalogue.tables.get(variable.table, variable.table)
        fact = _facts(form, form.questions[path], variable, (name, now, table))
        found[now] = replace(fact, asked_if=_follow(fact.asked_if, words))
    return found


def names_over(forms: Mapping[str, Form], renames: Mapping[str, str]) -> dict[str, str]:
    """Return the name of each question's column by path, where all versions are read together.

    Parameters
    ----------
    forms : mapping
        Versions by uid, oldest first.
    renames : mapping
        Path in older versions to path now.
    """
    catalogue = build_catalogue(list(forms.values()), renames, ())
    return {path: one.name for path, one in catalogue.variables.items() if one.kind != "none"}


def _facts(
    form: Form, question: FormQuestion, variable: Variable, place: tuple[str, str, str]
) -> Question:
    name, path, table = place
    return Question(
        name=name,
        path=path,
        table=table,
        type=f"{question.type} {question.list_name}".strip(),
        module=_module(form, question.path),
        label_vi=_label(question.labels, "vi"),
        label_en=_label(question.labels, "en"),
        unit="",
        respondent="",
        indicator="",
        source="",
        values=_values(question, variable),
        required="yes" if question.required == "true()" else "",
        asked_if=_conditions(form, question),
        personal_data="",
        role="",
    )


def same_text(one: str, other: str) -> bool:
    """Tell whether two labels read alike: spelled in any Unicode form, with any white space."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _follow(condition: str, words: Mapping[str, str]) -> str:
    """Write a condition with the names that questions have now."""
    return re.sub(r"\$\{\s*([^}]+?)\s*\}", lambda m: "${" + words.get(m[1], m[1]) + "}", condition)


def _label(labels: Labels, lang: str) -> str:
    """Return the label in a language; a form that names no language says it in both."""
    by_name = {name.lower().split("(")[0].strip(): text for name, text in labels.items()}
    for name in (*_LANGUAGES[lang], "default"):
        if name in by_name:
            return _plain(by_name[name])
    known = {name for names in _LANGUAGES.values() for name in names}
    return "" if known & set(by_name) else _plain(next(iter(by_name.values()), ""))


def _module(form: Form, path: str) -> str:
    """Return the name of the innermost group around a question that is no repeat."""
    for group in reversed(_groups(form, path)):
        if not form.groups[group].repeat:
            return _leaf(group)
    return "meta"


def _leaf(path: str) -> str:
    return path.rpartition("/")[2]


def _groups(form: Form, path: str) -> list[str]:
    parts = path.split("/")
    heads = ("/".join(parts[:length]) for length in range(1, len(parts)))
    return [head for head in heads if head in form.groups]


def _conditions(form: Form, question: FormQuestion) -> str:
    said = [form.groups[group].relevant for group in _groups(form, question.path)]
    return BETWEEN.join(" ".join(text.split()) for text in (*said, question.relevant) if text)


def _values(question: FormQuestion, variable: Variable) -> str:
    if question.type in SELECTS:
        codes = tuple(variable.choices)
        listed = len(codes) <= MOST_CODES and not any("|" in code for code in codes)
        return "|".join(codes) if listed else ""
    if question.type == "range":
        low, high = (question.parameters.get(key, "") for key in ("start", "end"))
        return f"{low}..{high}" if low or high else ""
    parts = _parts(question.constraint)
    if question.type in NUMBERS:
        return _limits(parts, whole=question.type == "integer")
    if question.type == "text":
        found = [match[2] for part in parts if (match := _REGEX.fullmatch(part))]
        return found[0] if len(found) == 1 else ""
    return ""


def _parts(constraint: str) -> list[str]:
    """Split a condition into parts that must all hold; none where that cannot be told."""
    outside = re.sub(r"""(['"]).*?\1""", "", constraint)
    if re.search(r"\bor\b|\bnot\b|\bif\b", outside):
        return []
    parts = [part.strip() for part in re.split(r"\s+and\s+", constraint)]
    return [part for part in parts if part.count("(") == part.count(")")]


def _limits(parts: list[str], *, whole: bool) -> str:
    low, high = "", ""
    for part in parts:
        if not (found := _COMPARISON.fullmatch(part)):
            continue
        sign, bound = found[1], found[2]
        if whole and sign in "<>" and "." not in bound:
            bound = str(int(bound) + (1 if sign == ">" else -1))
        if sign.startswith(">"):
            low = bound
        else:
            high = bound
    return f"{low}..{high}" if low or high else ""
