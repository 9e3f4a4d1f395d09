"""The client against the sandbox over real sockets: churn, faults, permissions."""

import numpy as np
import pytest
from kobo_fakes import UID, VERSIONS, recorded

from survey_tools.errors import KoboError
from survey_tools.kobo import KoboClient, Store
from survey_tools.kobo.sandbox import Sandbox

NEW_ANSWER = {"hh/hh_size": "4"}


@pytest.fixture
def sandbox(pilot_rows):
    asset = {
        "uid": UID,
        "name": "Pilot",
        "owner": "surveyor",
        "versions": [recorded(f"pilot/16_version_{uid}.json") for uid in VERSIONS],
        "submissions": pilot_rows,
        "partial_filter": {"loc/commune": "phuxuyen"},
    }
    with Sandbox([asset], max_page=10) as running:
        yield running


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "pilot.sqlite", server="sandbox", asset=UID) as opened:
        yield opened


def sync(sandbox, store, user="owner", **options):
    options = {"backoff": 0.01, "timeout": 5.0, **options}
    with KoboClient(sandbox.url, sandbox.tokens[user], **options) as client:
        return client.sync(UID, store)


def on_server(sandbox):
    with KoboClient(sandbox.url, sandbox.token) as client:
        rows, last = [], -1
        while page := client.page(UID, query={"_id": {"$gt": last}}).rows:
            rows += page
            last = page[-1]["_id"]
    return rows


def test_sync__store_equals_the_server(sandbox, store):
    report = sync(sandbox, store)
    assert report.rows == 55
    assert list(store.rows()) == on_server(sandbox)
    assert len(store.tables().frames["member"]) == 135


def test_sync__rows_coming_going_and_changing_during_the_walks(sandbox, store):
    rng = np.random.default_rng(20240614)
    requests = []

    def churn(method, path):
        requests.append(path)
        if not path.rstrip("/").endswith("data") or len(requests) > 25:
            return
        ids = [row["_id"] for row in rows]
        for row_id in rng.choice(ids, size=2, replace=False):
            sandbox.edit(UID, int(row_id), NEW_ANSWER)
        row = {k: v for k, v in rows[0].items() if not k.startswith("_") and "meta/" not in k}
        rows.append(sandbox.add(UID, row))
        gone = rows.pop(int(rng.integers(len(rows))))
        sandbox.delete(UID, [gone["_id"]])

    rows = on_server(sandbox)
    sandbox.on_request = churn
    sync(sandbox, store)
    sync(sandbox, store)
    sandbox.on_request = None
    sync(sandbox, store)
    assert list(store.rows()) == on_server(sandbox)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 429, "retry_after": 0.02},
        {"kind": "status", "status": 502},
        {"kind": "status", "status": 500},
        {"kind": "drop"},
        {"kind": "truncate"},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}",
)
def test_sync__passing_faults_change_nothing(sandbox, store, fault):
    sandbox.fail(**fault, times=1, path_contains="/data/")
    sync(sandbox, store)
    assert list(store.rows()) == on_server(sandbox)


def test_sync__lasting_fault_keeps_what_came_and_is_finished_later(sandbox, store):
    calls = []

    def break_down(method, path):
        calls.append(path)
        if len(calls) == 7:
            sandbox.fail(kind="status", status=503, times=1000)

    sandbox.on_request = break_down
    with pytest.raises(KoboError, match="503"):
        sync(sandbox, store, retries=1)
    assert 0 < store.count() < 55
    sandbox.on_request = None
    sandbox.heal()
    assert sync(sandbox, store).rows == 55


@pytest.mark.parametrize(
    ("user", "words"),
    [("partial", "only some"), ("viewer", "not its rows"), ("outsider", "does not exist")],
)
def test_sync__tokens_that_do_not_see_all_are_refused(sandbox, store, user, words):
    with pytest.raises(KoboError, match=words) as caught:
        sync(sandbox, store, user=user)
    assert sandbox.tokens[user] not in str(caught.value)
    assert store.count() == 0


def test_sync__reader_who_may_change_nothing_can_pull(sandbox, store):
    assert sync(sandbox, store, user="reader").rows == 55
