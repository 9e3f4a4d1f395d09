"""What a child of the fork server becomes: a kernel, or a process that makes reports.

Imports nothing but the standard library before it is asked to. Not here: forking (`fork_server`).
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import random
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

INLINE = "module://matplotlib_inline.backend_inline"
_DEATH_SIGNAL, SUBREAPER = 1, 36
"""Options of Linux's prctl: die with the parent; be handed what one's children leave behind."""


def become(request: dict[str, Any], fds: list[int]) -> None:
    """Turn this child into what was asked for and never return."""
    code = 1
    try:
        prctl(_DEATH_SIGNAL, signal.SIGKILL)
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        tempfile.tempdir = None
        _draw_afresh()
        roles: dict[str, Callable[[dict[str, Any], list[int]], int]]
        roles = {"kernel": _kernel, "worker": _worker}
        code = roles[request["role"]](request, fds)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(code)


def _kernel(request: dict[str, Any], fds: list[int]) -> int:
    """Run an IPython kernel; its own words, of a crash for example, go to the descriptor handed over."""
    prctl(SUBREAPER, 1)  # what it detaches stays its own, until it ends
    for target in (1, 2):
        os.dup2(fds[0], target)
    faulthandler.enable(os.dup(2), all_threads=False)
    # the thread that sends outputs waits less for the one that computes
    sys.setswitchinterval(0.0005)
    os.environ["MPLBACKEND"] = INLINE
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("500")  # where memory runs out, the kernel goes before the run
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize([*request["arguments"], f"--IPKernelApp.parent_handle={os.getppid()}"])
    app.start()
    return 0


def _worker(request: dict[str, Any], fds: list[int]) -> int:
    """Make reports; tasks come and results go over the socket handed over."""
    from survey_tools.run.batch.worker import serve

    with socket.socket(fileno=fds[0]) as channel:
        serve(channel.makefile("r", encoding="utf-8"), channel.makefile("w", encoding="utf-8"))
    return 0


def _draw_afresh() -> None:
    """Give this child random numbers of its own: siblings are copies of one process."""
    import numpy as np

    random.seed()
    np.random.seed()


def prctl(option: int, value: int) -> None:
    """Tell Linux about this process."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
