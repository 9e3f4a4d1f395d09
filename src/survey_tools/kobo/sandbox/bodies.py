"""Make the bodies that the server answers about assets, versions and deployments.

Not here: rows and their paging. Reports, exports, hooks and map styles are named but empty: nothing
that reads data looks at them.
"""

from __future__ import annotations

import hashlib
from typing import Any

from survey_tools.kobo.sandbox.asset import SandboxAsset, Version

Body = dict[str, Any]

NOT_FOUND = {"detail": "Not found."}
NOT_DEPLOYED = {"detail": "The specified asset has not been deployed"}
FORBIDDEN = {"detail": "You do not have permission to perform this action."}
GONE = {
    "detail": "The V1 API has been removed. Please read the migration article at "
    "https://support.kobotoolbox.org/migrating_api.html"
}
PLAIN_404 = "Resource not found (404)"
HTML_404 = (
    "<!doctype html>\n<html>\n  <head>\n    <title>KoboToolbox </title>\n  </head>\n  <body>\n"
    "    <h1>Resource not found (404)</h1>\n  </body>\n</html>\n"
)
HTML_500 = (
    "<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n  <body>\n"
    "    <h1><p>Internal Server Error</p></h1>\n    \n  </body>\n</html>\n"
)
_LABELS = {
    "add_submissions": "Add submissions",
    "change_asset": "Edit form",
    "change_submissions": "Edit submissions",
    "delete_asset": "Delete project",
    "delete_submissions": "Delete submissions",
    "manage_asset": "Manage project",
    "validate_submissions": "Validate submissions",
    "view_asset": "View form",
    "view_submissions": "View submissions",
}
PARTIAL_LABELS = {
    "default": "Act on submissions only from specific users",
    "view_submissions": "View submissions only from specific users",
    "change_submissions": "Edit submissions only from specific users",
    "delete_submissions": "Delete submissions only from specific users",
    "validate_submissions": "Validate submissions only from specific users",
}
OWNER = tuple(_LABELS)


def envelope(results: list[Body]) -> Body:
    """Wrap a list that fits one page."""
    return {"count": len(results), "next": None, "previous": None, "results": results}


def version_body(asset: SandboxAsset, version: Version, root: str, *, whole: bool) -> Body:
    """Describe a version; with its content where it is asked for by itself."""
    uids = [other.uid for other in asset.versions]
    body = {
        "uid": version.uid,
        "url": f"{root}/assets/{asset.uid}/versions/{version.uid}/?format=json",
        "content_hash": version.content_hash,
        "date_deployed": version.date_deployed,
        "date_modified": version.date_deployed,
        "version_number": str(uids.index(version.uid) + 1),
    }
    return {**body, "content": version.content} if whole else body


def versions_body(asset: SandboxAsset, root: str) -> Body:
    """List the deployed versions, the newest first."""
    newest_first = reversed(asset.deployed_versions)
    return envelope([version_body(asset, v, root, whole=False) for v in newest_first])


def asset_body(asset: SandboxAsset, root: str, permissions: tuple[str, ...]) -> Body:
    """Describe an asset to one user.

    Parameters
    ----------
    asset : SandboxAsset
    root : str
        Address of the API up to ``/api/v2``.
    permissions : tuple of str
        What this user may do; ``partial_submissions`` hides the number of submissions.
    """
    home = f"{root}/assets/{asset.uid}"
    content = asset.content
    return {
        **listed_body(asset, root, permissions),
        "version__content_hash": asset.versions[-1].content_hash,
        "version_count": len(asset.versions),
        "deployed_versions": versions_body(asset, root),
        "deployment__links": {},
        "deployment__data_download_links": {},
        "report_styles": {"default": {}, "specified": {}, "kuid_names": _kuid_names(content)},
        "report_custom": {},
        "advanced_features": {"_version": "20250820"},
        "map_styles": {},
        "map_custom": {},
        "content": content,
        "analysis_form_json": {"additional_fields": []},
        "assignable_permissions": _assignable(root),
        "effective_permissions": [{"codename": name} for name in permissions],
        "exports": f"{home}/exports/?format=json",
        "files": [],
        "paired_data": f"{home}/paired-data/?format=json",
        **_links(home),
        "access_types": None,
        "project_ownership": None,
        "last_modified_by": None,
        "created_by": None,
    }


