"""Tell from audit logs how long each question, group and interview was on the screen.

Not here: reading a log line by line (`audit_log`), fetching logs (`attachments`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from survey_tools.errors import KoboError
from survey_tools.kobo.files.audit_batch import read_plain_logs
from survey_tools.kobo.files.audit_log import (
    OTHER_SCREENS,
    SCREENS,
    UNUSABLE,
    Event,
    parse_log,
    split_node,
)
from survey_tools.kobo.files.manifest import StoredAttachment, read_manifest

LOG_NAME = "audit.csv"
BATCH = 500
"""Logs that are read at once."""

_COLUMNS = {
    "line": "int64",
    "session": "int64",
    "event": "str",
    "node": "str",
    "path": "str",
    "positions": "str",
    "start": "datetime64[ms, UTC]",
    "end": "datetime64[ms, UTC]",
    "seconds": "float64",
    "in_group": "bool",
    "problem": "str",
}


@dataclass(frozen=True)
class RowSeconds:
    """What the audit logs of a folder say.

    Attributes
    ----------
    questions : DataFrame
        ``_id, path, positions, screen, seconds, visits`` as of `seconds_per_question`.
    totals : DataFrame
        ``_id, seconds, sessions, problems``: active seconds, how often the form was opened, and
        lines with a problem.
    problems : DataFrame
        ``_id, line, problem, event, path``; line 0 is the log as a whole.
    """

    questions: pd.DataFrame
    totals: pd.DataFrame
    problems: pd.DataFrame


def read_audit(
    source: str | Path | bytes,
    *,
    repeats: Collection[str] | None = None,
    keep: Iterable[str] = (),
) -> pd.DataFrame:
    """Read one audit log of ODK Collect.

    Parameters
    ----------
    source : path or bytes
        The file ``audit.csv`` or what is in it.
    repeats : collection of str, optional
        Paths of the form's repeats. Some releases of Collect give every group a position; where the
        repeats are named, only theirs are kept.
    keep : iterable of str
        Of ``latitude``, ``longitude``, ``accuracy``, ``old-value``, ``new-value``, ``user`` and
        ``change-reason`` those wanted. They are personal, so none is kept unasked.

    Returns
    -------
    DataFrame
        One line each: ``line``, ``session``, ``event``, ``node`` (path below the root with positions),
        ``path`` (without), ``positions`` (such as ``2/1``, outermost first, empty outside repeats),
        ``start``, ``end`` (UTC), ``seconds``, ``in_group`` (a question on a screen of several) and
        ``problem``: ``unreadable``, ``cut`` (the last line, without its end), ``no_end``,
        ``negative`` (these have no seconds), ``overlap`` (starts before the screen before it ended),
        ``clock_back`` (the form was opened again at an earlier time), ``clock_unset``.

    Raises
    ------
    KoboError
        If it is empty or no audit log.

    Notes
    -----
    Times within one session are the device's elapsed time, which a change of its clock does not
    touch; only the time at which the form was opened comes from the clock (ODK documentation, Form
    audit log).
    """
    wanted = tuple(keep)
    return _frame(parse_log(source, repeats=repeats, keep=wanted), wanted)


def seconds_per_question(audit: pd.DataFrame) -> pd.DataFrame:
    """Add up how long each question was on the screen, over all visits.

    A screen that shows several questions (``field-list``) is one row under the group's path with
    the screen ``group questions``: which of its questions took how long is not known. Questions that
    a log names beside such a screen, as it does where changes are tracked, are not counted again.

    Parameters
    ----------
    audit : DataFrame
        Of `read_audit`; a column ``_id`` keeps rows apart.

    Returns
    -------
    DataFrame
        ``path, positions, screen, seconds, visits`` in the order of the first visit.
    """
    shown = audit[_usable(audit) & audit["event"].isin(SCREENS) & ~audit["in_group"]]
    keys = [*_id_of(audit), "path", "positions", "event"]
    found = shown.groupby(keys, sort=False, as_index=False).agg(
        seconds=("seconds", "sum"), visits=("line", "size")
    )
    return found.rename(columns={"event": "screen"})


def seconds_per_group(audit: pd.DataFrame) -> pd.DataFrame:
    """Add up how long the screens in each group were shown; a group holds those of its groups.

    Returns
    -------
    DataFrame
        ``path, positions, seconds, visits`` (of screens); questions outside groups are in none.
    """
    shown = audit[_usable(audit) & audit["event"].isin(SCREENS) & ~audit["in_group"]]
    ids = _id_of(audit)
    parts = [
        (*key, *split_node(group), seconds)
        for *key, node, event, seconds in shown[[*ids, "node", "event", "seconds"]].itertuples(
            index=False, name=None
        )
        for group in _groups_of(node, is_group=event == "group questions")
    ]
    keys = [*ids, "path", "positions"]
    frame = pd.DataFrame(parts, columns=[*keys, "seconds"])
    frame = frame.astype({"path": "str", "positions": "str", "seconds": "float64"})
    return frame.groupby(keys, sort=False, as_index=False).agg(
        seconds=("seconds", "sum"), visits=("seconds", "size")
    )


def active_seconds(audit: pd.DataFrame) -> float:
    """Return how long any screen of the form was shown; what overlaps counts once.

    Time between sessions, when the form was closed, is not in it.
    """
    return sum(_active(audit).values())


def audit_problems(audit: pd.DataFrame) -> pd.DataFrame:
    """List the lines that are not as they should be: ``line, problem, event, path``."""
    columns = [*_id_of(audit), "line", "problem", "event", "path"]
    return audit.loc[audit["problem"] != "", columns].reset_index(drop=True)


def seconds_of_rows(
    folder: str | Path,
    *,
    row_ids: Collection[int] | None = None,
    repeats: Collection[str] | None = None,
) -> RowSeconds:
    """Read the audit logs in a folder of attachments into one table for all rows.

    Parameters
    ----------
    folder : path
        Filled by `survey_tools.kobo.files.attachments.download_attachments`.
    row_ids : collection of int, optional
        Only these rows.
    repeats : collection of str, optional
        As for `read_audit`.

    Returns
    -------
    RowSeconds
        A log that cannot be read is a problem of its row (``no_log``), not an error. Of several logs
        of one row the last that came counts (``several_logs``), since Collect goes on writing the
        same log.
    """
    home = Path(folder)
    logs = _logs(home, row_ids)
    several = [
        (row_id, 0, "several_logs", "", "") for row_id, of_row in logs.items() if len(of_row) > 1
    ]
    newest = {row_id: home / of_row[-1].file for row_id, of_row in logs.items()}
    return _seconds_of_logs(newest, repeats, several)


def seconds_of_logs(
    logs: Mapping[int, str | Path | bytes], *, repeats: Collection[str] | None = None
) -> RowSeconds:
    """Read audit logs, by the `_id` of their row, into one table; as `seconds_of_rows`, without a folder."""
    return _seconds_of_logs(logs, repeats, [])


def _seconds_of_logs(
    logs: Mapping[int, str | Path | bytes],
    repeats: Collection[str] | None,
    faults: list[tuple[int, int, str, str, str]],
) -> RowSeconds:
    """Read the logs by batches, so that memory grows with what is added up and not with the lines."""
    ids = list(logs)
    parts = []
    for first in range(0, max(len(ids), 1), BATCH):
        audits = _read_batch({row_id: logs[row_id] for row_id in ids[first : first + BATCH]},
                             repeats, faults)  # fmt: skip
        parts.append((seconds_per_question(audits), _totals(audits), audit_problems(audits)))
    questions, totals, problems = (
        pd.concat(part, ignore_index=True) for part in zip(*parts, strict=True)
    )
    totals = totals.sort_values("_id", ignore_index=True)
    return RowSeconds(questions, totals, _all_faults(faults, problems))


def _read_batch(
    logs: Mapping[int, str | Path | bytes],
    repeats: Collection[str] | None,
    faults: list[tuple[int, int, str, str, str]],
) -> pd.DataFrame:
    """Read logs into one frame, in their order; what is no log is added to the faults."""
    read = {row_id: data for row_id, log in logs.items() if (data := _bytes(log)) is not None}
    audits, odd = read_plain_logs(read, repeats)
    others = [row_id for row_id in logs if row_id in odd or row_id not in read]
    row_of, events = [], []
    for row_id in others:
        try:
            found = parse_log(logs[row_id], repeats=repeats)
        except KoboError:
            faults.append((row_id, 0, "no_log", "", ""))
            continue
        events += found
        row_of += [row_id] * len(found)
    if not events:
        return audits
    one_by_one = _frame(events, ())
    one_by_one.insert(0, "_id", pd.Series(row_of, dtype="int64"))
    order = {row_id: place for place, row_id in enumerate(logs)}
    both = pd.concat([audits, one_by_one]) if len(audits) else one_by_one
    return both.sort_values("_id", key=lambda ids: ids.map(order), kind="stable", ignore_index=True)


def _bytes(log: str | Path | bytes) -> bytes | None:
    """Return what is in a log; None where it cannot be read."""
    if isinstance(log, bytes):
        return log
    try:
        return Path(log).read_bytes()
    except OSError:
        return None


def _logs(folder: Path, row_ids: Collection[int] | None) -> dict[int, list[StoredAttachment]]:
    wanted = None if row_ids is None else {int(row_id) for row_id in row_ids}
    found: dict[int, list[StoredAttachment]] = {}
    for entry in read_manifest(folder):
        if entry.name == LOG_NAME and (wanted is None or entry.row_id in wanted):
            found.setdefault(entry.row_id, []).append(entry)
    return dict(sorted(found.items()))


def _active(audit: pd.DataFrame) -> dict[int, float]:
    """Add up, for each row, the time in which at least one screen was shown, session by session."""
    timed = audit[_usable(audit) & audit["event"].isin(SCREENS | OTHER_SCREENS)]
    timed = timed[timed["end"].notna()]
    spans = pd.DataFrame(
        {
            "row": timed.get("_id", 0),
            "session": timed["session"],
            "start": timed["start"].astype("int64"),
            "end": timed["end"].astype("int64"),
        }
    ).sort_values(["row", "session", "start", "end"])
    grouped = spans.groupby(["row", "session"])["end"]
    until = grouped.cummax().groupby([spans["row"], spans["session"]]).shift(fill_value=0)
    added = (spans["end"] - spans["start"].clip(lower=until)).clip(lower=0)
    seconds = added.groupby(spans["row"]).sum() / 1000
    return dict(zip(seconds.index.tolist(), seconds.tolist(), strict=True))


def _totals(audits: pd.DataFrame) -> pd.DataFrame:
    marked = audits.assign(problems=audits["problem"] != "")
    found = marked.groupby("_id", as_index=False).agg(
        sessions=("session", "max"), problems=("problems", "sum")
    )
    seconds = found["_id"].map(_active(audits)).fillna(0.0).astype("float64")
    found.insert(1, "seconds", seconds)
    return found.astype({"sessions": "int64", "problems": "int64"})


def _all_faults(
    faults: list[tuple[int, int, str, str, str]], problems: pd.DataFrame
) -> pd.DataFrame:
    types = {"_id": "int64", "line": "int64", "problem": "str", "event": "str", "path": "str"}
    whole = pd.DataFrame(faults, columns=list(types)).astype(types)
    both = pd.concat([whole, problems], ignore_index=True)
    return both.sort_values(["_id", "line"], kind="stable", ignore_index=True)


def _frame(events: list[Event], keep: tuple[str, ...]) -> pd.DataFrame:
    rows = [_cells(event) for event in events]
    frame = pd.DataFrame(rows, columns=[*_COLUMNS, *keep])
    for name in ("start", "end"):
        numbers = pd.Series(pd.array(frame[name].tolist(), dtype="Int64"))
        frame[name] = pd.to_datetime(numbers, unit="ms", utc=True).astype("datetime64[ms, UTC]")
    return frame.astype({**_COLUMNS, **dict.fromkeys(keep, "str")})


def _cells(event: Event) -> tuple[object, ...]:
    times = (event.start, event.end, _seconds(event))
    node = (event.node, *split_node(event.node))
    head = (event.line, event.session, event.event)
    return (*head, *node, *times, event.in_group, event.problem, *event.extra)


def _seconds(event: Event) -> float:
    if event.problem in UNUSABLE or event.start is None or event.end is None:
        return float("nan")
    return (event.end - event.start) / 1000


def _usable(audit: pd.DataFrame) -> pd.Series:
    return ~audit["problem"].isin(UNUSABLE)


def _id_of(audit: pd.DataFrame) -> list[str]:
    return ["_id"] if "_id" in audit.columns else []


def _groups_of(node: str, *, is_group: bool) -> list[str]:
    steps = node.split("/")
    most = len(steps) + 1 if is_group else len(steps)
    return ["/".join(steps[:depth]) for depth in range(1, most)]
