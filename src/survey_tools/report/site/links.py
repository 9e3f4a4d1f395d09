"""Find what lies beside the index of a run: downloads of each page, and pages about the run as a whole.

Links only to files that are there when the index is written, and to none that is for the team alone (triage,
review). Not here: making any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from survey_tools.params import Workspace
from survey_tools.report.codebook.pages import FILES as CODEBOOK
from survey_tools.report.downloads.names import beside
from survey_tools.report.numbers import Lang
from survey_tools.report.wording import Wording

KINDS = {".pdf": "PDF", ".docx": "Word", ".xlsx": "Excel"}
"""Name of each kind of file beside a page, by its ending."""

_COMPARED = "compare-"


class Beside:
    """The files of a run's folder, looked up once."""

    def __init__(self, ws: Workspace, run: str) -> None:
        folder = ws.reports(run)
        self.names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    def downloads(self, page: str) -> list[tuple[str, str]]:
        """Return file and kind of the downloads of a page, e.g. of `10291.vi.html`."""
        return [
            (file.name, KINDS[file.suffix])
            for file in beside(Path(page))
            if file.name in self.names
        ]

    def pages(self, words: Wording) -> list[tuple[str, str]]:
        """Return file and name of the pages about the run as a whole, but for those of its record."""
        return [(file, text) for file, text in self._pages(words) if file in self.names]

    def _pages(self, words: Wording) -> Iterator[tuple[str, str]]:
        lang = words.lang
        yield CODEBOOK[lang], words("index_codebook")
        yield f"suppression.{lang}.html", words("site_suppression")
        for file, other in compared(self.names, lang):
            yield file, words("site_compared", run=other)


def compared(names: set[str], lang: Lang) -> list[tuple[str, str]]:
    """Return the pages that compare with another run, and its name; those of another language are left out.

    >>> compared({"compare-old.html", "compare-new.vi.html", "compare-new.en.html"}, "en")
    [('compare-new.en.html', 'new'), ('compare-old.html', 'old')]
    """
    found = []
    for name in sorted(names):
        stem = name.removesuffix(".html")
        if name.startswith(_COMPARED) and stem != name:
            run, _, ending = stem.removeprefix(_COMPARED).rpartition(".")
            if ending not in CODEBOOK:
                found.append((name, stem.removeprefix(_COMPARED)))
            elif ending == lang:
                found.append((name, run))
    return found
