"""Fetching the files of rows: names from outside, what is kept, what is fetched again, erasing."""

import hashlib
import json
import stat

import pytest
from kobo_fakes import recorded

from survey_tools.errors import KoboError, StoreError
from survey_tools.kobo import KoboClient, KoboSession
from survey_tools.kobo.files.attachments import (
    Attachment,
    download_attachments,
    list_attachments,
    read_manifest,
    remove_attachments,
    verify_attachments,
)
from survey_tools.kobo.files.audit import seconds_of_rows
from survey_tools.kobo.files.manifest import LONGEST, place_of, safe_name
from survey_tools.kobo.sandbox import Sandbox

UID = "aTest"
LOG = b"event,node,start,end\nquestion,/data/hh/age,1788000000000,1788000003000\n"


def asset(count):
    version = {"uid": "v1", "date_deployed": "2026-01-01T00:00:00Z", "content": {"survey": []}}
    head = {"uid": UID, "name": "Phiếu", "owner": "surveyor", "versions": [version]}
    return {**head, "submissions": [{"_id": number} for number in range(1, count + 1)]}


def photo(number):
    return hashlib.sha256(str(number).encode()).digest() * (900 + number)


def filled(sandbox, count):
    """Give each row an audit log and a photo; returns the bytes by row and name."""
    held = {}
    for number in range(1, count + 1):
        for name, data, question in (
            ("audit.csv", LOG, "audit"),
            ("ảnh.jpg", photo(number), "hh/photo"),
        ):
            sandbox.attach(UID, number, name, data, question=question)
            held[number, name] = data
    return held


def rows_of(client):
    return client.session.get(f"/api/v2/assets/{UID}/data/")["results"]


@pytest.fixture
def three():
    with Sandbox([asset(3)]) as sandbox:
        held = filled(sandbox, 3)
        with KoboClient(sandbox.url, sandbox.token, sleep=lambda seconds: None) as client:
            yield sandbox, client, held


def test_list_attachments__as_recorded():
    rows = recorded("pilot/18_data_mixed_versions.json")["results"]
    assert list_attachments(rows) == [
        Attachment(
            row_id=4,
            uid="attt47w8BJKhN2xZtHbcoNQn",
            name="qr.jpg",
            question="photo",
            mimetype="image/jpeg",
            path="/api/v2/assets/a7HrwyPd6X8BBYLptRxDkn/data/4/attachments/attt47w8BJKhN2xZtHbcoNQn/",
            deleted=False,
        )
    ]


def test_list_attachments__old_and_missing_fields_and_repeats():
    item = {"id": 12, "filename": "u/attachments/x/ảnh.jpg", "mimetype": "image/jpeg"}
    placed = {"uid": "b", "question_xpath": "hh/member[2]/photo", "is_deleted": True}
    rows = [
        {"_id": 1, "_attachments": [item, item, placed]},
        {"_id": 2},
        {"_id": 3, "_attachments": None},
    ]
    old, inner = list_attachments(rows)
    assert (old.uid, old.name, old.path, old.deleted) == ("12", "ảnh.jpg", "", False)
    assert (inner.question, inner.deleted) == ("hh/member[2]/photo", True)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("qr.jpg", "qr.jpg"),
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\evil.exe", "evil.exe"),
        ("..", "file"),
        ("", "file"),
        ("/", "file"),
        ("a\x00b\nc.jpg", "abc.jpg"),
        ("gpj\u202egpj.exe", "gpjgpj.exe"),
        ("A\u0309nh.jpg", "\u1ea2nh.jpg"),
        ("con.txt", "_con.txt"),
        ("NUL", "_NUL"),
        ('a<b>:"|?*.jpg', "a_b______.jpg"),
        (" .hidden. ", "hidden"),
        ("\ud800x", "x"),
    ],
)
def test_safe_name__hostile_names(name, safe):
    assert safe_name(name) == safe


def test_safe_name__is_limited_in_bytes_and_keeps_the_ending():
    for name in ("ả" * 400 + ".jpeg", "x" * 400, "x." + "y" * 400, "ả" * 400):
        found = safe_name(name)
        assert 1 <= len(found.encode()) <= LONGEST
        assert safe_name(found) == found
    assert safe_name("ả" * 400 + ".jpeg").endswith("ả.jpeg")


def test_place_of__uid_from_outside_stays_in_its_folder():
    for uid in ("../../x", "", "a/b", "x" * 300, "\ud800"):
        place = place_of(7, uid, "../f")
        assert place.count("/") == 1
        assert place.startswith("7/")
        assert ".." not in place
    with pytest.raises(ValueError, match="invalid literal"):
        place_of("../7", "a", "f")