def listed_body(asset: SandboxAsset, root: str, permissions: tuple[str, ...]) -> Body:
    """Describe an asset as one of a list: no content."""
    partial = "partial_submissions" in permissions
    newest = asset.versions[-1]
    deployed = newest.date_deployed if asset.deployed else None
    return {
        "url": f"{root}/assets/{asset.uid}/?format=json",
        "owner": f"{root}/users/{asset.owner}/?format=json",
        "owner__username": asset.owner,
        "owner_label": asset.owner,
        "parent": None,
        "settings": _settings(),
        "asset_type": "survey",
        "summary": _summary(asset.content),
        "date_created": asset.date_created or asset.versions[0].date_deployed,
        "date_modified": newest.date_deployed,
        "date_deployed": deployed,
        "version_id": newest.uid,
        "has_deployment": asset.deployed,
        "deployed_version_id": newest.uid if asset.deployed else None,
        "deployment__active": asset.deployed and not asset.archived,
        "deployment__submission_count": None if partial else len(asset.rows),
        "deployment__last_submission_time": _last_submission(asset),
        "deployment__encrypted": asset.encrypted,
        "deployment_status": _status(asset),
        "tag_string": "",
        "uid": asset.uid,
        "kind": "asset",
        "name": asset.name,
        "permissions": _permissions(asset, root),
        "children": {"count": 0},
        "subscribers_count": 0,
        "status": "private",
        "data": f"{root}/assets/{asset.uid}/data/?format=json",
        "downloads": _links(f"{root}/assets/{asset.uid}")["downloads"],
        "export_settings": [],
        "data_sharing": {},
        "deployment__uuid": _digest(asset.uid) if asset.deployed else None,
    }


def deployment_body(asset: SandboxAsset, root: str, permissions: tuple[str, ...]) -> Body:
    """Describe the deployment of an asset."""
    return {
        "backend": "openrosa",
        "active": not asset.archived,
        "version_id": asset.versions[-1].uid,
        "asset": asset_body(asset, root, permissions),
    }


def _status(asset: SandboxAsset) -> str:
    if not asset.deployed:
        return "draft"
    return "archived" if asset.archived else "deployed"


def _settings() -> Body:
    return {
        "sector": {},
        "country": [],
        "description": "",
        "organization": "",
        "country_codes": [],
    }


def _summary(content: Body) -> Body:
    labels = [row["label"][0] for row in content["survey"] if row.get("label")]
    types = {row.get("type") for row in content["survey"]}
    languages = [name for name in content.get("translations", []) if name]
    return {
        "geo": bool(types & {"geopoint", "geotrace", "geoshape"}),
        "labels": labels[:5],
        "lock_all": False,
        "lock_any": False,
        "languages": languages,
        "default_translation": languages[0] if languages else None,
    }


def _kuid_names(content: Body) -> Body:
    rows = content["survey"]
    return {row.get("name", row.get("$kuid")): row["$kuid"] for row in rows if "$kuid" in row}


def _last_submission(asset: SandboxAsset) -> str | None:
    """Give the latest time a row bears, which says nothing about edits or deletions."""
    latest = asset.rows.latest()
    return f"{latest}Z" if latest else None


def _links(home: str) -> Body:
    return {
        "downloads": [
            {"format": kind, "url": f"{home}/?format=json.{kind}"} for kind in ("xls", "xml")
        ],
        "embeds": [
            {"format": kind, "url": f"{home}/{kind}/?format=json"} for kind in ("xls", "xform")
        ],
        "xform_link": f"{home}/xform/?format=json",
        "hooks_link": f"{home}/hooks/?format=json",
        "xls_link": f"{home}/xls/?format=json",
    }


def _permissions(asset: SandboxAsset, root: str) -> list[Body]:
    granted = [name for name in OWNER if name != "delete_asset"]
    return [
        {
            "url": f"{root}/assets/{asset.uid}/permission-assignments/"
            f"p{_digest(asset.uid + name)[:21]}/?format=json",
            "user": f"{root}/users/{asset.owner}/?format=json",
            "permission": f"{root}/permissions/{name}/?format=json",
            "label": _LABELS[name],
        }
        for name in granted
    ]


def _assignable(root: str) -> list[Body]:
    order = ("view_asset", "change_asset", "manage_asset", "add_submissions", "view_submissions")
    after = ("partial_submissions", "change_submissions", "delete_submissions")
    labels: Body = {**_LABELS, "partial_submissions": PARTIAL_LABELS}
    return [
        {"url": f"{root}/permissions/{name}/?format=json", "label": labels[name]}
        for name in (*order, *after, "validate_submissions")
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
