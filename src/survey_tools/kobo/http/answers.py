"""Turn what the server answered into JSON or into an error that says what to do.

Not here: asking again (the session does that) or what a row means.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from survey_tools.errors import KoboError

NOT_DEPLOYED = "not been deployed"
LONGEST_PAUSE = 300.0
_SHORT = 200


class UnfinishedBodyError(Exception):
    """A body that broke off: worth asking again."""


class PassingError(Exception):
    """An answer that a later attempt may turn into a good one."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"status {response.status_code}")
        self.response = response


def read_json(response: httpx.Response, token: str = "") -> Any:
    """Return the JSON of a good answer.

    Parameters
    ----------
    response : httpx.Response
        An answer with its body read.
    token : str
        Taken out of any text quoted in an error.

    Returns
    -------
    Any
        The body.

    Raises
    ------
    KoboError
        For every status but 2xx, and for a body that is not JSON.
    UnfinishedBodyError
        If the body says that it is JSON and breaks off.
    """
    if not response.is_success:
        raise refusal(response, token)
    if not is_json(response):
        raise KoboError(
            "The server answered with a web page in place of data.",
            expected="JSON",
            found=_kind_said(response, token),
            where=where(response),
            next_step="Check that the address is the KoboToolbox server's own (the one of the form "
            "builder) and that no login page of a network stands in between.",
        )
    try:
        return json.loads(response.content)
    except ValueError as error:
        raise UnfinishedBodyError("the body is no complete JSON") from error


def refusal(response: httpx.Response, token: str = "", *, about: str = "form") -> KoboError:
    """Explain an answer that is not 2xx; ``about`` is ``file`` where a file was asked for."""
    status, said = response.status_code, detail(response, token)
    what, next_step = _explain(status, said, is_json(response))
    if status == 404 and about == "file":
        what = "The server does not have the file, or this token may not see it."
        next_step = "Pull the rows again: the file may have been deleted on the server since."
    found = f"status {status}" + (f": {said}" if said else "")
    return KoboError(what, found=found, where=where(response), next_step=next_step)


def store_refusal(response: httpx.Response) -> KoboError:
    """Explain why the store of files, to which the server sends for a file, does not give it."""
    return KoboError(
        "The store of files to which the server points does not give the file.",
        found=f"status {response.status_code}",
        where=str(response.request.url.host),
        next_step="Check that this network reaches the store and that the computer's clock is "
        "right (such addresses hold for minutes only), then start again.",
    )


def http_date(text: str) -> datetime | None:
    """Read a date as HTTP headers carry it; None where there is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def pause_wanted(response: httpx.Response, pause: float) -> float:
    """Return the seconds that ``Retry-After`` asks for, or else the pause that was meant.

    A date counts from the server's own clock where the answer gives it.

    Raises
    ------
    KoboError
        If the server asks for more than five minutes.
    """
    said = response.headers.get("retry-after", "").strip()
    wanted = _seconds(said, response.headers.get("date", ""))
    if math.isnan(wanted):
        return pause
    if wanted > LONGEST_PAUSE:
        raise KoboError(
            "The server asks for a long pause.",
            found=f"Retry-After: {said[:40]}",
            where=str(response.request.url.host),
            next_step="Start again after that time; what came so far is kept.",
        )
    return max(wanted, 0.0)


def _seconds(said: str, now: str) -> float:
    try:
        return float(said)
    except ValueError:
        until = http_date(said)
    if until is None:
        return math.nan
    return (until - (http_date(now) or datetime.now(UTC))).total_seconds()


def is_json(response: httpx.Response) -> bool:
    """Say whether the answer calls itself JSON."""
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def where(response: httpx.Response) -> str:
    """Name the address asked, without the query."""
    url = response.request.url
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.path}"


def detail(response: httpx.Response, token: str = "") -> str:
    """Return the server's own words, if it gave any in JSON."""
    if not is_json(response):
        return ""
    try:
        body = json.loads(response.content)
    except ValueError:
        return ""
    if isinstance(body, dict) and isinstance(body.get("detail"), str):
        text = body["detail"]
    else:
        # Other bodies may hold answers; their keys tell enough.
        text = ", ".join(map(str, body)) if isinstance(body, dict) else type(body).__name__
    if token:
        text = text.replace(token, "[token]")
    return text[:_SHORT]


def _kind_said(response: httpx.Response, token: str) -> str:
    said = response.headers.get("content-type") or "no content type"
    return said.replace(token, "[token]")[:_SHORT] if token else said[:_SHORT]


def _explain(status: int, said: str, json_body: bool) -> tuple[str, str]:
    if status == 400:
        return _explain_400(said)
    if status == 401:
        return _explain_401(said)
    if status == 404:
        return _explain_404(json_body)
    if 300 <= status < 400:
        return (
            "The server sends this address elsewhere.",
            "Use the final address as the server's address; the token is not sent to another host.",
        )
    if status in _OTHERS:
        return _OTHERS[status]
    if status >= 500:
        return ("The server failed.", "Try again later; nothing was changed here.")
    return ("The server refused the request.", "See the server's words above.")


def _explain_400(said: str) -> tuple[str, str]:
    if NOT_DEPLOYED in said:
        return (
            "The form is not deployed, so it has no data.",
            "Deploy the form on the server, or check the form's uid.",
        )
    return (
        "The server did not understand the request.",
        "The server may be of a release that this package does not know; report the words above.",
    )


def _explain_401(said: str) -> tuple[str, str]:
    if "header" in said:
        return (
            "The token is not well formed.",
            "Copy it again from the account's settings (Security, API key), without spaces.",
        )
    return (
        "The server does not accept the token.",
        "Check that KOBO_TOKEN belongs to this server and was not renewed since.",
    )


def _explain_404(json_body: bool) -> tuple[str, str]:
    if json_body:
        return (
            "The form does not exist, or this token may not see it "
            "(the server answers both in the same words).",
            "Check the form's uid, and that the account was given 'View submissions' on it.",
        )
    return (
        "The server has nothing at this address: no such form, a form in the trash, or no "
        "KoboToolbox API.",
        "Check the form's uid and the server's address.",
    )


_OTHERS = {
    403: (
        "The account is not allowed to do this.",
        "Ask the form's owner for the permission 'View submissions'.",
    ),
    405: (
        "The server does not allow this kind of request here.",
        "Check that the address is a KoboToolbox server and not a web page in front of it.",
    ),
    410: (
        "The server has removed the old API (v1).",
        "Use the server's plain address, without /api/v1 or a path to a form.",
    ),
    429: (
        "The server, or a proxy in front of it, asks for a pause and kept asking.",
        "Wait some minutes and start again; what came so far is kept.",
    ),
    500: (
        "The server failed inside (often its database is down).",
        "Try again later; if it goes on, tell the server's administrator. Nothing was changed here.",
    ),
    502: (
        "The server is not reachable behind its proxy (502).",
        "Try again later; what came so far is kept.",
    ),
    503: (
        "The server is down for maintenance (503).",
        "Try again later; what came so far is kept.",
    ),
    504: (
        "The server took too long behind its proxy (504).",
        "Try again later; what came so far is kept.",
    ),
}
