"""Pack an Office file again so that its bytes tell nothing but its content: no clock, no person."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from html import escape
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

CORE = "docProps/core.xml"
"""Where an Office file keeps who made it and when."""

_STARTED = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file can name."""

_NAMES = (
    'xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def packed(content: bytes, *, title: str, lang: str, instead: Mapping[str, bytes] = {}) -> bytes:
    """Pack a file again.

    Parameters
    ----------
    content : bytes
        DOCX or XLSX.
    title, lang : str
        What stands in its properties: the title and the language, such as `vi-VN`.
    instead : mapping of str to bytes
        Contents of further parts to put in the place of those there.
    """
    core = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<cp:coreProperties {_NAMES}>'
        f"<dc:title>{escape(title)}</dc:title><dc:language>{lang}</dc:language></cp:coreProperties>"
    )
    others = {CORE: core.encode("utf-8"), **instead}
    told = BytesIO()
    with ZipFile(BytesIO(content)) as old, ZipFile(told, "w") as new:
        for name in old.namelist():
            member = ZipInfo(name, _STARTED)
            member.compress_type, member.external_attr = ZIP_DEFLATED, 0o644 << 16
            kept = others[name] if name in others else old.read(name)
            new.writestr(member, kept, compresslevel=zlib.Z_DEFAULT_COMPRESSION)
    return told.getvalue()
