"""Edits, deletions and validation change what the real server changes and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from survey_tools.errors import KoboError
from survey_tools.kobo.sandbox import Sandbox

RECORDED = Path(__file__).parents[1] / "fixtures/kobo/recorded"
UID = "a7HrwyPd6X8BBYLptRxDkn"
DRAWN = {"_uuid", "meta/instanceID", "meta/deprecatedID"}


def _body(name):
    return json.loads((RECORDED / name).read_text())


@pytest.fixture
def sandbox():
    version = _body("pilot/16_version_vMc34ehTDTZh8bw4Mhq9XE.json")
    asset = {
        "uid": UID,
        "name": "Pilot",
        "owner": "surveyor",
        "versions": [{key: version[key] for key in ("uid", "date_deployed", "content")}],
        "submissions": _body("pilot/13_data_default.json")["results"],
        "partial_filter": {"loc/commune": "phuxuyen"},
    }
    with Sandbox([asset]) as running:
        yield running


def _call(sandbox, method, path, user="owner", **options):
    return httpx.request(
        method,
        f"{sandbox.url}/api/v2/assets/{UID}/{path}?format=json",
        headers={"Authorization": f"Token {sandbox.tokens[user]}"},
        **options,
    )


def _get(sandbox, path):
    return _call(sandbox, "GET", path).json()


def _answers(row, drop=DRAWN):
    return {key: value for key, value in row.items() if key not in drop}


def test_edit__as_recorded(sandbox):
    before, first, second = (
        _body(f"edit/{name}.json")
        for name in ("01_before", "03_after_openrosa_edit", "05_after_second_edit")
    )
    assert _get(sandbox, "data/10/") == before
    for previous, recorded in ((before, first), (first, second)):
        shown = _get(sandbox, "data/10/")
        changed = {k: v for k, v in _answers(recorded).items() if previous.get(k) != v}
        gone = dict.fromkeys(set(previous) - set(recorded))
        sandbox.edit(UID, 10, {**changed, **gone})
        after = _get(sandbox, "data/10/")
        assert set(after) == set(recorded)
        assert _answers(after) == _answers(recorded)
        assert after["meta/deprecatedID"] == shown["meta/instanceID"]
        assert after["meta/instanceID"] == f"uuid:{after['_uuid']}"
        assert after["_uuid"] != shown["_uuid"]


def test_edit__old_uuid_in_the_address_is_the_root_only(sandbox):
    root = _get(sandbox, "data/10/")["_uuid"]
    middle = sandbox.edit(UID, 10, {"hh/income": "1"})["_uuid"]
    last = sandbox.edit(UID, 10, {"hh/income": "2"})["_uuid"]
    statuses = [_call(sandbox, "GET", f"data/{key}/").status_code for key in (root, middle, last)]
    assert statuses == [200, 404, 200]


def test_edit__bulk_as_recorded(sandbox):
    body = {"payload": {"submission_ids": [11, 12], "data": {"hh/income": "12.34"}}}
    assert _get(sandbox, "data/11/") == _body("edit/06_before_bulk.json")
    answer = _call(sandbox, "PATCH", "data/bulk/", json=body).json()
    recorded = _body("edit/07_bulk_edit_response.json")
    for result in answer["results"] + recorded["results"]:
        result.pop("uuid")
    assert answer == recorded
    assert _answers(_get(sandbox, "data/11/")) == _answers(_body("edit/08_after_bulk.json"))


def test_validation_status__changes_that_field_only(sandbox):
    body = {"validation_status.uid": "validation_status_approved"}
    before = _get(sandbox, "data/13/")
    answer = _call(sandbox, "PATCH", "data/13/validation_status/", json=body).json()
    recorded = _body("edit/09_validation_patch.json")
    assert answer.pop("timestamp") > 0
    assert answer == {k: v for k, v in recorded.items() if k != "timestamp"}
    after = _get(sandbox, "data/13/")
    assert _answers(after, {"_validation_status"}) == _answers(before, {"_validation_status"})
    assert set(after) == set(_body("edit/10_after_validation.json"))
    query = 'query={"_validation_status.uid":"validation_status_approved"}'
    address = f"{sandbox.url}/api/v2/assets/{UID}/data/?{query}"
    found = httpx.get(address, headers={"Authorization": f"Token {sandbox.token}"}).json()
    assert [row["_id"] for row in found["results"]] == [13]
    assert _call(sandbox, "DELETE", "data/13/validation_status/").status_code == 204
    assert _get(sandbox, "data/13/") == before


def test_validation_status__for_several_and_by_name(sandbox):
    payload = {"submission_ids": [1, 2], "validation_status.uid": "validation_status_on_hold"}
    answer = _call(sandbox, "PATCH", "data/validation_statuses/", json={"payload": payload})
    assert answer.json() == {"detail": "2 submissions have been updated"}
    assert sandbox.set_status(UID, 3, "not_approved")["label"] == "Not approved"
    labels = [_get(sandbox, f"data/{i}/")["_validation_status"].get("label") for i in (1, 2, 3, 4)]
    assert labels == ["On hold", "On hold", "Not approved", None]
    with pytest.raises(KoboError, match="No such validation status"):
        sandbox.set_status(UID, 3, "fine")


def test_delete__as_recorded(sandbox):
    assert _get(sandbox, "data/20/") == _body("delete/01_before.json")
    first = _call(sandbox, "DELETE", "data/20/")
    assert (first.status_code, first.content) == (204, b"")
    again = _call(sandbox, "DELETE", "data/20/")
    assert (again.status_code, again.json()) == (404, {"detail": "Not found."})
    assert _get(sandbox, "data/20/") == _body("delete/03_get_after.json")
    body = {"payload": {"submission_ids": [21, 22]}}
    answer = _call(sandbox, "DELETE", "data/bulk/", json=body)
    assert answer.json() == _body("delete/05_bulk_delete.json")
    left = [row["_id"] for row in _get(sandbox, "data/")["results"]]
    assert left == [i for i in range(1, 51) if i not in (20, 21, 22)]
    assert _get(sandbox, "")["deployment__submission_count"] == 47


def test_add__id_is_never_used_again(sandbox):
    assert sandbox.delete(UID, [49, 50]) == 2
    row = sandbox.add(UID, {"loc/commune": "phuminh"})
    assert row["_id"] == 51
    assert _get(sandbox, "data/51/") == row
    recorded = set(_body("edit/06_before_bulk.json"))
    system = {key for key in recorded if key.startswith(("_", "meta/"))}
    assert set(row) == system | {"loc/commune"}
    assert row["__version__"] == "vMc34ehTDTZh8bw4Mhq9XE"


def test_add__of_an_id_that_became_visible_late_keeps_the_order(sandbox):
    sandbox.delete(UID, [7])
    sandbox.add(UID, {"_id": 7})
    assert [row["_id"] for row in _get(sandbox, "data/")["results"]] == list(range(1, 51))


def test_deploy__new_version_is_listed_first_and_given_to_new_rows(sandbox):
    old = _get(sandbox, "")["deployed_version_id"]
    sandbox.deploy(UID, "vNew", _body("instrument/site/version.json")["content"])
    assert sandbox.add(UID, {})["__version__"] == "vNew"
    versions = _get(sandbox, "versions/")["results"]
    assert [v["uid"] for v in versions] == ["vNew", old]
    assert [v["version_number"] for v in versions] == ["2", "1"]
    assert _get(sandbox, "")["deployed_version_id"] == "vNew"


@pytest.mark.parametrize("user", ["reader", "partial"])
def test_change__readers_may_not(sandbox, user):
    answer = _call(sandbox, "DELETE", "data/1/", user)
    assert answer.status_code == 403
    assert answer.json() == {"detail": "You do not have permission to perform this action."}
    assert _get(sandbox, "")["deployment__submission_count"] == 50


def test_partial__sees_a_part_and_cannot_count_the_rest(sandbox):
    asset = _call(sandbox, "GET", "", "partial").json()
    assert asset["deployment__submission_count"] is None
    codenames = {p["codename"] for p in asset["effective_permissions"]}
    assert codenames == {"view_asset", "partial_submissions"}
    assert _call(sandbox, "GET", "data/", "partial").json()["count"] == 13
    assert _call(sandbox, "GET", "data/2/", "partial").status_code == 404
    assert _call(sandbox, "GET", "data/1/", "partial").status_code == 200


def test_flags__archived_and_encrypted(sandbox):
    asset = sandbox.assets[UID]
    asset.archived = asset.encrypted = True
    body = _get(sandbox, "")
    assert body["deployment_status"] == "archived"
    assert body["deployment__active"] is False
    assert body["has_deployment"] is True
    assert body["deployment__encrypted"] is True
    assert _get(sandbox, "data/")["count"] == 50


@pytest.mark.parametrize(("uid", "row_id"), [("none", 1), (UID, 999)])
def test_edit__unknown(sandbox, uid, row_id):
    with pytest.raises(KoboError):
        sandbox.edit(uid, row_id, {})
