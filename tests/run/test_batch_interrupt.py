"""Ctrl-C and SIGTERM stop a batch at once, leave no process and nothing half-written, and a rerun goes on."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Generator, Iterable

import pytest
from batch_support import (
    Batch,
    entries,
    half_written,
    left_behind,
    make_district,
    mend,
    plant,
    processes,
    report_pages,
    run_batch,
    start_batch,
)

from survey_tools.params import Workspace
from survey_tools.run import run_reports
from survey_tools.run.batch.task import FAILED, Limits, Result, Task
from survey_tools.run.kernels.forks import SWITCH

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc"),
]

SLEEPS = 'import time\n(Path(os.environ["TMPDIR"]) / "own").touch()\ntime.sleep(10_000)'
SOON = 3
"""Seconds that a stop may take; on a machine that does nothing else it is about one."""


STOPPED = (130, -signal.SIGINT)
"""A shell shows 130 for both: Python ends by the signal where it came while a library in C was imported."""


def _pages(ws: Workspace) -> int:
    return len(report_pages(ws.reports("main")))


def _importing(ws: Workspace, batch: Batch) -> bool:
    """The fork server is there and has not yet finished its imports."""
    return processes(batch.mark) > 1


def _in_the_middle(ws: Workspace, batch: Batch) -> bool:
    return _pages(ws) >= 2


def _asleep(ws: Workspace, batch: Batch) -> bool:
    """All is made but the pages that sleep: there is nothing left that could be waited for."""
    return _pages(ws) == 4


def _wait_until(reached: Callable[[], bool], batch: Batch) -> None:
    deadline = time.monotonic() + 90
    while not reached():
        assert time.monotonic() < deadline, batch.said()
        assert batch.process.poll() is None, batch.said()
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
@pytest.mark.parametrize("moment", [_importing, _in_the_middle, _asleep])
def test_report__stops_at_once_and_goes_on_later(tmp_path, moment, number):
    _stop_and_go_on(tmp_path, moment, number, {})


def test_report__stops_at_once_with_ordinary_kernels(tmp_path):
    _stop_and_go_on(tmp_path, _asleep, signal.SIGINT, {SWITCH: "0"})


class _KilledWhileItWrites:
    """Stands for a pool of processes that a stop kills in the middle of a file."""

    def __init__(self, ws: Workspace) -> None:
        self.folder = ws.reports("main")

    def run(self, tasks: Iterable[Task], limits: Limits) -> Generator[Result]:
        yield Result(next(task.name for task in tasks if task.lang), FAILED)
        for place in (self.folder, self.folder / "notebooks"):
            place.mkdir(exist_ok=True)
            (place / ".codebook.html-u98kjnpe").touch()
        raise KeyboardInterrupt


def test_report__a_stop_leaves_nothing_of_a_file_at_work(tmp_path):
    ws = make_district(tmp_path / "ws", communes=2)
    with pytest.raises(KeyboardInterrupt):
        run_reports(ws, "main", pool=_KilledWhileItWrites(ws))
    assert half_written(ws) == []
    assert {entry["status"] for entry in entries(ws).values()} == {FAILED}


def _stop_and_go_on(tmp_path, moment, number: signal.Signals, env: dict[str, str]) -> None:
    ws = make_district(tmp_path / "ws", communes=5)
    if moment is _asleep:
        for commune in ("10288", "10270"):
            plant(ws, SLEEPS, commune)
    batch = start_batch(ws, env=env)
    _wait_until(lambda: moment(ws, batch), batch)
    if moment is _asleep:
        time.sleep(1)
    begun = time.monotonic()
    batch.interrupt(number)
    done = batch.wait(30)
    took = time.monotonic() - begun
    print(f"{moment.__name__}, {number.name}: stopped after {took:.2f} s")
    assert left_behind(done.mark, 0.5) == []
    assert done.code in STOPPED, done.said
    assert "Stopped. Run the same command again" in done.said
    assert "Traceback" not in done.said
    assert took < SOON
    assert half_written(ws) == []
    assert (
        batch.left_in_temporary() == [] or env
    )  # an ordinary process is killed before it tidies up
    _goes_on(ws, asleep=moment is _asleep)


def _goes_on(ws: Workspace, *, asleep: bool) -> None:
    """Assert that the same command does what is left, and that."""
    there = _pages(ws)
    if asleep:
        for commune in ("10288", "10270"):
            mend(ws, commune)
    done = run_batch(ws)
    assert done.code == 0, done.said
    made, unchanged, failed = done.pages
    assert (made + unchanged, failed) == (6, 0)
    assert unchanged <= there <= unchanged + 2  # a page that was just released may be made again
    assert {entry["status"] for entry in entries(ws).values()} <= {"ok", "skipped"}
    assert _pages(ws) == 6
