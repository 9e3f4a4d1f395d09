"""Syncs while rows come, change and go, while the server fails, and while the process is killed.

What is held against every sync that says it is complete: a row that was on the server from its beginning
to its end is held, in a state that it had meanwhile; a row that is marked as deleted was deleted.
"""

import copy
import multiprocessing
import random
import time

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kobo_fakes import SERVER, UID, FakeServer, recorded, sync_in_child

from survey_tools.errors import KoboError
from survey_tools.kobo import KoboClient, Store, walk
from survey_tools.kobo.sandbox import Sandbox

KINDS = ("add", "add_below", "edit", "delete", "status", "attach")


class Churn:
    """Makes random changes on a server and remembers every state that each row ever had."""

    def __init__(self, rows, edit_uuid="churn"):
        self.rows = rows
        self.states = {row_id: [copy.deepcopy(row)] for row_id, row in rows.items()}
        self.deleted = set()
        self.number = 0
        self.tag = edit_uuid

    def change(self, kind, pick):
        self.number += 1
        ids = sorted(self.rows)
        row_id = ids[pick % len(ids)] if ids else 0
        if kind in ("add", "add_below") or not ids:
            self._add(pick, below=kind == "add_below")
        elif kind == "delete":
            del self.rows[row_id]
            self.deleted.add(row_id)
        elif kind == "edit":
            self._put(
                {**self.rows[row_id], "_uuid": f"{self.tag}-{self.number}", "note": str(pick)}
            )
        elif kind == "status":
            status = {"uid": "validation_status_approved", "timestamp": self.number}
            self._put({**self.rows[row_id], "_validation_status": status})
        else:
            files = [{"uid": f"att{self.number}", "is_deleted": False}]
            self._put({**self.rows[row_id], "_attachments": files})

    def _add(self, pick, *, below):
        """Add a row with a new id; ``below``: one that was given out earlier and shows only now."""
        used = self.states
        gaps = [i for i in range(1, max(used, default=1)) if i not in used]
        row_id = gaps[pick % len(gaps)] if below and gaps else max(used, default=0) + 2
        self._put({"_id": row_id, "_uuid": f"new-{self.number}", "_validation_status": {}})

    def _put(self, row):
        self.rows[row["_id"]] = row
        self.states.setdefault(row["_id"], []).append(copy.deepcopy(row))


def promise_is_kept(store, churn, before, after):
    held = {row["_id"]: row for row in store.rows()}
    for row_id in before.keys() & after.keys() - churn.deleted:
        states = churn.states[row_id]
        since = states[states.index(before[row_id]) :]
        assert held[row_id] in since
    gone = [i for i in churn.states if i not in held and store.history(i)]
    assert set(gone) <= churn.deleted


def only_the_count(error):
    """Let a pull fail for one reason alone: rows were deleted after each of its walks."""
    if "as many rows as the server counts" not in str(error):
        raise error


changes = st.tuples(st.sampled_from(KINDS), st.integers(0, 999))
faults = st.sampled_from(["", "", "", "drop", "429", "503", "cut"])
schedules = st.lists(
    st.tuples(st.lists(changes, max_size=6), st.lists(st.tuples(changes, faults), max_size=12)),
    min_size=1,
    max_size=4,
)


class FaultyServer(FakeServer):
    """A `FakeServer` that follows a list: a change before each request, and perhaps a failure."""

    def __init__(self, rows, churn_of, max_page):
        super().__init__(rows, max_page=max_page)
        self.churn = churn_of(self.rows)
        self.plan = []

    def __call__(self, request):
        change, fault = self.plan.pop(0) if self.plan else (None, "")
        if change:
            self.churn.change(*change)
        if fault == "drop":
            raise httpx.ReadError("connection reset")
        if fault.isdigit():
            return httpx.Response(int(fault), headers={"Retry-After": "0"}, json={"detail": "wait"})
        response = super().__call__(request)
        if fault == "cut":
            kind = {"Content-Type": "application/json"}
            return httpx.Response(200, headers=kind, content=response.content[:-9])
        return response


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=schedules, max_page=st.integers(1, 7), start=st.integers(0, 12))
def test_sync__any_schedule_ends_equal(tmp_path_factory, plan, max_page, start):
    rows = [{"_id": 2 * n + 1, "_uuid": f"u{n}", "_validation_status": {}} for n in range(start)]
    server = FaultyServer(rows, Churn, max_page)
    churn = server.churn
    path = tmp_path_factory.mktemp("churn") / "s.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "BATCH", 3)
        with Store.open(path, server=SERVER, asset=UID) as store:
            for quiet, busy in plan:
                for change in quiet:
                    churn.change(*change)
                server.plan, before = list(busy), copy.deepcopy(server.rows)
                deleted = set(churn.deleted)
                churn.deleted = set()
                try:
                    report = pull(server, store)
                    churn.deleted |= deleted
                    promise_is_kept(store, churn, before, dict(server.rows))
                    assert report.rows == report.server_count - report.arrived
                except KoboError as error:
                    churn.deleted |= deleted
                    only_the_count(error)
            server.plan = []
            report = pull(server, store)
            assert list(store.rows()) == [server.rows[i] for i in sorted(server.rows)]
            assert report.walks == 1
            assert store.check() == []


def pull(server, store):
    with server.client(retries=50) as client:
        return client.sync(UID, store, accept_loss=True)


