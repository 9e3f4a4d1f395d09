"""Write and load the folder that a sandbox serves.

Not here: serving it. What is changed while a sandbox runs stays in memory: the folder is written
once and only read afterwards. It never holds a token.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from survey_tools.errors import KoboError
from survey_tools.kobo.sandbox.asset import FLAGS, SandboxAsset, Version, asset_from
from survey_tools.kobo.sandbox.files import StoredFile
from survey_tools.kobo.sandbox.rows import Rows, encode

FORMAT = 1
_PLAIN = ("uid", "name", "owner", *FLAGS, "form_id", "partial_filter", "draft", "date_created")


def write_sandbox(folder: str | Path, assets: Iterable[Mapping[str, Any] | SandboxAsset]) -> Path:
    """Write form projects and their rows as a folder that a sandbox can serve.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there; an older sandbox in it is replaced.
    assets : iterable of mapping
        Each with ``uid``, ``name``, ``owner``, ``versions`` (a list of ``uid``, ``date_deployed``,
        ``content``) and ``submissions`` (an iterable of rows as the API gives them). Optional:
        ``form_id``, ``encrypted``, ``deployed``, ``archived``, ``partial_filter``, ``draft``,
        ``date_created``, ``files`` (each with ``row_id``, ``name``, ``data`` in bytes, and where
        wanted ``question``, ``mimetype``; they are added to the rows' ``_attachments``).

    Returns
    -------
    Path
        The folder, with ``sandbox.json``, ``<uid>/<version>.json``, ``<uid>/submissions.jsonl``,
        and ``<uid>/files/`` where rows have files.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    entries = [_write_asset(folder, asset_from(asset)) for asset in assets]
    _replace(folder / "sandbox.json", [json.dumps({"format": FORMAT, "assets": entries}).encode()])
    kept = {entry["uid"] for entry in entries}
    for stale in folder.glob("*/submissions.jsonl"):
        if stale.parent.name not in kept:
            shutil.rmtree(stale.parent)
    return folder


def load_sandbox(folder: str | Path) -> list[SandboxAsset]:
    """Load the folder that `write_sandbox` made; rows stay serialised until they are looked into.

    Raises
    ------
    KoboError
        If the folder is no sandbox, or of another format.
    """
    path = Path(folder) / "sandbox.json"
    try:
        index = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise KoboError(
            "The folder holds no sandbox.", expected="a file sandbox.json", where=str(folder)
        ) from error
    if index.get("format") != FORMAT:
        raise KoboError(
            "The sandbox was written by another version of the package.",
            expected=f"format {FORMAT}",
            found=f"format {index.get('format')}",
            where=str(path),
            next_step="Write the folder again.",
        )
    return [_load_asset(Path(folder), entry) for entry in index["assets"]]


def erase_from_sandbox(
    folder: str | Path, row_ids: Mapping[str, Iterable[int]], *, text: str = "", mark: str = ""
) -> dict[str, int]:
    """Erase rows with their files from the folder of a sandbox; may be done again if it broke off.

    Parameters
    ----------
    folder : str or Path
        Made by `write_sandbox`. A sandbox that is running keeps what it has loaded.
    row_ids : mapping of str to iterable of int
        ``_id`` of the rows to erase, by the uid of their asset.
    text, mark : str
        In the rows that stay `mark` takes the place of `text`, in whatever case.

    Returns
    -------
    dict of str to int
        Rows that were there and are gone, by uid.

    Raises
    ------
    KoboError
        If the folder is no sandbox.
    """
    home = Path(folder)
    assets = {asset.uid: asset for asset in load_sandbox(home)}
    gone = {uid: set(row_ids.get(uid, ())) for uid in assets}
    index = json.loads((home / "sandbox.json").read_bytes())
    for entry in index["assets"]:
        kept = [f for f in entry.get("files", ()) if f["row_id"] not in gone[entry["uid"]]]
        if "files" in entry:
            entry["files"] = kept
    # The index first: a file that it does not name is never read.
    _replace(home / "sandbox.json", [json.dumps(index).encode()])
    counts = {}
    for begun in (*home.glob("sandbox.json?*"), *home.glob("*/submissions.jsonl?*")):
        begun.unlink()  # of a write that was killed
    for entry in index["assets"]:
        uid = entry["uid"]
        counts[uid] = assets[uid].rows.delete(gone[uid])
        _write_rows(home / uid, assets[uid], text, mark)
        named = {file["uid"] for file in entry.get("files", ())}
        for path in (home / uid / "files").glob("*"):
            if path.name not in named:
                path.unlink()
    return counts


def _write_rows(home: Path, asset: SandboxAsset, text: str = "", mark: str = "") -> None:
    lines = (asset.rows.line(i) + b"\n" for i in asset.rows.select({}))
    if text:
        pattern = re.compile(re.escape(text.encode()), re.IGNORECASE)
        lines = (pattern.sub(mark.encode(), line) for line in lines)
    _replace(home / "submissions.jsonl", lines)


def _write_asset(folder: Path, asset: SandboxAsset) -> dict[str, Any]:
    home = folder / asset.uid
    home.mkdir(exist_ok=True)
    for version in asset.versions:
        _replace(home / f"{version.uid}.json", [encode(version.content)])
    _write_rows(home, asset)
    versions = [{"uid": v.uid, "date_deployed": v.date_deployed} for v in asset.versions]
    entry = {**{name: getattr(asset, name) for name in _PLAIN}, "versions": versions}
    files = _write_files(home / "files", asset)
    return {**entry, "files": files} if files else entry


def _load_asset(folder: Path, entry: dict[str, Any]) -> SandboxAsset:
    home = folder / entry["uid"]
    versions = [
        Version(v["uid"], v["date_deployed"], _reader(home / f"{v['uid']}.json"))
        for v in entry["versions"]
    ]
    lines = (home / "submissions.jsonl").read_bytes().splitlines()
    plain = {name: entry[name] for name in _PLAIN}
    files = {f["uid"]: _stored(home / "files", f) for f in entry.get("files", ())}
    return SandboxAsset(versions=versions, rows=Rows(lines, entry["uid"]), files=files, **plain)


def _write_files(home: Path, asset: SandboxAsset) -> list[dict[str, Any]]:
    # Read before the folder is cleared: they may lie in it.
    held = [(file, file.read()) for file in asset.files.values() if file.row_id in asset.rows]
    if home.exists():
        shutil.rmtree(home)
    if held:
        home.mkdir(mode=0o700)
    for file, data in held:
        _replace(home / file.uid, [data])
    about = ("uid", "row_id", "name", "mimetype", "question")
    return [{name: getattr(file, name) for name in about} for file, _ in held]


def _stored(home: Path, entry: Mapping[str, Any]) -> StoredFile:
    return StoredFile(**entry, read=(home / entry["uid"]).read_bytes)


def _reader(path: Path) -> Any:
    return lambda: json.loads(path.read_bytes())


def _replace(path: Path, chunks: Iterable[bytes]) -> None:
    """Write beside the file and move into place, readable by the owner alone."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(chunks)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
