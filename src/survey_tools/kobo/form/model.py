"""Model a version of a form: questions with their paths, groups, repeats, choices and labels.

Not here: evaluating its expressions, or the answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

Labels = Mapping[str, str]
_LANGUAGE_CODE = re.compile(r"\(\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)\s*\)\s*$")


@dataclass(frozen=True)
class Group:
    """A group or repeat of a form.

    Attributes
    ----------
    path : str
        Names from the outermost group down, joined by ``/``; the key under which a repeat arrives.
    parent : str
        Path of the group around it; empty at the top.
    repeat : bool
        Whether it is a repeat.
    kuid : str
        The form builder's identity of the group, which stays when it is renamed; may be empty.
    """

    path: str
    parent: str
    repeat: bool
    labels: Labels
    relevant: str = ""
    repeat_count: str = ""
    kuid: str = ""


@dataclass(frozen=True)
class Question:
    """A question of a form.

    Attributes
    ----------
    path : str
        The key under which its answers arrive.
    type : str
        As in XLSForm, without the list: ``select_one``, ``integer``, ``calculate`` …
    list_name : str
        Its choice list, or empty.
    labels : mapping
        Language code to label; languages without one are absent.
    required : str
        An expression; empty where never required.
    parent : str
        Path of the group around it; empty at the top.
    repeats : tuple of str
        Paths of the repeats around it, outermost first.
    kuid : str
        The form builder's identity of the question, which stays when it is renamed; may be empty.
    """

    name: str
    path: str
    type: str
    list_name: str = ""
    labels: Labels = field(default_factory=lambda: MappingProxyType({}))
    relevant: str = ""
    constraint: str = ""
    required: str = ""
    calculation: str = ""
    choice_filter: str = ""
    or_other: bool = False
    parameters: Labels = field(default_factory=lambda: MappingProxyType({}))
    parent: str = ""
    repeats: tuple[str, ...] = ()
    kuid: str = ""


@dataclass(frozen=True)
class Form:
    """One version of a form.

    Attributes
    ----------
    uid : str
        The version's uid, as rows carry it in ``__version__``.
    languages : tuple of str
        Short codes in the form's order, such as ``("vi", "en")``.
    questions, groups : mapping
        By path, in the form's order.
    choices : mapping
        List to name to language to label, in the form's order.
    choice_rows : mapping
        List to its rows as they stand in the form, with the columns that choice filters use.
    settings : mapping
        As in the form.
    """

    uid: str
    languages: tuple[str, ...]
    questions: Mapping[str, Question]
    groups: Mapping[str, Group]
    choices: Mapping[str, Mapping[str, Labels]]
    choice_rows: Mapping[str, tuple[Mapping[str, Any], ...]]
    settings: Mapping[str, Any]

    @classmethod
    def from_content(cls, content: Mapping[str, Any], uid: str = "") -> Form:
        """Read the ``content`` of an asset or a version as the API gives it.

        Parameters
        ----------
        content : mapping
            With ``survey``, and ``choices``, ``translations``, ``settings`` where the form has them.
            Labels may be missing or null, ``$autoname`` may be missing.
        uid : str
            The version's uid.

        Returns
        -------
        Form
            The model.

        Raises
        ------
        KoboError
            If there is no survey, or its groups do not close.
        """
        from survey_tools.kobo.form.reader import read_form

        return read_form(content, uid)

    @property
    def repeats(self) -> tuple[str, ...]:
        """Paths of the repeats, in the form's order."""
        return tuple(path for path, group in self.groups.items() if group.repeat)

    @cached_property
    def paths_by_name(self) -> Mapping[str, tuple[str, ...]]:
        """Paths of the questions and groups that bear a name."""
        names: dict[str, tuple[str, ...]] = {}
        for path in (*self.questions, *self.groups):
            name = path.rpartition("/")[2]
            names[name] = (*names.get(name, ()), path)
        return names

    def enclosing_repeats(self, path: str) -> tuple[str, ...]:
        """Paths of the repeats that hold a path, outermost first; the path itself included."""
        question = self.questions.get(path)
        return question.repeats if question else self._repeats_of_groups.get(path, ())

    @cached_property
    def _repeats_of_groups(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for path, group in self.groups.items():
            found[path] = (*found.get(group.parent, ()), *((path,) if group.repeat else ()))
        return found

    def choice_rows_by_name(self, list_name: str) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
        """Return the rows of a list by the name of the choice, which may stand in several."""
        return self._choice_rows.get(list_name, {})

    @cached_property
    def _choice_rows(self) -> Mapping[str, Mapping[str, tuple[Mapping[str, Any], ...]]]:
        found: dict[str, dict[str, tuple[Mapping[str, Any], ...]]] = {}
        for list_name, rows in self.choice_rows.items():
            names = found.setdefault(list_name, {})
            for row in rows:
                name = str(row["name"])
                names[name] = (*names.get(name, ()), row)
        return found

    def choices_of(self, question: Question) -> Mapping[str, Labels]:
        """Return the choices of a question by name; empty if it has none."""
        choices = self.choices.get(question.list_name, {})
        if question.or_other and "other" not in choices:
            other = {lang: OTHER.get(lang, "Other") for lang in self.languages}
            return {**choices, "other": other}
        return choices


OTHER = {"vi": "Khác", "en": "Other"}


def read_forms(forms: Mapping[str, Form | Mapping[str, Any]]) -> dict[str, Form]:
    """Return versions by uid, read where they are given as the API's content."""
    return {
        uid: form if isinstance(form, Form) else Form.from_content(form, uid)
        for uid, form in forms.items()
    }


def language_code(name: str | None) -> str:
    """Return the short code of a language as a form names it.

    >>> language_code("Tiếng Việt (vi)"), language_code("English"), language_code(None)
    ('vi', 'English', 'default')
    """
    if not name:
        return "default"
    found = _LANGUAGE_CODE.search(name)
    return found.group(1).lower() if found else name
