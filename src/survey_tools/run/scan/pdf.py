"""Take the words out of a PDF: its pages, what describes pictures, its properties, and files attached to it.

Searches for nothing. Pictures are not looked at; notes and forms are told as not read.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NEAR = 0.6
"""How far apart, in heights of a line, two texts on it may stand that belong together."""

SPACE = 0x20


@dataclass(frozen=True)
class Words:
    """A text of a PDF, or why there is none; `attached` is the content of a file within it."""

    place: str
    text: str = ""
    why: str = ""
    attached: bytes | None = None


def pdf_words(content: bytes) -> Iterator[Words]:
    """Read a PDF.

    Raises
    ------
    ValueError
        When it is damaged, or opens only with a password.
    """
    import pypdfium2 as pdfium  # most scans meet no PDF

    try:
        document = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        raise ValueError("a PDF that is damaged or locked") from error
    try:
        about = document.get_metadata_dict(skip_empty=True)
        yield Words("properties", "\n".join(about.values()))
        for number in range(len(document)):
            yield from _page(document[number], f"page {number + 1}")
        for number in range(document.count_attachments()):
            one = document.get_attachment(number)
            yield Words(
                f"attached file {number + 1}", one.get_name(), attached=bytes(one.get_data())
            )
    finally:
        document.close()


def _page(page: Any, place: str) -> Iterator[Words]:
    import pypdfium2.raw as raw

    text = _text(page.get_textpage(), raw)
    yield Words(place, text)
    if not text.strip() and raw.FPDFPage_CountObjects(page.raw):
        yield Words(place, why="a page of pictures")
    if raw.FPDFPage_GetAnnotCount(page.raw):
        yield Words(place, why="notes, links or a form in a PDF")
    tree = raw.FPDF_StructTree_GetForPage(page.raw)
    if tree:
        try:
            for number in range(raw.FPDF_StructTree_CountChildren(tree)):
                described = _described(raw, raw.FPDF_StructTree_GetChildAtIndex(tree, number))
                yield from (Words(f"{place}, description of a picture", text) for text in described)
        finally:
            raw.FPDF_StructTree_Close(tree)


def _text(page: Any, raw: Any) -> str:
    """Text of a page; what stands apart on a line, as cells of a table do, stands on lines of its own."""
    letters = []
    for place in range(page.count_chars()):
        code = raw.FPDFText_GetUnicode(page.raw, place)
        apart = code == SPACE and raw.FPDFText_IsGenerated(page.raw, place) == 1
        letters.append("\n" if apart and _far(page, place) else chr(code) if code else "")
    text = "".join(letters).replace("\r\n", "\n")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _far(page: Any, place: int) -> bool:
    """Whether the letters beside a space, which the file itself does not have, are far from each other."""
    try:
        _, _, before, _ = page.get_charbox(place - 1, loose=True)
        after, bottom, _, top = page.get_charbox(place + 1, loose=True)
    except (ValueError, IndexError, RuntimeError):
        return True
    return bool(after - before > NEAR * (top - bottom))


def _described(raw: Any, element: Any) -> Iterator[str]:
    """Yield what an element, or one within it, has as the description of a picture."""
    if not element:
        return
    if text := _string(raw.FPDF_StructElement_GetAltText, element):
        yield text
    for number in range(raw.FPDF_StructElement_CountChildren(element)):
        yield from _described(raw, raw.FPDF_StructElement_GetChildAtIndex(element, number))


def _string(function: Any, element: Any) -> str:
    """Call a function of the library that fills a buffer with UTF-16, and says how long it must be."""
    length = function(element, None, 0)
    if length <= 2:
        return ""
    buffer = ctypes.create_string_buffer(length)
    function(element, buffer, length)
    return buffer.raw[: length - 2].decode("utf-16-le", "replace")
