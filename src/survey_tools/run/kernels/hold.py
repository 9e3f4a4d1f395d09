"""Keep hold of the kernels of a run, so that stopping the run leaves none behind.

Not here: what the kernels execute.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager

from survey_tools.params import ROOT_VARIABLE
from survey_tools.run.kernels.warm import WarmServer, adopt, can_fork

TOKEN_VARIABLES = ("KOBO_TOKEN", "KOBO_TOKEN_FILE")
"""Environment variables that hold the server's token, or name the file that does."""

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Kernels:
    """The kernels that a run has started; `manager_class` is handed to nbclient.

    Parameters
    ----------
    keep_token : bool
        Whether the kernels may see the server's token. Only the pull needs it: a notebook that does not
        have it cannot show it.
    warm : WarmServer, optional
        Forks the kernels; without it each starts in the ordinary way.
    """

    def __init__(self, *, keep_token: bool = False, warm: WarmServer | None = None) -> None:
        self.keep_token = keep_token
        self.warm = warm
        self._pids: set[int] = set()
        self._lock = threading.Lock()
        self._stopped = False
        self.manager_class = _tracked_manager(self)

    @property
    def stopped(self) -> bool:
        """Whether the run was stopped; no kernel starts any more."""
        return self._stopped

    @property
    def pids(self) -> frozenset[int]:
        """Processes of the kernels at work."""
        with self._lock:
            return frozenset(self._pids)

    def stop(self) -> None:
        """Kill every kernel with its children, and let none start from now on."""
        with self._lock:
            self._stopped = True
            for pid in self._pids:
                _kill_group(pid)

    def _add(self, pid: int | None) -> None:
        with self._lock:
            if pid is not None:
                self._pids.add(pid)
                if self._stopped:
                    _kill_group(pid)

    def _remove(self, pid: int | None) -> None:
        with self._lock:
            self._pids.discard(pid if pid is not None else -1)


@contextmanager
def warm_server() -> Iterator[WarmServer | None]:
    """Give a server that forks kernels with their imports done, or None where that is not possible."""
    if not can_fork():
        yield None
        return
    server = WarmServer(hidden=TOKEN_VARIABLES)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def kernel_environment(root: Path, **more: str) -> Iterator[None]:
    """Let kernels find the workspace from any folder, and compute with one thread each.

    Kernels inherit the environment of this process, with the variables `more`; it is put back on leaving.
    """
    wanted = {ROOT_VARIABLE: str(root), **dict.fromkeys(_ONE_THREAD, "1"), **more}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def stoppable(kernels: Kernels, *, jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Give threads that run notebooks; leaving by an exception (Ctrl-C too) kills their kernels first.

    Nothing is left running when the block is left, whichever way.
    """
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="notebook")
    try:
        yield pool
    except BaseException:
        kernels.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _tracked_manager(kernels: Kernels) -> type[AsyncKernelManager]:
    class TrackedManager(AsyncKernelManager):
        """An ordinary kernel manager that says which process it started.

        Where there are Unix sockets it talks over one in a folder of its own, closed to other users.
        """

        _tracked: int | None = None
        _folder: str | None = None

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            if hasattr(socket, "AF_UNIX") and os.name == "posix":
                self._folder = tempfile.mkdtemp(prefix="kernel-")
                self.transport, self.ip = "ipc", f"{self._folder}/k"

        async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
            if kernels.stopped:
                raise RuntimeError("the run was stopped")
            env = kw.get("env") or os.environ
            hidden = () if kernels.keep_token else TOKEN_VARIABLES
            kw["env"] = {k: v for k, v in env.items() if k not in hidden}
            warm = kernels.warm
            forked = warm.fork(kernel_cmd, kw["env"], kw.get("cwd")) if warm else None
            if forked is None:
                await super()._async_launch_kernel(kernel_cmd, **kw)
            else:
                adopt(self.provisioner, forked)
            self._tracked = getattr(self.provisioner, "pid", None)
            kernels._add(self._tracked)

        async def _async_cleanup_resources(self, restart: bool = False) -> None:
            kernels._remove(self._tracked)
            await super()._async_cleanup_resources(restart=restart)
            if self._folder is not None and not restart:
                shutil.rmtree(self._folder, ignore_errors=True)

        _launch_kernel = _async_launch_kernel
        cleanup_resources = _async_cleanup_resources

    return TrackedManager


def _kill_group(pid: int) -> None:
    """Kill a kernel, which leads its own process group on POSIX."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        pass
