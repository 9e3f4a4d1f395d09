"""Make the report pages: plan which have to be redone, have them made, keep the record, write the index.

Not here: what a page says (notebooks and survey_tools.report), or making one (survey_tools.run.batch.make).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from survey_tools.errors import SurveyToolsError
from survey_tools.files import remove_temporary
from survey_tools.params import Workspace
from survey_tools.report.shown import share_results
from survey_tools.report.site import write_index
from survey_tools.report.suppression import write_suppression
from survey_tools.report.triage import write_triage
from survey_tools.run.batch.check import check_batch, check_cluster
from survey_tools.run.batch.entries import (
    CODEBOOK,
    entry_of,
    settle_codebook,
    settle_page,
    tasks_of,
)
from survey_tools.run.batch.make import make
from survey_tools.run.batch.plan import NO_DATA, Page, plan_reports
from survey_tools.run.batch.pool import LocalPool
from survey_tools.run.batch.record import Record
from survey_tools.run.batch.sources import Marks, changed, marks
from survey_tools.run.batch.task import FAILED, OK, Limits, Result, Task
from survey_tools.run.codebook import codebook_is_current
from survey_tools.run.erasing.journal import refuse_unfinished
from survey_tools.run.gate import open_gate
from survey_tools.run.kernels.parallel import jobs_here
from survey_tools.run.occupied import at_work, holding
from survey_tools.run.progress import bar, say


@dataclass(frozen=True)
class Outcome:
    """How a batch of pages went, by number of pages; `skipped` are communes without interviews."""

    made: int
    unchanged: int
    failed: int
    skipped: int
    index: Path
    disturbed: tuple[str, ...] = ()
    """Files that pages depend on and that changed while pages were made."""

    @property
    def exit_code(self) -> int:
        """0: all there; 1: some failed, or files changed meanwhile; 2: nothing could be made."""
        if not self.failed:
            return 1 if self.disturbed else 0
        return 1 if self.made or self.unchanged else 2


@dataclass(frozen=True)
class Choices:
    """How a batch is run: what is redone, where and within which limits.

    `jobs` are notebooks at a time, as many as the machine has processors by default. With `scheduler`
    (`tcp://host:port`) a Dask cluster makes the pages; `share` is an fsspec address for workspaces that its
    workers do not see. `extra` are parameters beyond the usual ones, by file name of the notebook.
    """

    force: bool = False
    explain: bool = False
    jobs: int | None = None
    limits: Limits = field(default_factory=Limits)
    scheduler: str | None = None
    share: str | None = None
    extra: Mapping[str, Mapping[str, Any]] | None = None

    @property
    def at_once(self) -> int:
        """Notebooks at a time."""
        return self.jobs or jobs_here()

    def described(
        self, communes: Sequence[str | int] | None, langs: Sequence[str] | None
    ) -> dict[str, Any]:
        """Say for the record how the batch was started."""
        wanted = {"communes": list(communes) if communes else None, "langs": langs and list(langs)}
        return {**wanted, **asdict(self)}


def run_reports(
    ws: Workspace,
    run: str,
    communes: Sequence[str | int] | None = None,
    langs: Sequence[str] | None = None,
    choices: Choices = Choices(),
    *,
    pool: LocalPool | None = None,
) -> Outcome:
    """Make the pages that are not there or out of date, the codebook, the index; a failure costs no page.

    Every page is scanned for personal data before it is released (`run.scan`); one that holds any has
    failed, and its executed notebook is deleted. Logs and messages are blotted.

    Stopping it (Ctrl-C) leaves no process and nothing half-written; the next run goes on from there.

    Parameters
    ----------
    ws, run, communes, langs
        See `plan_reports`.
    choices : Choices
    pool : LocalPool, optional
        Makes the pages; without it one is started, where there is something to make.

    Returns
    -------
    Outcome

    Raises
    ------
    DisclosureError
        When the index itself holds personal data; the pages are made.
    RunError
        When another batch writes into the run, or the cluster cannot be used.
    """
    refuse_unfinished(ws)
    check_cluster(choices.scheduler, choices.share)
    check_batch(ws, run, communes, langs, extra=choices.extra)
    with at_work(ws), holding(ws, run):
        return make_pages(ws, run, communes, langs, choices, pool)


def make_pages(
    ws: Workspace,
    run: str,
    communes: Sequence[str | int] | None,
    langs: Sequence[str] | None,
    choices: Choices,
    pool: LocalPool | None,
) -> Outcome:
    """Do what `run_reports` says for a caller that has checked the batch and holds the run."""
    folder = ws.reports(run)
    _remove_half_written(folder)  # by a run that was killed
    share_results(ws)  # before the look: what it keeps beside the results is no change of them
    before = marks(ws)
    pages = plan_reports(ws, run, communes, langs, force=choices.force, extra=choices.extra)
    todo = [page for page in pages if page.reason and page.has_data]
    if choices.explain:
        for page in pages:
            say(f"{page.stem}: {page.explanation}")
    record = Record(ws, run, choices.described(communes, langs))
    _put_down_the_rest(record, pages)
    tasks = tasks_of(ws, run, todo, codebook=not codebook_is_current(ws, folder))
    by_name = {page.stem: page for page in todo}
    done: list[Page] = []
    statuses: Counter[str] = Counter()
    try:
        for result in _done(_runner(ws, choices, pool), tasks, choices.at_once):
            if result.name == CODEBOOK:
                settle_codebook(ws, run, result)
                statuses[FAILED] += result.status == FAILED
            else:
                done.append(by_name[result.name])
                record.set_page(settle_page(ws, run, done[-1], result))
                statuses[result.status] += 1
    except BaseException as stop:
        if isinstance(stop, SurveyToolsError) and statuses[OK]:
            stop.exit_code = 1  # some pages are there
        with suppress(Exception):  # what stopped the batch is told, not what follows from it
            _finish(ws, run, record, before, done)
        raise
    disturbed = _finish(ws, run, record, before, done)
    skipped = sum(not page.has_data for page in pages)
    return Outcome(
        made=statuses[OK],
        unchanged=len(pages) - len(todo) - skipped,
        failed=statuses.total() - statuses[OK],
        skipped=skipped,
        index=folder / "index.html",
        disturbed=disturbed,
    )


def _finish(
    ws: Workspace, run: str, record: Record, before: Marks, done: list[Page]
) -> tuple[str, ...]:
    """Write record, triage page and index; return the files that changed while pages were made."""
    _remove_half_written(ws.reports(run))  # by a process that was killed
    disturbed = changed(before, marks(ws))
    if disturbed:
        _take_back(record, done)
    content, gate = record.finish(), open_gate(ws, ws.reports(run))
    write_triage(ws, run, content, gate)
    write_suppression(ws, run, gate)
    write_index(ws, run, content, gate)
    return disturbed


def _remove_half_written(folder: Path) -> None:
    """Delete what nobody finishes: no page is being made, and nobody else writes into the run."""
    for place in (folder, folder / "notebooks", folder / "logs"):
        remove_temporary(place)


def _put_down_the_rest(record: Record, pages: list[Page]) -> None:
    """Put down the pages that need not be made, or cannot be."""
    for page in pages:
        if not page.has_data:
            record.set_page(entry_of(page, Result(page.stem, NO_DATA)) | {"file": None})
        elif not page.reason:
            record.set_page({**(record.page(page.code, page.lang) or {}), "status": "skipped"})


def _take_back(record: Record, pages: list[Page]) -> None:
    """Have pages made again the next time: nobody knows which version of a file they were made from."""
    for page in pages:
        record.set_page({**(record.page(page.code, page.lang) or {}), "hashes": {}})


def _done(runner: Runner, tasks: list[Task], at_once: int) -> Iterator[Result]:
    """Do the tasks, with a bar."""
    if tasks:
        with (
            bar("report pages", total=len(tasks), unit="page", at_once=at_once) as step,
            closing(runner(tasks)) as results,
        ):
            for result in results:
                yield result
                step()


Runner = Callable[[list[Task]], Generator[Result]]


def _runner(ws: Workspace, choices: Choices, pool: LocalPool | None) -> Runner:
    """Choose who does the tasks."""

    def here(tasks: list[Task]) -> Generator[Result]:
        jobs = min(choices.at_once, len(tasks))
        with nullcontext(pool) if pool else LocalPool(jobs) as used:
            yield from used.run(tasks, choices.limits)

    def there(tasks: list[Task]) -> Generator[Result]:
        from survey_tools.run.cluster.batch import run_on_cluster

        assert choices.scheduler is not None  # noqa: S101
        pages = [task for task in tasks if task.lang]
        yield from run_on_cluster(
            ws, pages, scheduler=choices.scheduler, share=choices.share, limits=choices.limits
        )
        # the codebook is made of rows, which do not leave this machine
        yield from (make(task) for task in tasks if not task.lang)

    return there if choices.scheduler is not None else here
