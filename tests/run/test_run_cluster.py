"""Pages of real Dask clusters are those made here; losing a worker or the scheduler hangs nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import sys
import time
import zipfile
from queue import SimpleQueue

import pandas as pd
import psutil
import pytest
from cluster_support import cluster, page_task, page_tasks, without_package
from run_workspace import NOTEBOOKS, make_workspace

from survey_tools import contracts
from survey_tools.errors import RunError
from survey_tools.files import remove_temporary
from survey_tools.run.batch.check import check_cluster
from survey_tools.run.batch.task import FAILED, OK, Limits, Result
from survey_tools.run.cluster import batch as on_cluster
from survey_tools.run.cluster import checks, share, worker
from survey_tools.run.cluster.batch import run_on_cluster
from survey_tools.run.cluster.fetch import Fetcher
from survey_tools.run.cluster.worker import Batch, Reply, check, describe
from survey_tools.run.gate import Gate
from survey_tools.run.kernels.failure import Failure

pytestmark = pytest.mark.slow
pytest.importorskip("distributed")

TRAVELS = {
    *(f"params/{name}.csv" for name in ("areas", "claim_readings", "claims", "communes")),
    *(f"params/{name}.csv" for name in ("outcomes", "scan_allow", "teams")),
    *(f"params/register/{form}.csv" for form in ("household", "site", "team_log")),
    *(f"params/{name}.yml" for name in ("analysis_plan", "next_steps", "study")),
    *(
        f"data/processed/results/{n}"
        for n in ("effects.parquet", "levels.parquet", "provenance.json")
    ),
    "data/processed/clean/labels.parquet",
    "notebooks/60_commune_report.ipynb",
    "notebooks/raises.ipynb",
}
"""Everything that leaves the machine."""


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A scheduler with two workers, shared by tests that leave them alive."""
    with cluster(tmp_path_factory.mktemp("cluster"), workers=2) as running:
        yield running


@pytest.fixture
def quick(monkeypatch):
    """Give a scheduler that is not there one second instead of ten."""
    monkeypatch.setattr(checks, "CONNECT_SECONDS", 1)


def run(ws, tasks, scheduler, place=None):
    results = run_on_cluster(ws, tasks, scheduler=scheduler, share=place, limits=Limits())
    return {result.name: result for result in results}


def with_notebooks(ws, *names):
    for name in names:
        shutil.copy(NOTEBOOKS / f"{name}.ipynb", ws.notebooks)
    return ws


def orphans(running):
    """Processes that a cluster's workers left behind."""
    marks = {str(worker.pid) for worker in running.workers}
    found = [p for p in psutil.process_iter(["ppid"]) if str(p.info["ppid"]) in marks]
    return [p for p in found if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


# ------------------------------------------------------------------ pages


def test_run_on_cluster__a_page_for_each_task_and_nothing_else(ws, two, capfd):
    tasks = page_tasks(ws, 4)
    results = run(ws, tasks, two.address)
    assert {name: result.status for name, result in results.items()} == {
        task.name: "ok" for task in tasks
    }
    folder = ws.reports("main")
    for result in results.values():
        assert len(result.files) == 5, "page, PDF, DOCX, XLSX, notebook"
        assert result.host == socket.gethostname()
        for name, digest in result.files.items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert [path.name for path in folder.glob(".*")] == []
    assert capfd.readouterr().err == ""


def test_run_on_cluster__with_a_shared_folder_the_same_pages(two, tmp_path, capfd):
    here = with_notebooks(make_workspace(tmp_path / "here"), "raises")
    there = with_notebooks(make_workspace(tmp_path / "there"), "raises")
    for folder in (there.private, there.raw, there.analysis, there.clean, there.results):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "household.parquet").write_text("rows")
    (there.clean / "labels.parquet").write_text("labels")
    (there.root / "params" / "notes.csv").write_text("hhid")
    place = f"file://{tmp_path}/share"
    expected, found = (
        run(ws, [*page_tasks(ws, 2), page_task(ws, "bad.vi", "raises")], two.address, url)
        for ws, url in ((here, None), (there, place))
    )
    assert {n: r.status for n, r in found.items()} == {n: r.status for n, r in expected.items()}
    assert found["bad.vi"].failure.kind == "ValueError"
    pages = {path.name: path.read_bytes() for path in here.reports("main").glob("*.html")}
    assert len(pages) == 2
    assert {p.name: p.read_bytes() for p in there.reports("main").glob("*.html")} == pages
    notebooks = {path.name for path in (there.reports("main") / "notebooks").iterdir()}
    assert notebooks == {"10288-0.vi.ipynb", "10291-1.vi.ipynb", "bad.vi.failed.ipynb"}
    [bundle] = [path for path in (tmp_path / "share").rglob("*") if path.is_file()]
    with zipfile.ZipFile(bundle) as content:
        assert set(content.namelist()) == TRAVELS
    assert capfd.readouterr().err == ""


