"""Measure report pages with forked and with ordinary kernels, both sides in one run, and print the ratio.

Needs a workspace with results (`make demo`). Rounds are interleaved, so a machine that is shared or warms up
counts for both sides.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

ROUNDS = 3
COMMUNES = "10270,10273,10276"


def seconds(switch: str) -> float:
    """Make the pages of three communes and the district from nothing, and time the whole process."""
    command = [sys.executable, "-m", "survey_tools.cli", "report", "--run", f"bench-{switch}"]
    command += ["--communes", COMMUNES, "--force"]
    started = time.perf_counter()
    subprocess.run(
        command, env=os.environ | {"SURVEY_TOOLS_FORK": switch}, check=True, capture_output=True
    )
    return time.perf_counter() - started


def main() -> None:
    """Print the median of each side and the ratio."""
    rounds = [(seconds("1"), seconds("0")) for _ in range(ROUNDS)]
    warm, plain = (statistics.median(side) for side in zip(*rounds, strict=True))
    print(f"8 pages, {os.cpu_count()} processors, median of {ROUNDS} interleaved rounds")
    print(f"forked kernels   {warm:6.1f} s\nordinary kernels {plain:6.1f} s")
    print(f"ratio            {plain / warm:6.2f}")


if __name__ == "__main__":
    main()
