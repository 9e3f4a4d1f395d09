"""List the files that rows carry and fetch them into a folder.

Not here: how one file travels (`session`), how the folder is kept (`manifest`), what is in the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from survey_tools.errors import KoboError
from survey_tools.kobo.files import manifest
from survey_tools.kobo.files.manifest import (
    FileState,
    StoredAttachment,
    read_manifest,
    remove_attachments,
    state_of,
    verify_attachments,
)
from survey_tools.kobo.http.download import asked_path
from survey_tools.kobo.http.session import KoboSession

__all__ = [
    "Attachment",
    "AttachmentReport",
    "Failure",
    "FileState",
    "StoredAttachment",
    "download_attachments",
    "list_attachments",
    "read_manifest",
    "remove_attachments",
    "verify_attachments",
]

GIVE_UP_AFTER = 5
"""Failures in a row after which the rest is not tried: the server is gone, not one file."""


class HasSession(Protocol):
    """A client."""

    @property
    def session(self) -> KoboSession:
        """The session that it asks."""


@dataclass(frozen=True)
class Attachment:
    """A file as a row names it.

    Attributes
    ----------
    row_id : int
        ``_id`` of the row.
    uid : str
        Of the file; never reused.
    name : str
        As the device called it. It comes from outside and is no name to give a file unseen.
    question : str
        The path of its question, with positions in repeats as the server writes them.
    mimetype : str
        As the server says.
    path : str
        Path and query to ask for it; empty where the row names none.
    deleted : bool
        Whether it was deleted on the server.
    """

    row_id: int
    uid: str
    name: str
    question: str
    mimetype: str
    path: str
    deleted: bool


@dataclass(frozen=True)
class Failure:
    """A file that did not come, and why."""

    row_id: int
    uid: str
    reason: str


@dataclass(frozen=True)
class AttachmentReport:
    """What a download did.

    Attributes
    ----------
    fetched, kept : tuple of StoredAttachment
        Files that came now, and those that were there and whole.
    deleted : tuple of Attachment
        Files that the rows name as deleted on the server; they are not asked for.
    failed : tuple of Failure
        Files that did not come.
    """

    fetched: tuple[StoredAttachment, ...]
    kept: tuple[StoredAttachment, ...]
    deleted: tuple[Attachment, ...]
    failed: tuple[Failure, ...]

    def raise_for_failures(self) -> None:
        """Raise one error that lists the files that did not come.

        Raises
        ------
        KoboError
            If there are any.
        """
        if not self.failed:
            return
        shown = [f"row {one.row_id}, {one.uid}: {one.reason}" for one in self.failed[:10]]
        more = len(self.failed) - len(shown)
        raise KoboError(
            f"{len(self.failed)} attachments did not come.",
            found="; ".join(shown) + (f"; and {more} more" if more else ""),
            next_step="Start again: what came is kept, and what was begun is continued.",
        )


def list_attachments(rows: Iterable[Mapping[str, Any]]) -> list[Attachment]:
    """List the files that rows name, each once.

    Parameters
    ----------
    rows : iterable of mapping
        As the API gives them.

    Returns
    -------
    list of Attachment
        In the order of the rows, those deleted on the server included.
    """
    found: dict[tuple[int, str], Attachment] = {}
    for row in rows:
        for item in row.get("_attachments") or ():
            one = _attachment(int(row["_id"]), item)
            found.setdefault((one.row_id, one.uid), one)
    return list(found.values())


def download_attachments(
    source: KoboSession | HasSession,
    rows: Iterable[Mapping[str, Any]],
    folder: str | Path,
    *,
    select: Callable[[Attachment], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
    rehash: bool = True,
) -> AttachmentReport:
    """Fetch the files of rows that are not in a folder yet.

    What is there and whole is kept, what an earlier run began is continued, what is damaged is
    fetched again. One file that fails does not keep the others from coming.

    Parameters
    ----------
    source : KoboSession or client with one
        The server to ask, whatever host the rows name.
    rows : iterable of mapping
        As the API gives them.
    folder : path
        Gets ``<_id>/<uid>-<name>`` and ``manifest.jsonl``; made with mode 0700, files with 0600.
    select : callable, optional
        Takes an `Attachment` and says whether it is wanted.
    progress : callable, optional
        Called with the number of files done and of all wanted.
    rehash : bool
        Whether to read each file that is there and compare its SHA-256; if not, its length counts.

    Returns
    -------
    AttachmentReport
        With the failures; `AttachmentReport.raise_for_failures` makes an error of them.

    Raises
    ------
    StoreError
        If the folder cannot be written or its manifest is damaged.
    """
    session = source if isinstance(source, KoboSession) else source.session
    listed = [one for one in list_attachments(rows) if select is None or select(one)]
    wanted = [one for one in listed if not one.deleted]
    run = _Run(session, Path(folder), rehash)
    for done, one in enumerate(wanted, start=1):
        run.take(one)
        if progress is not None:
            progress(done, len(wanted))
    return run.report(tuple(one for one in listed if one.deleted))


class _Run:
    """One download: what was there, what came, what failed."""

    def __init__(self, session: KoboSession, folder: Path, rehash: bool) -> None:
        self.session, self.folder, self.rehash = session, folder, rehash
        with manifest.disk_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.entries = {(e.row_id, e.uid): e for e in read_manifest(folder)}
        # Whatever broke off at the end of the manifest goes before a line is added to it.
        manifest.write_manifest(folder, self.entries.values())
        self.fetched: list[StoredAttachment] = []
        self.kept: list[StoredAttachment] = []
        self.failed: list[Failure] = []
        self.in_a_row = 0

    def take(self, one: Attachment) -> None:
        """Keep, fetch or give up one file."""
        entry = self.entries.get((one.row_id, one.uid))
        with manifest.disk_errors(self.folder):
            if entry is not None and not state_of(self.folder, entry, rehash=self.rehash):
                self.kept.append(entry)
                return
            if self.in_a_row >= GIVE_UP_AFTER:
                self._fail(one, "not tried, since the files before it failed one after another")
                return
            try:
                self._fetch(one)
                self.in_a_row = 0
            except KoboError as error:
                self._fail(one, f"{error.what} {error.found or ''}".strip())
                self.in_a_row += 1

    def report(self, deleted: tuple[Attachment, ...]) -> AttachmentReport:
        """Write the manifest anew and say what was done."""
        manifest.write_manifest(self.folder, self.entries.values())
        done = (tuple(self.fetched), tuple(self.kept), deleted, tuple(self.failed))
        return AttachmentReport(*done)

    def _fetch(self, one: Attachment) -> None:
        if not one.path:
            raise KoboError("The row names no address for the file.")
        file = manifest.place_of(one.row_id, one.uid, one.name)
        target = self.folder / file
        target.parent.mkdir(mode=0o700, exist_ok=True)
        came = self.session.download(one.path, target, mimetype=one.mimetype)
        entry = StoredAttachment(
            row_id=one.row_id,
            uid=one.uid,
            file=file,
            name=one.name,
            question=one.question,
            mimetype=one.mimetype,
            bytes=came.bytes,
            sha256=came.sha256,
            fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        manifest.append(self.folder, entry)
        self.entries[one.row_id, one.uid] = entry
        self.fetched.append(entry)

    def _fail(self, one: Attachment, reason: str) -> None:
        self.failed.append(Failure(one.row_id, one.uid, reason))


def _attachment(row_id: int, item: Mapping[str, Any]) -> Attachment:
    filename = str(item.get("filename") or "")
    url = str(item.get("download_url") or "")
    name = str(item.get("media_file_basename") or filename.rpartition("/")[2])
    return Attachment(
        row_id=row_id,
        uid=str(item.get("uid") or item.get("id") or filename),
        name=name or unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2]),
        question=str(item.get("question_xpath") or ""),
        mimetype=str(item.get("mimetype") or ""),
        path=asked_path(url) if url else "",
        deleted=bool(item.get("is_deleted")),
    )
