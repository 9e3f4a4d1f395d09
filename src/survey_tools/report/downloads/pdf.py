"""Set a page as PDF on A4, tagged for screen readers (PDF/UA-1), the same bytes each time.

Set by typst, which brings its own fonts and needs nothing of the system; `page.typ` says how it looks.
Letters that its font lacks come from those of matplotlib.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib as mpl
import typst

from survey_tools.report.downloads.blocks import (
    Block,
    Bullets,
    Cell,
    Content,
    Heading,
    Paragraph,
    Picture,
    Table,
)
from survey_tools.report.downloads.facts import footer
from survey_tools.report.wording import Wording

TEXT_WIDTH = 1000
"""CSS pixels that a picture would need to be as wide as the text; a smaller one stays as much smaller."""

NO_ALT = "—"
"""Stands for the description that a picture lacks; the report's own figures cannot be without one."""

COMPACT = {"commune_steps"}
"""Address of a heading that a page of a commune alone has; such a page is kept to three sheets."""

WIDEST, NARROWEST = 40, 5
"""Letters that a column is made for at the most and at the least; a longer text goes over lines."""

BESIDE = 2
"""Letters that would fit into the room left free beside the text of a cell."""


def pdf_of(content: Content, words: Wording) -> bytes:
    """Set a page.

    Parameters
    ----------
    content : Content
    words : Wording
        In the language of the page.

    Returns
    -------
    bytes
        PDF/UA-1 without a date.
    """
    given = {
        "title": content.title or footer(content, words),
        "lang": content.lang,
        "footer": footer(content, words),
        "page-of": words("downloads_page_of", page="{page}", pages="{pages}"),
        "compact": any(isinstance(b, Heading) and b.key in COMPACT for b in content.blocks),
        "blocks": list(_all(_in_steps(content.blocks))),
    }
    written: bytes = typst.compile(
        _template(),
        font_paths=fonts(),
        ignore_system_fonts=True,
        sys_inputs={"page": json.dumps(given, ensure_ascii=False)},
        pdf_standards=["ua-1"],
        timestamp=0,
    )
    return written


@cache
def _template() -> bytes:
    return (Path(__file__).parent / "page.typ").read_bytes()


@cache
def fonts() -> typst.Fonts:
    """Find fonts once a process; those of the system would make other pages on other machines."""
    folder = str(Path(mpl.get_data_path()) / "fonts" / "ttf")
    return typst.Fonts(include_system_fonts=False, font_paths=[folder])


def _in_steps(blocks: Iterable[Block]) -> Iterator[Block]:
    """Have headings begin with level 1 and go down one at a time, as PDF/UA asks."""
    before = 0
    for block in blocks:
        if isinstance(block, Heading):
            before = min(block.level, before + 1)
            yield replace(block, level=before)
        else:
            yield block


def _all(blocks: Iterable[Block]) -> Iterator[dict[str, Any]]:
    """Hand blocks to the template; pictures that follow each other stand side by side, two in a row."""
    for are_pictures, some in groupby(blocks, lambda block: isinstance(block, Picture)):
        given = [_given(block) for block in some]
        if not are_pictures:
            yield from given
            continue
        for pair in (given[place : place + 2] for place in range(0, len(given), 2)):
            items = [one | {"share": 1.0} for one in pair] if len(pair) > 1 else pair
            yield {"kind": "pictures", "items": items}


def _given(block: Block) -> dict[str, Any]:
    """Hand a block to the template."""
    if isinstance(block, Heading):
        return {"kind": "heading", "text": block.text, "level": block.level}
    if isinstance(block, Paragraph):
        return {"kind": block.kind, "text": block.text}
    if isinstance(block, Bullets):
        return {"kind": "numbered" if block.numbered else "bullets", "items": list(block.items)}
    if isinstance(block, Picture):
        return _picture(block)
    return _table(block)


def _picture(picture: Picture) -> dict[str, Any]:
    """Wrap a picture in SVG: the template takes text, and no file is written for it."""
    width, height = size_of(picture.png)
    png = base64.b64encode(picture.png).decode("ascii")
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}"><image width="{width}" height="{height}" '
        f'href="data:image/png;base64,{png}"/></svg>'
    )
    named = {"alt": picture.alt or picture.caption or NO_ALT, "caption": picture.caption}
    return {
        "kind": "picture", "svg": svg, "share": share_of(picture), "slope": height / width, **named,
    }  # fmt: skip


def share_of(picture: Picture) -> float:
    """Say which part of the width of the text a picture takes."""
    return min(1.0, (picture.width or TEXT_WIDTH) / TEXT_WIDTH)


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG in its own pixels."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def _table(table: Table) -> dict[str, Any]:
    cells = [cell for row in table.rows for cell in row]
    return {
        "kind": "table",
        "caption": table.caption,
        "heads": list(table.heads),
        "texts": list(table.texts),
        "widths": widths_of(table),
        "cells": [
            [{"text": line.text, "small": line.small} for line in cell.lines] for cell in cells
        ],
    }


def widths_of(table: Table) -> list[int]:
    """Share out the width of a table: letters of each column's longest line, or a part of its heading."""
    return [
        BESIDE + max(NARROWEST, min(WIDEST, max([_head_width(name), *map(_longest, column)])))
        for name, column in zip(table.heads, _columns(table), strict=True)
    ]


def _columns(table: Table) -> list[list[Cell]]:
    return [[row[place] for row in table.rows] for place in range(len(table.heads))]


def _longest(cell: Cell) -> int:
    return max((len(line.text) for line in cell.lines), default=0)


def _head_width(name: str) -> int:
    """Letters that a heading needs: its longest word, or a third of it."""
    return max([len(name) // 3, *map(len, name.split())])
