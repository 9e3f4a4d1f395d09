"""What a worker of a cluster does: say whether it is fit for a batch, and make one page of it.

Only text comes in and goes out, so that neither the scheduler nor a wrong worker has to know our types.
Not here: who calls it (survey_tools.run.cluster.batch).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import socket
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from survey_tools import __version__
from survey_tools.errors import RunError
from survey_tools.report.downloads.names import FORMATS
from survey_tools.run.batch.facts import versions_of
from survey_tools.run.batch.fingerprint import digest_package
from survey_tools.run.batch.pool import attempt
from survey_tools.run.batch.supervise import ReportProcess
from survey_tools.run.batch.task import STOPPED, Limits, Result, Task
from survey_tools.run.cluster.share import Share, bundle_name, unpack
from survey_tools.run.kernels.forks import ForkServer, take_server

LIBRARIES = (
    "pandas", "numpy", "matplotlib", "seaborn", "nbconvert", "typst", "python-docx", "openpyxl",
    "distributed",
)  # fmt: skip
"""Libraries of which another version would make other pages, or not understand the runner."""

_lock = threading.Lock()
_unpacking = threading.Lock()
_serving = threading.Lock()
_of_thread = threading.local()
_at_work: dict[ReportProcess, str] = {}
_stopped: set[str] = set()
_servers: list[ForkServer | None] = []


class UnfitWorkerError(RunError):
    """The worker is not what the batch was begun with, so that it must not make pages."""


@dataclass(frozen=True)
class Batch:
    """What all tasks of a batch have in common.

    `id` tells it from every other batch, and `same` is what a worker must be like (`describe`). `share` and
    `inputs` are the URL of the shared folder and the digest of what pages are made from, both None where
    workers see the workspace at `root`; `mark` is then a file below `root` that no copy of it has.
    """

    id: str
    root: str
    limits: Limits
    same: Mapping[str, str]
    share: str | None = None
    inputs: str | None = None
    mark: str | None = None

    def to_json(self) -> str:
        """Write on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Batch:
        """Read what `to_json` wrote."""
        content = json.loads(text)
        return cls(**{**content, "limits": Limits(**content["limits"])})


@dataclass(frozen=True)
class Reply:
    """How a task went, and where in the shared folder its files are: path in the run's folder -> SHA-256."""

    result: Result
    folder: str | None = None
    files: Mapping[str, str] | None = None

    def to_json(self) -> str:
        """Write on one line."""
        content = {"result": self.result.to_json(), "folder": self.folder, "files": self.files}
        return json.dumps(content)

    @classmethod
    def from_json(cls, text: str) -> Reply:
        """Read what `to_json` wrote."""
        content = json.loads(text)
        return cls(**{**content, "result": Result.from_json(content["result"])})


@cache
def describe() -> dict[str, str]:
    """Say what pages that this process makes depend on: our code as it was first used, and versions."""
    own = {
        "survey_tools": __version__,
        "code of survey_tools": digest_package(),
        "python": ".".join(platform.python_version_tuple()[:2]),
    }
    libraries = versions_of(LIBRARIES).items()
    return own | {name: found or "not installed" for name, found in libraries}


def check(batch_json: str) -> list[str]:
    """Say what keeps this worker from making pages of a batch; nothing where it is fit."""
    batch = Batch.from_json(batch_json)
    faults = [
        f"{name} {describe().get(name)} instead of {wanted}"
        for name, wanted in batch.same.items()
        if describe().get(name) != wanted
    ]
    return faults or _unreachable(batch)


def run_remote(task_json: str, batch_json: str) -> str:
    """Make a page and, where there is a shared folder, put its files there.

    Raises
    ------
    UnfitWorkerError
        When this worker came later and is not like the others.
    Exception
        When the shared folder cannot be read or written.
    """
    batch, task = Batch.from_json(batch_json), Task.from_json(task_json)
    if describe() != dict(batch.same):
        raise UnfitWorkerError("This worker is not what the batch was begun with.")
    if batch.share is None or batch.inputs is None:
        return Reply(_supervised(task.at(batch.root), batch)).to_json()
    share = Share(batch.share).open()
    with _unpacking:
        root = unpack(share, batch.inputs, _scratch())
    result = _supervised(task.at(str(root)), batch)
    return _send(share, root / "reports" / task.run, task, result).to_json()


def stop(batch_id: str) -> None:
    """Kill what is at work for a batch, and begin nothing more of it."""
    with _lock:
        _stopped.add(batch_id)
        theirs = [process for process, batch in _at_work.items() if batch == batch_id]
        for process in theirs:
            process.refuse()  # while it is surely theirs: its thread may go on with another batch
    for process in theirs:
        process.end()


def files_of(name: str) -> tuple[str, ...]:
    """Files that a task may leave in the folder of its run."""
    page = tuple(f"{name}.{ending}" for ending in ("html", *FORMATS))
    return (*page, f"notebooks/{name}.ipynb", f"notebooks/{name}.failed.ipynb")


def _send(share: Share, folder: Path, task: Task, result: Result) -> Reply:
    """Move what a task left to a folder of its own, where no second attempt overwrites it."""
    target = f"{task.run}/{task.name}-{secrets.token_hex(4)}"
    sent = {}
    for name in files_of(task.name):
        path = folder / name
        if path.is_file():
            content = path.read_bytes()
            sent[name] = hashlib.sha256(content).hexdigest()
            share.write(f"{target}/{name}", content)
            path.unlink()
    return Reply(result, target, sent)


def _unreachable(batch: Batch) -> list[str]:
    if batch.share is None:
        return _unseen(Path(batch.root), batch.mark)
    try:
        there = Share(batch.share).open().has(bundle_name(str(batch.inputs)))
    except Exception as error:  # each store has its own errors
        return [f"cannot read the shared folder ({type(error).__name__}: {error})"]
    return [] if there else ["does not see what the runner put in the shared folder"]


def _unseen(root: Path, mark: str | None) -> list[str]:
    path = root / str(mark)
    try:
        path.read_bytes()
    except FileNotFoundError:
        return [f"does not see the workspace at {root}"]
    except OSError as error:
        return [f"may not read the workspace at {root} ({error.strerror})"]
    return [] if os.access(path.parent, os.W_OK) else [f"may not write to {path.parent}"]


def _supervised(task: Task, batch: Batch) -> Result:
    """Make a page in a process that this thread keeps for its next task."""
    process = _process_of_thread()
    with _lock:
        stopped = batch.id in _stopped
        _at_work[process] = batch.id
    try:
        result = Result(task.name, STOPPED) if stopped else attempt(process, task, batch.limits)
    except Exception:
        process.end()
        raise
    finally:
        with _lock:
            del _at_work[process]
    return result if result.host else replace(result, host=socket.gethostname())


def _process_of_thread() -> ReportProcess:
    """Return the process that this thread keeps, or a new one where that was closed or lost its server."""
    server = _fork_server()
    process: ReportProcess | None = getattr(_of_thread, "process", None)
    if process is not None and _of_thread.server is not server:
        process.close()
    if process is None or process.closed:
        process = ReportProcess(server)
        _of_thread.process, _of_thread.server = process, server
    return process


def _fork_server() -> ForkServer | None:
    """Return the server of all threads; a new one where it died."""
    with _serving:
        if not _servers or not (_servers[0] is None or _servers[0].alive):
            _servers[:] = [take_server()]
        return _servers[0]


def _scratch() -> Path:
    """Folder of this worker, which Dask removes with it."""
    with suppress(ImportError, ValueError):
        from distributed import get_worker

        return Path(get_worker().local_directory)
    return Path(tempfile.gettempdir())
