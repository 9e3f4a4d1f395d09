"""The frame around every page: head, banner, links between pages, main part.

The same for pages made from notebooks and for the index; loads nothing from any address.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from html import escape
from pathlib import Path

from survey_tools.files import PUBLIC, replacing
from survey_tools.report.markup import banner
from survey_tools.report.wording import Wording

TEMPLATE = Path(__file__).parent / "template"
INDEX = {"vi": "index.html", "en": "index.en.html"}
"""File of the index in each language."""

Gate = Callable[[str, bytes], None]
"""Raises when a file of this name and content may not be released."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"


def head(
    words: Wording, title: str, links: Sequence[tuple[str, str, str]], *, extra_css: str = ""
) -> str:
    """Make everything before the content.

    Parameters
    ----------
    words : Wording
        Sentences in the language of the page.
    title : str
    links : sequence of (text, address, language)
        Links to other pages; the language is that of the page linked to.
    extra_css : str
        Rules that this page needs beyond the common ones.
    """
    items = "".join(
        f'<li><a href="{escape(address)}" hreflang="{lang}" lang="{lang}">{escape(text)}</a></li>'
        for text, address, lang in links
    )
    nav = f'<nav aria-label="{escape(words("nav_label"))}"><ul>{items}</ul></nav>' if items else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{words.lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_css()}{extra_css}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#content">{escape(words("skip"))}</a>\n'
        f'<header>{nav}</header>\n<main id="content">\n'
    )


def foot() -> str:
    """Make everything after the content."""
    return "</main>\n</body>\n</html>\n"


def synthetic_banner(words: Wording) -> str:
    """Say that the answers are simulated."""
    return banner(words("synthetic")).source


def write_page(path: Path, content: str, gate: Gate | None = None, *, mode: int = PUBLIC) -> Path:
    """Write a page by a temporary name in the same folder, then rename.

    Parameters
    ----------
    path : Path
    content : str
    gate : callable, optional
        Called with the name and the content of the file before anything is written; what it raises
        holds the page back.
    mode : int
        Rights of the file.

    Raises
    ------
    RunError
        When the disk is full or the folder cannot be written; the old page stays as it was.
    """
    if gate is not None:
        gate(path.name, content.encode("utf-8"))
    with replacing(path, "The page could not be written", mode=mode) as temporary:
        temporary.write_text(content, encoding="utf-8", newline="\n")
    return path


@cache
def _css() -> str:
    return (TEMPLATE / "page.css").read_text("utf-8")
