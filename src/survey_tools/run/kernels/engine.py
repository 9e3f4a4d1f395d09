"""A papermill engine for batches: the same kernel protocol, less waiting, no saves on the way, less output.

Saving is left to `execute`, which writes once. Not here: which notebook runs, or what becomes of it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_async, run_sync
from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from traitlets.config import Config

from survey_tools.run.kernels.forks import ADDRESS, SOCKET_PATH

ENGINE = "survey-tools"
IOPUB_SECONDS = 60
"""How late a cell's last output may come on a busy machine; a kernel that died is noticed at once."""

_MB = 1_000_000

log = logging.getLogger("survey_tools.notebook")
log.addHandler(logging.NullHandler())
log.propagate = False


class OutputLimitError(Exception):
    """A notebook put out more than it may."""


@dataclass
class Watch:
    """What the caller of papermill wants to know or bound while a notebook runs, and what came of it."""

    env: Mapping[str, str]
    words: Any
    """Open file for what the kernel itself says, of a crash for example."""
    output_mb: float | None = None
    before: str = ""
    """Code run silently in the kernel before the first cell."""
    on_kernel: Callable[[int], None] | None = None
    on_cell: Callable[[int], None] | None = None
    notebook: Any = None
    ready: float = 0.0
    """When the kernel answered, by `time.monotonic`."""
    kernel: Any = None
    put_out: int = 0
    """Characters put out so far."""


class _Manager(NotebookExecutionManager):
    """Keeps times and states as papermill does, and saves nothing."""

    def save(self, **kwargs: Any) -> None:
        pass

    def autosave_cell(self) -> None:
        pass


