"""Start kernels that have their imports done: a server process imports once and forks a kernel a notebook.

Each notebook still has a fresh process of its own; nothing passes from one to the next. No published
Jupyter package starts kernels so. Not here: which notebooks run, or how a kernel is watched.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

SWITCH = "SURVEY_TOOLS_FORK"
"""Set to 0 to start every kernel in the ordinary way."""

LAUNCHER = "ipykernel_launcher"


def can_fork() -> bool:
    """Whether kernels can be forked here: Linux with pidfd, and not switched off."""
    return hasattr(os, "pidfd_open") and os.environ.get(SWITCH, "1") != "0"


class WarmServer:
    """A process that forks kernels on request; it ends, and they with it, when this one does.

    Parameters
    ----------
    hidden : sequence of str
        Environment variables that the server must not hold.
    """

    def __init__(self, hidden: Sequence[str] = ()) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in hidden}
        self._lock = threading.Lock()
        self._process = subprocess.Popen(  # noqa: S603 -- our own file
            [sys.executable, "-P", str(Path(__file__).with_name("warm_kernel.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self._requests = cast("IO[str]", self._process.stdin)
        self._answers = cast("IO[str]", self._process.stdout)

    def fork(
        self, command: Sequence[str], env: Mapping[str, str], cwd: str | None
    ) -> ForkedKernel | None:
        """Fork a kernel, or return None where only the ordinary start will do.

        Parameters
        ----------
        command : sequence of str
            What the kernel's specification would run.
        env : mapping
            Whole environment of the kernel.
        cwd : str, optional
            Folder that it works in.
        """
        arguments = kernel_arguments(command)
        if arguments is None or self._process.poll() is not None:
            return None
        request = {"arguments": arguments, "env": dict(env), "cwd": cwd or os.getcwd()}  # noqa: PTH109
        with self._lock, suppress(OSError, ValueError):
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
            return ForkedKernel(int(self._answers.readline()))
        return None

    def close(self) -> None:
        """End the server; kernels still at work notice that their parent is gone and end."""
        for pipe in (self._requests, self._answers):
            with suppress(OSError):
                pipe.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class ForkedKernel:
    """What jupyter_client needs of a process, for one that is a child of the server."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._fd: int | None = os.pidfd_open(pid)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return None while it lives; afterwards 0 (its exit code is the server's to know)."""
        if self._fd is not None and select.select([self._fd], [], [], 0)[0]:
            self._ended()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended."""
        if self._fd is not None:
            if not select.select([self._fd], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            self._ended()
        return self.returncode or 0

    def send_signal(self, signum: int) -> None:
        """Send a signal, if it still lives; a number used again by another process is never hit."""
        if self._fd is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, signum)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _ended(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd, self.returncode = None, 0


def kernel_arguments(command: Sequence[str]) -> list[str] | None:
    """Return what follows `-m ipykernel_launcher`, or None for another kernel or interpreter."""
    same = bool(command) and os.path.realpath(command[0]) == os.path.realpath(sys.executable)
    if not same or LAUNCHER not in command:
        return None
    return list(command[list(command).index(LAUNCHER) + 1 :])


def adopt(provisioner: Any, kernel: ForkedKernel) -> None:
    """Hand a forked kernel to jupyter_client's local provisioner, which then watches it as its own."""
    provisioner.process = kernel
    provisioner.pid = kernel.pid
    provisioner.pgid = kernel.pid
