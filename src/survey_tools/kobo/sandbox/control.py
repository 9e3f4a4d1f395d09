"""Let a test or a curious reader change what the sandbox holds and make it fail.

Not here: anything a real server has. These addresses lie outside ``/api`` and need the owner's token.
"""

from __future__ import annotations

from typing import Any

from survey_tools.errors import KoboError
from survey_tools.kobo.sandbox.handlers import HTML, ApiHandler
from survey_tools.kobo.sandbox.world import Fault

WELCOME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>KoboToolbox sandbox</title></head><body>
<h1>KoboToolbox sandbox</h1>
<p>This is an imitation of a KoboToolbox server. It runs on this computer alone, and nothing that is
changed here is kept when it stops.</p>
<p lang="vi">Đây là máy chủ KoboToolbox mô phỏng, chỉ chạy trên máy tính này. Mọi thay đổi sẽ mất
khi dừng máy chủ.</p>
<p>Ask <code>/api/v2/assets/?format=json</code> with the header
<code>Authorization: Token …</code> and the token shown when the sandbox started.</p>
</body></html>
"""


class ControlHandler(ApiHandler):
    """A handler of the control side; it suffers no faults and is not in the log."""

    async def prepare(self) -> None:
        """Let the owner in only."""
        self._authenticate()
        if not self._finished and self.user != "owner":
            self.answer({"detail": "The control side needs the owner's token."}, 401)

    def _note(self, status: int) -> None:
        """Keep the control side out of the log."""


class FaultsView(ControlHandler):
    """``/_sandbox/faults``."""

    def post(self) -> None:
        """Add a fault: what `Fault` takes, but for ``when``."""
        try:
            fault = Fault(**self.payload())
        except (KoboError, TypeError) as error:
            self.answer({"detail": str(error)}, 400)
            return
        self.world.faults.append(fault)
        self.answer({"faults": len(self.world.faults)}, 201)

    def delete(self) -> None:
        """Forget all faults to come."""
        self.world.faults.clear()
        self.answer({"faults": 0})


class RowsView(ControlHandler):
    """``/_sandbox/rows``."""

    def post(self) -> None:
        """Do ``add`` (row), ``edit`` (id, changes), ``delete`` (ids) or ``status`` (id, status)."""
        try:
            self.answer(self._change(self.payload()))
        except (KoboError, KeyError, TypeError, ValueError) as error:
            self.answer({"detail": str(error)}, 400)

    def _change(self, given: dict[str, Any]) -> dict[str, Any]:
        world, uid, change = self.world, given["uid"], given["do"]
        if change == "add":
            return world.add_row(uid, given.get("row", {}))
        if change == "edit":
            return world.edit_row(uid, int(given["id"]), given["changes"])
        if change == "delete":
            return {"deleted": world.delete_rows(uid, map(int, given["ids"]))}
        if change == "status":
            return world.set_status(uid, int(given["id"]), given["status"])
        raise KoboError("No such change.", expected="add, edit, delete, status", found=str(change))


class RequestsView(ControlHandler):
    """``/_sandbox/requests``."""

    def get(self) -> None:
        """List the requests that came; of their headers ``Range`` alone."""
        self.answer({"requests": [request._asdict() for request in self.world.requests]})


class WelcomeView(ApiHandler):
    """``/``: a page for whoever opens the address in a browser."""

    async def prepare(self) -> None:
        """Let anyone in."""

    def get(self) -> None:
        """Say what this is."""
        self.answer(WELCOME, 200, HTML)
