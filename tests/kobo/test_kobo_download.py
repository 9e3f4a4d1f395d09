"""Fetching one file: continued, checked, and never with the token elsewhere."""

import hashlib
import json
import logging
import stat

import httpx
import pytest
from kobo_fakes import SERVER, TOKEN

from survey_tools.errors import KoboError
from survey_tools.kobo import KoboSession
from survey_tools.kobo.http.download import asked_path
from survey_tools.kobo.sandbox import Sandbox

UID = "aTest"
DATA = bytes(range(256)) * 400
PATH = "/api/v2/assets/aTest/data/1/attachments/att1/"
DATED = {"date": "Thu, 01 Oct 2026 10:00:00 GMT", "last-modified": "Thu, 01 Oct 2026 08:00:00 GMT"}


class Body(httpx.SyncByteStream):
    """Sends some bytes and then breaks, as a connection does."""

    def __init__(self, data, breaks=False):
        self.data, self.breaks = data, breaks

    def __iter__(self):
        for start in range(0, len(self.data), 10_000):
            yield self.data[start : start + 10_000]
        if self.breaks:
            raise httpx.ReadError("connection reset")


def served(data=DATA, status=200, breaks=False, length=True, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if length:
        named = {"content-length": str(len(data)), **named}
    return httpx.Response(status, headers=named, stream=Body(data, breaks))


def broken(at=40_000, **headers):
    return served(DATA[:at], breaks=True, content_length=str(len(DATA)), **headers)


def rest(start, **headers):
    last = len(DATA) - 1
    return served(DATA[start:], 206, content_range=f"bytes {start}-{last}/{len(DATA)}", **headers)


class Server:
    """Gives one answer after the other and keeps what was asked."""

    def __init__(self, *answers):
        self.answers, self.asked, self.pauses = list(answers), [], []

    def __call__(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def session(self, **options):
        options = {"sleep": self.pauses.append, **options}
        return KoboSession(SERVER, TOKEN, transport=httpx.MockTransport(self), **options)

    @property
    def ranges(self):
        return [request.headers.get("range") for request in self.asked]


def test_download__writes_the_file_privately_and_leaves_nothing_else(tmp_path):
    server = Server(served(etag='"a"'))
    seen = []
    came = server.session().download(
        PATH, tmp_path / "qr.jpg", progress=lambda done, total: seen.append((done, total))
    )
    assert (tmp_path / "qr.jpg").read_bytes() == DATA
    assert (came.bytes, came.continued_at) == (len(DATA), 0)
    assert came.sha256 == hashlib.sha256(DATA).hexdigest()
    assert [path.name for path in tmp_path.iterdir()] == ["qr.jpg"]
    assert stat.S_IMODE((tmp_path / "qr.jpg").stat().st_mode) == 0o600
    assert seen[-1] == (len(DATA), len(DATA))
    assert len(seen) > 5
    asked = server.asked[0]
    assert asked.headers["accept"] == "*/*"
    assert asked.headers["accept-encoding"] == "identity"
    assert "format" not in asked.url.params


def test_download__broken_off_is_continued_with_if_range(tmp_path):
    server = Server(broken(etag='"a"'), rest(40_000, etag='"a"'))
    came = server.session().download(PATH, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert came.continued_at == 40_000
    assert server.ranges == [None, "bytes=40000-"]
    assert server.asked[1].headers["if-range"] == '"a"'


def test_download__date_vouches_where_there_is_no_etag(tmp_path):
    again = {"last-modified": DATED["last-modified"]}
    server = Server(broken(**DATED), rest(40_000, **again))
    server.session().download(PATH, tmp_path / "f")
    assert server.asked[1].headers["if-range"] == DATED["last-modified"]
    assert (tmp_path / "f").read_bytes() == DATA


def test_download__rest_that_nothing_vouches_for_is_not_glued_on(tmp_path):
    server = Server(broken(**DATED), rest(40_000), served(**DATED))
    server.session().download(PATH, tmp_path / "f")
    assert server.ranges[-1] is None
    assert (tmp_path / "f").read_bytes() == DATA


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"etag": 'W/"a"'},
        {"last-modified": DATED["date"], "date": DATED["date"]},
        {"etag": '"a"', "accept-ranges": "none"},
    ],
    ids=["nothing", "weak", "fresh", "no ranges"],
)
def test_download__unsure_whether_it_is_the_same_file_starts_anew(tmp_path, headers):
    server = Server(broken(**headers), served(**headers))
    server.session().download(PATH, tmp_path / "f")
    assert server.ranges == [None, None]
    assert (tmp_path / "f").read_bytes() == DATA


