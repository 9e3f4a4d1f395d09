"""Read the API's ``content`` of a form into the model.

Not here: the model itself, or the rows of ranks, scores and matrices (`special`). Paths
come from the nesting of groups and not from ``$xpath``, which the server gives wrongly for those.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from survey_tools.errors import KoboError
from survey_tools.kobo.form.model import OTHER, Form, Group, Labels, Question, language_code
from survey_tools.kobo.form.special import matrix_cells, rank_level, score_row

Row = Mapping[str, Any]

MATRIX = "begin_kobomatrix"
BEGIN = ("begin_group", "begin_repeat", "begin_score", "begin_rank", MATRIX)
END = ("end_group", "end_repeat", "end_score", "end_rank", "end_kobomatrix")
SELECTS = ("select_one", "select_multiple", "rank")
_PARTS = {"score__row": score_row, "rank__level": rank_level}


def read_form(content: Row, uid: str) -> Form:
    """Read ``content`` into a `Form`; see `Form.from_content`."""
    survey = content.get("survey")
    if not isinstance(survey, list):
        raise KoboError(
            "The form has no survey.", expected="a list 'survey'", where=f"form version {uid}"
        )
    reader = _Reader(uid, _languages(content.get("translations") or [None]))
    reader.choice_rows = _choice_rows(content.get("choices") or [])
    reader.read(survey)
    return Form(
        uid=uid,
        languages=reader.languages,
        questions=reader.questions,
        groups=reader.groups,
        choices={name: reader.choices(name) for name in reader.choice_rows},
        choice_rows=reader.choice_rows,
        settings=_settings(content.get("settings")),
    )


class _Reader:
    """Walks the survey's rows and keeps which groups are open."""

    def __init__(self, uid: str, languages: tuple[str, ...]) -> None:
        self.uid = uid
        self.languages = languages
        self.questions: dict[str, Question] = {}
        self.groups: dict[str, Group] = {}
        self.choice_rows: dict[str, tuple[Row, ...]] = {}
        self._open: list[tuple[Group, Row]] = []
        self._inside: list[Question] = []

    def read(self, survey: list[Row]) -> None:
        for row in survey:
            kind = _type(row)[0]
            if kind in BEGIN:
                self._begin(row, kind)
            elif kind in END:
                self._end(row, kind)
            elif kind:
                self._read_question(row, kind)
        if self._open:
            raise self._unbalanced(self._open[-1][0].path)

    def choices(self, name: str) -> dict[str, Labels]:
        """Return the labels of a choice list; of a choice that stands twice, the first."""
        labels: dict[str, Labels] = {}
        for row in self.choice_rows.get(name, ()):
            labels.setdefault(str(row["name"]), self.labels(row))
        return labels

    def labels(self, row: Row) -> Labels:
        label = row.get("label")
        texts = label if isinstance(label, list) else [label]
        pairs = zip(self.languages, texts, strict=False)
        return {lang: str(text) for lang, text in pairs if text not in (None, "")}

    def _begin(self, row: Row, kind: str) -> None:
        parent = self._parent
        group = Group(
            path=_join(parent, _name(row)),
            parent=parent,
            repeat=kind == "begin_repeat",
            labels=self.labels(row),
            relevant=_text(row, "relevant"),
            repeat_count=_text(row, "repeat_count"),
            kuid=_text(row, "$kuid"),
        )
        self._open.append((group, row))
        self._inside = []
        if kind != MATRIX:
            self.groups[group.path] = group

    def _end(self, row: Row, kind: str) -> None:
        if not self._open:
            raise self._unbalanced(str(row.get("name", kind)))
        group, head = self._open.pop()
        if _type(head)[0] != MATRIX:
            return
        items = self.choices(_text(head, "kobo--matrix_list"))
        for cell_group, cells in matrix_cells(group, items, self._inside, self.languages):
            self.groups[cell_group.path] = cell_group
            self.questions.update({cell.path: cell for cell in cells})
        self._inside = []

    def _read_question(self, row: Row, kind: str) -> None:
        question = self._question(row, kind)
        head = self._open[-1][1] if self._open else {}
        if kind in _PARTS:
            question = _PARTS[kind](question, head, self._inside)
            self._inside.append(question)
        if head and _type(head)[0] == MATRIX:
            self._inside.append(question)
            return
        self.questions[question.path] = question
        if question.or_other:
            other = _other(question)
            self.questions.setdefault(other.path, other)

    def _question(self, row: Row, kind: str) -> Question:
        return Question(
            name=_name(row),
            path=_join(self._parent, _name(row)),
            type=kind,
            list_name=_type(row)[1],
            labels=self.labels(row),
            relevant=_text(row, "relevant"),
            constraint=_text(row, "constraint"),
            required=_required(row.get("required")),
            calculation=_text(row, "calculation"),
            choice_filter=_text(row, "choice_filter"),
            or_other=bool(row.get("_or_other")) or "or_other" in str(row.get("type")),
            parameters=_parameters(_text(row, "parameters")),
            parent=self._parent,
            repeats=tuple(group.path for group, _ in self._open if group.repeat),
            kuid=_text(row, "$kuid"),
        )

    @property
    def _parent(self) -> str:
        return self._open[-1][0].path if self._open else ""

    def _unbalanced(self, name: str) -> KoboError:
        return KoboError(
            "The groups of the form do not open and close in pairs.",
            where=f"form version {self.uid}, group {name!r}",
        )


