"""The sandbox answers recorded requests as the real server did.

Every GET of the recorded index is replayed; what is not the same is listed here with its reason.
"""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from survey_tools.kobo.sandbox import Sandbox

RECORDED = Path(__file__).parents[1] / "fixtures/kobo/recorded"
HOST = "https://kobo.example.org"
INDEX = json.loads((RECORDED / "INDEX.json").read_text())
PILOT, DRAFT, LOCKED = "a7HrwyPd6X8BBYLptRxDkn", "azgAjpkiYHCS4vyLAJByz3", "axanHkuVGjsJwLSxJe87Dp"
INSTRUMENT = {
    "household": "a3hP98FBHqFKnv9avXSrV9",
    "team_log": "aMgKLfW3uziLcpcwj9uyNh",
    "site": "aCAnE8hWSSrGaAwf2kGbmF",
}

NOT_IMITATED = {
    "pilot/history.json": "the activity log is no part of reading data",
    "pilot/history_deletes.json": "the activity log",
    "pilot/reader_history.json": "the activity log",
    "pilot_export/sync_data.csv": "the server's own exports",
    "pilot_export/sync_data.xlsx": "the server's own exports",
}
OTHER_STATE = {
    "pilot/01_asset_before_deploy.json": "before deployment; test_asset__not_deployed",
    "pilot/09_data_empty.json": "before any row; test_data__empty",
    "pilot/err_not_deployed.json": "before deployment; test_asset__not_deployed",
    "edit/01_before.json": "a step of test_edit__*",
    "edit/03_after_openrosa_edit.json": "a step of test_edit__*",
    "edit/05_after_second_edit.json": "a step of test_edit__*",
    "edit/06_before_bulk.json": "a step of test_edit__*",
    "edit/08_after_bulk.json": "a step of test_edit__*",
    "edit/10_after_validation.json": "a step of test_validation_status__*",
    "edit/14_backdated_submissionDate.json": "after 1,200 further rows",
    "delete/01_before.json": "a step of test_delete__*",
    "delete/03_get_after.json": "a step of test_delete__*",
    "delete/06_list_after.json": "a step of test_delete__*",
}
# Values that a server draws or that nothing reads: compared by presence only.
LOOSE_ASSET_KEYS = {
    "date_created": "not given to the sandbox",
    "date_modified": "the server counts its own writes",
    "date_deployed": "the server is some milliseconds later than its version",
    "last_modified_by": "not kept",
    "created_by": "not kept",
    "version__content_hash": "the server's digest is not documented",
    "deployment__uuid": "random",
    "deployment__last_submission_time": "unreliable on the server too",
    "deployment__submission_count": "the recorded asset and rows are of different moments",
    "deployment__data_download_links": "exports are not imitated",
    "report_styles": "not imitated",
    "summary": "row_count and name_quality are not imitated",
    "permissions": "assignments have random addresses; other users' are not listed",
    "export_settings": "exports are not imitated",
    "status": "no sharing",
    "advanced_features": "not imitated",
}


def _body(name):
    return json.loads((RECORDED / name).read_text())


def _version(name):
    body = _body(name)
    return {key: body[key] for key in ("uid", "date_deployed", "content")}


def _asset(uid, name, versions, rows=(), **flags):
    described = {"uid": uid, "name": name, "owner": "surveyor", "versions": versions}
    return {**described, "submissions": rows, **flags}


def _assets(versions, rows):
    deployed = _body("pilot/03_asset_deployed.json")
    filtered = {"loc/commune": "phuxuyen"}
    enc = _body("enc/asset.json")
    deployed_on = enc["deployed_versions"]["results"][0]["date_deployed"]
    only = {"uid": enc["version_id"], "date_deployed": deployed_on, "content": enc["content"]}
    return [
        _asset(PILOT, deployed["name"], versions, rows, partial_filter=filtered),
        _asset(DRAFT, "Draft", versions[:1], deployed=False),
        _asset(LOCKED, "Encrypted", [only], _body("enc/data.json")["results"], encrypted=True),
        *(
            _asset(
                uid,
                _body(f"instrument/{form}/asset.json")["name"],
                [_version(f"instrument/{form}/version.json")],
            )
            for form, uid in INSTRUMENT.items()
        ),
    ]


V1 = "pilot/16_version_vMc34ehTDTZh8bw4Mhq9XE.json"
V2 = "pilot/16_version_vAFEe9FuKXvEaeUPTnoKjg.json"


