"""Read any file into stretches of text, each with its place; say of what it cannot read.

Searches for nothing. Pictures are read only as far as words are written into their files.
"""

from __future__ import annotations

import base64
import csv
import gzip
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any
from zipfile import BadZipFile, ZipFile

from survey_tools.run.scan.markup import text_of, without_embedded
from survey_tools.run.scan.pdf import pdf_words
from survey_tools.run.scan.tables import parquet_pieces, sqlite_pieces

LARGEST = 1_000_000_000
"""Bytes that a packed file may have when it is unpacked."""

MARKUP = frozenset({".html", ".htm", ".xhtml", ".svg", ".xml", ".md", ".rels", ".j2"})
ESCAPED = frozenset({".json", ".jsonl", ".ndjson", ".geojson", ".ipynb", ".js", ".map"})
"""Files in which letters may be written as backslash sequences."""

DELIMITERS = {".csv": ",", ".tsv": "\t"}

_ROUGH = re.compile(r"-?\d+\.\d{1,2}")
"""Two decimals of a degree are a kilometre: two cells of this kind place no household."""

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([nrtbf])|([\"/\\]))")
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Piece:
    """A stretch of text and where it stands.

    `lines`: whether its lines are counted for the place. `words`: whether it was text in the file; else
    they are numbers, in which only what is known is looked for.
    """

    place: str
    text: str
    lines: bool = True
    words: bool = True


@dataclass(frozen=True)
class NotRead:
    """A part of a file that could not be read, and why; `content` is its bytes."""

    place: str
    why: str
    content: bytes = b""


Read = Iterator[Piece | NotRead]


def read_bytes(name: str, content: bytes, place: str = "") -> Read:
    """Take a file apart by what it is, whatever it is called.

    Parameters
    ----------
    name : str
        Its ending tells apart kinds of text.
    content : bytes
    place : str
        Where the file itself stands, if it is part of another one.
    """
    for start, read in _BY_START:
        if content.startswith(start):
            yield from read(name, content, place)
            return
    if why := _unreadable(content):
        yield NotRead(place, why, content)
        return
    yield from _text(name, content, place)


def _text(name: str, content: bytes, place: str) -> Read:
    encoding = _UTF16.get(content[:2], "utf-8-sig")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        yield NotRead(place, "text that is not UTF-8", content)
        return
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == ".ipynb":
        yield from _notebook(text, place)
        return
    text, embedded = without_embedded(text)
    if suffix in MARKUP or text.lstrip()[:1] == "<":
        text = text_of(text)
    elif suffix in ESCAPED:
        text = unescaped(text)
    elif suffix in DELIMITERS:
        text = _cells(text, DELIMITERS[suffix])
    yield Piece(place, text)
    for number, (kind, inner) in enumerate(embedded, start=1):
        where = _joined(place, f"embedded file {number}")
        yield from read_bytes(f"x{_suffix(kind)}", inner, where)


def unescaped(text: str) -> str:
    r"""Write the letters that backslash sequences stand for, without new lines.

    >>> unescaped(r'"Nguy\u1ec5n\nV\u0103n"')
    '"Nguyễn Văn"'
    """
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else " " if m[2] else m[3], text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _cells(text: str, delimiter: str) -> str:
    """Part the cells of a table as no number is parted; every row begins in its line."""
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    lines: list[str] = []
    try:
        for row in reader:
            cells = [" ".join(cell.splitlines()) for cell in row]
            lines.append(_parted(cells))
            lines += [""] * (reader.line_num - len(lines))
    except csv.Error:
        return text
    return "\n".join(lines)


def _parted(cells: list[str]) -> str:
    """Write a row, with a stroke between two rough numbers: percentages side by side are no position."""
    text = "".join(cells[:1])
    for before, cell in pairwise(cells):
        rough = _ROUGH.fullmatch(before) and _ROUGH.fullmatch(cell)
        text += f" | {cell}" if rough else f"; {cell}"
    return text


def _notebook(text: str, place: str) -> Read:
    try:
        notebook = json.loads(text)
        cells, metadata = notebook["cells"], notebook.get("metadata", {})
    except (ValueError, KeyError, TypeError):
        yield Piece(place, unescaped(text))
        return
    yield Piece(_joined(place, "metadata"), json.dumps(metadata, ensure_ascii=False), False)
    for number, cell in enumerate(cells, start=1):
        where = _joined(place, f"cell {number}")
        yield Piece(where, _whole(cell.get("source", "")))
        about = {key: cell[key] for key in ("metadata", "id") if key in cell}
        yield Piece(f"{where}, metadata", json.dumps(about, ensure_ascii=False), False)
        for name, data in cell.get("attachments", {}).items():
            yield from _mime(data, f"{where}, attachment {name}")
        for count, output in enumerate(cell.get("outputs", []), start=1):
            yield from _output(output, f"{where}, output {count}")


def _output(output: dict[str, Any], where: str) -> Read:
    said = [_whole(output.get(key, "")) for key in ("text", "ename", "evalue")]
    said.append("\n".join(output.get("traceback", [])))
    if any(said):
        yield Piece(where, "\n".join(filter(None, said)))
    if output.get("metadata"):
        yield Piece(f"{where}, metadata", json.dumps(output["metadata"], ensure_ascii=False), False)
    yield from _mime(output.get("data", {}), where)


def _mime(data: dict[str, Any], where: str) -> Read:
    for kind, value in data.items():
        place = f"{where} ({kind})"
        if kind.endswith("json") or not isinstance(value, str | list):
            yield Piece(place, json.dumps(value, ensure_ascii=False, indent=0))
        elif kind.startswith("text/") or kind in ("image/svg+xml", "application/javascript"):
            yield from read_bytes(f"x{_suffix(kind)}", _whole(value).encode("utf-8"), place)
        else:
            yield from read_bytes("x", base64.b64decode(_whole(value)), place)


def _whole(source: object) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _suffix(kind: str) -> str:
    known = {"text/html": ".html", "image/svg+xml": ".svg", "text/csv": ".csv", "text/markdown": ".md",
             "application/json": ".json", "text/xml": ".xml", "application/xml": ".xml"}  # fmt: skip
    return known.get(kind.split(";")[0].lower(), ".txt")


def _zip(name: str, content: bytes, place: str) -> Read:
    try:
        with ZipFile(BytesIO(content)) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            if sum(m.file_size for m in members) > LARGEST:
                yield NotRead(place, "too large when it is unpacked")
                return
            if archive.comment:
                yield Piece(_joined(place, "comment"), archive.comment.decode("utf-8", "replace"))
            for member in members:
                where = _joined(place, member.filename)
                yield Piece(where, member.filename, False)
                if member.flag_bits & 1:
                    yield NotRead(where, "encrypted")
                    continue
                yield from read_bytes(member.filename, archive.read(member), where)
    except (BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError):
        yield NotRead(place, "a damaged zip file", content)


def _gzip(name: str, content: bytes, place: str) -> Read:
    try:
        with gzip.open(BytesIO(content)) as file:
            inner = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error):
        yield NotRead(place, "a damaged gzip file", content)
        return
    if len(inner) > LARGEST:
        yield NotRead(place, "too large when it is unpacked")
        return
    yield from read_bytes(name.removesuffix(".gz"), inner, place)


