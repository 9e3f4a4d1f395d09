import contextlib
import copy
import gzip
import json
import logging
import pickle
import socket
import threading
import traceback
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from kobo_fakes import RECORDED, SERVER, TOKEN, recorded

from survey_tools.errors import KoboError
from survey_tools.kobo import KoboSession, read_token
from survey_tools.kobo.sandbox import Sandbox

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


ERR = {
    "500_db_down.html": "failed inside",
    "500_db_down_accept_json.txt": "failed inside",
    "500_list_query_accept_json.json": "failed inside",
    "bad_token_data.json": "does not accept the token",
    "basic_bad.json": "does not accept the token",
    "bearer.json": "may not see it",
    "library_question_data.json": "not deployed|did not understand",
    "method_not_allowed.json": "does not allow this kind of request",
    "no_token_asset.json": "may not see it",
    "no_token_data.json": "may not see it",
    "outsider_asset.json": "may not see it",
    "outsider_data.json": "may not see it",
    "reader_viewasset_only_data.json": "may not see it",
    "token_spaces.json": "not well formed",
    "token_word_only.json": "not well formed",
    "trashed_asset.json": "may not see it",
    "trashed_asset_data.json": "nothing at this address",
    "unknown_asset.json": "may not see it",
    "unknown_asset_data.json": "nothing at this address",
    "unknown_asset_data_accept_json.json": "nothing at this address",
    "unknown_path.txt": "nothing at this address",
    "unknown_submission.json": "may not see it",
    "unknown_submission_uuid.json": "may not see it",
    "v1_gone.json": "removed the old API",
    "v1_gone_assets.json": "removed the old API",
}


def test_get__every_recorded_error_body_is_put_in_words():
    index = {entry["file"]: entry for entry in recorded("INDEX.json")}
    bodies = {path.name for path in (RECORDED / "err").iterdir()}
    assert bodies == {*ERR, "no_token_assets_list.json"}
    for file, words in ERR.items():
        entry = index[f"err/{file}"]
        response = httpx.Response(
            entry["status"],
            content=(RECORDED / "err" / file).read_bytes(),
            headers={"content-type": entry["content_type"]},
        )
        with pytest.raises(KoboError, match=words):
            session_of(lambda request, r=response: r).get(PATH)


def test_get__500_is_repeated_once_wherever_it_comes():
    html = httpx.Response(500, html="<html>")
    session = session_of(answers(httpx.Response(503), html, httpx.Response(200, json=1)))
    assert session.get(PATH) == 1
    session = session_of(answers(html, httpx.Response(503), html, httpx.Response(200, json=1)))
    with pytest.raises(KoboError, match="failed inside"):
        session.get(PATH)


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ("Thu, 01 Oct 2026 10:00:09 GMT", 9.0),
        ("Thu, 01 Oct 2026 09:00:00 GMT", 0.0),
        ("-5", 0.0),
        ("nan", 0.5),
        ("soon", 0.5),
    ],
)
def test_get__retry_after_as_a_date_counts_by_the_clock_of_the_server(said, pause):
    headers = {"retry-after": said, "date": "Thu, 01 Oct 2026 10:00:00 GMT"}
    pauses = []
    handler = answers(httpx.Response(429, headers=headers), httpx.Response(200, json=1))
    session_of(handler, sleep=pauses.append).get(PATH)
    assert pauses == [pause]


def test_get__asks_for_packed_answers_and_refuses_to_wait_forever():
    def handler(request):
        assert "gzip" in request.headers["accept-encoding"]
        assert request.extensions["timeout"]["read"] == 60.0
        return httpx.Response(200, json=1)

    assert session_of(handler).get(PATH) == 1
    for timeout in (None, 0, -1, float("inf")):
        with pytest.raises(KoboError, match="time limit"):
            session_of(handler, timeout=timeout)


