"""Make the tables of the demo's district that notebook 50 reads, as the demo makes them.

Not here: measuring. The folder is kept in `bench/.cache` as long as nothing that it depends on changes;
no row leaves this computer.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from kobo_measure import HERE

import survey_tools
from survey_tools.params import open_workspace
from survey_tools.run.pipeline import STAGES, run_stages

ROOT = HERE.parent
CACHE = HERE / ".cache"
WANTED = tuple(stage for stage in STAGES if stage[:2] in ("10", "20", "40"))
"""Notebooks that make the tables; the one on checks makes none of them."""


def workspace() -> Path:
    """Return the study file of a workspace with the constructed tables, made unless it is there."""
    folder = CACHE / f"estimate-{_digest()}"
    if not folder.is_dir():
        for outdated in CACHE.glob("estimate-*"):
            shutil.rmtree(outdated)
        print("making the tables of the demo's district …", flush=True)
        building = CACHE / f".building-{os.getpid()}"
        for part in ("params", "notebooks"):
            shutil.copytree(ROOT / part, building / part)
        shutil.copy(ROOT / "pyproject.toml", building)
        run_stages(open_workspace(building / "params/study.yml"), "bench", stages=WANTED)
        building.replace(folder)
    return folder / "params/study.yml"


def _digest() -> str:
    """Depend on what the tables are made of."""
    package = Path(survey_tools.__file__).parent
    made_of = [ROOT / "notebooks" / f"{stage}.ipynb" for stage in WANTED]
    made_of += [path for path in (ROOT / "params").rglob("*") if path.is_file()]
    for name in ("synthetic", "clean", "construct"):
        made_of += (package / name).rglob("*.py")
    digest = hashlib.sha256()
    for path in sorted(made_of):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]
