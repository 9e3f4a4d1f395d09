"""Say what a page depends on as short digests, so that a run redoes only what changed.

Not here: deciding what to do about a change. Numbers are taken as a page shows them, to four decimals.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import survey_tools
from survey_tools.contracts.evidence import EVIDENCE
from survey_tools.params import Workspace
from survey_tools.report.disclosure import open_statuses
from survey_tools.run.kernels.parameters import cell_text, read_cells

DISTRICT = "district"
_DECIMALS = 4
_BY_AREA = ("levels", "choices")
_PARAMS = ("communes", "areas", "outcomes", "teams", "analysis_plan")
_WHOLE = ("effects", "communes")
_DISTRICT_ONLY = (
    "balance", "balance_joint", "attrition", "flow", "levels_by_area", *EVIDENCE,
)  # fmt: skip
_ROOMS = ("report", "areas", "contracts", "params", "register")
_CODE = {".py", ".yml", ".j2", ".css", ".json", ".html"}


@dataclass(frozen=True)
class ResultTables:
    """The results by file name; a table that is not there is left out."""

    frames: dict[str, pd.DataFrame]

    @classmethod
    def read(cls, ws: Workspace) -> ResultTables:
        """Read the results of the workspace, and what of them may be shown.

        A commune's cell may have to be hidden because of another commune's answers, so the statuses
        belong to what its page depends on.
        """
        names = (*_BY_AREA, *_WHOLE, *_DISTRICT_ONLY)
        paths = {name: ws.results / f"{name}.parquet" for name in names}
        frames = {name: pd.read_parquet(p) for name, p in paths.items() if p.is_file()}
        if set(_BY_AREA) <= set(frames):
            frames["statuses"] = open_statuses(ws)
        return cls(frames)

    def areas(self) -> set[str]:
        """Areas that have levels: communes with at least one interview, and the district."""
        levels = self.frames.get("levels")
        if levels is None:
            return set()
        return set(levels.loc[levels["n"] > 0, "area"])

    def digest(self, area: str) -> str:
        """Digest of the rows that the page of `area` reads."""
        parts = [
            frame.loc[frame["area"].isin({area, DISTRICT})]
            for name, frame in self.frames.items()
            if name in (*_BY_AREA, "statuses")
        ]
        whole = (*_WHOLE, *_DISTRICT_ONLY) if area == DISTRICT else _WHOLE
        parts += [self.frames[name] for name in whole if name in self.frames]
        return _digest(digest_frame(part) for part in parts)


def digest_frame(frame: pd.DataFrame) -> str:
    """Digest of a frame's values, in order of rows that does not matter."""
    numbers = frame.select_dtypes("number").astype("float64").round(_DECIMALS)
    rounded = pd.concat([frame.drop(columns=numbers.columns), numbers], axis="columns")
    head, *rows = rounded.to_csv(index=False, lineterminator="\x1e").split("\x1e")
    return _digest([head, *sorted(rows)])


def digest_notebook(notebook: Path) -> str:
    """Digest of a notebook's sources; outputs and metadata do not count."""
    return _digest(f"{cell['cell_type']}:{cell_text(cell)}" for cell in read_cells(notebook))


def digest_package() -> str:
    """Digest of the code, wording and template that make a page out of results."""
    root = Path(survey_tools.__file__).parent
    files = [path for room in _ROOMS for path in _files(root / room)]
    return _digest_files(files, root)


def digest_params(ws: Workspace) -> str:
    """Digest of the study file, its tables, and the labels of choices."""
    files = [ws.study_path]
    files += [ws.file(name) for name in _PARAMS]
    labels = ws.clean / "labels.parquet"
    shown = digest_frame(pd.read_parquet(labels)) if labels.is_file() else ""
    return _digest([_digest_files([f for f in files if f.is_file()], ws.root), shown])


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(f for f in path.rglob("*") if f.suffix in _CODE and f.is_file())


def _digest_files(files: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _digest(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\x1e")
    return digest.hexdigest()[:16]
