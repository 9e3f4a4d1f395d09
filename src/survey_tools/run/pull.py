"""Pull all forms of the study into their stores, and read the stores as tables.

Not here: the protocol (survey_tools.kobo), cleaning.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from survey_tools.kobo import KoboClient, Store, drift
from survey_tools.params import Workspace
from survey_tools.run.attachments import pull_new_files
from survey_tools.run.batch.record import now
from survey_tools.run.erasing.journal import refuse_unfinished
from survey_tools.run.files import write_json
from survey_tools.run.inputs import inputs_of
from survey_tools.run.occupied import at_work
from survey_tools.run.progress import Step, bar
from survey_tools.run.server import Server, kobo_server

if TYPE_CHECKING:
    from survey_tools.kobo import Tables

CLOCK_TOLERANCE = 120.0
"""Seconds by which the clocks of this computer and the server may differ without a word."""


def open_store(ws: Workspace, form: str) -> Store:
    """Open (or make) the store of `form`; one of another server or form is refused."""
    uid = ws.study.forms[form].uid  # type: ignore[index]
    return Store.open(ws.store(form), server=ws.study.server.url, asset=uid)


def pull_all(
    ws: Workspace,
    server: Server | None = None,
    *,
    accept_loss: bool = False,
    progress: Step | None = None,
    bars: bool = False,
) -> pd.DataFrame:
    """Bring every store up to date with the server, and fetch the files that `server.files` wants.

    Parameters
    ----------
    ws : Workspace
    server : Server, optional
        One that is open already; otherwise `kobo_server` opens the study's.
    accept_loss : bool
        Go on although the server has lost many rows since the last pull.
    progress : callable, optional
        Called with (done, total) rows of a form.
    bars : bool
        Show a bar a form on stderr, in place of `progress`.

    Returns
    -------
    DataFrame
        One row a form: the fields of `survey_tools.kobo.PullReport`, and `files_new, files_failed`.

    Raises
    ------
    KoboError, StoreError
        When a form cannot be pulled whole; stores already pulled stay.
    """
    if server is None:
        with kobo_server(ws, progress=progress) as opened:
            return pull_all(ws, opened, accept_loss=accept_loss, progress=progress, bars=bars)
    refuse_unfinished(ws)
    reports = []
    with at_work(ws), KoboClient(server.url, server.token) as client:
        for form, settings in ws.study.forms.items():
            shown = bar(form, unit="row") if bars else nullcontext(progress)
            with open_store(ws, form) as store, shown as step:
                report = client.sync(settings.uid, store, accept_loss=accept_loss, progress=step)
                files = pull_new_files(ws, form, client, store)
            reports.append({**asdict(report), "form": form, **files})
    return pd.DataFrame(reports)


def pull_summary(pulls: pd.DataFrame) -> str:
    """Lay out as text what a pull did: rows by what happened to them, and what it cost.

    Parameters
    ----------
    pulls : DataFrame
        From `pull_all`.
    """
    shown = pulls[["form", "new", "edited", "deleted", "restored", "unchanged", "rows"]].assign(
        server=pulls["server_count"], requests=pulls["requests"], kB=(pulls["bytes"] / 1000).round()
    )
    lines = [shown.astype({"kB": "int64"}).to_string(index=False)]
    for pull in pulls.itertuples():
        lines.append(f"{pull.form}: complete, proof {pull.proof}{_remarks(pull)}")
    return "\n".join(lines)


def _remarks(pull: Any) -> str:
    remarks = ""
    if pull.erased:
        remarks += f"; {pull.erased} erased here are still on the server: delete them there too"
    if pull.files_new:
        remarks += f"; {pull.files_new} files came"
    if pull.files_failed:
        remarks += f"; {pull.files_failed} files did not come: the next pull tries again"
    if pull.arrived:
        remarks += f"; {pull.arrived} came in meanwhile: the next pull fetches them"
    if pull.clock_offset is not None and abs(pull.clock_offset) > CLOCK_TOLERANCE:
        remarks += f"; this computer's clock is {pull.clock_offset:+.0f} s from the server's"
    return remarks


def read_tables(ws: Workspace, form: str) -> Tables:
    """Read the store of `form` as linked, typed tables, renamed questions under their new name."""
    refuse_unfinished(ws)
    with Store.read(ws.store(form)) as store:
        return store.tables(renames=ws.study.renames(form))


def form_changes(ws: Workspace, form: str) -> pd.DataFrame:
    """List what changed between the versions of `form` that were deployed.

    Returns
    -------
    DataFrame
        As of `survey_tools.kobo.drift`, and ``mapped``: for a renamed or moved question, whether
        `renamed_questions` of the study file brings older answers under the new path; else missing.
    """
    with Store.read(ws.store(form)) as store:
        changes = drift(store.form_versions())
    asks = changes["change"].isin(["renamed", "moved"])
    mapped = changes["path"].isin(ws.study.renames(form)).astype("boolean")
    return changes.assign(mapped=mapped.where(asks))


def last_pulls(ws: Workspace) -> list[dict[str, Any]]:
    """Say of each form what its last complete pull left: rows here and there, when, proof, server."""
    there = [form for form in ws.study.forms if ws.store(form).is_file()]
    return [_last_pull(ws, form) for form in there]


def write_provenance(ws: Workspace) -> None:
    """Write `results/provenance.json`: when the results were made, from which pulls, parameters and code."""
    write_json(
        ws.results / "provenance.json",
        {"made": now(), "pulls": last_pulls(ws), "inputs": inputs_of(ws)},
    )


def _last_pull(ws: Workspace, form: str) -> dict[str, Any]:
    with Store.read(ws.store(form)) as store:
        pull, rows, proof = store.last_pull(), store.count(), store.proof()
    known = {} if pull is None else asdict(pull)
    told = {"server_count": known.get("server_count"), "finished": known.get("finished")}
    # What is held now: rows may have been erased since the pull.
    return {"form": form, "rows": rows, **told, "proof": proof, "server": ws.study.server.url}
