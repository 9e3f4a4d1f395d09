"""Keep one process that makes reports: hand it tasks, watch over time and memory, end it when it must.

Whatever a notebook does, a result comes back. Not here: the process (survey_tools.run.batch.worker), or how
many there are (survey_tools.run.batch.pool).
"""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

import psutil

from survey_tools.errors import RunError
from survey_tools.run.batch.task import FAILED, STOPPED, Limits, Result, Task
from survey_tools.run.kernels.failure import Failure
from survey_tools.run.kernels.forks import (
    ADDRESS,
    TOKEN_VARIABLES,
    Forked,
    ForkServer,
    environment_without,
    fork,
    kill_group,
)
from survey_tools.run.progress import say

TICK = 0.2
"""Seconds between two looks at a report's memory."""

CHILDREN = 5
"""Looks after which what a kernel started is counted again: finding it takes a walk over all processes."""

START_SECONDS = 120
"""Seconds that the process has to begin: where nothing is forked it imports its libraries first."""

GRACE = 10
"""Seconds that the process has to tell how it went after its kernel was killed."""

_log = logging.getLogger(__name__)

ON_CELL = Callable[[int], None]


class ReportProcess:
    """One slot of a batch: a process that makes one report at a time, replaced when it ends.

    Parameters
    ----------
    server : ForkServer, optional
        Forks the process and its kernels; without it they start in the ordinary way.
    keep_token : bool
        Whether it may see the server's token.
    """

    def __init__(self, server: ForkServer | None = None, *, keep_token: bool = False) -> None:
        self._server, self._keep_token = server, keep_token
        self._process: Forked | subprocess.Popen[str] | None = None
        self._orders: IO[str] | None = None
        self._answers: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._kernel: int | None = None
        self._closed = self._told = False
        self._lock = threading.Lock()

    def run(self, task: Task, limits: Limits, on_cell: ON_CELL | None = None) -> Result:
        """Make one report and say how it went; `stopped` if this was closed meanwhile."""
        _log.debug("%s begins", task.name)
        result = self._run(task, limits, on_cell)
        _log.debug("%s: %s, %s", task.name, result.status, dict(result.seconds))
        return result

    def _run(self, task: Task, limits: Limits, on_cell: ON_CELL | None) -> Result:
        try:
            self._send(task, limits)
        except (OSError, ValueError, RunError) as error:
            self.end()
            return self._lost(task, "the process that makes reports could not be started", error)
        watch = _Watch(replace(limits, seconds=START_SECONDS))
        while True:
            try:
                answer = self._answers.get(timeout=TICK)
            except Empty:
                answer = {}
            if answer is None:
                self.end()
                return watch.judged(self._lost(task, "the process that made the report died"))
            if "begun" in answer:
                watch = _Watch(limits)
            if "kernel" in answer:
                self._kernel = watch.kernel = answer["kernel"]
            if "cell" in answer and on_cell is not None:
                on_cell(answer["cell"])
            if "result" in answer:
                self._kernel = None
                return watch.judged(Result.from_json(answer["result"]))
            if watch.exceeded():
                self._kill_kernel()
            if watch.overdue:
                self.end()
                return watch.judged(self._lost(task, "the process that made the report hung"))

    def close(self) -> None:
        """End the process and its kernel, now; a task at work comes back as stopped."""
        self.refuse()
        self.end()

    @property
    def closed(self) -> bool:
        """Whether it was closed; it takes no task any more."""
        return self._closed

    def refuse(self) -> None:
        """Take no task any more."""
        self._closed = True

    def _send(self, task: Task, limits: Limits) -> None:
        with self._lock:
            if self._closed:
                raise RunError("The batch was stopped.")
            if self._process is None:
                self._start()
            assert self._orders is not None  # noqa: S101
            order = {"task": asdict(task), "output_mb": limits.output_mb}
            self._orders.write(json.dumps(order, ensure_ascii=False) + "\n")
            self._orders.flush()

    def _start(self) -> None:
        hidden = () if self._keep_token else TOKEN_VARIABLES
        env = environment_without(hidden)
        self._answers = SimpleQueue()
        replies = self._fork(env) if self._server is not None else None
        if self._closed:
            raise RunError("The batch was stopped.")
        if replies is None and self._server is not None and not self._told:
            self._told = True
            say("Kernels start in the ordinary way, which is slower: nothing could be forked.")
        replies = replies or self._spawn(env)
        threading.Thread(target=_listen, args=(replies, self._answers), daemon=True).start()

    def _fork(self, env: dict[str, str]) -> IO[str] | None:
        assert self._server is not None  # noqa: S101
        ours, theirs = socket.socketpair()
        address = self._server.address
        process = fork(
            address,
            "worker",
            env={**env, ADDRESS: address},
            cwd=str(Path.cwd()),
            fds=[theirs.fileno()],
        )
        theirs.close()
        if process is None:
            ours.close()
            return None
        self._process = process
        self._orders = ours.makefile("w", encoding="utf-8")
        replies = ours.makefile("r", encoding="utf-8")
        ours.close()
        return replies

    def _spawn(self, env: dict[str, str]) -> IO[str]:
        env.pop(ADDRESS, None)
        process = subprocess.Popen(
            [sys.executable, "-m", "survey_tools.run.batch.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=env,
            start_new_session=True,
        )
        self._process, self._orders = process, process.stdin
        assert process.stdout is not None  # noqa: S101
        return process.stdout

    def _kill_kernel(self) -> None:
        kernel = self._kernel
        if kernel is not None:
            kill_group(kernel)

    def end(self) -> None:
        """End the process and its kernel; the next task starts another."""
        with self._lock:
            process, self._process = self._process, None
            self._kill_kernel()
            self._kernel = None
            if isinstance(process, Forked):
                process.kill()
                process.close()
            elif process is not None:
                kill_group(process.pid)
                process.wait()
            if self._orders is not None:
                with suppress(OSError):
                    self._orders.close()

    def _lost(self, task: Task, what: str, error: BaseException | None = None) -> Result:
        if self._closed:
            return Result(task.name, STOPPED)
        failure = Failure("outside the cells", "ReportProcessError", what, f"{what}\n{error or ''}")
        return Result(task.name, FAILED, failure, passes=True)


class _Watch:
    """Time and memory of one task."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.kernel = limits, None
        self.peak_mb = 0.0
        self._reason: tuple[str, str] | None = None
        self._started = self._looked = time.monotonic()
        self._looks = 0
        self._told = 0.0

    def exceeded(self) -> bool:
        """Look at the task; True once, when it has gone over a limit."""
        if self._reason is not None:
            return False
        now, limits = time.monotonic(), self.limits
        if now - self._looked < TICK:
            return False
        self._looked, self._looks = now, self._looks + 1
        whole = self._looks % CHILDREN == 0
        self.peak_mb = max(self.peak_mb, memory_mb(self.kernel, children=whole))
        if limits.seconds is not None and now - self._started > limits.seconds:
            self._reason = ("TimeLimitError", f"it took longer than {limits.seconds:g} seconds")
        elif limits.memory_mb is not None and self.peak_mb > limits.memory_mb:
            self._reason = ("MemoryLimitError", f"it took more than {limits.memory_mb:g} MB")
        self._told = now
        return self._reason is not None

    @property
    def overdue(self) -> bool:
        """Whether the process should have told of its killed kernel by now."""
        return self._reason is not None and time.monotonic() - self._told > GRACE

    def judged(self, result: Result) -> Result:
        """Put the limit that was gone over in place of the kernel's death, which it caused."""
        peak = max(self.peak_mb, result.peak_mb or 0) or None
        result = replace(result, peak_mb=peak)
        if self._reason is None or result.failure is None:
            return result
        kind, message = self._reason
        failure = replace(result.failure, kind=kind, message=message)
        return replace(result, failure=failure, passes=False)


def memory_mb(pid: int | None, *, children: bool = True) -> float:
    """Resident memory of a process, with its children if asked; 0 when it is gone."""
    if pid is None:
        return 0.0
    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        total = process.memory_info().rss
        for child in process.children(recursive=True) if children else ():
            with suppress(psutil.Error):
                total += child.memory_info().rss
    return total / 1_000_000


def _listen(replies: IO[str], answers: SimpleQueue[dict[str, Any] | None]) -> None:
    with suppress(OSError, ValueError):
        for line in replies:
            answers.put(json.loads(line))
    answers.put(None)