def test_download_attachments__all_files_privately_with_a_manifest(tmp_path, three):
    sandbox, client, held = three
    seen = []
    folder = tmp_path / "files"
    report = download_attachments(
        client, rows_of(client), folder, progress=lambda done, of: seen.append((done, of))
    )
    report.raise_for_failures()
    assert len(report.fetched) == 6
    assert seen == [(number, 6) for number in range(1, 7)]
    for entry in read_manifest(folder):
        data = (folder / entry.file).read_bytes()
        assert data == held[entry.row_id, entry.name]
        assert entry.file == f"{entry.row_id}/{entry.uid}-{entry.name}"
        assert (entry.bytes, entry.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert entry.fetched_at.endswith("+00:00")
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert verify_attachments(folder) == ()
    assert sandbox.token not in (folder / "manifest.jsonl").read_text()


def test_download_attachments__keeps_what_is_whole_and_mends_the_rest(tmp_path, three):
    sandbox, client, _ = three
    rows = rows_of(client)
    first = download_attachments(client, rows, tmp_path)
    damaged, missing, *whole = first.fetched
    path = tmp_path / damaged.file
    path.write_bytes(b"x" + path.read_bytes()[1:])
    (tmp_path / missing.file).unlink()
    assert {(s.file, s.state) for s in verify_attachments(tmp_path)} == {
        (damaged.file, "damaged"),
        (missing.file, "missing"),
    }
    by_length = download_attachments(client, [], tmp_path, rehash=False)
    assert by_length.fetched == ()
    asked = len(sandbox.requests)
    again = download_attachments(client, rows, tmp_path)
    assert {entry.file for entry in again.fetched} == {damaged.file, missing.file}
    assert set(again.kept) == set(whole)
    assert len(sandbox.requests) - asked == 2
    assert verify_attachments(tmp_path) == ()
    assert len(read_manifest(tmp_path)) == 6


def test_download_attachments__only_what_is_selected(tmp_path, three):
    _, client, _ = three
    report = download_attachments(
        client, rows_of(client), tmp_path, select=lambda one: one.name == "audit.csv"
    )
    assert {entry.name for entry in report.fetched} == {"audit.csv"}
    assert seconds_of_rows(tmp_path).questions["seconds"].tolist() == [3.0] * 3


def test_download_attachments__deleted_is_listed_and_not_asked_for(tmp_path, three):
    sandbox, client, _ = three
    gone = list_attachments(rows_of(client))[0]
    sandbox.remove_file(UID, gone.row_id, gone.uid)
    report = download_attachments(client, rows_of(client), tmp_path)
    assert [one.uid for one in report.deleted] == [gone.uid]
    assert len(report.fetched) == 5
    assert not any(gone.uid in request.path for request in sandbox.requests)


def test_download_attachments__one_failure_does_not_cost_the_others(tmp_path, three):
    sandbox, client, _ = three
    rows = rows_of(client)
    bad = list_attachments(rows)[2]
    sandbox.fail(status=403, path_contains=bad.uid, times=99)
    rows[0]["_attachments"].append({"uid": "noaddress"})
    report = download_attachments(client, rows, tmp_path)
    assert {one.uid for one in report.failed} == {bad.uid, "noaddress"}
    assert len(report.fetched) == 5
    with pytest.raises(KoboError, match="2 attachments did not come") as caught:
        report.raise_for_failures()
    assert bad.uid in caught.value.found
    assert "status 403" in caught.value.found


def test_download_attachments__gives_up_when_nothing_comes(tmp_path):
    with Sandbox([asset(10)]) as sandbox:
        filled(sandbox, 10)
        with KoboClient(sandbox.url, sandbox.token, retries=0) as client:
            rows = rows_of(client)
            sandbox.fail(status=401, path_contains="attachments", times=99)
            report = download_attachments(client, rows, tmp_path)
            asked = [request for request in sandbox.requests if "attachments" in request.path]
    assert len(asked) == 5
    assert len(report.failed) == 20
    assert "not tried" in report.failed[-1].reason
    with pytest.raises(KoboError, match="20 attachments") as caught:
        report.raise_for_failures()
    assert "and 10 more" in caught.value.found


def test_download_attachments__folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="folder of attachments"):
        download_attachments(KoboSession("https://kobo.example.org", "t"), [], tmp_path / "file")


def test_remove_attachments__erases_files_begun_ones_and_lines(tmp_path, three):
    _, client, _ = three
    download_attachments(client, rows_of(client), tmp_path)
    (tmp_path / "2" / "att9-x.jpg.part").write_bytes(b"begun")
    (tmp_path / "2" / "att9-x.jpg.part.json").write_text("{}")
    assert remove_attachments(tmp_path, [2, 99]) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "3", "manifest.jsonl"]
    assert {entry.row_id for entry in read_manifest(tmp_path)} == {1, 3}
    assert '"row_id": 2' not in (tmp_path / "manifest.jsonl").read_text()
    assert verify_attachments(tmp_path) == ()
    assert remove_attachments(tmp_path, [2]) == 0
    assert remove_attachments(tmp_path / "none", [1]) == 0


