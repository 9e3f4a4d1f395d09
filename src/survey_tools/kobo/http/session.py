"""Ask one KoboToolbox server for JSON and files, with a token, patience, and no way to leak it.

Not here: what the answers mean, how a file is written (`download`). Only GET is spoken: nothing on
the server is ever changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import httpx

from survey_tools.errors import KoboError
from survey_tools.kobo.http.address import Address, read_address
from survey_tools.kobo.http.answers import (
    PassingError,
    UnfinishedBodyError,
    http_date,
    pause_wanted,
    read_json,
    refusal,
    store_refusal,
)
from survey_tools.kobo.http.credentials import TokenAuth, checked_token, read_token
from survey_tools.kobo.http.download import Download, PartFile, Progress, asked_path, receive

AGAIN = frozenset({429, 500, 502, 503, 504})
REDIRECTS = 3
T = TypeVar("T")


class KoboSession:
    """One server and one token.

    Parameters
    ----------
    url : str
        The server, https (plain http only to this machine).
    token : str, optional
        Read by `read_token` if not given.
    timeout : float
        Seconds without an answer after which a request counts as failed.
    retries : int
        How often a request is repeated after 429, 502, 503, 504, a broken connection, a timeout or
        a body that breaks off. A status 500 is repeated once. A file that grows starts the count
        anew.
    backoff : float
        Seconds before the first repetition; doubled each time. ``Retry-After`` is honoured.
    transport : httpx.BaseTransport, optional
        In place of the network.
    sleep : callable
        Takes seconds.
    clock : callable, optional
        Gives the time of this computer, with its zone.

    Attributes
    ----------
    requests, bytes : int
        Asked and received so far.
    server_time : datetime or None
        What the server's clock said in its newest answer (UTC, whole seconds).
    clock_offset : float or None
        Seconds that this computer's clock was ahead of the server's at that moment, to about one
        second.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 5,
        backoff: float = 0.5,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.address = read_address(url)
        self._token = checked_token(read_token() if token is None else token)
        self._retries, self._backoff, self._sleep = retries, backoff, sleep
        self._clock = clock
        self.requests = 0
        self.bytes = 0
        self.server_time: datetime | None = None
        self.clock_offset: float | None = None
        self._http = httpx.Client(
            auth=TokenAuth(self._token, self.address),
            timeout=_limit(timeout),
            transport=transport,
            follow_redirects=False,
            headers={"Accept": "application/json", "User-Agent": "survey-tools"},
            # Nothing but the token is sent back: no cookie of one server goes to another port or path.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # A proxy named in the environment must not receive what is meant for this machine.
            trust_env=not self.address.loopback,
        )

    def __repr__(self) -> str:
        return f"KoboSession({str(self.address)!r})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a session holds a token, so it is neither copied nor pickled")

    def __enter__(self) -> KoboSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Fetch JSON.

        Parameters
        ----------
        path : str
            Under the server's address, from ``/api`` on.
        params : mapping, optional
            The query; ``format=json`` is added.

        Returns
        -------
        Any
            The body.

        Raises
        ------
        KoboError
            If the server refuses, stays unreachable, or answers something else than JSON.
        """
        url = httpx.URL(self._own(path), params={**(params or {}), "format": "json"})

        def once() -> Any:
            with self._open(url) as response:
                response.read()
                if not response.num_bytes_downloaded:
                    self.bytes += len(response.content)
                if response.status_code in AGAIN:
                    raise PassingError(response)
                return read_json(response, self._token)

        return self._patiently(path, once)

    def download(
        self,
        url_or_path: str,
        target: Path,
        *,
        resume: bool = True,
        mimetype: str = "",
        progress: Progress | None = None,
    ) -> Download:
        """Fetch a file in pieces, without holding it in memory.

        It grows as ``<name>.part`` beside the target, with mode 0600, and gets its name when it is
        whole. What an earlier attempt left is continued, but only where the server can vouch that
        it is the same file (by a strong ETag, or else by Last-Modified).

        Parameters
        ----------
        url_or_path : str
            From ``/api`` on, or a whole address out of a row. Of that the path counts: the file is
            asked of this session's server, whatever host the row names.
        target : Path
            In a folder that is there; an older file is replaced.
        resume : bool
            Whether to continue what an earlier attempt left.
        mimetype : str
            What the file should be; a web page is refused unless this says that it is one.
        progress : callable, optional
            Called with the bytes there so far and the whole length.

        Returns
        -------
        Download
            Length, SHA-256 and where it was continued.

        Raises
        ------
        KoboError
            If the server refuses or stays unreachable, or what came is not the whole file. The part
            that came is kept for the next attempt.
        """
        path = asked_path(url_or_path, self.address.path)
        url, part = httpx.URL(self._own(path)), PartFile(target, path, resume=resume)

        def once() -> Download:
            with self._open(url, part.headers(), files=True) as response:
                if not response.is_success and response.status_code != 416:
                    response.read()
                    if response.status_code in AGAIN:
                        raise PassingError(response)
                    raise self._refused(response)
                return receive(response, part, mimetype=mimetype, progress=progress)

        return self._patiently(path.partition("?")[0], once, lambda: part.most)

    @contextmanager
    def _open(
        self, url: httpx.URL, headers: Mapping[str, str] | None = None, *, files: bool = False
    ) -> Iterator[httpx.Response]:
        for hop in range(REDIRECTS):
            with self._http.stream("GET", url, headers=headers) as response:
                self.requests += 1
                try:
                    if not response.has_redirect_location:
                        self._note_clock(response)
                        yield response
                        return
                    url = _next(response)
                    if hop + 1 == REDIRECTS or not self._may_follow(url, files=files):
                        response.read()
                        raise refusal(response, self._token)
                finally:
                    self.bytes += response.num_bytes_downloaded

    def _may_follow(self, url: httpx.URL, *, files: bool) -> bool:
        """Follow on the own server; for files also to a store elsewhere, which gets no token."""
        if self._is_own(url):
            return True
        if not files or not url.host or url.userinfo:
            return False
        if url.scheme == "https":
            return True
        there = Address(url.scheme, url.host, url.port or 80)
        return url.scheme == "http" and there.loopback and self.address.loopback

    def _is_own(self, url: httpx.URL) -> bool:
        return self.address.same_origin(url.scheme, url.host, url.port)

    def _own(self, path: str) -> str:
        # Without the slash a path such as "@elsewhere" would change the host.
        if not path.startswith("/"):
            raise KoboError("This is no path on the server.", expected="a path from / on")
        return f"{self.address}{path}"

    def _note_clock(self, response: httpx.Response) -> None:
        said = http_date(response.headers.get("date", ""))
        if said is not None and self._is_own(response.url):
            self.server_time = said
            self.clock_offset = (self._clock() - said).total_seconds()

    def _patiently(
        self, path: str, once: Callable[[], T], gained: Callable[[], int] = lambda: 0
    ) -> T:
        attempt, most, failed_inside = 0, gained(), False
        while True:
            pause, answered = self._backoff * 2**attempt, None
            cause: Exception | None = None
            try:
                return once()
            except PassingError as trouble:
                answered = trouble.response
                last = f"status {answered.status_code}"
            except (httpx.TransportError, httpx.DecodingError, UnfinishedBodyError) as error:
                last = f"{type(error).__name__}: {error}".replace(self._token, "[token]")
                cause = error if self._token not in repr(error) else None
            if gained() > most:
                attempt, most = 0, gained()
            inside = answered is not None and answered.status_code == 500
            if attempt >= self._retries or (inside and failed_inside):
                told = (
                    self._unreachable(path, last) if answered is None else self._refused(answered)
                )
                raise told from cause
            failed_inside = failed_inside or inside
            self._sleep(pause if answered is None else pause_wanted(answered, pause))
            attempt += 1

    def _refused(self, response: httpx.Response) -> KoboError:
        if not self._is_own(response.url):
            return store_refusal(response)
        about = "form" if response.request.headers.get("accept") == "application/json" else "file"
        return refusal(response, self._token, about=about)

    def _unreachable(self, path: str, last: str) -> KoboError:
        return KoboError(
            f"The server gave no complete answer in {self._retries + 1} attempts.",
            found=last,
            where=f"{self.address}{path}",
            next_step="Check the connection and the server's address, and start again: what came "
            "so far is kept.",
        )


def _limit(timeout: float) -> float:
    if timeout is not None and 0 < timeout < float("inf"):
        return timeout
    raise KoboError("A request needs a time limit.", expected="seconds", found=str(timeout))


def _next(response: httpx.Response) -> httpx.URL:
    try:
        return response.url.join(response.headers["location"])
    except httpx.InvalidURL as error:
        raise UnfinishedBodyError("the address of a redirect cannot be read") from error
