"""kill -9 of the runner at any moment: nothing is left running, and a rerun gives the undisturbed pages."""

from __future__ import annotations

import json
import random
import shutil
import sys
import time

import pytest
from batch_support import (
    entries,
    half_written,
    left_behind,
    make_district,
    pages,
    plant,
    run_batch,
    start_batch,
)

from survey_tools.params import Workspace
from survey_tools.run.kernels.forks import SWITCH
from survey_tools.run.occupied import holding

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc"),
]

COMMUNES = 8
KILLS = 12


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[dict[str, str], float]:
    """Digests of the pages of a run that nobody disturbs, and how long it takes."""
    ws = make_district(tmp_path_factory.mktemp("undisturbed") / "ws", communes=COMMUNES)
    done = run_batch(ws)
    assert done.code == 0, done.said
    return pages(ws), done.seconds


def _check_completed(ws: Workspace, expected: dict[str, str], told: str) -> None:
    """Run to the end, and hold what is there against an undisturbed run."""
    done = run_batch(ws)
    assert done.code == 0, told + done.said
    assert pages(ws) == expected, told
    assert half_written(ws) == [], told
    record = json.loads((ws.reports("main") / "run.json").read_text(encoding="utf-8"))
    assert record["finished"], told
    assert {page["status"] for page in entries(ws).values()} <= {"ok", "skipped"}, told
    assert len(entries(ws)) == COMMUNES + 1, told


def _kill_after(
    ws: Workspace, seconds: float, told: str, env: dict[str, str] | None = None
) -> bool:
    """Kill a batch after some time; whether it was still at work."""
    batch = start_batch(ws, env=env)
    time.sleep(seconds)
    alive = batch.process.poll() is None
    batch.kill()
    assert left_behind(batch.mark, 2) == [], told
    shutil.rmtree(batch.temporary)
    with holding(ws, "main"):  # raises if the dead runner still held the run
        pass
    return alive


def test_report__kills_at_random_moments(tmp_path, undisturbed):
    expected, whole = undisturbed
    seed = random.randrange(10**6)
    draw, told, killed, number = random.Random(seed), "", 0, 0
    while killed < KILLS:
        ws = make_district(tmp_path / f"ws{number}", communes=COMMUNES)
        number += 1
        for _ in range(5):  # each goes on from where the one before was killed
            seconds = draw.uniform(0, whole)
            told += f"seed {seed}, workspace {number}: killed after {seconds:.2f} s\n"
            alive = _kill_after(ws, seconds, told)
            killed += alive
            if not alive or killed == KILLS:
                break
        _check_completed(ws, expected, told)


def test_report__killed_leaves_nothing_that_a_notebook_put_aside(tmp_path):
    ws = make_district(tmp_path / "ws", communes=2)
    plant(ws, 'import time\nPath(os.environ["TMPDIR"], "own").touch()\ntime.sleep(1000)')
    batch = start_batch(ws)
    deadline = time.monotonic() + 60
    while not list(batch.temporary.rglob("own")):
        assert time.monotonic() < deadline, batch.said()
        time.sleep(0.05)
    batch.kill()
    assert left_behind(batch.mark, 2) == []
    assert batch.left_in_temporary() == []


def test_report__what_a_killed_run_left_half_written_is_removed(tmp_path):
    ws = make_district(tmp_path / "ws", communes=1)
    for place in ("", "notebooks", "logs"):
        folder = ws.reports("main") / place
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".10288.vi.html-k3x_9abz").write_text("<html>", encoding="utf-8")
    done = run_batch(ws)
    assert (done.code, done.pages) == (0, (2, 0, 0)), done.said
    assert half_written(ws) == []


def test_report__killed_with_ordinary_kernels(tmp_path, undisturbed):
    expected, whole = undisturbed
    ws = make_district(tmp_path / "ws", communes=COMMUNES)
    for part in (0.5, 0.9):
        _kill_after(ws, part * whole, f"at {part}", {SWITCH: "0"})
    _check_completed(ws, expected, "ordinary kernels")
