"""Nothing passes from one report to the next, and a report says what it would say in an ordinary kernel."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from batch_support import left_behind, run_batch

from survey_tools.params import open_workspace
from survey_tools.run.batch.pool import LocalPool
from survey_tools.run.batch.task import Limits, Task
from survey_tools.run.kernels.forks import SWITCH, can_fork, kernel_arguments

forked_only = pytest.mark.skipif(not can_fork(), reason="kernels are forked on Linux only")

STAIN = """
import builtins, decimal, gc, locale, os, resource, signal, sys, threading, time, types, warnings
import matplotlib, matplotlib.pyplot as plt, numpy as np, pandas as pd, seaborn as sns
import survey_tools.areas, survey_tools.report.tables
from matplotlib_inline.config import InlineBackend

os.environ["STAINED"] = "yes"
os.environ["TZ"] = "Asia/Ho_Chi_Minh"
time.tzset()
os.chdir("/")
sys.path.append("stained")
sys.modules["stained"] = types.ModuleType("stained")
builtins.stained = stained = True
plt.style.use("dark_background")
sns.set_theme(palette="husl")
plt.rcParams["figure.dpi"] = 31
plt.figure()
matplotlib.use("svg")
pd.options.display.max_rows = 7
pd.Series.stained = True
np.set_printoptions(precision=2)
np.seterr(all="ignore")
decimal.getcontext().prec = 5
locale.setlocale(locale.LC_ALL, "C.UTF-8")
os.umask(0o077)
signal.signal(signal.SIGUSR1, lambda *_: None)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
open(os.environ["TMPDIR"] + "/stained", "w").close()
threading.Thread(target=time.sleep, args=(1000,), name="stained").start()
survey_tools.areas.read_areas = lambda *_: None
survey_tools.report.tables.stained = True
sys.setrecursionlimit(5000)
resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))
os.nice(1)
gc.disable()
sys.stdout.stained = True
InlineBackend.instance().figure_formats = {"svg"}
get_ipython().display_formatter.formatters["text/html"].for_type(int, lambda number: "stained")
warnings.simplefilter("error")
"""
"""Changes everything that one report could leave to another in a process that both run in."""

LOOK = """
import builtins, decimal, gc, json, locale, os, resource, signal, sys, threading, time, warnings
import matplotlib, matplotlib.pyplot as plt, numpy as np, pandas as pd, seaborn as sns
import survey_tools.areas, survey_tools.report.tables
from matplotlib_inline.config import InlineBackend