def _other(question: Question) -> Question:
    """Return the text question that the server puts beside a select with ``or_other``."""
    return Question(
        name=f"{question.name}_other",
        path=f"{question.path}_other",
        type="text",
        labels={
            lang: f"{label} – {OTHER.get(lang, OTHER['en'])}"
            for lang, label in question.labels.items()
        },
        relevant=f"selected(${{{question.name}}}, 'other')",
        parent=question.parent,
        repeats=question.repeats,
        kuid=f"{question.kuid}/other" if question.kuid else "",
    )


def _languages(names: list[str | None]) -> tuple[str, ...]:
    """Return short codes, or full names where a form bears a code twice."""
    codes: list[str] = []
    for name in names:
        code = language_code(name)
        if code in codes:
            code = str(name) if name and name not in codes else f"{code} {len(codes) + 1}"
        codes.append(code)
    return tuple(codes)


def _choice_rows(rows: list[Row]) -> dict[str, tuple[Row, ...]]:
    lists: dict[str, list[Row]] = {}
    for row in rows:
        names = [row.get(key) for key in ("name", "$autovalue")]
        name = next((one for one in names if one not in (None, "")), None)
        if row.get("list_name") and name is not None:
            lists.setdefault(str(row["list_name"]), []).append({**row, "name": str(name)})
    return {name: tuple(found) for name, found in lists.items()}


def _settings(settings: Any) -> dict[str, Any]:
    if isinstance(settings, list):
        settings = settings[0] if settings else {}
    return dict(settings) if isinstance(settings, Mapping) else {}


def _type(row: Row) -> tuple[str, str]:
    said = row.get("type") or ""
    if isinstance(said, Mapping):
        kind, list_name = next(iter(said.items()), ("", ""))
        return str(kind), str(list_name)
    words = str(said).split()
    if len(words) > 1 and words[0] in ("begin", "end"):
        return f"{words[0]}_{words[1]}", ""
    list_name = str(row.get("select_from_list_name") or (words[1] if len(words) > 1 else ""))
    kind = words[0] if words else ""
    return kind, list_name if kind in SELECTS else ""


def _name(row: Row) -> str:
    return str(row.get("name") or row.get("$autoname") or row.get("$kuid") or "")


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value).strip()


def _required(value: Any) -> str:
    text = str(value).strip() if value is not None else ""
    if text.lower() in ("", "no", "false", "false()"):
        return ""
    return "true()" if text.lower() in ("yes", "true", "true()") else text


def _parameters(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.replace(",", " ").replace(";", " ").split())
    return {key.strip(): value.strip() for key, _, value in pairs if value}


def _join(parent: str, name: str) -> str:
    return f"{parent}/{name}" if parent else name
