"""One notebook, one kernel: what works is kept, what fails is told and kept apart."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from survey_tools.errors import ParamsError
from survey_tools.run.kernels.execute import execute
from survey_tools.run.kernels.hold import Kernels, kernel_environment

NOTEBOOKS = Path(__file__).parent / "notebooks"


def _texts(notebook: Path) -> str:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "".join(
        "".join(output.get("data", {}).get("text/plain", ""))
        for cell in cells
        for output in cell.get("outputs", [])
    )


def _left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_execute__ok(tmp_path):
    seen: list[int] = []
    done = execute(
        NOTEBOOKS / "ok.ipynb",
        tmp_path / "page.ipynb",
        {"commune": 10291, "lang": "en"},
        on_cell=seen.append,
    )
    assert (done.status, done.failure) == ("ok", None)
    assert _texts(done.output) == "'10291-en'"
    assert stat.S_IMODE(done.output.stat().st_mode) == 0o600
    assert _left_over(tmp_path) == ["page.ipynb"]
    assert seen


def test_execute__a_broken_cell_is_named_and_the_notebook_kept_apart(tmp_path):
    (tmp_path / "page.ipynb").write_text("from an earlier run", encoding="utf-8")
    done = execute(NOTEBOOKS / "raises.ipynb", tmp_path / "page.ipynb", {})
    assert done.status == "failed"
    assert done.failure.cell.startswith("broken: raise ValueError")
    assert done.failure.last_line == "ValueError: the column is missing"
    assert _left_over(tmp_path) == ["page.failed.ipynb"]
    assert stat.S_IMODE(done.output.stat().st_mode) == 0o600


def test_execute__a_later_success_removes_the_failed_notebook(tmp_path):
    (tmp_path / "page.failed.ipynb").write_text("from an earlier run", encoding="utf-8")
    execute(NOTEBOOKS / "ok.ipynb", tmp_path / "page.ipynb", {})
    assert _left_over(tmp_path) == ["page.ipynb"]


def test_execute__dead_kernel_is_noticed(tmp_path):
    started = time.monotonic()
    done = execute(NOTEBOOKS / "kills_kernel.ipynb", tmp_path / "page.ipynb", {})
    assert done.status == "failed"
    assert done.failure.kind == "DeadKernelError"
    assert "memory" in done.failure.last_line
    assert done.failure.cell.startswith("killer")
    assert time.monotonic() - started < 30


def test_execute__cell_over_time(tmp_path):
    done = execute(NOTEBOOKS / "takes_too_long.ipynb", tmp_path / "page.ipynb", {}, timeout=1)
    assert done.failure.kind == "CellTimeoutError"
    assert done.seconds < 20


def test_execute__wrong_parameter_starts_no_kernel(tmp_path, monkeypatch):
    monkeypatch.setattr("papermill.execute_notebook", lambda *_, **__: pytest.fail("started"))
    with pytest.raises(ParamsError):
        execute(NOTEBOOKS / "ok.ipynb", tmp_path / "page.ipynb", {"seed": 1})
    assert _left_over(tmp_path) == []


def test_execute__a_stopped_run_leaves_no_kernel_and_no_file(tmp_path):
    kernels = Kernels()
    (tmp_path / "page.ipynb").write_text("from an earlier run", encoding="utf-8")
    found = []
    thread = threading.Thread(
        target=lambda: found.append(
            execute(
                NOTEBOOKS / "takes_too_long.ipynb", tmp_path / "page.ipynb", {}, kernels=kernels
            )
        )
    )
    thread.start()
    deadline = time.monotonic() + 30
    while not kernels.pids and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = set(kernels.pids)
    time.sleep(1)
    kernels.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert found[0].status == "stopped"
    assert _left_over(tmp_path) == ["page.ipynb"]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert pids


def test_kernel_environment__reaches_the_kernel_and_is_put_back(tmp_path, monkeypatch):
    monkeypatch.delenv("SURVEY_TOOLS_ROOT", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with kernel_environment(tmp_path):
        done = execute(NOTEBOOKS / "shows_environment.ipynb", tmp_path / "page.ipynb", {})
    # the kernel breaks a long pair into two lines
    assert " ".join(_texts(done.output).split()) == f"('{tmp_path}', '1')"
    assert "SURVEY_TOOLS_ROOT" not in os.environ
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_execute__a_token_in_an_error_is_blotted_out(tmp_path, monkeypatch):
    monkeypatch.setenv("KOBO_TOKEN", "the column is missing")
    done = execute(NOTEBOOKS / "raises.ipynb", tmp_path / "page.ipynb", {})
    assert "the column is missing" not in done.failure.message + done.failure.details
    assert done.failure.last_line == "ValueError: [token]"


@pytest.mark.parametrize("keep_token", [False, True])
def test_execute__only_a_kernel_that_pulls_sees_the_token(tmp_path, monkeypatch, keep_token):
    monkeypatch.setenv("KOBO_TOKEN", "0123456789abcdef")
    done = execute(
        NOTEBOOKS / "shows_whether_it_has_the_token.ipynb",
        tmp_path / "page.ipynb",
        {},
        kernels=Kernels(keep_token=keep_token),
    )
    assert _texts(done.output) == str(keep_token)
