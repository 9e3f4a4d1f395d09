"""Plan which report pages a run has to make, and say why.

Not here: making them (survey_tools.run.batch.reports).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey_tools.areas import read_areas
from survey_tools.errors import RunError
from survey_tools.params import Workspace
from survey_tools.run.batch.fingerprint import (
    DISTRICT,
    ResultTables,
    digest_notebook,
    digest_package,
    digest_params,
)
from survey_tools.run.batch.record import Record

COMMUNE_NOTEBOOK = "60_commune_report.ipynb"
DISTRICT_NOTEBOOK = "70_district_report.ipynb"

NO_DATA = "too_few"
"""Status of a commune without any interview: it has no page."""


@dataclass(frozen=True)
class Page:
    """One page to be: an area in a language, what it depends on, and why it is redone.

    `reason` is empty when the page is there and nothing that it depends on has changed. `has_data` is
    False for a commune without any interview; such a page is not made.
    """

    code: str
    lang: str
    notebook: Path
    hashes: dict[str, str]
    reason: str
    has_data: bool = True

    @property
    def explanation(self) -> str:
        """Say in words what the run does about the page."""
        if not self.has_data:
            return "left out, no interviews"
        return self.reason or "unchanged"

    @property
    def file(self) -> str:
        """Name of the HTML file in the run's folder."""
        return f"{self.code}.{self.lang}.html"

    @property
    def stem(self) -> str:
        """Name of the executed notebook, without ending."""
        return f"{self.code}.{self.lang}"


def plan_reports(
    ws: Workspace,
    run: str,
    communes: Sequence[str | int] | None = None,
    langs: Sequence[str] | None = None,
    *,
    force: bool = False,
) -> list[Page]:
    """List the pages of a run: each commune and then the district, in each language.

    Parameters
    ----------
    ws : Workspace
    run : str
    communes : sequence, optional
        Codes or names; all of the study by default. Naming communes leaves the district's page in.
    langs : sequence of str, optional
        All languages of the study by default.
    force : bool
        Redo every page.

    Raises
    ------
    AreaError
        When a commune is unknown.
    RunError
        When there are no results yet, or a language is not one of the study.
    """
    results = ResultTables.read(ws)
    if not results.frames:
        raise RunError(
            "There are no results to report yet.",
            expected="tables in data/processed/results",
            next_step="survey-tools run (all stages), or survey-tools status",
        )
    record = Record(ws, run)
    common = {"package": digest_package(), "params": digest_params(ws)}
    pages = []
    known = results.areas()
    for code in _wanted(ws, communes):
        notebook = ws.notebooks / (DISTRICT_NOTEBOOK if code == DISTRICT else COMMUNE_NOTEBOOK)
        hashes = {
            "notebook": digest_notebook(notebook),
            **common,
            "results": results.digest(code),
        }
        for lang in _languages(ws, langs):
            reason = "asked for" if force else _reason(ws, run, record.page(code, lang), hashes)
            pages.append(Page(code, lang, notebook, hashes, reason, code in known))
    return pages


def check_wanted(
    ws: Workspace, communes: Sequence[str | int] | None, langs: Sequence[str] | None
) -> None:
    """Refuse communes, languages and lists of areas that the study does not have, before anything is run."""
    _wanted(ws, communes)
    _languages(ws, langs)
    areas = read_areas(ws.file("areas"))
    for name in ws.study.report.area_lists:
        areas.crosswalk(ws.study.areas.list_, name)


def _wanted(ws: Workspace, communes: Sequence[str | int] | None) -> list[str]:
    """Codes of the pages in order, the district last."""
    areas, list_ = read_areas(ws.file("areas")), ws.study.areas.list_
    units = areas.of(list_) if communes is None else [areas.get(c, list_) for c in communes]
    return [*dict.fromkeys(unit.code for unit in units), DISTRICT]


def _languages(ws: Workspace, langs: Sequence[str] | None) -> tuple[str, ...]:
    known = ws.study.report.languages
    for lang in langs or ():
        if lang not in known:
            raise RunError(
                "The study has no pages in this language.",
                expected=" or ".join(known),
                found=repr(lang),
                where="report.languages in the study file",
            )
    return tuple(langs) if langs else known


def _reason(ws: Workspace, run: str, before: dict[str, Any] | None, hashes: dict[str, str]) -> str:
    """Say why a page has to be redone; empty when it need not be."""
    if before is None or before["status"] == NO_DATA:
        return "not made yet"
    if before["status"] == "failed":
        return "failed the last time"
    if not (ws.reports(run) / str(before["file"])).is_file():
        return "the file is gone"
    changed = [
        name for name, value in hashes.items() if before.get("hashes", {}).get(name) != value
    ]
    return "changed: " + ", ".join(changed) if changed else ""
