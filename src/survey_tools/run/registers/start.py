"""Start the register of a form of the study, or of any XLSForm, as text or as a new file.

Not here: what its rows say (`draft`), or holding one against a form (`check`).
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from survey_tools.errors import ParamsError
from survey_tools.files import PUBLIC, replacing
from survey_tools.params import DEFAULT_STUDY, open_workspace
from survey_tools.run.registers.check import form_versions
from survey_tools.run.registers.draft import CHECK, draft_register

WORKBOOKS = (".xlsx", ".xlsm")


def start_register(source: str, study: str | Path = DEFAULT_STUDY) -> str:
    """Return the CSV of a first register.

    Parameters
    ----------
    source : str
        Path of an XLSForm workbook, which needs no study; or the name of a form of the study: all its
        deployed versions count, or its XLSForm where it was never pulled.
    study : str or Path
        The study file; not opened for a workbook.

    Raises
    ------
    ParamsError
        When the study has no such form, or the form asks nothing.
    KoboError, StoreError
        When the workbook is none, or the store cannot be read.
    """
    if Path(source).suffix.lower() in WORKBOOKS:
        return _with_rows(draft_register(Path(source)), source)
    ws = open_workspace(study)
    if source not in ws.study.forms:
        raise ParamsError(
            "The study has no such form.",
            expected=f"{', '.join(ws.study.forms)}, or the path of a workbook (.xlsx)",
            found=source,
            where=ws.study_path.name,
        )
    versions = form_versions(ws, source)
    *older, newest = versions.items()
    return _with_rows(draft_register(newest[1], dict(older), ws.study.renames(source)), source)


def _with_rows(text: str, source: str) -> str:
    """Return a draft as it is; one without rows would be a register of nothing."""
    if not any(csv.DictReader(io.StringIO(text))):
        raise ParamsError(
            "The form has no question, so there is no register to start.",
            expected="at least one question besides groups and notes",
            where=source,
            next_step="look at the sheet survey of the form, or name another workbook",
        )
    return text


def write_new(text: str, path: Path) -> Path:
    """Write a register to a file that is not there yet.

    Raises
    ------
    ParamsError
        When there is a file of that name: what people wrote into a register is never overwritten.
    """
    if path.exists():
        raise ParamsError(
            "There is a file of that name already; a register is never overwritten.",
            expected="a new file",
            where=str(path),
            next_step="choose another name with --out, and take over by hand what is new",
        )
    with replacing(path, "The register could not be written", mode=PUBLIC) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def draft_summary(text: str) -> str:
    """Say how many rows a draft has and how many of them a person must look at."""
    rows = list(csv.DictReader(io.StringIO(text)))
    asking = sum(row["note"].startswith(CHECK) for row in rows)
    return f"{len(rows)} rows; {asking} have «{CHECK}» in their note: look at those first"
