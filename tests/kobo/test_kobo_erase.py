"""Erasing from a store and from the sandbox's folder: whole rows, and a text in the rows that stay."""

import json
import sqlite3

import pytest
from kobo_fakes import SERVER, UID, FakeServer

from survey_tools.errors import KoboError, StoreError
from survey_tools.kobo import Store
from survey_tools.kobo.sandbox import Sandbox, erase_from_sandbox, load_sandbox, write_sandbox
from survey_tools.kobo.signature import signature_of

SECRET = "10291-T03-H024-3"


@pytest.fixture
def store(tmp_path, pilot_rows):
    """A store after two pulls: row 5 named the secret before it was edited, row 6 names it now."""
    server = FakeServer(pilot_rows)
    server.edit(5, **{"loc/hamlet": f"see {SECRET}"})
    with Store.open(tmp_path / "pilot.sqlite", server=SERVER, asset=UID) as store:
        with server.client() as client:
            client.sync(UID, store)
            server.edit(5, **{"loc/hamlet": "nothing to see"})
            server.edit(6, **{"loc/hamlet": f"see {SECRET.lower()}", "note": "Đào"})
            client.sync(UID, store)
        store.fake = server
        yield store


def _bytes(store):
    return b"".join(one.read_bytes() for one in store.path.parent.iterdir()).lower()


def test_documents__are_all_versions_and_say_which_is_the_newest(store):
    documents = list(store.documents())
    assert [newest for row_id, newest, _ in documents if row_id == 5] == [False, True]
    assert {row_id for row_id, _, _ in documents} == set(store.signatures())
    newest = {row_id: json.loads(doc) for row_id, newest, doc in documents if newest}
    assert newest == {row["_id"]: row for row in store.rows()}


def test_erase__a_text_goes_and_nothing_else_of_the_rows_that_stay(store):
    before = {row["_id"]: row for row in store.rows()}
    proof = store.proof()
    assert SECRET.lower().encode() in _bytes(store)
    assert store.erase([], text=SECRET) == 0
    assert SECRET.lower().encode() not in _bytes(store)
    after = {row["_id"]: row for row in store.rows()}
    assert after[6] == before[6] | {"loc/hamlet": "see [erased]"}
    assert {k: v for k, v in after.items() if k != 6} == {k: v for k, v in before.items() if k != 6}
    assert store.proof() == proof
    assert store.check() == []
    assert [event["kind"] for event in store.history(5)] == ["edited"]


def test_erase__a_text_stays_away_until_its_row_is_edited_on_the_server(store):
    store.erase([], text=SECRET)
    with store.fake.client() as client:
        assert client.sync(UID, store).edited == 0
        assert SECRET.lower().encode() not in _bytes(store)
        store.fake.edit(6, note="another one")
        assert client.sync(UID, store).edited == 1
    assert SECRET.lower().encode() in _bytes(store)


def test_erase__rows_and_text_at_once(store):
    assert store.erase([7, 8], text=SECRET) == 2
    assert store.erased() == {7, 8}
    assert SECRET.lower().encode() not in _bytes(store)
    assert store.check() == []


def test_refuse_readers__only_while_somebody_reads(store):
    store.refuse_readers()
    reader = sqlite3.connect(store.path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM rows").fetchone()
    store._db.execute("PRAGMA busy_timeout = 50")
    with pytest.raises(StoreError, match="in use"):
        store.refuse_readers()
    reader.close()
    store.refuse_readers()
    assert store.check() == []


# ---------------------------------------------------------------- the folder of the sandbox


@pytest.fixture
def folder(tmp_path):
    """Three rows, two of them with a file."""
    content = {"survey": [], "choices": []}
    versions = [{"uid": "v1", "date_deployed": "2026-01-01T00:00:00Z", "content": content}]
    rows = [{"_id": i, "_uuid": f"u{i}", "_attachments": [], "q": SECRET} for i in (1, 2, 3)]
    files = [{"row_id": i, "name": "a.csv", "data": f"log of {i}".encode()} for i in (1, 2)]
    asset = {"uid": "aOne", "name": "One", "owner": "owner", "versions": versions}
    other = asset | {"uid": "aTwo", "submissions": [{"_id": 1, "_uuid": "x1", "_attachments": []}]}
    return write_sandbox(
        tmp_path / "sandbox", [asset | {"submissions": rows, "files": files}, other]
    )


def _files(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_erase_from_sandbox__takes_rows_with_their_files(folder):
    before = _files(folder)
    assert erase_from_sandbox(folder, {"aOne": [1, 99]}) == {"aOne": 1, "aTwo": 0}
    after = _files(folder)
    assert len(after) == len(before) - 1
    assert not [
        name for name, content in after.items() if b"u1" in content or b"log of 1" in content
    ]
    assert after["aTwo/submissions.jsonl"] == before["aTwo/submissions.jsonl"]
    one, two = load_sandbox(folder)
    assert [one.rows.row(i)["_id"] for i in one.rows.select({})] == [2, 3]
    assert [file.read() for file in one.files.values()] == [b"log of 2"]
    assert len(two.rows) == 1
    with Sandbox(folder) as sandbox:
        assert len(sandbox.assets["aOne"].rows) == 2


def test_erase_from_sandbox__a_text_and_what_a_killed_write_left(folder):
    (folder / "aOne" / "submissions.jsonlab12cd34").write_text(SECRET)
    (folder / "sandbox.jsonab12cd34").write_text("u1")
    erase_from_sandbox(folder, {"aOne": [1]}, text=SECRET.lower(), mark="[gone]")
    after = _files(folder)
    assert not [name for name, content in after.items() if SECRET.encode() in content]
    assert after["aOne/submissions.jsonl"].count(b"[gone]") == 2
    assert sorted(p.name for p in folder.iterdir()) == ["aOne", "aTwo", "sandbox.json"]


def test_erase_from_sandbox__again_after_it_broke_off(folder, monkeypatch):
    from survey_tools.kobo.sandbox import storage

    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "_write_rows", broken)
    with pytest.raises(KeyboardInterrupt):
        erase_from_sandbox(folder, {"aOne": [1]})
    monkeypatch.undo()
    assert len(load_sandbox(folder)[0].rows) == 3  # what is left can be served
    assert erase_from_sandbox(folder, {"aOne": [1]}) == {"aOne": 1, "aTwo": 0}
    assert not [
        n for n, content in _files(folder).items() if b"u1" in content or b"log of 1" in content
    ]


def test_erase_from_sandbox__no_sandbox(tmp_path):
    with pytest.raises(KoboError, match="holds no sandbox"):
        erase_from_sandbox(tmp_path, {})


def test_signature__does_not_rest_on_answers():
    """So that a text taken out of an answer does not make the row look edited."""
    assert signature_of({"_uuid": "a", "q": SECRET}) == signature_of(
        {"_uuid": "a", "q": "[erased]"}
    )
