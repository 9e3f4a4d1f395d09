"""Describe a form on the server, and say whether a token sees all its rows.

Not here: asking for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Asset:
    """A form on the server.

    Attributes
    ----------
    permissions : tuple of str
        What this token may do; empty if the server does not say.
    deployed_versions : tuple of str
        Uids, newest first; only those that the server lists with the form itself.
    submission_count : int or None
        As the server says beside the form; None where the token sees some rows only.
    """

    uid: str
    name: str
    deployed: bool
    encrypted: bool
    permissions: tuple[str, ...]
    deployed_versions: tuple[str, ...]
    submission_count: int | None


@dataclass(frozen=True)
class FormVersion:
    """A deployed version of a form, without its content."""

    uid: str
    date_deployed: str


@dataclass(frozen=True)
class Page:
    """Rows of one answer, and how many rows match the question in all."""

    count: int
    rows: list[dict[str, Any]]


def read_asset(body: Mapping[str, Any]) -> Asset:
    """Read a form as the API describes it."""
    settings = (body.get("content") or {}).get("settings") or {}
    public_key = isinstance(settings, Mapping) and bool(settings.get("public_key"))
    permissions = body.get("effective_permissions") or []
    versions = (body.get("deployed_versions") or {}).get("results") or []
    return Asset(
        uid=str(body.get("uid", "")),
        name=str(body.get("name", "")),
        deployed=bool(body.get("has_deployment")),
        encrypted=bool(body.get("deployment__encrypted")) or public_key,
        permissions=tuple(sorted(str(p.get("codename")) for p in permissions)),
        deployed_versions=tuple(str(version["uid"]) for version in versions),
        submission_count=body.get("deployment__submission_count"),
    )


def obstacle(asset: Asset) -> tuple[str, str]:
    """Say what keeps a token from seeing all rows in clear, and what to do; empty if nothing."""
    if not asset.deployed:
        return ("The form is not deployed, so it has no data.", "Deploy the form on the server.")
    if asset.encrypted:
        return (
            "The form is encrypted: the server holds no answers that could be read.",
            "Decrypt the rows with the private key on a computer of the study.",
        )
    if "partial_submissions" in asset.permissions:
        return (
            "This token sees only some of the form's rows, and the server leaves out the others "
            "without a word.",
            "Ask the form's owner for 'View submissions' on all rows.",
        )
    if "view_submissions" not in asset.permissions:
        return (
            "This token may see the form but not its rows.",
            "Ask the form's owner for the permission 'View submissions'.",
        )
    return ("", "")