def test_run_on_cluster__a_private_value_that_only_the_runner_knows_is_held_back(ws, two, tmp_path):
    name = " ".join(("Hoa", "Mai"))
    texts = {"_id": [1], "variable": ["comment"], "text": [f"Gặp bà {name}."]}
    contracts.write_parquet(pd.DataFrame(texts), ws.private / "free_text.parquet")
    tasks = [page_task(ws, "told.vi", commune=name.lower(), lang="vi"), *page_tasks(ws, 1)]
    results = run(ws, tasks, two.address, f"file://{tmp_path}/share")
    assert results["told.vi"].failure.kind == "DisclosureError"
    assert results["10288-0.vi"].status == "ok"
    for path in (*ws.reports("main").rglob("*.*"), *(tmp_path / "share").rglob("*.*")):
        packed = {".zip", ".pdf", ".docx", ".xlsx"}
        assert path.suffix in packed or name.lower() not in path.read_text(encoding="utf-8")


def test_run_on_cluster__leaving_early_frees_the_workers_at_once(ws, two):
    with_notebooks(ws, "takes_too_long")
    tasks = [page_task(ws, f"long-{number}.vi", "takes_too_long") for number in range(4)]
    results = run_on_cluster(
        ws, [*page_tasks(ws, 1), *tasks], scheduler=two.address, limits=Limits()
    )
    assert next(results).status == "ok"
    begun = time.monotonic()
    results.close()
    assert time.monotonic() - begun < 5
    assert run(ws, page_tasks(ws, 2), two.address).keys() == {"10288-0.vi", "10291-1.vi"}
    assert time.monotonic() - begun < 40  # the long ones take a minute


# ------------------------------------------------------------------ what goes away


def test_run_on_cluster__a_worker_killed_half_way_loses_nothing(ws):
    from distributed import LocalCluster

    tasks, seen = page_tasks(ws, 8), []
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as local:
        address = local.scheduler_address
        for result in run_on_cluster(ws, tasks, scheduler=address, limits=Limits()):
            seen.append((result.name, result.status))
            if len(seen) == 1:
                os.kill(local.workers[0].pid, signal.SIGKILL)
    assert sorted(seen) == sorted((task.name, "ok") for task in tasks)


def test_run_on_cluster__a_scheduler_killed_half_way_ends_the_run_with_an_error(
    ws, tmp_path, quick
):
    tasks = page_tasks(ws, 6)
    with cluster(tmp_path / "cluster") as running:
        with pytest.raises(RunError) as none:
            run(ws, tasks, running.address)
        assert "no workers" in none.value.what
        running.add_workers()
        results = run_on_cluster(ws, tasks, scheduler=running.address, limits=Limits())
        assert next(results).status == "ok"
        running.kill(running.scheduler)
        begun = time.monotonic()
        with pytest.raises(RunError) as lost:
            list(results)
        assert time.monotonic() - begun < 20
        assert "of 6 pages are done" in lost.value.found
        assert "same command" in lost.value.next_step
        running.close()
        assert orphans(running) == []


def test_run_on_cluster__no_scheduler(ws, quick):
    with pytest.raises(RunError) as refused:
        run(ws, page_tasks(ws, 1), "tcp://127.0.0.1:9")
    assert refused.value.where == "tcp://127.0.0.1:9"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(RunError, match="no Dask scheduler"):
            run(ws, page_tasks(ws, 1), address)
    with pytest.raises(RunError, match="no Dask scheduler"):
        run(ws, page_tasks(ws, 1), "nonsense://x")
    assert not ws.reports("main").exists()


def test_check_cluster__a_scheduler_that_has_no_workers_yet_will_do(tmp_path):
    with cluster(tmp_path / "cluster") as running:
        check_cluster(running.address, f"file://{tmp_path}/share")


