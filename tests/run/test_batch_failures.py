"""Whatever one page's notebook does, the others are made, the failure is clear, a rerun does just that."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest
from batch_support import (
    PLANTED,
    STATUS,
    entries,
    half_written,
    left_behind,
    make_district,
    mend,
    plant,
    report_pages,
    run_batch,
    sources,
)

from survey_tools.run.kernels.forks import SWITCH

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the faults are those of Linux"),
]

CELL = "planted: "
NOWHERE = "outside the cells"
LIMITS = ("--timeout", "15", "--memory", "1200")


@dataclass(frozen=True)
class Fault:
    """What a notebook does, how the record has to put it (nothing where the page is made), and where."""

    code: str
    error: str | None
    cell: str = CELL


IN_ROOT = 'root = Path(os.environ["SURVEY_TOOLS_ROOT"])\n'

FAULTS = {
    "raises": Fault('raise ValueError("no answers")', "ValueError: no answers"),
    "raises nothing to read": Fault("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "raises 100 MB": Fault(
        'raise ValueError("x" * 100_000_000)', "(Output|Memory|Time)LimitError: "
    ),
    "leaves": Fault("import sys\nsys.exit(0)", "NotebookLeftError: "),
    "leaves with a code": Fault("import sys\nsys.exit(3)", "SystemExit: 3"),
    "ends the process": Fault("os._exit(0)", "DeadKernelError: "),
    "crashes": Fault("import ctypes\nctypes.string_at(0)", "DeadKernelError: .*SIGSEGV"),
    "aborts": Fault("os.abort()", "DeadKernelError: .*SIGABRT"),
    "is killed": Fault("os.kill(os.getpid(), 9)", "DeadKernelError: .*SIGKILL.*memory"),
    "is terminated": Fault(
        "import time\nos.kill(os.getpid(), 15)\ntime.sleep(1000)", "DeadKernelError: .*SIGTERM"
    ),
    "eats memory": Fault(
        'kept = []\nwhile True:\n    kept.append(b"x" * 20_000_000)', "MemoryLimitError: "
    ),
    "takes much at once": Fault(
        'import time\nkept = b"x" * 3_000_000_000\ntime.sleep(1000)', "MemoryLimitError: "
    ),
    "has a child eat memory": Fault(
        'import subprocess, sys\nsubprocess.run([sys.executable, "-c", '
        "\"import time; x = bytearray(10**9); x[:] = b'x' * 10**9; time.sleep(1000)\"])",
        "MemoryLimitError: ",
    ),
    "sleeps": Fault("import time\ntime.sleep(10_000)", "TimeLimitError: .*15 seconds"),
    "holds the lock": Fault("sum(range(10**12))", "TimeLimitError: "),
    "stops": Fault("import signal\nos.kill(os.getpid(), signal.SIGSTOP)", "TimeLimitError: "),
    "is deaf": Fault(
        "import signal, time\nfor number in {*signal.valid_signals()} - {9, 19, 32, 33}:\n"
        "    signal.signal(number, signal.SIG_IGN)\nwhile True:\n    time.sleep(1)",
        "TimeLimitError: ",
    ),
    "prints lines": Fault(
        'for _ in range(1_000_000):\n    print("x" * 99)', "OutputLimitError: .*20 MB"
    ),
    "prints a piece": Fault('print("x" * 100_000_000)', "OutputLimitError: "),
    "shows a piece": Fault(
        "from IPython.display import HTML, display\ndisplay(HTML('x' * 100_000_000))",
        "OutputLimitError: ",
    ),
    "writes": Fault(IN_ROOT + '(root / "params" / "new.csv").write_text("x")', "PermissionError: "),
    "writes into the package": Fault(
        'import survey_tools\nopen(os.path.dirname(survey_tools.__file__) + "/new.py", "w")',
        "PermissionError: ",
    ),
    "replaces": Fault(
        IN_ROOT + 'own = Path(os.environ["TMPDIR"], "new")\nown.touch()\n'
        'own.replace(root / "params" / "teams.csv")',
        "PermissionError: ",
    ),
    "deletes": Fault(
        IN_ROOT + 'import shutil\nshutil.rmtree(root / "params")', "PermissionError: "
    ),
    "fills the disk": Fault(
        'with open("/dev/full", "w") as file:\n    file.write("x")', r"OSError: \[Errno 28\]"
    ),
    "asks": Fault('input("?")', "StdinNotImplementedError: "),
}
"""Faults after which a page has failed and the record names the cell."""

HARMLESS = {
    "detaches": Fault(
        'import subprocess\nsubprocess.Popen("sleep 1000; true", shell=True, start_new_session=True)',
        None,
    ),
    "detaches twice": Fault(
        'import subprocess\nsubprocess.Popen("setsid sh -c \\"setsid sleep 1000; true\\"; true", '
        "shell=True, start_new_session=True)",
        None,
    ),
    "detaches and dies": Fault(
        'import subprocess\nsubprocess.Popen("sleep 1000; true", shell=True, start_new_session=True)\n'
        "os._exit(1)",
        "DeadKernelError: .*code 1",
    ),
    "forks": Fault("if os.fork() == 0:\n    import time\n    time.sleep(1000)", None),
    "leaves threads": Fault(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()", None
    ),
    "hangs at its end": Fault("import atexit, time\natexit.register(time.sleep, 1000)", None),
    "closes its streams": Fault("os.close(1)\nos.close(2)", None),
    "writes garbage": Fault("for fd in (1, 2):\n    os.write(fd, bytes(range(256)) * 100)", None),
    "breaks a line off": Fault('print("half", end="")', None),
    "prints no text": Fault('print("\\udcff a\\0b \\x1b[31mred")', None),
}
"""What is odd, and whether the page is made all the same; no process may be left."""

FROM_C = {
    "writes a table": Fault(
        IN_ROOT + "import pandas as pd\n"
        'pd.DataFrame({"a": [1]}).to_parquet(root / "data/processed/results/levels.parquet")',
        "PermissionError: ",
    ),
    "has a program write": Fault(
        IN_ROOT + 'import subprocess\nsubprocess.run(["touch", root / "params/new"], check=True)',
        "CalledProcessError: ",
    ),
    "writes a database": Fault(
        IN_ROOT
        + 'import sqlite3\nsqlite3.connect(root / "params/new").execute("create table a (b)")',
        "OperationalError: ",
    ),
    "deletes by a descriptor": Fault(
        IN_ROOT + 'os.unlink("teams.csv", dir_fd=os.open(root / "params", os.O_RDONLY))',
        "PermissionError: ",
    ),
}
"""Writing that Python does not see; Linux refuses it where it can."""

KILLS_PARENT = Fault(
    "import time\nos.kill(os.getppid(), 9)\ntime.sleep(1000)", "ReportProcessError: ", NOWHERE
)
"""Takes the fork server along, and in an ordinary kernel the process that makes reports."""

ONE_OF_ALL = {
    "leaves": FAULTS["leaves"],
    "kills its parent": KILLS_PARENT,
}
"""Faults of which each has a batch of its own."""


def _plant_all(ws, faults: dict[str, Fault]) -> dict[str, Fault]:
    """Give each fault a commune; by code."""
    codes = ws.table("communes")["code"]
    planted = dict(zip(codes, faults.values(), strict=False))
    for code, fault in planted.items():
        plant(ws, fault.code, code)
    assert len(planted) == len(faults)
    return planted


def _check(ws, code: str, fault: Fault) -> None:
    """Hold what is left of a page against what should be."""
    folder, entry = ws.reports("main"), entries(ws)[code]
    page, executed = folder / f"{code}.vi.html", folder / "notebooks" / f"{code}.vi.ipynb"
    failed = executed.with_name(f"{code}.vi.failed.ipynb")
    if fault.error is None:
        assert (entry["status"], entry["error"], entry["log"]) == ("ok", None, None)
        assert page.is_file()
        assert executed.is_file()
        assert not failed.exists()
        return
    assert entry["status"] == "failed"
    assert re.match(fault.error, entry["error"])
    assert entry["cell"].startswith(fault.cell)
    assert (folder / entry["log"]).read_text(encoding="utf-8").startswith(entry["cell"])
    assert not page.exists()
    assert not executed.exists()
    assert failed.is_file() == (fault.cell == CELL)


def _check_batch(ws, done, planted: dict[str, Fault], before: dict[str, str]) -> None:
    """Assert that the planted pages alone failed and that nothing is left."""
    failed = {code for code, fault in planted.items() if fault.error is not None}
    told = entries(ws)
    assert {code for code, entry in told.items() if entry["status"] == "failed"} == failed
    assert left_behind(done.mark) == []
    assert half_written(ws) == []
    assert sources(ws) == before
    assert done.code == 1
    assert done.pages == (len(told) - len(failed), 0, len(failed))
    for code, fault in planted.items():
        _check(ws, code, fault)


def _check_rerun(ws, planted: dict[str, Fault]) -> None:
    """Take the faults out and assert that a rerun makes just the pages that failed."""
    for code in planted:
        mend(ws, code)
    done, failed = run_batch(ws), sum(fault.error is not None for fault in planted.values())
    told = entries(ws)
    assert (done.code, done.pages) == (0, (failed, len(told) - failed, 0))
    assert {entry["status"] for entry in told.values()} == {"ok", "skipped"}
    for code in planted:
        assert (ws.reports("main") / f"{code}.vi.html").is_file()
        assert not (ws.reports("main") / "notebooks" / f"{code}.vi.failed.ipynb").exists()


def _can_confine() -> bool:
    """Try it in a process of its own, as it cannot be undone."""
    code = "import sys; from survey_tools.run.kernels.landlock import confine; sys.exit(not confine([]))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


@pytest.mark.parametrize("kind", ONE_OF_ALL)
def test_report__one_fault_costs_one_page_of_27(tmp_path, kind):
    ws, fault = make_district(tmp_path / "ws"), ONE_OF_ALL[kind]
    plant(ws, fault.code)
    before = sources(ws)
    # without a fork server everything has to be imported again, which counts as time of the page
    limits = ("--timeout", "120") if fault is KILLS_PARENT else LIMITS
    done = run_batch(ws, *limits)
    _check_batch(ws, done, {PLANTED: fault}, before)
    assert done.pages == (27, 0, 1)  # 26 communes and the district
    _check_rerun(ws, {PLANTED: fault})


@pytest.mark.parametrize("faults", [FAULTS, HARMLESS], ids=["faults", "harmless"])
def test_report__many_faults_at_once(tmp_path, faults):
    ws = make_district(tmp_path / "ws")
    planted = _plant_all(ws, faults)
    before = sources(ws)
    _check_batch(ws, run_batch(ws, *LIMITS), planted, before)
    _check_rerun(ws, planted)


@pytest.mark.skipif(not _can_confine(), reason="this Linux cannot confine a process")
def test_report__a_page_that_writes_past_python_fails_and_changes_nothing(tmp_path):
    ws = make_district(tmp_path / "ws", communes=5)
    planted = _plant_all(ws, FROM_C)
    before = sources(ws)
    _check_batch(ws, run_batch(ws, *LIMITS), planted, before)
    _check_rerun(ws, planted)


def test_report__ordinary_kernels_fail_as_clearly(tmp_path):
    ws = make_district(tmp_path / "ws", communes=7)
    kinds = ("raises", "is killed", "sleeps", "eats memory", "prints lines", "writes")
    planted = _plant_all(ws, {kind: FAULTS[kind] for kind in kinds})
    before = sources(ws)
    _check_batch(ws, run_batch(ws, *LIMITS, env={SWITCH: "0"}), planted, before)
    _check_rerun(ws, planted)


@pytest.mark.parametrize("fork", ["1", "0"])
def test_report__a_temporary_folder_with_a_long_name(tmp_path, fork):
    ws = make_district(tmp_path / "ws", communes=1)
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    done = run_batch(ws, env={"TMPDIR": str(folder), SWITCH: fork})
    assert (done.code, done.pages) == (0, (2, 0, 0)), done.said
    assert left_behind(done.mark) == []


FULL_DISK = """
mount -t tmpfs -o size=260m none reports || exit 77
{report} 2> first.txt &
for n in $(seq 600); do ls reports/main/*.vi.html > /dev/null 2>&1 && break; sleep 0.1; done
cat /dev/zero > reports/filler 2> /dev/null
wait $!; echo $? > first.code
find reports -name '.*' -not -name .lock -not -name .codebook.json -not -name .run.journal.jsonl > hidden.txt
rm reports/filler
{report} 2> second.txt; echo $? > second.code
cp -r reports kept
"""


def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt"]
    return subprocess.run(tried, capture_output=True).returncode == 0


@pytest.mark.skipif(not _may_mount(), reason="a small disk cannot be mounted here")
def test_report__a_disk_that_fills_up_stops_with_a_message_and_a_rerun_completes(tmp_path):
    ws = make_district(tmp_path / "ws")
    (ws.root / "reports").mkdir()
    report = f"{sys.executable} -m survey_tools.cli report --lang vi"
    script = FULL_DISK.format(report=report)
    subprocess.run(["unshare", "-rm", "sh", "-c", script], cwd=ws.root, check=True, timeout=300)
    said = (ws.root / "first.txt").read_text(encoding="utf-8")
    assert "space" in said
    assert "Traceback" not in said
    assert "not foreseen" not in said
    assert (ws.root / "first.code").read_text().strip() in {"1", "2"}
    assert (ws.root / "hidden.txt").read_text() == ""  # the journal is whole, and counts
    again = STATUS.search((ws.root / "second.txt").read_text(encoding="utf-8"))
    assert again
    assert again.group(3) == "0"
    assert int(again.group(1)) > 0
    assert (ws.root / "second.code").read_text().strip() == "0"
    assert len(report_pages(ws.root / "kept" / "main")) == 28
