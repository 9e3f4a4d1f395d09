"""Ask a fork server for kernels and report processes that have their imports done.

A notebook has a fresh process of its own all the same; nothing passes from one to the next. No published
Jupyter package starts kernels so. Not here: the server's process (`fork_server.py`), or what a kernel runs.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

SWITCH = "SURVEY_TOOLS_FORK"
"""Set to 0 to start every kernel in the ordinary way."""

ADDRESS = "SURVEY_TOOLS_FORK_SERVER"
"""Names the socket of the fork server that children of this process ask."""

LAUNCHER = "ipykernel_launcher"

TOKEN_VARIABLES = ("KOBO_TOKEN", "KOBO_TOKEN_FILE")
"""Environment variables that hold the server's token, or name the file that does."""

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Variables that bound the threads of linear algebra: as many notebooks run as there are processors."""

SOCKET_PATH = 90
"""Characters that the path of a socket may have; Linux takes 107 and macOS 103, with a number behind it."""

_START_SECONDS = 60


def environment_without(hidden: Collection[str]) -> dict[str, str]:
    """Return this process's environment without some variables, with one thread for linear algebra."""
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return kept | dict.fromkeys(ONE_THREAD, "1")


def kill_group(pid: int) -> None:
    """Kill a process that leads a group of its own, with the group."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)


def can_fork() -> bool:
    """Whether kernels can be forked here: Linux with pidfd, and not switched off."""
    if not hasattr(os, "pidfd_open") or os.environ.get(SWITCH, "1") == "0":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # an old kernel, or a container that forbids it
        return False
    return True


def _short_folder() -> str | None:
    """Where sockets go: the usual temporary folder, or /tmp where its name is too long for one."""
    return None if len(tempfile.gettempdir()) < SOCKET_PATH - 40 else "/tmp"  # noqa: S108 -- closed to others


class Forked:
    """A child of a fork server, with what jupyter_client needs of a process.

    It is killed when this object is closed or this process ends. `peak_mb` is known once it has ended.
    """

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._heard = b""
        self.pid = int(self._line())
        self.returncode: int | None = None
        self.peak_mb: float | None = None

    def poll(self) -> int | None:
        """Return its exit code, or None while it lives; minus a number is the signal that ended it."""
        if self.returncode is None and self._spoke(0):
            self._ended()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Raises
        ------
        subprocess.TimeoutExpired
        """
        if self.returncode is None:
            if not self._spoke(timeout):
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            self._ended()
        return self.returncode or 0

    def send_signal(self, signum: int) -> None:
        """Send a signal to it and its group, if it still lives."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signum)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Let go of it: the server kills it and what it started."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _spoke(self, timeout: float | None) -> bool:
        if b"\n" in self._heard:
            return True
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(None if timeout is None else 1000 * timeout))

    def _line(self) -> str:
        """Read one line; an empty one where the server is gone."""
        while b"\n" not in self._heard:
            with suppress(OSError):
                if more := self._connection.recv(4096):
                    self._heard += more
                    continue
            return ""
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode()

    def _ended(self) -> None:
        line = self._line()
        told = json.loads(line) if line else {"code": -signal.SIGKILL}
        self.returncode = int(told["code"])
        self.peak_mb = round(told["peak_kb"] / 1024, 1) if "peak_kb" in told else None
        self._connection.close()


class ForkServer:
    """A process that forks children on request; it ends, and they with it, when this process does.

    Parameters
    ----------
    hidden : sequence of str
        Environment variables that the server, and so its children, must not hold.
    """

    def __init__(self, hidden: Sequence[str] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fork-", dir=_short_folder())
        self.address = str(Path(self._folder.name) / "s")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.address)
            listener.listen(64)
            self._process = subprocess.Popen(  # noqa: S603 -- our own file
                [
                    sys.executable,
                    "-P",
                    str(Path(__file__).with_name("fork_server.py")),
                    str(listener.fileno()),
                ],
                stdin=subprocess.PIPE,
                pass_fds=[listener.fileno()],
                env=environment_without(hidden),
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether the process still lives."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the server and all of its children; one that is still importing has none."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()


_ahead: list[ForkServer] = []


def start_ahead() -> None:
    """Start a server now, for whoever takes one later; it does not hold the server's token.

    Its imports take seconds and a processor of their own; a command that will need it has something else
    to do meanwhile.
    """
    if can_fork() and not _ahead:
        _ahead.append(ForkServer(TOKEN_VARIABLES))
        atexit.register(drop_ahead)


def take_server() -> ForkServer | None:
    """Return the server that was started ahead, or a new one; None where forking is not possible."""
    if not can_fork():
        return None
    return _ahead.pop() if _ahead else ForkServer(TOKEN_VARIABLES)


def drop_ahead() -> None:
    """End a server that nobody took."""
    while _ahead:
        _ahead.pop().close()


def fork(
    address: str,
    role: str,
    *,
    env: Mapping[str, str],
    cwd: str,
    fds: Sequence[int] = (),
    **more: Any,
) -> Forked | None:
    """Ask the server at `address` for a child, or return None where it does not give one.

    Parameters
    ----------
    address : str
    role : str
        `kernel` or `worker`.
    env : mapping
        Whole environment of the child.
    cwd : str
        Folder that it works in.
    fds : sequence of int
        Descriptors handed over: where a kernel's own words go, or a worker's channel.
    """
    request = {"role": role, "env": dict(env), "cwd": cwd, **more}
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_START_SECONDS)
        connection.connect(address)
        content = json.dumps(request).encode() + b"\n"
        sent = socket.send_fds(connection, [content], list(fds))
        connection.sendall(content[sent:])
        forked = Forked(connection)
        connection.settimeout(None)
    except (OSError, ValueError):
        connection.close()
        return None
    return forked


def kernel_arguments(command: Sequence[str]) -> list[str] | None:
    """Return what follows `-m ipykernel_launcher`, or None for another kernel or interpreter."""
    if not command or _place(command[0]) != _place(sys.executable):
        return None
    if LAUNCHER not in command:
        return None
    return list(command[list(command).index(LAUNCHER) + 1 :])


def _place(program: str) -> tuple[str, str]:
    """Say which interpreter a program is: environments share one and differ in the folder."""
    return os.path.realpath(os.path.dirname(program)), os.path.realpath(program)  # noqa: PTH120


_own: ForkServer | None = None
_own_lock = threading.Lock()


def server_address() -> str | None:
    """Return the socket of the server to ask: the one named in the environment, or this process's own.

    The own one is started when it is first needed and ends with this process. None where forking is not
    possible.
    """
    global _own
    if not can_fork():
        return None
    if named := os.environ.get(ADDRESS):
        return named
    with _own_lock:
        if _own is None or not _own.alive:
            _own = ForkServer()
        return _own.address
