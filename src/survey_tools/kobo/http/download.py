"""Receive one file from an answer: in pieces, continued where an earlier attempt broke off.

Not here: requests and repetitions (`session`), which files there are (`attachments`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from survey_tools.errors import KoboError
from survey_tools.kobo.http.answers import UnfinishedBodyError, http_date, where

Progress = Callable[[int, int | None], None]
BLOCK = 1 << 20
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)$")
_MD5 = re.compile(r'"([0-9a-f]{32})"$')


@dataclass(frozen=True)
class Download:
    """A file that came: its place, length in bytes, SHA-256, and from which byte it was continued."""

    path: Path
    bytes: int
    sha256: str
    continued_at: int


@dataclass(frozen=True)
class _Source:
    """What a part was taken from: path asked, whole length, and what vouches for its sameness."""

    path: str
    total: int
    etag: str
    modified: str


class PartFile:
    """The growing file beside a target, and the note of what it is a part of.

    Parameters
    ----------
    target : Path
        Where the whole file goes.
    path : str
        What is asked of the server.
    resume : bool
        Whether what lies there may be continued.
    """

    def __init__(self, target: Path, path: str, *, resume: bool = True) -> None:
        self.target, self.path = target, path
        self.part = target.with_name(target.name + ".part")
        self.note = target.with_name(target.name + ".part.json")
        self.most = 0
        self.continued_at = 0
        self.source = self._noted() if resume else None
        if self.source is None:
            self.discard()

    @property
    def size(self) -> int:
        """Bytes there so far."""
        return self.part.stat().st_size if self.part.exists() else 0

    @property
    def start(self) -> int:
        """The byte to ask for next; of a part that is whole already the last one once more."""
        if self.source is None:
            return 0
        return min(self.size, max(self.source.total - 1, 0))

    def headers(self) -> dict[str, str]:
        """Ask for the whole file as it is, or for the rest of what is there."""
        asked = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if self.source is not None and self.start:
            asked["Range"] = f"bytes={self.start}-"
            asked["If-Range"] = self.source.etag or self.source.modified
        return asked

    def discard(self) -> None:
        """Forget what came so far."""
        self.note.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)
        self.source = None

    def begin(self, source: _Source) -> None:
        """Start at the first byte; the note is there before the bytes are."""
        self.discard()
        os.close(os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        if source.etag or source.modified:
            handle = os.open(self.note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(asdict(source), file)
            self.source = source

    def finish(self, digests: Mapping[str, str]) -> Download:
        """Check what came against the server's own checksum and give it its name."""
        sha256, md5 = _hashes(self.part)
        if digests.get("md5", md5) != md5:
            self.discard()
            raise UnfinishedBodyError("the file differs from the checksum that the server gives")
        length = self.size
        _flush(self.part)
        self.part.replace(self.target)
        self.note.unlink(missing_ok=True)
        return Download(self.target, length, sha256, self.continued_at)

    def _noted(self) -> _Source | None:
        """Read the note; without one that fits, what lies there is not continued."""
        try:
            source = _Source(**json.loads(self.note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        fits = source.path == self.path and self.size <= source.total
        return source if fits and (source.etag or source.modified) else None


def asked_path(url_or_path: str, prefix: str = "") -> str:
    """Return the path and query to ask of the own server, whatever host a row names.

    >>> asked_path("https://elsewhere.example.org/api/v2/assets/a/")
    '/api/v2/assets/a/'
    """
    parts = urlsplit(url_or_path)
    path = parts.path
    if prefix and path.startswith(f"{prefix}/"):
        path = path.removeprefix(prefix)
    return f"{path}?{parts.query}" if parts.query else path


def receive(
    response: httpx.Response,
    part: PartFile,
    *,
    mimetype: str = "",
    progress: Progress | None = None,
) -> Download:
    """Write the body of an answer to a part, and finish the file once it is whole.

    Raises
    ------
    KoboError
        If the answer is no file, or does not show whether it is whole.
    UnfinishedBodyError
        If the answer does not fit the part (which is then forgotten), or breaks off.
    """
    total = _begin(response, part, mimetype)
    mode = os.O_WRONLY | os.O_APPEND
    with os.fdopen(os.open(part.part, mode), "wb", buffering=0) as file:
        for block in response.iter_bytes():
            file.write(block)
            part.most = max(part.most, file.tell())
            if progress is not None:
                progress(file.tell(), total)
    if total is not None and part.size != total:
        if part.size > total:
            part.discard()
        raise UnfinishedBodyError(f"the file has another length than the {total} bytes promised")
    return part.finish(_checksum(response))


def _begin(response: httpx.Response, part: PartFile, mimetype: str) -> int | None:
    """Make the part ready for what comes: its rest, or all of it."""
    if response.status_code == 416 or (response.status_code == 206 and not _fits(response, part)):
        part.discard()
        raise UnfinishedBodyError("the file on the server is not the one that was begun")
    _refuse_what_is_no_file(response, mimetype)
    if response.status_code == 206 and part.source is not None:
        part.continued_at = part.start
        os.truncate(part.part, part.start)
        return part.source.total
    total = (
        int(length) if (length := response.headers.get("content-length", "")).isdigit() else None
    )
    part.continued_at = 0
    part.begin(_source(response, part.path, total))
    return total


def _fits(response: httpx.Response, part: PartFile) -> bool:
    """Say whether what comes continues the part; where the server is unsure, it does not."""
    found = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
    source = part.source
    if not found or source is None:
        return False
    first, last, total = map(int, found.groups())
    if (first, total) != (part.start, source.total) or last >= total:
        return False
    if source.etag:
        return response.headers.get("etag", "") == source.etag
    return response.headers.get("last-modified", "") == source.modified


def _source(response: httpx.Response, path: str, total: int | None) -> _Source:
    """Note what vouches for the file; a weak ETag or a fresh date does not (RFC 9110, 8.8)."""
    etag, modified = response.headers.get("etag", ""), response.headers.get("last-modified", "")
    changed, now = http_date(modified), http_date(response.headers.get("date", ""))
    old_enough = changed is not None and now is not None and (now - changed).total_seconds() >= 1
    if total is None or response.headers.get("accept-ranges", "").lower() == "none":
        return _Source(path, total or 0, "", "")
    strong = etag if re.fullmatch(r'"[^"]*"', etag) else ""
    return _Source(path, total, strong, modified if old_enough and not strong else "")


def _refuse_what_is_no_file(response: httpx.Response, mimetype: str) -> None:
    headers = response.headers
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    page = kind == "text/html" and mimetype.lower() != kind and "content-disposition" not in headers
    if page:
        raise KoboError(
            "The server answered with a web page in place of a file.",
            expected=mimetype or "a file",
            found=kind,
            where=where(response),
            next_step="Check that the address is the KoboToolbox server's own and that no login "
            "page of a network stands in between.",
        )
    if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise _not_checkable(response, "a body packed on the way")
    if "content-length" not in headers and "chunked" not in headers.get("transfer-encoding", ""):
        raise _not_checkable(response, "a body without a length")


def _not_checkable(response: httpx.Response, found: str) -> KoboError:
    return KoboError(
        "The server sends the file in a way that does not show whether all of it came.",
        expected="a body as it is, with its length",
        found=found,
        where=where(response),
        next_step="Tell the server's administrator: a proxy in front of it changes its answers.",
    )


def _checksum(response: httpx.Response) -> dict[str, str]:
    """Read the MD5 of the whole file where the answer gives it.

    The ETag of an S3 store is one for a file that was stored in one part and not with a key of its
    own; elsewhere 32 digits may be anything.
    """
    headers = response.headers
    given = headers.get("content-md5", "")
    if re.fullmatch(r"[A-Za-z0-9+/]{22}==", given) and response.status_code == 200:
        return {"md5": base64.b64decode(given).hex()}
    own_key = headers.get("x-amz-server-side-encryption", "AES256") != "AES256"
    own_key = own_key or "x-amz-server-side-encryption-customer-algorithm" in headers
    found = _MD5.match(headers.get("etag", ""))
    is_s3 = headers.get("server", "") == "AmazonS3" or "x-amz-request-id" in headers
    return {"md5": found.group(1)} if found and is_s3 and not own_key else {}


def _hashes(path: Path) -> tuple[str, str]:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            sha256.update(block)
            md5.update(block)
    return sha256.hexdigest(), md5.hexdigest()


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
