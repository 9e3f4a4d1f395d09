"""Ask one KoboToolbox server for JSON, with a token, patience, and no way to leak the token.

Not here: what the answers mean. Only GET is spoken: nothing on the server is ever changed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx

from survey_tools.errors import KoboError
from survey_tools.kobo.address import Address, read_address
from survey_tools.kobo.answers import UnfinishedBodyError, read_json, refusal

AGAIN = frozenset({429, 502, 503, 504})
LONGEST_PAUSE = 300.0
REDIRECTS = 3


def read_token() -> str:
    """Read the token from ``KOBO_TOKEN``, or from the file that ``KOBO_TOKEN_FILE`` names.

    Returns
    -------
    str
        The token.

    Raises
    ------
    KoboError
        If neither is set, or the file cannot be read or is empty.
    """
    token = os.environ.get("KOBO_TOKEN", "").strip()
    if token:
        return token
    name = os.environ.get("KOBO_TOKEN_FILE", "").strip()
    if not name:
        raise KoboError(
            "There is no token for the survey server.",
            expected="the environment variable KOBO_TOKEN, or KOBO_TOKEN_FILE naming a file",
            next_step="Copy the API key from the account's settings on the server (Security) into "
            "a file that only you can read, and set KOBO_TOKEN_FILE to its path.",
        )
    try:
        token = Path(name).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KoboError(
            "The file with the token cannot be read.",
            found=type(error).__name__,
            where=f"KOBO_TOKEN_FILE={name}",
        ) from error
    if not token:
        raise KoboError("The file with the token is empty.", where=f"KOBO_TOKEN_FILE={name}")
    return token


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
        a body that breaks off. A status 500 is repeated once.
    backoff : float
        Seconds before the first repetition; doubled each time. ``Retry-After`` is honoured.
    transport : httpx.BaseTransport, optional
        In place of the network.
    sleep : callable
        Takes seconds.
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
    ) -> None:
        self.address = read_address(url)
        self._token = _checked(read_token() if token is None else token)
        self._retries, self._backoff, self._sleep = retries, backoff, sleep
        self.requests = 0
        self.bytes = 0
        self._http = httpx.Client(
            auth=_TokenAuth(self._token, self.address),
            timeout=timeout,
            transport=transport,
            follow_redirects=False,
            headers={"Accept": "application/json", "User-Agent": "survey-tools"},
            # A proxy named in the environment must not receive what is meant for this machine.
            trust_env=not self.address.loopback,
        )

    def __repr__(self) -> str:
        return f"KoboSession({str(self.address)!r})"

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
        url = httpx.URL(f"{self.address}{path}", params={**(params or {}), "format": "json"})
        last, pause = "", 0.0
        for attempt in range(self._retries + 1):
            if attempt:
                self._sleep(pause)
            pause = self._backoff * 2**attempt
            try:
                response = self._send(url)
                if not self._worth_repeating(response, attempt):
                    return read_json(response, self._token)
                pause = _pause_wanted(response, pause)
                last = f"status {response.status_code}"
            except (httpx.TransportError, httpx.DecodingError, UnfinishedBodyError) as error:
                last = f"{type(error).__name__}: {self._without_token(str(error))}"
        raise self._unreachable(path, last)

    def _send(self, url: httpx.URL) -> httpx.Response:
        for _ in range(REDIRECTS):
            response = self._http.get(url)
            self.requests += 1
            self.bytes += response.num_bytes_downloaded or len(response.content)
            if not response.has_redirect_location:
                return response
            url = response.url.join(response.headers["location"])
            if not self.address.same_origin(url.scheme, url.host, url.port):
                break
        raise refusal(response, self._token)

    def _worth_repeating(self, response: httpx.Response, attempt: int) -> bool:
        if response.status_code == 500:
            return attempt == 0 and self._retries > 0
        return response.status_code in AGAIN and attempt < self._retries

    def _without_token(self, text: str) -> str:
        return text.replace(self._token, "[token]")

    def _unreachable(self, path: str, last: str) -> KoboError:
        return KoboError(
            f"The server gave no complete answer in {self._retries + 1} attempts.",
            found=last,
            where=f"{self.address}{path}",
            next_step="Check the connection and the server's address, and start again: what came "
            "so far is kept.",
        )


class _TokenAuth(httpx.Auth):
    """Adds the token to requests for the one server, and to no other."""

    def __init__(self, token: str, address: Address) -> None:
        self._header = f"Token {token}"
        self._address = address

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        url = request.url
        if self._address.same_origin(url.scheme, url.host, url.port):
            request.headers["Authorization"] = self._header
        yield request


def _checked(token: str) -> str:
    token = token.strip()
    if token and token.isascii() and token.isprintable() and " " not in token:
        return token
    raise KoboError(
        "The token is not well formed.",
        expected="letters and digits without spaces, as the account's settings show it",
        next_step="Copy it again into KOBO_TOKEN or the file that KOBO_TOKEN_FILE names.",
    )


def _pause_wanted(response: httpx.Response, pause: float) -> float:
    said = response.headers.get("retry-after", "").strip()
    if not said:
        return pause
    try:
        wanted = float(said)
    except ValueError:
        wanted = _seconds_until(said)
    if wanted > LONGEST_PAUSE:
        raise KoboError(
            "The server asks for a long pause.",
            found=f"Retry-After: {said[:40]}",
            where=str(response.request.url.host),
            next_step="Start again after that time; what came so far is kept.",
        )
    return max(wanted, 0.0)


def _seconds_until(moment: str) -> float:
    try:
        return (parsedate_to_datetime(moment) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return 0.0
