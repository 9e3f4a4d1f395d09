"""Find the token of the survey server and put it on requests to that server, and on no other.

Not here: requests.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import httpx

from survey_tools.errors import KoboError
from survey_tools.kobo.http.address import Address


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


def checked_token(token: str) -> str:
    """Return a token without spaces around it.

    Raises
    ------
    KoboError
        If it is none; it is not shown.
    """
    token = token.strip()
    if token and token.isascii() and token.isprintable() and " " not in token:
        return token
    raise KoboError(
        "The token is not well formed.",
        expected="letters and digits without spaces, as the account's settings show it",
        next_step="Copy it again into KOBO_TOKEN or the file that KOBO_TOKEN_FILE names.",
    )


class TokenAuth(httpx.Auth):
    """Adds the token to requests for the one server, and to no other."""

    def __init__(self, token: str, address: Address) -> None:
        self._header = f"Token {token}"
        self._address = address

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header where it belongs."""
        url = request.url
        if self._address.same_origin(url.scheme, url.host, url.port):
            request.headers["Authorization"] = self._header
        yield request
