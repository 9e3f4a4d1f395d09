"""Read the lines of an audit log as ODK Collect writes it, and mark those that cannot be trusted.

Not here: tables and sums (`audit`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from survey_tools.errors import KoboError

SCREENS = frozenset({"question", "group questions"})
OTHER_SCREENS = frozenset({"add repeat", "end screen", "jump"})
OPTIONAL = ("latitude", "longitude", "accuracy", "old-value", "new-value", "user", "change-reason")
UNUSABLE = frozenset({"unreadable", "cut", "no_end", "negative"})
NEEDED = ("event", "node", "start", "end")
_STEP = re.compile(r"([^\[\]]+)(?:\[(\d+)\])?")
_TIME = re.compile(r"[0-9]{1,14}")
SESSIONS = frozenset({"form start", "form resume"})
EARLIEST = 1_262_304_000_000  # 2010-01-01 UTC: a device that says less has not set its clock


@dataclass(frozen=True)
class Event:
    """One line of a log.

    Attributes
    ----------
    line, session : int
        Where it stands; sessions begin with ``form start`` or ``form resume``.
    node : str
        Path below the form's root, with positions in repeats.
    start, end : int or None
        Milliseconds since 1970 (UTC).
    problem : str
        Empty where the line is as it should be.
    in_group : bool
        Whether it is a question on a screen of several, which has an event of its own.
    extra : tuple of str
        The optional columns that were asked for.
    """

    line: int
    session: int
    event: str
    node: str
    start: int | None
    end: int | None
    problem: str = ""
    in_group: bool = False
    extra: tuple[str, ...] = ()


def parse_log(
    source: str | Path | bytes,
    *,
    repeats: Collection[str] | None = None,
    keep: Iterable[str] = (),
) -> list[Event]:
    """Read the lines of a log.

    Raises
    ------
    KoboError
        If it is empty, is no audit log, or cannot be read.
    """
    where = None if isinstance(source, bytes) else str(source)
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        text = data.decode("utf-8-sig")
        records, numbers = _records(text)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _no_log(type(error).__name__, where) from error
    header = [name.strip() for name in records[0]] if records else []
    if not set(NEEDED) <= set(header):
        raise _no_log("no lines" if not header else "other columns", where)
    read = _Reader(header, repeats, tuple(keep))
    lines = zip(numbers[1:], records[1:], strict=True)
    events = [read.event(number, cells) for number, cells in lines if cells]
    if events and not text.endswith("\n"):
        # What is missing may be digits of a time, which would go unseen.
        events[-1] = replace(events[-1], problem="cut")
    return _marked(events)


@lru_cache(maxsize=1 << 14)
def split_node(node: str) -> tuple[str, str]:
    """Take a node apart into its path and its positions.

    >>> split_node("hh/member[2]/app[1]/name")
    ('hh/member/app/name', '2/1')
    """
    found = [_step(step) for step in node.split("/")]
    positions = "/".join(position for _, position in found if position)
    return "/".join(name for name, _ in found), positions


class _Reader:
    """Turns the cells of a line into an event."""

    def __init__(
        self, header: list[str], repeats: Collection[str] | None, keep: tuple[str, ...]
    ) -> None:
        if unknown := set(keep) - set(OPTIONAL):
            raise KoboError(
                "An audit log has no such column.",
                expected=", ".join(OPTIONAL),
                found=", ".join(sorted(unknown)),
            )
        self.header, self.keep = header, keep
        self.repeats = None if repeats is None else frozenset(repeats)
        self.session = 0

    def event(self, line: int, cells: list[str]) -> Event:
        values = dict(zip(self.header, cells, strict=False))
        event, start, end = (values.get(name, "").strip() for name in ("event", "start", "end"))
        self.session += event in SESSIONS
        readable = len(cells) == len(self.header) and bool(event and _TIME.fullmatch(start))
        readable = readable and bool(not end or _TIME.fullmatch(end))
        return Event(
            line=line,
            session=self.session,
            event=event,
            node=below_root(values.get("node", ""), self.repeats),
            start=int(start) if readable else None,
            end=int(end) if readable and end else None,
            problem="" if readable else "unreadable",
            extra=tuple(values.get(name, "") for name in self.keep),
        )


@lru_cache(maxsize=1 << 14)
def below_root(node: str, repeats: frozenset[str] | None) -> str:
    """Drop the root, and the positions of groups that are no repeats where those are known."""
    steps, path = [], ""
    for step in node.strip().strip("/").split("/")[1:]:
        name, position = _step(step)
        path = f"{path}/{name}".lstrip("/")
        counts = position and (repeats is None or path in repeats)
        steps.append(f"{name}[{position}]" if counts else name)
    return "/".join(steps)


def _records(text: str) -> tuple[list[list[str]], list[int]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    records, numbers = [], []
    for cells in reader:
        records.append(cells)
        numbers.append(reader.line_num)
    return records, numbers


def _step(step: str) -> tuple[str, str]:
    found = _STEP.fullmatch(step)
    return (found.group(1), found.group(2) or "") if found else (step, "")


def _marked(events: list[Event]) -> list[Event]:
    """Mark lines whose times contradict themselves or the lines before them."""
    groups = [e for e in events if e.event == "group questions" and not _faulty(e)]
    found: list[Event] = []
    session, latest, before = 0, 0, 0
    for event in events:
        if event.session != session:
            session, before, latest = event.session, max(before, latest), 0
        inside = event.event == "question" and any(_holds(group, event) for group in groups)
        problem = event.problem or _faulty(event)
        if not problem and event.start is not None:
            problem = _doubt(event, before, 0 if inside else latest)
        if problem or inside:
            event = replace(event, problem=problem, in_group=inside)
        found.append(event)
        if problem not in UNUSABLE and event.event in SCREENS and not inside:
            latest = max(latest, event.end or 0)
    return found


def _faulty(event: Event) -> str:
    """Say why no time can be taken from a line."""
    if event.problem:
        return event.problem
    if event.start is None or (event.event in SCREENS and event.end is None):
        return "no_end"
    return "negative" if event.end is not None and event.end < event.start else ""


def _doubt(event: Event, before: int, latest: int) -> str:
    """Say what is odd about a line whose own time is usable."""
    start = event.start or 0
    if start < EARLIEST:
        return "clock_unset"
    if event.event in SESSIONS and start < before:
        return "clock_back"
    return "overlap" if event.event in SCREENS and start < latest else ""


def _holds(group: Event, event: Event) -> bool:
    """Say whether a question was on the screen of a group.

    Old releases of Collect leave out the last position of a group, so positions that the group has
    must be those of the question, and those that it lacks may be any.
    """
    if None in (group.start, group.end, event.start, event.end):
        return False
    if not split_node(event.node)[0].startswith(split_node(group.node)[0] + "/"):
        return False
    steps = zip(group.node.split("/"), event.node.split("/"), strict=False)
    same = all(not _step(mine)[1] or mine == other for mine, other in steps)
    return same and event.start < group.end and group.start < event.end  # type: ignore[operator]


def _no_log(found: str, where: str | None) -> KoboError:
    return KoboError(
        "The file is no audit log.",
        expected="UTF-8 text with the columns " + ", ".join(NEEDED),
        found=found,
        where=where,
        next_step="Verify the folder of attachments; if the file is as it was sent, the device "
        "wrote no more.",
    )
