"""Tell states of a row, and states of a store, apart by short hashes.

Not here: asking for rows or keeping them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

INDEX_FIELDS = ("_id", "_uuid", "_validation_status", "_date_modified", "_attachments")
"""What has to be asked for, so that `signature_of` can be told without the whole row."""


def signature_of(row: Mapping[str, Any]) -> str:
    """Return what tells one state of a row on the server from another.

    An edit changes ``_uuid``; a validation changes only ``_validation_status``; a file that a device
    sends late changes only ``_attachments`` (of which the uid and whether it was deleted count: the
    rest differs with the fields asked for and the address of the server); ``_date_modified`` is
    there on servers that have it.

    Parameters
    ----------
    row : mapping
        As the API gives it, whole or with `INDEX_FIELDS` alone: the signature is the same.

    Returns
    -------
    str
        Sixteen hex digits.
    """
    parts: list[Any] = [
        row.get("_uuid"),
        row.get("_validation_status") or {},
        row.get("_date_modified"),
    ]
    files = row.get("_attachments")
    if files:
        parts.append(sorted(map(_file, files), key=str) if isinstance(files, list) else files)
    return _short_hash(json.dumps(parts, sort_keys=True, ensure_ascii=False))


def digest_of(doc: str) -> str:
    """Return the hash of a row's text as it was stored, to find damage that SQLite cannot see."""
    return _short_hash(doc)


def proof_of(signatures: Iterable[tuple[int, str]]) -> str:
    """Hash ``(_id, signature)`` pairs that come in the order of ``_id``."""
    digest = hashlib.sha256()
    for row_id, signature in signatures:
        digest.update(f"{row_id}:{signature}\n".encode())
    return digest.hexdigest()[:16]


def _file(attachment: Any) -> Any:
    if not isinstance(attachment, Mapping):
        return attachment
    name = attachment.get("uid") or attachment.get("id") or attachment.get("filename")
    return [name, bool(attachment.get("is_deleted"))]


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
