"""Write audit logs as ODK Collect would have: seconds on the screen a question; knows no answer.

A log of Collect has a line an event; see its documentation, "Form audit log".
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from survey_tools.synthetic.district import District

SHOWN = frozenset({"select_one", "select_multiple", "integer", "text", "date", "geopoint", "note"})
"""Types of questions that have a screen."""

_ROOT = "/data"
_HEAD = "event,node,start,end\n"
_SPREAD = 0.5  # standard deviation of the logarithm of seconds a question
_AT_WORK = 0.97  # part of an interview in which a question is on the screen
_IDLE_MINUTES = (7.0, 11.0)
_RUSHED_SECONDS = (0.3, 0.7)


def audit_logs(
    district: District, rows: Iterable[Mapping[str, Any]], content: Mapping[str, Any]
) -> dict[int, bytes]:
    """Write a log for each interview that has one in `District.visits`.

    Parameters
    ----------
    district : District
        `visits.audit` says which and of what kind: `usual`, `idle`, or a group that was rushed.
    rows : iterable of mapping
        Rows of the household form, of `submissions`.
    content : mapping
        Content of the form, for the types of its questions.

    Returns
    -------
    dict of int to bytes
        `_id` to the file `audit.csv`.
    """
    visits = district.visits.loc[district.visits["audit"] != ""].set_index("_id")
    kinds = dict(zip(visits.index, visits["audit"], strict=True))
    shown = {row["name"] for row in content["survey"] if row["type"] in SHOWN}
    rng = np.random.default_rng([district.seed, zlib.crc32(b"audit logs")])
    return {
        row["_id"]: _log(_nodes(row, shown), row, kinds[row["_id"]], rng)
        for row in rows
        if row["_id"] in kinds
    }


def _nodes(row: Mapping[str, Any], shown: set[str], at: str = "") -> list[str]:
    """Paths of the questions that were answered, in their order, with positions in repeats."""
    nodes: list[str] = []
    for path, value in row.items():
        if isinstance(value, list) and "/" in path:
            for number, person in enumerate(value, start=1):
                nodes += _nodes(person, shown, f"{path}[{number}]")
        elif path.rsplit("/", 1)[-1] in shown and "/" in path:
            nodes.append(f"{at}/{path.rsplit('/', 1)[-1]}" if at else path)
    return nodes


def _log(nodes: list[str], row: Mapping[str, Any], kind: str, rng: np.random.Generator) -> bytes:
    start, end = (pd.Timestamp(row[name]) for name in ("start", "end"))
    whole = (end - start).total_seconds()
    active = 60 * rng.uniform(*_IDLE_MINUTES) if kind == "idle" else _AT_WORK * whole
    seconds = _seconds(nodes, kind, active, rng)
    opened = int(start.timestamp() * 1000)
    lines = [f"form start,,{opened},"]
    at = opened
    pause = int(1000 * (whole - active)) if kind == "idle" else 0
    for number, (node, taken) in enumerate(zip(nodes, seconds, strict=True)):
        if pause and number == len(nodes) // 2:
            lines += [f"form exit,,{at},", f"form resume,,{at + pause},"]
            at += pause
        until = at + int(1000 * taken)
        lines.append(f"question,{_ROOT}/{node},{at},{until}")
        at = until
    lines += [
        f"end screen,,{at},{at + 800}",
        f"form save,,{at + 800},",
        f"form finalize,,{at + 800},",
    ]
    return (_HEAD + "\n".join(lines) + "\n").encode()


def _seconds(
    nodes: list[str], kind: str, active: float, rng: np.random.Generator
) -> np.ndarray[Any, Any]:
    weights = rng.lognormal(0.0, _SPREAD, len(nodes))
    inside = np.array([f"/{kind}/" in node for node in nodes])
    quick = rng.uniform(*_RUSHED_SECONDS, len(nodes))
    rest = (active - quick[inside].sum()) / weights[~inside].sum()
    return np.where(inside, quick, rest * weights)
