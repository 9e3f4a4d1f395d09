"""Read the lines of many plain audit logs at once, as `audit_log.parse_log` reads those of one.

Not here: logs that are not plain, which are named: those with quotes, blank lines or an end that broke off,
with a time or an event that cannot be read, or with a screen of several questions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from survey_tools.kobo.files.audit_log import (
    EARLIEST,
    NEEDED,
    SCREENS,
    SESSIONS,
    below_root,
    split_node,
)

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_MOST = 10**14
_BOM = b"\xef\xbb\xbf"
_COMMA, _NEWLINE = 44, 10


def read_plain_logs(
    logs: Mapping[int, bytes], repeats: Collection[str] | None
) -> tuple[pd.DataFrame, set[int]]:
    """Read logs that are plain, and name the others.

    Parameters
    ----------
    logs : mapping of int to bytes
        ``_id`` of a row to its log.
    repeats : collection of str or None
        As for `survey_tools.kobo.files.audit.read_audit`.

    Returns
    -------
    (DataFrame, set of int)
        ``_id`` and the columns of `read_audit`, in the order of `logs`; rows whose log is not plain.
    """
    by_header: dict[bytes, dict[int, bytes]] = {}
    odd: set[int] = set()
    for row_id, data in logs.items():
        header, _, body = data.removeprefix(_BOM).replace(b"\r\n", b"\n").partition(b"\n")
        if _is_plain(header, body):
            by_header.setdefault(header, {})[row_id] = body
        else:
            odd.add(row_id)
    frames = []
    for header, bodies in by_header.items():
        lines = _Lines.read(header, bodies)
        if lines is None:
            odd |= set(bodies)
            continue
        not_plain = lines.not_plain()
        odd |= set(np.unique(lines.row_id[not_plain]).tolist())
        frames.append(lines.keep(~np.isin(lines.row_id, list(odd))).frame(repeats))
    if len(frames) > 1:
        order = {row_id: place for place, row_id in enumerate(logs)}
        both = pd.concat(frames, ignore_index=True).assign(order=lambda f: f["_id"].map(order))
        both = both.sort_values("order", kind="stable", ignore_index=True)
        return both.drop(columns="order"), odd
    return (frames or [_Lines.none().frame(repeats)])[0], odd


def _is_plain(header: bytes, body: bytes) -> bool:
    """Whether lines can be told apart by newlines and cells by commas."""
    names = [name.strip() for name in header.split(b",")]
    known = {name.encode() for name in NEEDED} <= set(names) and len(names) == len(set(names))
    if not known or not body.endswith(b"\n") or b'"' in header:
        return False
    strange = any(sign in body for sign in (b'"', b"\r", b"\n\n", b"\x00")) or body[:1] == b"\n"
    return not strange and body.count(b",") == (len(names) - 1) * body.count(b"\n")


@dataclass(frozen=True)
class _Lines:
    """Lines of many logs, one array a column.

    Attributes
    ----------
    row_id, line : array of int
    event, node : array of int
        Numbers of `events` and `nodes`.
    start, end : array of int
        Milliseconds since 1970; -1 for none.
    """

    row_id: Ints
    line: Ints
    event: Ints
    node: Ints
    start: Ints
    end: Ints
    events: list[str]
    nodes: list[str]

    @classmethod
    def none(cls) -> _Lines:
        """Return no line."""
        empty = np.empty(0, dtype=np.int64)
        return cls(empty, empty, empty, empty, empty, empty, [], [])

    @classmethod
    def read(cls, header: bytes, bodies: Mapping[int, bytes]) -> _Lines | None:
        """Read logs with one header; None where they cannot be told apart after all."""
        joined = b"".join(bodies.values())
        names = [name.strip().decode() for name in header.split(b",")]
        if not _in_columns(joined, len(names)):
            return None
        text = pa.dictionary(pa.int32(), pa.string())
        types = {"event": text, "node": text, "start": pa.int64(), "end": pa.int64()}
        try:
            table = csv.read_csv(
                pa.BufferReader(joined),
                read_options=csv.ReadOptions(column_names=names, use_threads=False),
                parse_options=csv.ParseOptions(quote_char=False),
                convert_options=csv.ConvertOptions(
                    column_types=types, include_columns=list(types), null_values=[""]
                ),
            )
        except pa.ArrowInvalid:
            return None
        counts = [body.count(b"\n") for body in bodies.values()]
        line = np.concatenate([np.arange(2, count + 2) for count in counts])
        event, events = _numbered(table["event"])
        node, nodes = _numbered(table["node"])
        start, end = (table[name].fill_null(-1).to_numpy() for name in ("start", "end"))
        row_id = np.repeat(np.array(list(bodies)), counts)
        events = [name.strip() for name in events]
        return cls(row_id, line, event, node, start, end, events, nodes)

    def keep(self, there: Bools) -> _Lines:
        """Return some of the lines."""
        names = ("row_id", "line", "event", "node", "start", "end")
        return replace(self, **{name: getattr(self, name)[there] for name in names})

    def not_plain(self) -> Bools:
        """Say which lines have no event, no start or no such time, or show several questions."""
        strange = self._is({"", "group questions"})
        return strange | (self.start < 0) | (self.start >= _MOST) | (self.end >= _MOST)

    def frame(self, repeats: Collection[str] | None) -> pd.DataFrame:
        """Lay the lines out as `read_audit` does."""
        known = None if repeats is None else frozenset(repeats)
        nodes = [below_root(node, known) for node in self.nodes]
        paths = [split_node(node) for node in nodes]
        session = self._sessions()
        screen, has_end = self._is(SCREENS), self.end >= 0
        no_end, negative = screen & ~has_end, has_end & (self.end < self.start)
        usable = ~no_end & ~negative
        problem = np.select(
            [no_end, negative, *self._doubts(session, screen & usable)], [1, 2, 3, 4, 5], 0
        )
        problems = ["", "no_end", "negative", "clock_unset", "clock_back", "overlap"]
        seconds = np.where(usable & has_end, (self.end - self.start) / 1000, np.nan)
        return pd.DataFrame(
            {
                "_id": self.row_id,
                "line": self.line,
                "session": session,
                "event": _texts(self.events, self.event),
                "node": _texts(nodes, self.node),
                "path": _texts([path for path, _ in paths], self.node),
                "positions": _texts([positions for _, positions in paths], self.node),
                "start": _moments(self.start),
                "end": _moments(self.end),
                "seconds": seconds,
                "in_group": np.zeros(len(self.line), dtype=bool),
                "problem": _texts(problems, problem),
            }
        )

    def _is(self, events: Collection[str]) -> Bools:
        return np.array([event in events for event in self.events] + [False])[self.event]

    def _sessions(self) -> Ints:
        opened = pd.Series(self._is(SESSIONS).astype(np.int64))
        return np.asarray(opened.groupby(self.row_id).cumsum(), dtype=np.int64)

    def _doubts(self, session: Ints, shown: Bools) -> tuple[Bools, Bools, Bools]:
        """Say where the clock was unset or back, or a screen began before the last one had ended."""
        ends = pd.Series(np.where(shown, self.end, 0))
        sessions = pd.DataFrame({"row": self.row_id, "session": session})
        latest = ends.groupby([self.row_id, session]).cummax()
        latest = latest.groupby([self.row_id, session]).shift(fill_value=0)
        last = ends.groupby([self.row_id, session]).max()
        before = last.groupby(level=0).cummax().groupby(level=0).shift(fill_value=0)
        earlier = before.reindex(pd.MultiIndex.from_frame(sessions)).to_numpy()
        back = self._is(SESSIONS) & (self.start < earlier)
        return (
            self.start < EARLIEST,
            back,
            self._is(SCREENS) & (self.start < latest.to_numpy()),
        )


def _in_columns(joined: bytes, columns: int) -> bool:
    """Whether every line has as many cells as there are columns."""
    signs = np.frombuffer(joined, dtype=np.uint8)
    ends = signs[(signs == _COMMA) | (signs == _NEWLINE)]
    if len(ends) % columns:
        return False
    lines = ends.reshape(-1, columns)
    return bool((lines[:, -1] == _NEWLINE).all() and (lines[:, :-1] == _COMMA).all())


def _numbered(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], column.type)
    texts = ["" if text is None else text for text in whole.dictionary.to_pylist()]
    codes = whole.indices.fill_null(len(texts)).to_numpy().astype(np.int64)
    return codes, [*texts, ""]


def _texts(texts: list[str], codes: Ints) -> pd.Series:
    return pd.Series(pd.array(texts or [""], dtype="str").take(codes))


def _moments(milliseconds: Ints) -> pd.Series:
    moments = milliseconds.astype("datetime64[ms]")
    moments[milliseconds < 0] = np.datetime64("NaT")
    return pd.Series(moments).dt.tz_localize("UTC")
