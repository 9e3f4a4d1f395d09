"""Know whether what is kept of disclosed results was made from what is there now; decides nothing itself.

The key names the content of each file that went in, the thresholds, and the code of the rules.
"""

from __future__ import annotations

import hashlib
import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from survey_tools import contracts
from survey_tools.files import digest_file
from survey_tools.params import Workspace

FOLDER = ".shown"

REQUIRED = ("effects", "levels", "choices", "communes", "balance", "attrition")
"""Tables of results that every page rests on."""

OF_COMMUNES = ("outreach", "changes", "gaps", "fieldwork")
"""Tables of results that only a commune's page shows, which results of an older version have not."""

AS_THEY_ARE = ("balance_joint", "flow")
"""Tables of results about the rows over the whole district, which need not be there."""

_DECIDES = (
    "disclosure_cells.py", "disclosure_audit.py", "disclosure_between.py", "disclosure_bases.py",
    "disclosure_commune.py", "small_cells.py", "shown.py", "shown_key.py", "units.py",
)  # fmt: skip
_TOO_NEW_NS = 2_000_000_000
"""A file changed so shortly before it was looked at may change again within one tick of its clock."""


def key_file(ws: Workspace) -> Path:
    """Path of the key."""
    return ws.results / FOLDER / "key.json"


def mark(key: str) -> bytes:
    """Return what a table that is kept has in its metadata, so that tables of two keys never mix."""
    return hashlib.sha256(key.encode()).hexdigest().encode()


def current_key(ws: Workspace) -> str | None:
    """Return the key of what is kept; None where it was made from anything else than what is there now."""
    try:
        key = key_file(ws).read_text(encoding="utf-8")
        said = json.loads(key)
        same = said["settings"] == _settings(ws) and said["inputs"].keys() == inputs(ws).keys()
        now = all(
            _is_same(path, said["inputs"][name], said["looked"])
            for name, path in inputs(ws).items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return key if same and now else None


def make_key(ws: Workspace) -> str:
    """Describe all that decides what may be shown: thresholds and rules, and the content of each file."""
    looked = time.time_ns()
    described = {
        name: _describe(path) if path.is_file() else None for name, path in inputs(ws).items()
    }
    return json.dumps({"settings": _settings(ws), "looked": _written(looked), "inputs": described})


def inputs(ws: Workspace) -> dict[str, Path]:
    """Return the file that each table is made of, and the scales of the outcomes, by name.

    Tables of `OF_COMMUNES` only where they are: one that is made later is a change.
    """
    there = (name for name in OF_COMMUNES if path_of(ws, name).is_file())
    names = (*REQUIRED, *there, *AS_THEY_ARE, "labels")
    return {name: path_of(ws, name) for name in names} | {
        name: ws.file(file)
        for name, file in {"outcomes": "outcomes", "teams": "teams", "units": "areas"}.items()
    }


def path_of(ws: Workspace, name: str) -> Path:
    """Return the path of a table of results, or of the labels of choices."""
    return (ws.clean if name == "labels" else ws.results) / f"{name}.parquet"


def _describe(path: Path) -> tuple[str, str, str]:
    about = path.stat()
    return _written(about.st_size), _written(about.st_mtime_ns), digest_file(path)


def _written(number: int) -> str:
    """Write a number so that a scan for personal data does not take it for an account's or a phone's."""
    return f"x{number:x}"


def _read(text: str) -> int:
    return int(text.removeprefix("x"), 16)


def _is_same(path: Path, said: Any, looked: str) -> bool:
    """Tell whether a file has the content that it had, without reading it where time and size tell.

    As git does: a file is read again where its time differs, or was too new then to tell a further change.
    """
    if said is None or not path.is_file():
        return said is None and not path.is_file()
    size, changed, digest = said
    about = path.stat()
    if about.st_size != _read(size):
        return False
    if about.st_mtime_ns == _read(changed) < _read(looked) - _TOO_NEW_NS:
        return True
    return digest_file(path) == digest


def _settings(ws: Workspace) -> str:
    study = ws.study
    own = (
        _code(),
        study.disclosure.model_dump_json(),
        study.areas.list_,
        study.waves.baseline,
        json.dumps(study.report.outreach, sort_keys=True),
    )
    return hashlib.sha256("\n".join(own).encode()).hexdigest()


@cache
def _code() -> str:
    """Digest of the code that decides, and the libraries that it decides with."""
    here = Path(__file__).parent
    files = [here / name for name in _DECIDES]
    digest = hashlib.sha256(f"pandas {pd.__version__} pyarrow {pa.__version__}".encode())
    for path in (*files, *sorted(Path(contracts.__file__).parent.glob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()
