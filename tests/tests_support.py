"""What several tests share: a copy of the workspace, and the command line as a user would call it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from survey_tools.params import ROOT_VARIABLE

ROOT = Path(__file__).parents[1]
SMALL = {"SURVEY_TOOLS_SANDBOX_PRESET": "small"}


def copy_workspace(target: Path) -> Path:
    """Copy what is in git of a workspace: parameters and notebooks."""
    for folder in ("params", "notebooks"):
        shutil.copytree(
            ROOT / folder, target / folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints")
        )
    return target


def survey_tools(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would, in a folder, with the small district."""
    inherited = {k: v for k, v in os.environ.items() if k not in {ROOT_VARIABLE, "KOBO_TOKEN"}}
    return subprocess.run(
        [sys.executable, "-m", "survey_tools.cli", *arguments],
        cwd=cwd,
        env=inherited | SMALL | env,
        capture_output=True,
        text=True,
        timeout=600,
    )
