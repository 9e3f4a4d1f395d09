"""Answer API requests about assets, versions and deployments; the base of all API handlers.

Not here: rows (`data_handlers`), the control side (`control`).
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any
from urllib.parse import parse_qsl

from tornado.web import HTTPError, RequestHandler

from survey_tools.kobo.sandbox import bodies
from survey_tools.kobo.sandbox.asset import SandboxAsset
from survey_tools.kobo.sandbox.rows import encode
from survey_tools.kobo.sandbox.world import Fault, Request, World

JSON = "application/json"
HTML = "text/html; charset=utf-8"


class ApiHandler(RequestHandler):
    """Suffer faults, know the user, and answer in the server's words."""

    world: World
    user: str | None = None
    breaking: Fault | None = None

    def initialize(self, world: World) -> None:
        """Take the state."""
        self.world = world

    async def prepare(self) -> None:
        """Run the fault that is due, then find out who asks."""
        await self.suffer_faults()
        if not self._finished:
            self._authenticate()
        if not self._finished:
            self.check()

    async def suffer_faults(self) -> None:
        """Tell who listens that a request came, and run the fault that is due."""
        if self.world.on_request:
            self.world.on_request(str(self.request.method), str(self.request.uri))
        fault = self.world.next_fault(str(self.request.uri))
        if fault:
            await self._suffer(fault)

    def check(self) -> None:
        """Answer what must be refused before the method is looked at."""

    @property
    def root(self) -> str:
        """The address of the API as the asker reached it."""
        return f"{self.request.protocol}://{self.request.host}/api/v2"

    @property
    def params(self) -> dict[str, str]:
        """The query of the address; of a name given twice the last counts."""
        return dict(parse_qsl(self.request.query, keep_blank_values=True))

    @property
    def permissions(self) -> tuple[str, ...]:
        """What the user may do."""
        return self.world.permissions(self.user)

    def answer(self, body: Any, status: int = 200, content_type: str = JSON) -> None:
        """Send a body: bytes and text as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else None
        data = encode(body) if data is None else data
        self.set_status(status)
        self.set_header("Content-Type", content_type)
        if self.breaking:
            self._break_off(data, self.breaking)
        else:
            self.finish(data)

    def finish(self, chunk: Any = None) -> Any:
        """Note the request before its answer leaves, so that who has the answer finds the note."""
        self._note(self.get_status())
        return super().finish(chunk)

    def not_found_page(self) -> None:
        """Answer 404 as the server does outside its API views: a page, or plain words."""
        accept = self.request.headers.get("Accept", "*/*")
        as_page = "*/*" in accept or "text/html" in accept
        self.answer(bodies.HTML_404 if as_page else bodies.PLAIN_404, 404, HTML)

    def payload(self) -> dict[str, Any]:
        """Read a JSON body, or a form whose ``payload`` is JSON."""
        text = self.request.body.decode()
        if "json" not in self.request.headers.get("Content-Type", JSON):
            return dict(parse_qsl(text))
        try:
            body = json.loads(text or "{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise HTTPError(400)
        return body

    def write_error(self, status_code: int, **_: Any) -> None:
        """Put refusals in the server's words; what breaks is a page, not JSON."""
        if status_code == 405:
            self.answer({"detail": f'Method "{self.request.method}" not allowed.'}, 405)
        elif status_code < 500:
            self.answer({"detail": "Malformed request."}, status_code)
        else:
            self.answer(bodies.HTML_500, status_code, HTML)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what is a fault of the sandbox itself; refusals are part of the game."""
        if not isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)

    def _authenticate(self) -> None:
        words = self.request.headers.get("Authorization", "").split()
        scheme = words[0].lower() if words else ""
        if scheme == "basic":
            self.answer({"detail": "Invalid username/password."}, 401)
        if scheme != "token":
            return
        self.user = self.world.user_of(words[1]) if len(words) == 2 else None
        if len(words) == 1:
            problem = "Invalid token header. No credentials provided."
        elif len(words) > 2:
            problem = "Invalid token header. Token string should not contain spaces."
        else:
            problem = "" if self.user else "Invalid token."
        if problem:
            self.answer({"detail": problem}, 401)

    async def _suffer(self, fault: Fault) -> None:
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.kind in ("truncate", "reset", "cut"):
            self.breaking = fault
        elif fault.kind == "drop":
            self._note(0)
            self.detach().close()
        else:
            if fault.retry_after is not None:
                self.set_header("Retry-After", f"{fault.retry_after:g}")
            if fault.status == 429:
                self.answer({"detail": "Request was throttled."}, 429)
            else:
                self.answer(bodies.HTML_500, fault.status, "text/html")

    def _break_off(self, data: bytes, fault: Fault) -> None:
        self.set_header("Content-Length", len(data))
        if fault.kind == "cut":
            self.clear_header("Content-Length")
            self.set_header("Connection", "close")
        lines = [f"{name}: {value}\r\n" for name, value in self._headers.get_all()]
        head = f"HTTP/1.1 {self.get_status()} {self._reason}\r\n{''.join(lines)}\r\n"
        self._note(self.get_status())
        stream = self.detach()
        stream.write(head.encode() + data[: _still_sent(data, fault)])
        if fault.kind == "reset":
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()

    def _note(self, status: int) -> None:
        asked = self.request
        part = asked.headers.get("Range", "")
        request = Request(str(asked.method), str(asked.uri), status, part)
        self.world.requests.append(request)


class AssetHandler(ApiHandler):
    """A handler below one asset; an asset that the user may not see is not found."""

    asset: SandboxAsset

    def check(self) -> None:
        """Find the asset."""
        asset = self.world.assets.get(self.path_kwargs["uid"])
        if asset is None or "view_asset" not in self.permissions:
            self.answer(bodies.NOT_FOUND, 404)
        else:
            self.asset = asset


class AssetsView(ApiHandler):
    """``/api/v2/assets/``."""

    def get(self) -> None:
        """List what the user may see; without a token an empty list."""
        seen = list(self.world.assets.values()) if "view_asset" in self.permissions else []
        with self.world.lock:
            listed = [bodies.listed_body(a, self.root, self.permissions) for a in seen]
        self.answer(bodies.envelope(listed))


class AssetView(AssetHandler):
    """``/api/v2/assets/{uid}/``."""

    def get(self, uid: str) -> None:
        """Describe the asset; its content is the draft."""
        with self.world.lock:
            self.answer(bodies.asset_body(self.asset, self.root, self.permissions))


class VersionsView(AssetHandler):
    """``/api/v2/assets/{uid}/versions/``."""

    def get(self, uid: str) -> None:
        """List the deployed versions."""
        self.answer(bodies.versions_body(self.asset, self.root))


class VersionView(AssetHandler):
    """``/api/v2/assets/{uid}/versions/{version}/``."""

    def get(self, uid: str, version: str) -> None:
        """Give one version with its content."""
        found = self.asset.version(version)
        if found is None:
            self.answer(bodies.NOT_FOUND, 404)
        else:
            self.answer(bodies.version_body(self.asset, found, self.root, whole=True))


class DeploymentView(AssetHandler):
    """``/api/v2/assets/{uid}/deployment/``."""

    def get(self, uid: str) -> None:
        """Describe the deployment, if there is one."""
        if not self.asset.deployed:
            self.answer(bodies.NOT_FOUND, 404)
            return
        with self.world.lock:
            self.answer(bodies.deployment_body(self.asset, self.root, self.permissions))


class GoneView(ApiHandler):
    """The addresses of the first API, which is no more."""

    def check(self) -> None:
        """Say so, whatever the method."""
        self.answer(bodies.GONE, 410)


class UnknownView(ApiHandler):
    """Any other address."""

    def check(self) -> None:
        """Send an API address without its last slash to the one with it; else not found."""
        path = self.request.path
        if self.request.method == "GET" and path.startswith("/api/v2/") and path[-1] != "/":
            query = f"?{self.request.query}" if self.request.query else ""
            self.redirect(f"{path}/{query}", permanent=True)
        else:
            self.not_found_page()


def _still_sent(data: bytes, fault: Fault) -> int:
    """Say how much of a body leaves before it breaks off: never all, and no more than fits at once."""
    wanted = len(data) // 2 if fault.at is None else fault.at
    return max(min(wanted, len(data) - 1, 1 << 16), 0)
