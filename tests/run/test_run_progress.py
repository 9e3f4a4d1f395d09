"""How far a run is: lines now and then where there is no terminal, and a time left that can be believed."""

from __future__ import annotations

import io
import sys

import pytest

from survey_tools.run import progress
from survey_tools.run.progress import bar


class Clock:
    """A clock that goes on only when it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(progress.time, "monotonic", found)
    return found


def _lines(capsys):
    return capsys.readouterr().err.splitlines()


def test_bar__without_a_terminal_a_line_every_ten_seconds_and_one_at_the_end(clock, capsys):
    with bar("report pages", total=56, unit="page") as step:
        for _ in range(56):
            clock.now += 1
            step()
    lines = _lines(capsys)
    assert lines[0] == "report pages: 10 of 56, about 45 s left"
    assert lines[3] == "report pages: 40 of 56, about 15 s left"
    assert lines[-1] == "report pages: 56.0 s"
    assert len(lines) == 6


def test_bar__pages_made_at_once_end_in_bursts_and_the_time_left_stays_near_the_truth(
    clock, capsys
):
    with bar("report pages", total=800, unit="page", at_once=8) as step:
        for _ in range(100):
            clock.now += 16
            for _ in range(8):
                step()
    lines = [line for line in _lines(capsys) if "left" in line]
    done = [int(line.split()[2]) for line in lines]
    truth = [16 * (100 - (n - 1) // 8 - 1) / 60 for n in done]
    told = [int(line.split("about ")[1].split()[0]) for line in lines if " min left" in line]
    assert told[0] < 2 * truth[0]
    assert all(
        abs(one - true) < 0.2 * true + 1 for one, true in zip(told[8:], truth[8:], strict=False)
    )


def test_bar__no_time_left_of_cells_for_they_are_uneven(clock, capsys):
    with bar("50_estimate", total=4) as step:
        for done in (1, 2, 4):
            clock.now += 11
            step(done)
    assert _lines(capsys) == ["50_estimate: 1 of 4", "50_estimate: 2 of 4", "50_estimate: 33.0 s"]


def test_bar__a_total_that_comes_later(clock, capsys):
    with bar("household", unit="row") as step:
        clock.now += 20
        step(100, 400)
        clock.now += 1
        step(400, 400)
    assert _lines(capsys) == ["household: 100 of 400, about 60 s left", "household: 21.0 s"]


def test_bar__nothing_to_do_says_nothing(capsys):
    with bar("report pages", total=0, unit="page"):
        pass
    assert _lines(capsys) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "5 s"),
        (43, "45 s"),
        (89, "90 s"),
        (91, "2 min"),
        (3000, "50 min"),
        (8000, "2 h 15 min"),
        (36000, "10 h"),
    ],
)
def test_left__no_finer_than_it_is_known(seconds, text):
    assert progress._left(seconds) == f", about {text} left"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bar__a_terminal_sees_rate_and_time_left_of_pages_and_not_of_cells(monkeypatch):
    shown = {}
    for unit in ("page", "cell"):
        monkeypatch.setattr(sys, "stderr", Terminal())
        with bar("pages", total=3, unit=unit) as step:
            step()
            step(3)
        shown[unit] = sys.stderr.getvalue()
    assert "3/3" in shown["page"]
    assert "page/s" in shown["page"] or "s/page" in shown["page"]
    assert "3/3" in shown["cell"]
    assert "cell/s" not in shown["cell"]
