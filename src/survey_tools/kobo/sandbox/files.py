"""Hold the files that rows carry, and describe them in rows as the server does.

Not here: HTTP (`file_handlers`), folders (`storage`).
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from survey_tools.errors import KoboError

ROOT = "https://sandbox.invalid/api/v2"
"""Stands in stored rows for the address under which the sandbox is reached."""
SIZES = ("original", "large", "medium", "small")
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@dataclass(frozen=True)
class StoredFile:
    """A file of one row; its bytes are read when they are asked for."""

    uid: str
    row_id: int
    name: str
    mimetype: str
    question: str
    read: Callable[[], bytes]


def stored_file(
    asset_uid: str,
    row_id: int,
    name: str,
    data: bytes,
    *,
    question: str = "",
    mimetype: str = "",
    number: int = 0,
) -> StoredFile:
    """Make a file of a row; ``number`` tells files of the same row and name apart.

    Raises
    ------
    KoboError
        If the data are not bytes.
    """
    if not isinstance(data, bytes | bytearray):
        raise KoboError("The data of a file are bytes.", found=type(data).__name__)
    kind = mimetype or mimetypes.guess_type(name)[0] or "application/octet-stream"
    uid = _uid(f"{asset_uid}/{row_id}/{name}/{question}/{number}")
    whole = bytes(data)
    return StoredFile(uid, row_id, name, kind, question, lambda: whole)


def attachment_body(file: StoredFile, row: dict[str, Any], asset_uid: str) -> dict[str, Any]:
    """Describe a file as an item of ``_attachments``."""
    address = f"{ROOT}/assets/{asset_uid}/data/{file.row_id}/attachments/{file.uid}/"
    home = f"{row.get('formhub/uuid', asset_uid)}/{row.get('_uuid', '')}"
    return {
        "download_url": address,
        "mimetype": file.mimetype,
        "filename": f"{row.get('_submitted_by', '')}/attachments/{home}/{file.name}",
        "media_file_basename": file.name,
        "uid": file.uid,
        "is_deleted": False,
        "download_large_url": f"{address}large/",
        "download_medium_url": f"{address}medium/",
        "download_small_url": f"{address}small/",
        "question_xpath": file.question,
    }


def byte_range(header: str, length: int) -> tuple[int, int] | None:
    """Read a ``Range`` header as first byte and the one after the last; None where there is none.

    Raises
    ------
    ValueError
        If no byte lies in it.
    """
    found = _RANGE.match(header.strip())
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, stop = max(length - int(last), 0), length
    else:
        start, stop = int(first), min(int(last) + 1 if last else length, length)
    if start >= stop:
        raise ValueError("no byte lies in the range")
    return start, stop


def _uid(text: str) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode()).digest())
    letters = ""
    for _ in range(21):
        number, place = divmod(number, len(_LETTERS))
        letters += _LETTERS[place]
    return f"att{letters}"
