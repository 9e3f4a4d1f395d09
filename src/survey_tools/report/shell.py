"""The frame around every page: head, banner, links between pages, main part.

The same for pages made from notebooks and for the index; loads nothing from any address.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from html import escape
from pathlib import Path

from survey_tools.files import PUBLIC, replacing
from survey_tools.report.markup import banner
from survey_tools.report.numbers import Lang
from survey_tools.report.wording import Wording

TEMPLATE = Path(__file__).parent / "template"
INDEX = {"vi": "index.html", "en": "index.en.html"}
"""File of the index in each language."""

Gate = Callable[[str, bytes], None]
"""Raises when a file of this name and content may not be released."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"
THEME = (TEMPLATE / "theme.js").read_text("utf-8")
"""Script that switches colours, and keeps the place in a page when the language is switched."""


def head(
    words: Wording,
    title: str,
    links: Sequence[tuple[str, str, str]],
    *,
    extra_css: str = "",
    script: str = "",
    meta: str = "",
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
    script : str
        The one script that the page may run, named in its policy by its digest; with it there is the
        switch of colours that `THEME` serves.
    meta : str
        What the page tells programs of itself, as `<meta>`.
    """
    items = "".join(
        f'<li><a href="{escape(address)}" hreflang="{lang}" lang="{lang}">{escape(text)}</a></li>'
        for text, address, lang in links
    )
    nav = f'<nav aria-label="{escape(words("nav_label"))}"><ul>{items}</ul></nav>' if items else ""
    policy, loaded, switch = POLICY, "", ""
    if script:
        policy = f"{POLICY}; script-src '{_digest(script)}'"
        loaded = f"<script>{script}</script>\n"
        label = escape(words("site_theme"))
        switch = f'<button type="button" id="theme" aria-pressed="false" hidden>{label}</button>'
    return (
        f'<!DOCTYPE html>\n<html lang="{words.lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{meta}<title>{escape(title)}</title>\n<style>\n{_css()}{extra_css}</style>\n{loaded}</head>\n<body>\n"
        f'<a class="skip" href="#content">{escape(words("skip"))}</a>\n'
        f'<header>{nav}{switch}</header>\n<main id="content">\n'
    )


def foot() -> str:
    """Make everything after the content."""
    return "</main>\n</body>\n</html>\n"


def other_languages(
    lang: Lang, langs: Iterable[str], files: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """Link to the same page in the other languages, as `head` takes it; `files` by language."""
    others = [other for other in langs if other != lang]
    return [(Wording(other)("lang_name"), files[other], other) for other in others]  # type: ignore[arg-type]


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
    write_together({path: content.encode("utf-8")}, gate, mode=mode)
    return path


def write_together(
    files: Mapping[Path, bytes], gate: Gate | None = None, *, mode: int = PUBLIC
) -> None:
    """Write files by temporary names and rename them only when all are there, the first one last.

    Parameters
    ----------
    files : mapping of Path to bytes
    gate : callable, optional
        Called with name and content of each before anything is written.
    mode : int
        Rights of the files.

    Raises
    ------
    RunError
        When the disk is full or a folder cannot be written; the old files stay as they were.
    """
    if gate is not None:
        for path, content in files.items():
            gate(path.name, content)
    with ExitStack() as stack:
        for path, content in files.items():
            what = "The page could not be written"
            stack.enter_context(replacing(path, what, mode=mode)).write_bytes(content)


@cache
def _digest(script: str) -> str:
    """Return the source by which a policy allows one inline script and no other."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


@cache
def tiles_css() -> str:
    """Read the rules of a tile map, which only pages with one need."""
    return (TEMPLATE / "tiles.css").read_text("utf-8")


@cache
def _css() -> str:
    return (TEMPLATE / "page.css").read_text("utf-8")
