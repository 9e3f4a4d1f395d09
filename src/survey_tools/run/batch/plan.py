"""Plan which report pages a run has to make, and say why.

Not here: making them (survey_tools.run.batch.reports).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from survey_tools.areas import Areas, read_areas
from survey_tools.errors import RunError
from survey_tools.params import Workspace
from survey_tools.run.batch.fingerprint import (
    DISTRICT,
    ResultTables,
    digest_if_there,
    digest_package,
    digest_parameters,
    digest_params,
    digest_versions,
)
from survey_tools.run.batch.record import THERE, Record
from survey_tools.run.inputs import digest_notebook
from survey_tools.run.kernels.parallel import jobs_here
from survey_tools.run.kernels.parameters import Value

COMMUNE_NOTEBOOK = "60_commune_report.ipynb"
DISTRICT_NOTEBOOK = "70_district_report.ipynb"

NO_DATA = "too_few"
"""Status of a commune without any interview: it has no page."""

_REDONE = {"failed": "failed the last time", "stopped": "stopped the last time"}


@dataclass(frozen=True)
class Page:
    """One page to be: an area in a language, what it depends on, and why it is redone.

    `reason` is empty when the page is there and nothing that it depends on has changed. `has_data` is
    False for a commune without any interview; such a page is not made. `parameters` are handed to the
    notebook.
    """

    code: str
    lang: str
    notebook: Path
    parameters: dict[str, Any]
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
    extra: Mapping[str, Mapping[str, Value]] | None = None,
) -> list[Page]:
    """List the pages of a run: each commune and then the district, in each language.

    A page stays as it is where notebook, package, parameters, data, results and versions are those that
    it was made with, and its files are as they were written.

    Parameters
    ----------
    ws : Workspace
    run : str
    communes : sequence, optional
        Codes or names, or `district`; all of the study by default. Naming communes leaves the district's
        page in; `district` alone asks for that page only.
    langs : sequence of str, optional
        All languages of the study by default.
    force : bool
        Redo every page.
    extra : mapping, optional
        Further parameters by the file name of the notebook that they are handed to.

    Raises
    ------
    AreaError
        When a commune is unknown.
    RunError
        When there are no results yet, or a language is not one of the study.
    """
    wanted, languages = _wanted(ws, communes), languages_of(ws, langs)
    results = ResultTables.read(ws)
    if results is None:
        raise no_results()
    pages = _pages(ws, run, wanted, languages, results, extra or {})
    if force:
        return [replace(page, reason="asked for") for page in pages]
    record, folder = Record(ws, run), ws.reports(run)
    with ThreadPoolExecutor(jobs_here()) as pool:  # hashing files lets other threads run
        reasons = pool.map(
            lambda page: _reason(folder, record.page(page.code, page.lang), page), pages
        )
        return [replace(page, reason=why) for page, why in zip(pages, reasons, strict=True)]


def no_results() -> RunError:
    """Say that pages cannot be made before there are results."""
    return RunError(
        "There are no results to report yet.",
        expected="tables in data/processed/results",
        next_step="survey-tools run (all stages), or survey-tools status",
    )


def check_lists(ws: Workspace, areas: Areas) -> None:
    """Refuse further lists of areas that there are not, or that the study's cannot be told in."""
    for name in ws.study.report.area_lists:
        areas.crosswalk(ws.study.areas.list_, name)


def _pages(
    ws: Workspace,
    run: str,
    wanted: Sequence[str],
    languages: Sequence[str],
    results: ResultTables,
    extra: Mapping[str, Mapping[str, Value]],
) -> list[Page]:
    """List the pages with all that they depend on."""
    common = {
        "package": digest_package(),
        "params": digest_params(ws),
        "versions": digest_versions(),
    }
    known, notebook_digest = results.areas(), cache(digest_notebook)
    pages = []
    for code in wanted:
        notebook = ws.notebooks / (DISTRICT_NOTEBOOK if code == DISTRICT else COMMUNE_NOTEBOOK)
        shared = {
            "notebook": notebook_digest(notebook),
            **common,
            "results": results.digest(code),
        }
        for lang in languages:
            parameters: dict[str, Any] = {"lang": lang, "run": run, "study": ws.study_name}
            if code != DISTRICT:
                parameters["commune"] = code
            parameters |= extra.get(notebook.name, {})
            hashes = {**shared, "parameters": digest_parameters(parameters)}
            pages.append(Page(code, lang, notebook, parameters, hashes, "", code in known))
    return pages


def _wanted(ws: Workspace, communes: Sequence[str | int] | None) -> list[str]:
    """Codes of the pages in order, the district last."""
    areas, list_ = read_areas(ws.file("areas")), ws.study.areas.list_
    codes = {unit.code for unit in areas.of(list_)}
    if communes is None:
        return [*(unit.code for unit in areas.of(list_)), DISTRICT]
    named = [str(commune).strip() for commune in communes]
    asked = [c if c in codes else areas.get(c, list_).code for c in named if c != DISTRICT]
    return [*dict.fromkeys(asked), DISTRICT]


def languages_of(ws: Workspace, langs: Sequence[str] | None) -> tuple[str, ...]:
    """Return the languages asked for, or all of the study; refuse one that it does not have."""
    known = ws.study.report.languages
    for lang in langs or ():
        if lang not in known:
            raise RunError(
                "The study has no pages in this language.",
                expected=" or ".join(known),
                found=repr(lang),
                where="report.languages in the study file",
            )
    return tuple(dict.fromkeys(langs)) if langs else known


def _reason(folder: Path, before: Mapping[str, Any] | None, page: Page) -> str:
    """Say why a page has to be redone; empty when it need not be."""
    status = "" if before is None else str(before["status"])
    if before is None or status not in THERE:
        return _REDONE.get(status, "not made yet")
    if not before.get("files"):
        return "made by an older version"
    said = before.get("hashes") or {}
    changed = [name for name, value in page.hashes.items() if said.get(name) != value]
    if changed:
        return "changed: " + ", ".join(changed)
    return next(_changed_files(folder, before["files"]), "")


def _changed_files(folder: Path, files: Mapping[str, str]) -> Iterator[str]:
    """Say what happened to the files of a page since they were written."""
    for name, digest in files.items():
        now = digest_if_there(folder / name)
        if now is None:
            yield "the file is gone"
        elif now != digest:
            yield "the file was changed"
