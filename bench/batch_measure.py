"""Time a command with everything that it starts, and sample the memory of all its processes.

Not here: what is measured. Seconds of processor are those of all processes of the command, whoever started
and whoever ended them: this process takes in what its descendants leave behind (Linux; elsewhere only what
they waited for is counted). Memory comes from `/proc`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from kobo_measure import Result

TIMEOUT = 3600
LEFT_SECONDS = 5.0
"""How long what a command left behind has to end."""

EVERY = 0.2
"""Seconds between two samples of memory. A sample takes the processor for some milliseconds a process."""

_PR_SET_CHILD_SUBREAPER = 36
_FORKED = "fork_server.py"
_KERNEL_OOM_SCORE = "500"
"""Forked kernels look like the server that forked them but for this."""


@dataclass
class Peaks:
    """The most memory at one time, in bytes: PSS counts a shared page once, RSS in each process."""

    pss: float = 0
    rss: float = 0
    kernels_pss: float = 0
    kernels_rss: float = 0
    kernels: int = 0
    processes: int = 0


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that their seconds are counted."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def timed(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Result:
    """Run a command; return its `seconds`, its `cpu`, and the last line that it `said`.

    `left` are processes that it left behind and that did not end by themselves. What it wrote to its
    error stream is told only when it fails, as `error`.
    """
    before = _cpu_of_children()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as words:
        started = time.perf_counter()
        try:
            done = subprocess.run(
                command, cwd=cwd, env=dict(env), stdout=out, stderr=words, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            return {"error": f"no result in {TIMEOUT} s"}
        seconds = time.perf_counter() - started
        left = _take_in_orphans()
        if done.returncode:
            return {"error": f"exit {done.returncode}: {_last_line(words)}"}
        said = _last_line(out)
    return {
        "seconds": seconds,
        "cpu": _cpu_of_children() - before,
        "said": said,
        "left": left,
    }


def sampled(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Result:
    """Run a command while its memory is sampled; `peaks` beside what `timed` returns.

    Sampling takes processor time, so these seconds are not to be compared.
    """
    peaks, ended = Peaks(), threading.Event()
    sampler = threading.Thread(target=_sample_until, args=(ended, peaks))
    sampler.start()
    try:
        return timed(command, cwd, env) | {"peaks": peaks}
    finally:
        ended.set()
        sampler.join()


def _sample_until(ended: threading.Event, peaks: Peaks) -> None:
    me = psutil.Process()
    while not ended.wait(EVERY):
        found = [(*_memory(child.pid), _is_kernel(child)) for child in me.children(recursive=True)]
        kernels = [one for one in found if one[2]]
        now = Peaks(
            *(sum(one[i] for one in which) for which in (found, kernels) for i in (0, 1)),
            len(kernels),
            len(found),
        )
        for name, value in vars(now).items():
            setattr(peaks, name, max(getattr(peaks, name), value))


def _memory(pid: int) -> tuple[int, int]:
    """Return PSS and RSS in bytes; nothing for a process that is gone."""
    sizes = {"Pss:": 0, "Rss:": 0}
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            name, *rest = line.split()
            if name in sizes:
                sizes[name] = int(rest[0]) * 1024
    return sizes["Pss:"], sizes["Rss:"]


def _is_kernel(process: psutil.Process) -> bool:
    with suppress(psutil.Error, OSError):
        command = " ".join(process.cmdline())
        score = Path(f"/proc/{process.pid}/oom_score_adj").read_text(encoding="ascii").strip()
        return "ipykernel" in command or (_FORKED in command and score == _KERNEL_OOM_SCORE)
    return False


def _take_in_orphans() -> int:
    """Wait for adopted processes; return how many were still there in the end, which are killed."""
    until = time.monotonic() + LEFT_SECONDS
    with suppress(ChildProcessError):
        while time.monotonic() < until:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.02)
    left = psutil.Process().children(recursive=True)
    for child in left:
        with suppress(psutil.Error):
            child.kill()
    with suppress(ChildProcessError):
        while os.waitpid(-1, 0)[0]:
            pass
    return len(left)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _last_line(file: object) -> str:
    file.seek(0)  # type: ignore[attr-defined]
    lines = [line.strip() for line in file.read().splitlines() if line.strip()]  # type: ignore[attr-defined]
    return lines[-1] if lines else ""
