"""Fetch the files that rows carry, and read the audit logs among them.

Not here: the rows. `audit` loads pandas and is imported by its own name.
"""

from survey_tools.kobo.files.attachments import (
    Attachment,
    AttachmentReport,
    download_attachments,
    list_attachments,
)
from survey_tools.kobo.files.manifest import remove_attachments, verify_attachments

__all__ = [
    "Attachment",
    "AttachmentReport",
    "download_attachments",
    "list_attachments",
    "remove_attachments",
    "verify_attachments",
]
