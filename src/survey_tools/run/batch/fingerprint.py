"""Say what a page depends on as short digests, so that a run redoes only what changed.

Not here: deciding what to do about a change. Numbers are taken as a page shows them, to four decimals.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import survey_tools
from survey_tools.contracts.evidence import EVIDENCE
from survey_tools.files import digest_file
from survey_tools.params import Workspace
from survey_tools.report.shown import kept_parts, share_results
from survey_tools.report.shown_key import OF_COMMUNES
from survey_tools.run.batch.facts import versions_of
from survey_tools.run.files import read_json
from survey_tools.run.inputs import CODE, digest_texts
from survey_tools.run.scan import ALLOW_FILE

DISTRICT = "district"
_DECIMALS = 4
_BY_AREA = ("levels", "choices", *OF_COMMUNES)
PARAMS = (
    "communes", "areas", "outcomes", "teams", "analysis_plan", "next_steps", "claims", "claim_readings",
)  # fmt: skip
"""Tables under `files:` of the study that pages read: not the sample and not the corrections."""

_WHOLE = ("effects", "communes")
_DISTRICT_ONLY = ("balance", "balance_joint", "attrition", "flow")
_DISTRICT_FILES = ("levels_by_area", "claims", *EVIDENCE)
_COUNTED = ["area", "wave", "group", "outcome", "n", "numerator"]
_PULL = ("form", "rows", "server_count", "proof", "server")
_ROOMS = (
    "report", "areas", "contracts", "params", "register", "errors.py", "files.py",
    "run/batch/make.py", "run/kernels/execute.py", "run/kernels/engine.py", "run/kernels/guard.py",
    "run/kernels/parameters.py", "run/gate.py", "run/scan", "clean/personal_data",
)  # fmt: skip
_LIBRARIES = (
    "numpy", "pandas", "pyarrow", "matplotlib", "seaborn", "pillow", "jinja2", "nbconvert", "nbclient",
    "papermill", "ipykernel", "ipython", "typst", "python-docx", "openpyxl", "lxml",
)  # fmt: skip


@dataclass(frozen=True)
class ResultTables:
    """Digests of what pages may show of the results.

    A commune's cell may have to be hidden because of another commune's answers. What is compared is
    therefore what may be shown, not what was estimated.
    """

    by_area: tuple[dict[str, str], ...]
    """For each table by area, the digest of the rows of each."""
    common: str
    """Of what every page reads: the effects, all communes' own ones, and which pull they come from."""
    district: str
    """Of what only the district's page reads."""
    answered: frozenset[str]
    """Areas with at least one interview."""

    @classmethod
    def read(cls, ws: Workspace) -> ResultTables | None:
        """Read what may be shown of the results, decided and kept first where it is not; None without any."""
        share_results(ws)
        by_area = tuple(digest_by_area(kept_parts(ws, name)) for name in _BY_AREA)
        whole = [digest_parts(kept_parts(ws, name)) for name in _WHOLE]
        if not any([*by_area, *whole]):
            return None
        return cls(by_area, digest_texts([*whole, _pulls(ws)]), _district(ws), _answered(ws))

    def areas(self) -> frozenset[str]:
        """Areas that have levels: communes with at least one interview, and the district."""
        return self.answered

    def digest(self, area: str) -> str:
        """Digest of the rows that the page of `area` reads."""
        codes = sorted({DISTRICT, area})
        mine = [rows.get(code, "") for rows in self.by_area for code in codes]
        return digest_texts([*mine, self.common, self.district if area == DISTRICT else ""])


def digest_frame(frame: pd.DataFrame) -> str:
    """Digest of a frame's values, in order of rows that does not matter."""
    return digest_parts([frame])


def digest_parts(parts: Iterable[pd.DataFrame]) -> str:
    """Digest of a frame that comes in parts; empty where none comes."""
    head, rows = "", [np.empty(0, dtype="u8")]
    for part in parts:
        head = _head(part)
        rows.append(_rows(part))
    return _digest_rows(head, np.sort(np.concatenate(rows))) if head else ""


