"""Verify the pages of a run and keep what came of it: which, when, held to which results, with what result.

A page that cannot be made from what it was made from is not verified: the record of the run says which
results, parameters, notebook, code and versions those were, and where one of them has changed since, a
difference would prove nothing. Notebooks of stages are not executed again: they write data, and hold the
times and counts of a server that has gone on since. Not here: one page (`survey_tools.run.verify.page`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey_tools.errors import RunError
from survey_tools.files import digest_file
from survey_tools.params import Workspace
from survey_tools.report.page import commit_of
from survey_tools.report.shown import differing_kept
from survey_tools.run.batch.fingerprint import DISTRICT, digest_if_there
from survey_tools.run.batch.plan import Page, plan_reports
from survey_tools.run.batch.pool import LocalPool
from survey_tools.run.batch.record import RECORD, THERE, name_of, now, record_of
from survey_tools.run.batch.task import Limits, Result, Task
from survey_tools.run.files import read_json, write_json
from survey_tools.run.kernels.parallel import jobs_here
from survey_tools.run.occupied import at_work, holding
from survey_tools.run.progress import bar
from survey_tools.run.verify.compare import Difference
from survey_tools.run.verify.strange import strange_files

VERIFIED = "verify.json"
"""File of a run's folder that says what was verified."""

SAME, DIFFERS, CANNOT = "same", "differs", "cannot"
LIMITS = Limits()
"""What one page may take, as in a batch."""

_EXIT = {SAME: 0, DIFFERS: 1, CANNOT: 2}

_DEPENDS = {
    "results": "the results",
    "params": "the parameters",
    "notebook": "the notebook",
    "package": "the program",
    "versions": "the versions of Python or of libraries",
}
"""What a page depends on, by the names that the record gives the digests."""


