"""Upkeep of a store: older layouts, damage, export, erasing, folders and disks that cannot be written."""

import json
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from kobo_fakes import SERVER, UID, FakeServer

from survey_tools.errors import StoreError
from survey_tools.kobo import PullReport, Store
from survey_tools.kobo.signature import proof_of
from survey_tools.kobo.store.layout import LAYOUT

LAYOUT_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (
    _id INTEGER NOT NULL, uuid TEXT NOT NULL, signature TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('live', 'superseded', 'deleted')),
    first_seen TEXT NOT NULL, last_seen TEXT NOT NULL, doc TEXT NOT NULL,
    PRIMARY KEY (_id, uuid, signature)
);
CREATE UNIQUE INDEX rows_current ON rows (_id) WHERE status <> 'superseded';
CREATE TABLE events (
    pull INTEGER NOT NULL REFERENCES pulls (pull), at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('new', 'edited', 'deleted', 'restored')),
    _id INTEGER NOT NULL, uuid TEXT NOT NULL, signature TEXT NOT NULL
);
CREATE INDEX events_of_row ON events (_id);
CREATE TABLE versions (uid TEXT PRIMARY KEY, date_deployed TEXT NOT NULL, content TEXT NOT NULL);
CREATE TABLE pulls (
    pull INTEGER PRIMARY KEY AUTOINCREMENT, complete INTEGER NOT NULL DEFAULT 0, report TEXT NOT NULL
);
PRAGMA user_version = 1;
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pilot.sqlite"


@pytest.fixture
def filled(path, pilot_rows):
    """A store after a pull of 55 rows."""
    server = FakeServer(pilot_rows)
    with opened(path) as store, server.client() as client:
        client.sync(UID, store)
    return path


def opened(path, **options):
    return Store.open(path, **{"server": SERVER, "asset": UID, **options})


def old_signature(row):
    """Sign as layout 1 did: without attachments."""
    from survey_tools.kobo.signature import signature_of

    return signature_of({**row, "_attachments": []})


def write_layout_1(path, rows):
    """Write a store as releases of layout 1 left it."""
    signed = [(row["_id"], old_signature(row)) for row in rows]
    report = {"form": UID, "server": SERVER, "started": "a", "finished": "b", "complete": True}
    report |= {"rows": len(rows), "proof": proof_of(signed)}
    with sqlite3.connect(path) as db:
        db.executescript(LAYOUT_1)
        db.executemany("INSERT INTO meta VALUES (?, ?)", [("server", SERVER), ("asset", UID)])
        db.execute("INSERT INTO pulls (complete, report) VALUES (1, ?)", (json.dumps(report),))
        for row, (row_id, signature) in zip(rows, signed, strict=True):
            key = (row_id, row["_uuid"], signature)
            doc = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
            db.execute("INSERT INTO rows VALUES (?, ?, ?, 'live', 'a', 'a', ?)", (*key, doc))
            db.execute("INSERT INTO events VALUES (1, 'a', 'new', ?, ?, ?)", key)
    db.close()


def test_open__older_layout_is_brought_up_to_date_and_loses_nothing(path, pilot_rows):
    write_layout_1(path, pilot_rows)
    with opened(path) as store:
        assert list(store.rows()) == pilot_rows
        assert store.check() == []
        assert store.last_pull().proof == store.proof()
        assert [event["kind"] for event in store.history(4)] == ["new"]  # a row with a file
        assert store._db.execute("PRAGMA user_version").fetchone()[0] == LAYOUT
    with opened(path) as store, FakeServer(pilot_rows).client() as client:
        report = client.sync(UID, store)
    assert (report.new, report.edited, report.unchanged) == (0, 0, 55)


def test_open__update_of_the_layout_that_breaks_off_leaves_the_old_one(
    path, pilot_rows, monkeypatch
):
    from survey_tools.kobo.store import layout

    write_layout_1(path, pilot_rows)
    before = path.read_bytes()

    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(layout, "_sign_pulls_again", broken)
    with pytest.raises(KeyboardInterrupt):
        opened(path)
    monkeypatch.undo()
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone()[0] == 1
    assert len(path.read_bytes()) == len(before)
    with opened(path) as store:
        assert store.check() == []


def test_read__older_layout_can_be_read(path, pilot_rows):
    write_layout_1(path, pilot_rows)
    with Store.read(path) as store:
        assert list(store.rows()) == pilot_rows