@contextlib.contextmanager
def raw_server(*answers):
    """Send bytes as they are, one connection each, and close."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        for answer in answers:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    thread.join(timeout=5)
    listening.close()


BODY = json.dumps({"results": [{"_id": number} for number in range(3_000)]}).encode()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("length", ["none", "content-length", "chunked"])
def test_get__truncated_body_on_the_wire_is_asked_for_again(packed, length):
    body = gzip.compress(BODY) if packed else BODY
    kind = "Content-Encoding: gzip\r\n" if packed else ""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n{kind}"
    whole = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    half = body[: len(body) // 2]
    named = {
        "none": f"{head}\r\n".encode() + half,
        "content-length": f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + half,
        "chunked": f"{head}Transfer-Encoding: chunked\r\n\r\n{len(half):x}\r\n".encode()
        + half
        + b"\r\n",
    }
    with (
        raw_server(named[length], whole) as url,
        KoboSession(url, TOKEN, sleep=lambda seconds: None, timeout=5) as session,
    ):
        assert session.get(PATH) == json.loads(BODY)
        assert session.requests == 2


def test_server_time__comes_from_the_date_of_the_own_server():
    here = datetime(2026, 10, 1, 10, 5, tzinfo=UTC)
    headers = {"date": "Thu, 01 Oct 2026 10:00:00 GMT"}
    left = [httpx.Response(200, json=1), httpx.Response(200, json=1, headers=headers)]
    session = session_of(lambda request: left.pop(0), clock=lambda: here)
    assert (session.server_time, session.clock_offset) == (None, None)
    session.get(PATH)
    assert (session.server_time, session.clock_offset) == (None, None)
    session.get(PATH)
    assert session.server_time == here - timedelta(minutes=5)
    assert session.clock_offset == 300.0


def test_server_time__of_a_store_elsewhere_does_not_count(tmp_path):
    def handler(request):
        if request.url.host == "store.example.com":
            return httpx.Response(200, text="x", headers={"date": "Thu, 01 Oct 2026 10:00:00 GMT"})
        return httpx.Response(302, headers={"location": "https://store.example.com/f"})

    session = session_of(handler)
    session.download("/api/f/", tmp_path / "f")
    assert session.server_time is None


def test_server_time__is_known_after_a_refusal_too():
    with Sandbox([]) as sandbox, KoboSession(sandbox.url, "wrong") as session:
        with pytest.raises(KoboError):
            session.get(PATH)
        assert abs(session.clock_offset) < 5


def told(error):
    """All that a traceback shows of an error and of those behind it, without the source lines."""
    text = "".join(traceback.format_exception(error))
    while error is not None:
        text += repr(error) + str(error) + repr(error.args) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return text


def test_session__token_is_in_no_log_error_text_or_pickle(caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    errors = []
    with Sandbox([]) as sandbox:
        token = sandbox.token
        with KoboSession(sandbox.url, token, sleep=lambda seconds: None) as session:
            session.get(PATH)
            for kind in ("drop", "truncate", "status"):
                sandbox.fail(kind, times=99)
                for ask in (session.get, lambda path: session.download(path, tmp_path / "f")):
                    with pytest.raises(KoboError) as caught:
                        ask("/api/v2/assets/")
                    errors.append(told(caught.value))
                sandbox.heal()
            shown = repr(session) + str(session) + repr(session._http.auth) + repr(session._http)
    with KoboSession(sandbox.url, token, retries=0) as session:
        with pytest.raises(KoboError) as caught:
            session.get(PATH)
        errors.append(told(caught.value))
    assert "httpcore" in {record.name.partition(".")[0] for record in caplog.records}
    assert len(errors) == 7
    assert token not in caplog.text + shown + "".join(errors)
    for dump in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="token"):
            dump(session)


def test_session__token_echoed_in_headers_or_reasons_is_taken_out():
    def page(request):
        return httpx.Response(200, text="x", headers={"content-type": f"text/{TOKEN}"})

    def breaks(request):
        raise httpx.ReadError(f"lost {request.headers['authorization']}", request=request)

    for handler in (page, breaks):
        with pytest.raises(KoboError) as caught:
            session_of(handler).get(PATH)
        assert TOKEN not in told(caught.value)
