"""Pull a survey from a KoboToolbox server into a store, and lay it out as typed tables.

Not here: anything about one study. ``Tables`` and ``flatten`` load pandas only when they are used.
"""

from typing import TYPE_CHECKING, Any

from survey_tools.kobo.asset import Asset
from survey_tools.kobo.client import KoboClient
from survey_tools.kobo.form import Form
from survey_tools.kobo.report import PullReport
from survey_tools.kobo.session import KoboSession, read_token
from survey_tools.kobo.store import Store
from survey_tools.kobo.validate import Finding, asked_questions, validate_submission

if TYPE_CHECKING:
    from survey_tools.kobo.tables import Tables, flatten

__all__ = [
    "Asset",
    "Finding",
    "Form",
    "KoboClient",
    "KoboSession",
    "PullReport",
    "Store",
    "Tables",
    "asked_questions",
    "flatten",
    "read_token",
    "validate_submission",
]


def __getattr__(name: str) -> Any:
    if name in ("Tables", "flatten"):
        from survey_tools.kobo import tables

        return getattr(tables, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
