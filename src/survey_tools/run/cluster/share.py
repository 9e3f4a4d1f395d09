"""Carry what pages are made from to machines that do not see the workspace, and pages back, by an fsspec URL.

What travels is a list of names, not a folder: the study's parameters, the report notebooks, the tables of
results and the labels of choices. No row of a household and nothing of `data/private`.

Not here: who makes the pages (survey_tools.run.cluster.worker).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from survey_tools.contracts.evidence import EVIDENCE
from survey_tools.contracts.results import RESULTS
from survey_tools.errors import RunError
from survey_tools.params import Workspace
from survey_tools.report.page import commit_of
from survey_tools.report.shown_key import FOLDER as SHOWN
from survey_tools.run.batch.fingerprint import PARAMS
from survey_tools.run.scan import ALLOW_FILE

TABLES = (*RESULTS, *EVIDENCE, "balance_joint", "flow")
"""Tables of `data/processed/results/` that travel; a file of another name stays."""

FORBIDDEN = ("data/private", "data/raw", "data/sandbox", "data/processed/analysis")
"""Folders of which nothing travels, whatever the study file names."""

_USER_IN_HOST = ("abfs", "abfss")
"""Protocols that write the container before an @, where others have a user."""

_DATE = (1980, 1, 1, 0, 0, 0)


class Share:
    """A folder that the runner and every worker reach by the same URL.

    Who may read and write it is for fsspec to know, from the environment or the machine's configuration.

    Parameters
    ----------
    url : str
        Such as `s3://bucket/prefix` or `file:///shared/folder`.

    Raises
    ------
    RunError
        When the URL holds a user, a password or a query, which tasks and logs would repeat; when it
        is a relative path; or when the package for its protocol is missing.
    """

    def __init__(self, url: str) -> None:
        _refuse_secrets(url)
        self.url = url.rstrip("/")

    @cached_property
    def _place(self) -> tuple[Any, str]:
        import fsspec

        try:
            fs, path = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise RunError(
                "The shared folder cannot be opened.",
                found=str(error),
                where=self.url,
                next_step="install the package for it here and on the workers (s3://: s3fs), or give "
                "another URL with --share",
            ) from error
        return fs, path.rstrip("/")

    def open(self) -> Share:
        """Load the package for the protocol now rather than at first use; see the class for errors."""
        _ = self._place
        return self

    def try_out(self) -> None:
        """Write a small file, look for it and remove it.

        Raises
        ------
        RunError
            When the folder cannot be reached or written.
        """
        probe = f"probe-{secrets.token_hex(4)}"
        try:
            self.write(f"{probe}/empty", b"")
            there = self.has(f"{probe}/empty")
            self.remove(probe)
        except Exception as error:  # each store has its own errors
            raise _not_written(self.url, f"{type(error).__name__}: {error}") from error
        if not there:
            raise _not_written(self.url, "a file that was just written is not there")

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        fs, path = self._place
        fs.invalidate_cache()
        return bool(fs.exists(f"{path}/{name}"))

    def read(self, name: str) -> bytes:
        """Read a file."""
        fs, path = self._place
        content: bytes = fs.cat_file(f"{path}/{name}")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file by a temporary name, then rename: it is there whole or not at all."""
        fs, path = self._place
        target = f"{path}/{name}"
        temporary = f"{target}.{secrets.token_hex(4)}.part"
        try:
            fs.pipe_file(temporary, content)
        except FileNotFoundError:  # folders are real on some stores, and only names on others
            fs.makedirs(target.rpartition("/")[0], exist_ok=True)
            fs.pipe_file(temporary, content)
        fs.mv(temporary, target)

    def remove(self, folder: str) -> None:
        """Remove a folder; what cannot be removed stays."""
        fs, path = self._place
        with suppress(Exception):  # each store has its own errors
            fs.rm(f"{path}/{folder}", recursive=True)


def bundle_name(digest: str) -> str:
    """Name of the bundle of inputs in the shared folder."""
    return f"inputs-{digest}.zip"


