"""Answer requests for the files of rows: from the server itself, or from a store beside it.

Not here: what a row says about its files (`files`).
"""

from __future__ import annotations

import hashlib
import secrets
import zlib
from urllib.parse import quote

from survey_tools.kobo.sandbox import bodies
from survey_tools.kobo.sandbox.data_handlers import DataHandler
from survey_tools.kobo.sandbox.files import StoredFile, byte_range
from survey_tools.kobo.sandbox.handlers import ApiHandler

MODIFIED = "Thu, 01 Oct 2026 00:00:00 GMT"
DENIED = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>'


class FileMixin(ApiHandler):
    """Gives a file whole or in part."""

    tag = ""

    def compute_etag(self) -> str | None:
        """Keep the ETag that the file has."""
        return self.tag or None

    def give(self, file: StoredFile, tag: str) -> None:
        """Answer a file, or the part of it that is asked for."""
        data, self.tag = file.read(), tag
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("Etag", tag)
        self.set_header("Last-Modified", MODIFIED)
        try:
            part = self._part(len(data))
        except ValueError:
            self.set_header("Content-Range", f"bytes */{len(data)}")
            self.answer(b"", 416, file.mimetype)
            return
        if part is None:
            self.answer(data, 200, file.mimetype)
            return
        start, stop = part
        self.set_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        self.answer(data[start:stop], 206, file.mimetype)

    def _part(self, length: int) -> tuple[int, int] | None:
        headers = self.request.headers
        if headers.get("If-Range", self.tag) not in (self.tag, MODIFIED):
            return None
        return byte_range(headers.get("Range", ""), length)


class AttachmentView(DataHandler, FileMixin):
    """``/api/v2/assets/{uid}/data/{row}/attachments/{attachment}/``, and its sizes as the same file."""

    def get(self, uid: str, row: str, attachment: str, size: str = "") -> None:
        """Answer the file, or send to the store that holds it."""
        with self.world.lock:
            row_id = self.find(row)
            file = self.asset.files.get(attachment)
            if row_id is None:
                return
            deleted = file is None or self.asset.rows.without_file(row_id, attachment)
        if file is None or file.row_id != row_id or deleted:
            self.answer(bodies.NOT_FOUND, 404)
        elif self.world.store_url:
            key = secrets.token_hex(16)
            self.world.store_keys[key] = file
            address = f"{self.world.store_url}/{uid}/{quote(file.uid)}?X-Amz-Signature={key}"
            self.redirect(address, status=302)
        else:
            self.set_header("Content-Disposition", f"inline; filename={quote(file.name)}")
            data = file.read()
            self.give(file, f'"{zlib.crc32(data):x}-{len(data):x}"')


class StoreView(FileMixin):
    """``/{uid}/{attachment}`` of the store beside the server: asks for a signature and no token."""

    async def prepare(self) -> None:
        """Suffer faults; a token is refused as a real store refuses it."""
        await self.suffer_faults()
        if not self._finished and "Authorization" in self.request.headers:
            self.answer("<Error><Code>InvalidArgument</Code></Error>", 400, "application/xml")

    def get(self, uid: str, attachment: str) -> None:
        """Answer the file whose signature is given; each signature holds once."""
        file = self.world.store_keys.pop(self.params.get("X-Amz-Signature", ""), None)
        if file is None or file.uid != attachment:
            self.answer(DENIED, 403, "application/xml")
            return
        self.set_header("Server", "AmazonS3")
        digest = hashlib.md5(file.read(), usedforsecurity=False).hexdigest()
        self.give(file, f'"{digest}"')
