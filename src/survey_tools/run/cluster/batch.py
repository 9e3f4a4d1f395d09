"""Make the pages of a batch on an existing Dask cluster.

A worker that is lost costs nothing: its page is made on another. A scheduler that is lost ends the run with
an error; what was made stays made, and the same command goes on. Not here: what a worker does
(survey_tools.run.cluster.worker), or which pages are to be made.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from survey_tools.errors import RunError
from survey_tools.params import Workspace
from survey_tools.run.batch.task import FAILED, Limits, Result, Task
from survey_tools.run.cluster.checks import (
    CONNECT_SECONDS,
    call,
    check_workers,
    connected,
    find_unfit,
    require_dask,
)
from survey_tools.run.cluster.fetch import Fetcher
from survey_tools.run.cluster.share import Share, bundle_name, collect_inputs, digest_inputs, pack
from survey_tools.run.cluster.worker import Batch, Reply, UnfitWorkerError, describe
from survey_tools.run.kernels.failure import Failure, without_token

if TYPE_CHECKING:
    from distributed import Client, Future

ATTEMPTS = 3
AHEAD = 4
"""Tasks that are handed over for each thread of the cluster; the others wait here, so that memory is flat."""

BEAT = 5.0
"""Seconds between two looks at the cluster."""

PING_SECONDS = 30
"""How long the scheduler may take to say which workers it has."""

WORKERLESS_SECONDS = 300
"""How long a run waits for new workers when all are gone."""

PATIENCE = 5.0
"""Seconds to fetch one result, before others get their turn."""


def run_on_cluster(
    ws: Workspace,
    tasks: Iterable[Task],
    *,
    scheduler: str,
    share: str | None = None,
    limits: Limits,
) -> Generator[Result]:
    """Do tasks on the workers of a Dask cluster, and give each result as it comes.

    Leaving early (Ctrl-C too) drops what is not begun and waits for nothing.

    Parameters
    ----------
    ws : Workspace
    tasks : iterable of Task
        Pages of one run.
    scheduler : str
        Address such as `tcp://host:8786`.
    share : str, optional
        fsspec URL of a folder that this machine and the workers reach. Inputs and pages then travel through
        it, and pages pass this machine's gate before they are released: workers do not have
        `data/private`. Without it the workers have to see the workspace at its path.
    limits : Limits
        What one page may take.

    Yields
    ------
    Result
        In the order in which they are done. Files are in the run's folder.

    Raises
    ------
    RunError
        When Dask is not installed; no scheduler answers, or it has no workers; workers lack the package,
        have another version, or do not see the data; or the scheduler or all workers go away.
    """
    require_dask()
    place = None if share is None else Share(share).open()
    return _run(ws, list(tasks), scheduler, place, limits)


def _run(
    ws: Workspace, tasks: list[Task], scheduler: str, share: Share | None, limits: Limits
) -> Generator[Result]:
    if not tasks:
        return
    with connected(scheduler) as client, _prepared(ws, tasks, share, limits) as batch:
        check_workers(client, scheduler, batch)
        fetcher = None if share is None else Fetcher(ws, tasks[0].run, share)
        try:
            yield from _Flight(client, scheduler, tasks, batch, fetcher).results()
        except BaseException:  # Ctrl-C too: nobody waits for what is at work any more
            with suppress(Exception):
                client.run(eval, call("stop", batch.id), callback_timeout=1, on_error="ignore")
            raise
        finally:
            if fetcher is not None:
                fetcher.close()


@contextmanager
def _prepared(
    ws: Workspace, tasks: list[Task], share: Share | None, limits: Limits
) -> Iterator[Batch]:
    """Say what the tasks have in common; put the inputs in the shared folder, or a mark in our own."""
    batch = Batch(secrets.token_hex(4), str(ws.root), limits, describe())
    if share is not None:
        digest = _upload(ws, {task.notebook for task in tasks}, share)
        yield replace(batch, share=share.url, inputs=digest)
        return
    # a name as of a file that is being written: the next run removes what a killed one left
    mark = ws.reports(tasks[0].run) / f".cluster-{batch.id}"
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch(0o600)
    try:
        yield replace(batch, mark=mark.relative_to(ws.root).as_posix())
    finally:
        mark.unlink(missing_ok=True)


def _upload(ws: Workspace, notebooks: set[str], share: Share) -> str:
    inputs = collect_inputs(ws, notebooks)
    digest = digest_inputs(inputs)
    try:
        if not share.has(bundle_name(digest)):
            share.write(bundle_name(digest), pack(inputs))
    except Exception as error:  # each store has its own errors
        raise RunError(
            "The inputs of the pages could not be put in the shared folder.",
            found=f"{type(error).__name__}: {error}",
            where=share.url,
            next_step="see that this machine may write there, then run again",
        ) from error
    return digest


@dataclass
class _Attempt:
    """A task that was handed over, and which workers may do it; None is any."""

    task: Task
    number: int
    workers: list[str] | None = None
    future: Future | None = None


class _Flight:
    """The tasks that the cluster has at the moment, and those that wait here."""

    def __init__(
        self,
        client: Client,
        scheduler: str,
        tasks: list[Task],
        batch: Batch,
        fetcher: Fetcher | None,
    ) -> None:
        self._client, self._scheduler, self._fetcher = client, scheduler, fetcher
        self._batch, self._batch_json = batch, batch.to_json()
        self._total, self._done = len(tasks), 0
        self._waiting = deque(_Attempt(task, 1) for task in tasks)
        self._flying: dict[str, _Attempt] = {}
        self._news: SimpleQueue[tuple[str, Result | None]] = SimpleQueue()
        self._unfit: set[str] = set()
        self._threads: dict[str, int] = {}
        self._looked, self._last_worker = -BEAT, time.monotonic()

    def results(self) -> Iterator[Result]:
        """Hand tasks over and give back results until all are done."""
        while self._waiting or self._flying:
            self._look()
            room = AHEAD * sum(self._threads[address] for address in self._fit())
            while self._waiting and len(self._flying) < room:
                self._submit(self._waiting.popleft())
            try:
                key, result = self._news.get(timeout=1)
            except Empty:
                continue
            if result is None and key in self._flying:
                result = self._land(key, self._flying[key])
            if result is not None:
                self._flying.pop(key, None)
                self._done += 1
                yield result

    def _submit(self, attempt: _Attempt) -> None:
        key = f"report-{self._batch.id}-{attempt.task.name}-{secrets.token_hex(3)}"
        expression = call("run_remote", attempt.task.to_json(), self._batch_json)
        attempt.workers = self._fit() if self._unfit else None
        attempt.future = self._client.submit(
            eval, expression, key=key, workers=attempt.workers, pure=False
        )
        self._flying[key] = attempt
        self._listen(key, attempt.future)

    def _listen(self, key: str, future: Future) -> None:
        future.add_done_callback(lambda _: self._news.put((key, None)))

    def _land(self, key: str, attempt: _Attempt) -> Result | None:
        """Look at a task that Dask says is over: its result, or None where it goes on."""
        future = attempt.future
        assert future is not None  # noqa: S101
        try:
            text = str(future.result(timeout=PATIENCE))
        except Exception as error:  # the task's own, or that of a worker that went with its result
            if future.status == "cancelled":
                raise self._lost("it went away or was restarted") from error
            if future.status == "error":
                return self._failed(key, attempt, error)
            self._listen(key, future)  # Dask makes it anew
            return None
        future.release()
        return self._arrived(key, attempt, Reply.from_json(text))

    def _arrived(self, key: str, attempt: _Attempt, reply: Reply) -> Result | None:
        attempts = reply.result.attempts + attempt.number - 1
        result = replace(reply.result, attempts=attempts)
        if self._fetcher is None or reply.folder is None:
            return result
        attempt.workers = None  # they have done their part
        self._fetcher.fetch(
            attempt.task.name,
            replace(reply, result=result),
            lambda fetched: self._news.put((key, fetched)),
        )
        return None

    def _failed(self, key: str, attempt: _Attempt, error: Exception) -> Result | None:
        """Try a task elsewhere that failed outside our own hands, or give it up."""
        from distributed import KilledWorker

        if isinstance(error, (ImportError, AttributeError, UnfitWorkerError)):
            self._avoid_unfit()
        if attempt.number < ATTEMPTS and not isinstance(error, KilledWorker):
            del self._flying[key]
            self._waiting.appendleft(_Attempt(attempt.task, attempt.number + 1))
            return None
        message = without_token(str(error))
        failure = Failure("on the cluster", type(error).__name__, message, message)
        return Result(attempt.task.name, FAILED, failure, passes=True, attempts=attempt.number)

    def _avoid_unfit(self) -> None:
        """Find workers that came later and are not like the others."""
        with suppress(RunError):  # not every worker answers; the task has further attempts
            faults = find_unfit(self._client, self._batch, seconds=CONNECT_SECONDS)
            self._unfit.update(*faults.values())
            self._looked = -BEAT

    def _fit(self) -> list[str]:
        return [address for address in self._threads if address not in self._unfit]

    def _look(self) -> None:
        """See now and then whether the scheduler and its workers are still there."""
        if self._client.status != "running":
            raise self._lost("the connection broke")
        now = time.monotonic()
        if now - self._looked < BEAT:
            return
        try:
            self._threads = self._client.nthreads(callback_timeout=PING_SECONDS)
        except Exception as error:  # whatever it is, the scheduler cannot be asked any more
            raise self._lost(f"it does not answer ({type(error).__name__})") from error
        self._looked = time.monotonic()
        if self._fit():
            self._last_worker = now
        elif now - self._last_worker > WORKERLESS_SECONDS:
            raise self._lost(f"it has had no fit workers for {WORKERLESS_SECONDS} seconds")
        self._free_stranded()

    def _free_stranded(self) -> None:
        """Take back tasks whose workers were named, and are all gone."""
        here = set(self._threads)
        for key, attempt in list(self._flying.items()):
            if attempt.workers and attempt.future is not None and here.isdisjoint(attempt.workers):
                del self._flying[key]
                attempt.future.release()
                self._waiting.appendleft(_Attempt(attempt.task, attempt.number))

    def _lost(self, why: str) -> RunError:
        return RunError(
            "The run lost its Dask scheduler.",
            found=f"{why}; {self._done} of {self._total} pages are done",
            where=self._scheduler,
            next_step="start the cluster again, then the same command: it goes on with the rest",
        )