def test_verify_attachments__names_files_that_no_line_knows(tmp_path, three):
    _, client, _ = three
    download_attachments(client, rows_of(client), tmp_path)
    (tmp_path / "1" / "attX-y.jpg").write_bytes(b"")
    (state,) = verify_attachments(tmp_path)
    assert (state.row_id, state.uid, state.state) == (1, "attX", "unlisted")


def test_read_manifest__torn_last_line_is_left_out_and_others_are_told(tmp_path, three):
    _, client, _ = three
    rows = rows_of(client)
    download_attachments(client, rows, tmp_path)
    manifest = tmp_path / "manifest.jsonl"
    whole = manifest.read_bytes()
    manifest.write_bytes(whole[:-20])
    assert len(read_manifest(tmp_path)) == 5
    assert len(download_attachments(client, rows, tmp_path).fetched) == 1
    assert len(read_manifest(tmp_path)) == 6
    manifest.write_bytes(whole[:-20])
    (tmp_path / read_manifest(tmp_path)[0].file).unlink()

    def kill(done, of):
        raise KilledError

    with pytest.raises(KilledError):
        download_attachments(client, rows, tmp_path, progress=kill)
    assert len(read_manifest(tmp_path)) == 5
    manifest.write_bytes(b"{\n" + whole)
    with pytest.raises(StoreError, match="damaged") as caught:
        read_manifest(tmp_path)
    assert "line 1" in caught.value.where


def test_read_manifest__line_that_points_elsewhere_is_not_believed(tmp_path, three):
    _, client, _ = three
    download_attachments(client, rows_of(client), tmp_path)
    manifest = tmp_path / "manifest.jsonl"
    line, *others = manifest.read_text().splitlines()
    changed = {**json.loads(line), "file": "../../secret"}
    manifest.write_text("\n".join([json.dumps(changed), *others]) + "\n")
    assert len(read_manifest(tmp_path)) == 5


class KilledError(Exception):
    """Stands for a process that ends in the middle."""


@pytest.mark.parametrize("file_store", [False, True], ids=["server", "store"])
def test_download_attachments__through_drops_and_a_kill_nothing_comes_twice(tmp_path, file_store):
    part = "X-Amz" if file_store else "attachments"
    with Sandbox([asset(30)], file_store=file_store) as sandbox:
        held = filled(sandbox, 30)
        quiet = {"sleep": lambda seconds: None}
        with KoboClient(sandbox.url, sandbox.token, **quiet) as client:
            rows = rows_of(client)
        sandbox.fail("drop", every=7, times=99, path_contains=part)
        sandbox.fail("truncate", every=3, times=99, path_contains=part)
        sandbox.fail("status", status=503, every=11, times=99, path_contains=part)

        def kill(done, of):
            if done == 23:
                raise KilledError

        with KoboSession(sandbox.url, sandbox.token, **quiet) as before:
            with pytest.raises(KilledError):
                download_attachments(before, rows, tmp_path, progress=kill)
            # Killed in the middle of a file too.
            one = list_attachments(rows)[23]
            target = tmp_path / place_of(one.row_id, one.uid, one.name)
            sandbox.heal()
            sandbox.fail("truncate", at=20_000, path_contains=part)
            with pytest.raises(KilledError):
                before.download(one.path, target, progress=lambda done, of: kill(23, of))
        assert len(read_manifest(tmp_path)) == 23
        begun = target.with_name(target.name + ".part").stat().st_size
        assert 0 < begun < len(held[one.row_id, one.name])
        until = len(sandbox.requests)
        sandbox.fail("truncate", every=3, times=99, path_contains=part)
        with KoboSession(sandbox.url, sandbox.token, **quiet) as after:
            report = download_attachments(after, rows, tmp_path)
        report.raise_for_failures()
        asked = [r for r in sandbox.requests[until:] if part in r.path]
    assert (len(report.kept), len(report.fetched)) == (23, 37)
    for entry in read_manifest(tmp_path):
        assert (tmp_path / entry.file).read_bytes() == held[entry.row_id, entry.name]
    assert verify_attachments(tmp_path) == ()
    assert asked[0].range == f"bytes={begun}-"
    assert sum(bool(request.range) for request in asked) >= 10
    # Whatever came was written, and what was written was never asked for again.
    bodies_of_503 = before.bytes + after.bytes - sum(map(len, held.values()))
    assert 0 <= bodies_of_503 < 5_000
    assert not list(tmp_path.rglob("*.part*"))