def test_prepared__the_next_run_removes_the_mark_that_a_killed_one_left(ws):
    with on_cluster._prepared(ws, page_tasks(ws, 1), None, Limits()) as batch:
        mark = ws.root / batch.mark
        assert mark.is_file()
        remove_temporary(mark.parent)
        assert not mark.exists()


# ------------------------------------------------------------------ in one worker


@pytest.fixture
def in_worker():
    """Let this process be a worker, and end what it started."""
    yield
    worker._stopped.clear()
    if process := vars(worker._of_thread).pop("process", None):
        process.close()
    while worker._servers:
        if server := worker._servers.pop():
            server.close()


def _reply(ws, number, batch_id):
    """Make a page here as a worker does."""
    task = page_tasks(ws, number + 1)[number]
    batch = Batch(batch_id, str(ws.root), Limits(), describe())
    return Reply.from_json(worker.run_remote(task.to_json(), batch.to_json()))


def test_run_remote__a_batch_that_was_stopped_as_its_page_was_done_costs_the_next_nothing(
    ws, in_worker, monkeypatch
):
    attempt = worker.attempt

    def stopped_at_the_end(*arguments):
        result = attempt(*arguments)
        worker.stop("first")
        return result

    monkeypatch.setattr(worker, "attempt", stopped_at_the_end)
    assert _reply(ws, 0, "first").result.status == OK
    monkeypatch.setattr(worker, "attempt", attempt)
    assert _reply(ws, 1, "second").result.status == OK


def test_run_remote__a_fork_server_that_died_is_replaced(ws, in_worker):
    if (first := worker._fork_server()) is None:
        pytest.skip("nothing is forked here")
    assert _reply(ws, 0, "lasting").result.status == OK
    assert worker._fork_server() is first
    os.kill(first._process.pid, signal.SIGKILL)
    first._process.wait()
    assert _reply(ws, 1, "lasting").result.status == OK
    assert worker._fork_server() is not first
    assert worker._fork_server().alive
    assert worker._of_thread.process._server is worker._fork_server()


# ------------------------------------------------------------------ workers that are not fit


def test_run_on_cluster__a_worker_without_the_package_is_named_before_anything_runs(ws, tmp_path):
    with cluster(tmp_path / "cluster") as running:
        running.add_workers(1, **without_package(tmp_path / "blocked"))
        with pytest.raises(RunError) as error:
            run(ws, page_tasks(ws, 1), running.address)
    assert (
        "cannot import survey_tools (No module named 'survey_tools'): tcp://" in error.value.found
    )
    assert "install" in error.value.next_step
    assert not list(ws.reports("main").glob("*"))


def test_run_on_cluster__a_worker_without_the_package_that_comes_later_costs_nothing(
    ws, two, tmp_path
):
    tasks = page_tasks(ws, 24)
    results = run_on_cluster(ws, tasks, scheduler=two.address, limits=Limits())
    seen = [next(results)]
    two.add_workers(1, **without_package(tmp_path / "blocked"))
    try:
        seen += results
    finally:
        two.kill(two.workers.pop())
    assert sorted((r.name, r.status) for r in seen) == sorted((t.name, "ok") for t in tasks)
    assert any(result.attempts > 1 for result in seen)


def test_run_on_cluster__other_versions_are_named(ws, two, monkeypatch):
    ours = {**describe(), "pandas": "1.0", "code of survey_tools": "another"}
    monkeypatch.setattr(on_cluster, "describe", lambda: ours)
    with pytest.raises(RunError) as error:
        run(ws, page_tasks(ws, 1), two.address)
    assert f"pandas {describe()['pandas']} instead of 1.0: tcp://" in error.value.found
    assert error.value.found.count("tcp://") == 4  # two faults of two workers


def test_check__a_workspace_that_the_worker_does_not_see(ws):
    batch = on_cluster.Batch("1", str(ws.root), Limits(), describe(), mark="params/study.yml")
    assert check(batch.to_json()) == []
    gone = on_cluster.Batch("1", "/nowhere", Limits(), describe(), mark="params/study.yml")
    assert check(gone.to_json()) == ["does not see the workspace at /nowhere"]
    no_share = on_cluster.Batch("1", "/nowhere", Limits(), describe(), "file:///nowhere", "0123")
    assert check(no_share.to_json()) == ["does not see what the runner put in the shared folder"]


