"""Every answer that was recorded on a real server is read as what it is."""

import httpx
import pytest
from kobo_fakes import RECORDED, SERVER, TOKEN, recorded

from survey_tools.kobo import Form, KoboClient, flatten
from survey_tools.kobo.asset import read_asset

GOOD = [
    entry
    for entry in recorded("INDEX.json")
    if entry["method"] == "GET" and entry["status"] == 200 and "json" in entry["content_type"]
]
PAGES = [entry for entry in GOOD if "/data/?" in entry["path"] or entry["path"].endswith("/data/")]
ASSETS = [
    "pilot/01_asset_before_deploy.json",
    "pilot/03_asset_deployed.json",
    "pilot/14_asset_v2.json",
]
ASSETS += [f"instrument/{form}/asset.json" for form in ("household", "site", "team_log")]
ASSETS += ["pilot/outsider_partial_asset.json"]


@pytest.mark.parametrize("entry", GOOD, ids=[entry["file"] for entry in GOOD])
def test_session__recorded_answer_comes_whole(entry):
    body = (RECORDED / entry["file"]).read_bytes()
    kind = {"content-type": entry["content_type"]}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body, headers=kind))
    with KoboClient(SERVER, TOKEN, transport=transport) as client:
        assert client.session.get("/api/v2/assets/") == recorded(entry["file"])


@pytest.mark.parametrize("entry", PAGES, ids=[entry["file"] for entry in PAGES])
def test_flatten__rows_of_a_recorded_page_all_land(entry):
    rows = recorded(entry["file"])["results"]
    versions = ("vMc34ehTDTZh8bw4Mhq9XE", "vAFEe9FuKXvEaeUPTnoKjg")
    contents = {v: recorded(f"pilot/16_version_{v}.json")["content"] for v in versions}
    tables = flatten(rows, contents)
    assert tables.frames["main"]["_id"].tolist() == [row["_id"] for row in rows]
    members = sum(len(row.get("hh/member", ())) for row in rows)
    assert len(tables.frames["member"]) == members


@pytest.mark.parametrize("name", ASSETS)
def test_asset__recorded_form_is_read(name):
    body = recorded(name)
    asset = read_asset(body)
    assert (asset.uid, asset.name) == (body["uid"], body["name"])
    assert asset.deployed == body["has_deployment"]
    if body.get("content", {}).get("survey"):
        assert Form.from_content(body["content"]).questions


def test_recorded__there_are_pages_and_answers():
    assert len(GOOD) > 40
    assert len(PAGES) > 25