@pytest.fixture
def sandbox():
    asset = {
        "uid": UID,
        "name": "Pilot",
        "owner": "surveyor",
        "versions": [
            {
                "uid": "vMc34ehTDTZh8bw4Mhq9XE",
                "date_deployed": "2026-11-23T19:04:11.405752Z",
                "content": recorded("pilot/16_version_vMc34ehTDTZh8bw4Mhq9XE.json")["content"],
            }
        ],
        "submissions": many_rows(400),
    }
    with Sandbox([asset], max_page=25) as running:
        yield running


def many_rows(number):
    rows = recorded("pilot/18_data_mixed_versions.json")["results"]
    copies = [copy.deepcopy(rows[n % len(rows)]) for n in range(number)]
    return [{**row, "_id": 20 * n + 1, "_uuid": f"u-{n}"} for n, row in enumerate(copies)]


def on_server(sandbox):
    rows = sandbox.assets[UID].rows
    return [rows.row(row_id) for row_id in rows.select({})]


USED = {}  # ids that a sandbox ever gave


def stir(sandbox, rng, *, share=0.0):
    """Change the sandbox as interviewers and supervisors do, one change or a share of all rows."""
    ids = sandbox.assets[UID].rows.select({})
    used = USED.setdefault(sandbox.url, set())
    used.update(ids)
    for row_id in rng.sample(ids, max(1, int(share * len(ids)))):
        what = rng.choice(
            [*["add", "below", "backdated"], *["delete"] * 3, *["edit"] * 3, "status"]
        )
        if what == "add":
            sandbox.add(UID, {"photo": f"{rng.random()}"})
        elif what == "below":
            free = sorted(set(range(1, max(used))) - used)  # a server never gives an id twice
            used.add(sandbox.add(UID, {"_id": rng.choice(free), "photo": "late"})["_id"])
        elif what == "backdated":
            sandbox.add(UID, {"_submission_time": "2020-01-01T00:00:00"})
        elif what == "edit":
            sandbox.edit(UID, row_id, {"hh/income": f"{rng.random():.4f}"})
        elif what == "status":
            sandbox.set_status(UID, row_id, rng.choice(["approved", "on_hold", ""]))
        else:
            sandbox.delete(UID, [row_id])


def test_sync__churn_over_http_with_faults_ends_equal(sandbox, tmp_path):
    rng = random.Random(20261124)
    completed = 0
    with (
        KoboClient(sandbox.url, sandbox.token, backoff=0.001) as client,
        Store.open(tmp_path / "s.sqlite", server="sandbox", asset=UID) as store,
    ):
        for _ in range(6):
            sandbox.on_request = lambda method, path: stir(sandbox, rng)
            sandbox.fail(status=429, retry_after=0.01, times=2, path_contains="/data/")
            sandbox.fail(status=503, path_contains="/data/")
            sandbox.fail("drop", path_contains="/data/")
            sandbox.fail("truncate", path_contains="/data/")
            try:
                completed += client.sync(UID, store, accept_loss=True).complete
            except KoboError as error:
                only_the_count(error)
            sandbox.on_request = None
            sandbox.heal()
            report = client.sync(UID, store, accept_loss=True)
            assert list(store.rows()) == on_server(sandbox)
            assert (report.server_count, report.walks) == (len(sandbox.assets[UID].rows), 1)
        assert store.check() == []
    statuses = {request.status for request in sandbox.requests}
    assert {200, 429, 503, 0} <= statuses


def test_sync__killed_at_50_moments_the_next_ends_equal(sandbox, tmp_path):
    rng = random.Random(7)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["survey_tools.kobo.sync", "httpx"])
    killed_in_mid_pull = 0
    for number in range(50):
        path = tmp_path / f"{number // 5}.sqlite"  # every fifth pull starts from nothing
        stir(sandbox, rng, share=0.3)
        wanted = len(sandbox.requests) + rng.randrange(22)
        child = context.Process(target=sync_in_child, args=(sandbox.url, sandbox.token, path, UID))
        child.start()
        while len(sandbox.requests) < wanted and child.is_alive():
            time.sleep(0.0005)
        time.sleep(rng.uniform(0, 0.01))
        child.kill()
        child.join(60)
        tombstones_are_true(path, sandbox)
        with (
            KoboClient(sandbox.url, sandbox.token) as client,
            Store.open(path, server="sandbox", asset=UID) as store,
        ):
            killed_in_mid_pull += bool(store.pulls()) and not store.pulls()[-1].complete
            client.sync(UID, store, accept_loss=True)
            assert list(store.rows()) == on_server(sandbox)
            assert store.check() == []
    assert killed_in_mid_pull >= 25


def tombstones_are_true(path, sandbox):
    """Make sure that no row which the server still has is marked as deleted."""
    if path.exists():
        with Store.open(path, server="sandbox", asset=UID) as store:
            buried = store._fetch("SELECT _id FROM rows WHERE status = 'deleted'")
            assert not {row_id for (row_id,) in buried} & set(sandbox.assets[UID].rows.select({}))


def test_sync__two_at_once_leave_an_equal_store(sandbox, tmp_path):
    path = tmp_path / "s.sqlite"
    context = multiprocessing.get_context("forkserver")
    arguments = (sandbox.url, sandbox.token, path, UID)
    children = [context.Process(target=sync_in_child, args=arguments) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert 0 in {child.exitcode for child in children}
    assert {child.exitcode for child in children} <= {0, 3}  # 3: refused
    with Store.read(path) as store:
        assert list(store.rows()) == on_server(sandbox)
        assert store.check() == []
