"""Write small files whole or not at all, and check that a run has room on the disk.

Not here: tables (survey_tools.contracts writes those).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from survey_tools.errors import RunError
from survey_tools.files import replacing

NEEDED_MB = 200


def write_text(path: Path, text: str) -> None:
    """Write `text` by a temporary name in the same folder, then rename; mode 0600.

    Raises
    ------
    RunError
        When the disk is full or the folder cannot be written; the old file stays as it was.
    """
    with replacing(path, "A file of the run could not be written") as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON; see `write_text`."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file, or return None when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def check_space(folder: Path, needed_mb: int = NEEDED_MB) -> None:
    """Refuse to start a run that would fill the disk.

    Raises
    ------
    RunError
        When fewer than `needed_mb` megabytes are free where `folder` is.
    """
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if free_mb < needed_mb:
        raise RunError(
            "There is too little room on the disk for a run.",
            expected=f"{needed_mb} MB free",
            found=f"{free_mb} MB free",
            where=str(folder),
            next_step="free some space (old folders under reports/ may go), then run again",
        )