@pytest.fixture(scope="module")
def first():
    """The pilot as it was with fifty rows and one version."""
    rows = _body("pilot/13_data_default.json")["results"]
    with Sandbox(_assets([_version(V1)], rows)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def later():
    """The pilot after edits, deletions and a second version."""
    rows = _body("pilot/18_data_mixed_versions.json")["results"]
    with Sandbox(_assets([_version(V1), _version(V2)], rows)) as sandbox:
        yield sandbox


LATER = ("pilot/14", "pilot/15", "pilot/16", "pilot/17", "pilot/18", "pilot/19", "pilot/outsider")


def _headers(name, sandbox):
    fixed = {
        "err/bad_token_data.json": "Token wrong",
        "err/basic_bad.json": "Basic d3Jvbmc6d3Jvbmc=",
        "err/bearer.json": f"Bearer {sandbox.token}",
        "err/token_spaces.json": f"Token {sandbox.token} x",
        "err/token_word_only.json": "Token",
    }
    stem = Path(name).stem
    user = "owner"
    if stem.startswith("outsider_partial"):
        user = "partial"
    elif stem.startswith("outsider"):
        user = "outsider"
    elif stem.startswith("reader_viewasset"):
        user = "viewer"
    elif stem.startswith("reader"):
        user = "reader"
    headers = {"Authorization": fixed.get(name, f"Token {sandbox.tokens[user]}")}
    if stem.startswith("no_token"):
        headers = {}
    if "accept_json" in stem:
        headers["Accept"] = "application/json"
    return headers


def _ask(sandbox, name, query, path):
    answer = httpx.get(f"{sandbox.url}{path}?{query}", headers=_headers(name, sandbox))
    return answer, answer.text.replace(sandbox.url, HOST)


REPLAYED = [
    entry
    for entry in INDEX
    if entry["method"] == "GET" and entry["file"] not in {**NOT_IMITATED, **OTHER_STATE}
]


@pytest.mark.parametrize("entry", REPLAYED, ids=[entry["file"] for entry in REPLAYED])
def test_get__as_recorded(entry, first, later):
    name = entry["file"]
    sandbox = later if name.startswith(LATER) else first
    if "500_db_down" in name:
        sandbox.fail(status=500)
    answer, text = _ask(sandbox, name, entry["query"], entry["path"])
    family = entry["content_type"].partition(";")[0]
    assert answer.status_code == entry["status"]
    assert answer.headers["Content-Type"].partition(";")[0] == family
    recorded = (RECORDED / name).read_text()
    if family != "application/json":
        assert ("<html>" in text) == ("<html>" in recorded)
        return
    ours, theirs = json.loads(text), json.loads(recorded)
    if name.endswith(("asset.json", "asset_deployed.json", "asset_v2.json", "04_deployment.json")):
        ours, theirs = _comparable_asset(ours), _comparable_asset(theirs)
    elif "version" in name and "data" not in name:
        ours, theirs = _without_hash(ours), _without_hash(theirs)
    elif name == "pilot/19_counts.json":
        # The server counts rows by day as they came, deleted ones too; the sandbox those it has.
        ours.pop("daily_submission_counts"), theirs.pop("daily_submission_counts")
    assert ours == theirs


def _comparable_asset(body):
    if "asset" in body:
        return {**body, "asset": _comparable_asset(body["asset"])}
    loose = {key: "present" for key in LOOSE_ASSET_KEYS if key in body}
    body = {**_without_hash(body), **loose}
    if "effective_permissions" in body:
        body["effective_permissions"] = sorted(p["codename"] for p in body["effective_permissions"])
    return body


def _without_hash(body):
    if isinstance(body, list):
        return [_without_hash(part) for part in body]
    if isinstance(body, dict):
        return {k: _without_hash(v) for k, v in body.items() if k != "content_hash"}
    return body


def test_index__every_get_is_replayed_or_explained():
    files = {entry["file"] for entry in INDEX if entry["method"] == "GET"}
    assert {**NOT_IMITATED, **OTHER_STATE}.keys() <= files
    assert len(REPLAYED) > 75


def test_post_on_data__method_not_allowed(first):
    url = f"{first.url}/api/v2/assets/{PILOT}/data/?format=json"
    answer = httpx.post(url, json={}, headers={"Authorization": f"Token {first.token}"})
    assert answer.status_code == 405
    assert answer.json() == _body("err/method_not_allowed.json")


def test_asset__not_deployed():
    version = _version(V1)
    with Sandbox([_asset(PILOT, "Phu Xuyen pilot", [version], deployed=False)]) as sandbox:
        path = f"/api/v2/assets/{PILOT}/"
        name = "pilot/01_asset_before_deploy.json"
        ours = json.loads(_ask(sandbox, name, "format=json", path)[1])
        assert _comparable_asset(ours) == _comparable_asset(_body(name))
        answer, _ = _ask(sandbox, name, "format=json", path + "data/")
        assert answer.status_code == 400
        assert answer.json() == _body("pilot/err_not_deployed.json")


def test_data__empty():
    with Sandbox([_asset(PILOT, "Phu Xuyen pilot", [_version(V1)])]) as sandbox:
        path = f"/api/v2/assets/{PILOT}/data/"
        answer, _ = _ask(sandbox, "pilot/09_data_empty.json", "format=json", path)
        assert answer.json() == _body("pilot/09_data_empty.json")
