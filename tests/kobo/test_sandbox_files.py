"""Files of rows in the sandbox: their shape in rows, how they are served, folders, faults."""

import copy
import struct

import httpx
import pytest
from kobo_fakes import recorded

from survey_tools.errors import KoboError
from survey_tools.kobo.sandbox import Fault, Sandbox, load_sandbox, write_sandbox

UID = "a7HrwyPd6X8BBYLptRxDkn"
DATA = b"\xff\xd8" + bytes(range(250)) * 20


def described(**more):
    rows = copy.deepcopy(recorded("pilot/18_data_mixed_versions.json")["results"][:6])
    rows += [copy.deepcopy(row_4())] if row_4()["_id"] not in {r["_id"] for r in rows} else []
    for row in rows:
        row["_attachments"] = []
    version = {"uid": "v1", "date_deployed": "2026-01-01T00:00:00Z", "content": {"survey": []}}
    asset = {"uid": UID, "name": "Phiếu thử", "owner": "surveyor", "versions": [version]}
    return {**asset, "submissions": rows, **more}


def row_4():
    rows = recorded("pilot/18_data_mixed_versions.json")["results"]
    return next(row for row in rows if row["_id"] == 4)


@pytest.fixture
def sandbox():
    with Sandbox([described()]) as running:
        yield running


def attached(sandbox):
    return sandbox.attach(UID, 4, "qr.jpg", DATA, question="photo", mimetype="image/jpeg")


