"""Run the sandbox: in a background thread for tests and notebooks, or for the command line.

Not here: what it answers. It listens on the loopback address only, so no other computer reaches it.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from survey_tools.errors import KoboError
from survey_tools.kobo.sandbox import control, data_handlers, handlers
from survey_tools.kobo.sandbox.asset import SandboxAsset, asset_from
from survey_tools.kobo.sandbox.rows import STATUS_LABELS
from survey_tools.kobo.sandbox.storage import load_sandbox
from survey_tools.kobo.sandbox.world import Fault, Request, World, new_tokens

LOOPBACK = "127.0.0.1"
Assets = Iterable[Mapping[str, Any] | SandboxAsset]


class Sandbox:
    """A KoboToolbox API v2 server on this computer, for tests, demonstrations and the curious.

    Use it as a context manager, or call `start` and `stop`. It runs in a thread with an event loop
    of its own, so it also works inside a Jupyter kernel.

    Parameters
    ----------
    folder_or_assets : path, or iterable of mapping
        A folder made by `write_sandbox`, or the descriptions that it takes.
    token : str, optional
        The owner's token; a random one is made if none is given.
    port : int
        0 takes a free one.
    max_page, default_page : int
        Rows a page at most, and where the request names no limit.

    Attributes
    ----------
    url, token : str
        Where it listens, without a slash at the end, and the owner's token.
    tokens : dict
        Tokens by user: ``owner``; ``reader`` (sees all rows, changes none); ``partial`` (sees the
        rows of ``partial_filter``); ``viewer`` (sees the form, no rows); ``outsider`` (nothing).
    requests : list of Request
        What was asked so far: method, path, status.
    on_request : callable, optional
        Called with method and path before a request is answered, in the server's thread: a test
        can change rows in the middle of someone's walk.

    Raises
    ------
    KoboError
        If the folder is no sandbox or the port is taken.
    """

    def __init__(
        self,
        folder_or_assets: str | Path | Assets,
        token: str | None = None,
        port: int = 0,
        max_page: int = 1000,
        default_page: int = 100,
    ) -> None:
        if isinstance(folder_or_assets, (str, Path)):
            assets = load_sandbox(folder_or_assets)
        else:
            assets = [asset_from(asset) for asset in folder_or_assets]
        by_uid = {asset.uid: asset for asset in assets}
        self._world = World(by_uid, new_tokens(token), default_page, max_page)
        self._port = port
        self._sockets: list[socket.socket] = []
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()

    @property
    def url(self) -> str:
        """Where the sandbox listens."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def token(self) -> str:
        """The owner's token."""
        return self._world.tokens["owner"]

    @property
    def tokens(self) -> dict[str, str]:
        """Tokens by user."""
        return dict(self._world.tokens)

    @property
    def assets(self) -> dict[str, SandboxAsset]:
        """The form projects by uid; their flags can be changed while the sandbox runs."""
        return self._world.assets

    @property
    def requests(self) -> list[Request]:
        """What was asked so far."""
        return self._world.requests

    @property
    def on_request(self) -> Callable[[str, str], None] | None:
        """Called before each request is answered."""
        return self._world.on_request

    @on_request.setter
    def on_request(self, call: Callable[[str, str], None] | None) -> None:
        self._world.on_request = call

    def __repr__(self) -> str:
        return f"Sandbox({self.url}, assets={list(self.assets)})"

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Sandbox:
        """Listen, in a thread of its own; returns when requests are answered."""
        self._bind()
        ready = threading.Event()
        run = self._serve(ready.set)
        self._thread = threading.Thread(target=asyncio.run, args=(run,), daemon=True)
        self._thread.start()
        if not ready.wait(timeout=10):
            raise KoboError("The sandbox did not start.", where=self.url)
        return self

    def stop(self) -> None:
        """Stop listening and wait for the thread to end."""
        if self._thread and self._loop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout=10)
        self._thread = None

    def add(self, uid: str, row: dict[str, Any]) -> dict[str, Any]:
        """Add a submission; the fields that the server writes are filled in. Returns the row."""
        return self._world.add_row(uid, row)

    def edit(self, uid: str, row_id: int, changes: dict[str, Any]) -> dict[str, Any]:
        """Edit a submission (None removes an answer): same ``_id``, new ``_uuid``. Returns it."""
        return self._world.edit_row(uid, row_id, changes)

    def delete(self, uid: str, ids: Iterable[int]) -> int:
        """Delete submissions without a trace and say how many."""
        return self._world.delete_rows(uid, ids)

    def set_status(self, uid: str, row_id: int, status: str) -> dict[str, Any]:
        """Set a validation status, such as ``approved``; nothing else of the row changes."""
        full = status if status in STATUS_LABELS or not status else f"validation_status_{status}"
        if full and full not in STATUS_LABELS:
            known = ", ".join(name.removeprefix("validation_status_") for name in STATUS_LABELS)
            raise KoboError("No such validation status.", expected=known, found=status)
        return self._world.set_status(uid, row_id, full)

    def deploy(self, uid: str, version: str, content: dict[str, Any]) -> None:
        """Deploy a new version of a form."""
        with self._world.lock:
            self._world.asset(uid).deploy(version, content)

    def fail(self, kind: str = "status", **fault: Any) -> None:
        """Let the next requests fail; see `Fault` for the kinds and what they take."""
        self._world.faults.append(Fault(kind=kind, **fault))

    def heal(self) -> None:
        """Forget the faults that are still to come."""
        self._world.faults.clear()

    def _bind(self) -> None:
        try:
            listening = socket.create_server((LOOPBACK, self._port), backlog=128)
        except OSError as error:
            raise KoboError(
                "The sandbox cannot listen.",
                expected="a free port",
                found=f"port {self._port} is taken or not allowed",
                next_step="Name another port, or 0 for any free one.",
            ) from error
        listening.setblocking(False)
        self._sockets = [listening]
        self._port = listening.getsockname()[1]

    async def _serve(self, ready: Callable[[], object]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = HTTPServer(_application(self._world), xheaders=True)
        server.add_sockets(self._sockets)
        ready()
        await self._stop.wait()
        server.stop()
        await server.close_all_connections()


def serve_forever(
    folder: str | Path,
    token: str | None = None,
    port: int = 0,
    on_ready: Callable[[Sandbox], object] | None = None,
    **options: int,
) -> None:
    """Serve a folder until Ctrl-C or a request to end; for the command line.

    Parameters
    ----------
    folder : str or Path
        Made by `write_sandbox`.
    token, port
        As for `Sandbox`.
    on_ready : callable, optional
        Called with the sandbox once it answers: the place to say its address.
    **options
        ``max_page`` and ``default_page`` of `Sandbox`.
    """
    sandbox = Sandbox(folder, token=token, port=port, **options)
    sandbox._bind()
    asyncio.run(_until_signalled(sandbox, on_ready))


async def _until_signalled(sandbox: Sandbox, on_ready: Callable[[Sandbox], object] | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, lambda: sandbox._stop.set())
        except NotImplementedError:  # Windows: Ctrl-C ends asyncio.run by itself
            continue
    await sandbox._serve(lambda: on_ready(sandbox) if on_ready else None)


def _application(world: World) -> Application:
    asset = r"/api/v2/assets/(?P<uid>[^/]+)/"
    row = asset + r"data/(?P<row>[^/]+)/"
    routes: list[tuple[str, type[RequestHandler]]] = [
        (r"/", control.WelcomeView),
        (r"/_sandbox/faults", control.FaultsView),
        (r"/_sandbox/rows", control.RowsView),
        (r"/_sandbox/requests", control.RequestsView),
        (r"/(?:api/v1|assets)(?:/.*)?", handlers.GoneView),
        (r"/api/v2/assets/", handlers.AssetsView),
        (asset, handlers.AssetView),
        (asset + r"versions/", handlers.VersionsView),
        (asset + r"versions/(?P<version>[^/]+)/", handlers.VersionView),
        (asset + r"deployment/", handlers.DeploymentView),
        (asset + r"counts/", data_handlers.CountsView),
        (asset + r"data/", data_handlers.DataView),
        (asset + r"data/bulk/", data_handlers.BulkView),
        (asset + r"data/validation_statuses/", data_handlers.StatusesView),
        (row, data_handlers.RowView),
        (row + r"validation_status/", data_handlers.StatusView),
        (r".*", handlers.UnknownView),
    ]
    return Application(
        [(path, handler, {"world": world}) for path, handler in routes],
        log_function=lambda handler: None,  # each request is noted before it is answered
    )
