"""Warming up makes first use cheap and changes nothing else: no thread, no setting, no byte of a page."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from survey_tools.params import ROOT_VARIABLE

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux")

STATE = """
import json, os, random, sys
import matplotlib.pyplot as plt, numpy as np, pandas, pyarrow.parquet, seaborn
import survey_tools.report.warm_up as warm_up

def state():
    return {
        "threads": len(os.listdir("/proc/self/task")),
        "settings": {k: str(v) for k, v in dict.items(plt.rcParams)},
        "figures": plt.get_fignums(),
        "random": str(random.getstate()),
        "numpy": str(np.random.get_state()),
        "options": pandas.describe_option(_print_desc=False),
    }

opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
before = state()
warm_up.warm_up()
after = state()
changed = [key for key in before if before[key] != after[key]]
print(json.dumps({"changed": changed, "opened": opened, "next": plt.figure().number}))
"""

PAGES = """
import json, os, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
import pandas, pyarrow.parquet, seaborn, matplotlib.pyplot
from survey_tools.report.warm_up import warm_up

def pages():
    shell, shown = InteractiveShell.instance(), {}
    loaded = set(sys.modules)
    for path in sys.argv[1:]:
        for number, cell in enumerate(json.load(open(path))["cells"]):
            if cell["cell_type"] == "code":
                with capture_output() as captured:
                    result = shell.run_cell("".join(cell["source"]))
                result.raise_error()
                outputs = [[output.data, output.metadata] for output in captured.outputs]
                if result.result is not None:
                    outputs.append(list(shell.display_formatter.format(result.result)))
                shown[f"{path}: cell {number}"] = outputs
    return {"shown": shown, "loaded": sorted(set(sys.modules) - loaded)}

def forked():
    read, write = os.pipe()
    if os.fork() == 0:
        with os.fdopen(write, "w") as answer:
            json.dump(pages(), answer)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    os.wait()
    return json.loads(text)

cold = forked()
warm_up()
json.dump([cold, forked()], open("pages.json", "w"))
"""


def _python(code, *arguments, folder, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def said(ws):
    """What a process says of itself that warmed up in a workspace."""
    return json.loads(_python(STATE, folder=ws.root, **{ROOT_VARIABLE: str(ws.root)}))


def test_warm_up__leaves_the_process_as_it_was(said):
    assert said["changed"] == []
    assert said["next"] == 1


def test_warm_up__reads_nothing_of_a_workspace(said, ws):
    assert any("survey_tools" in path for path in said["opened"])
    assert [path for path in said["opened"] if path.startswith(str(ws.root))] == []


@pytest.mark.slow
def test_warm_up__pages_have_the_same_bytes_and_load_nothing_more(ws, tmp_path):
    notebooks = [
        ROOT / "notebooks" / f"{name}.ipynb" for name in ("60_commune_report", "70_district_report")
    ]
    _python(PAGES, *notebooks, folder=tmp_path, **{ROOT_VARIABLE: str(ws.root)})
    cold, warmed = json.loads((tmp_path / "pages.json").read_text("utf-8"))
    outputs = [output for outputs in cold["shown"].values() for output in outputs]
    assert sum("image/png" in data for data, _ in outputs) > 6
    assert warmed["shown"] == cold["shown"]
    assert cold["loaded"]
    assert warmed["loaded"] == []
