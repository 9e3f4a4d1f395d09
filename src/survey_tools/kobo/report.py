"""Describe what one pull of a survey did.

Not here: doing it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class PullReport:
    """What a sync did and what the store holds after it.

    Attributes
    ----------
    form, server : str
        The form's uid, and the server as the store names it.
    started, finished : str
        UTC, ISO 8601; `finished` is empty for a pull that broke off.
    new, edited, deleted, restored, unchanged : int
        Rows. A change of the validation status counts as an edit. `unchanged` are the live rows
        that are neither new, edited nor restored.
    rows, server_count : int
        Live rows in the store, and rows on the server at the end; equal in a complete pull.
    requests, bytes : int
        Cost of the pull.
    complete : bool
        Whether it ran to its end.
    proof : str
        Sixteen hex digits of SHA-256 over the live rows' ``_id`` and signature, in order: two
        stores with the same proof hold the same rows.
    """

    form: str
    server: str
    started: str
    finished: str = ""
    new: int = 0
    edited: int = 0
    deleted: int = 0
    restored: int = 0
    unchanged: int = 0
    rows: int = 0
    server_count: int = 0
    requests: int = 0
    bytes: int = 0
    complete: bool = False
    proof: str = ""


def proof_of(signatures: Iterable[tuple[int, str]]) -> str:
    """Hash ``(_id, signature)`` pairs that come in the order of ``_id``."""
    digest = hashlib.sha256()
    for row_id, signature in signatures:
        digest.update(f"{row_id}:{signature}\n".encode())
    return digest.hexdigest()[:16]
