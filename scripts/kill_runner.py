"""Kill the runner of a real workspace at random moments and hold the pages against an undisturbed run.

    python scripts/kill_runner.py WORKSPACE [--kills 20] [--communes 10270,10273] [--lang vi,en] [--seed 1]

The workspace is only read; all runs go on in copies of it. The long version of tests/run/test_batch_kill.py.
Each line of the table is one kill: when, how many pages were there, processes left two seconds later. After
some kills the run is completed, and its pages compared byte for byte. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from survey_tools.files import digest_file

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "run"))
from batch_support import KEPT, MARK, left_behind

KILLS_A_RUN = 5
"""Kills after which a run is completed at the latest."""


def main() -> int:
    """Do it; the exit code is 1 where anything was left running or a page differs."""
    options = _options()
    chosen = [f"--{name}={value}" for name, value in vars(options).items()
              if name in {"communes", "lang"} and value]  # fmt: skip
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="kill-runner-") as folder:
        expected, whole = _undisturbed(options.workspace, Path(folder) / "undisturbed", chosen)
        print(f"undisturbed: {len(expected)} files, {whole:.1f} s\n", flush=True)
        print(f"{'run':>4}{'kill':>6}{'after':>9}{'pages':>7}{'left':>6}", flush=True)
        wrong = _kill_all(options, Path(folder), chosen, expected, whole)
    print(
        f"\n{options.kills} kills: "
        + (f"{wrong} times something was wrong" if wrong else "all well")
    )
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path, help="a workspace with results")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--communes", help="codes with commas between; all if left out")
    parser.add_argument("--lang", help="languages with commas between; all if left out")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311
    return parser.parse_args()


def _kill_all(
    options: argparse.Namespace,
    folder: Path,
    chosen: list[str],
    expected: dict[str, str],
    whole: float,
) -> int:
    draw = random.Random(options.seed)  # noqa: S311
    killed = run = wrong = 0
    while killed < options.kills:
        run, alive = run + 1, True
        root = _copy(options.workspace, folder / f"run{run}")
        for _ in range(KILLS_A_RUN):
            if not alive or killed == options.kills:
                break
            seconds = draw.uniform(0, whole)
            alive, left = _kill_after(root, chosen, seconds)
            killed += alive
            wrong += bool(left)
            number = f"{killed:>6}" if alive else f"{'done':>6}"
            print(f"{run:>4}{number}{seconds:>8.2f}s{len(_pages(root)):>7}{left:>6}", flush=True)
        wrong += _completed(root, chosen, expected)
        shutil.rmtree(root)
    return wrong


def _undisturbed(workspace: Path, root: Path, chosen: list[str]) -> tuple[dict[str, str], float]:
    _copy(workspace, root)
    started = time.monotonic()
    code = _start(root, chosen)[0].wait()
    if code:
        raise SystemExit(f"The undisturbed run ended with code {code}; nothing to compare with.")
    took = time.monotonic() - started
    pages = _pages(root)
    shutil.rmtree(root)
    return pages, took


def _completed(root: Path, chosen: list[str], expected: dict[str, str]) -> int:
    """Run to the end; 1 if that fails, a page differs, or something half-written is there."""
    code, pages = _start(root, chosen)[0].wait(), _pages(root)
    other = sorted(n for n in expected.keys() | pages.keys() if expected.get(n) != pages.get(n))
    reports = root / "reports" / "main"
    hidden = {p.name for p in reports.rglob(".*")} - set(KEPT)
    whole = json.loads((reports / "run.json").read_text(encoding="utf-8")).get("finished")
    good = not code and not other and not hidden and whole
    told = "the same pages" if good else f"code {code}, differ {other}, hidden {sorted(hidden)}"
    print(f"     completed: {told}", flush=True)
    return 0 if good else 1


def _copy(workspace: Path, root: Path) -> Path:
    shutil.copytree(workspace, root, ignore=shutil.ignore_patterns("reports", "raw", "sandbox"))
    return root


def _start(root: Path, chosen: list[str]) -> tuple[subprocess.Popen[bytes], str]:
    mark = uuid.uuid4().hex
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "survey_tools.cli", "report", *chosen],
        cwd=root,
        env={**os.environ, MARK: mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return process, mark


def _kill_after(root: Path, chosen: list[str], seconds: float) -> tuple[bool, int]:
    """Kill a run after some time; whether it was still at work, and processes left two seconds later."""
    process, mark = _start(root, chosen)
    time.sleep(seconds)
    alive = process.poll() is None
    process.kill()
    process.wait()
    return alive, len(left_behind(mark))


def _pages(root: Path) -> dict[str, str]:
    """Digest of every report page; the index and the triage page tell the time."""
    pages = (root / "reports" / "main").glob("*.??.html")
    kept = (path for path in pages if not path.name.startswith(("index", "triage")))
    return {path.name: digest_file(path) for path in sorted(kept)}


if __name__ == "__main__":
    sys.exit(main())
