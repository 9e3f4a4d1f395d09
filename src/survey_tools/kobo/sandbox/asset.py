"""Describe one form project of the sandbox: its versions, its rows, and what makes it special.

Not here: answers to requests (`bodies`), files (`storage`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

from survey_tools.errors import KoboError
from survey_tools.kobo.sandbox.files import StoredFile, attachment_body, stored_file
from survey_tools.kobo.sandbox.rows import Rows, encode

Content = dict[str, Any]
FLAGS = ("encrypted", "deployed", "archived")


@dataclass(frozen=True)
class Version:
    """One deployed version; its content is read when it is first asked for."""

    uid: str
    date_deployed: str
    read: Callable[[], Content]

    @cached_property
    def content(self) -> Content:
        """The form as it was deployed."""
        return self.read()

    @cached_property
    def content_hash(self) -> str:
        """A digest of the content."""
        text = json.dumps(self.content, sort_keys=True).encode()
        return hashlib.sha1(text, usedforsecurity=False).hexdigest()


@dataclass
class SandboxAsset:
    """A form project that the sandbox serves.

    ``versions`` run from the oldest to the newest. ``partial_filter`` is the query that a user
    with partial permission is limited to; without one such a user sees the rows sent in by that
    user alone. ``draft`` is the form as it stands in the editor, where it differs from the newest
    version. ``files`` are those of its rows, by their uid.
    """

    uid: str
    name: str
    owner: str
    versions: list[Version]
    rows: Rows
    form_id: str = ""
    encrypted: bool = False
    deployed: bool = True
    archived: bool = False
    partial_filter: dict[str, Any] = field(default_factory=lambda: {"_submitted_by": "partial"})
    draft: Content | None = None
    date_created: str = ""
    files: dict[str, StoredFile] = field(default_factory=dict)

    @property
    def content(self) -> Content:
        """The draft: what the asset itself answers as its content."""
        return self.versions[-1].content if self.draft is None else self.draft

    @property
    def deployed_versions(self) -> list[Version]:
        """Versions that the server lists: none while the form was never deployed."""
        return self.versions if self.deployed else []

    def version(self, uid: str) -> Version | None:
        """Find a version by its uid."""
        return next((version for version in self.versions if version.uid == uid), None)

    def deploy(self, uid: str, content: Content, date_deployed: str | None = None) -> None:
        """Deploy a new version of the form; rows that are there keep theirs."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self.versions.append(Version(uid, date_deployed or now, lambda: content))
        self.deployed, self.draft = True, None


def asset_from(given: Mapping[str, Any] | SandboxAsset) -> SandboxAsset:
    """Make an asset from the plain description that `write_sandbox` takes.

    Raises
    ------
    KoboError
        If the description lacks something or names something unknown.
    """
    if isinstance(given, SandboxAsset):
        return given
    needed = {"uid", "name", "owner", "versions", "submissions"}
    known = {*needed, *FLAGS, "form_id", "partial_filter", "draft", "date_created", "files"}
    if needed - set(given) or set(given) - known:
        raise KoboError(
            "An asset of the sandbox is not described as it must be.",
            expected="keys " + ", ".join(sorted(needed)),
            found="keys " + ", ".join(sorted(given)),
        )
    names = [given["uid"], *(version["uid"] for version in given["versions"])]
    if wrong := [name for name in names if not re.fullmatch(r"[\w-]+", name)]:
        raise KoboError("A uid has letters, digits, _ and - only.", found=", ".join(wrong))
    extra = {k: v for k, v in given.items() if k not in ("versions", "submissions", "files")}
    rows = Rows(map(encode, given["submissions"]), given["uid"])
    asset = SandboxAsset(versions=_versions(given["versions"]), rows=rows, **extra)
    for number, described in enumerate(given.get("files", ())):
        _attach(asset, number, described)
    return asset


def _attach(asset: SandboxAsset, number: int, described: Mapping[str, Any]) -> None:
    try:
        file = stored_file(asset.uid, number=number, **described)
    except TypeError as error:
        raise KoboError(
            "A file of the sandbox is not described as it must be.",
            expected="row_id, name, data, and where wanted question and mimetype",
            found="keys " + ", ".join(sorted(described)),
        ) from error
    if file.row_id not in asset.rows:
        raise KoboError(f"The asset '{asset.uid}' has no submission {file.row_id} for a file.")
    asset.files[file.uid] = file
    body = attachment_body(file, asset.rows.row(file.row_id), asset.uid)
    asset.rows.add_file(file.row_id, body)


def _versions(given: Iterable[Mapping[str, Any]]) -> list[Version]:
    listed = list(given)
    if any(not {"uid", "date_deployed", "content"} <= set(v) for v in listed):
        raise KoboError("A version of a form needs uid, date_deployed and content.")
    versions = [Version(v["uid"], v["date_deployed"], partial(dict, v["content"])) for v in listed]
    if not versions:
        raise KoboError("An asset of the sandbox needs at least one version of its form.")
    return sorted(versions, key=lambda version: version.date_deployed)
