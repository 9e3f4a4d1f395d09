"""Fetch the files that rows carry: the audit logs in a normal pull, all of them on demand.

Not here: rows (survey_tools.run.pull), the download itself (survey_tools.kobo.files).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Literal

import pandas as pd

from survey_tools.kobo import Attachment, AttachmentReport, KoboClient, Store, download_attachments
from survey_tools.params import Workspace
from survey_tools.run.erasing.journal import refuse_unfinished
from survey_tools.run.files import read_json, write_json
from survey_tools.run.occupied import at_work
from survey_tools.run.progress import Step, bar
from survey_tools.run.server import Server

Wanted = Literal["none", "audit", "all"]
AUDIT_LOG = "audit.csv"
MARK = "fetched.json"
"""Says for which state of the rows all wanted files are there: a pull of nothing new looks no further."""

_SELECT: dict[Wanted, Callable[[Attachment], bool]] = {
    "none": lambda one: False,
    "audit": lambda one: one.name == AUDIT_LOG,
    "all": lambda one: True,
}


def pull_files(ws: Workspace, server: Server, *, bars: bool = False) -> pd.DataFrame:
    """Fetch the files that live rows carry (photos, audit logs) into `data/raw/`; resumes where it broke off.

    Every file that is there already is read and compared with its digest.

    Returns
    -------
    DataFrame
        One row a form: ``form, fetched, kept, deleted, failed`` (files).

    Raises
    ------
    KoboError
        At the end, if files of any form did not come; the others are kept.
    """
    refuse_unfinished(ws)
    reports = {}
    with at_work(ws), KoboClient(server.url, server.token) as client:
        for form in ws.study.forms:
            shown = bar(f"{form}: files", unit="file") if bars else nullcontext()
            with Store.read(ws.store(form)) as store, shown as step:
                reports[form] = _fetch(client, store, ws, form, "all", step, rehash=True)
    for report in reports.values():
        report.raise_for_failures()
    names = ("fetched", "kept", "deleted", "failed")
    counts = [{"form": f, **{n: len(getattr(r, n)) for n in names}} for f, r in reports.items()]
    return pd.DataFrame(counts)


def pull_new_files(
    ws: Workspace, form: str, client: KoboClient, store: Store, *, progress: Step | None = None
) -> dict[str, int]:
    """Fetch the files of `form` that `server.files` of the study file wants and that are not there yet.

    Nothing is asked of the server and no row is read where the rows are as they were when the files came. A
    file that does not come stops nothing: the next pull tries again.

    Returns
    -------
    dict
        ``files_new, files_failed``: how many came, and how many did not.
    """
    wanted = ws.study.server.files
    if wanted == "none" or _is_there(ws, form, store, wanted):
        return {"files_new": 0, "files_failed": 0}
    report = _fetch(client, store, ws, form, wanted, progress, rehash=False)
    return {"files_new": len(report.fetched), "files_failed": len(report.failed)}


def _fetch(
    client: KoboClient,
    store: Store,
    ws: Workspace,
    form: str,
    wanted: Wanted,
    progress: Step | None,
    *,
    rehash: bool,
) -> AttachmentReport:
    proof, folder = store.proof(), ws.attachments(form)
    named = ("_id", "_attachments")
    rows = [{n: row[n] for n in named} for row in store.rows() if row.get("_attachments")]
    if not rows and not folder.exists():
        return AttachmentReport((), (), (), ())
    report = download_attachments(
        client, rows, folder, select=_SELECT[wanted], progress=progress, rehash=rehash
    )
    if not report.failed:
        write_json(folder / MARK, {"proof": proof, "files": wanted})
    return report


def _is_there(ws: Workspace, form: str, store: Store, wanted: Wanted) -> bool:
    mark = read_json(ws.attachments(form) / MARK) or {}
    return mark.get("proof") == store.proof() and mark.get("files") in (wanted, "all")
