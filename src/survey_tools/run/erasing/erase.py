"""Erase a household from the whole workspace, with a receipt; docs/erase_and_release.md says what and why.

The order: look, and change nothing; write the journal; delete what is derived; take the household out of
sandboxes, files, stores and lists; search every file; write the receipt; drop the journal; make anew what
is derived. Killed anywhere, it goes on from the journal; until it has, no run and no pull begins.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from survey_tools.clean import household_code_ok
from survey_tools.clean.corrections.read import STAFF_CODE
from survey_tools.errors import RunError, SurveyToolsError
from survey_tools.kobo import Store, remove_attachments
from survey_tools.kobo.sandbox import erase_from_sandbox
from survey_tools.kobo.store.upkeep import ERASED
from survey_tools.params import Workspace
from survey_tools.run.batch.record import now
from survey_tools.run.erasing import derived as erase_derived
from survey_tools.run.erasing import find as erase_find
from survey_tools.run.erasing.files import Household, erase_lines, flag_keys, lists
from survey_tools.run.erasing.journal import (
    Journal,
    drop_journal,
    read_journal,
    refuse_unfinished,
    write_journal,
)
from survey_tools.run.erasing.receipt import (
    RECEIPTS,
    lines_of_derived,
    lines_of_lists,
    lines_of_rows,
    to_do,
    with_rebuilt,
    write_receipt,
)
from survey_tools.run.erasing.search import refuse_out_of_reach, refuse_traces
from survey_tools.run.files import NEEDED_MB, check_space
from survey_tools.run.occupied import alone

BASES = ("withdrawn", "requested", "mistake", "expired")
"""Why: consent withdrawn; erasure asked for; collected by mistake; no longer needed."""


@dataclass(frozen=True)
class Erasure:
    """What was erased, and what is left to do.

    Attributes
    ----------
    receipt : Path
    content : dict
        What stands in the receipt.
    rebuilt : bool
        Whether what is derived was made anew.
    problem : str
        What kept it from being made.
    missing : tuple of str
        Files below `reports/` that were there before and are not made by a run of stages and pages.
    """

    receipt: Path
    content: dict[str, Any] = field(repr=False)
    rebuilt: bool
    problem: str = ""
    missing: tuple[str, ...] = ()


def plan_erasure(ws: Workspace, code: str, *, by: str = "", basis: str = BASES[0]) -> Journal:
    """Find all that carries a household code and count what would go; changes nothing.

    Parameters
    ----------
    ws : Workspace
    code : str
        Household code.
    by : str
        Staff code of who passed the request on, or empty.
    basis : str
        One of `BASES`.

    Raises
    ------
    RunError
        When the code is none, nobody has it, files that people made hold it, or an erasure is not finished.
    StoreError
        When a store is damaged.
    """
    refuse_unfinished(ws)
    code = _checked(code, by, basis)
    stores = erase_find.find_in_stores(ws, code)
    sandboxes = erase_find.find_in_sandboxes(ws, code)
    own = [one for one in stores if Path(one.place).parent == ws.raw.relative_to(ws.root)]
    household = Household(code, {one.form: list(one.erase) for one in own if one.erase})
    household = replace(household, flags=flag_keys(ws.clean / erase_derived.FLAGS, household))
    derived = erase_derived.take_stock(ws)
    found = [*lines_of_rows(ws, stores, sandboxes), *lines_of_lists(ws, household)]
    if not any(line["gone"] for line in found):
        raise RunError(
            "Nobody in this workspace has that household code.",
            expected="a code of a drawn household or of a submission",
            next_step=f"if it was erased before, the receipt is in data/private/{RECEIPTS}",
        )
    plan = Journal(
        number=secrets.token_hex(6),
        code=code,
        by=by,
        basis=basis,
        begun=now(),
        stores={one.place: list(one.erase) for one in stores if one.erase or one.edit},
        sandboxes=_by_folder(sandboxes),
        rows={form: list(ids) for form, ids in household.rows.items()},
        flags=list(household.flags),
        marks=_marks(ws, code, [*stores, *sandboxes]),
        lines=[*found, *lines_of_derived(ws, derived, household)],
        server=to_do(stores),
        stages=list(derived.stages),
        runs=derived.runs,
        reports=[path.relative_to(ws.root).as_posix() for path in derived.reports],
    )
    refuse_out_of_reach(ws, plan, derived)
    return plan


def erase(
    ws: Workspace, plan: Journal, *, rebuild: bool = True, jobs: int | None = None
) -> Erasure:
    """Erase a household as planned; then make anew what is derived.

    Parameters
    ----------
    ws : Workspace
    plan : Journal
        From `plan_erasure`.
    rebuild : bool
        Whether to run the stages and pages that were there before.
    jobs : int, optional
        Pages at a time.

    Raises
    ------
    RunError, StoreError, KoboError
        When a run is at work, a store is in use, or the disk is too full: nothing was done. Or when
        something stopped it on its way: `finish_erasure` goes on.
    """
    with alone(ws):
        refuse_unfinished(ws)
        _refuse_what_cannot_be_done(ws, plan)
        write_journal(ws, plan)
        receipt = _erase(ws, plan)
    return _rebuilt(ws, plan, receipt, rebuild, jobs)


def finish_erasure(
    ws: Workspace, *, rebuild: bool = True, jobs: int | None = None
) -> Erasure | None:
    """Go on with an erasure that was stopped on its way; None where there is none. See `erase`."""
    with alone(ws):
        plan = read_journal(ws)
        if plan is None:
            return None
        receipt = _erase(ws, plan)
    return _rebuilt(ws, plan, receipt, rebuild, jobs)


def _checked(code: str, by: str, basis: str) -> str:
    code = erase_find.plain_code(code)
    if not household_code_ok(pd.Series([code]))[0]:
        raise RunError(
            "That is no household code, or its check digit is wrong.",
            expected="<commune>-T<team>-H<number>-<check digit>, the number modulo 7",
            next_step="compare it with the sample card",
        )
    if by and not STAFF_CODE.fullmatch(by):
        raise RunError("Who asked is named by a staff code.", expected="such as S04, no name")
    if basis not in BASES:
        raise RunError("There is no such basis.", expected=" or ".join(BASES), found=repr(basis))
    return code


def _marks(ws: Workspace, code: str, found: list[erase_find.Found]) -> list[str]:
    """Return what is looked for at the end, to be sure that it is gone."""
    own = set() if erase_find.is_an_example(ws, code) else {code}
    return sorted(own.union(*(one.marks for one in found)))


def _refuse_what_cannot_be_done(ws: Workspace, plan: Journal) -> None:
    """Refuse before anything is changed: a store in use, a disk without room to write it anew."""
    paths = [ws.root / place for place in plan.stores]
    largest = max((path.stat().st_size for path in paths), default=0) // 1_000_000
    check_space(ws.root, needed_mb=NEEDED_MB + 2 * largest)
    for path in paths:
        with _opened(path) as store:
            store.refuse_readers()


def _erase(ws: Workspace, plan: Journal) -> Path:
    """Do every step; each may have been done before."""
    household = Household(plan.code, plan.rows, plan.flags)
    with _on_its_way():
        erase_derived.delete_derived(ws, household)
        for folder, ids in plan.sandboxes.items():
            _erase_sandbox(ws, ws.root / folder, ids, plan.code)
        for broken_off in ws.sandbox.glob(".building-*"):
            erase_derived.delete(broken_off)
        for place, row_ids in plan.stores.items():
            path = ws.root / place
            remove_attachments(path.with_suffix(".files"), row_ids)
            with _opened(path) as store:
                store.erase(row_ids, text=plan.code)
        for path in lists(ws):
            erase_lines(path, household)
        refuse_traces(ws, plan)
        receipt = write_receipt(ws, plan)
        drop_journal(ws)
    return receipt


def _erase_sandbox(ws: Workspace, folder: Path, ids: dict[str, list[int]], code: str) -> None:
    """Erase from the folder of the built-in server: it would bring the household back at the next pull."""
    erase_from_sandbox(folder, ids, text=code, mark=ERASED)
    forms = {settings.uid: str(form) for form, settings in ws.study.forms.items()}
    household = Household(code, {forms.get(uid, uid): some for uid, some in ids.items()})
    for path in folder.glob("*.csv"):
        erase_lines(path, household)


def _rebuilt(
    ws: Workspace, plan: Journal, receipt: Path, rebuild: bool, jobs: int | None
) -> Erasure:
    """Make anew what is derived; the erasure is done whether or not that works."""
    problem = "" if rebuild else "not asked for"
    if rebuild:
        try:
            erase_derived.rebuild(ws, plan.stages, plan.runs, jobs)
        except SurveyToolsError as error:
            problem = str(error)
    content = with_rebuilt(ws, receipt, done=not problem)
    missing = [name for name in plan.reports if not (ws.root / name).exists()]
    told = tuple(name for name in missing if Path(name).suffix != ".log")
    return Erasure(receipt, content, not problem, problem, told)


@contextmanager
def _on_its_way() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(
            "The erasure has begun and could not go on; nothing that was erased comes back.",
            found=error.strerror or type(error).__name__,
            where=Path(error.filename or "").name or None,
            next_step="free space or make it writable; then survey-tools erase, without a code, goes on",
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator[Store]:
    """Open a store whosever rows it holds."""
    with Store.read(path) as store:
        server, asset = store.server, store.asset
    with Store.open(path, server=server, asset=asset, create=False) as store:
        yield store


def _by_folder(found: list[erase_find.Found]) -> dict[str, dict[str, list[int]]]:
    folders: dict[str, dict[str, list[int]]] = {}
    for one in found:
        folders.setdefault(one.place, {})[one.asset] = list(one.erase)
    return folders