mask = os.umask(0o022)
os.umask(mask)
seen = {
    "variable": os.environ.get("STAINED"),
    "time zone": time.tzname,
    "folder": os.getcwd(),
    "path": "stained" in sys.path,
    "modules": "stained" in sys.modules,
    "built in": hasattr(builtins, "stained"),
    "global": "stained" in globals(),
    "style": plt.rcParams["axes.facecolor"],
    "theme": sns.color_palette().as_hex(),
    "dpi": plt.rcParams["figure.dpi"],
    "figures": plt.get_fignums(),
    "backend": matplotlib.get_backend(),
    "pandas": pd.options.display.max_rows,
    "class": hasattr(pd.Series, "stained"),
    "numpy": np.get_printoptions()["precision"],
    "errors of numpy": np.geterr(),
    "warnings": ("error", None, Warning, None, 0) in warnings.filters,
    "decimal": decimal.getcontext().prec,
    "locale": locale.setlocale(locale.LC_NUMERIC),
    "mask": mask,
    "handler": signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL,
    "blocked": signal.SIGUSR2 in signal.pthread_sigmask(signal.SIG_BLOCK, []),
    "temporary": os.listdir(os.environ["TMPDIR"]),
    "threads": "stained" in [thread.name for thread in threading.enumerate()],
    "function": survey_tools.areas.read_areas.__name__,
    "module": hasattr(survey_tools.report.tables, "stained"),
    "recursion": sys.getrecursionlimit(),
    "files": resource.getrlimit(resource.RLIMIT_NOFILE),
    "priority": os.nice(0),
    "collection": gc.isenabled(),
    "stream": hasattr(sys.stdout, "stained"),
    "formats": sorted(InlineBackend.instance().figure_formats),
    "printer": get_ipython().display_formatter.formatters["text/html"](1),
}
print(json.dumps(seen))
"""
"""Shows, as JSON, all that the other changes."""

DRAW = """
import json, random, secrets, tempfile, uuid
import numpy as np
print(json.dumps([
    random.random(), np.random.random(), np.random.default_rng().random(), str(uuid.uuid4()),
    secrets.token_hex(), tempfile.mktemp(),
]))
"""

SEEDED = """
import json, random
import numpy as np
random.seed(1)
np.random.seed(1)
print(json.dumps([random.random(), np.random.random(), np.random.default_rng(1).random()]))
"""


def _notebook(ws, name: str, *cells: str) -> Task:
    """Write a notebook with one output in its last cell, and return the task to run it."""
    parameters = nbformat.v4.new_code_cell('lang: str = "vi"', metadata={"tags": ["parameters"]})
    code = [nbformat.v4.new_code_cell(source.strip()) for source in cells]
    notebook = nbformat.v4.new_notebook(cells=[parameters, *code])
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "P"}
    nbformat.write(notebook, ws.notebooks / f"{name}.ipynb")
    study = ws.study_name
    return Task(name, str(ws.root), study, "main", f"notebooks/{name}.ipynb", {})


def _told(ws, *tasks: Task) -> list:
    """Run notebooks one after the other in one pool; what each has printed last, read as JSON."""
    with LocalPool(1) as pool:
        results = list(pool.run(tasks, Limits(seconds=120)))
    assert [result.failure for result in results] == [None] * len(tasks)
    assert [result.attempts for result in results] == [1] * len(tasks)
    return [json.loads(_outputs(ws, task.name)[-1][-1]["text"]) for task in tasks]


def _outputs(ws, name: str) -> list[list[dict]]:
    path = ws.reports("main") / "notebooks" / f"{name}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    return [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]


@forked_only
def test_pool__what_a_report_changes_is_not_there_in_the_next(ws):
    tasks = (
        _notebook(ws, "first", LOOK),
        _notebook(ws, "stains", STAIN, LOOK),
        _notebook(ws, "next", LOOK),
    )
    first, stained, after = _told(ws, *tasks)
    assert after == first
    assert [name for name in first if stained[name] == first[name]] == []


@forked_only
def test_pool__a_report_starts_as_an_ordinary_kernel_does(ws, monkeypatch):
    task = _notebook(ws, "look", LOOK)
    [forked] = _told(ws, task)
    monkeypatch.setenv(SWITCH, "0")
    [ordinary] = _told(ws, task)
    assert forked == ordinary


@forked_only
def test_pool__every_report_draws_its_own_random_numbers(ws):
    one, other = _told(ws, _notebook(ws, "one", DRAW), _notebook(ws, "other", DRAW))
    assert [a for a, b in zip(one, other, strict=True) if a == b] == []


@forked_only
def test_pool__a_seed_gives_the_same_numbers_in_every_report(ws):
    tasks = (_notebook(ws, "one", SEEDED), _notebook(ws, "drawn", DRAW, SEEDED))
    one, other = _told(ws, *tasks)
    assert one == other


@forked_only
def test_pool__what_a_report_starts_ends_with_it(ws):
    code = """
import json, subprocess
sleeper = subprocess.Popen("sleep 1000; true", shell=True, start_new_session=True)
print(json.dumps(sleeper.pid))
"""
    look = """
import json, psutil
print(json.dumps([[process.pid, process.ppid()] for process in psutil.process_iter()]))
"""
    sleeper, there = _told(ws, _notebook(ws, "leaves", code), _notebook(ws, "looks", look))
    assert [pid for pid, parent in there if sleeper in (pid, parent)] == []


@pytest.mark.parametrize(
    ("command", "forked"),
    [
        ([sys.executable, "-m", "ipykernel_launcher", "-f", "x"], ["-f", "x"]),
        (["/usr/bin/other", "-m", "ipykernel_launcher", "-f", "x"], None),
        ([sys.executable, "-m", "other_kernel", "-f", "x"], None),
    ],
)
def test_kernel_arguments__another_interpreter_or_kernel_is_not_forked(command, forked):
    assert kernel_arguments(command) == forked


def _made(workspace: Path, target: Path, **env: str):
    """Make all pages of a copy of a workspace anew."""
    shutil.copytree(workspace, target, ignore=shutil.ignore_patterns("reports", "raw"))
    ws = open_workspace(target / "params" / "study.yml")
    done = run_batch(ws, "--communes", "10270,10288", env=env)
    assert done.code == 0, done.said
    assert left_behind(done.mark) == []
    return ws


def _pages(ws) -> dict[str, bytes]:
    """Return the report pages; the index says when the run was, and differs."""
    found = ws.reports("main").glob("*.*.html")
    return {path.name: path.read_bytes() for path in found if not path.name.startswith("index.")}


@pytest.mark.slow
@forked_only
def test_pages__are_those_of_ordinary_kernels_byte_for_byte(workspace, tmp_path):
    forked = _made(workspace, tmp_path / "forked")
    again = _made(workspace, tmp_path / "again")
    ordinary = _made(workspace, tmp_path / "ordinary", **{SWITCH: "0"})
    made = _pages(forked)
    assert {"10270.vi.html", "10288.vi.html", "district.vi.html"} < set(made)
    for other in (again, ordinary):
        assert [name for name, page in _pages(other).items() if page != made[name]] == []
        for name in ("10270.vi", "district.vi"):
            assert _outputs(other, name) == _outputs(forked, name)
