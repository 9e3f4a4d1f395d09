"""One notebook, one kernel: what works is kept, what fails is told and kept apart."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import nbformat
import pytest

from survey_tools.errors import ParamsError
from survey_tools.run.kernels.execute import Options, execute

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
        Options(on_cell=seen.append),
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


def test_execute__wrong_parameter_starts_no_kernel(tmp_path, monkeypatch):
    monkeypatch.setattr("papermill.execute_notebook", lambda *_, **__: pytest.fail("started"))
    with pytest.raises(ParamsError):
        execute(NOTEBOOKS / "ok.ipynb", tmp_path / "page.ipynb", {"seed": 1})
    assert _left_over(tmp_path) == []


def test_execute__the_workspace_reaches_the_kernel_and_not_this_process(tmp_path, monkeypatch):
    monkeypatch.delenv("SURVEY_TOOLS_ROOT", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    options = Options(root=tmp_path)
    done = execute(NOTEBOOKS / "shows_environment.ipynb", tmp_path / "page.ipynb", {}, options)
    # the kernel breaks a long pair into two lines
    assert " ".join(_texts(done.output).split()) == f"('{tmp_path}', '1')"
    assert "SURVEY_TOOLS_ROOT" not in os.environ
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_execute__phases_add_up(tmp_path):
    seconds = execute(NOTEBOOKS / "ok.ipynb", tmp_path / "page.ipynb", {}).seconds
    assert set(seconds) == {"start", "cells", "total"}
    assert seconds["start"] + seconds["cells"] == pytest.approx(seconds["total"], abs=0.01)
    assert min(seconds.values()) > 0


def _notebook(folder: Path, *cells: str) -> Path:
    parameters = nbformat.v4.new_code_cell('lang: str = "vi"', metadata={"tags": ["parameters"]})
    code = [nbformat.v4.new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(cells)]
    notebook = nbformat.v4.new_notebook(cells=[parameters, *code])
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "P"}
    path = folder / "made.ipynb"
    nbformat.write(notebook, path)
    return path


@pytest.mark.parametrize("source", ["import sys; sys.exit(0)", "import sys; sys.exit()"])
def test_execute__leaving_early_is_no_success(tmp_path, source):
    done = execute(_notebook(tmp_path, source, "1 + 1"), tmp_path / "page.ipynb", {})
    assert done.failure.kind == "NotebookLeftError"
    assert done.failure.cell.startswith("cell-0")
    assert not (tmp_path / "page.ipynb").exists()


def test_execute__too_much_output_stops_it(tmp_path):
    notebook = _notebook(tmp_path, "for _ in range(10**9): print('x' * 1000)")
    done = execute(notebook, tmp_path / "page.ipynb", {}, Options(output_mb=1))
    assert done.failure.kind == "OutputLimitError"
    assert done.output.stat().st_size < 3_000_000


def test_execute__what_a_cell_warns_of_is_kept(tmp_path):
    notebook = _notebook(tmp_path, "import sys; print('careful', file=sys.stderr)")
    done = execute(notebook, tmp_path / "page.ipynb", {})
    assert done.warnings == ("cell-0: careful",)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import ctypes; ctypes.string_at(0)", "the kernel died by SIGSEGV"),
        ("import os; os._exit(0)", "the kernel ended in the middle of the notebook"),
        ("import os; os._exit(7)", "the kernel ended in the middle of the notebook with code 7"),
    ],
)
def test_execute__how_a_kernel_ended(tmp_path, source, message):
    done = execute(_notebook(tmp_path, source), tmp_path / "page.ipynb", {})
    assert (done.failure.kind, done.failure.message) == ("DeadKernelError", message)


def test_execute__folders_that_may_not_be_written(tmp_path):
    kept, free = tmp_path / "kept", tmp_path / "free"
    kept.mkdir()
    free.mkdir()
    (kept / "file").write_text("as it was", encoding="utf-8")
    options = Options(untouched=[str(kept)])
    fine = _notebook(
        tmp_path, f"open({str(free / 'new')!r}, 'w').close(); open({str(kept / 'file')!r}).read()"
    )
    assert execute(fine, tmp_path / "a.ipynb", {}, options).failure is None
    for source in (
        f"open({str(kept / 'file')!r}, 'w')",
        f"import os; os.remove({str(kept / 'file')!r})",
        f"import os; os.rename({str(free)!r}, {str(kept / 'moved')!r})",
        f"import pathlib; pathlib.Path({str(kept)!r}, 'new').write_bytes(b'')",
    ):
        done = execute(_notebook(tmp_path, source), tmp_path / "b.ipynb", {}, options)
        assert done.failure.kind == "PermissionError", source
    assert [path.name for path in kept.iterdir()] == ["file"]
    assert (kept / "file").read_text(encoding="utf-8") == "as it was"


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
        Options(keep_token=keep_token),
    )
    assert _texts(done.output) == str(keep_token)
