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

from survey_tools.errors import KoboError
from survey_tools.kobo.sandbox.asset import SandboxAsset, asset_from
from survey_tools.kobo.sandbox.routes import application, store_application
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
    file_store : bool
        Whether files come from a store on another port, to which the server redirects, as the
        cloud servers do.

    Attributes
    ----------
    url, token : str
        Where it listens, without a slash at the end, and the owner's token.
    tokens : dict
        Tokens by user: ``owner``; ``reader`` (sees all rows, changes none); ``partial`` (sees the
        rows of ``partial_filter``); ``viewer`` (sees the form, no rows); ``outsider`` (nothing).
    requests : list of Request
        What was asked so far: method, path, status, range.
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
        file_store: bool = False,
    ) -> None:
        if isinstance(folder_or_assets, (str, Path)):
            assets = load_sandbox(folder_or_assets)
        else:
            assets = [asset_from(asset) for asset in folder_or_assets]
        by_uid = {asset.uid: asset for asset in assets}
        self._world = World(by_uid, new_tokens(token), default_page, max_page)
        self._port, self._file_store = port, file_store
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

    def attach(
        self,
        uid: str,
        row_id: int,
        name: str,
        data: bytes,
        *,
        question: str = "",
        mimetype: str = "",
    ) -> dict[str, Any]:
        """Add a file to a submission, as when a device sends it late: only ``_attachments`` changes.

        Returns its item there, which names its uid.
        """
        about = {"question": question, "mimetype": mimetype}
        return self._world.attach(uid, row_id, name, data, **about)

    def remove_file(self, uid: str, row_id: int, attachment: str) -> None:
        """Mark a file as deleted on the server; its item stays in the row."""
        self._world.remove_file(uid, row_id, attachment)

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
        server = HTTPServer(application(self._world), xheaders=True)
        server.add_sockets(self._sockets)
        store = HTTPServer(store_application(self._world))
        if self._file_store:
            listening = socket.create_server((LOOPBACK, 0))
            listening.setblocking(False)
            store.add_sockets([listening])
            self._world.store_url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
        ready()
        await self._stop.wait()
        for each in (server, store):
            each.stop()
            await each.close_all_connections()


def serve_forever(
    folder: str | Path,
    token: str | None = None,
    port: int = 0,
    on_ready: Callable[[Sandbox], object] | None = None,
    **options: Any,
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
        ``max_page``, ``default_page`` and ``file_store`` of `Sandbox`.
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
