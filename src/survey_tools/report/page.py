"""What a report notebook calls: open a page, then heading, sentence, table, figure.

Keeps notebook cells short; makes no text, table or figure itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from IPython.display import display

from survey_tools.errors import ParamsError
from survey_tools.params import open_workspace
from survey_tools.report import markup, sentences
from survey_tools.report.disclosure import open_results
from survey_tools.report.results import Results


@dataclass(frozen=True)
class Page:
    """A page being made: disclosed results, with what to call to write it top to bottom."""

    results: Results
    run: str
    commit: str | None

    @property
    def title(self) -> str:
        """Main heading, in the language of the page."""
        words = self.results.words
        if self.results.area is None:
            return words("page_district", count=len(self.results.units))
        return words("page_commune", place=self.results.place)

    @property
    def main(self) -> tuple[str, ...]:
        """Outcomes that the page leads with."""
        return self.results.study.report.main_outcomes

    def start(self) -> None:
        """Display the main heading, which study it is, and whether its answers are simulated."""
        study, words = self.results.study.study, self.results.words
        if study.synthetic:
            display(markup.banner(words("synthetic")))
        display(markup.title(self.title))
        name = study.title_vi if self.results.lang == "vi" else study.title_en
        display(markup.paragraphs([words("study_line", title=name)]))

    def heading(self, key: str) -> None:
        """Display the heading `heading_<key>` of a section."""
        display(markup.heading(key, self.results.of_design(f"heading_{key}")))

    def say(self, *texts: str | Iterable[str]) -> None:
        """Display sentences: a text is a paragraph, several texts in a list are a list, none is nothing."""
        for text in texts:
            if isinstance(text, str):
                display(markup.paragraphs([text]))
            elif items := list(text):
                display(markup.bullets(items))

    def show(self, *items: object) -> None:
        """Display tables, for cells of which they are not the last line."""
        for item in items:
            display(item)

    @property
    def by_lot(self) -> bool:
        """Whether the teams were drawn."""
        return self.results.by_lot

    def planned(self, table: str, analysis: str | None = None) -> bool:
        """Whether the plan names an analysis, or any of a table of results."""
        return self.results.planned(table, analysis)

    def words(self, key: str, **values: Any) -> str:
        """Return a sentence by its key, as the design has it; `confidence` and `place` are filled in."""
        known = {"confidence": self.results.confidence, "place": self.results.place_within}
        return self.results.of_design(key, **(known | values))

    def provenance(self) -> list[str]:
        """Say which data, run and program made the page."""
        return sentences.provenance(self.results, self.run, self.commit)


def open_page(
    study: str, commune: str | int | None = None, lang: str = "vi", run: str = "main"
) -> Page:
    """Open the page of one commune, or of the district where no commune is given.

    Parameters
    ----------
    study : str
        Path of the study file, e.g. `params/study.yml`.
    commune : str or int, optional
        Code or name of a commune; a number is read as its code.
    lang : {'vi', 'en'}
    run : str
        Name of the run, which the page states.

    Raises
    ------
    AreaError
        When there is no such commune.
    ParamsError
        When the study has no pages in that language.
    """
    ws = open_workspace(study)
    if lang not in ws.study.report.languages:
        raise ParamsError(
            "There are no pages in that language.",
            expected=" or ".join(ws.study.report.languages),
            found=repr(lang),
            where=f"report.languages in {ws.study_path.name}",
        )
    results = open_results(ws, lang, commune, traces=True)
    return Page(results, run, results.provenance.get("commit") or commit_of(ws.root))


def commit_of(root: Path) -> str | None:
    """Read which commit the workspace is at, without running git; None outside a repository."""
    try:
        head = (root / ".git" / "HEAD").read_text("utf-8").strip()
        if not head.startswith("ref: "):
            return head[:12]
        ref = head.removeprefix("ref: ")
        if (root / ".git" / ref).is_file():
            return (root / ".git" / ref).read_text("utf-8").strip()[:12]
        packed = (root / ".git" / "packed-refs").read_text("utf-8").splitlines()
        return next((line[:12] for line in packed if line.endswith(f" {ref}")), None)
    except OSError:
        return None
