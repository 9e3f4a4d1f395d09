"""Finish and send what was filled in: end and sending time, `_id`, uuids; knows no question."""

from __future__ import annotations

import uuid

import numpy as np
import pandas as pd

from survey_tools.synthetic.draws import Array

_LATEST = pd.Timestamp("2026-10-31T16:00:00")


def send_visits(visits: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Finish, send and number the submissions: sent within hours, seen by the server in UTC."""
    seconds = visits["minutes"] * 60 + rng.integers(0, 60, len(visits))
    end = visits["start"] + pd.to_timedelta(seconds, unit="s")
    first = visits["copy_of"].where(visits["copy_of"] >= 0, visits.index)
    end = end.loc[first].set_axis(visits.index)
    delay = np.clip(rng.exponential(5 * 3600, len(visits)), 60, 30 * 3600).astype(np.int64)
    sent = end - pd.Timedelta(hours=7) + pd.to_timedelta(delay, unit="s")
    sent = sent.loc[first].set_axis(visits.index) + pd.to_timedelta(visits["resent"] * 60, unit="s")
    frame = visits.assign(
        end=end, sent_at=sent.where(sent < _LATEST, _LATEST).astype("datetime64[s]")
    )
    frame = frame.assign(**_identities(len(frame), frame["sent_at"], rng))
    return frame.assign(newer_uuid=_uuids(len(frame), rng))


def send_forms(frame: pd.DataFrame, sent: Array, rng: np.random.Generator) -> pd.DataFrame:
    """Finish, send and number logs or site forms; those that never came get no `_id`."""
    n = len(frame)
    end = frame["start"] + pd.to_timedelta(rng.integers(300, 1500, n), unit="s")
    sent_at = end - pd.Timedelta(hours=7) + pd.to_timedelta(rng.integers(30, 3600, n), unit="s")
    numbered = frame.assign(
        end=end, sent_at=sent_at, **_identities(n, sent_at.where(sent, _LATEST), rng)
    )
    return numbered.assign(_id=numbered["_id"].where(sent).astype("Int64"))


def _identities(n: int, sent_at: pd.Series, rng: np.random.Generator) -> dict[str, Array]:
    """`_id`s that rise with the time of sending and leave gaps, as on a server, and uuids."""
    place = np.empty(n, dtype=np.int64)
    place[np.argsort(sent_at.to_numpy(), kind="stable")] = np.arange(n)
    gaps = np.cumsum(1 + (rng.random(n) < 0.02))
    return {"_id": 1000 + gaps[place], "uuid": _uuids(n, rng)}


def _uuids(n: int, rng: np.random.Generator) -> Array:
    raw = rng.bytes(16 * n)
    found = [str(uuid.UUID(bytes=raw[16 * k : 16 * k + 16], version=4)) for k in range(n)]
    return np.array(found, dtype=object)
