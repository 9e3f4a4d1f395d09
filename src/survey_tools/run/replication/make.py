"""Make a replication pack: gather, describe, search for personal data, and write one zip file.

The same run gives the same bytes. docs/replication.md says what is in a pack and why.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from survey_tools.errors import DisclosureError, ParamsError, RunError
from survey_tools.files import PUBLIC, replacing
from survey_tools.params import Workspace
from survey_tools.run.batch.record import RECORD
from survey_tools.run.compare.numbers import numbers_of_run
from survey_tools.run.erasing.journal import refuse_unfinished
from survey_tools.run.occupied import at_work
from survey_tools.run.release.files import NO_DATE, csv_bytes, sums
from survey_tools.run.replication.delivered import Delivered, find_delivered
from survey_tools.run.replication.facts import options_of
from survey_tools.run.replication.micro import MicroData, take_micro_data
from survey_tools.run.replication.project import ProjectFile, project_files, project_root
from survey_tools.run.replication.readme import Contents, readme
from survey_tools.run.replication.recipe import (
    DEMO_STUDY,
    NUMBERS,
    PROJECT,
    demo_study,
    makefile,
)
from survey_tools.run.scan import Scanner, open_scanner

TOLD = 5
"""Findings that an error names."""

README, CONTACT = "README.md", "--contact"
NO_CONTACT = "nobody: the answers are simulated"
_FILE, _PROGRAM = 0o100644, 0o100755
_UNIX = 3


@dataclass(frozen=True)
class Replication:
    """A pack that was made: its path, size in bytes, files and numbers, and what is wrong with the run."""

    path: Path
    size: int
    files: int
    numbers: int
    failed: tuple[str, ...]
    outdated: tuple[str, ...]


def make_replication(
    ws: Workspace,
    run: str,
    out: Path,
    *,
    data: Path | None = None,
    contact: str = "",
    force: bool = False,
) -> Replication:
    """Make a pack by which a stranger reproduces a run.

    Parameters
    ----------
    ws : Workspace
    run : str
        A run that is finished, without failed pages, and up to date.
    out : Path
        A name ending in `.zip`; one that is there is replaced.
    data : Path, optional
        Release pack with de-identified micro-data of a real study, which go along if they pass their check.
    contact : str
        Whom to ask for access to the data of a real study: an office, and how to reach it. Stands in the
        README, where its phone or address may stand; values of known people may not.
    force : bool
        Pack a run with failed or outdated pages; the README says so.

    Raises
    ------
    ParamsError
        When `out` is no zip file, or a real study names nobody to ask.
    RunError
        When the run cannot be handed on, the project is not there, or the pack cannot be written.
    DisclosureError
        When personal data were about to be handed on, or the micro-data do not pass their check.
    """
    _check(ws, out, contact)
    refuse_unfinished(ws)
    with at_work(ws):
        delivered = find_delivered(ws, run, force=force)
        numbers = _numbers(delivered)
        micro = None if data is None else take_micro_data(ws, data)
        project = project_files(project_root(), ws, leave_out=[out])
        contact = contact.strip() or NO_CONTACT
        about = _contents(numbers, micro, project, contact)
        files = _files(ws, delivered, numbers, about, project)
        without = ProjectFile(readme(ws, delivered, replace(about, contact="")).encode("utf-8"))
        _search(open_scanner(ws), {**files, README: without}, contact)
        _write(files, f"replication-{ws.study.study.id}-{run}", out)
    return Replication(
        out, out.stat().st_size, len(files), len(numbers), delivered.failed, delivered.outdated
    )


def _check(ws: Workspace, out: Path, contact: str) -> None:
    if out.suffix != ".zip":
        raise ParamsError(
            "A pack is one zip file.", expected="a name ending in .zip", found=out.name, where="OUT"
        )
    if not ws.study.study.synthetic and not contact.strip():
        raise ParamsError(
            "Whom to ask for access to the data is not said.",
            expected='--contact "an office, and how to reach it"',
            where=f"study.synthetic in {ws.study_path.name} is false",
        )


def _numbers(delivered: Delivered) -> pd.DataFrame:
    numbers = numbers_of_run(delivered.folder, delivered.files)
    if numbers.empty:
        raise RunError(
            "The pages of the run do not say where their numbers come from.",
            expected="pages of this version",
            where=f"reports/{delivered.folder.name}/",
            next_step=f"survey-tools report --run {delivered.folder.name} --force makes them anew",
        )
    return numbers


def _contents(
    numbers: pd.DataFrame,
    micro: MicroData | None,
    project: Mapping[str, ProjectFile],
    contact: str,
) -> Contents:
    """Gather what the README says of the pack."""
    licenses = tuple(name for name in project if name.startswith("LICENSE"))
    text = project[README].content.decode("utf-8")
    return Contents(len(numbers), micro, contact, text, licenses)


def _files(
    ws: Workspace,
    delivered: Delivered,
    numbers: pd.DataFrame,
    about: Contents,
    project: Mapping[str, ProjectFile],
) -> dict[str, ProjectFile]:
    """Gather all files of the pack by path, the checksums last."""
    synthetic = ws.study.study.synthetic
    files = {
        README: ProjectFile(readme(ws, delivered, about).encode("utf-8")),
        "Makefile": ProjectFile(makefile(options_of(ws, delivered), synthetic=synthetic).encode()),
        NUMBERS: ProjectFile(csv_bytes(numbers)),
        f"delivered/{RECORD}": ProjectFile((delivered.folder / RECORD).read_bytes()),
        **{f"{PROJECT}/{name}": file for name, file in project.items()},
    }
    if not synthetic:
        study = demo_study(ws.study_path.read_text("utf-8"))
        files[f"{PROJECT}/{DEMO_STUDY}"] = ProjectFile(study.encode("utf-8"))
    for name, content in (about.micro.files if about.micro else {}).items():
        files[f"data/{name}"] = ProjectFile(content)
    listed = sums({name: file.content for name, file in files.items()})
    return {**dict(sorted(files.items())), "SHA256SUMS": ProjectFile(listed)}


def _search(scanner: Scanner, files: Mapping[str, ProjectFile], contact: str = "") -> None:
    """Refuse a pack with anything personal in it, or with a file that cannot be searched.

    `files` has the README without the `contact`: that is an office, whose phone or address may stand there,
    but no value of a person or household that is known, and no token.
    """
    told, _ = scanner.scan(CONTACT, contact.encode("utf-8"))
    found = [str(one) for one in told if one.known or one.kind == "token"]
    for name, file in files.items():
        findings, unread = scanner.scan(name.removeprefix(f"{PROJECT}/"), file.content)
        found += map(str, (*findings, *unread))
    if found:
        more = len(found) - TOLD
        raise DisclosureError(
            "Personal data were about to be handed on; nothing was written.",
            expected="no phone, name, position, number or code of a person or household",
            found="; ".join(found[:TOLD]) + (f"; {more} more" if more > 0 else ""),
            where="the replication pack",
            next_step="take it out; if it is public, add it with its reason to params/scan_allow.csv",
        )


def _write(files: Mapping[str, ProjectFile], top: str, out: Path) -> None:
    """Write the zip file under another name, then rename it: no dates, and the rights that git keeps."""
    with (
        replacing(out, "The pack could not be written", mode=PUBLIC) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed,
    ):
        for name, file in files.items():
            about = zipfile.ZipInfo(f"{top}/{name}", NO_DATE)
            about.compress_type, about.create_system = zipfile.ZIP_DEFLATED, _UNIX
            about.external_attr = (_PROGRAM if file.executable else _FILE) << 16
            packed.writestr(about, file.content, compresslevel=9)
