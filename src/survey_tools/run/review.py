"""Review a run: look up what a machine can, read and write sign-offs, and write the page of the review.

A machine's check looks at the record, the results and `verify.json`, never at what a page says of itself. A
sign-off counts for the content that was signed: where a page has changed since, it is one of an earlier
version. Not here: the checklist (`params/review.yml`), or the page (`survey_tools.report.review`).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pydantic import ValidationError

from survey_tools.errors import DisclosureError, ParamsError
from survey_tools.params import Checklist, SignOff, Workspace, read_checklist, read_sign_offs
from survey_tools.report.downloads.names import beside
from survey_tools.report.review import (
    NOT_OK,
    OK,
    OPEN,
    OUTDATED,
    Reviewed,
    write_review_pages,
)
from survey_tools.report.shown import shown_tables
from survey_tools.report.suppression import LOG, suppression_log
from survey_tools.run.batch.fingerprint import digest_if_there
from survey_tools.run.batch.record import THERE, name_of
from survey_tools.run.files import read_json, write_text
from survey_tools.run.gate import open_gate
from survey_tools.run.verify.strange import strange_files
from survey_tools.run.verify.verify import SAME, VERIFIED, held_record

CHECKLIST = "review.yml"
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_DATA = re.compile(r"<data ([^>]*)>")
_ATTRIBUTE = re.compile(r'(value|data-source)="([^"]*)"')
Found = tuple[str, str]
"""State of an item, and the key of the sentence that says what was found."""


def review_run(ws: Workspace, run: str) -> tuple[Reviewed, ...]:
    """Find the state of every item of the checklist for a run, and write the page of the review.

    Parameters
    ----------
    ws : Workspace
    run : str

    Returns
    -------
    tuple of Reviewed
        In the order of the checklist.

    Raises
    ------
    RunError
        When there is no such run, its record cannot be read, or a batch or another review is writing into it.
    ParamsError
        When the checklist or the file of sign-offs is wrong.
    """
    folder = ws.reports(run)
    with held_record(ws, run) as record:
        checklist = _checklist(ws)
        signed = {one.item: one for one in _signed(ws, run, checklist)}
        content = content_digest(folder, record)
        items = tuple(
            Reviewed(item, *CHECKS[item.check](ws, folder, record))
            if item.check
            else _human(item, signed.get(item.id), content)
            for item in checklist.items
        )
        write_review_pages(ws, run, checklist, items, content, open_gate(ws, folder))
        return items


def sign(
    ws: Workspace,
    run: str,
    item: str,
    *,
    role: str,
    decision: str,
    remark: str = "",
    initials: str = "",
) -> SignOff:
    """Put down a decision on one item, for the pages as they are now, in `params/reviews/<run>.yml`.

    Raises
    ------
    ParamsError
        When there is no such item or role, the item is the machine's, the decision is none of ok, not_ok and
        not_applicable, or one other than ok has no remark.
    DisclosureError
        When the remark holds personal data.
    RunError
        When there is no such run, a batch or another review is writing into it, or the file cannot be
        written.
    """
    folder = ws.reports(run)
    with held_record(ws, run) as record:
        checklist = _checklist(ws)
        _check_item(checklist, item)
        _check_given(ws, folder, checklist, item, role, remark)
        given = {
            "item": item,
            "decision": decision,
            "role": role,
            "initials": initials,
            "date": datetime.now(UTC).date(),
            "content": content_digest(folder, record),
            "remark": remark,
        }
        made = _complete(given)
        signed = [*_signed(ws, run, checklist), made]
        lines = [one.model_dump(mode="json") for one in signed]
        text = yaml.safe_dump({"signed": lines}, allow_unicode=True, sort_keys=False)
        write_text(_file(ws, run), text)
    return made


def content_digest(folder: Path, record: Mapping[str, Any]) -> str:
    """Return a digest of pages and the files beside them as they lie there, in letters: 16 of a to p.

    Executed notebooks do not count: they hold the seconds that they took, and pages made again are the same.
    """
    digest = hashlib.sha256()
    for page in record["pages"]:
        if page["status"] in THERE and page["file"]:
            html = folder / page["file"]
            for path in (html, *beside(html)):
                digest.update(f"{path.name} {digest_if_there(path)}\n".encode())
    return digest.hexdigest()[:16].translate(_LETTERS)


def _check_given(
    ws: Workspace, folder: Path, checklist: Checklist, item: str, role: str, remark: str
) -> None:
    """Refuse a role that the checklist does not have, and a remark with personal data."""
    if role not in checklist.roles:
        raise ParamsError(
            "The checklist has no such role.",
            expected=", ".join(checklist.roles),
            found=role,
            where=f"params/{CHECKLIST}",
            next_step="sign in one of these roles; no person's name is put down",
        )
    if open_gate(ws, folder).blot(remark) != remark:
        raise DisclosureError(
            "The remark holds personal data and was not put down.",
            expected="what was seen, without names, phones or codes of households",
            where=item,
        )


def _complete(given: Mapping[str, Any]) -> SignOff:
    """Make a sign-off, or say what is missing or wrong in it."""
    try:
        return SignOff.model_validate(given)
    except ValidationError as error:
        problem = error.errors()[0]
        raise ParamsError(
            "The sign-off is not complete.",
            found=f"{'.'.join(map(str, problem['loc'])) or given['item']}: {problem['msg']}",
            next_step="survey-tools review --help",
        ) from error


def _checklist(ws: Workspace) -> Checklist:
    return read_checklist(ws.root / "params" / CHECKLIST)


def _file(ws: Workspace, run: str) -> Path:
    return ws.root / "params" / "reviews" / f"{run}.yml"


def _signed(ws: Workspace, run: str, checklist: Checklist) -> tuple[SignOff, ...]:
    signed = read_sign_offs(_file(ws, run)).signed
    for one in signed:
        _check_item(checklist, one.item)
        if one.role not in checklist.roles:
            raise ParamsError(
                "A sign-off is by a role that the checklist does not have.",
                expected=", ".join(checklist.roles),
                found=f"{one.item}: {one.role}",
                where=f"params/reviews/{run}.yml",
            )
    return signed


def _check_item(checklist: Checklist, item: str) -> None:
    humans = [one.id for one in checklist.items if one.check is None]
    if item in humans:
        return
    known = item in {one.id for one in checklist.items}
    raise ParamsError(
        "This item is looked up by the machine and is not signed."
        if known
        else "The checklist has no such item.",
        expected=", ".join(humans),
        found=item,
        where=f"params/{CHECKLIST}",
    )


def _human(item: Any, signed: SignOff | None, content: str) -> Reviewed:
    if signed is None:
        return Reviewed(item, OPEN, "review_found_unsigned")
    if signed.content != content:
        return Reviewed(item, OUTDATED, "review_found_outdated", signed=signed)
    return Reviewed(item, signed.decision, "", signed=signed)


# what a machine can look up


def _data_proved(ws: Workspace, folder: Path, record: Mapping[str, Any]) -> Found:
    pulls = record.get("pulls") or []
    if not pulls:
        return OPEN, "review_found_no_pulls"
    whole = all(p.get("proof") and p.get("rows") == p.get("server_count") for p in pulls)
    return (OK, "review_found_pulls") if whole else (NOT_OK, "review_found_pulls_short")


def _pages_made(ws: Workspace, folder: Path, record: Mapping[str, Any]) -> Found:
    counts = Counter(page["status"] for page in record["pages"])
    if counts["failed"] or counts["stopped"] or not any(counts[one] for one in THERE):
        return NOT_OK, "review_found_failed"
    return OK, "review_found_made"


def _plan_kept(ws: Workspace, folder: Path, record: Mapping[str, Any]) -> Found:
    path = ws.results / "plan.parquet"
    if not path.is_file():
        return OPEN, "review_found_no_plan"
    kept = pd.read_parquet(path)["state"].eq("as_planned").all()
    return (OK, "review_found_plan") if kept else (NOT_OK, "review_found_departures")


def _provenance(ws: Workspace, folder: Path, record: Mapping[str, Any]) -> Found:
    if not record.get("commit"):
        return NOT_OK, "review_found_no_commit"
    return (NOT_OK, "review_found_dirty") if record.get("dirty") else (OK, "review_found_commit")


def _verified(ws: Workspace, folder: Path, record: Mapping[str, Any]) -> Found:
    """Every page was verified with all its files as they lie there now, and no others lie there."""
    kept = read_json(folder / VERIFIED)
    if not isinstance(kept, dict) or kept.get("run") != record.get("run"):
        return OPEN, "review_found_unverified"
    pages = kept.get("pages") or {}
    states = set()
    for page in record["pages"]:
        if page["status"] in THERE:
            kept_of = pages.get(name_of(page)) or {}
            files = kept_of.get("files") or {}
            held = page["files"] and files.keys() >= page["files"].keys()
            now = held and all(digest_if_there(folder / n) == said for n, said in files.items())
            same_inputs = kept_of.get("made_from") == page["hashes"]
            states.add(kept_of.get("result") if now and same_inputs else None)
    if "differs" in states or kept.get("tables"):
        return NOT_OK, "review_found_differs"
    if strange_files(folder, record):
        return NOT_OK, "review_found_strange"
    return (OK, "review_found_verified") if states == {SAME} else (OPEN, "review_found_unverified")


def _languages_agree(ws: Workspace, folder: Path, record: Mapping[str, Any]) -> Found:
    """Pages of one area hold the same traced figures, as often, in every language."""
    figures: dict[str, list[Counter[tuple[tuple[str, str], ...]]]] = {}
    for page in record["pages"]:
        path = folder / str(page["file"])
        if page["status"] in THERE and path.is_file():
            found = _figures(path.read_text("utf-8", errors="replace"))
            figures.setdefault(page["code"], []).append(found)
    if not any(any(of_area) for of_area in figures.values()):
        return OPEN, "review_found_no_figures"
    whole = all(len(found) == len(ws.study.report.languages) for found in figures.values())
    same = all(one == found[0] for found in figures.values() for one in found)
    return (OK, "review_found_agree") if whole and same else (NOT_OK, "review_found_disagree")


def _figures(text: str) -> Counter[tuple[tuple[str, str], ...]]:
    """Count the traced figures of a page, each by its value and source."""
    return Counter(tuple(sorted(_ATTRIBUTE.findall(one))) for one in _DATA.findall(text))


def _cells_protected(ws: Workspace, folder: Path, record: Mapping[str, Any]) -> Found:
    log = suppression_log(shown_tables(ws)).to_csv(index=False, lineterminator="\n")
    path = folder / LOG
    if not path.is_file():
        return OPEN, "review_found_no_log"
    same = path.read_text("utf-8") == log
    return (OK, "review_found_log") if same else (NOT_OK, "review_found_other_log")


CHECKS: dict[str, Callable[[Workspace, Path, Mapping[str, Any]], Found]] = {
    "data_proved": _data_proved,
    "pages_made": _pages_made,
    "plan_kept": _plan_kept,
    "provenance": _provenance,
    "verified": _verified,
    "languages_agree": _languages_agree,
    "cells_protected": _cells_protected,
}
