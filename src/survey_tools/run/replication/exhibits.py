"""List the tables and figures of a run's pages with what makes each, from executed notebooks.

Not here: the list of result tables behind them, which stands in the project's README.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from survey_tools.report.traced import plain
from survey_tools.run.files import read_json

_CAPTION = re.compile(r"<(caption|figcaption)[^>]*>(.*?)</\1>", re.DOTALL)
_CALL = re.compile(r"\b(?:page|tables|figures|evidence|sentences|[a-z_]+)(?:\.[a-z_]+)+(?=\()")
_KINDS = {"caption": "Table", "figcaption": "Figure"}
_PLUMBING = frozenset(
    {"page.show", "page.heading", "page.say", "page.words", "page.planned", "page.start"}
)


@dataclass(frozen=True)
class Made:
    """One table or figure: its caption, the notebook, and the functions that its cell calls."""

    kind: str
    caption: str
    notebook: str
    calls: tuple[str, ...]


def exhibits_of(executed: Path, notebook: str) -> list[Made]:
    """Read the tables and figures that an executed notebook shows, in order; none where it is missing."""
    content = read_json(executed)
    cells = content.get("cells", []) if isinstance(content, dict) else []
    return [
        Made(kind, caption, notebook, _calls(_text(cell.get("source"))))
        for cell in cells
        if cell.get("cell_type") == "code"
        for output in cell.get("outputs", [])
        for kind, caption in _captions(output)
    ]


def _captions(output: dict[str, Any]) -> Iterator[tuple[str, str]]:
    image = output.get("metadata", {}).get("image/png", {})
    if "caption" in image:
        yield "Figure", _plain(str(image["caption"]))
    for tag, text in _CAPTION.findall(_text(output.get("data", {}).get("text/html"))):
        if caption := _plain(text):
            yield _KINDS[tag], caption


def _plain(text: str) -> str:
    """Text without tags, and without the marks by which a page traces its numbers."""
    bare = unescape(re.sub(r"<[^>]+>", "", plain(text)))
    return re.sub(r"\s+", " ", bare).strip()


def _calls(source: str) -> tuple[str, ...]:
    found = dict.fromkeys(call for call in _CALL.findall(source) if call not in _PLUMBING)
    return tuple(found)


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value or "")