def digest_by_area(parts: Iterable[pd.DataFrame]) -> dict[str, str]:
    """Digest of the rows of each value of the column `area`, of a frame that comes in parts."""
    head, numbers = "", dict[str, int]()
    places, rows = [np.empty(0, dtype="i8")], [np.empty(0, dtype="u8")]
    for part in parts:
        codes, areas = pd.factorize(part["area"])
        known = np.array([numbers.setdefault(str(area), len(numbers)) for area in areas])
        head = _head(part)
        places.append(known[codes])
        rows.append(_rows(part))
    if not numbers:
        return {}
    place, row = np.concatenate(places), np.concatenate(rows)
    order = np.lexsort((row, place))
    ends = np.searchsorted(place[order], np.arange(len(numbers)), side="right")
    return {
        area: _digest_rows(head, some)
        for area, some in zip(numbers, np.split(row[order], ends[:-1]), strict=True)
    }


def digest_package() -> str:
    """Digest of the code, wording and template that make a page out of results and search it."""
    root = Path(survey_tools.__file__).parent
    files = [path for room in _ROOMS for path in _files(root / room)]
    return _digest_files(files, root)


def digest_params(ws: Workspace) -> str:
    """Digest of the study file, its tables, the questions, what may be released, and labels of choices."""
    files = [ws.study_path, *(ws.file(name) for name in PARAMS)]
    files += [ws.root / ws.study.forms["household"].register_, ws.root / ALLOW_FILE]
    labels = ws.clean / "labels.parquet"
    shown = digest_frame(pd.read_parquet(labels)) if labels.is_file() else ""
    return digest_texts([_digest_files([f for f in files if f.is_file()], ws.root), shown])


def digest_parameters(parameters: Mapping[str, Any]) -> str:
    """Digest of what is handed to a notebook, in order that does not matter."""
    return digest_texts([json.dumps(parameters, sort_keys=True, ensure_ascii=False)])


def digest_versions() -> str:
    """Digest of the versions of Python and of the libraries that can change a byte of a page."""
    installed = (f"{name} {found or '-'}" for name, found in versions_of(_LIBRARIES).items())
    return digest_texts([f"python {sys.version_info.major}.{sys.version_info.minor}", *installed])


def digest_if_there(path: Path) -> str | None:
    """SHA-256 of a file's bytes; None where there is no such file."""
    try:
        return digest_file(path)
    except FileNotFoundError:
        return None


def _district(ws: Workspace) -> str:
    parts = [digest_parts(kept_parts(ws, name)) for name in _DISTRICT_ONLY]
    parts += [digest_if_there(ws.results / f"{name}.parquet") or "" for name in _DISTRICT_FILES]
    levels = ws.results / "levels.parquet"
    if ws.study.report.area_lists and levels.is_file():
        # what is hidden of a larger unit follows from the counts of all communes
        everybody = [("group", "==", "all")]
        parts.append(digest_frame(pd.read_parquet(levels, columns=_COUNTED, filters=everybody)))
    return digest_texts(parts)


def _answered(ws: Workspace) -> frozenset[str]:
    levels = ws.results / "levels.parquet"
    if not levels.is_file():
        return frozenset()
    somebody = pd.read_parquet(levels, columns=["area"], filters=[("n", ">", 0)])
    return frozenset(somebody["area"].unique())


def _pulls(ws: Workspace) -> str:
    """Tell which rows of the server the results were made from; when they were fetched does not count."""
    content = read_json(ws.results / "provenance.json") or {}
    pulls = [{key: pull.get(key) for key in _PULL} for pull in content.get("pulls") or []]
    return json.dumps(pulls, sort_keys=True)


def _rows(frame: pd.DataFrame) -> np.ndarray:
    """Return a hash of each row, shape (rows,), of its values as a page shows them."""
    columns = {str(name): _shown(frame[name]) for name in sorted(frame.columns)}
    return pd.util.hash_pandas_object(pd.DataFrame(columns), index=False).to_numpy()


def _shown(column: pd.Series) -> Any:
    """Round numbers; of the same kind for whole ones, and one missing value and zero for all."""
    if not pd.api.types.is_numeric_dtype(column):
        return column
    numbers = column.to_numpy("float64", na_value=np.nan).round(_DECIMALS) + 0.0
    return np.where(np.isnan(numbers), np.nan, numbers)


def _head(frame: pd.DataFrame) -> str:
    return ",".join(sorted(map(str, frame.columns)))


def _digest_rows(head: str, rows: np.ndarray) -> str:
    return hashlib.sha256(head.encode() + b"\x1e" + rows.astype("<u8").tobytes()).hexdigest()[:16]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(f for f in path.rglob("*") if f.suffix in CODE and f.is_file())


def _digest_files(files: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