def test_check__sound_store_has_no_complaints(filled):
    with Store.read(filled) as store:
        assert store.check() == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("UPDATE rows SET doc = replace(doc, 'chuyenmy', 'phuxuyen') WHERE _id = 4", "text is not"),
        ("UPDATE rows SET signature = 'x' WHERE _id = 9", "proof"),
        ("UPDATE rows SET status = 'deleted' WHERE _id = 9", "proof"),
        ("DELETE FROM rows WHERE _id = 9", "events of rows that are not there"),
    ],
)
def test_check__change_that_sqlite_does_not_see_is_found(filled, change, complaint):
    with sqlite3.connect(filled) as db:
        assert db.execute(change).rowcount == 1
    db.close()
    with Store.read(filled) as store:
        assert any(complaint in line for line in store.check())


def test_check__names_the_rows(filled):
    with sqlite3.connect(filled) as db:
        db.execute("UPDATE rows SET doc = doc || ' ' WHERE _id < 20")
    db.close()
    with Store.read(filled) as store:
        assert "1, 2, 3" in store.check()[0]
        assert "19 in all" in store.check()[0]


def test_export__lines_are_the_servers_rows(filled, tmp_path, pilot_rows):
    target = tmp_path / "rows.jsonl"
    with Store.read(filled) as store:
        assert store.export(target) == 55
    assert [json.loads(line) for line in target.read_text().splitlines()] == pilot_rows
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.glob("rows*")] == ["rows.jsonl"]


def test_export__every_version_tells_its_state(filled, tmp_path, pilot_rows):
    server = FakeServer(pilot_rows)
    server.edit(3, **{"hh/income": "1"})
    del server.rows[5]
    with opened(filled) as store, server.client() as client:
        client.sync(UID, store)
        assert store.export(tmp_path / "all.jsonl", every_version=True) == 56
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [one["status"] for one in lines if one["row"]["_id"] == 3] == ["superseded", "live"]
    assert [one["status"] for one in lines if one["row"]["_id"] == 5] == ["deleted"]


def test_export__into_a_folder_that_is_not_there(filled, tmp_path):
    with (
        Store.read(filled) as store,
        pytest.raises(StoreError, match="cannot be written there"),
    ):
        store.export(tmp_path / "nowhere" / "rows.jsonl")


def test_find__looks_in_every_version(filled, pilot_rows):
    server = FakeServer(pilot_rows)
    server.edit(4, **{"loc/commune": "elsewhere"})
    with opened(filled) as store, server.client() as client:
        client.sync(UID, store)
        assert 4 in store.find("loc/commune", "chuyenmy")
        assert store.find("loc/commune", "elsewhere") == [4]
        assert store.find('"; DROP TABLE rows', "x") == []


def test_erase__leaves_no_byte_of_any_version(filled, pilot_rows):
    server = FakeServer(pilot_rows)
    server.edit(4, **{"loc/hamlet": "Thôn Bí Mật"})
    with opened(filled) as store, server.client() as client:
        client.sync(UID, store)
        first, second = (event["uuid"] for event in store.history(4))
        assert store.erase(store.find("loc/hamlet", "Thôn Bí Mật")) == 1
        assert store.history(4) == []
        left = b"".join(one.read_bytes() for one in filled.parent.iterdir())
        assert store.check() == []
    for trace in (first, second, "Thôn Bí Mật", pilot_rows[3]["meta/instanceID"]):
        assert trace.encode() not in left
    assert pilot_rows[4]["meta/instanceID"].encode() in left


def test_erase__is_refused_while_a_sync_runs(filled):
    with (
        opened(filled) as one,
        opened(filled) as other,
        one.exclusive(),
        pytest.raises(StoreError, match="Another sync"),
    ):
        other.erase([4])


def test_erase__says_so_where_a_reader_keeps_old_pages(filled):
    with opened(filled) as store, sqlite3.connect(filled) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM rows").fetchone()
        store._db.execute("PRAGMA busy_timeout = 50")
        with pytest.raises(StoreError, match=r"traces|Another program"):
            store.erase([4])
    reader.close()


def test_read__store_in_a_folder_that_cannot_be_written(filled):
    code = (
        "import os, sys; from survey_tools.kobo import Store\n"
        "if os.geteuid() == 0: os.setuid(65534)  # rights do not bind root\n"
        "with Store.read(sys.argv[1]) as store: print(store.count(), store.check())\n"
        "from survey_tools.errors import StoreError\n"
        f"try: Store.open(sys.argv[1], server={SERVER!r}, asset={UID!r})\n"
        "except StoreError as error: print(error)"
    )
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to other users
        store = Path(shutil.copy(filled, name))
        store.chmod(0o444)
        Path(name).chmod(0o555)
        done = as_self(code, str(store))
        Path(name).chmod(0o700)
    assert done.stdout.startswith("55 []\n"), done.stderr
    assert "cannot be opened or written" in done.stdout
    assert "readonly" in done.stdout or "Permission denied" in done.stdout


