"""The sides of the comparison, each a process in the folder of a workspace: `batch_sides.py SIDE JSON`.

`JSON` names `notebook`, `communes`, `lang`, `run`, and `out`, a folder; the last line printed is JSON, too.
Not here: our own side, which is the command `survey-tools report`, and the command `papermill`.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

Given = dict[str, Any]
Outputs = list[list[Any]]
"""What each code cell put out: `["stream", text]` or `["data", bundle]`, streams of a cell as one."""


def loop(given: Given) -> Given:
    """Execute one notebook after the other by `papermill.execute_notebook`, as its manual says."""
    for commune in given["communes"]:
        _papermill(given, commune)
    return {}


def two(given: Given) -> Given:
    """Do the same in as many processes as there are processors."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_papermill, [given] * len(given["communes"]), given["communes"]))
    return {}


def pure(given: Given) -> Given:
    """Run the cells of each notebook in one process that has run one before, and nothing else.

    The clock counts the cells with the formatting of what they show, figures as PNG included; a name that
    one report binds is unknown to the next. No kernel, no messages, no file.
    """
    shell = _shell()
    notebooks = [_with_parameters(given, commune) for commune in given["communes"]]
    _run_cells(shell, notebooks[0])
    seconds, cpu, outputs = [], 0.0, {}
    for commune, notebook in zip(given["communes"], notebooks, strict=True):
        shell.reset(new_session=False)
        started, used = time.perf_counter(), time.process_time()
        outputs[commune] = _run_cells(shell, notebook)
        seconds.append(time.perf_counter() - started)
        cpu += time.process_time() - used
    found = {commune: [list(map(_plain, cell)) for cell in outputs[commune]] for commune in outputs}
    (Path(given["out"]) / "pure.json").write_text(json.dumps(found), encoding="utf-8")
    return {"seconds": sum(seconds), "cpu": cpu}


def runner(given: Given) -> Given:
    """Have pages made by our pool of `jobs`, and tell what the process that hands them out took itself."""
    from kobo_measure import peak_memory

    from survey_tools.params import open_workspace
    from survey_tools.run import Choices, run_reports

    ws = open_workspace("params/study.yml")
    choices = Choices(force=True, jobs=given["jobs"])
    started, used = time.perf_counter(), time.process_time()
    outcome = run_reports(ws, given["run"], given["communes"], [given["lang"]], choices)
    if outcome.failed:
        raise SystemExit(f"{outcome.failed} pages failed")
    return {
        "seconds": time.perf_counter() - started,
        "own": time.process_time() - used,
        "peak": peak_memory(),
    }


def cluster(given: Given) -> Given:
    """Hand `tasks` that fail at once to a Dask cluster; tell what client and scheduler take, both in here.

    `own` is processor time a task, `base` what they take a second in any case, `beat` what a worker's sign
    of life takes; `beats` says for each number of workers how many signs come a second.
    """
    from distributed import LocalCluster
    from distributed.scheduler import heartbeat_interval

    from survey_tools.params import open_workspace
    from survey_tools.run.batch.task import Limits, Task
    from survey_tools.run.cluster.batch import run_on_cluster

    ws, workers = open_workspace("params/study.yml"), 2
    names, missing = map(str, range(given["tasks"])), "notebooks/none.ipynb"
    tasks = [Task(n, str(ws.root), "params/study.yml", given["run"], missing, {}) for n in names]
    with LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=":0") as dask:
        base = _own_a_second()
        dask.scale(workers)
        dask.wait_for_workers(workers)
        address = dask.scheduler_address
        list(run_on_cluster(ws, tasks[:10], scheduler=address, limits=Limits()))
        idle = _own_a_second()
        started, used = time.perf_counter(), time.process_time()
        done = list(run_on_cluster(ws, tasks, scheduler=address, limits=Limits()))
        seconds, own = time.perf_counter() - started, time.process_time() - used
    assert len(done) == len(tasks)
    beats = {str(number): number / heartbeat_interval(number) for number in given["workers"]}
    beat = max(0.0, idle - base) / (workers / heartbeat_interval(workers))
    return {
        "seconds": seconds / len(tasks),
        "own": own / len(tasks),
        "base": base,
        "beat": beat,
        "beats": beats,
    }


def outputs_of(notebook: Path) -> Outputs:
    """Read what each code cell of an executed notebook put out."""
    import nbformat

    cells = nbformat.read(notebook, as_version=4).cells
    found = []
    for cell in cells:
        if cell.cell_type == "code":
            found.append(list(_joined(map(_of_notebook, cell.outputs))))
    return found


def _papermill(given: Given, commune: str) -> None:
    import papermill

    out = Path(given["out"]) / f"{commune}.ipynb"
    papermill.execute_notebook(given["notebook"], str(out), _parameters(given, commune))


def _parameters(given: Given, commune: str) -> dict[str, str]:
    return {"commune": commune, "lang": given["lang"], "run": given["run"]}


def _with_parameters(given: Given, commune: str) -> list[str]:
    """Return the code cells as papermill would run them, the one that sets the parameters among them."""
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    notebook = load_notebook_node(given["notebook"])
    filled = parameterize_notebook(notebook, _parameters(given, commune))
    return [cell.source for cell in filled.cells if cell.cell_type == "code"]


def _own_a_second() -> float:
    """Return the processor time that this process takes a second while nothing is to be done."""
    quiet, used = 10.0, time.process_time()
    time.sleep(quiet)
    return (time.process_time() - used) / quiet


def _shell() -> Any:
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    return InteractiveShell.instance(config=config)


def _run_cells(shell: Any, sources: list[str]) -> list[list[Any]]:
    from IPython.utils.capture import capture_output

    found = []
    for source in sources:
        with shell.display_trap, capture_output() as captured:
            done = shell.run_cell(source)
        done.raise_error()
        text = captured.stdout + captured.stderr
        found.append([*([["stream", text]] if text else []), *captured._outputs])
    return found


def _plain(output: Any) -> list[Any]:
    """Write an output of `pure` as a notebook would hold it."""
    if isinstance(output, list):
        return output
    bundle = {
        kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in output["data"].items()
    }
    return ["data", bundle]


def _of_notebook(output: Any) -> list[Any]:
    if output.output_type == "stream":
        return ["stream", output.text]
    return ["data", dict(output.data)]


def _joined(outputs: Iterator[list[Any]]) -> Iterator[list[Any]]:
    """Put the streams of a cell together, in front: a kernel sends them in pieces."""
    found = list(outputs)
    text = "".join(content for kind, content in found if kind == "stream")
    if text:
        yield ["stream", text]
    yield from (output for output in found if output[0] != "stream")


SIDES = {"loop": loop, "two": two, "pure": pure, "runner": runner, "cluster": cluster}

if __name__ == "__main__":
    print(json.dumps(SIDES[sys.argv[1]](json.loads(sys.argv[2]))))
