"""A workspace to measure batches of reports in, and the environment that every side gets.

Not here: measuring. The district's page is emptied: sides are compared on the communes' reports.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobo_measure import HERE

from survey_tools.areas import read_areas
from survey_tools.params import open_workspace
from survey_tools.run import make_codebook

ROOT = HERE.parent
NOTEBOOK = "notebooks/60_commune_report.ipynb"
DISTRICT = "notebooks/70_district_report.ipynb"
RUN, LANG = "bench", "vi"

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_UNSET = (
    *THREADS,
    "JUPYTER_DEFAULT_PROVISIONER_NAME",
    "KOBO_TOKEN",
    "KOBO_TOKEN_FILE",
    "MPLBACKEND",
)
_OWN = "SURVEY_TOOLS_"


@dataclass(frozen=True)
class Place:
    """A workspace, what is reported in it, and a folder for what the other sides make."""

    root: Path
    out: Path
    communes: tuple[str, ...]

    def given(self, side: str, communes: Sequence[str] | None = None, **more: object) -> str:
        """Write what a side is told, and make the folder that it writes to."""
        out = self.out / side
        out.mkdir(parents=True, exist_ok=True)
        told = {
            "notebook": NOTEBOOK,
            "communes": list(communes or self.communes),
            "lang": LANG,
            "run": RUN,
            "out": str(out),
            **more,
        }
        return json.dumps(told)

    def record(self) -> list[dict[str, Any]]:
        """Return what our side put down of each page."""
        path = self.root / "reports" / RUN / "run.json"
        pages: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["pages"]
        return pages

    def forget(self) -> None:
        """Remove what our side made before, but for the codebook: that is made again for new rows only."""
        folder = self.root / "reports" / RUN
        for path in folder.glob("*") if folder.is_dir() else ():
            if path.is_dir():
                shutil.rmtree(path)
            elif "codebook" not in path.name:
                path.unlink()


def prepare(folder: Path, workspace: Path | None, notebook: Path | None, most: int | None) -> Place:
    """Copy a finished workspace, or make one, below `folder`; put the notebook to measure in its place.

    Parameters
    ----------
    folder : Path
    workspace : Path, optional
        One with results. Without it the synthetic district is made and estimated, which takes minutes.
    notebook : Path, optional
        Takes the place of notebook 60; it has the parameters `commune`, `lang`, `run` and `study`.
    most : int, optional
        How many communes; all by default.
    """
    root = folder / "workspace"
    if workspace is None:
        _make(root)
    else:
        kept = shutil.ignore_patterns("reports", "raw", "sandbox")
        shutil.copytree(workspace, root, ignore=kept)
    if notebook is not None:
        shutil.copy(notebook, root / NOTEBOOK)
    _empty_district(root / DISTRICT)
    ws = open_workspace(root / "params/study.yml")
    make_codebook(ws, ws.reports(RUN))
    units = read_areas(ws.file("areas")).of(ws.study.areas.list_)
    return Place(root, folder / "made", tuple(unit.code for unit in units)[:most])


def environment(*, one_thread: bool = False) -> dict[str, str]:
    """Return what every side finds: that of this process without what would change how kernels run."""
    env = {k: v for k, v in os.environ.items() if k not in _UNSET and not k.startswith(_OWN)}
    return env | (dict.fromkeys(THREADS, "1") if one_thread else {})


def command(name: str) -> str:
    """Return the path of a command of this environment."""
    return str(Path(sys.executable).with_name(name))


def _make(root: Path) -> None:
    from survey_tools.run.pipeline import run_stages

    print("making and estimating the synthetic district …", flush=True)
    for part in ("params", "notebooks"):
        shutil.copytree(ROOT / part, root / part)
    shutil.copy(ROOT / "pyproject.toml", root)
    run_stages(open_workspace(root / "params/study.yml"), "base")


def _empty_district(path: Path) -> None:
    """Leave nothing of the district's notebook but its parameters."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"] = [
        cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", [])
    ]
    path.write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")