def test_sync__file_that_cannot_grow_is_told_and_the_store_stays_sound(path, pilot_rows):
    code = (
        "import resource, signal, sys\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from kobo_fakes import *; from survey_tools.errors import StoreError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "rows = recorded('pilot/18_data_mixed_versions.json')['results']\n"
        "server = FakeServer(rows, max_page=5)\n"
        "with Store.open(sys.argv[1], server=SERVER, asset=UID) as store, server.client() as client:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))\n"
        "    try: client.sync(UID, store)\n"
        "    except StoreError as error: print(error)\n"
    )
    done = as_self(code, str(path), str(Path(__file__).parent))
    assert "cannot be written: the disk is full or failing" in done.stdout, done.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 150_000
    with opened(path) as store, FakeServer(pilot_rows).client() as client:
        assert store.count() < 55
        assert client.sync(UID, store).rows == 55
        assert store.check() == []


def as_self(code, *arguments):
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_pull_report__fields_of_older_releases_are_read(path):
    with opened(path) as store:
        pull = store.begin_pull(PullReport(form=UID, server=SERVER, started="a"))
        old = {"form": UID, "server": SERVER, "started": "a", "complete": True, "proof": "x"}
        store._db.execute(
            "UPDATE pulls SET complete = 1, report = ? WHERE pull = ?", (json.dumps(old), pull)
        )
        assert store.last_pull().erased == 0


CHILD = (
    "import sys; from survey_tools.kobo import Store\n"
    f"Store.open(sys.argv[1], server={SERVER!r}, asset={UID!r}).close()"
)


def test_open__twice_in_one_process_keeps_its_locks(path):
    first = opened(path)
    second = opened(path)
    pull = second.begin_pull(PullReport(form=UID, server=SERVER, started="a"))
    assert as_self(CHILD, str(path)).returncode == 0  # must not think that it is the last to leave
    second.add_rows(pull, [("s", {"_id": n, "_uuid": f"u{n}"}) for n in range(50)])
    assert as_self(CHILD, str(path)).returncode == 0
    with sqlite3.connect(path) as onlooker:
        assert onlooker.execute("SELECT count(*) FROM rows").fetchone() == (50,)
    onlooker.close()
    first.close()
    second.close()
    with Store.read(path) as store:
        assert store.count() == 50


def test_exclusive__refused_attempt_does_not_free_the_lock(filled):
    code = (
        "import sys; from pathlib import Path\n"
        "from survey_tools.kobo.store.file import exclusive\n"
        "with exclusive(Path(sys.argv[1])): print('held')"
    )
    link = filled.with_name("link.sqlite")
    link.symlink_to(filled)
    with opened(filled) as store, opened(filled) as other, store.exclusive():
        with pytest.raises(StoreError, match="Another sync"), other.exclusive():
            pass
        for name in (filled, link):
            assert "Another sync" in as_self(code, str(name)).stderr
    assert as_self(code, str(filled)).stdout == "held\n"


@pytest.mark.parametrize("version", [0, 99])
def test_open__what_is_refused_is_left_as_it_was(path, version):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE other (x)")
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
    path.chmod(0o640)
    before = path.read_bytes()
    with pytest.raises(StoreError):
        opened(path)
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_store__closed_or_in_another_thread_is_not_called_damaged(filled):
    store = Store.read(filled)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.count()


def test_check__older_layout_is_named(path, pilot_rows):
    write_layout_1(path, pilot_rows)
    with Store.read(path) as store:
        assert "older release" in store.check()[0]
        assert store.erased() == set()


def test_erase__that_a_reader_kept_from_its_end_is_finished_by_the_next_opening(filled, pilot_rows):
    trace = pilot_rows[3]["meta/instanceID"].encode()
    with opened(filled) as store, sqlite3.connect(filled) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM rows").fetchone()
        store._db.execute("PRAGMA busy_timeout = 50")
        with pytest.raises(StoreError):
            store.erase([4])
        assert any("erased" in line for line in store.check())
        reader.execute("COMMIT")
    reader.close()
    with opened(filled) as store:
        assert store.check() == []
        left = b"".join(one.read_bytes() for one in filled.parent.iterdir())
    assert trace not in left


def test_find__is_not_stopped_by_what_sqlite_takes_for_no_json(filled):
    with opened(filled) as store:
        odd = {"_id": 900, "_uuid": "u", "x": float("inf"), "y": "\ud800", "name": "Đào"}
        store.add_rows(
            store.begin_pull(PullReport(form=UID, server=SERVER, started="a")), [("s", odd)]
        )
        assert store.find("name", "Đào") == [900]
        assert next(row for row in store.rows() if row["_id"] == 900) == odd
