"""Say how many notebooks this process may run at a time.

Not here: running them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux says, inside a container, how much of the processors it may take: quota and period, or max."""


def jobs_here() -> int:
    """Count the processors that this process may use: those it is bound to, within the container's share.

    The machine may have many more, of which Slurm, `taskset` or a container gave it only some.

    Returns
    -------
    int
        At least 1.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    bound = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota = _quota()
    return bound if quota is None else max(1, min(bound, quota))


def _quota() -> int | None:
    """Whole processors that the container may take; None where nothing bounds it."""
    with suppress(OSError, ValueError):
        quota, period = CPU_MAX.read_text(encoding="ascii").split()
        if quota != "max":
            return int(quota) // max(1, int(period))
    return None
