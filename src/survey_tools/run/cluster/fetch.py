"""Fetch what workers made out of a shared folder, hold it to this machine's gate, and put it in its place.

Workers without the workspace do not have `data/private`, so that their own gate knows no private value.
Not here: making pages, or the shared folder itself (survey_tools.run.cluster.share).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from survey_tools.errors import DisclosureError, RunError
from survey_tools.files import PRIVATE, PUBLIC, replacing
from survey_tools.params import Workspace
from survey_tools.run.batch.task import FAILED, OK, Result
from survey_tools.run.cluster.share import Share
from survey_tools.run.cluster.worker import Reply, files_of
from survey_tools.run.gate import blotted, open_gate
from survey_tools.run.kernels.failure import Failure

AT_ONCE = 8
TRIES = 2


class Fetcher:
    """Threads that fetch the files of finished tasks, several at once.

    Parameters
    ----------
    ws : Workspace
    run : str
    share : Share
    """

    def __init__(self, ws: Workspace, run: str, share: Share) -> None:
        self._folder, self._share = ws.reports(run), share
        self._gate = open_gate(ws, self._folder)
        self._one_at_the_gate = threading.Lock()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch")

    def fetch(self, name: str, reply: Reply, tell: Callable[[Result], None]) -> None:
        """Fetch the files of the task `name` and then call `tell` with the result, whatever happens."""
        self._pool.submit(lambda: tell(self._told(name, reply)))

    def close(self) -> None:
        """Fetch nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _told(self, name: str, reply: Reply) -> Result:
        """Return a result whatever happens: the run would wait for ever for one that does not come."""
        try:
            return self._blotted(self._fetched(name, reply))
        except BaseException as error:
            # its message is left out: it may be what could not be blotted
            what = "what the worker told of the page could not be searched for personal data"
            failure = Failure("on the way back", type(error).__name__, what, what)
            return replace(
                reply.result, status=FAILED, failure=failure, files={}, warnings=(), passes=False
            )

    def _fetched(self, name: str, reply: Reply) -> Result:
        try:
            result = self._released(name, reply, self._contents(name, reply))
        except Exception as error:  # each store has its own errors; one page costs no other
            failure = Failure("on the way back", type(error).__name__, str(error), str(error))
            result = replace(reply.result, status=FAILED, failure=failure, files={}, passes=True)
        self._share.remove(str(reply.folder))
        return result

    def _blotted(self, result: Result) -> Result:
        failure = result.failure and blotted(result.failure, self._gate)
        return replace(
            result, failure=failure, warnings=tuple(map(self._gate.blot, result.warnings))
        )

    def _contents(self, name: str, reply: Reply) -> dict[str, bytes]:
        files = dict(reply.files or {})
        if not set(reply.result.files) <= set(files) <= set(files_of(name)):
            raise RunError("The worker sent other files than it said.", found=", ".join(files))
        for left in reversed(range(TRIES)):
            try:
                return {file: self._read(f"{reply.folder}/{file}", files[file]) for file in files}
            except Exception:  # a second try is worth while, whatever a store calls its error
                if not left:
                    raise
        raise AssertionError("not reached")

    def _read(self, place: str, digest: str) -> bytes:
        content = self._share.read(place)
        if hashlib.sha256(content).hexdigest() != digest:
            raise RunError(
                "A file is not what the worker made.", expected=f"SHA-256 {digest}", where=place
            )
        return content

    def _released(self, name: str, reply: Reply, contents: dict[str, bytes]) -> Result:
        """Write the files of a task that went well if all of them pass, or a failed notebook."""
        *page, notebook, failed = (self._folder / file for file in files_of(name))
        result = reply.result
        if result.status == OK:
            try:
                with self._one_at_the_gate:
                    for file, content in contents.items():
                        self._gate(file, content)
            except DisclosureError as error:
                failure = Failure("at the gate", type(error).__name__, str(error), str(error))
                result = replace(result, status=FAILED, failure=failure, files={})
                contents = {}
        for file, content in contents.items():
            mode = PRIVATE if file.startswith("notebooks/") else PUBLIC
            with replacing(self._folder / file, mode=mode) as temporary:
                temporary.write_bytes(content)
        for stale in (failed,) if result.status == OK else (*page, notebook):
            stale.unlink(missing_ok=True)
        return result
