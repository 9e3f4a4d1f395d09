"""Kernels forked from a warm process: the same outputs as ordinary ones, and nothing passed on."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import nbformat
import pytest

from survey_tools.run.kernels.execute import execute
from survey_tools.run.kernels.hold import Kernels, kernel_environment, warm_server
from survey_tools.run.kernels.warm import SWITCH, can_fork, kernel_arguments

pytestmark = pytest.mark.skipif(not can_fork(), reason="kernels are forked on Linux only")

CELLS = (
    "import sys, os, random, numpy as np, pandas as pd, matplotlib, matplotlib.pyplot as plt",
    "pd.DataFrame({f'column {n}': [n, n / 3] for n in range(30)})",
    "figure, axes = plt.subplots(); _ = axes.plot([1, 3, 2])",
    "(pd.options.display.max_columns, matplotlib.get_backend(), __name__, sys.argv[0] != '')",
    "os.environ['LEFT_BEHIND'] = 'yes'; matplotlib.rcParams['figure.dpi'] = 31",
)


def _notebook(folder: Path, name: str, *cells: str) -> Path:
    parameters = nbformat.v4.new_code_cell('lang: str = "vi"', metadata={"tags": ["parameters"]})
    code = [nbformat.v4.new_code_cell(source) for source in cells]
    notebook = nbformat.v4.new_notebook(cells=[parameters, *code])
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "P"}
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def _outputs(path: Path) -> list[list[dict]]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    with kernel_environment(tmp_path_factory.mktemp("root")), warm_server() as server:
        yield server


def test_warm_kernel__gives_the_outputs_of_an_ordinary_one(tmp_path, warm):
    notebook = _notebook(tmp_path, "plain", *CELLS)
    ordinary = execute(notebook, tmp_path / "a.ipynb", {})
    forked = execute(notebook, tmp_path / "b.ipynb", {}, kernels=Kernels(warm=warm))
    assert (ordinary.status, forked.status) == ("ok", "ok")
    assert _outputs(forked.output) == _outputs(ordinary.output)
    assert any("image/png" in o.get("data", {}) for cell in _outputs(forked.output) for o in cell)


def test_warm_kernel__passes_nothing_on_to_the_next(tmp_path, warm):
    first = _notebook(tmp_path, "first", *CELLS, "left = 1", "np.random.random()")
    second = _notebook(
        tmp_path,
        "second",
        "import os, matplotlib, numpy as np",
        "('LEFT_BEHIND' in os.environ, matplotlib.rcParams['figure.dpi'] == 31, 'left' in globals())",
        "np.random.random()",
    )
    kernels = Kernels(warm=warm)
    done = [
        execute(n, tmp_path / f"{n.stem}.out.ipynb", {}, kernels=kernels) for n in (first, second)
    ]
    assert [run.status for run in done] == ["ok", "ok"]
    *_, seen, draw = _outputs(done[1].output)
    assert seen[0]["data"]["text/plain"] == "(False, False, False)"
    assert draw[0]["data"]["text/plain"] != _outputs(done[0].output)[-1][0]["data"]["text/plain"]


def test_warm_kernel__that_dies_is_noticed(tmp_path, warm):
    notebook = _notebook(
        tmp_path, "dies", "import os, signal", "os.kill(os.getpid(), signal.SIGKILL)"
    )
    started = time.monotonic()
    done = execute(notebook, tmp_path / "out.ipynb", {}, kernels=Kernels(warm=warm))
    assert done.status == "failed"
    assert done.failure is not None
    assert done.failure.kind == "DeadKernelError"
    assert time.monotonic() - started < 30


def test_warm_kernel__ends_when_it_is_done(tmp_path, warm):
    notebook = _notebook(tmp_path, "pid", "import os", "os.getpid()")
    done = execute(notebook, tmp_path / "out.ipynb", {}, kernels=Kernels(warm=warm))
    pid = int(_outputs(done.output)[-1][0]["data"]["text/plain"])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_kernel_arguments__another_interpreter_or_kernel_is_started_in_the_ordinary_way():
    assert kernel_arguments(["/usr/bin/other", "-m", "ipykernel_launcher", "-f", "x"]) is None
    assert kernel_arguments([sys.executable, "-m", "other_kernel", "-f", "x"]) is None
    assert kernel_arguments([sys.executable, "-m", "ipykernel_launcher", "-f", "x"]) == ["-f", "x"]


def test_warm_server__can_be_switched_off(monkeypatch):
    monkeypatch.setenv(SWITCH, "0")
    with warm_server() as server:
        assert server is None
