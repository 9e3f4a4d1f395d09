"""Lay one row out over its form: which instance holds which answer, and what was asked.

Not here: judging the answers (`validate`), or many rows at once (`tables`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from survey_tools.errors import KoboError
from survey_tools.kobo.form.expression import Expression, parse
from survey_tools.kobo.form.model import Form, Group, Question
from survey_tools.kobo.form.values import Node, Nodes, read_date

At = tuple[int, ...]
SYSTEM_KEYS = frozenset({"formhub/uuid", "__version__"})


def is_system_key(key: str) -> bool:
    """Say whether a key of a row is the server's or the collector's own and no question."""
    return key.startswith(("_", "meta/")) or key in SYSTEM_KEYS


class Submission:
    """One row over its form.

    Parameters
    ----------
    form : Form
        The version of the form that the row names in ``__version__``.
    row : mapping
        As the API gives it.
    now : datetime, optional
        The moment for ``today()`` and ``now()``: by default the row's own ``end``, ``today`` or
        ``_submission_time``, so that a check says the same whenever it is made.
    rng : callable, optional
        For ``random()``.
    """

    def __init__(
        self,
        form: Form,
        row: Mapping[str, Any],
        *,
        now: datetime | None = None,
        rng: Callable[[], float] = random.random,
    ) -> None:
        self.form = form
        self.now = now or moment_of(row)
        self.rng = rng
        self.answers: dict[tuple[str, At], Any] = {}
        self.instances: dict[str, list[At]] = {}
        self.unknown: list[tuple[str, At]] = []
        self._relevant: dict[tuple[str, At], bool] = {}
        self._lay_out(row, (), 0)

    def places(self, path: str, repeats: tuple[str, ...]) -> list[At]:
        """Return the instances in which a question or group stands: ``[()]`` outside repeats."""
        return self.instances.get(repeats[-1], []) if repeats else [()]

    def questions(self) -> Iterator[tuple[Question, At]]:
        """Yield every question in every instance."""
        for question in self.form.questions.values():
            for at in self.places(question.path, question.repeats):
                yield question, at

    def asked(self, path: str, at: At = ()) -> bool:
        """Say whether a question or group is relevant, groups around it included."""
        key = (path, at)
        known = self._relevant.get(key)
        if known is None:
            # An expression that leads back to itself sees the answer as it stands.
            self._relevant[key] = True
            try:
                known = self._relevant[key] = self._is_relevant(path, at)
            except KoboError:
                del self._relevant[key]
                raise
        return known

    def text(self, path: str, at: At) -> str:
        """Return an answer as text; empty if none, or if the question was not to be asked."""
        value = self.answers.get((path, at))
        if value is None or not self.asked(path, at):
            return ""
        return str(value)

    def context(self, path: str, at: At, choice: Mapping[str, Any] | None = None) -> Place:
        """Return the context in which a question's expressions are evaluated."""
        return Place(self, path, at, choice)

    def expression(self, source: str, path: str) -> Expression:
        """Parse an expression of the form and check that the questions it names exist."""
        found = parse(source, path)
        for name in found.names:
            self.resolve(name, path)
        return found

    def resolve(self, name: str, path: str) -> str:
        """Return the path of ``${name}`` as a question at ``path`` means it."""
        paths = self.form.paths_by_name.get(name, ())
        if not paths:
            raise KoboError(
                "An expression names a question that the form does not have.",
                found=f"${{{name}}}",
                where=f"question {path}, form version {self.form.uid}",
            )
        return paths[0] if len(paths) == 1 else max(paths, key=lambda other: _shared(other, path))

    def _is_relevant(self, path: str, at: At) -> bool:
        item: Question | Group = self.form.questions.get(path) or self.form.groups[path]
        if item.parent:
            outer = len(self.form.enclosing_repeats(item.parent))
            if not self.asked(item.parent, at[:outer]):
                return False
        if not item.relevant:
            return True
        return self.expression(item.relevant, path).truth(self.context(path, at))

    def _lay_out(self, row: Mapping[str, Any], at: At, depth: int) -> None:
        for key, value in row.items():
            group = self.form.groups.get(key)
            if group is not None and group.repeat and isinstance(value, list | Mapping):
                instances = value if isinstance(value, list) else [value]
                self._lay_out_repeat(key, instances, at, depth)
            elif key in self.form.questions:
                if len(self.form.questions[key].repeats) == depth:
                    self.answers[key, at] = None if value == "" else value
                else:
                    self.unknown.append((key, at))
            elif depth or not is_system_key(key):
                self.unknown.append((key, at))

    def _lay_out_repeat(self, path: str, rows: list[Any], at: At, depth: int) -> None:
        instances = self.instances.setdefault(path, [])
        for number, row in enumerate(rows, start=1):
            instances.append((*at, number))
            if isinstance(row, Mapping):
                self._lay_out(row, (*at, number), depth + 1)


