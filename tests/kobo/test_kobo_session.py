import httpx
import pytest
from kobo_fakes import RECORDED, SERVER, TOKEN, recorded

from survey_tools.errors import KoboError
from survey_tools.kobo import KoboSession, read_token

PATH = "/api/v2/assets/"
ERRORS = [
    entry
    for entry in recorded("INDEX.json")
    if entry["method"] == "GET" and (entry["status"] >= 400) and not entry["file"].startswith("del")
]


def session_of(handler, **options):
    options = {"sleep": lambda seconds: None, **options}
    return KoboSession(SERVER, TOKEN, transport=httpx.MockTransport(handler), **options)


def answers(*responses):
    left = list(responses)
    return lambda request: left.pop(0)


def broken(request):
    raise httpx.ReadError("connection reset", request=request)


@pytest.mark.parametrize("entry", ERRORS, ids=[entry["file"] for entry in ERRORS])
def test_get__recorded_errors_say_what_to_do_and_hide_the_token(entry):
    body = (RECORDED / entry["file"]).read_bytes()
    session = session_of(
        lambda request: httpx.Response(
            entry["status"], content=body, headers={"content-type": entry["content_type"]}
        )
    )
    with pytest.raises(KoboError) as caught:
        session.get(entry["path"])
    assert caught.value.next_step
    assert f"status {entry['status']}" in caught.value.found
    assert TOKEN not in str(caught.value) + repr(caught.value) + repr(session)


def test_get__each_refusal_has_its_own_words():
    cases = {
        "bad token": "err/bad_token_data.json",
        "malformed token": "err/token_spaces.json",
        "unknown or not allowed": "err/unknown_asset.json",
        "web page": "err/unknown_asset_data.json",
        "not deployed": "pilot/err_not_deployed.json",
        "bad query": "query/bad_json.json",
        "gone": "err/v1_gone.json",
        "database": "err/500_db_down.html",
        "forbidden": "pilot/reader_history.json",
    }
    index = {entry["file"]: entry for entry in recorded("INDEX.json")}
    said = set()
    for file in cases.values():
        response = httpx.Response(
            index[file]["status"],
            content=(RECORDED / file).read_bytes(),
            headers={"content-type": index[file]["content_type"]},
        )
        with pytest.raises(KoboError) as caught:
            session_of(lambda request, r=response: r).get(PATH)
        said.add(caught.value.what)
    assert len(said) == len(cases)


def test_get__token_echoed_by_the_server_is_taken_out():
    session = session_of(lambda request: httpx.Response(401, json={"detail": f"bad {TOKEN}"}))
    with pytest.raises(KoboError) as caught:
        session.get(PATH)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_get__passing_trouble_is_waited_out(status):
    session = session_of(answers(httpx.Response(status), httpx.Response(200, json={"ok": 1})))
    assert session.get(PATH) == {"ok": 1}
    assert session.requests == 2


def test_get__500_is_repeated_once():
    session = session_of(lambda request: httpx.Response(500, text="<html>"))
    with pytest.raises(KoboError, match="failed inside"):
        session.get(PATH)
    assert session.requests == 2


def test_get__refusals_are_not_repeated():
    session = session_of(lambda request: httpx.Response(401, json={"detail": "Invalid token."}))
    with pytest.raises(KoboError):
        session.get(PATH)
    assert session.requests == 1


def test_get__pauses_double_and_retry_after_is_honoured():
    pauses = []
    late = httpx.Response(429, headers={"retry-after": "7"})
    handler = answers(httpx.Response(503), httpx.Response(503), late, httpx.Response(200, json=1))
    session_of(handler, sleep=pauses.append).get(PATH)
    assert pauses == [0.5, 1.0, 7.0]


def test_get__very_long_pause_is_refused():
    with pytest.raises(KoboError, match="long pause"):
        session_of(lambda r: httpx.Response(429, headers={"retry-after": "86400"})).get(PATH)


def test_get__broken_connection_is_repeated_then_told():
    with pytest.raises(KoboError, match="3 attempts") as caught:
        session_of(broken, retries=2).get(PATH)
    assert "connection reset" in caught.value.found


def test_get__truncated_body_is_asked_for_again():
    cut = httpx.Response(
        200, content=b'{"count": 1, "res', headers={"content-type": "application/json"}
    )
    session = session_of(answers(cut, httpx.Response(200, json={"count": 1})))
    assert session.get(PATH) == {"count": 1}


def test_get__web_page_with_status_200_is_an_error():
    with pytest.raises(KoboError, match="web page"):
        session_of(lambda r: httpx.Response(200, html="<html>login</html>")).get(PATH)


def test_get__redirect_to_another_host_is_not_followed():
    asked = []

    def handler(request):
        asked.append(request.url.host)
        return httpx.Response(302, headers={"location": "https://elsewhere.example.com/"})

    with pytest.raises(KoboError, match="elsewhere"):
        session_of(handler).get(PATH)
    assert asked == ["kobo.example.org"]


def test_get__redirect_on_the_same_server_is_followed_with_the_token():
    def handler(request):
        assert request.headers["authorization"] == f"Token {TOKEN}"
        if request.url.path.endswith("x"):
            return httpx.Response(301, headers={"location": "/api/x/"})
        return httpx.Response(200, json=1)

    assert session_of(handler).get("/api/x") == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://kobo.example.org",
        "ftp://kobo.example.org",
        "kobo.example.org",
        "https://me:pw@host",
        "",
    ],
)
def test_session__unsafe_addresses_are_refused(url):
    with pytest.raises(KoboError) as caught:
        KoboSession(url, TOKEN)
    assert "pw@" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost/", "http://[::1]:81"])
def test_session__plain_http_to_this_machine_is_allowed(url):
    KoboSession(url, TOKEN).close()


@pytest.mark.parametrize("token", ["", "two words", "tab\there", "đ" * 40])
def test_session__malformed_token_is_refused_and_not_shown(token):
    with pytest.raises(KoboError, match="not well formed") as caught:
        KoboSession(SERVER, token)
    assert not token or token not in str(caught.value)


def test_session__address_spelling_does_not_matter():
    assert str(KoboSession("HTTPS://Kobo.Example.org:443/", TOKEN).address) == SERVER


def test_read_token__from_environment_first(monkeypatch, tmp_path):
    monkeypatch.setenv("KOBO_TOKEN", " abc\n")
    monkeypatch.setenv("KOBO_TOKEN_FILE", str(tmp_path / "missing"))
    assert read_token() == "abc"


def test_read_token__from_file(monkeypatch, tmp_path):
    (tmp_path / "token").write_text("abc\n")
    monkeypatch.delenv("KOBO_TOKEN", raising=False)
    monkeypatch.setenv("KOBO_TOKEN_FILE", str(tmp_path / "token"))
    assert read_token() == "abc"


def test_read_token__missing_says_what_to_do(monkeypatch):
    monkeypatch.delenv("KOBO_TOKEN", raising=False)
    monkeypatch.delenv("KOBO_TOKEN_FILE", raising=False)
    with pytest.raises(KoboError, match="KOBO_TOKEN_FILE"):
        read_token()
