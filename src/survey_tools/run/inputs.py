"""Say what results and pages are made from besides rows: digests of parameters, code and notebooks.

By these a comparison of two runs tells a change of data from one of a parameter or of the code. Not
here: what decides whether a page is redone (survey_tools.run.batch.fingerprint).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

import survey_tools
from survey_tools.files import digest_file
from survey_tools.params import Workspace
from survey_tools.params.read import load_yaml
from survey_tools.run.kernels.parameters import cell_text, read_cells

CODE = frozenset({".py", ".yml", ".j2", ".css", ".js", ".json", ".html", ".typ", ".csv"})
"""Endings of the package's files that say what it does."""

_PRIVATE = ("sample.csv",)


def inputs_of(ws: Workspace) -> dict[str, dict[str, str]]:
    """Gather digests of what is there now.

    Returns
    -------
    dict
        `params`: by file below the root, every one of `params/` and those that the study file names, and the
        list of drawn households. `keys`: by `file#key` with points between, of the parameters in YAML.
        `code`: by part of the package. `notebooks`: by file, of their sources.
    """
    files = sorted(_params(ws))
    names = {path: path.relative_to(ws.root).as_posix() for path in files}
    return {
        "params": {names[path]: _short(digest_file(path)) for path in files},
        "keys": {
            f"{names[path]}#{key}": digest
            for path in files
            if path.suffix in {".yml", ".yaml"}
            for key, digest in _keys(path)
        },
        "code": _code(),
        "notebooks": {path.name: _notebook(path) for path in sorted(ws.notebooks.glob("*.ipynb"))},
    }


def _params(ws: Workspace) -> Iterator[Path]:
    folder = ws.root / "params"
    found = {
        path for path in folder.rglob("*") if path.is_file() and path.suffix and path.name[0] != "."
    }
    found |= {ws.file(name) for name in type(ws.study.files).model_fields}
    found |= {ws.study_path, *(ws.private / name for name in _PRIVATE)}
    yield from (path for path in found if path.is_file() and path.is_relative_to(ws.root))


def _keys(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the keys of a YAML file with points between and a digest of each value."""
    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return
    for key, value in _flat(content, ()):
        yield ".".join(key), digest_texts([repr(value)])


def _flat(content: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(content, Mapping) and content:
        for key, value in content.items():
            yield from _flat(value, (*above, str(key)))
    elif above:
        yield above, content


def _code() -> dict[str, str]:
    """Digest each part of the package: a folder, or the modules that lie beside the folders."""
    root = Path(survey_tools.__file__).parent
    parts: dict[str, list[Path]] = {}
    for path in sorted(root.rglob("*")):
        if path.suffix in CODE and path.is_file() and "__pycache__" not in path.parts:
            below = path.relative_to(root).parts
            parts.setdefault(below[0] if len(below) > 1 else "survey_tools", []).append(path)
    return {
        name: digest_texts(
            f"{path.relative_to(root).as_posix()}\0{digest_file(path)}" for path in paths
        )
        for name, paths in sorted(parts.items())
    }


def _notebook(path: Path) -> str:
    """Digest the sources of a notebook; empty where it cannot be read."""
    try:
        return digest_notebook(path)
    except Exception:  # a notebook that nothing runs is no reason not to run the others
        return ""


def digest_notebook(notebook: Path) -> str:
    """Digest of a notebook's sources; outputs and metadata do not count."""
    return digest_texts(f"{cell['cell_type']}:{cell_text(cell)}" for cell in read_cells(notebook))


def digest_texts(parts: Iterable[str]) -> str:
    """Digest of texts in their order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\x1e")
    return _short(digest.hexdigest())


def _short(digest: str) -> str:
    return digest[:16]
