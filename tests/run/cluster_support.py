"""Start real Dask schedulers and workers as processes, and the tasks of a small workspace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from run_workspace import COMMUNES

from survey_tools.params import Workspace
from survey_tools.run.batch.task import Task

SECONDS = 60

BLOCK = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "survey_tools":
            raise ModuleNotFoundError("No module named 'survey_tools'", name=name)

sys.meta_path.insert(0, Blocked())
"""


class Cluster:
    """A scheduler and its workers, each a process; all are gone when it is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show"
        )
        self.address = str(self._read()["address"])

    def add_workers(self, count: int = 1, **env: str) -> None:
        """Start workers of one thread, and wait until the scheduler knows them."""
        before = self._known()
        for _ in range(count):
            options = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
            folder = ("--local-directory", str(self.folder / "scratch"))
            self.workers.append(self._start("worker", *options, *folder, **env))
        _until(lambda: self._known() >= before + count)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a process without warning."""
        process.send_signal(signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        """End everything."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, what: str, *options: str, **env: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{what}-{len(self.workers)}.log").open("wb")
        return subprocess.Popen(
            [sys.executable, "-m", "dask", what, "--scheduler-file", str(self.file), *options],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **env},
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def _read(self) -> dict[str, object]:
        def whole() -> bool:
            try:
                json.loads(self.file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                return False
            return True

        _until(whole)
        content: dict[str, object] = json.loads(self.file.read_text(encoding="utf-8"))
        return content

    def _known(self) -> int:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            return len(client.nthreads())


@contextmanager
def cluster(folder: Path, workers: int = 0) -> Iterator[Cluster]:
    """Give a scheduler with workers, and end them whatever happens."""
    started = Cluster(folder)
    try:
        if workers:
            started.add_workers(workers)
        yield started
    finally:
        started.close()


def page_tasks(ws: Workspace, count: int, lang: str = "vi") -> list[Task]:
    """Tasks for pages of the communes in turn, each under a name of its own."""
    codes = [COMMUNES[number % len(COMMUNES)] for number in range(count)]
    return [
        page_task(ws, f"{code}-{number}.{lang}", commune=code, lang=lang)
        for number, code in enumerate(codes)
    ]


def page_task(ws: Workspace, name: str, notebook: str = "60_commune_report", **more: str) -> Task:
    """One task, with parameters beyond those that all notebooks have."""
    return Task(
        name=name,
        root=str(ws.root),
        study="params/study.yml",
        run="main",
        notebook=f"notebooks/{notebook}.ipynb",
        parameters={"run": "main", "study": "params/study.yml", **more},
        lang="vi",
    )


def without_package(folder: Path) -> dict[str, str]:
    """Environment of a Python that cannot import our package, as where it was never installed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(BLOCK, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, "the cluster did not come up"
        time.sleep(0.1)