class Place:
    """The context of an expression: one question (or group, or choice) in one instance."""

    def __init__(
        self, submission: Submission, path: str, at: At, choice: Mapping[str, Any] | None
    ) -> None:
        self._submission, self._path, self._at, self._choice = submission, path, at, choice
        self.now = submission.now

    def here(self) -> Node:
        """Return the question itself, with its answer even where it was not to be asked."""
        value = self._submission.answers.get((self._path, self._at))
        return Node(self._path, self._at, "" if value is None else str(value))

    def up(self, steps: int, below: tuple[str, ...]) -> Nodes:
        """Return the node ``steps`` levels up, or the nodes below it."""
        parts = self._path.split("/")
        base = parts[: max(len(parts) - steps, 0)]
        return self._nodes("/".join([*base, *below]), one_instance=True)

    def named(self, name: str) -> Nodes:
        """Return ``${name}`` as seen from here."""
        return self._nodes(self._submission.resolve(name, self._path), one_instance=False)

    def everywhere(self, name: str) -> Nodes:
        """Return ``${name}`` in all instances."""
        path = self._submission.resolve(name, self._path)
        return [self._node(path, at) for at in self._instances(path)]

    def column(self, name: str) -> str:
        """Return a column of the choice in question."""
        if self._choice is None:
            raise KoboError(
                "An expression holds a bare word.",
                expected="${name} for a question, 'text' for text",
                found=name,
                where=f"question {self._path}",
            )
        value = self._choice.get(name)
        return "" if value is None else str(value)

    def random(self) -> float:
        """Return a random number."""
        return self._submission.rng()

    def _nodes(self, path: str, *, one_instance: bool) -> list[Node]:
        form = self._submission.form
        theirs, own = form.enclosing_repeats(path), form.enclosing_repeats(self._path)
        shared = sum(1 for one, other in zip(theirs, own, strict=False) if one == other)
        if not one_instance and theirs and theirs[-1] == path:
            # ${repeat} means its instances, also from inside one of them.
            shared = min(shared, len(theirs) - 1)
        prefix = self._at[:shared]
        return [self._node(path, at) for at in self._instances(path) if at[:shared] == prefix]

    def _instances(self, path: str) -> list[At]:
        return self._submission.places(path, self._submission.form.enclosing_repeats(path))

    def _node(self, path: str, at: At) -> Node:
        repeat = path in self._submission.instances
        text = "" if path in self._submission.form.groups else self._submission.text(path, at)
        return Node(path, at, text, at[-1] if repeat else 1)


def _shared(one: str, other: str) -> int:
    pairs = zip(one.split("/"), other.split("/"), strict=False)
    count = 0
    for left, right in pairs:
        if left != right:
            break
        count += 1
    return count


def moment_of(row: Mapping[str, Any]) -> datetime:
    """Return when a row was filled in: its ``end``, ``today`` or ``_submission_time``, on its own clock."""
    for key in ("end", "today", "_submission_time"):
        found = read_date(str(row.get(key) or ""))
        if found is not None:
            moment = found if isinstance(found, datetime) else datetime(*found.timetuple()[:3])
            return moment.replace(tzinfo=None)
    return datetime.now()
