"""Take the files of a release pack along, if it passes the check of `survey-tools release`.

Makes no pack: numbers of households are drawn anew for each, and only one should be handed on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from survey_tools.errors import DisclosureError, ParamsError
from survey_tools.params import Workspace
from survey_tools.run.release.check import check_pack
from survey_tools.run.release.files import HOUSEHOLDS, PANEL, read_pack


@dataclass(frozen=True)
class MicroData:
    """De-identified micro-data that passed their check: files by name, and their rows."""

    files: dict[str, bytes] = field(repr=False)
    households: int
    interviews: int


def take_micro_data(ws: Workspace, path: Path) -> MicroData:
    """Read and check a release pack.

    Raises
    ------
    ParamsError
        When the answers are simulated: the code makes them again.
    DisclosureError
        When it is no pack, or does not pass the check.
    """
    if ws.study.study.synthetic:
        raise ParamsError(
            "The answers are simulated and are made again by the code; there is nothing to take along.",
            expected="no --data",
            where=f"study.synthetic in {ws.study_path.name}",
        )
    pack = read_pack(path)
    if failed := check_pack(ws, pack).failed:
        raise DisclosureError(
            "The micro-data do not pass their check and may not go.",
            found="; ".join(map(str, failed)),
            where=path.name,
            next_step="make the pack anew with survey-tools release",
        )
    return MicroData(pack.files, len(pack.table(HOUSEHOLDS)), len(pack.table(PANEL)))