def _png(name: str, content: bytes, place: str) -> Read:
    """Read the words in a picture's file; to decode the picture itself would cost more than a page."""
    at = len(_PNG)
    while at + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + 8 + length]
        at += 12 + length
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            yield Piece(_joined(place, "text in the picture"), _png_text(kind, body), False)
        elif kind == b"eXIf":
            yield NotRead(_joined(place, "camera data"), "EXIF", body)
    if at != len(content):
        yield NotRead(place, "a damaged picture, or something behind it", content)


def _png_text(kind: bytes, body: bytes) -> str:
    key, _, rest = body.partition(b"\0")
    packed = kind == b"zTXt" or (kind == b"iTXt" and rest[:1] == b"\1")
    if kind == b"iTXt":
        rest = rest[2:].split(b"\0", 2)[-1]
    elif kind == b"zTXt":
        rest = rest[1:]
    try:
        rest = zlib.decompress(rest) if packed else rest
    except zlib.error:
        return key.decode("latin-1")
    return f"{key.decode('latin-1')}: {rest.decode('utf-8', 'replace')}"


def _parquet(name: str, content: bytes, place: str) -> Read:
    try:
        for where, text, words in parquet_pieces(content):
            yield Piece(_joined(place, where), text, False, words)
    except ValueError:
        yield NotRead(place, "a damaged Parquet file", content)


def _sqlite(name: str, content: bytes, place: str) -> Read:
    try:
        for where, value in sqlite_pieces(content):
            if isinstance(value, bytes):
                yield from read_bytes("x", value, _joined(place, where))
            else:
                yield Piece(_joined(place, where), unescaped(value), False)
    except ValueError:
        yield NotRead(place, "a damaged SQLite file", content)


def _pdf(name: str, content: bytes, place: str) -> Read:
    try:
        for words in pdf_words(content):
            where = _joined(place, words.place)
            if words.why:
                yield NotRead(where, words.why)
            if words.text:
                yield Piece(where, words.text)
            if words.attached is not None:
                yield from read_bytes(words.text, words.attached, where)
    except ValueError:
        yield NotRead(place, "a PDF that is damaged or locked", content)


def _unreadable(content: bytes) -> str:
    for start, why in _NO_TEXT:
        if content.startswith(start):
            return why
    if content[:2] not in _UTF16 and b"\0" in content[:8192]:
        return "a file of an unknown kind"
    return ""


def _joined(place: str, more: str) -> str:
    return f"{place}, {more}" if place else more


_BY_START: tuple[tuple[bytes, Callable[[str, bytes, str], Read]], ...] = (
    (_PNG, _png),
    (b"PK\x03\x04", _zip),
    (b"PK\x05\x06", _zip),
    (b"PAR1", _parquet),
    (b"SQLite format 3\0", _sqlite),
    (b"\x1f\x8b", _gzip),
    (b"%PDF", _pdf),
)

_NO_TEXT = (
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"II*\0", "a picture (TIFF)"),
    (b"MM\0*", "a picture (TIFF)"),
    (b"RIFF", "a picture or sound (RIFF)"),
)
