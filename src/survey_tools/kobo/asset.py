"""Describe a form on the server, and say whether a token sees all its rows.

Not here: asking for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FormVersion:
    """A deployed version of a form, without its content."""

    uid: str
    date_deployed: str


@dataclass(frozen=True)
class Asset:
    """A form on the server.

    Attributes
    ----------
    permissions : tuple of str
        What this token may do; empty if the server does not say.
    archived : bool
        Whether it takes no more answers; those that it has can be read.
    versions : tuple of FormVersion or None
        Deployed versions, newest first; None where the server does not list all of them here.
    submission_count : int or None
        As the server says beside the form; None where the token sees some rows only.
    """

    uid: str
    name: str
    deployed: bool
    encrypted: bool
    archived: bool
    permissions: tuple[str, ...]
    versions: tuple[FormVersion, ...] | None
    submission_count: int | None


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
    return Asset(
        uid=str(body.get("uid", "")),
        name=str(body.get("name", "")),
        deployed=bool(body.get("has_deployment")),
        encrypted=bool(body.get("deployment__encrypted")) or public_key,
        archived=body.get("deployment_status") == "archived",
        permissions=tuple(sorted(str(p.get("codename")) for p in permissions)),
        versions=_all_versions(body.get("deployed_versions")),
        submission_count=body.get("deployment__submission_count"),
    )


def read_versions(items: Iterable[Mapping[str, Any]]) -> tuple[FormVersion, ...]:
    """Read versions as the API lists them; those that were never deployed are left out."""
    found = (FormVersion(str(v["uid"]), str(v.get("date_deployed") or "")) for v in items)
    return tuple(version for version in found if version.date_deployed)


def obstacle(asset: Asset, *, refuse_archived: bool = False) -> tuple[str, str]:
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
    if refuse_archived and asset.archived:
        return (
            "The form is archived: it takes no more answers, and this pull is to refuse such forms.",
            "Unarchive the form on the server, name the form that took its place, or pull without "
            "refusing archived forms: the rows that it has can be read.",
        )
    return ("", "")


def _all_versions(listed: Any) -> tuple[FormVersion, ...] | None:
    """Read the list inside a form, if it is whole: the server cuts it at a page."""
    if not isinstance(listed, Mapping) or not isinstance(listed.get("results"), list):
        return None
    results = listed["results"]
    whole = listed.get("next") is None and listed.get("count") == len(results)
    complete = all(isinstance(v, Mapping) and v.get("uid") for v in results)
    return read_versions(results) if whole and complete and results else None
