import os
import signal
import sqlite3
import stat
import subprocess
import sys

import pytest
from kobo_fakes import SERVER, UID

from survey_tools.errors import StoreError
from survey_tools.kobo import PullReport, Store

REPORT = PullReport(form=UID, server=SERVER, started="2026-01-01T00:00:00.000Z")


def row(row_id, **answers):
    return {"_id": row_id, "_uuid": f"u{row_id}", **answers}


def opened(path, **options):
    return Store.open(path, **{"server": SERVER, "asset": UID, **options})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "pilot.sqlite"


def test_open__made_private_and_remembers_its_owner(path):
    with opened(path) as store:
        assert (store.server, store.asset) == (SERVER, UID)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_open__loose_mode_is_tightened(path):
    opened(path).close()
    path.chmod(0o644)
    opened(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_open__spelling_of_the_server_does_not_matter(path):
    opened(path).close()
    opened(path, server="HTTPS://KOBO.example.org:443/").close()


@pytest.mark.parametrize("other", [{"server": "https://kf.kobotoolbox.org"}, {"asset": "aOther"}])
def test_open__of_another_owner_is_refused(path, other):
    opened(path).close()
    with pytest.raises(StoreError, match="another form or server"):
        opened(path, **other)


def test_open__missing_and_not_to_be_made(path):
    with pytest.raises(StoreError, match="no store"):
        opened(path, create=False)


def test_open__newer_layout_is_refused(path):
    opened(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    for open_it in (opened, Store.read):
        with pytest.raises(StoreError, match="newer release"):
            open_it(path)


def test_open__another_programs_database_is_refused(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (x)")
    for open_it in (opened, Store.read):
        with pytest.raises(StoreError, match="no store"):
            open_it(path)


@pytest.mark.parametrize("open_it", [opened, Store.read])
def test_open__file_that_is_no_database(path, open_it):
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(StoreError, match="damaged"):
        open_it(path)


def test_open__damaged_page_is_found(path):
    with opened(path) as store:
        pull = store.begin_pull(REPORT)
        store.add_rows(pull, [("s", row(n, text="x" * 3000)) for n in range(200)])
    data = bytearray(path.read_bytes())
    data[4096 * 20 : 4096 * 40] = os.urandom(4096 * 20)
    path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        Store.read(path)


def test_read__cannot_write(path):
    opened(path).close()
    with Store.read(path) as store, pytest.raises(StoreError):
        store.begin_pull(REPORT)


def test_add_rows__batch_is_kept_whole_or_not_at_all(path):
    with opened(path) as store:
        pull = store.begin_pull(REPORT)
        with pytest.raises(KeyError):
            store.add_rows(pull, [("s", row(1)), ("s", {"no id": 1})])
        assert store.count() == 0


def test_add_rows__full_disk_is_told_and_the_store_stays_sound(path):
    with opened(path) as store:
        pull = store.begin_pull(REPORT)
        store.add_rows(pull, [("s", row(1))])
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreError, match="disk is full"):
            store.add_rows(pull, [("s", row(n, text="x" * 5000)) for n in range(2, 50)])
        assert [found["_id"] for found in store.rows()] == [1]
    with Store.read(path) as store:
        assert store.count() == 1


def test_add_rows__text_comes_back_as_it_was(path):
    given = row(1, name="Nguyễn Thị Đào", code="007", nested=[{"a": [None, 1.5]}], empty={})
    with opened(path) as store:
        store.add_rows(store.begin_pull(REPORT), [("s", given)])
        assert list(store.rows()) == [given]


def test_pulls__one_that_broke_off_is_not_the_last(path):
    with opened(path) as store:
        done = PullReport(form=UID, server=SERVER, started="a", finished="b", complete=True)
        store.finish_pull(store.begin_pull(REPORT), done)
        store.begin_pull(REPORT)
        assert store.last_pull() == done
        assert [pull.complete for pull in store.pulls()] == [True, False]


def test_exclusive__freed_when_the_process_is_killed(path):
    opened(path).close()
    code = (
        "import sys, time; from survey_tools.kobo.store.file import exclusive; "
        "from pathlib import Path\n"
        "with exclusive(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"held\n"
        with opened(path) as store:
            with pytest.raises(StoreError, match="Another sync"), store.exclusive():
                pass
            child.send_signal(signal.SIGKILL)
            child.wait()
            with store.exclusive():
                pass
    finally:
        child.kill()
        child.stdout.close()
        child.wait()
