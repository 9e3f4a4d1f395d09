import copy

import httpx
import pytest
from kobo_fakes import SERVER, TOKEN, UID, VERSIONS, recorded

from survey_tools.errors import KoboError
from survey_tools.kobo import KoboClient


def serving(*bodies):
    left = list(bodies)
    return KoboClient(
        SERVER,
        TOKEN,
        transport=httpx.MockTransport(lambda r: httpx.Response(200, json=left.pop(0))),
    )


def test_asset__recorded_form():
    asset = serving(recorded("pilot/14_asset_v2.json")).asset(UID)
    assert (asset.uid, asset.name, asset.deployed) == (UID, "Phu Xuyen pilot", True)
    assert asset.encrypted is False
    assert {version.uid for version in asset.versions} == set(VERSIONS)
    assert "view_submissions" in asset.permissions


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("pilot/01_asset_before_deploy.json", "not deployed"),
        ("enc/asset.json", "encrypted"),
        ("pilot/outsider_partial_asset.json", "only some"),
    ],
)
def test_check_readable__says_what_is_in_the_way(body, words):
    client = serving(recorded(body))
    with pytest.raises(KoboError, match=words):
        client.check_readable(client.asset(UID))


def test_check_readable__no_view_submissions():
    body = copy.deepcopy(recorded("pilot/14_asset_v2.json"))
    body["effective_permissions"] = [{"codename": "view_asset"}]
    client = serving(body)
    with pytest.raises(KoboError, match="not its rows"):
        client.check_readable(client.asset(UID))


def test_check_readable__whole_form_passes():
    client = serving(recorded("pilot/14_asset_v2.json"))
    client.check_readable(client.asset(UID))


def test_versions__all_pages_are_read_and_only_the_query_of_next_is_used():
    whole = recorded("pilot/15_versions_v2.json")
    first, second = whole["results"]
    elsewhere = "https://elsewhere.example.com/api/?limit=1&offset=1"
    client = serving(
        {"count": 2, "next": elsewhere, "results": [first]},
        {"count": 2, "next": None, "results": [second]},
    )
    assert [version.uid for version in client.versions(UID)] == [VERSIONS[1], VERSIONS[0]]


def test_versions__missing_page_is_an_error():
    whole = recorded("pilot/15_versions_v2.json")
    client = serving({**whole, "results": whole["results"][:1]})
    with pytest.raises(KoboError, match="not what its API promises"):
        client.versions(UID)


def test_form_version__content():
    client = serving(recorded(f"pilot/16_version_{VERSIONS[0]}.json"))
    assert client.form_version(UID, VERSIONS[0])["translations"] == [
        "English (en)",
        "Tiếng Việt (vi)",
    ]


def test_find__by_name():
    asset = recorded("pilot/14_asset_v2.json")
    listed = {"count": 1, "next": None, "results": [asset]}
    assert serving(listed, asset).find("Phu Xuyen pilot").uid == UID


def test_find__nothing_there():
    with pytest.raises(KoboError, match="No form"):
        serving(recorded("err/no_token_assets_list.json")).find("Phu Xuyen pilot")


def test_find__ambiguous_name():
    asset = recorded("pilot/14_asset_v2.json")
    listed = {"count": 2, "next": None, "results": [asset, {**asset, "uid": "aOther"}]}
    with pytest.raises(KoboError, match="aOther"):
        serving(listed).find("Phu Xuyen pilot")


@pytest.mark.parametrize("body", [[], {"results": []}, {"count": 1, "results": [{"a": 1}]}])
def test_page__strange_answers_are_refused(body):
    with pytest.raises(KoboError, match="not what its API promises"):
        serving(body).page(UID)


def test_asset__uid_cannot_lead_elsewhere():
    with pytest.raises(KoboError, match="no uid"):
        serving().asset("../users")


def test_client__repr_hides_the_token():
    assert TOKEN not in repr(serving())


def test_client__without_address(monkeypatch):
    monkeypatch.delenv("KOBO_URL", raising=False)
    with pytest.raises(KoboError, match="KOBO_URL"):
        KoboClient(token=TOKEN)
