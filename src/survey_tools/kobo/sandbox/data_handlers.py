"""Answer API requests about submissions: pages, one row, edits, deletions, validation status.

Not here: evaluating queries (`mongo`), changing rows (`rows`).
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from survey_tools.kobo.sandbox import bodies
from survey_tools.kobo.sandbox.asset import SandboxAsset
from survey_tools.kobo.sandbox.files import ROOT
from survey_tools.kobo.sandbox.handlers import HTML, ApiHandler
from survey_tools.kobo.sandbox.mongo import QueryError
from survey_tools.kobo.sandbox.paging import BadParameterError, Page, links, read_page
from survey_tools.kobo.sandbox.rows import STATUS_LABELS, encode


class DataHandler(ApiHandler):
    """A handler below the rows of one asset.

    An unknown asset is a page that is not found; one whose rows the user may not see is JSON.
    """

    asset: SandboxAsset
    needs: ClassVar = {"PATCH": "change_submissions", "DELETE": "delete_submissions"}

    def check(self) -> None:
        """Find the asset and hold the request to what its user may do."""
        asset = self.world.assets.get(self.path_kwargs["uid"])
        needed = self.needs.get(str(self.request.method), "")
        if asset is None:
            self.not_found_page()
        elif not {"view_submissions", "partial_submissions"} & set(self.permissions):
            self.answer(bodies.NOT_FOUND, 404)
        elif not asset.deployed:
            self.answer(bodies.NOT_DEPLOYED, 400)
        elif needed and needed not in self.permissions:
            self.answer(bodies.FORBIDDEN, 403)
        else:
            self.asset = asset

    def select(self, query: Any, sort: Any = None) -> list[int]:
        """List the ids of matching rows among those that the user may see."""
        if isinstance(query, dict) and "partial_submissions" in self.permissions:
            query = {"$and": [query, self.asset.partial_filter]}
        return self.asset.rows.select(query, sort)

    def find(self, row: str) -> int | None:
        """Resolve one row's address among those that the user may see."""
        row_id = self.asset.rows.find(row)
        if row_id is not None and row_id in self.select({"_id": row_id}):
            return row_id
        self.answer(bodies.NOT_FOUND, 404)
        return None

    def located(self, rows: bytes) -> bytes:
        """Give the files in serialised rows the address under which the asker reached the sandbox."""
        return rows.replace(f'"{ROOT}/'.encode(), f'"{self.root}/'.encode())

    def chosen(self) -> tuple[list[int], dict[str, Any]]:
        """Read which rows a bulk request is about, and its payload."""
        payload = self.payload().get("payload", {})
        payload = json.loads(payload) if isinstance(payload, str) else payload
        if "submission_ids" in payload:
            wanted = [int(i) for i in payload["submission_ids"]]
            return [i for i in wanted if i in self.asset.rows], payload
        if "query" in payload or payload.get("confirm"):
            return self.select(payload.get("query", {})), payload
        self.answer({"payload": "`submission_ids` must be an array"}, 400)
        return [], payload


class DataView(DataHandler):
    """``/api/v2/assets/{uid}/data/``."""

    def get(self, uid: str) -> None:
        """Answer one page of rows."""
        try:
            page = read_page(self.params, self.world.default_page, self.world.max_page)
            if not isinstance(page.fields, list):
                raise QueryError("fields are a list")
            with self.world.lock:
                ids = self.select(page.query, page.sort)
                self.answer(self._page(ids, page))
        except BadParameterError as error:
            self.answer(error.body, 400)
        except QueryError:
            self.answer(bodies.HTML_500, 500, HTML)

    def _page(self, ids: list[int], page: Page) -> bytes:
        rows = self.asset.rows
        shown = ids[page.start : page.start + page.limit]
        if page.whole_rows:
            results = [rows.line(row_id) for row_id in shown]
        else:
            results = [encode(rows.project(row_id, page.fields)) for row_id in shown]
        address = f"{self.root}/assets/{self.asset.uid}/data/"
        following, before = links(page, len(ids), address, self.params)
        head = encode({"count": len(ids), "next": following, "previous": before})
        return head[:-1] + b',"results":[' + self.located(b",".join(results)) + b"]}"


class RowView(DataHandler):
    """``/api/v2/assets/{uid}/data/{id or uuid}/``."""

    def get(self, uid: str, row: str) -> None:
        """Answer one row."""
        with self.world.lock:
            if (row_id := self.find(row)) is not None:
                self.answer(self.located(self.asset.rows.line(row_id)))

    def delete(self, uid: str, row: str) -> None:
        """Delete one row."""
        if (row_id := self.find(row)) is not None:
            self.world.delete_rows(uid, [row_id])
            self.set_status(204)
            self.finish()


class BulkView(DataHandler):
    """``/api/v2/assets/{uid}/data/bulk/``."""

    def patch(self, uid: str) -> None:
        """Give some rows the same answers."""
        ids, payload = self.chosen()
        if self._finished:
            return
        edited = [self.world.edit_row(uid, i, payload.get("data", {})) for i in ids]
        results = [
            {
                "uuid": row["_uuid"],
                "root_uuid": row["meta/rootUuid"].removeprefix("uuid:"),
                "status_code": 201,
                "message": "Successful submission",
            }
            for row in edited
        ]
        counts = {"count": len(ids), "successes": len(ids), "failures": 0}
        self.answer({**counts, "results": results})

    def delete(self, uid: str) -> None:
        """Delete some rows."""
        ids, _ = self.chosen()
        if not self._finished:
            count = self.world.delete_rows(uid, ids)
            self.answer({"detail": f"{count} submissions have been deleted"})


class StatusView(DataHandler):
    """``/api/v2/assets/{uid}/data/{id}/validation_status/``."""

    needs: ClassVar = dict.fromkeys(("PATCH", "DELETE"), "validate_submissions")

    def get(self, uid: str, row: str) -> None:
        """Answer the validation status of one row."""
        if (row_id := self.find(row)) is not None:
            self.answer(self.asset.rows.head(row_id)["_validation_status"])

    def patch(self, uid: str, row: str) -> None:
        """Set it."""
        status = str(self.payload().get("validation_status.uid"))
        if (row_id := self.find(row)) is None:
            return
        if status not in STATUS_LABELS:
            self.answer({"detail": "Malformed request."}, 400)
        else:
            self.answer(self.world.set_status(uid, row_id, status))

    def delete(self, uid: str, row: str) -> None:
        """Clear it."""
        if (row_id := self.find(row)) is not None:
            self.world.set_status(uid, row_id, "")
            self.set_status(204)
            self.finish()


class StatusesView(DataHandler):
    """``/api/v2/assets/{uid}/data/validation_statuses/``."""

    needs: ClassVar = {"PATCH": "validate_submissions"}

    def patch(self, uid: str) -> None:
        """Set the validation status of some rows."""
        ids, payload = self.chosen()
        status = str(payload.get("validation_status.uid"))
        if self._finished:
            return
        if status not in STATUS_LABELS:
            self.answer({"detail": "Malformed request."}, 400)
            return
        for row_id in ids:
            self.world.set_status(uid, row_id, status)
        self.answer({"detail": f"{len(ids)} submissions have been updated"})


class CountsView(DataHandler):
    """``/api/v2/assets/{uid}/counts/``."""

    def get(self, uid: str) -> None:
        """Count the rows in all and by day."""
        rows = self.asset.rows
        with self.world.lock:
            body = {"daily_submission_counts": rows.days(), "total_submission_count": len(rows)}
        self.answer(body)