def test_run_on_cluster__without_the_extra(ws, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RunError) as error:
        run_on_cluster(ws, page_tasks(ws, 1), scheduler="tcp://127.0.0.1:9", limits=Limits())
    assert "pip install 'survey_tools[cluster]'" in error.value.next_step


# ------------------------------------------------------------------ the way back


def test_fetcher__a_result_comes_although_what_was_told_cannot_be_blotted(
    ws, tmp_path, monkeypatch
):
    def broken(*_):
        raise RecursionError("who it was")

    monkeypatch.setattr(Gate, "blot", broken)
    fetcher, results = Fetcher(ws, "main", share.Share(f"file://{tmp_path}/share")), SimpleQueue()
    told = Failure("a cell", "ValueError", "who it was", "who it was")
    failed = Result("a.vi", FAILED, told, passes=True)
    warned = Result("b.vi", OK, warnings=("who it was",))
    try:
        for result in (failed, warned):
            fetcher.fetch(result.name, Reply(result, "main/nowhere", {}), results.put)
        found = [results.get(timeout=30) for _ in range(2)]
    finally:
        fetcher.close()
    assert {result.name: result.status for result in found} == {"a.vi": FAILED, "b.vi": FAILED}
    for result in found:
        assert result.failure.kind == "RecursionError"
        assert "who it was" not in result.to_json()


# ------------------------------------------------------------------ the shared folder


@pytest.mark.parametrize(
    "url",
    [
        "s3://key:secret@bucket/prefix",
        "sftp://somebody@host/folder",
        "https://host/folder?signature=secret",
        "simplecache::s3://bucket",
        "shared/folder",
    ],
)
def test_share__a_url_that_may_hold_a_secret_or_means_many_places_is_refused(url):
    with pytest.raises(RunError) as error:
        share.Share(url)
    assert "secret" not in str(error.value).replace("hold a secret", "")


def test_share__a_protocol_that_is_not_installed_is_named():
    with pytest.raises(RunError, match="cannot be opened"):
        share.Share("nonsense://bucket").open()


def test_pack__the_same_files_make_the_same_zip(ws):
    inputs = share.collect_inputs(ws, {"notebooks/60_commune_report.ipynb"})
    backwards = dict(reversed(inputs.items()))
    assert share.pack(inputs) == share.pack(backwards)
    assert share.digest_inputs(inputs) == share.digest_inputs(backwards)
    changed = {**inputs, "params/teams.csv": inputs["params/teams.csv"] + b" "}
    assert share.digest_inputs(changed) != share.digest_inputs(inputs)


@pytest.mark.parametrize("file", ["data/private/sample.csv", "../elsewhere.csv"])
def test_collect_inputs__a_file_that_may_not_travel_is_refused(ws, file):
    path = ws.root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    files = ws.study.files.model_copy(update={"teams": file})
    moved = type(ws)(ws.root, ws.study_path, ws.study.model_copy(update={"files": files}))
    with pytest.raises(RunError, match="may not leave this machine"):
        share.collect_inputs(moved, ())


def test_collect_inputs__a_link_into_the_private_folder_is_refused(ws):
    ws.private.mkdir(parents=True)
    (ws.root / "params" / "teams.csv").rename(ws.private / "teams.csv")
    (ws.root / "params" / "teams.csv").symlink_to(ws.private / "teams.csv")
    with pytest.raises(RunError, match="may not leave this machine"):
        share.collect_inputs(ws, ())


def test_unpack__once_and_only_what_was_packed(ws, tmp_path):
    inputs = share.collect_inputs(ws, ())
    digest, place = share.digest_inputs(inputs), share.Share(f"file://{tmp_path}/share")
    place.write(share.bundle_name(digest), share.pack(inputs))
    folder = share.unpack(place, digest, tmp_path / "scratch")
    laid_out = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert laid_out == inputs
    shutil.rmtree(tmp_path / "share")
    assert share.unpack(place, digest, tmp_path / "scratch") == folder
    place.write(share.bundle_name("0" * 32), share.pack(inputs))
    with pytest.raises(RunError, match="damaged"):
        share.unpack(place, "0" * 32, tmp_path / "scratch")
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == [folder.name]