OTHER = b"other" * 30_000


@pytest.mark.parametrize(
    "answer",
    [
        served(OTHER, etag='"b"'),
        served(OTHER[40_000:], 206, content_range=f"bytes 40000-149999/{len(OTHER)}", etag='"b"'),
        served(DATA[40_000:], 206, content_range=f"bytes 40000-102399/{len(DATA)}", etag='"b"'),
        served(DATA[40_000:], 206, content_range=f"bytes 40000-102399/{len(DATA)}"),
        served(DATA[:9], 206, content_range=f"bytes 0-8/{len(DATA)}", etag='"a"'),
        served(DATA[40_000:], 206, etag='"a"'),
        served(b"", 416, content_range=f"bytes */{len(OTHER)}"),
    ],
    ids=["200", "longer", "other etag", "no etag", "other bytes", "no content-range", "416"],
)
def test_download__never_glues_two_files(tmp_path, answer):
    server = Server(broken(etag='"a"'), answer, served(OTHER, etag='"b"'))
    server.session().download(PATH, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == OTHER


def test_download__an_earlier_run_is_continued(tmp_path):
    class KilledError(Exception):
        pass

    def kill(done, total):
        if done >= 30_000:
            raise KilledError

    with pytest.raises(KilledError):
        Server(served(etag='"a"')).session().download(PATH, tmp_path / "f", progress=kill)
    assert stat.S_IMODE((tmp_path / "f.part").stat().st_mode) == 0o600
    assert TOKEN not in (tmp_path / "f.part.json").read_text()
    server = Server(rest(30_000, etag='"a"'))
    came = server.session().download(PATH, tmp_path / "f")
    assert (came.continued_at, came.bytes) == (30_000, len(DATA))
    assert (tmp_path / "f").read_bytes() == DATA


def test_download__part_of_another_file_or_unwanted_is_not_continued(tmp_path):
    for path, options in ((PATH.replace("att1", "att2"), {}), (PATH, {"resume": False})):
        with pytest.raises(KoboError):
            Server(broken(etag='"a"')).session(retries=0).download(PATH, tmp_path / "f")
        assert (tmp_path / "f.part").stat().st_size == 40_000
        server = Server(served(OTHER, etag='"a"'))
        server.session().download(path, tmp_path / "f", **options)
        assert server.ranges == [None]
        assert (tmp_path / "f").read_bytes() == OTHER


def test_download__whole_part_asks_for_its_last_byte_again(tmp_path):
    with pytest.raises(KoboError):
        Server(broken(etag='"a"')).session(retries=0).download(PATH, tmp_path / "f")
    (tmp_path / "f.part").write_bytes(DATA)
    server = Server(rest(len(DATA) - 1, etag='"a"'))
    server.session().download(PATH, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert server.ranges == [f"bytes={len(DATA) - 1}-"]


@pytest.mark.parametrize("note", ["", "{", "[1]", '{"path": 1}'])
def test_download__damaged_note_starts_anew(tmp_path, note):
    (tmp_path / "f.part").write_bytes(b"rubbish")
    (tmp_path / "f.part.json").write_text(note)
    Server(served()).session().download(PATH, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA


def test_download__passing_trouble_is_waited_out_and_progress_renews_patience(tmp_path):
    late = httpx.Response(429, headers={"retry-after": "7"})
    pieces = [rest(at, etag='"a"') for at in (20_000, 40_000, 60_000, 80_000)]
    for piece in pieces[:3]:
        piece.stream.data, piece.stream.breaks = piece.stream.data[:20_000], True
    server = Server(httpx.Response(503), late, broken(20_000, etag='"a"'), *pieces)
    server.session(retries=2).download(PATH, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert server.pauses[:2] == [0.5, 7.0]
    assert len(server.asked) == 7


def test_download__500_is_repeated_once_and_refusals_never(tmp_path):
    for answer, times in ((httpx.Response(500, html="<html>"), 2), (httpx.Response(403), 1)):
        server = Server(answer)
        with pytest.raises(KoboError):
            server.session().download(PATH, tmp_path / "f")
        assert len(server.asked) == times


def test_download__missing_file_says_so(tmp_path):
    for answer in (
        httpx.Response(404, json={"detail": "Not found."}),
        httpx.Response(404, html=""),
    ):
        with pytest.raises(KoboError, match="does not have the file") as caught:
            Server(answer).session().download(PATH, tmp_path / "f")
        assert caught.value.found.startswith("status 404")
    assert list(tmp_path.iterdir()) == []


def test_download__web_page_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(KoboError, match="web page in place of a file"):
        Server(httpx.Response(200, html="<html>login")).session().download(PATH, tmp_path / "f")
    assert list(tmp_path.iterdir()) == []
    page = served(b"<p>", content_type="text/html")
    Server(page).session().download(PATH, tmp_path / "f", mimetype="text/html")
    assert (tmp_path / "f").read_bytes() == b"<p>"


@pytest.mark.parametrize(
    "answer",
    [served(length=False), served(content_encoding="gzip")],
    ids=["no length", "packed"],
)
def test_download__what_cannot_be_checked_is_refused(tmp_path, answer):
    with pytest.raises(KoboError, match="whether all of it came"):
        Server(answer).session().download(PATH, tmp_path / "f")


def test_download__other_length_than_promised_is_no_file(tmp_path):
    server = Server(served(content_length="5"), served(content_length="200000"))
    with pytest.raises(KoboError, match="no complete answer"):
        server.session(retries=1).download(PATH, tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_download__checksum_of_a_store_is_checked(tmp_path):
    right = hashlib.md5(DATA).hexdigest()
    wrong = served(b"x" * len(DATA), etag=f'"{right}"', server="AmazonS3")
    server = Server(wrong, served(etag=f'"{right}"', server="AmazonS3"))
    server.session().download(PATH, tmp_path / "f")
    assert len(server.asked) == 2
    assert (tmp_path / "f").read_bytes() == DATA


@pytest.mark.parametrize(
    "headers",
    [
        {"etag": '"' + "0" * 32 + '"'},
        {"etag": '"' + "0" * 32 + '-2"', "server": "AmazonS3"},
        {"etag": '"' + "0" * 32 + '"', "server": "AmazonS3"}
        | {"x-amz-server-side-encryption": "aws:kms"},
    ],
    ids=["other server", "several parts", "own key"],
)
def test_download__etag_that_is_no_checksum_is_not_taken_for_one(tmp_path, headers):
    Server(served(**headers)).session().download(PATH, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA


def test_download__redirect_to_a_store_goes_without_the_token(tmp_path):
    there = "https://store.example.com/qr.jpg?X-Amz-Signature=secret"
    server = Server(httpx.Response(302, headers={"location": there}), served())
    server.session().download(PATH, tmp_path / "f")
    assert [str(request.url.host) for request in server.asked] == [
        "kobo.example.org",
        "store.example.com",
    ]
    assert ["authorization" in request.headers for request in server.asked] == [True, False]
    assert not any(TOKEN in str(request.headers.raw) for request in server.asked[1:])


@pytest.mark.parametrize(
    "location",
    [
        "http://store.example.com/f",
        "http://127.0.0.1/f",
        "ftp://x/f",
        "https://u:p@x/f",
        "file:///f",
    ],
)
def test_download__unsafe_redirects_are_not_followed(tmp_path, location):
    server = Server(httpx.Response(302, headers={"location": location}))
    with pytest.raises(KoboError, match="elsewhere"):
        server.session().download(PATH, tmp_path / "f")
    assert len(server.asked) == 1


def test_download__refusal_of_the_store_does_not_show_its_address(tmp_path):
    there = "https://store.example.com/qr.jpg?X-Amz-Signature=secret"
    server = Server(httpx.Response(302, headers={"location": there}), httpx.Response(403))
    with pytest.raises(KoboError, match="store of files") as caught:
        server.session().download(PATH, tmp_path / "f")
    assert "secret" not in str(caught.value)


def test_download__host_named_in_a_row_is_not_asked(tmp_path):
    server = Server(served())
    server.session().download(f"https://evil.example.com{PATH}?x=1", tmp_path / "f")
    (asked,) = server.asked
    assert (asked.url.host, asked.url.path, asked.url.query) == (
        "kobo.example.org",
        PATH,
        b"x=1",
    )


@pytest.mark.parametrize("path", ["@evil.example.com/f", "f", "", ".evil.example.com/"])
def test_session__path_that_would_change_the_host_is_refused(tmp_path, path):
    server = Server(served())
    for ask in (server.session().get, lambda p: server.session().download(p, tmp_path / "f")):
        with pytest.raises(KoboError, match="no path"):
            ask(path)
    assert server.asked == []


def test_asked_path__drops_host_and_prefix_of_the_server():
    assert asked_path("http://h:80/kobo/api/v2/x/?a=1", "/kobo") == "/api/v2/x/?a=1"
    assert asked_path("/api/v2/x/") == "/api/v2/x/"


@pytest.fixture
def sandbox_of():
    running = []

    def make(**options):
        content = {"survey": [{"name": "photo", "type": "image"}]}
        version = {"uid": "v1", "date_deployed": "2026-01-01T00:00:00Z", "content": content}
        asset = {"uid": UID, "name": "Phiếu", "owner": "surveyor", "versions": [version]}
        sandbox = Sandbox([{**asset, "submissions": [{"_id": 1}]}], **options).start()
        running.append(sandbox)
        return sandbox, sandbox.attach(UID, 1, "qr.jpg", DATA, question="photo")["download_url"]

    yield make
    for sandbox in running:
        sandbox.stop()


@pytest.mark.parametrize("file_store", [False, True], ids=["server", "store"])
def test_download__from_the_sandbox_through_every_fault(tmp_path, sandbox_of, file_store, caplog):
    sandbox, url = sandbox_of(file_store=file_store)
    caplog.set_level(logging.DEBUG)
    part = "X-Amz" if file_store else "attachments"
    for kind in ("truncate", "reset", "drop", "truncate"):
        sandbox.fail(kind, path_contains=part, at=30_000)
    sandbox.fail("status", status=503, path_contains=part)
    with KoboSession(sandbox.url, sandbox.token, sleep=lambda seconds: None) as session:
        came = session.download(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert came.sha256 == hashlib.sha256(DATA).hexdigest()
    # A reset may destroy what was on its way; nothing that came is asked for again.
    assert session.bytes <= len(DATA) + 1_000
    assert sum(bool(request.range) for request in sandbox.requests if part in request.path) >= 2
    assert sandbox.token not in caplog.text


def test_download__file_cut_without_a_length_is_not_taken(tmp_path, sandbox_of):
    sandbox, url = sandbox_of()
    sandbox.fail("cut", path_contains="attachments")
    with KoboSession(sandbox.url, sandbox.token) as session:
        with pytest.raises(KoboError, match="whether all of it came"):
            session.download(url, tmp_path / "f")
        session.download(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA


def test_download__note_names_no_signature(tmp_path, sandbox_of):
    sandbox, url = sandbox_of(file_store=True)
    sandbox.fail("truncate", path_contains="X-Amz")
    with (
        KoboSession(sandbox.url, sandbox.token, retries=0) as session,
        pytest.raises(KoboError, match="no complete answer"),
    ):
        session.download(url, tmp_path / "f")
    note = json.loads((tmp_path / "f.part.json").read_text())
    assert note["total"] == len(DATA)
    assert "X-Amz" not in json.dumps(note)


def test_asked_path__server_under_a_path_is_not_named_twice():
    url = "https://host.example.org/kobo/api/v2/assets/a/data/1/attachments/x/?a=1"
    for given in (url, "/kobo/api/v2/assets/a/data/1/attachments/x/?a=1"):
        assert asked_path(given, "/kobo") == "/api/v2/assets/a/data/1/attachments/x/?a=1"
    assert asked_path("/kobold/x/", "/kobo") == "/kobold/x/"
