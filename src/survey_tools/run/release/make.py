"""Make a pack of de-identified micro-data for other researchers; docs/erase_and_release.md says what and why.

A pack is built under another name, read back and checked as a stranger would, and only then gets its name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from survey_tools import __version__, contracts
from survey_tools.errors import DisclosureError
from survey_tools.params import Workspace
from survey_tools.run.batch.record import now
from survey_tools.run.erasing.derived import PACK
from survey_tools.run.erasing.journal import refuse_unfinished
from survey_tools.run.files import check_space
from survey_tools.run.occupied import at_work
from survey_tools.run.release.check import Check, check_pack
from survey_tools.run.release.files import (
    CODEBOOK,
    HOUSEHOLDS,
    PANEL,
    README,
    SUMS,
    building,
    csv_bytes,
    pack_up,
    read_pack,
    sums,
)
from survey_tools.run.release.pack import AREA, WAVE, Pack, build_pack
from survey_tools.run.release.text import Facts, readme


@dataclass(frozen=True)
class Release:
    """A pack that passed its check.

    Attributes
    ----------
    path : Path
        The folder or zip file.
    households, interviews : int
    suppressed : dict of str to int
        Cells hidden, by variable.
    check : Check
        What was looked at.
    """

    path: Path
    households: int
    interviews: int
    suppressed: dict[str, int]
    check: Check = field(repr=False)


def make_release(ws: Workspace, out: Path) -> Release:
    """Make a pack and check it; one that does not pass is not kept.

    Parameters
    ----------
    ws : Workspace
    out : Path
        A new folder, or a new file ending in `.zip`.

    Raises
    ------
    ContractError
        When there is no analysis panel.
    ParamsError, DisclosureError
        When the study file releases what it may not, or the pack does not pass its check; the words of the
        check say why.
    RunError
        When `out` is there, or cannot be written.
    """
    refuse_unfinished(ws)
    check_space(ws.root)
    with at_work(ws), building(out) as place:
        pack = build_pack(ws, contracts.read_table(ws.analysis, "panel"))
        pack_up(_files(ws, pack), place)
        check = check_pack(ws, read_pack(place))
        if check.failed:
            raise DisclosureError(
                "The pack did not pass its check and was not kept.",
                found="; ".join(str(finding) for finding in check.failed),
                where="release of the study file",
                next_step="change what is released, or how it is coarsened",
            )
    return Release(out, len(pack.households), len(pack.panel), pack.suppressed, check)


def check_release(ws: Workspace, path: Path) -> Check:
    """Check a pack that is there; see `survey_tools.run.release.check.check_pack`."""
    return check_pack(ws, read_pack(path))


def _files(ws: Workspace, pack: Pack) -> dict[str, bytes]:
    files = {
        README: readme(_facts(ws, pack)).encode("utf-8"),
        CODEBOOK: csv_bytes(pack.codebook),
        HOUSEHOLDS: csv_bytes(pack.households),
        PANEL: csv_bytes(pack.panel),
        PACK: (json.dumps(_manifest(ws, pack), ensure_ascii=False, indent=2) + "\n").encode(
            "utf-8"
        ),
    }
    return files | {SUMS: sums(files)}


def _facts(ws: Workspace, pack: Pack) -> Facts:
    study, settings = ws.study.study, ws.study.release
    return Facts(
        title_vi=study.title_vi,
        title_en=study.title_en,
        synthetic=study.synthetic,
        households=len(pack.households),
        interviews=len(pack.panel),
        waves=tuple(sorted(pack.panel[WAVE].unique())),
        k=settings.k,
        teams=settings.teams,
        area_list=settings.area_list,
        places_hidden=pack.suppressed[AREA],
        quasi=settings.quasi,
        cells=pack.suppressed,
        terms=settings.terms,
    )


def _manifest(ws: Workspace, pack: Pack) -> dict[str, Any]:
    study = ws.study.study
    return {
        "pack": "survey_tools release",
        "program": f"survey_tools {__version__}",
        "study": study.id,
        "synthetic": study.synthetic,
        "made": now()[:7],
        "households": len(pack.households),
        "interviews": len(pack.panel),
        "interviews_by_wave": {
            str(w): int(n) for w, n in sorted(pack.panel[WAVE].value_counts().items())
        },
        "suppressed": pack.suppressed,
        "rules": ws.study.release.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