def collect_inputs(ws: Workspace, notebooks: Iterable[str]) -> dict[str, bytes]:
    """Read what pages are made from.

    Parameters
    ----------
    ws : Workspace
    notebooks : iterable of str
        Notebooks to be run, relative to the workspace.

    Returns
    -------
    dict
        Content of each file by its path in the workspace. The commit stands as in a git folder that is at
        no branch, because pages name it.

    Raises
    ------
    RunError
        When the study file names a file outside the workspace, or one that may not travel.
    """
    files = [ws.study_path, *(ws.file(name) for name in PARAMS)]
    files += [ws.root / form.register_ for form in ws.study.forms.values()]
    files += [ws.root / ALLOW_FILE, *(ws.root / name for name in set(notebooks))]
    files += [ws.results / f"{name}.parquet" for name in TABLES]
    files += [ws.results / "provenance.json", ws.clean / "labels.parquet"]
    files += sorted((ws.results / SHOWN).glob("*"))  # what may be shown, decided once for all pages
    inputs = {_name(ws.root, file): file.read_bytes() for file in files if file.is_file()}
    if commit := commit_of(ws.root):
        inputs[".git/HEAD"] = f"{commit}\n".encode()
    return inputs


def digest_inputs(inputs: Mapping[str, bytes]) -> str:
    """Digest of names and contents."""
    digest = hashlib.sha256()
    for name in sorted(inputs):
        digest.update(json.dumps([name, len(inputs[name])]).encode() + inputs[name])
    return digest.hexdigest()[:32]


def pack(inputs: Mapping[str, bytes]) -> bytes:
    """Write files into a zip that is the same for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in sorted(inputs):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            bundle.writestr(entry, inputs[name])
    return buffer.getvalue()


def unpack(share: Share, digest: str, scratch: Path) -> Path:
    """Fetch the bundle of inputs and lay it out below `scratch`, once; return the folder.

    Several processes may do so at once: each writes to a folder of its own, and the first to rename it wins.

    Raises
    ------
    RunError
        When the bundle is not the one that the runner packed.
    """
    folder = scratch / f"survey-tools-{digest}"
    if folder.is_dir():
        return folder
    with zipfile.ZipFile(io.BytesIO(share.read(bundle_name(digest)))) as bundle:
        inputs = {name: bundle.read(name) for name in bundle.namelist()}
    if digest_inputs(inputs) != digest:
        raise RunError(
            "The bundle of inputs is damaged, or somebody changed it.",
            expected=f"content with the digest {digest}",
            where=f"{share.url}/{bundle_name(digest)}",
            next_step="delete it, then run again",
        )
    scratch.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=scratch, prefix=".unpacking-"))
    try:
        for name, content in inputs.items():
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        with suppress(OSError):  # somebody else was first
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _name(root: Path, file: Path) -> str:
    """Path of a file in the workspace, if it and what it links to may travel."""
    named, real = Path(os.path.normpath(file)), file.resolve()
    if not (_may_travel(named, root) and _may_travel(real, root.resolve())):
        name = named.relative_to(root).as_posix() if named.is_relative_to(root) else named.name
        raise RunError(
            "The study names a file that may not leave this machine.",
            expected=f"a file of the workspace, outside {', '.join(FORBIDDEN)}",
            found=name,
            where="the study file",
            next_step="move it to params/, or let the workers see the workspace and leave --share out",
        )
    return named.relative_to(root).as_posix()


def _may_travel(path: Path, root: Path) -> bool:
    if not path.is_relative_to(root):
        return False
    return not any(path.is_relative_to(root / folder) for folder in FORBIDDEN)


def _not_written(url: str, found: str) -> RunError:
    return RunError(
        "The shared folder cannot be written.",
        expected="a folder that this machine and the workers read and write",
        found=found,
        where=url,
        next_step="mend the address or the rights, then run the same command again",
    )


def _refuse_secrets(url: str) -> None:
    parts = urlsplit(url)
    user = parts.username and parts.scheme not in _USER_IN_HOST
    if user or parts.password is not None or parts.query or parts.fragment or "::" in url:
        raise RunError(
            "The URL of the shared folder may hold a secret, which every task would repeat.",
            expected="protocol, place and path alone, such as s3://bucket/prefix",
            found="a user, a password or a query",
            where="--share",
            next_step="give keys through the environment of the runner and of the workers",
        )
    if not parts.scheme and not Path(url).is_absolute():
        raise RunError(
            "The shared folder is a relative path, which means another place on every worker.",
            expected="a URL such as s3://bucket/prefix, or an absolute path",
            found=url,
            where="--share",
        )