def get(sandbox, path, user="owner", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named |= {"Authorization": f"Token {sandbox.tokens[user]}"} if user else {}
    return httpx.get(f"{sandbox.url}/api/v2/assets/{UID}/{path}", headers=named)


def path_of(item):
    return item["download_url"].partition(f"/{UID}/")[2]


def test_attach__item_has_the_shape_of_a_real_one(sandbox):
    attached(sandbox)
    (item,) = get(sandbox, "data/4/").json()["_attachments"]
    (real,) = row_4()["_attachments"]
    assert list(item) == list(real)
    assert len(item["uid"]) == len(real["uid"])
    named = ("mimetype", "filename", "media_file_basename", "is_deleted", "question_xpath")
    assert [item[name] for name in named] == [real[name] for name in named]
    for name in item:
        if name.endswith("_url"):
            expected = real[name].replace("https://kobo.example.org", sandbox.url)
            assert item[name] == expected.replace(real["uid"], item["uid"])


def test_attach__changes_nothing_else_of_the_row(sandbox):
    before = get(sandbox, "data/4/").json()
    attached(sandbox)
    after = get(sandbox, "data/4/").json()
    assert after["_attachments"] != before["_attachments"]
    assert {**after, "_attachments": []} == before


def test_attach__address_in_pages_follows_the_request(sandbox):
    attached(sandbox)
    asked = {"Host": "kobo.example.org", "X_Forwarded_Proto": "https"}
    for query in ("", '?fields=["photo","_attachments"]'):
        rows = get(sandbox, f"data/{query}", **asked).json()["results"]
        (item,) = next(row["_attachments"] for row in rows if row.get("_attachments"))
        assert item["download_url"].startswith(f"https://kobo.example.org/api/v2/assets/{UID}/")


def test_attach__same_name_twice_is_two_files_and_wrong_calls_are_told(sandbox):
    assert attached(sandbox)["uid"] != attached(sandbox)["uid"]
    with pytest.raises(KoboError, match="no submission 99"):
        sandbox.attach(UID, 99, "a", b"")
    with pytest.raises(KoboError, match="bytes"):
        sandbox.attach(UID, 4, "a", "text")


def test_attachment__is_served_whole_and_in_parts(sandbox):
    path = path_of(attached(sandbox))
    whole = get(sandbox, path)
    assert (whole.status_code, whole.content) == (200, DATA)
    assert whole.headers["Content-Type"] == "image/jpeg"
    assert whole.headers["Content-Disposition"] == "inline; filename=qr.jpg"
    tag = whole.headers["ETag"]
    for asked, data, said in [
        ("bytes=100-", DATA[100:], f"bytes 100-{len(DATA) - 1}/{len(DATA)}"),
        ("bytes=5-9", DATA[5:10], f"bytes 5-9/{len(DATA)}"),
        ("bytes=-7", DATA[-7:], f"bytes {len(DATA) - 7}-{len(DATA) - 1}/{len(DATA)}"),
    ]:
        part = get(sandbox, path, Range=asked, If_Range=tag)
        assert (part.status_code, part.content) == (206, data)
        assert (part.headers["Content-Range"], part.headers["ETag"]) == (said, tag)
    assert get(sandbox, path, Range="bytes=5-9", If_Range='"other"').status_code == 200
    beyond = get(sandbox, path, Range=f"bytes={len(DATA)}-")
    assert beyond.status_code == 416
    assert beyond.headers["Content-Range"] == f"bytes */{len(DATA)}"
    assert get(sandbox, path, Range="lines=1-2").status_code == 200
    assert get(sandbox, f"{path}small/").content == DATA
    assert sandbox.requests[1].range == "bytes=100-"


def test_attachment__only_who_sees_the_row_gets_it(sandbox):
    sandbox.assets[UID].partial_filter = {"_id": {"$in": [1]}}
    path = path_of(attached(sandbox))
    seen = {user: get(sandbox, path, user).status_code for user in (*sandbox.tokens, None)}
    assert seen == {"owner": 200, "reader": 200, "partial": 404, "viewer": 404} | {
        "outsider": 404,
        None: 404,
    }


def test_attachment__unknown_of_another_row_or_deleted_is_not_found(sandbox):
    item = attached(sandbox)
    path = path_of(item)
    assert get(sandbox, path.replace("data/4/", "data/3/")).status_code == 404
    assert get(sandbox, "data/4/attachments/attNone/").json() == {"detail": "Not found."}
    sandbox.remove_file(UID, 4, item["uid"])
    assert get(sandbox, path).status_code == 404
    assert get(sandbox, "data/4/").json()["_attachments"][0]["is_deleted"] is True


def test_file_store__takes_a_signature_once_and_no_token():
    with Sandbox([described()], file_store=True) as sandbox:
        sent = get(sandbox, path_of(attached(sandbox)))
        assert sent.status_code == 302
        address = sent.headers["Location"]
        assert not address.startswith(sandbox.url)
        token = {"Authorization": f"Token {sandbox.token}"}
        assert httpx.get(address, headers=token).status_code == 400
        answer = httpx.get(address)
        assert (answer.status_code, answer.content) == (200, DATA)
        assert httpx.get(address).status_code == 403


def test_write_sandbox__keeps_files(tmp_path):
    files = [{"row_id": 4, "name": "qr.jpg", "data": DATA, "question": "photo"}]
    write_sandbox(tmp_path, [described(files=files)])
    (asset,) = load_sandbox(tmp_path)
    (file,) = asset.files.values()
    assert (file.read(), file.mimetype, file.question) == (DATA, "image/jpeg", "photo")
    assert [path.name for path in (tmp_path / UID / "files").iterdir()] == [file.uid]
    write_sandbox(tmp_path, load_sandbox(tmp_path))
    with Sandbox(tmp_path) as sandbox:
        (item,) = get(sandbox, "data/4/").json()["_attachments"]
        assert get(sandbox, path_of(item)).content == DATA
    write_sandbox(tmp_path, [described()])
    assert not (tmp_path / UID / "files").exists()


@pytest.mark.parametrize(
    "file", [{"row_id": 99, "name": "a", "data": b""}, {"name": "a"}, {"row_id": 4, "what": 1}]
)
def test_write_sandbox__refuses_a_wrong_file(tmp_path, file):
    with pytest.raises(KoboError):
        write_sandbox(tmp_path, [described(files=[file])])


@pytest.mark.parametrize("kind", ["truncate", "reset"])
def test_fail__in_the_middle_of_a_file(sandbox, kind):
    path = path_of(attached(sandbox))
    sandbox.fail(kind, at=100, path_contains="attachments")
    headers = {"Authorization": f"Token {sandbox.token}"}
    url = f"{sandbox.url}/api/v2/assets/{UID}/{path}"
    came = []
    with (
        httpx.stream("GET", url, headers=headers) as response,
        pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)),
    ):
        came.extend(response.iter_raw())
    came = b"".join(came)
    assert DATA.startswith(came)
    assert len(came) <= 100
    assert came or kind == "reset"
    assert get(sandbox, path).content == DATA


def test_fail__cut_body_does_not_say_its_length(sandbox):
    sandbox.fail("cut", at=10)
    answer = get(sandbox, path_of(attached(sandbox)))
    assert (answer.status_code, answer.content) == (200, DATA[:10])
    assert "Content-Length" not in answer.headers


def test_fail__each_nth_request_or_as_a_call_says(sandbox):
    sandbox.fail(status=503, every=3, times=2)
    seen = [get(sandbox, "").status_code for _ in range(8)]
    assert seen == [200, 200, 503, 200, 200, 503, 200, 200]
    drawn = iter([True, False, True])
    sandbox.fail(status=502, times=9, when=lambda path: next(drawn))
    assert [get(sandbox, "").status_code for _ in range(3)] == [502, 200, 502]
    for wrong in ({"every": 0}, {"when": "often"}):
        with pytest.raises(KoboError):
            Fault(**wrong)


def test_attach__many_files_do_not_slow_a_page(sandbox):
    for number in range(20):
        sandbox.attach(UID, 4, f"{number}.bin", struct.pack("I", number))
    row = next(r for r in get(sandbox, "data/").json()["results"] if r["_id"] == 4)
    assert len({item["uid"] for item in row["_attachments"]}) == 20
