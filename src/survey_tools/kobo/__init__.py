"""Pull a survey from a KoboToolbox server into a store, and lay it out as typed tables.

Not here: anything about one study. What loads pandas is loaded only when it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from survey_tools.kobo.asset import Asset
from survey_tools.kobo.client import KoboClient
from survey_tools.kobo.files import (
    Attachment,
    AttachmentReport,
    download_attachments,
    list_attachments,
    remove_attachments,
    verify_attachments,
)
from survey_tools.kobo.form import Form
from survey_tools.kobo.form.validate import Finding, asked_questions, validate_submission
from survey_tools.kobo.http.session import KoboSession, read_token
from survey_tools.kobo.report import PullReport
from survey_tools.kobo.store import Store

if TYPE_CHECKING:
    from survey_tools.kobo.files.audit import (
        RowSeconds,
        read_audit,
        seconds_of_logs,
        seconds_of_rows,
    )
    from survey_tools.kobo.tables import (
        Tables,
        drift,
        findings_of_rows,
        flatten,
        missing_reasons,
        suggest_renames,
    )

__all__ = [
    "Asset",
    "Attachment",
    "AttachmentReport",
    "Finding",
    "Form",
    "KoboClient",
    "KoboSession",
    "PullReport",
    "RowSeconds",
    "Store",
    "Tables",
    "asked_questions",
    "download_attachments",
    "drift",
    "findings_of_rows",
    "flatten",
    "list_attachments",
    "missing_reasons",
    "read_audit",
    "read_token",
    "remove_attachments",
    "seconds_of_logs",
    "seconds_of_rows",
    "suggest_renames",
    "validate_submission",
    "verify_attachments",
]
_LATER = {
    **dict.fromkeys(
        ("RowSeconds", "read_audit", "seconds_of_logs", "seconds_of_rows"), "files.audit"
    ),
    **dict.fromkeys(
        ("Tables", "drift", "findings_of_rows", "flatten", "missing_reasons", "suggest_renames"),
        "tables",
    ),
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"survey_tools.kobo.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
