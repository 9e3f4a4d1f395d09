"""Run the sides of a comparison as processes of their own, in turn, and print figures as tables.

Not here: what is measured.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Result = dict[str, Any]


def run_side(
    side: str, given: Mapping[str, Any], *, token: str = "", python: Path | str = sys.executable
) -> Result:
    """Run one side in a new process and return what it says; `error` where it fails.

    The token goes through the environment; nothing else of the environment names a server.
    """
    script = "kobo_sides.py" if python == sys.executable else "kobo_other_sides.py"
    command = [str(python), str(HERE / script), side, json.dumps(given)]
    done = subprocess.run(
        command,
        env={**os.environ, "KOBO_TOKEN": token, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return {"error": lines[-1]}
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


def interleaved(sides: Mapping[str, Callable[[], Result]], rounds: int) -> dict[str, list[Result]]:
    """Run all sides once a round, in turn: a machine that is shared slows every side alike."""
    results: dict[str, list[Result]] = {name: [] for name in sides}
    for turn in range(rounds):
        names = list(sides) if turn % 2 == 0 else list(reversed(sides))
        for name in names:
            results[name].append(sides[name]())
    return results


def median(results: Sequence[Result], key: str) -> float:
    """Return the median of a figure."""
    return statistics.median(result[key] for result in results)


def median_ratio(ours: Sequence[Result], theirs: Sequence[Result], key: str = "seconds") -> float:
    """Return the median over rounds of their figure by ours of the same round; nan if a side failed."""
    if failure(ours) or failure(theirs):
        return float("nan")
    pairs = zip(ours, theirs, strict=True)
    return statistics.median(their[key] / our[key] for our, their in pairs)


def peak_memory() -> float:
    """Return the most memory that this process has had, in bytes.

    Linux hands `ru_maxrss` on to a program from the process that starts it, so a small program would
    show the size of a large one.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        unit = 1 if platform.system() == "Darwin" else 1024
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
    return float(status.split("VmHWM:")[1].split()[0]) * 1024


def failure(results: Sequence[Result]) -> str:
    """Return why a side failed, or nothing."""
    return next((result["error"] for result in results if "error" in result), "")


def figure(results: Sequence[Result], key: str, written: str = ",.2f", unit: float = 1) -> str:
    """Write the median of a figure, or what stands for none."""
    return "fails" if failure(results) else format(median(results, key) / unit, written)


def print_failures(found: Mapping[Any, Sequence[Result]]) -> None:
    """Print why sides failed."""
    for side, results in found.items():
        if failure(results):
            print(f"{side} fails: {failure(results)}")


def print_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: the first column to the left, all others to the right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    print(f"\n{title}")
    for row in (heads, ["-" * width for width in widths], *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())


def print_machine(names: Sequence[str] = ("pandas", "httpx", "tornado")) -> None:
    """Print what the figures depend on, versions of packages among it."""
    packages = " ".join(f"{name} {version(name)}" for name in names)
    day = datetime.now(UTC).date().isoformat()
    load = os.getloadavg()[0]
    print(f"{day}, {os.cpu_count()} processors (load {load:.1f}), {platform.system()}", end=", ")
    print(f"Python {platform.python_version()}, {packages}")


def whole(number: float) -> str:
    """Write a number without decimals."""
    return f"{number:,.0f}"


def uv(*arguments: str) -> str:
    """Run uv of this environment; return the last line of its complaint, or nothing."""
    command = [str(Path(sys.executable).with_name("uv")), *arguments, "--quiet"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        return type(error).__name__
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return lines[-1].strip() if done.returncode else ""
