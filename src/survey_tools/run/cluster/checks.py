"""Reach a Dask scheduler, and see whether its workers can make the pages of this batch, before any is begun.

Works where a worker does not have our package: nothing but a text and Python's own `eval` travels.
Not here: making pages (survey_tools.run.cluster.batch).
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from survey_tools.errors import RunError
from survey_tools.run.cluster.worker import Batch

if TYPE_CHECKING:
    from distributed import Client

WORKER = "survey_tools.run.cluster.worker"
CONNECT_SECONDS = 10
ANSWER_SECONDS = 120
"""Time for all workers to import the package, which may lie on a slow shared disk."""

TOLD = 8
"""Addresses of workers that an error names."""

_LOGGERS = ("distributed", "distributed.client", "distributed.core", "distributed.comm")


def call(function: str, *texts: str) -> str:
    """Write a call of a function of `survey_tools.run.cluster.worker` as an expression for `eval`.

    Neither the scheduler nor a worker without the package fails at reading it.
    """
    arguments = ", ".join(map(repr, texts))
    return f"__import__('importlib').import_module({WORKER!r}).{function}({arguments})"


def require_dask() -> None:
    """Load what an optional extra brings.

    Raises
    ------
    RunError
        Names the extra.
    """
    try:
        import distributed
        import fsspec
    except ImportError as error:
        raise RunError(
            "A run on a cluster needs Dask, which is not installed.",
            expected="the extra «cluster» of survey_tools",
            found=str(error),
            next_step="pip install 'survey_tools[cluster]', or leave --scheduler out",
        ) from error
    del distributed, fsspec


@contextmanager
def connected(scheduler: str, *, workers: bool = True) -> Iterator[Client]:
    """Give a client of the scheduler; on leaving, Dask drops what it has not begun.

    Raises
    ------
    RunError
        When no scheduler answers at the address, or it has no `workers` although some are needed.
    """
    from distributed import Client
    from distributed.versions import VersionMismatchWarning

    warnings.filterwarnings("ignore", category=VersionMismatchWarning)  # `check_workers` says it
    for name in _LOGGERS:  # what goes wrong is told by our own errors
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = _in_time(lambda: Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False))
    except Exception as error:  # refused, unknown, no address at all: each has another type
        raise RunError(
            "There is no Dask scheduler at this address.",
            expected="a scheduler that answers within "
            f"{CONNECT_SECONDS} seconds, such as tcp://host:8786",
            found=f"{type(error).__name__}: {error}",
            where=scheduler,
            next_step="start one (dask scheduler) or mend the address, then run the same command again",
        ) from error
    try:
        if workers:
            _wait_for_a_worker(client, scheduler)
        yield client
    finally:
        with suppress(Exception):  # a scheduler that is gone cannot be told good-bye
            client.close(timeout=1)


def check_workers(client: Client, scheduler: str, batch: Batch) -> None:
    """Refuse a cluster on which the pages would fail, or come out other than here.

    Raises
    ------
    RunError
        Says for each fault which workers have it.
    """
    faults = find_unfit(client, batch)
    ours, theirs = version("distributed"), scheduler_version(client)
    if ours != theirs:
        faults[f"distributed {theirs} instead of {ours}"] = ["the scheduler"]
    if faults:
        raise RunError(
            "The cluster cannot make these pages; none was begun.",
            expected="on every worker: " + ", ".join(f"{k} {v}" for k, v in batch.same.items()),
            found="; ".join(f"{fault}: {_listed(who)}" for fault, who in faults.items()),
            where=scheduler,
            next_step=_what_to_do(faults, batch),
        )


def find_unfit(
    client: Client, batch: Batch, seconds: float = ANSWER_SECONDS
) -> dict[str, list[str]]:
    """Ask every worker whether it can make the batch's pages, and wait `seconds` for the answers.

    Returns
    -------
    dict
        Addresses of workers by fault; empty where all are fit.

    Raises
    ------
    RunError
        When workers do not answer in time.
    """
    expression = call("check", batch.to_json())
    try:
        answers: Mapping[str, object] = client.run(
            eval,
            expression,
            on_error="return",
            callback_timeout=seconds,
        )
    except OSError as error:
        raise RunError(
            "The workers of the cluster did not answer.",
            expected=f"an answer of every worker within {seconds:g} seconds",
            found=f"{type(error).__name__}: {error}",
            next_step="look at the scheduler's page for workers that hang, then run again",
        ) from error
    faults: dict[str, list[str]] = {}
    for address, answer in sorted(answers.items()):
        for fault in answer if isinstance(answer, list) else [_fault_of(answer)]:
            faults.setdefault(fault, []).append(address)
    return faults


def scheduler_version(client: Client) -> str:
    """Version of Dask at the scheduler."""
    expression = "__import__('distributed').__version__"
    return str(client.run_on_scheduler(eval, expression, callback_timeout=CONNECT_SECONDS))


def _in_time(connect: Callable[[], Client]) -> Client:
    """Connect in a thread of its own: Dask waits for ever for whoever takes a call and says nothing."""
    answers: SimpleQueue[Client | Exception] = SimpleQueue()

    def answer() -> None:
        try:
            answers.put(connect())
        except Exception as error:  # raised again by whoever waits
            answers.put(error)

    threading.Thread(target=answer, daemon=True, name="connect").start()
    try:
        found = answers.get(timeout=CONNECT_SECONDS + 2)
    except Empty:
        raise TimeoutError("somebody is there, who does not answer as a scheduler does") from None
    if isinstance(found, Exception):
        raise found
    return found


def _wait_for_a_worker(client: Client, scheduler: str) -> None:
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except OSError as error:
        raise RunError(
            "The scheduler has no workers.",
            expected="at least one worker",
            found=f"none within {CONNECT_SECONDS} seconds",
            where=scheduler,
            next_step=f"start some: dask worker {scheduler} --nthreads 1",
        ) from error


def _fault_of(answer: object) -> str:
    if isinstance(answer, ImportError):
        return f"cannot import survey_tools ({answer})"
    if isinstance(answer, AttributeError):
        return "has another survey_tools"
    return f"did not answer ({type(answer).__name__})"


def _listed(addresses: list[str]) -> str:
    more = len(addresses) - TOLD
    return ", ".join(addresses[:TOLD]) + (f" and {more} more" if more > 0 else "")


def _what_to_do(faults: Mapping[str, object], batch: Batch) -> str:
    if any("workspace" in fault for fault in faults) and batch.share is None:
        return (
            "mount the workspace at the same path on every worker, or give a folder that all reach: "
            "--share URL"
        )
    return "install on every worker what is installed here, restart the workers, then run again"