class _Client(PapermillNotebookClient):
    """Starts without waiting for silence, counts output, and tells of kernel and cells."""

    km: Any
    kc: Any

    def __init__(self, nb_man: _Manager, watch: Watch, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self.watch = watch

    async def async_start_new_kernel_client(self) -> Any:
        """Wait until the kernel answers on both of its channels; no message can be missed from then on."""
        manager = self.km
        if self.watch.on_kernel is not None and manager.provisioner.pid:
            self.watch.on_kernel(manager.provisioner.pid)
        deadline = time.monotonic() + self.startup_timeout
        try:
            await self._bound(deadline)
            self.kc = manager.client()
            self.kc.start_channels(hb=False, stdin=False)
            await self._answers(self.kc, deadline)
        except BaseException:
            await self._async_cleanup_kernel()
            raise
        self.kc.allow_stdin = False
        self.watch.ready, self.watch.kernel = time.monotonic(), manager.provisioner.process
        return self.kc

    start_new_kernel_client = run_sync(async_start_new_kernel_client)

    async def _bound(self, deadline: float) -> None:
        """Wait for the kernel's sockets: who connects before they are there tries again 0.1 s later."""
        manager = self.km
        while manager.transport == "ipc" and time.monotonic() < deadline:
            ports = (manager.shell_port, manager.iopub_port)
            if all(os.path.exists(f"{manager.ip}-{port}") for port in ports):  # noqa: PTH110
                return
            if not await ensure_async(manager.is_alive()):
                raise RuntimeError("the kernel died before it answered")
            await asyncio.sleep(0.003)

    async def _async_cleanup_kernel(self) -> None:
        """Kill the kernel and go on as soon as it has ended, without asking it to interrupt its work."""
        manager, client = self.km, self.kc
        try:
            if manager.has_kernel:
                await manager.provisioner.kill()
                await asyncio.wait_for(manager.provisioner.wait(), 5)
        finally:
            await ensure_async(manager.cleanup_resources())
            if client is not None:
                client.stop_channels()
            self.kc = self.km = None

    _cleanup_kernel = run_sync(_async_cleanup_kernel)

    async def _answers(self, client: Any, deadline: float) -> None:
        replied = heard = False
        while not (replied and heard):
            asked = client.kernel_info()
            try:
                while not (replied and heard):
                    channel = client.iopub_channel if replied else client.shell_channel
                    # a message may be lost before the channel is joined: then ask again, soon
                    message = await ensure_async(channel.get_msg(timeout=0.1 if replied else 1))
                    mine = message["parent_header"].get("msg_id") == asked
                    if message["msg_type"] == "kernel_info_reply":
                        client._handle_kernel_info_reply(message)
                        replied = True
                    heard |= mine and message["content"].get("execution_state") == "idle"
            except Empty:
                replied = False
            if not await ensure_async(self.km.is_alive()):
                raise RuntimeError("the kernel died before it answered")
            if time.monotonic() > deadline:
                raise TimeoutError("the kernel did not answer")

    async def _async_check_alive(self) -> None:
        """Look at the kernel; one that was let go of meanwhile is dead, too."""
        if self.kc is None:
            raise DeadKernelError("the kernel was ended")
        await super()._async_check_alive()

    def papermill_execute_cells(self) -> None:
        """Run the caller's code first, unseen by the notebook."""
        if self.watch.before:
            reply = self.wait_for_reply(self.kc.execute(self.watch.before, silent=True))
            if reply is None or reply["content"]["status"] != "ok":
                raise RuntimeError("the notebook could not be kept from writing into the workspace")
        super().papermill_execute_cells()

    def process_message(self, message: Any, cell: Any, cell_index: int) -> Any:
        """Count what the cell puts out, and stop a kernel that puts out too much."""
        watch = self.watch
        if watch.output_mb is not None and message["msg_type"] in _OUTPUT:
            watch.put_out += _size(message["content"])
            if watch.put_out > watch.output_mb * _MB:
                self.task_poll_for_reply.cancel()
                return None
        return super().process_message(message, cell, cell_index)

    def execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        """Run one cell."""
        try:
            done = super().execute_cell(cell, cell_index, **options)
        except DeadKernelError:
            limit = self.watch.output_mb
            if limit is not None and self.watch.put_out > limit * _MB:
                raise OutputLimitError(f"more than {limit:g} MB were put out") from None
            raise
        if self.watch.on_cell is not None:
            self.watch.on_cell(cell_index)
        return done


_OUTPUT = frozenset({"stream", "display_data", "execute_result", "error", "update_display_data"})


def _size(content: Mapping[str, Any]) -> int:
    texts = [content.get("text"), content.get("evalue"), *(content.get("traceback") or ())]
    texts += map(str, (content.get("data") or {}).values())
    return sum(len(text) for text in texts if text)


class Engine(NBClientEngine):
    """Hands papermill's notebook to a client of ours; `watch` comes as an argument of `execute_notebook`."""

    @classmethod
    def execute_notebook(
        cls, nb: Any, kernel_name: str, output_path: Any = None, **options: Any
    ) -> Any:
        """Run and return the notebook, which `watch` holds, too, if it fails."""
        manager = _Manager(nb, output_path=None, progress_bar=False)
        options["watch"].notebook = nb
        manager.notebook_start()
        try:
            cls.execute_managed_notebook(manager, kernel_name, **options)
        finally:
            manager.notebook_complete()
        return nb

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        """Start a kernel that talks over sockets in a folder closed to other users, run, and end it."""
        watch: Watch = options["watch"]
        # beside the fork server's socket, whose folder goes when the server ends, however that is
        server = os.environ.get(ADDRESS)
        folder = tempfile.mkdtemp(
            prefix="kernel-", dir=str(Path(server).parent) if server else None
        )
        config = Config()
        config.KernelManager.connection_file = f"{folder}/kernel.json"
        if hasattr(socket, "AF_UNIX") and os.name == "posix" and len(folder) < SOCKET_PATH:
            config.KernelManager.transport, config.KernelManager.ip = "ipc", f"{folder}/k"
        client = _Client(
            nb_man,
            watch,
            kernel_name=kernel_name,
            kernel_manager_class=AsyncKernelManager,
            config=config,
            log=log,
            startup_timeout=options["start_timeout"],
            iopub_timeout=IOPUB_SECONDS,
        )
        kept = Path(folder) / "tmp"
        kept.mkdir()
        try:
            return client.execute(
                env={**watch.env, "TMPDIR": str(kept)}, stdout=watch.words, stderr=watch.words
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)


papermill_engines.register(ENGINE, Engine)