@dataclass(frozen=True)
class Verified:
    """What came of one page: `result` is same, differs or cannot, with the differences or the reason."""

    name: str
    result: str
    differences: tuple[Difference, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Verification:
    """What came of all pages that were asked for."""

    pages: tuple[Verified, ...]
    tables: tuple[str, ...] = ()
    """Tables of what may be shown that are not what the rules make of the results: a difference, too."""

    strange: tuple[str, ...] = ()
    """Files in the folder that the run did not make, as pages and files beside them: a difference, too."""

    def count(self, result: str) -> int:
        """Pages with a result."""
        return sum(page.result == result for page in self.pages)

    @property
    def result(self) -> str:
        """The worst result of a page: differs before cannot before same."""
        if self.tables or self.strange or self.count(DIFFERS):
            return DIFFERS
        return CANNOT if self.count(CANNOT) else SAME

    @property
    def exit_code(self) -> int:
        """0: all the same; 1: something differs; 2: nothing differs, but not all could be verified."""
        return _EXIT[self.result]


def verify_run(
    ws: Workspace,
    run: str,
    communes: Sequence[str] | None = None,
    langs: Sequence[str] | None = None,
    *,
    jobs: int | None = None,
    limits: Limits = LIMITS,
) -> Verification:
    """Execute the notebooks of a run's pages again and hold delivered notebooks, pages and files to them.

    Nothing of the run is changed; `verify.json` is written beside its record. Stopping it (Ctrl-C) leaves
    nothing behind.

    Parameters
    ----------
    ws : Workspace
    run : str
    communes : sequence of str, optional
        Codes or names, or `district`; all pages of the run by default. Where some are asked for, here or by
        `langs`, of the files that the run did not make only those with the names of such pages are told.
    langs : sequence of str, optional
    jobs : int, optional
        Pages at a time; one a processor by default.
    limits : Limits
        What one page may take.

    Returns
    -------
    Verification

    Raises
    ------
    RunError
        When there is no such run, its record cannot be read, the results are gone, nothing was asked for
        that the run has, or a batch is writing into it.
    AreaError, ParamsError
        When a commune is unknown, or the name of the run cannot be used.
    """
    folder = ws.reports(run)
    with held_record(ws, run) as record:
        planned = _planned(ws, run, communes, langs)
        entries = {name_of(page): page for page in record["pages"] if name_of(page) in planned}
        there = {name: page for name, page in entries.items() if page["status"] in THERE}
        if not there:
            raise RunError(
                "The run has none of these pages.",
                expected=", ".join(sorted(name_of(p) for p in record["pages"])[:5]) or "pages",
                where=f"reports/{run}/{RECORD}",
                next_step=f"survey-tools report --run {run} makes them",
            )
        whole = not communes and not langs
        found = _unplanned(record, planned) if whole else []
        outside = (record.get("commit") is None) != (commit_of(ws.root) is None)
        todo = {}
        for name, page in there.items():
            why = _cannot(folder, page, planned[name], outside_git=outside)
            if why:
                found.append(Verified(name, CANNOT, reason=why))
            else:
                todo[name] = page
        found += _executed(ws, run, todo, jobs or jobs_here(), limits)
        strange = strange_files(folder, record)
        if not whole:
            strange = tuple(name for name in strange if Path(name).stem in planned)
        pages = tuple(sorted(found, key=lambda v: v.name))
        done = Verification(pages, differing_kept(ws), strange)
        _keep(folder, run, done, there)
    return done


@contextmanager
def held_record(ws: Workspace, run: str) -> Iterator[dict[str, Any]]:
    """Keep batches, erasures and other reviews out of a run that has to be there, and give its record."""
    record_of(ws, run)  # before the lock, which makes the folder
    with at_work(ws), holding(ws, run):
        yield record_of(ws, run)


def _planned(
    ws: Workspace, run: str, communes: Sequence[str] | None, langs: Sequence[str] | None
) -> dict[str, Page]:
    """Return what each page asked for would be made from now, by name."""
    if not (ws.results / "levels.parquet").is_file():
        raise RunError(
            "The results that the run was made from are no longer there.",
            expected="the tables of data/processed/results/ that its record names",
            where="data/processed/results/",
            next_step="put them back; pages made from other results cannot be verified",
        )
    pages = plan_reports(ws, run, communes, langs, force=True)
    if communes and DISTRICT not in [str(one).strip() for one in communes]:
        pages = [page for page in pages if page.code != DISTRICT]
    return {page.stem: page for page in pages}


def _cannot(folder: Path, entry: Mapping[str, Any], now: Page, *, outside_git: bool) -> str:
    """Say why a page cannot be verified; empty where it can."""
    made_from = entry["hashes"]
    if not made_from:
        return "it is not known from which files it was made: they changed while it was made"
    changed = [told for key, told in _DEPENDS.items() if made_from.get(key) != now.hashes[key]]
    if outside_git:
        changed.append("whether the workspace is under git")
    if not changed:
        return ""
    text = f"changed since it was made: {', '.join(changed)}; so a difference would be no forgery"
    touched = [
        name for name, said in entry["files"].items() if digest_if_there(folder / name) != said
    ]
    return f"{text}. Not as the run left it: {', '.join(touched)}" if touched else text


def _unplanned(record: Mapping[str, Any], planned: Mapping[str, Page]) -> list[Verified]:
    """Name pages of the run that the study would not make now: nothing tells what they should be."""
    names = (name_of(page) for page in record["pages"] if page["status"] in THERE)
    why = "the study has no such page now"
    return [Verified(name, CANNOT, reason=why) for name in names if name not in planned]


def _executed(
    ws: Workspace, run: str, pages: Mapping[str, Mapping[str, Any]], jobs: int, limits: Limits
) -> list[Verified]:
    """Execute notebooks again, several at a time, in a folder that goes when it ends, however that is."""
    if not pages:
        return []
    found = []
    with tempfile.TemporaryDirectory(prefix="verify-") as into:
        tasks = [_task(ws, run, page, into) for page in _longest_first(pages.values())]
        jobs = min(jobs, len(tasks))
        with (
            bar("pages verified", total=len(tasks), unit="page", at_once=jobs) as step,
            LocalPool(jobs) as pool,
            closing(pool.run(tasks, limits)) as results,
        ):
            for result in results:
                found.append(_judged(result))
                step()
    return found


def _longest_first(pages: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(pages, key=lambda page: page["code"] != DISTRICT)


def _task(ws: Workspace, run: str, page: Mapping[str, Any], into: str) -> Task:
    return Task(
        name=name_of(page),
        root=str(ws.root),
        study=ws.study_name,
        run=run,
        notebook=str(page["notebook"]),
        parameters=dict(page["parameters"]),
        lang=str(page["lang"]),
        into=into,
    )


def _judged(result: Result) -> Verified:
    if result.failure is not None:
        where, said = result.failure.cell, result.failure.last_line
        return Verified(result.name, CANNOT, reason=f"{where}: {said}")
    differences = tuple(Difference(one["cell"], one["what"]) for one in result.differences)
    return Verified(result.name, DIFFERS if differences else SAME, differences)


def _keep(
    folder: Path, run: str, done: Verification, entries: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write what came of it; pages that were verified before, and not now, stay as they are."""
    before = read_json(folder / VERIFIED)
    pages = dict(before.get("pages") or {}) if isinstance(before, dict) else {}
    moment = now()
    for page in done.pages:
        entry = entries.get(page.name, {})
        files = entry.get("files") or {}
        pages[page.name] = {
            "result": page.result,
            "verified": moment,
            "differences": [{"cell": one.cell, "what": one.what} for one in page.differences],
            "reason": page.reason,
            "files": {name: digest_if_there(folder / name) for name in files},
            "made_from": dict(entry.get("hashes") or {}),
        }
    content = {
        "run": run,
        "verified": moment,
        "result": done.result,
        "record": digest_file(folder / RECORD),
        "tables": list(done.tables),
        "strange": list(done.strange),
        "pages": dict(sorted(pages.items())),
    }
    write_json(folder / VERIFIED, content)
