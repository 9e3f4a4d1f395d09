"""Batches to attack: a workspace of the whole district, faults planted in it, what a batch leaves behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
from run_workspace import COMMUNES, make_levels, make_workspace

from survey_tools import contracts
from survey_tools.files import digest_file
from survey_tools.params import ROOT_VARIABLE, Workspace
from survey_tools.run.batch.plan import NO_DATA

MARK = "SURVEY_TOOLS_TEST"
"""Environment variable that every process started by a batch inherits, so that none can hide."""

PLANTED = "10288"
"""The commune that has the fault."""

KEPT = (".lock", ".codebook.json")
"""Hidden files that a finished run has."""

KINDS = ("html", "pdf", "docx", "xlsx")
"""Files that a page consists of."""

SUPPRESSION = "suppression"
"""Stem of the page on hidden cells, which a batch writes beside those of the areas."""

STATUS = re.compile(r"Pages: (\d+) made, (\d+) unchanged, (\d+) failed")


def make_district(
    root: Path, commune_page: str = "planted", communes: int | None = None
) -> Workspace:
    """Make a workspace with levels for all communes, or for a few, the one with the fault among them."""
    ws = make_workspace(root, commune_page)
    levels = make_levels()
    one = levels[levels["area"] == COMMUNES[0]]
    codes = [PLANTED, *(code for code in ws.table("communes")["code"] if code != PLANTED)]
    parts = [one.assign(area=code) for code in sorted(codes[:communes])]
    contracts.write_table(
        pd.concat([levels[levels["area"] == "district"], *parts], ignore_index=True),
        ws.results,
        "levels",
    )
    return ws


def plant(ws: Workspace, code: str, commune: str = PLANTED) -> None:
    """Have the page of a commune run `code`; no file that a page depends on changes by that."""
    folder = ws.root / "planted"
    folder.mkdir(exist_ok=True)
    (folder / f"{commune}.py").write_text(code, encoding="utf-8")


def mend(ws: Workspace, commune: str = PLANTED) -> None:
    """Take the fault out again."""
    (ws.root / "planted" / f"{commune}.py").unlink()


@dataclass
class Batch:
    """A batch at work as a user starts it, in a group of processes of its own as in a terminal."""

    process: subprocess.Popen[bytes]
    mark: str
    words: Path
    temporary: Path
    started: float = field(default_factory=time.monotonic)

    def wait(self, seconds: float = 120) -> Done:
        """Wait for the end; a batch that does not come to one is killed and the test fails."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the batch hangs:\n{self.said()}") from None
        return Done(code, self.said(), time.monotonic() - self.started, self.mark)

    def said(self) -> str:
        """What it wrote to its error stream so far."""
        return self.words.read_text(encoding="utf-8", errors="replace")

    def left_in_temporary(self) -> list[str]:
        """Name what is left of its temporary files, and remove it; sockets do not count."""
        there = [path.name for path in self.temporary.rglob("*") if path.is_file()]
        shutil.rmtree(self.temporary)
        return there

    def interrupt(self, number: signal.Signals) -> None:
        """Send a signal: SIGINT to the whole group, as a terminal does, another one to the runner alone."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def kill(self) -> None:
        """Kill the runner as the system would where memory runs out."""
        self.process.kill()
        self.process.wait()


@dataclass(frozen=True)
class Done:
    """How a batch ended."""

    code: int
    said: str
    seconds: float
    mark: str

    @property
    def pages(self) -> tuple[int, int, int]:
        """Pages made, unchanged and failed, as the batch told."""
        found = STATUS.search(self.said)
        assert found, self.said
        made, unchanged, failed = found.groups()
        return int(made), int(unchanged), int(failed)


def start_batch(ws: Workspace, *options: str, env: Mapping[str, str] | None = None) -> Batch:
    """Start `survey-tools report` for the pages in Vietnamese."""
    return start_command(ws, "report", "--lang", "vi", *options, env=env)


def start_command(ws: Workspace, *arguments: str, env: Mapping[str, str] | None = None) -> Batch:
    """Start `survey-tools` with a temporary folder whose name is short enough for sockets."""
    mark = uuid.uuid4().hex
    words = ws.root.parent / f"{ws.root.name}-{mark}.txt"
    temporary = Path(tempfile.mkdtemp(prefix="batch-"))
    inherited = {k: v for k, v in os.environ.items() if k not in {ROOT_VARIABLE, MARK}}
    command = [sys.executable, "-m", "survey_tools.cli", *arguments]
    with words.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=ws.root,
            env={**inherited, MARK: mark, "TMPDIR": str(temporary), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,
        )
    return Batch(process, mark, words, temporary)


def run_batch(ws: Workspace, *options: str, env: Mapping[str, str] | None = None) -> Done:
    """Run it to its end."""
    batch = start_batch(ws, *options, env=env)
    done = batch.wait()
    shutil.rmtree(batch.temporary)
    return done


def left_behind(mark: str, seconds: float = 2) -> list[str]:
    """Name the processes of a batch that are still there after some time; they are killed."""
    deadline = time.monotonic() + seconds
    while (alive := _marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    told = [f"{process.pid}: {_command(process)}" for process in alive]
    for process in alive:
        process.kill()
    return told


def processes(mark: str) -> int:
    """Count the processes of a batch."""
    return len(_marked(mark))


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            dead = process.status() == psutil.STATUS_ZOMBIE
            if not dead and process.environ().get(MARK) == mark:
                found.append(process)
        except psutil.Error:
            continue
    return found


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return "?"


def entries(ws: Workspace, run: str = "main") -> dict[str, dict[str, Any]]:
    """Read what the record says of each page, by the area's code; areas without interviews left out."""
    told = json.loads((ws.reports(run) / "run.json").read_text(encoding="utf-8"))["pages"]
    return {page["code"]: page for page in told if page["status"] != NO_DATA}


def report_pages(folder: Path) -> list[Path]:
    """List the pages of areas in a run's folder; the page of hidden cells beside them is none."""
    return sorted(p for p in folder.glob("*.vi.html") if p.name != f"{SUPPRESSION}.vi.html")


def pages(ws: Workspace, run: str = "main") -> dict[str, str]:
    """Digest of every page of a run and of the files beside it, by file name."""
    found = (path for kind in KINDS for path in ws.reports(run).glob(f"*.vi.{kind}"))
    return {path.name: digest_file(path) for path in sorted(found)}


def sources(ws: Workspace) -> dict[str, str]:
    """Digest of every file that a batch has no business to change; what it keeps for itself is hidden."""
    files = [path for path in ws.root.rglob("*") if path.is_file()]
    names = {path: path.relative_to(ws.root).as_posix() for path in files}
    own = ("reports/", "data/.lock", "data/processed/results/.shown/")
    return {name: digest_file(path) for path, name in names.items() if not name.startswith(own)}


def half_written(ws: Workspace, run: str = "main") -> list[str]:
    """Name the files of a run that were begun and not finished: all have hidden names until then."""
    folder = ws.reports(run)
    hidden = (path for path in folder.rglob(".*") if path.name not in KEPT)
    return sorted(path.relative_to(folder).as_posix() for path in hidden)
