"""Files that come with a pull: the wanted ones, once, again only where something changed."""

from __future__ import annotations

import stat

import pytest

from survey_tools.errors import KoboError
from survey_tools.kobo.files.manifest import read_manifest
from survey_tools.kobo.sandbox import Sandbox
from survey_tools.params import open_workspace
from survey_tools.run import Server, pull_all, pull_files, pull_summary
from tests_support import copy_workspace

LOG = b"event,node,start,end\nquestion,/data/hh/age,1788000000000,1788000003000\n"
VERSION = {"uid": "v1", "date_deployed": "2026-01-01T00:00:00Z", "content": {"survey": []}}


def asset(uid):
    rows = [{"_id": number} for number in range(1, 4)]
    return {"uid": uid, "name": uid, "owner": "o", "versions": [VERSION], "submissions": rows}


@pytest.fixture
def ws(tmp_path):
    return open_workspace(copy_workspace(tmp_path) / "params" / "study.yml")


@pytest.fixture
def sandbox(ws):
    """A server with the three forms; the household rows 1 and 2 carry an audit log and a photo."""
    with Sandbox([asset(form.uid) for form in ws.study.forms.values()]) as server:
        for number in (1, 2):
            attach(server, ws, number)
        yield server


def attach(server, ws, number):
    uid = ws.study.forms["household"].uid
    server.attach(uid, number, "audit.csv", LOG, question="audit")
    server.attach(uid, number, "anh.jpg", b"x" * 99, question="photo")


def pull(ws, sandbox):
    return pull_all(ws, Server(sandbox.url, sandbox.token)).set_index("form")


def wants(ws, files):
    server = ws.study.server.model_copy(update={"files": files})
    study = ws.study.model_copy(update={"server": server})
    return type(ws)(ws.root, ws.study_path, study)


def held(ws):
    return [(e.row_id, e.name) for e in read_manifest(ws.attachments("household"))]


def asked_for_files(sandbox):
    return [r for r in sandbox.requests if "/attachments/" in r.path]


def test_pull_all__fetches_audit_logs_and_no_photo(ws, sandbox):
    pulls = pull(ws, sandbox)
    assert pulls["files_new"].to_dict() == {"household": 2, "team_log": 0, "site": 0}
    assert held(ws) == [(1, "audit.csv"), (2, "audit.csv")]
    assert "2 files came" in pull_summary(pulls.reset_index())


def test_pull_all__files_are_private(ws, sandbox):
    pull(ws, sandbox)
    files = [p for p in ws.attachments("household").rglob("*") if p.is_file()]
    assert len(files) == 4
    assert {stat.S_IMODE(p.stat().st_mode) for p in files} == {0o600}


def test_pull_all__a_form_without_files_gets_no_folder(ws, sandbox):
    pull(ws, sandbox)
    assert not ws.attachments("site").exists()


def test_pull_all__a_second_pull_asks_for_no_file(ws, sandbox):
    pull(ws, sandbox)
    before = len(asked_for_files(sandbox))
    assert pull(ws, sandbox)["files_new"].sum() == 0
    assert len(asked_for_files(sandbox)) == before == 2


def test_pull_all__a_file_that_comes_later_is_fetched_alone(ws, sandbox):
    pull(ws, sandbox)
    attach(sandbox, ws, 3)
    assert pull(ws, sandbox)["files_new"]["household"] == 1
    assert held(ws)[-1] == (3, "audit.csv")


def test_pull_all__a_file_that_fails_stops_nothing_and_is_tried_again(ws, sandbox):
    sandbox.fail("status", status=404, times=1, path_contains="attachments")
    pulls = pull(ws, sandbox)
    assert pulls.loc["household", ["files_new", "files_failed"]].tolist() == [1, 1]
    assert pulls["complete"].all()
    assert "1 files did not come" in pull_summary(pulls.reset_index())
    assert pull(ws, sandbox)["files_new"]["household"] == 1
    assert len(held(ws)) == 2


@pytest.mark.parametrize(("files", "expected"), [("none", 0), ("audit", 2), ("all", 4)])
def test_pull_all__what_the_study_file_wants(ws, sandbox, files, expected):
    assert pull(wants(ws, files), sandbox)["files_new"]["household"] == expected


def test_pull_all__a_wider_wish_fetches_what_lacks(ws, sandbox):
    pull(ws, sandbox)
    assert pull(wants(ws, "all"), sandbox)["files_new"]["household"] == 2
    assert pull(ws, sandbox)["files_new"]["household"] == 0


def test_pull_files__all_of_them_and_an_error_where_one_lacks(ws, sandbox):
    pull(wants(ws, "none"), sandbox)
    server = Server(sandbox.url, sandbox.token)
    sandbox.fail("status", status=404, times=1, path_contains="attachments")
    with pytest.raises(KoboError, match="1 attachments did not come"):
        pull_files(ws, server)
    counts = pull_files(ws, server).set_index("form")
    assert counts.loc["household", ["fetched", "kept"]].tolist() == [1, 3]
