"""Hold what a running sandbox knows: assets, users, faults to come, requests that came.

Not here: HTTP. Requests and the test that drives the sandbox run in two threads, so every change
and every answer is made under one lock.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from survey_tools.errors import KoboError
from survey_tools.kobo.sandbox.asset import SandboxAsset
from survey_tools.kobo.sandbox.bodies import OWNER
from survey_tools.kobo.sandbox.files import StoredFile, attachment_body, stored_file

FAULT_KINDS = ("status", "drop", "truncate", "reset", "cut", "slow")
USERS: dict[str, tuple[str, ...]] = {
    "owner": OWNER,
    "reader": ("view_asset", "view_submissions"),
    "partial": ("view_asset", "partial_submissions"),
    "viewer": ("view_asset",),
    "outsider": (),
}


class Request(NamedTuple):
    """One request that came in; of the headers ``Range`` alone is kept, and so no token."""

    method: str
    path: str
    status: int
    range: str = ""


@dataclass
class Fault:
    """Something that goes wrong with the next ``times`` requests whose address fits.

    Parameters
    ----------
    kind : str
        ``status`` answers ``status``; ``drop`` closes the connection without an answer;
        ``truncate`` breaks off in the middle of the body; ``reset`` does so by resetting the
        connection; ``cut`` breaks off a body that does not say its length, so that only what it
        holds tells; ``slow`` waits ``seconds`` first.
    status : int
        Of kind ``status``.
    retry_after : float, optional
        Sent as ``Retry-After``, in seconds.
    times : int
        How many requests are hit.
    seconds : float
        Of kind ``slow``.
    path_contains : str
        Only requests whose path or query contains this.
    every : int
        Of the requests that fit, hit each ``every``-th.
    at : int, optional
        Bytes of the body that still leave, of the kinds that break off; by default half of it.
    when : callable, optional
        Takes path and query and says whether to hit, such as by a drawn number.
    """

    kind: str = "status"
    status: int = 503
    retry_after: float | None = None
    times: int = 1
    seconds: float = 0.0
    path_contains: str = ""
    every: int = 1
    at: int | None = None
    when: Callable[[str], bool] | None = None
    _seen: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise KoboError(
                "The sandbox knows no such fault.",
                expected=", ".join(FAULT_KINDS),
                found=str(self.kind),
            )
        if self.every < 1 or not (self.when is None or callable(self.when)):
            raise KoboError("A fault hits each first, second … request, or when a call says so.")

    def hits(self, path: str) -> bool:
        """Say whether a request is hit, and count it."""
        if self.path_contains not in path:
            return False
        self._seen += 1
        return self._seen % self.every == 0 and (self.when is None or self.when(path))


@dataclass
class World:
    """The state behind the handlers."""

    assets: dict[str, SandboxAsset]
    tokens: dict[str, str]
    default_page: int = 100
    max_page: int = 1000
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    on_request: Callable[[str, str], None] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    store_url: str = ""
    store_keys: dict[str, StoredFile] = field(default_factory=dict)

    def user_of(self, token: str) -> str | None:
        """Name the user whose token this is."""
        given = token.encode()
        for user, known in self.tokens.items():
            if secrets.compare_digest(known.encode(), given):
                return user
        return None

    def permissions(self, user: str | None) -> tuple[str, ...]:
        """List what a user may do with every asset; nothing without a token."""
        return USERS.get(user or "", ())

    def asset(self, uid: str) -> SandboxAsset:
        """Find an asset for the control side.

        Raises
        ------
        KoboError
            If there is none.
        """
        if uid not in self.assets:
            raise KoboError(f"The sandbox has no asset '{uid}'.", found=", ".join(self.assets))
        return self.assets[uid]

    def next_fault(self, path: str) -> Fault | None:
        """Take the first fault that fits a request and count it down."""
        with self.lock:
            for fault in self.faults:
                if fault.hits(path):
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault
        return None

    def add_row(self, uid: str, row: dict[str, Any]) -> dict[str, Any]:
        """Add a submission as if a device had sent it."""
        with self.lock:
            asset = self.asset(uid)
            newest = asset.versions[-1].uid
            return asset.rows.add(row, submitted_by=asset.owner, version=newest)

    def edit_row(self, uid: str, row_id: int, changes: dict[str, Any]) -> dict[str, Any]:
        """Edit a submission."""
        with self.lock:
            return self._rows_with(uid, row_id).edit(row_id, changes)

    def delete_rows(self, uid: str, ids: Iterable[int]) -> int:
        """Delete submissions; nothing tells that they were there."""
        with self.lock:
            return self.asset(uid).rows.delete(ids)

    def set_status(self, uid: str, row_id: int, status: str) -> dict[str, Any]:
        """Set the validation status of a submission."""
        with self.lock:
            owner = self.asset(uid).owner
            return self._rows_with(uid, row_id).set_status(row_id, status, owner)

    def attach(self, uid: str, row_id: int, name: str, data: bytes, **about: str) -> dict[str, Any]:
        """Add a file to a submission as if a device had sent it late; nothing else changes."""
        with self.lock:
            rows = self._rows_with(uid, row_id)
            number = len(rows.row(row_id).get("_attachments", []))
            file = stored_file(uid, row_id, name, data, number=number, **about)
            self.assets[uid].files[file.uid] = file
            body = attachment_body(file, rows.row(row_id), uid)
            rows.add_file(row_id, body)
            return body

    def remove_file(self, uid: str, row_id: int, attachment: str) -> None:
        """Mark a file as deleted, as the server does when someone deletes it there."""
        with self.lock:
            self._rows_with(uid, row_id).mark_deleted(row_id, attachment)

    def _rows_with(self, uid: str, row_id: int) -> Any:
        rows = self.asset(uid).rows
        if row_id not in rows:
            raise KoboError(f"The asset '{uid}' has no submission {row_id}.")
        return rows


def new_tokens(owner_token: str | None) -> dict[str, str]:
    """Make a token for each kind of user; the owner's can be given."""
    tokens = {user: secrets.token_hex(20) for user in USERS}
    if owner_token:
        tokens["owner"] = owner_token
    return tokens
