"""Turn an executed notebook into one HTML file that opens offline and is the same for the same notebook.

With the page come the files that lie beside it (`report.downloads`). Runs nothing and reads no data; what the
notebook shows is all there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from survey_tools.errors import RunError
from survey_tools.report.downloads.facts import meta
from survey_tools.report.downloads.files import make_downloads
from survey_tools.report.downloads.links import with_csv_links
from survey_tools.report.downloads.names import beside
from survey_tools.report.downloads.sources import sources_in, sources_list
from survey_tools.report.numbers import Lang
from survey_tools.report.shell import (
    INDEX,
    TEMPLATE,
    THEME,
    Gate,
    foot,
    head,
    other_languages,
    synthetic_banner,
    tiles_css,
    write_together,
)
from survey_tools.report.wording import Wording


def render_notebook(
    content: NotebookNode,
    out_path: Path | str,
    *,
    lang: Lang,
    synthetic: bool,
    name: str | None = None,
    title: str | None = None,
    languages: Sequence[str] = ("vi", "en"),
    gate: Gate | None = None,
    facts: Mapping[str, str] | None = None,
) -> Path:
    """Render an executed notebook, and make of the page the files that lie beside it (`beside`).

    Parameters
    ----------
    content : NotebookNode
        Executed notebook, format 4; it is not changed. Cells tagged `source-only` are left out, code is
        folded away.
    out_path : Path
        `<code>.<lang>.html`; a page in another language is taken to lie beside it under its language.
    lang : {'vi', 'en'}
    synthetic : bool
        Whether the answers are simulated: then the page says so even if the notebook does not.
    name : str, optional
        File name of the notebook, for errors; by default that of the page with `.ipynb`.
    title : str, optional
        Title of the window; by default the main heading that the notebook made.
    languages : sequence of str
        Languages in which the page exists.
    gate : callable, optional
        Called with the name and the content of each file before any is written; see `shell.write_page`.
    facts : mapping of str to str, optional
        What the page tells programs of itself: `run`, `page` (code), `lang`, `study`, and `data`, the moment
        up to which its data go (ISO 8601).

    Raises
    ------
    RunError
        When the notebook did not run to its end, or holds a figure without alt text or caption, or the
        page cannot be written.
    """
    out = Path(out_path)
    words = Wording(lang)
    name = name or f"{out.stem}.ipynb"
    content = _stable(content)
    _check(content, name)
    shown = _html_outputs(content)
    notice = synthetic_banner(words) + "\n" if synthetic and 'class="banner"' not in shown else ""
    window = title or _heading(shown, Path(name).stem)
    resources = {
        "page_words": {"code": words("code"), "code_and_sources": words("downloads_code")},
        "page_head": head(
            words,
            window,
            _links(out, words, languages),
            extra_css=tiles_css() if 'class="tiles"' in shown else "",
            script=THEME,
            meta=meta(facts or {}),
        )
        + notice,
        "page_foot": foot(),
        "parts": Parts(words, out.stem),
    }
    body, _ = exporter().from_notebook_node(content, resources=resources)
    write_together({out: body.encode("utf-8"), **make_downloads(body, out)}, gate)
    return out


@dataclass
class Parts:
    """What the template asks for of each cell of one page; tables are numbered as they come."""

    words: Wording
    stem: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def shown(self, piece: str) -> str:
        """Return what a cell shows, each table with a link to its CSV."""
        return with_csv_links(piece, self.words, self.stem, self._numbers)

    def sources(self, cell: Any) -> str:
        """Say where the numbers of a cell's tables, texts and figures come from; empty where it has none."""
        found: list[str] = []
        for output in cell.outputs:
            found += sources_in(output.get("data", {}).get("text/html", ""))
            figure = output.get("metadata", {}).get("image/png", {})
            found += [source for _, source, _ in figure.get("numbers", ())]
        return sources_list(found, self.words)


@cache
def exporter() -> HTMLExporter:
    """Make the exporter once: compiling its template costs more than a page.

    It holds the notebook against its format once at the end, not after each of its steps.
    """
    return HTMLExporter(
        template_name=TEMPLATE.name,
        extra_template_basedirs=[str(TEMPLATE.parent)],
        optimistic_validation=True,
    )


def _stable(notebook: NotebookNode) -> NotebookNode:
    """Copy without what differs between two runs on the same inputs: times, counts, random ids."""
    metadata = {k: v for k, v in notebook.metadata.items() if k == "language_info"}
    cells = [_stable_cell(cell, place) for place, cell in enumerate(notebook.cells)]
    return NotebookNode(notebook | {"metadata": metadata, "cells": _silent_cells_joined(cells)})


def _stable_cell(cell: NotebookNode, place: int) -> NotebookNode:
    tags = list(cell.metadata.get("tags", []))
    changed = {"metadata": nbformat.from_dict({"tags": tags}), "id": f"cell-{place}"}
    if cell.cell_type == "code":
        outputs = [output for output in cell.outputs if output.output_type != "stream"]
        changed |= {"execution_count": None, "outputs": outputs}
    return NotebookNode(cell | changed)


def _silent_cells_joined(cells: list[Any]) -> list[Any]:
    """Leave notes out and put code that shows nothing before the code that does, under one fold."""
    kept: list[Any] = []
    waiting: list[str] = []
    for cell in cells:
        if cell.cell_type != "code":
            if "source-only" not in cell.metadata["tags"]:
                kept.append(cell)
        elif cell.outputs:
            cell.source = "\n\n".join([*waiting, cell.source])
            waiting = []
            kept.append(cell)
        else:
            waiting.append(cell.source)
    return kept


def _check(notebook: Any, name: str) -> None:
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    if any(o.output_type == "error" for o in outputs):
        raise RunError(
            "The notebook stopped with an error and is not made into a page.",
            where=name,
            next_step="open the notebook and look at the last cell that ran",
        )
    for output in outputs:
        figure = output.get("metadata", {}).get("image/png", {})
        if "image/png" in output.get("data", {}) and not {"alt", "caption"} <= set(figure):
            raise RunError(
                "A figure of the notebook has no alt text or no caption.",
                where=name,
                next_step="show it with survey_tools.report.drawing.show",
            )


def _html_outputs(notebook: Any) -> str:
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    return "\n".join(str(o.get("data", {}).get("text/html", "")) for o in outputs)


def _heading(shown: str, default: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", shown, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", "", found.group(1))).strip() if found else default


def _links(out: Path, words: Wording, languages: Sequence[str]) -> list[tuple[str, str, str]]:
    lang = words.lang
    links: list[tuple[str, str, str]] = [(words("to_index"), INDEX[lang], lang)]
    ending = f".{lang}.html"
    if out.name.endswith(ending):
        stem = out.name.removesuffix(ending)
        files = {other: f"{stem}.{other}.html" for other in languages}
        links += other_languages(lang, languages, files)
    return links + [(words(f"downloads_{p.suffix[1:]}"), p.name, lang) for p in beside(out)]
