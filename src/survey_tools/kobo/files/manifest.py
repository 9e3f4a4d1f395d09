"""Keep a folder of attachments: safe names, the manifest of what is there, verifying and erasing.

Not here: fetching files (`attachments`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from survey_tools.errors import StoreError

NAME = "manifest.jsonl"
LONGEST = 150
BLOCK = 1 << 20
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_UID = re.compile(r"[A-Za-z0-9_-]{1,60}")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


@dataclass(frozen=True)
class StoredAttachment:
    """A file that is there.

    Attributes
    ----------
    row_id, uid : int, str
        The row and the file on the server.
    file : str
        Its place below the folder, such as ``12/attAb…-qr.jpg``.
    name, question, mimetype : str
        As the server says.
    bytes, sha256 : int, str
        Length and hash when it was fetched.
    fetched_at : str
        UTC, ISO 8601.
    """

    row_id: int
    uid: str
    file: str
    name: str
    question: str
    mimetype: str
    bytes: int
    sha256: str
    fetched_at: str


@dataclass(frozen=True)
class FileState:
    """A file of the folder that is not as the manifest says: ``missing``, ``damaged``, ``unlisted``."""

    row_id: int
    uid: str
    file: str
    state: str


def place_of(row_id: int, uid: str, name: str) -> str:
    """Return where a file lies below the folder: ``<row>/<uid>-<safe name>``."""
    key = uid if _UID.fullmatch(uid) else hashlib.sha256(uid.encode("utf-8", "replace")).hexdigest()
    return f"{int(row_id)}/{key}-{safe_name(name)}"


def safe_name(name: str) -> str:
    """Turn a name from a server into one that every file system takes, in one folder.

    >>> safe_name("../../etc/passwd"), safe_name("Ảnh chụp.JPG"), safe_name("con.txt")
    ('passwd', 'Ảnh chụp.JPG', '_con.txt')
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    # Control, format (which reverse the order of letters) and unassigned characters go.
    kept = "".join(c for c in last if unicodedata.category(c)[0] != "C")
    kept = _FORBIDDEN.sub("_", kept).strip(". ") or "file"
    kept = f"_{kept}" if _RESERVED.match(kept) else kept
    stem, dot, ending = kept.rpartition(".")
    if not dot or len(ending.encode()) > 10:
        stem, ending = kept, ""
    room = LONGEST - len((dot + ending).encode()) if ending else LONGEST
    return _cut(stem, room) + (f".{ending}" if ending else "")


def read_manifest(folder: str | Path) -> tuple[StoredAttachment, ...]:
    """Return what a folder holds, in the order in which it came; empty where there is no manifest.

    A last line that broke off is left out: its file counts as not there.

    Raises
    ------
    StoreError
        If another line is damaged.
    """
    path = Path(folder) / NAME
    if not path.exists():
        return ()
    lines = path.read_bytes().split(b"\n")
    found: dict[tuple[int, str], StoredAttachment] = {}
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            entry = StoredAttachment(**json.loads(line))
        except (ValueError, TypeError) as error:
            if number == len(lines):
                break
            raise StoreError(
                "The manifest of the attachments is damaged.",
                where=f"{path}, line {number}",
                next_step="Take the line out; its file is fetched again.",
            ) from error
        # The place is made anew, so that a changed manifest points to nothing outside the folder.
        if entry.file == place_of(entry.row_id, entry.uid, entry.name):
            found.pop((entry.row_id, entry.uid), None)
            found[entry.row_id, entry.uid] = entry
    return tuple(found.values())


def write_manifest(folder: Path, entries: Iterable[StoredAttachment]) -> None:
    """Write the manifest beside itself and move it into place."""
    new = folder / f"{NAME}.new"
    with disk_errors(folder):
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.writelines(map(_line, entries))
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / NAME)


def append(folder: Path, entry: StoredAttachment) -> None:
    """Add one file to the manifest, so that it counts as there even if the run is killed next."""
    with disk_errors(folder):
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with os.fdopen(os.open(folder / NAME, flags, 0o600), "ab") as file:
            file.write(_line(entry))


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what the disk reports into a `StoreError`."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            "The folder of attachments cannot be read or written.",
            found=error.strerror or type(error).__name__,
            where=str(folder),
            next_step="Free some space or get the right to write there, and start again: what came "
            "so far is kept.",
        ) from error


def verify_attachments(folder: str | Path) -> tuple[FileState, ...]:
    """Hash every file of a folder again.

    Returns
    -------
    tuple of FileState
        What is not as the manifest says; empty where all is well.
    """
    home, found = Path(folder), []
    entries = {entry.file: entry for entry in read_manifest(home)}
    with disk_errors(home):
        for file, entry in entries.items():
            state = state_of(home, entry, rehash=True)
            if state:
                found.append(FileState(entry.row_id, entry.uid, file, state))
        for path in sorted(home.glob("*/*")):
            file = path.relative_to(home).as_posix()
            if file not in entries and path.parent.name.isdigit() and not _is_begun(path):
                uid = path.name.partition("-")[0]
                found.append(FileState(int(path.parent.name), uid, file, "unlisted"))
    return tuple(found)


def remove_attachments(folder: str | Path, row_ids: Iterable[int]) -> int:
    """Erase the files of rows, begun ones too, and their lines in the manifest.

    Returns
    -------
    int
        How many files were erased.
    """
    home, count = Path(folder), 0
    gone = {int(row_id) for row_id in row_ids}
    with disk_errors(home):
        for row_id in gone:
            place = home / str(row_id)
            if place.is_dir() and not place.is_symlink():
                count += sum(not _is_note(path) for path in place.iterdir())
                shutil.rmtree(place)
        entries = read_manifest(home)
        kept = [entry for entry in entries if entry.row_id not in gone]
        if (home / NAME).exists():
            write_manifest(home, kept)
    return count


def state_of(folder: Path, entry: StoredAttachment, *, rehash: bool) -> str:
    """Say what is wrong with a file: empty where nothing is."""
    path = folder / entry.file
    if not path.is_file():
        return "missing"
    whole = path.stat().st_size == entry.bytes
    if whole and rehash:
        whole = hash_of(path) == entry.sha256
    return "" if whole else "damaged"


def _line(entry: StoredAttachment) -> bytes:
    return json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n"


def _cut(text: str, room: int) -> str:
    return text.encode()[: max(room, 1)].decode("utf-8", "ignore").rstrip(". ") or "file"


def _is_begun(path: Path) -> bool:
    return path.suffix == ".part" or _is_note(path)


def _is_note(path: Path) -> bool:
    return path.name.endswith(".part.json")
