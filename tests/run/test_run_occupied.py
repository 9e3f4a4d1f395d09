"""One batch at a time writes into a run; who dies, however suddenly, holds nothing any longer."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import contextmanager

import pytest

from survey_tools.errors import ParamsError, RunError
from survey_tools.run import occupied
from survey_tools.run.erasing.traces import find_traces
from survey_tools.run.occupied import LOCK, alone, at_work, holding

_HOLDER = """
import sys, time
from survey_tools.params import open_workspace
from survey_tools.run.occupied import holding
with holding(open_workspace(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def _other_process(ws, run):
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(ws.study_path), run],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_holding__a_second_batch_into_the_run_is_refused(ws):
    with _other_process(ws, "main") as first:
        assert first.stdout.readline() == "held\n"
        with pytest.raises(RunError, match="Another batch is writing into this run") as caught:
            holding(ws, "main").__enter__()
    assert caught.value.where == "reports/main/.lock"
    assert "--run" in caught.value.next_step
    assert caught.value.exit_code == 2


def test_holding__another_run_goes_on_beside_it(ws):
    with _other_process(ws, "main") as first:
        assert first.stdout.readline() == "held\n"
        with holding(ws, "other"), at_work(ws):
            assert (ws.reports("other") / LOCK).is_file()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_holding__a_batch_that_was_killed_holds_nothing(ws, number):
    with _other_process(ws, "main") as first:
        assert first.stdout.readline() == "held\n"
        first.send_signal(number)
        first.wait()
        with holding(ws, "main"):
            pass


def test_holding__a_child_of_the_killed_batch_does_not_keep_it(ws):
    """A kernel that outlives its batch for a moment has a copy of its open files."""
    forks = _HOLDER.replace("    time.sleep(600)", "    import os; os.fork(); time.sleep(600)")
    process = subprocess.Popen(
        [sys.executable, "-c", forks, str(ws.study_path), "main"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout.readline() == "held\n"
        process.kill()
        process.wait()
        with holding(ws, "main"):
            pass
    finally:
        _kill_group(process.pid)
        process.stdout.close()


def _kill_group(group):
    subprocess.run(["kill", "-9", "--", f"-{group}"], capture_output=True, check=False)


def test_holding__within_one_process(ws):
    with holding(ws, "main"), pytest.raises(RunError, match="Another batch"), holding(ws, "main"):
        pass
    with holding(ws, "main"):
        pass


def test_holding__a_search_for_traces_does_not_let_go(ws):
    """To open and close a locked file anywhere in the process would drop the lock."""
    with holding(ws, "main"):
        assert find_traces(ws.root, ["10291-T03-X"]) == []
        done = subprocess.run(
            [sys.executable, "-c", _HOLDER, str(ws.study_path), "main"],
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1
    assert "Another batch is writing into this run" in done.stderr


def test_holding__its_file_is_empty_and_private(ws):
    with holding(ws, "main"):
        found = (ws.reports("main") / LOCK).stat()
        assert (found.st_size, stat.S_IMODE(found.st_mode)) == (0, 0o600)
        assert [path.name for path in ws.reports("main").iterdir()] == [LOCK]


def test_holding__a_run_whose_name_cannot_be_used(ws):
    with pytest.raises(ParamsError, match="name of the run"):
        holding(ws, "../main").__enter__()


def test_holding__a_folder_that_cannot_be_written(ws):
    ws.reports("main").parent.mkdir()
    ws.reports("main").write_text("a file", encoding="utf-8")
    with pytest.raises(RunError, match="cannot be written") as caught:
        holding(ws, "main").__enter__()
    assert caught.value.where == "reports/main/.lock"


def test_alone__a_batch_keeps_an_erasure_out(ws):
    with at_work(ws), holding(ws, "main"), pytest.raises(RunError, match="is at work"), alone(ws):
        pass


class _Refusing:
    """A connection to a file that cannot be locked, with what SQLite then says."""

    def __init__(self, name):
        self.error = sqlite3.OperationalError("it says why")
        self.error.sqlite_errorcode, self.error.sqlite_errorname = getattr(sqlite3, name), name

    def execute(self, _):
        raise self.error

    def close(self):
        pass


@pytest.mark.parametrize("name", ["SQLITE_IOERR_LOCK", "SQLITE_PROTOCOL", "SQLITE_IOERR"])
def test_holding__a_disk_without_locks_is_not_told_as_another_batch(ws, monkeypatch, name):
    monkeypatch.setattr(occupied, "_connect", lambda *_: _Refusing(name))
    with pytest.raises(RunError, match="could not be locked") as caught:
        holding(ws, "main").__enter__()
    assert caught.value.found == f"{name}: it says why"
    assert caught.value.where == "reports/main/.lock"


@pytest.mark.parametrize("name", ["SQLITE_BUSY", "SQLITE_BUSY_TIMEOUT", "SQLITE_LOCKED"])
def test_holding__every_way_of_being_locked_out_is_another_batch(ws, monkeypatch, name):
    monkeypatch.setattr(occupied, "_connect", lambda *_: _Refusing(name))
    with pytest.raises(RunError, match="Another batch"):
        holding(ws, "main").__enter__()


def test_holding__a_lock_file_with_something_in_it(ws):
    ws.reports("main").mkdir(parents=True)
    (ws.reports("main") / LOCK).write_text("something of another program" * 20, encoding="utf-8")
    with pytest.raises(RunError, match="could not be locked") as caught:
        holding(ws, "main").__enter__()
    assert "not a database" in caught.value.found
