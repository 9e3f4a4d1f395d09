"""Do the tasks of a batch on this machine, several at a time; a cause that passes gets a second attempt.

Not here: which tasks (survey_tools.run.batch.plan), or other machines (survey_tools.run.cluster.batch).
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from dataclasses import replace
from queue import SimpleQueue

from survey_tools.run.batch.make import failure_of
from survey_tools.run.batch.supervise import ON_CELL, ReportProcess
from survey_tools.run.batch.task import FAILED, Limits, Result, Task
from survey_tools.run.kernels.forks import take_server

ATTEMPTS = 2


class LocalPool:
    """Processes that make reports. They start when there is something to do and end with the block.

    Parameters
    ----------
    jobs : int
        Reports at a time.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._server = take_server()
        self._slots = [ReportProcess(self._server) for _ in range(jobs)]
        self._with_token = ReportProcess(keep_token=True)

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process, now."""
        slots = (*self._slots, self._with_token)
        for slot in slots:
            slot.refuse()
        if self._server is not None:
            self._server.close()
        for slot in slots:
            slot.close()

    def one(self, task: Task, limits: Limits, on_cell: ON_CELL | None = None) -> Result:
        """Do one task, in a process of its own; with the token, in one that is not forked."""
        slot = self._with_token if task.keep_token else self._slots[0]
        try:
            return attempt(slot, task, limits, on_cell)
        finally:
            slot.end()  # it holds the token, or what the workspace was before this stage

    def run(self, tasks: Iterable[Task], limits: Limits) -> Generator[Result]:
        """Do tasks and give each result as it comes; leaving early ends the processes at work."""
        waiting: SimpleQueue[Task | None] = SimpleQueue()
        results: SimpleQueue[Result] = SimpleQueue()
        todo = list(tasks)
        for task in todo:
            waiting.put(task)
        slots = self._slots[: len(todo)]
        for slot in slots:
            waiting.put(None)
            arguments = (slot, waiting, results, limits)
            threading.Thread(target=_work, args=arguments, daemon=True).start()
        try:
            for _ in todo:
                yield results.get()
        except BaseException:
            self.close()
            raise


def attempt(
    slot: ReportProcess, task: Task, limits: Limits, on_cell: ON_CELL | None = None
) -> Result:
    """Do a task, and once more if what stopped it may pass by itself."""
    number = 1
    while (result := slot.run(task, limits, on_cell)).passes and number < ATTEMPTS:
        number += 1
    return replace(result, attempts=number)


def _work(
    slot: ReportProcess,
    waiting: SimpleQueue[Task | None],
    results: SimpleQueue[Result],
    limits: Limits,
) -> None:
    while (task := waiting.get()) is not None:
        try:
            result = attempt(slot, task, limits)
        except Exception as error:  # a result has to come, or the batch would wait for ever
            slot.end()
            result = Result(task.name, FAILED, failure_of("outside the cells", error))
        results.put(result)
