"""Describe what one pull of a survey did.

Not here: doing it.
"""

from __future__ import annotations

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
        Live rows in the store, and rows on the server at the end. In a complete pull
        ``rows + erased == server_count - arrived``.
    erased : int
        Rows that were erased from the store on purpose and are still on the server: they are not
        fetched again. Delete them there too.
    arrived : int
        Rows that came in while the pull was counting: they bear higher ids than any row held, and the
        next pull fetches them. Mostly 0: a pull walks on to the end of the rows.
    walks : int
        How often the server's index was walked; more than once if rows came or went meanwhile.
    clock_offset : float or None
        Seconds by which this computer's clock is ahead of the server's; None if it did not say.
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
    erased: int = 0
    arrived: int = 0
    walks: int = 0
    requests: int = 0
    bytes: int = 0
    clock_offset: float | None = None
    complete: bool = False
    proof: str = ""
