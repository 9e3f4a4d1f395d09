"""The process that forks: it imports once what notebooks and pages need, then forks a child a request.

A child is a kernel, or a process that makes reports. It lives as long as the connection of the one who asked
for it, and dies with this process; when it has ended, what it started is killed, too. Run as a file, so that
nothing is imported before `_import_all` has its say. It imports, draws one made-up figure and computes
nothing, so no thread but its first is alive when it forks. Not here: asking for children (`forks`).
"""

from __future__ import annotations

import builtins
import fcntl
import gc
import importlib
import json
import os
import select
import selectors
import shutil
import signal
import socket
import sys
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from survey_tools.run.kernels.children import INLINE, SUBREAPER, become, prctl

IMPORTS = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "pyarrow.dataset",
    "matplotlib.figure",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "matplotlib_inline.backend_inline",
    "seaborn",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.magics",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
    "pandera.strategies.pandas_strategies",
    "pandera.backends.pandas.builtin_checks",
    "pandas.io.formats.style",
    "papermill",
    "survey_tools.run.batch.worker",
    "survey_tools.report.warm_up",
)
LEFT_OUT = ("debugpy", "hypothesis", "rfc3986_validator", "rfc3987_syntax")
"""Imported by others if they are there, for nothing that a batch does: a debugger of kernels, made-up tables
for tests of contracts, and grammars of addresses for JSON schemas, slower to build than pandas to import."""

REQUEST_BYTES = 1 << 20


@dataclass(frozen=True)
class Child:
    """A child at work: its process, the descriptor that tells its end, and who asked for it."""

    pid: int
    fd: int
    asker: socket.socket


class Server:
    """Answer requests on a listening socket until standard input closes."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._children: dict[int, Child] = {}

    def serve(self) -> None:
        """Go on until the owner is gone; then kill every child and end."""
        self._selector.register(0, selectors.EVENT_READ, self._owner_spoke)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        while True:
            for key, _ in self._selector.select():
                key.data()

    def _owner_spoke(self) -> None:
        if not os.read(0, 1):
            _end_children(keep=())
            shutil.rmtree(os.path.dirname(self._listener.getsockname()), ignore_errors=True)  # noqa: PTH120
            os._exit(0)

    def _accept(self) -> None:
        asker, _ = self._listener.accept()
        asker.settimeout(5)
        try:
            request, fds = _read_request(asker)
        except (OSError, ValueError):
            asker.close()
            return
        pid = -1
        with suppress(OSError):  # too many processes, or no memory: who asked goes another way
            pid = os.fork()
        if pid == 0:
            self._forget_all(asker)
            become(request, fds)
        for fd in fds:
            os.close(fd)
        if pid < 0:
            asker.close()
        else:
            self._keep(Child(pid, os.pidfd_open(pid), asker))

    def _keep(self, child: Child) -> None:
        self._children[child.pid] = child
        self._selector.register(child.fd, selectors.EVENT_READ, lambda: self._ended(child))
        asker = child.asker
        self._selector.register(asker, selectors.EVENT_READ, lambda: self._asker_left(child))
        with suppress(OSError):
            asker.sendall(b"%d\n" % child.pid)

    def _asker_left(self, child: Child) -> None:
        if self._children.get(child.pid) is not child:
            return  # it ended in the same round
        with suppress(OSError):
            if child.asker.recv(1):
                return
        self._selector.unregister(child.asker)
        _kill(child.pid)

    def _ended(self, child: Child) -> None:
        _kill(child.pid)  # with its group, while its number cannot be another's
        _, status, usage = os.wait4(child.pid, 0)
        self._selector.unregister(child.fd)
        os.close(child.fd)
        del self._children[child.pid]
        answer = {"code": os.waitstatus_to_exitcode(status), "peak_kb": usage.ru_maxrss}
        with suppress(OSError):
            child.asker.sendall(json.dumps(answer).encode() + b"\n")
        with suppress(KeyError, ValueError):
            self._selector.unregister(child.asker)
        child.asker.close()
        _end_children(keep=self._children)

    def _forget_all(self, asker: socket.socket) -> None:
        """Close, in a child, what belongs to the server alone."""
        self._selector.close()
        self._listener.close()
        asker.close()
        for child in self._children.values():
            child.asker.close()
            os.close(child.fd)


def _read_request(asker: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Read one line of JSON and the descriptors that came with it."""
    content, fds, _, _ = socket.recv_fds(asker, REQUEST_BYTES, 2)
    while not content.endswith(b"\n"):
        more = asker.recv(REQUEST_BYTES)
        if not more or len(content) > REQUEST_BYTES:
            for fd in fds:
                os.close(fd)
            raise ValueError("no whole request")
        content += more
    return json.loads(content), fds


def _import_all() -> None:
    """Import as a kernel would: pandas asks whether it is in one, matplotlib which backend to take."""
    os.environ["MPLBACKEND"] = INLINE
    sys.modules.update(dict.fromkeys(LEFT_OUT))  # type: ignore[arg-type]
    builtins.get_ipython = lambda: SimpleNamespace(kernel=True)  # type: ignore[attr-defined]
    importlib.import_module("pandas")
    del builtins.get_ipython  # type: ignore[attr-defined]
    for name in IMPORTS:
        importlib.import_module(name)
    from survey_tools.report.warm_up import warm_up

    warm_up()
    for name in LEFT_OUT:
        del sys.modules[name]
    gc.collect()
    gc.freeze()  # a child that collects would copy every page it looks at


def _end_with_owner(*, on: bool) -> None:
    """While it imports, have the system end this process once its owner is gone; later `serve` looks."""
    flags = fcntl.fcntl(0, fcntl.F_GETFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, flags | os.O_ASYNC if on else flags & ~os.O_ASYNC)
    if on and select.select([0], [], [], 0)[0]:
        os._exit(0)


def _kill(pid: int) -> None:
    """Kill a child with all of its group, or alone where it has none yet."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _end_children(keep: Collection[int]) -> None:
    """Kill what ended children left behind, and what that leaves in turn: all is handed to this process."""
    while left := [pid for pid in _own_children() if pid not in keep]:
        for pid in left:
            _kill(pid)
        for pid in left:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _own_children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def main() -> None:
    """Import, then serve; the listening socket is the descriptor named by the first argument."""
    os.dup2(2, 1)  # what a library prints is not what the command says
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prctl(SUBREAPER, 1)
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        _end_with_owner(on=True)
        _import_all()
        _end_with_owner(on=False)
        Server(listener).serve()


if __name__ == "__main__":
    main()
