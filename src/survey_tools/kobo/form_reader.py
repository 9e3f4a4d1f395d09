"""Read the API's ``content`` of a form into the model.

Not here: the model itself. Paths come from the nesting of groups and not from ``$xpath``, which
the server gives wrongly for ranks and matrices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from survey_tools.errors import KoboError
from survey_tools.kobo.form import Form, Group, Labels, Question, language_code

Row = Mapping[str, Any]

BEGIN = ("begin_group", "begin_repeat", "begin_score", "begin_rank", "begin_kobomatrix")
END = ("end_group", "end_repeat", "end_score", "end_rank", "end_kobomatrix")
SELECTS = ("select_one", "select_multiple", "rank")
# Rows that stand inside a score, a rank or a matrix and take their choices from its first row.
_PARTS = {"score__row": "kobo--score-choices", "rank__level": "kobo--rank-items"}
_KINDS = {"score__row": "select_one", "rank__level": "select_one"}


def read_form(content: Row, uid: str) -> Form:
    """Read ``content`` into a `Form`; see `Form.from_content`."""
    survey = content.get("survey")
    if not isinstance(survey, list):
        raise KoboError(
            "The form has no survey.", expected="a list 'survey'", where=f"form version {uid}"
        )
    translations = content.get("translations") or [None]
    reader = _Reader(uid, tuple(language_code(name) for name in translations))
    choice_rows = reader.choice_rows(content.get("choices") or [])
    reader.read(survey, choice_rows)
    return Form(
        uid=uid,
        languages=reader.languages,
        questions=reader.questions,
        groups=reader.groups,
        choices={name: _first_labels(rows, reader) for name, rows in choice_rows.items()},
        choice_rows=choice_rows,
        settings=dict(content.get("settings") or {}),
    )


class _Reader:
    """Walks the survey's rows and keeps which groups are open."""

    def __init__(self, uid: str, languages: tuple[str, ...]) -> None:
        self.uid = uid
        self.languages = languages
        self.questions: dict[str, Question] = {}
        self.groups: dict[str, Group] = {}
        self._open: list[tuple[Group, Row]] = []

    def read(self, survey: list[Row], choice_rows: Mapping[str, tuple[Row, ...]]) -> None:
        for row in survey:
            kind = _type(row)[0]
            if kind in BEGIN:
                self._begin(row, kind)
            elif kind in END:
                self._end(row, kind)
            elif kind:
                for question in self._questions(row, choice_rows):
                    self._add(question)
        if self._open:
            raise self._unbalanced(self._open[-1][0].path)

    def choice_rows(self, rows: list[Row]) -> dict[str, tuple[Row, ...]]:
        lists: dict[str, list[Row]] = {}
        for row in rows:
            name = row.get("name", row.get("$autovalue"))
            if row.get("list_name") and name is not None:
                lists.setdefault(str(row["list_name"]), []).append({**row, "name": str(name)})
        return {name: tuple(found) for name, found in lists.items()}

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
        )
        self._open.append((group, row))
        if kind != "begin_kobomatrix":
            self.groups[group.path] = group

    def _end(self, row: Row, kind: str) -> None:
        if not self._open:
            raise self._unbalanced(str(row.get("name", kind)))
        self._open.pop()

    def _questions(
        self, row: Row, choice_rows: Mapping[str, tuple[Row, ...]]
    ) -> Iterator[Question]:
        if not self._open or _type(self._open[-1][1])[0] != "begin_kobomatrix":
            yield self._question(row, self._parent, _name(row))
            return
        matrix, head = self._open[-1]
        for item in choice_rows.get(str(head.get("kobo--matrix_list", "")), ()):
            group = f"{matrix.path}_{item['name']}"
            self.groups[group] = Group(
                group, matrix.parent, False, self.labels(item), matrix.relevant
            )
            yield self._question(row, group, f"{group.rpartition('/')[2]}_{_name(row)}")

    def _question(self, row: Row, parent: str, name: str) -> Question:
        kind, list_name = _type(row)
        if kind in _PARTS and self._open:
            list_name, kind = str(self._open[-1][1].get(_PARTS[kind], "")), _KINDS[kind]
        return Question(
            name=name,
            path=_join(parent, name),
            type=kind,
            list_name=list_name,
            labels=self.labels(row),
            relevant=_text(row, "relevant"),
            constraint=_text(row, "constraint"),
            required=_required(row.get("required")),
            calculation=_text(row, "calculation"),
            choice_filter=_text(row, "choice_filter"),
            or_other=bool(row.get("_or_other")) or "or_other" in str(row.get("type")),
            parameters=_parameters(_text(row, "parameters")),
            parent=parent,
            repeats=tuple(group.path for group, _ in self._open if group.repeat),
        )

    def _add(self, question: Question) -> None:
        self.questions[question.path] = question
        if question.or_other:
            path = f"{question.path}_other"
            name = f"{question.name}_other"
            self.questions[path] = Question(
                name=name,
                path=path,
                type="text",
                labels={lang: f"{label} – …" for lang, label in question.labels.items()},
                parent=question.parent,
                repeats=question.repeats,
            )

    @property
    def _parent(self) -> str:
        return self._open[-1][0].path if self._open else ""

    def _unbalanced(self, name: str) -> KoboError:
        return KoboError(
            "The groups of the form do not open and close in pairs.",
            where=f"form version {self.uid}, group {name!r}",
        )


def _first_labels(rows: tuple[Row, ...], reader: _Reader) -> dict[str, Labels]:
    labels: dict[str, Labels] = {}
    for row in rows:
        labels.setdefault(str(row["name"]), reader.labels(row))
    return labels


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
