"""Running the sandbox: folder, tokens, faults, control side, event loops, signals."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import stat
import subprocess
import sys

import httpx
import pytest

from survey_tools.errors import KoboError
from survey_tools.kobo.sandbox import Sandbox, load_sandbox, write_sandbox

UID = "aTest"
CONTENT = {"schema": "1", "survey": [{"name": "a", "type": "text", "label": ["A"]}]}


def _described(count=3, **flags):
    rows = [
        {"_id": i, "_uuid": f"u{i}", "meta/rootUuid": f"uuid:u{i}", "meta/instanceID": f"uuid:u{i}"}
        | {"_submission_time": "2026-10-01T00:00:00", "_validation_status": {}, "a": "Thôn Đoài"}
        for i in range(1, count + 1)
    ]
    versions = [
        {"uid": "v2", "date_deployed": "2026-02-01T00:00:00Z", "content": CONTENT},
        {"uid": "v1", "date_deployed": "2026-01-01T00:00:00Z", "content": CONTENT},
    ]
    asset = {"uid": UID, "name": "Phiếu thử", "owner": "surveyor", "versions": versions}
    return {**asset, "submissions": iter(rows), "form_id": "px", **flags}


@pytest.fixture
def sandbox():
    with Sandbox([_described()]) as running:
        yield running


def _get(sandbox, path="data/", **options):
    headers = {"Authorization": f"Token {sandbox.token}"}
    return httpx.get(f"{sandbox.url}/api/v2/assets/{UID}/{path}", headers=headers, **options)


def _control(sandbox, path, body, token=None):
    headers = {"Authorization": f"Token {token or sandbox.token}"}
    return httpx.post(f"{sandbox.url}/_sandbox/{path}", json=body, headers=headers)


def test_write_sandbox__loads_the_same(tmp_path):
    folder = write_sandbox(tmp_path / "box", [_described(archived=True, partial_filter={"a": "x"})])
    (asset,) = load_sandbox(folder)
    assert (asset.uid, asset.name, asset.form_id, asset.archived) == (UID, "Phiếu thử", "px", True)
    assert asset.partial_filter == {"a": "x"}
    assert [version.uid for version in asset.versions] == ["v1", "v2"]
    assert asset.content == CONTENT
    assert [asset.rows.row(i) for i in asset.rows.select({})] == list(_described()["submissions"])
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {
        "sandbox.json",
        "v1.json",
        "v2.json",
        "submissions.jsonl",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_write_sandbox__replaces_an_older_one(tmp_path):
    write_sandbox(tmp_path, [_described(), _described(uid="aOld")])
    write_sandbox(tmp_path, [_described(count=1)])
    (asset,) = load_sandbox(tmp_path)
    assert len(asset.rows) == 1
    assert not (tmp_path / "aOld").exists()


@pytest.mark.parametrize(
    "broken", [{"uid": "../up"}, {"versions": []}, {"surprise": 1}, {"versions": [{"uid": "/v"}]}]
)
def test_write_sandbox__refuses_a_wrong_description(tmp_path, broken):
    with pytest.raises(KoboError):
        write_sandbox(tmp_path / "box", [_described(**broken)])


def test_load_sandbox__refuses_other_folders(tmp_path):
    with pytest.raises(KoboError, match="no sandbox"):
        load_sandbox(tmp_path)
    (tmp_path / "sandbox.json").write_text('{"format": 99}')
    with pytest.raises(KoboError, match="another version"):
        load_sandbox(tmp_path)


def test_sandbox__serves_a_folder_and_leaves_it_alone(tmp_path):
    write_sandbox(tmp_path, [_described()])
    with Sandbox(tmp_path, token="given") as sandbox:
        assert sandbox.token == "given"
        sandbox.delete(UID, [1])
        body = _get(sandbox).json()
        assert [row["_id"] for row in body["results"]] == [2, 3]
        assert body["results"][0]["a"] == "Thôn Đoài"
    assert len(load_sandbox(tmp_path)[0].rows) == 3
    assert "given" not in "".join(p.read_text() for p in tmp_path.rglob("*.json*"))


def test_sandbox__pages_follow_next_and_are_clamped():
    with Sandbox([_described(count=25)], max_page=10, default_page=5) as sandbox:
        assert len(_get(sandbox).json()["results"]) == 5
        body, seen = _get(sandbox, params={"limit": 5000}).json(), []
        while True:
            seen += [row["_id"] for row in body["results"]]
            if not body["next"]:
                break
            headers = {"Authorization": f"Token {sandbox.token}"}
            body = httpx.get(body["next"], headers=headers).json()
        assert seen == list(range(1, 26))


def test_sandbox__next_follows_host_and_scheme_of_the_request():
    with Sandbox([_described(count=2)]) as sandbox:
        headers = {
            "Authorization": f"Token {sandbox.token}",
            "Host": "kobo.example.org",
            "X-Forwarded-Proto": "https",
        }
        url = f"{sandbox.url}/api/v2/assets/{UID}/data/?limit=1"
        link = httpx.get(url, headers=headers).json()["next"]
    assert link == f"https://kobo.example.org/api/v2/assets/{UID}/data/?limit=1&start=1"


def test_sandbox__fields_always_bring_three():
    with Sandbox([_described(count=1)]) as sandbox:
        (row,) = _get(sandbox, params={"fields": '["a", "_date_modified"]'}).json()["results"]
    assert set(row) == {"_uuid", "meta/rootUuid", "_validation_status", "a"}


def test_sandbox__lists_assets_without_content(sandbox):
    headers = {"Authorization": f"Token {sandbox.token}"}
    body = httpx.get(f"{sandbox.url}/api/v2/assets/?format=json", headers=headers).json()
    (listed,) = body["results"]
    assert (listed["uid"], listed["deployment__submission_count"]) == (UID, 3)
    assert "content" not in listed


def test_sandbox__address_without_its_last_slash_is_redirected(sandbox):
    answer = _get(sandbox, "data?limit=1", follow_redirects=False)
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"/api/v2/assets/{UID}/data/?limit=1"


def test_sandbox__listens_on_loopback_only(sandbox):
    (bound,) = sandbox._sockets
    assert bound.getsockname()[0] == "127.0.0.1"


def test_sandbox__stops_and_frees_its_port(sandbox):
    url = sandbox.url
    sandbox.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    with Sandbox([_described()], port=int(url.rsplit(":", 1)[1])) as again:
        assert again.url == url
        with pytest.raises(KoboError, match="cannot listen"):
            Sandbox([_described()], port=int(url.rsplit(":", 1)[1])).start()


def test_sandbox__runs_beside_a_running_event_loop():
    async def notebook():
        with Sandbox([_described()]) as sandbox:
            return _get(sandbox).json()["count"]

    assert asyncio.run(notebook()) == 3


def test_sandbox__tokens_are_drawn_and_distinct(sandbox):
    tokens = list(sandbox.tokens.values())
    assert len(set(tokens)) == len(tokens) == 5
    assert min(map(len, tokens)) == 40
    assert sandbox.token not in repr(sandbox)


def test_requests__are_logged_without_tokens(sandbox):
    _get(sandbox, params={"limit": 1})
    _get(sandbox, "nothing/")
    asked = [(r.method, r.path.partition("?")[0][-9:], r.status) for r in sandbox.requests]
    assert asked == [("GET", "est/data/", 200), ("GET", "/nothing/", 404)]
    assert sandbox.token not in str(sandbox.requests)


def test_fail__status_with_retry_after_then_well_again(sandbox):
    sandbox.fail(kind="status", status=429, retry_after=0.2, times=2)
    answers = [_get(sandbox) for _ in range(3)]
    assert [a.status_code for a in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "0.2"
    assert "Retry-After" not in answers[2].headers


def test_fail__drop_and_truncate_break_the_connection(sandbox):
    sandbox.fail("drop")
    with pytest.raises(httpx.RemoteProtocolError):
        _get(sandbox)
    sandbox.fail("truncate")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        _get(sandbox)
    assert _get(sandbox).status_code == 200
    assert [request.status for request in sandbox.requests] == [0, 200, 200]


def test_fail__slow_runs_into_a_timeout(sandbox):
    sandbox.fail("slow", seconds=1)
    with pytest.raises(httpx.ReadTimeout):
        _get(sandbox, timeout=0.2)
    assert _get(sandbox).status_code == 200


def test_fail__only_where_the_address_fits(sandbox):
    sandbox.fail(status=502, path_contains="/data/")
    assert _get(sandbox, "").status_code == 200
    assert _get(sandbox).status_code == 502
    sandbox.fail(status=502, times=9)
    sandbox.heal()
    assert _get(sandbox).status_code == 200
    with pytest.raises(KoboError, match="no such fault"):
        sandbox.fail("explode")


def test_on_request__can_change_rows_in_the_middle_of_a_walk(sandbox):
    sandbox.on_request = lambda method, path: sandbox.delete(UID, [1]) if "start=1" in path else 0
    first = _get(sandbox, params={"limit": 1}).json()
    second = _get(sandbox, params={"limit": 1, "start": 1}).json()
    assert [body["results"][0]["_id"] for body in (first, second)] == [1, 3]


def test_control__rows_by_http(sandbox):
    added = _control(sandbox, "rows", {"uid": UID, "do": "add", "row": {"a": "mới"}}).json()
    assert added["_id"] == 4
    change = {"uid": UID, "do": "edit", "id": 4, "changes": {"a": "sửa"}}
    edited = _control(sandbox, "rows", change).json()
    assert (edited["a"], edited["meta/deprecatedID"]) == ("sửa", f"uuid:{added['_uuid']}")
    status = {"uid": UID, "do": "status", "id": 4, "status": "validation_status_on_hold"}
    assert _control(sandbox, "rows", status).json()["label"] == "On hold"
    gone = _control(sandbox, "rows", {"uid": UID, "do": "delete", "ids": [1, 2]})
    assert gone.json() == {"deleted": 2}
    assert [row["_id"] for row in _get(sandbox).json()["results"]] == [3, 4]


@pytest.mark.parametrize(
    "body",
    [{}, {"uid": UID, "do": "eat"}, {"uid": "none", "do": "add"}, {"uid": UID, "do": "edit"}],
)
def test_control__refuses_a_wrong_change(sandbox, body):
    assert _control(sandbox, "rows", body).status_code == 400


def test_control__faults_and_requests_by_http(sandbox):
    body = {"kind": "status", "status": 503, "times": 1}
    assert _control(sandbox, "faults", body).status_code == 201
    assert _get(sandbox).status_code == 503
    assert _control(sandbox, "faults", {"kind": "explode"}).status_code == 400
    headers = {"Authorization": f"Token {sandbox.token}"}
    logged = httpx.get(f"{sandbox.url}/_sandbox/requests", headers=headers).json()["requests"]
    assert [(request["method"], request["status"]) for request in logged] == [("GET", 503)]


def test_control__needs_the_owners_token(sandbox):
    for token in ("wrong", sandbox.tokens["reader"]):
        answer = _control(sandbox, "rows", {"uid": UID, "do": "delete", "ids": [1]}, token)
        assert answer.status_code == 401
    assert httpx.post(f"{sandbox.url}/_sandbox/faults", json={}).status_code == 401
    assert _get(sandbox).json()["count"] == 3


def test_welcome__says_what_it_is_and_no_token(sandbox):
    page = httpx.get(sandbox.url).text
    assert "imitation" in page
    assert "mô phỏng" in page
    assert sandbox.token not in page


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_forever__ends_cleanly_when_told(tmp_path, number):
    write_sandbox(tmp_path, [_described()])
    code = (
        "import sys; from survey_tools.kobo.sandbox import serve_forever\n"
        "serve_forever(sys.argv[1], on_ready=lambda s: print(s.url, s.token, flush=True))\n"
        "print('ended')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    url, token = process.stdout.readline().split()
    headers = {"Authorization": f"Token {token}"}
    answer = httpx.get(f"{url}/api/v2/assets/{UID}/data/", headers=headers)
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert answer.json()["count"] == 3
    assert (process.returncode, out, err) == (0, "ended\n", "")


def test_sandbox__pages_of_a_large_asset_are_whole(tmp_path):
    filler = {f"group/question_{i}": "một câu trả lời" for i in range(120)}
    rows = ({**row, **filler} for row in _described(count=2000)["submissions"])
    write_sandbox(tmp_path, [_described(submissions=rows)])
    with Sandbox(tmp_path) as sandbox:
        body = _get(sandbox, params={"limit": 1000, "query": '{"_id": {"$gt": 500}}'})
    assert len(json.loads(body.content)["results"]) == 1000


def test_sandbox__is_quiet_about_a_client_that_goes_away(sandbox, capfd):
    port = int(sandbox.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /api/v2/assets/ HTTP/1.1\r\nHost: x\r\n")
    assert _get(sandbox).status_code == 200
    assert capfd.readouterr().err == ""
